"""Markdown as GitHub and GitLab show it, in which nothing from a recipe or a service can be more than text."""

from collections.abc import Iterable, Sequence

LIMIT = 65_536  # bytes; GitHub's comments end at so many characters, its job summaries later


def code(text: str) -> str:
    """The text as a code span: there neither HTML nor links, mentions or ``#1`` mean anything. For table cells too."""
    shown = "".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split()))
    if not shown:
        return ""
    # A table's cell ends at the next pipe even inside a span; one of another block than ASCII looks the same.
    shown = shown.replace("|", "\u2223")
    fence = "`" * (max(map(len, _runs(shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _runs(text: str) -> list[str]:
    """The runs of backticks in a text."""
    return "".join(char if char == "`" else " " for char in text).split()


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> list[str]:
    """A table's lines; ``right`` names the columns (from 0) that align on the right. Cells are Markdown."""
    rules = ["--:" if index in set(right) else "---" for index in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (head, rules, *rows)]


def fitted_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], room: int, rest: str, *, right: Iterable[int] = ()
) -> list[str]:
    """A table of as many rows as fit into so many bytes; ``rest`` is the row that tells of ``{}`` others."""
    titles = table(head, [], right=right)
    lines = table((), rows)[2:]
    return [*titles, *fitted(lines, room - len("\n".join([*titles, ""]).encode()), rest)]


def fitted(lines: Sequence[str], room: int, rest: str) -> list[str]:
    """As many of these lines as fit into so many bytes; ``rest`` tells of ``{}`` others."""
    used, spare = 0, len(rest.encode()) + 12
    for number, line in enumerate(lines):
        used += len(line.encode(errors="replace")) + 1
        if used + spare > room and (number < len(lines) - 1 or used > room):
            return [*lines[:number], rest.format(len(lines) - number)]
    return list(lines)
