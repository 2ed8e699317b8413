"""Content keys: sha256 over canonical JSON."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec


def canonical(value: Any) -> str:
    """One JSON text for equal values: sorted keys, no spaces, whole floats as integers."""
    return _canonical(value).decode()


def digest(value: Any) -> str:
    """The sha256 (hex) of a value's canonical JSON; half of a surrogate pair is as good as any other character."""
    return hashlib.sha256(_canonical(value)).hexdigest()


def _canonical(value: Any) -> bytes:
    plain = _plain(value)
    try:
        return _encode(plain)
    except (UnicodeEncodeError, OverflowError):  # half a surrogate pair, an integer of more than 64 bits
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
            errors="backslashreplace"
        )


def seed_from(*parts: Any) -> int:
    """A 31-bit seed that equal parts always give: the width that every provider's ``seed`` field takes."""
    return int(digest(list(parts))[:8], 16) & 0x7FFF_FFFF


_encode = msgspec.json.Encoder(order="sorted").encode
_AS_THEY_ARE = frozenset({str, int, bool, type(None)})


def _plain(value: Any) -> Any:
    # Most values are what they are to become, or a dict or list of such: a plan of 1,000 videos has half a million.
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is dict:
        return {str(key): item if type(item) in _AS_THEY_ARE else _plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [item if type(item) in _AS_THEY_ARE else _plain(item) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no place in JSON")
        return int(value) if value.is_integer() else value  # a recipe's 4 and 4.0 are the same duration
    if isinstance(value, Decimal):
        return str(value)
    return _plain_of_others(value)


def _plain_of_others(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return _plain(dict(value))
    return _plain(list(value)) if isinstance(value, Sequence) else value
