"""What can be told of an account before anything is bought: the shape of its key, and what it says of itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_UNSENDABLE = re.compile(r"[^\x21-\x7e]")  # a header holds printable ASCII; a key holds no blanks either
_STRAY = re.compile(r"[\s'\"]")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyShape:
    """What the value of an environment variable looks like: ``pattern`` fits all of it, ``expected`` says it in words.

    A wrong shape is a reason to look again, no more: services change their keys without telling.
    """

    pattern: str
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that accepts its key: what it tells, in words, and how to mend what is not as it should be.

    ``voices`` are the ids that it can speak with; ``None`` where it does not tell. ``clock_ahead_seconds`` is how far
    this machine's clock is ahead of the service's, to a second or two; ``None`` where that does not tell the time.
    """

    message: str
    mend: str | None = None
    voices: frozenset[str] | None = None
    clock_ahead_seconds: float | None = None


def misshapen(value: str, shape: KeyShape | None) -> str | None:
    """What is odd about a key, in words that hold no part of it; ``None`` when nothing is."""
    if _STRAY.search(value):
        return "holds blanks, quotes or line ends"
    if _UNSENDABLE.search(value):
        return "holds characters that no key has"
    if shape and not re.fullmatch(shape.pattern, value):
        return f"does not look like one: expected {shape.expected}"
    return None


def is_sendable(value: str) -> bool:
    """Whether a key can be sent in a header at all, once what surrounds it is taken off."""
    return bool(value.strip()) and not _UNSENDABLE.search(value.strip())


def set_keys(keys: tuple[tuple[str, ...], ...], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The variables of the first group that is set as a whole; none when there is no such group."""
    return next((group for group in keys if all(environ.get(name) for name in group)), ())
