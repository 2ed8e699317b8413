"""Files that people write: from bytes to text, with a place for whatever is wrong with them."""

import codecs
import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.recipe.suggest import did_you_mean

MAX_BYTES = 5 * 1024 * 1024

# What YAML 1.2 (5.1) counts as printable, turned round.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# The four bytes of UTF-32 begin like the two of UTF-16, so they come first.
_OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def read_text(path: Path, *, max_bytes: int = MAX_BYTES) -> tuple[str, str]:
    """A file's text and the sha256 of its bytes. A byte order mark of UTF-8 is dropped.

    :raises RecipeError: it cannot be read, is no regular file, is too large or is not UTF-8 text.
    """
    raw = read_bytes(path, max_bytes)
    return decode(raw, str(path)), hashlib.sha256(raw).hexdigest()


def decode(raw: bytes, path: str) -> str:
    """UTF-8 bytes as text.

    :raises RecipeError: another encoding, invalid bytes or control characters, at their place.
    """
    for mark, encoding in _OTHER_MARKS.items():
        if raw.startswith(mark):
            raise _at(path, 1, 1, f"the file is in {encoding}; save it as UTF-8")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = place_of(raw[: error.start].decode("utf-8"), error.start)
        message = f"byte 0x{raw[error.start]:02x} is not valid UTF-8; save the file as UTF-8"
        raise _at(path, line, column, message) from None
    found = _FORBIDDEN.search(text)
    if found:
        line, column = place_of(text, found.start())
        raise _at(path, line, column, f"{name_character(found.group())} cannot stand in a text file; remove it")
    return text


def forbidden_character(text: str) -> str | None:
    """The first character that no text may hold (control characters, lone surrogates), by its name."""
    found = _FORBIDDEN.search(text)
    return name_character(found.group()) if found else None


def name_character(character: str) -> str:
    """How a message shows a character that cannot be shown."""
    return "a NUL character" if character == "\0" else f"the control character U+{ord(character):04X}"


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset."""
    before = text[:offset]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def missing(path: Path) -> str:
    """Why there is no file at a path, with the nearest name in its folder."""
    if not path.parent.is_dir():
        near = did_you_mean(path.parent.name, _names(path.parent.parent))
        return f"there is no folder {str(path.parent)!r}{near}"
    near = did_you_mean(path.name, _names(path.parent))
    return f"there is no file {path.name!r} in {str(path.parent)!r}{near}"


def unreadable(path: Path) -> str | None:
    """Why a path is no file to read, or ``None``."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return missing(path)
    except (OSError, ValueError) as error:
        return f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}"
    if stat.S_ISDIR(found.st_mode):
        return f"{str(path)!r} is a folder, not a file; name a file in it"
    if not stat.S_ISREG(found.st_mode):
        return f"{str(path)!r} is not a regular file; copy what it holds into one"
    if found.st_size == 0:
        return f"{str(path)!r} is empty; fill it or name another"
    return None if os.access(path, os.R_OK) else f"no permission to read {str(path)!r}; change its mode"


def no_folder(path: Path) -> str | None:
    """Why a path is no folder, or ``None``."""
    if path.is_dir():
        return None
    return f"{str(path)!r} is not a folder" if path.exists() else missing(path)


def parsed_json(path: Path, text: str, *, line: int = 1, advice: str = "", **hooks: Any) -> Any:
    """JSON as Python has it; ``line`` is the one of its file that the text begins on, ``hooks`` are json's own.

    :raises RecipeError: it is no JSON, at its place.
    """
    try:
        return json.loads(text, **hooks)
    except json.JSONDecodeError as error:
        line, column, message = line + error.lineno - 1, error.colno, f"not JSON: {error.msg}{advice}"
    except (RecursionError, ValueError):
        column, message = 1, "this JSON is nested too deeply, or holds too long a number"
    raise RecipeError([Problem(path=str(path), line=line, column=column, message=message)])


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder)]
    except (OSError, ValueError):
        return []


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """A regular file's bytes.

    :raises RecipeError: it cannot be read, is no regular file or is too large.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise _at(str(path), 1, 1, "this is a folder, not a file; name the file in it")
        if not stat.S_ISREG(found.st_mode):
            raise _at(str(path), 1, 1, "this is not a regular file")
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1) if found.st_size <= max_bytes else b""
    except FileNotFoundError:
        raise _at(str(path), 1, 1, missing(path)) from None
    except PermissionError:
        raise _at(str(path), 1, 1, "no permission to read this file") from None
    except (OSError, ValueError) as error:
        raise _at(str(path), 1, 1, f"this file cannot be read: {error}") from None
    if max(found.st_size, len(raw)) > max_bytes:
        size = f"{found.st_size / 2**20:.1f} MB"
        raise _at(str(path), 1, 1, f"the file is too large ({size}); at most {max_bytes / 2**20:g} MB are read")
    return raw


def _at(path: str, line: int, column: int, message: str) -> RecipeError:
    return RecipeError([Problem(path=path, line=line, column=column, message=message)])
