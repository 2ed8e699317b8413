"""What the YAML parser complains about, in a writer's words."""

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
    if beginning is not None and (mark is None or said in _BEGINNING):
        mark = beginning
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Problem(path=path, line=line, column=column, message=_message(said, _line(text, line), column))


def _message(said: str, line: str, column: int) -> str:
    character = line[column - 1 : column]
    indentation = line[: len(line) - len(line.lstrip())]
    if character == "\t" or "\t" in indentation:
        return "a tab is used for indentation; YAML allows only spaces"
    if said == "found character that cannot start any token":
        return f"text cannot begin with {character!r}; put it in quotes"
    return f"not valid YAML: {_ADVICE.get(said, said)}"


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1] if number <= len(lines) else ""
