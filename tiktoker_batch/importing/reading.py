"""JSON that other programs wrote: its values by key, and a place for whatever is wrong with them."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.importing.text import readable
from tiktoker_batch.recipe.text import parsed_json, place_of, read_text

MAX_BYTES = 50 * 1024 * 1024
Pointer = tuple[str | int, ...]
_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\n\r]*")
_NAMES = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """JSON that could be read: all of a text, or what stands at ``base`` in it. ``problems`` grows.

    ``line`` is the one of its file that the text begins on.
    """

    path: Path
    text: str = field(repr=False)
    data: Any = field(repr=False)
    problems: list[Problem]
    base: Pointer = ()
    line: int = 1

    def wrong(self, at: Pointer, message: str) -> None:
        """Note what is wrong with the value at a place."""
        line, column = place_of(self.text, _offset(self.text, (*self.base, *at)))
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).lstrip(".")
        said = f"{where}: {message}" if where else message
        line += self.line - 1
        self.problems.append(Problem(path=str(self.path), line=line, column=column, message=said))

    def fields(self, expected: str) -> "Fields":
        """The document as an object; ``expected`` says what it should have been."""
        if isinstance(self.data, dict):
            return Fields(self, (), self.data)
        self.wrong((), f"expected {expected}, got {_kind(self.data)}")
        return Fields(self, (), {})


def read_document(path: Path, problems: list[Problem]) -> Document:
    """A JSON file.

    :raises RecipeError: it cannot be read, or is no JSON, at its place.
    """
    text, _ = read_text(path, max_bytes=MAX_BYTES)
    return Document(path=path, text=text, data=parsed_json(path, text), problems=problems)


def read_documents(path: Path, problems: list[Problem]) -> list[Document]:
    """A file of several objects: each item of a JSON array, or each line that holds one; a lone object is one.

    :raises RecipeError: it cannot be read, or is none of these, at its place.
    """
    text, _ = read_text(path, max_bytes=MAX_BYTES)
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not lines:
        raise RecipeError([Problem(path=str(path), line=1, column=1, message="the file is empty")])
    if text.lstrip()[0] == "{" and len(lines) > 1 and _is_json(lines[0][1]):
        return [
            Document(path=path, text=line, data=parsed_json(path, line, line=number), problems=problems, line=number)
            for number, line in lines
        ]
    data = parsed_json(path, text)
    if not isinstance(data, list):
        return [Document(path=path, text=text, data=data, problems=problems)]
    return [
        Document(path=path, text=text, data=item, problems=problems, base=(index,)) for index, item in enumerate(data)
    ]


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (RecursionError, ValueError):
        return False
    return True


def _offset(text: str, at: Pointer) -> int:
    """Where a value begins in a text that is JSON."""
    offset = _skip(text, 0)
    for step in at:
        # Of equal keys the last one counts, as for whoever reads the file; for what is not there its owner's place.
        *_, offset = offset, *(begins for key, begins in _members(text, offset) if key == step)
    return offset


def _members(text: str, offset: int) -> Iterator[tuple[str | int, int]]:
    """The keys or indexes of what begins here, each with the place of its value."""
    key: str | int
    named, number = text[offset] == "{", 0
    offset = _skip(text, offset + 1)
    while text[offset] not in "]}":
        key = number
        if named:
            key, offset = _DECODER.raw_decode(text, offset)
            offset = _skip(text, _skip(text, offset) + 1)
        yield key, offset
        offset = _skip(text, _DECODER.raw_decode(text, offset)[1])
        offset, number = _skip(text, offset + (text[offset] == ",")), number + 1


def _skip(text: str, offset: int) -> int:
    found = _BLANK.match(text, offset)
    return found.end() if found else offset


def _kind(value: Any) -> str:
    return "nothing" if value is None else _NAMES[type(value)]


@dataclass(slots=True)
class Fields:
    """An object's values, taken key by key; a missing one and null are the same. Wrong ones are noted and ``None``."""

    document: Document
    at: Pointer
    values: Mapping[str, Any]
    taken: set[str] = field(default_factory=set)

    def take(self, key: str, *types: type) -> Any:
        """A value of one of these types."""
        self.taken.add(key)
        value = self.values.get(key)
        if value is None or (isinstance(value, types) and (bool in types or not isinstance(value, bool))):
            return value
        expected = " or ".join(dict.fromkeys(_NAMES[each] for each in types))
        self.document.wrong((*self.at, key), f"expected {expected}, got {_kind(value)}")
        return None

    def text(self, key: str) -> str | None:
        """A text that says something, as a recipe can hold it."""
        value = self.take(key, str)
        return readable(value).strip() or None if value else None

    def number(self, key: str) -> float | None:
        """A number; not one of those that JSON itself does not know."""
        value: float | None = self.take(key, int, float)
        if value is None or math.isfinite(value):
            return value
        self.document.wrong((*self.at, key), "expected a number")
        return None

    def texts(self, key: str) -> list[str]:
        """A list of texts; those that say nothing are left out."""
        found = []
        for index, value in enumerate(self.take(key, list) or ()):
            if isinstance(value, str):
                found.append(readable(value).strip())
            else:
                self.document.wrong((*self.at, key, index), f"expected text, got {_kind(value)}")
        return [text for text in found if text]

    def inner(self, key: str) -> "Fields":
        """The object under a key, empty where there is none."""
        return Fields(self.document, (*self.at, key), self.take(key, dict) or {})

    def each(self, key: str) -> list["Fields"]:
        """The objects of the list under a key."""
        found = []
        for index, value in enumerate(self.take(key, list) or ()):
            at = (*self.at, key, index)
            if isinstance(value, dict):
                found.append(Fields(self.document, at, value))
            else:
                self.document.wrong(at, f"expected an object, got {_kind(value)}")
        return found

    def others(self) -> list[str]:
        """The keys that nobody has taken and that say something."""
        empty: tuple[object, ...] = (None, "", [], {})
        return [readable(key) for key, value in self.values.items() if key not in self.taken and value not in empty]
