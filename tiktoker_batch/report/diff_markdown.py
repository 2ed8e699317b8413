"""A plan against that of the last run, as a comment for a pull request."""

from collections.abc import Sequence
from decimal import Decimal

from tiktoker_batch.planning.difference import TO_DO, Difference, VideoChange
from tiktoker_batch.report.diff_text import MARKS, groups, has_news, headline, summary, totals, why_text
from tiktoker_batch.report.markdown import LIMIT, code, fitted_table
from tiktoker_batch.report.quantities import counted, one_line
from tiktoker_batch.store.state import BatchState


def diff_markdown(difference: Difference, before: BatchState, name: str, output: str, to_pay: Decimal) -> str:
    """The videos with what became of them, the totals; the steps are folded away.

    Never longer than a comment may be: what has no room is counted.
    """
    told = [video for video in difference.videos if has_news(video)]
    to_do = sum(step.action in TO_DO for step in difference.steps)
    head = [f"### {code(headline(difference, before, name, output))}", ""]
    rows = [_row(video) for video in told]
    shown = _table(["", "video", "change", "why", "cost"], rows, LIMIT // 2) if rows else []
    lines = [*head, *shown, *([""] if shown else []), *(f"- {line}" for line in totals(difference, to_pay))]
    steps = [row for video in told if video.change not in {"added", "removed"} for row in _step_rows(video)]
    if steps:
        opening = ["", f"<details><summary>Steps; {counted(to_do, 'step')} to do</summary>", ""]
        closing = ["", "</details>"]
        room = LIMIT - len("\n".join([*lines, *opening, *closing, ""]).encode()) - 1
        lines += [*opening, *_table(["", "step", "why"], steps, room), *closing]
    return "\n".join(lines) + "\n"


def _row(video: VideoChange) -> list[str]:
    count, why, cost = summary(video)
    return [code(MARKS[video.change]), code(video.id), count, code(one_line(why)), cost]


def _step_rows(video: VideoChange) -> list[list[str]]:
    rows = []
    for group in groups(video.steps):
        name = group[0].id if len(group) == 1 else f"{video.id}/*/{group[0].kind} x{len(group)}"
        rows.append([code(MARKS[group[0].change]), code(name), code(one_line(why_text(group)))])
    return rows


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> list[str]:
    rest = "| | and {} more" + " |" * (len(head) - 1)
    return fitted_table(head, rows, room, rest, right=[4] if len(head) > 4 else ())
