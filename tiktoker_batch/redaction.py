"""Keeping keys out of words: whatever is shown or written down may have met one."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_HEAD = 6  # characters of a key that are already too many to show
_REST = r"[^\s'\"<>,;]*"
_SHOWN = "[key]"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys that must never be shown; ``redact`` takes them, whole or cut off, out of other people's words."""

    values: tuple[str, ...] = field(repr=False)

    def redact(self, text: str) -> str:
        """The text without any key or beginning of one, nor of the parts that a key consists of."""
        for value in sorted(self.values, key=len, reverse=True):
            for form in _forms(value.strip()):
                # Whole first: a key with a line end in it would else lose its beginning only.
                text = text.replace(form, _SHOWN) if len(form) >= _HEAD else text
            for head in dict.fromkeys(form for part in _parts(value) for form in _forms(part[:_HEAD])):
                text = re.sub(rf"{re.escape(head)}{_REST}", _SHOWN, text)
        return text


def _parts(value: str) -> Iterator[str]:
    """The key, and what is on either side of a colon or a blank in it, as far as it can be told from other words."""
    return (part for part in dict.fromkeys((value.strip(), *re.split(r"[:\s]+", value))) if len(part) >= _HEAD)


def _forms(text: str) -> tuple[str, ...]:
    """A text as it stands, and as tracebacks and JSON spell what is not printable ASCII in it."""
    in_bytes = repr(text.encode(errors="backslashreplace"))[2:-1]
    return tuple(dict.fromkeys((text, ascii(text)[1:-1], json.dumps(text)[1:-1], in_bytes)))
