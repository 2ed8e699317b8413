"""Rows of data that ``foreach`` makes videos of: CSV, TSV, JSON, NDJSON and YAML files."""

import codecs
import csv
import hashlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.recipe.compose import compose
from tiktoker_batch.recipe.source import plain
from tiktoker_batch.recipe.text import decode, missing, parsed_json, read_bytes

MAX_BYTES = 50 * 1024 * 1024
FORMATS = (".csv", ".tsv", ".json", ".ndjson", ".jsonl", ".yaml", ".yml")

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_DELIMITERS = ",;\t|"
_FEW = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number from 1 and its values by column."""

    number: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file and the sha256 of its bytes."""

    rows: list[Row]
    sha256: str


def read_table(path: Path) -> Table:
    """The rows of a file, by the format that its ending names; empty ones are skipped.

    :raises RecipeError: it cannot be read, or rows that are no mappings of columns, at their places.
    """
    raw = read_bytes(path, MAX_BYTES)
    return Table(_rows(path, _text(path, raw)), hashlib.sha256(raw).hexdigest())


def _rows(path: Path, text: str) -> list[Row]:
    match path.suffix.lower():
        case ".csv":
            return _table(path, text, _delimiter(text))
        case ".tsv":
            return _table(path, text, "\t")
        case ".json":
            return _mappings(path, _json(path, text, 1))
        case ".ndjson" | ".jsonl":
            lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
            return _mappings(path, [_json(path, line, number) for number, line in lines], [each[0] for each in lines])
        case _:
            root, problems = compose(text, str(path))
            if problems:
                raise RecipeError(problems)
            places = [node.line for node in root.content] if root and isinstance(root.content, tuple) else []
            return _mappings(path, plain(root) if root else [], places)


def why_not(path: Path) -> str | None:
    """Why a path is no file of rows, or ``None``."""
    if path.suffix.lower() not in FORMATS:
        return f"foreach: {path.name!r} is no table that can be read; save it as one of {', '.join(FORMATS)}"
    try:
        return None if path.exists() else missing(path)
    except (OSError, ValueError) as error:
        return f"foreach: {path.name[:40]!r} cannot be read: {error}"


def _text(path: Path, raw: bytes) -> str:
    if raw.startswith(_UTF_16) and not raw.startswith(_UTF_32):  # what spreadsheets call Unicode text
        try:
            raw = raw.decode("utf-16").encode()
        except UnicodeError as error:
            raise _wrong(path, 1, f"the file is not valid UTF-16: {error}") from None
    return decode(raw, str(path))


def _delimiter(text: str) -> str:
    """The delimiter that is most frequent in the header outside quotes; a comma where there is none."""
    quoted = False
    counts = dict.fromkeys(_DELIMITERS, 0)
    for character in text.lstrip():
        if character == '"':
            quoted = not quoted
        elif not quoted and character in "\r\n":
            break
        elif not quoted and character in counts:
            counts[character] += 1
    return max(counts, key=lambda each: counts[each])


def _table(path: Path, text: str, delimiter: str) -> list[Row]:
    lines = _lines(path, text, delimiter)
    header_line, header = next(lines, (1, []))
    header = [name.strip() for name in header]
    if not header:
        raise _wrong(path, 1, "the file is empty; its first line names the columns")
    problems = [
        _problem(
            path,
            header_line,
            f"two columns are named {name!r}; rename one" if name else f"column {index + 1} has no name; give it one",
        )
        for index, name in enumerate(header)
        if not name or name in header[:index]
    ]
    rows = []
    for number, (line, cells) in enumerate(lines, start=1):
        if len(cells) == len(header):
            rows.append(Row(number, dict(zip(header, cells, strict=True))))
            continue
        lacking = ", ".join(header[len(cells) :])
        advice = f"; missing: {lacking}" if lacking else f"; quote cells that hold {delimiter!r}"
        columns = f"{len(cells)} {'column' if len(cells) == 1 else 'columns'}"
        problems.append(_problem(path, line, f"row {number} has {columns}, the header {len(header)}{advice}"))
    if problems:
        raise RecipeError(problems[:_FEW])
    return rows


def _lines(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, each with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    before = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield before + 1, cells
            before = reader.line_num
    except csv.Error as error:
        raise _wrong(path, before + 1, f"this row cannot be read: {error}; check its quotes") from None


def _json(path: Path, text: str, line: int) -> Any:
    hooks = {"parse_constant": _refuse_constant, "parse_float": _finite}
    try:
        return parsed_json(path, text, line=line, advice="; check this place", **hooks)
    except _NotFinite as error:
        raise _wrong(path, line, f"{error} is not a finite number; put it in quotes if it is text") from None


class _NotFinite(Exception):
    """A number that JSON itself does not have."""


def _refuse_constant(name: str) -> Any:
    raise _NotFinite(name)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _NotFinite(digits[:24])
    return number


def _mappings(path: Path, found: Any, lines: list[int] | None = None) -> list[Row]:
    if not isinstance(found, list):
        raise _wrong(path, 1, "expected a list of rows, each a mapping of keys")
    problems = [
        _problem(
            path, lines[index] if lines else 1, f'row {index + 1} is no mapping of keys; write it like {{"id": "a"}}'
        )
        for index, each in enumerate(found)
        if each is not None and not isinstance(each, dict)
    ]
    if problems:
        raise RecipeError(problems[:_FEW])
    return [Row(number, each) for number, each in enumerate(found, start=1) if each]


def _problem(path: Path, line: int, message: str) -> Problem:
    return Problem(path=str(path), line=line, column=1, message=message)


def _wrong(path: Path, line: int, message: str) -> RecipeError:
    return RecipeError([_problem(path, line, message)])
