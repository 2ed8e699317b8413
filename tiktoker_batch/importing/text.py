"""A recipe as YAML text with comments: behind each value stands where it comes from."""

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Union

WIDTH = 118
_PLAIN = re.compile(r"[^\W\d_][\w ,.;()'/+&%-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})  # quoted for readers of YAML 1.1
# Line breaks to some readers of YAML, and the mark that a text begins with.
_ESCAPED = {character: f"\\u{ord(character):04x}" for character in "\x85\u2028\u2029\ufeff"}
_BRACES = re.compile(r"\{[{%#]")
_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Value = Union[str, int, float, bool, "Mapping", "list[Value]"]
Mapping = tuple[Union["Entry", "Remark"], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value and, for a comment, where that comes from. A mapping is a tuple, a list a list."""

    key: str
    value: Value
    whence: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment among the keys of a mapping."""

    text: str


def recipe_text(head: Sequence[str], entries: Mapping) -> str:
    """The recipe below the comments of its head."""
    lines = [*(f"# {readable(line)}".rstrip() for line in head), ""]
    for each in entries:
        if isinstance(each, Entry) and isinstance(each.value, tuple | list) and lines[-1]:
            lines.append("")
        lines += _lines((each,), 0)
    return "\n".join(lines) + "\n"


def readable(text: str) -> str:
    """A text that a recipe can hold: one kind of line break, no control characters, no halves of characters."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _UNPRINTABLE.sub("", whole.replace("\r\n", "\n").replace("\r", "\n"))


def shown(value: object, *, at_most: int = 160) -> str:
    """A value as a comment shows it, on one line."""
    written = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    line = " ".join(readable(written).split())
    return line if len(line) <= at_most else f"{line[: at_most - 1]}…"


def _lines(entries: Mapping, indent: int) -> Iterator[str]:
    pad = " " * indent
    for each in entries:
        match each:
            case Remark(text):
                yield from _remark(text, pad)
            case Entry(key, tuple() as inner, whence):
                yield from _commented(f"{pad}{scalar(key)}:", whence, pad)
                yield from _lines(inner, indent + 2)
            case Entry(key, list() as items, whence):
                yield from _commented(f"{pad}{scalar(key)}:", whence, pad)
                yield from _items(items, indent + 2)
            case Entry(key, str() as text, whence) if _is_block(key, text):
                # What is spoken is trimmed anyway, and reads better without the dash.
                yield from _commented(f"{pad}{scalar(key)}: {'|' if key == 'script' else '|-'}", whence, pad)
                yield from (f"{pad}  {line}".rstrip() for line in _escaped(text).split("\n"))
            case Entry(key, value, whence):
                yield from _commented(f"{pad}{scalar(key)}: {scalar(value)}", whence, pad)


def _items(items: Sequence[Value], indent: int) -> Iterator[str]:
    pad = " " * indent
    for number, item in enumerate(items):
        if not isinstance(item, tuple):
            yield f"{pad}- {scalar(item)}"
            continue
        if number and len(item) > 2:
            yield ""
        first, *more = _lines(item, indent + 2)
        yield f"{pad}- {first.lstrip()}"
        yield from more


def _commented(line: str, whence: str, pad: str) -> Iterator[str]:
    if not whence:
        yield line
    elif len(line) + len(whence) + 4 <= WIDTH or line.lstrip().startswith("id:"):
        yield f"{line}  # {shown(whence)}"
    else:
        yield from _remark(whence, pad)
        yield line


def _remark(text: str, pad: str) -> Iterator[str]:
    lines = textwrap.wrap(shown(text, at_most=1000), WIDTH - len(pad), break_on_hyphens=False, break_long_words=False)
    yield from (f"{pad}# {line}" for line in lines)


def _is_block(key: str, text: str) -> bool:
    """Whether a text stands on lines of its own, as it is; else it is quoted."""
    lines = text.split("\n")
    if len(lines) == 1 and (key != "script" or len(text) < 80):
        return False
    odd = lines[0][:1] in {" ", "\t", ""} or not lines[-1] or any(line != line.rstrip() for line in lines)
    return not odd and not any(character in text for character in _ESCAPED)


def scalar(value: Value) -> str:
    """A value on one line: as it is where that can be read in one way only, else in quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}"
    text = str(value)
    if _PLAIN.fullmatch(text) and not text.endswith(" ") and text.casefold() not in _WORDS:
        return text
    quoted = json.dumps(_escaped(text), ensure_ascii=False)
    for character, escape in _ESCAPED.items():
        quoted = quoted.replace(character, escape)
    return quoted


def unbraced(text: str) -> str:
    """A text for where a recipe allows no expressions: nothing in it looks like one."""
    return _BRACES.sub(lambda match: " ".join(match.group()), text)


def _escaped(text: str) -> str:
    """What would be an expression, or read the environment, is meant as it stands."""
    if "{{" in text or "{%" in text:
        text = _BRACES.sub(lambda match: f"{{{{ '{match.group()}' }}}}", text)
    return text.replace("${", "$${")
