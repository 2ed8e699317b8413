"""Typed values out of one catalog entry; what does not fit is a :class:`WrongEntry` in words."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

T = TypeVar("T")


class WrongEntry(Exception):
    """What is wrong with an entry, and the keys that lead to it (``at``); its file and its name are known elsewhere."""

    def __init__(self, what: str, *at: str) -> None:
        super().__init__(what)
        self.at = at


@dataclass(slots=True)
class Fields:
    """An entry's values, taken one by one; what nobody took at the end is a mistake."""

    values: Any
    taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if not isinstance(self.values, dict):
            raise WrongEntry(f"expected keys and values, got {self.values!r}")

    def take(self, key: str, convert: Callable[[Any], T], default: T | None = None) -> T:
        """The value of a key, converted; ``default`` where it is not given, which must be where that is ``None``.

        :raises WrongEntry: it is missing, or is not what was asked for.
        """
        self.taken.add(key)
        if key not in self.values:
            if default is None:
                raise WrongEntry(f"{key!r} is missing")
            return default
        try:
            return convert(self.values[key])
        except WrongEntry as error:
            raise WrongEntry(f"{key}: {error}", key, *error.at) from None

    def close(self) -> None:
        """Complain about keys that nobody took.

        :raises WrongEntry: there is one.
        """
        unknown = [key for key in self.values if key not in self.taken]
        if unknown:
            raise WrongEntry(f"unknown key {unknown[0]!r}{near(str(unknown[0]), self.taken)}", str(unknown[0]))


def near(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?``, or nothing."""
    found = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def text(value: object) -> str:
    """Text that says something, trimmed."""
    if not isinstance(value, str) or not value.strip():
        raise WrongEntry(f"expected text, got {value!r} (quotes missing?)")
    return value.strip()


def texts(value: object) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list):
        raise WrongEntry(f"expected a list of texts, got {value!r}")
    return tuple(text(item) for item in value)


def number(value: object) -> float:
    """A number above zero."""
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        raise WrongEntry(f"expected a number above zero, got {value!r}")
    return float(value)


def numbers(value: object) -> tuple[float, ...]:
    """A list of numbers above zero."""
    if not isinstance(value, list):
        raise WrongEntry(f"expected a list of numbers, got {value!r}")
    return tuple(number(item) for item in value)


def whole(value: object) -> int:
    """A whole number above zero."""
    if number(value) != round(number(value)):
        raise WrongEntry(f"expected a whole number, got {value!r}")
    return round(number(value))


def interval(value: object) -> tuple[float, float]:
    """Two numbers, the smaller one first."""
    match numbers(value):
        case (low, high) if low < high:
            return low, high
        case other:
            raise WrongEntry(f"expected [shortest, longest], got {list(other)}")


def usd(value: object) -> Decimal:
    """Money is written as text in the files: a float would already have been rounded."""
    try:
        amount = Decimal(text(value))
    except InvalidOperation:
        raise WrongEntry(f'expected an amount like "0.10", got {value!r}') from None
    if not amount.is_finite() or amount < 0:
        raise WrongEntry(f"expected an amount of at least 0, got {value!r}")
    return amount


def mapping(value: object) -> dict[str, Any]:
    """A mapping with text keys."""
    if not isinstance(value, dict):
        raise WrongEntry(f"expected keys and values, got {value!r}")
    return {text(key): item for key, item in value.items()}


def amounts(value: object) -> dict[str, Decimal]:
    """Money by name."""
    return {name: usd(amount) for name, amount in mapping(value).items()}


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise WrongEntry(f"expected true or false, got {value!r}")
    return value


def one_of(names: frozenset[str]) -> Callable[[object], Any]:
    """A conversion that takes only these words."""

    def convert(value: object) -> Any:
        if not isinstance(value, str) or value not in names:
            raise WrongEntry(f"expected one of {', '.join(sorted(names))}, got {value!r}")
        return value

    return convert
