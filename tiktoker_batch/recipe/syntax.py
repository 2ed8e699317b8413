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
    "found unexpected end of stream": "a quote is opened here and never closed",
    "found unknown escape character": "unknown escape after '\\'; double the backslash or use single quotes",
    "did not find expected ',' or ']'": "a list in [ ] is not closed, or lacks a comma; quote items with '#' or ': '",
    "did not find expected ',' or '}'": "a mapping in { } is not closed, or lacks a comma; quote text with '#' or ': '",
    "did not find expected node content": "a value is missing; quote text that begins with '#'",
    "found incompatible YAML document": "only YAML 1.1 and 1.2 are read; drop the %YAML line",
    "found undefined tag handle": "this tag is not known; quote text that begins with '!'",
}
_REFERENCE = "not valid YAML: '${...}' must be quoted inside { } and [ ], because its brace closes them"
_UNQUOTED = re.compile(r"""(?:^|[:,\[{])\s*(?:[^"'\s,][^"',]*?)?(?P<reference>\$\{)""")
# Problems whose beginning tells more than the point where the parser gave up.
_BEGINNING = (
    "found unexpected end of stream",
    "did not find expected ',' or ']'",
    "did not find expected ',' or '}'",
)


def explain(error: yaml.YAMLError, text: str, path: str) -> Problem:
    """The problem behind a parser's error, where its writer would look for it."""
    said = getattr(error, "problem", None) or str(error)
    mark = getattr(error, "problem_mark", None)
    beginning = getattr(error, "context_mark", None)
    lines = text.splitlines() or [""]
    if beginning is not None and said in _BEGINNING:
        unquoted = _unquoted_reference(lines, beginning, mark)
        if unquoted:
            return Problem(path=path, line=unquoted[0], column=unquoted[1], message=_REFERENCE)
    if beginning is not None and (mark is None or said in _BEGINNING):
        mark = beginning
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if line > len(lines):  # the parser gave up behind the end
        line, column = len(lines), len(lines[-1]) + 1
    return Problem(path=path, line=line, column=column, message=_message(said, lines[line - 1], column))


def _unquoted_reference(lines: list[str], beginning: Any, end: Any) -> tuple[int, int] | None:
    """Where a ``${NAME}`` without quotes closes a mapping in braces too early."""
    last = end.line if end is not None else len(lines)
    for number in range(beginning.line, min(last + 1, len(lines))):
        for found in _UNQUOTED.finditer(lines[number]):
            start = found.start("reference")
            if all(lines[number].count(quote, 0, start) % 2 == 0 for quote in "\"'"):
                return number + 1, start + 1
    return None


def _message(said: str, line: str, column: int) -> str:
    character = line[column - 1 : column]
    indentation = line[: len(line) - len(line.lstrip())]
    if character == "\t" or "\t" in indentation:
        return "a tab is used for indentation; YAML allows only spaces"
    if said == "found character that cannot start any token":
        return f"text cannot begin with {character!r}; put it in quotes"
    return f"not valid YAML: {_ADVICE.get(said, said)}"
