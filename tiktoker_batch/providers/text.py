"""What services say, as text that every file and request can hold."""

from collections.abc import Iterable


def first_text(values: Iterable[object]) -> str | None:
    """The first of these that is text with something in it, well formed."""
    return next((well_formed(value) for value in values if isinstance(value, str) and value.strip()), None)


def well_formed(text: str) -> str:
    """The text with a replacement character for each half of a surrogate pair (half an emoji) without its other half.

    JSON can say such a thing, UTF-8 cannot.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
