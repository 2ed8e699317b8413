"""What an unquoted word means: the core schema of YAML 1.2 (10.3.2), as editors read it.

``9:16``, ``no``, ``on``, ``1_000`` and dates are text. Numbers that JSON cannot carry are refused.
"""

import math
import re

Scalar = None | bool | int | float | str

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_TYPES: dict[str, type] = {"int": int, "float": float, "bool": bool, "null": type(None)}
_FIRST = frozenset("+-.0123456789")
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

MAX_INTEGER = 2**53  # beyond it, readers of JSON disagree
_MAX_DIGITS = 400


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar.

    :raises ValueError: a number that no recipe can use, in words.
    """
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in _FIRST:
        return text
    return _number(text)


def tagged(text: str, tag: str) -> Scalar:
    """The value of a scalar with one of the core schema's tags (``str``, ``int``, ``float``, ``bool``, ``null``).

    :raises ValueError: the text is not of that type.
    """
    if tag == "str":
        return text
    value = resolve(text)
    if tag == "float" and type(value) is int:
        value = float(value)
    if type(value) is not _TYPES[tag]:
        raise ValueError(f"{text[:40]!r} is not a value for !!{tag}; drop the tag or mend the value")
    return value


def _number(text: str) -> Scalar:
    if len(text) > _MAX_DIGITS and (_INT.fullmatch(text) or _BASED.fullmatch(text) or _FLOAT.fullmatch(text)):
        raise ValueError("this number is too large; quote it if it is text")
    if _INT.fullmatch(text) or _BASED.fullmatch(text):
        value = int(text, 10 if _INT.fullmatch(text) else 0)
        if abs(value) > MAX_INTEGER:
            raise ValueError(f"the number {text[:24]} is too large; quote it if it is text")
        return value
    if _NOT_FINITE.fullmatch(text) or (_FLOAT.fullmatch(text) and not math.isfinite(float(text))):
        raise ValueError(f"{text[:24]} is not a finite number; quote it if it is text")
    return float(text) if _FLOAT.fullmatch(text) else text
