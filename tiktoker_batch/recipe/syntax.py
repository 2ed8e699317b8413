"""What the YAML parser complains about, in a writer's words."""

import re
from typing import Any

import yaml

from tiktoker_batch.errors import Problem

# What the parser says -> what to do about it.
_ADVICE = {
    "mapping values are not allowed in this context": "a ':' followed by a space stands where no key can; "
    "quote text that holds ': ', and line keys up with their neighbours",
    "could not find expected ':'": "a key without ': ' after it; check this line's indentation or quote the text",
    "did not find expected key": "this line does not line up with the keys above; check its indentation and quotes",
    "did not find expected '-' indicator": "this line does not line up with the list above; check its indentation",
    "found unexpected end of stream": "a quote is opened here and never closed; close it at the end of its text",
    "found unknown escape character": "unknown escape after '\\'; double the backslash or use single quotes",
    "did not find expected ',' or ']'": "a list in [ ] is not closed, or lacks a comma; quote items with '#' or ': '",
    "did not find expected ',' or '}'": "a mapping in { } is not closed, or lacks a comma; quote text with '#' or ': '",
    "did not find expected node content": "a value is missing; quote text that begins with '#'",
    "found incompatible YAML document": "only YAML 1.1 and 1.2 are read; drop the %YAML line",
    "did not find expected alphabetic or numeric character": "'*' and '&' begin names of YAML's own; "
    "quote text that begins with them",
    "did not find expected comment or line break": "the text of '|' and '>' begins on the next line; move it there",
    "found undefined tag handle": "this tag is not known; quote text that begins with '!'",
}
_GLUED = re.compile(r"(?P<key>[\w.-]+):[^\s:/]")
_REFERENCE = "not valid YAML: '${...}' must be quoted inside { } and [ ], because its brace closes them"
_UNQUOTED = re.compile(r"""(?:^|[:,\[{])\s*(?:[^"'\s,][^"',]*?)?(?P<reference>\$\{)""")
# Problems that a line without its colon can make of the lines after it.
_LACKING = (
    "mapping values are not allowed in this context",
    "could not find expected ':'",
    "did not find expected key",
    "did not find expected '-' indicator",
)
# Problems whose beginning tells more than the point where the parser gave up.
_BEGINNING = (
    "found unexpected end of stream",
    "did not find expected ',' or ']'",
    "did not find expected ',' or '}'",
    "could not find expected ':'",
    "did not find expected alphabetic or numeric character",
)


def explain(error: yaml.YAMLError, text: str, path: str, last: Any = None) -> Problem:
    """The problem behind a parser's error, where its writer would look for it; ``last`` is the last event before it."""
    said = getattr(error, "problem", None) or str(error)
    mark = getattr(error, "problem_mark", None)
    beginning = getattr(error, "context_mark", None)
    lines = text.splitlines() or [""]
    quoted = _badly_closed(last, mark, text)
    if quoted:
        return Problem(path=path, line=last.start_mark.line + 1, column=last.start_mark.column + 1, message=quoted)
    if beginning is not None and said in _BEGINNING:
        unquoted = _unquoted_reference(lines, beginning, mark)
        if unquoted:
            return Problem(path=path, line=unquoted[0], column=unquoted[1], message=_REFERENCE)
    if beginning is not None and (mark is None or said in _BEGINNING):
        mark = beginning
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if line > len(lines):  # the parser gave up behind the end
        line, column = len(lines), len(lines[-1]) + 1
    if said in _LACKING and "\t" not in _indentation(lines[line - 1]):
        if _is_item_without_dash(lines, line):
            message = (
                "not valid YAML: an item of the list above without its '- '; put one before it, or quote the item above"
            )
            return Problem(path=path, line=line, column=len(_indentation(lines[line - 1])) + 1, message=message)
        is_block = isinstance(last, yaml.ScalarEvent) and last.style in {"|", ">"}
        lacking = _without_colon(lines, line, None if is_block else _before(lines, line))
        if lacking:
            return Problem(path=path, line=lacking[0], column=lacking[1], message=f"not valid YAML: {lacking[2]}")
    return Problem(path=path, line=line, column=column, message=_message(said, lines[line - 1], column))


def _badly_closed(last: Any, mark: Any, text: str) -> str | None:
    """What is wrong where a text in quotes is followed by what cannot follow it: mostly its end is elsewhere."""
    is_quoted = isinstance(last, yaml.ScalarEvent) and last.style in {"'", '"'}
    if not is_quoted or mark is None or mark.line != last.end_mark.line:
        return None
    if text[last.end_mark.index : mark.index].strip():
        return None
    start, end = last.start_mark, last.end_mark
    inside = "''" if last.style == "'" else '\\"'
    advice = f"write {inside} for one inside the text" if start.line == end.line else "close them where the text ends"
    place = f"{end.line + 1}:{end.column}"
    return f"not valid YAML: the quotes that open here close at {place}, and more text follows; {advice}"


def _before(lines: list[str], line: int) -> int | None:
    """The line that this one may seem to go on with, if there is one."""
    before = next((number for number in range(line - 1, 0, -1) if _bare(lines[number - 1])), None)
    above = lines[before - 1] if before else ""
    is_item_above = above.lstrip().startswith("- ") and len(_indentation(lines[line - 1])) <= len(_indentation(above))
    return None if is_item_above else before


def _is_item_without_dash(lines: list[str], line: int) -> bool:
    """Whether a line without any key stands below the item of a list, exactly where its dash is."""
    above = next((each for each in reversed(lines[: line - 1]) if _bare(each)), "")
    this = lines[line - 1]
    is_item = above.lstrip().startswith("- ") and not this.lstrip().startswith("-")
    return is_item and _indentation(this) == _indentation(above) and not re.search(r":(\s|$)", _bare(this))


def _without_colon(lines: list[str], line: int, before: int | None) -> tuple[int, int, str] | None:
    """The line that is no key with a value, this one or the one before it, and what it lacks."""
    for number in (line, before):
        words = _bare(lines[number - 1]) if number else ""
        if not number or not words or words[0] in "\"'[{|>&*!%@`" or ": " in words or words.endswith(":"):
            continue
        glued = _GLUED.match(words)
        what = f"a space is missing after '{glued['key']}:'" if glued else "a key without ': ' after it"
        return number, lines[number - 1].index(words) + 1, f"{what}; check this line's indentation or quote the text"
    return None


def _bare(line: str) -> str:
    """A line without its indentation, dashes and comment."""
    return re.sub(r"(^|\s)#.*", "", line).strip().removeprefix("- ").strip()


def _unquoted_reference(lines: list[str], beginning: Any, end: Any) -> tuple[int, int] | None:
    """Where a ``${NAME}`` without quotes closes a mapping in braces too early."""
    last = end.line if end is not None else len(lines)
    for number in range(beginning.line, min(last + 1, len(lines))):
        for found in _UNQUOTED.finditer(lines[number]):
            start = found.start("reference")
            if all(lines[number].count(quote, 0, start) % 2 == 0 for quote in "\"'"):
                return number + 1, start + 1
    return None


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _message(said: str, line: str, column: int) -> str:
    character = line[column - 1 : column]
    if character and character in "]}" and said in _LACKING:
        return f"not valid YAML: this {character!r} closes nothing; remove it or open it further up"
    if character == "\t" or "\t" in _indentation(line):
        return "a tab is used for indentation; YAML allows only spaces"
    if said == "found character that cannot start any token":
        return f"text cannot begin with {character!r}; put it in quotes"
    return f"not valid YAML: {_ADVICE.get(said, said)}"
