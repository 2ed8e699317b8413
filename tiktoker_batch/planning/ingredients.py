"""What a step's key is made of, so small that the journal can hold it: a later plan tells by it what has changed."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache

from tiktoker_batch.model import Json, Step
from tiktoker_batch.planning.digest import canonical

LONGEST = 40  # characters of a text that is kept as it is
_DIGITS = 12  # of a sha256: enough to tell two texts of one step apart


def ingredients(step: Step) -> dict[str, Json]:
    """The step's parameters and prompt by name: short values as they are, others as ``#`` and the start of a digest.

    A mapping's values go by ``name.key``. Provider, model and needs stand beside them wherever these are kept.
    """
    found: dict[str, Json] = {}
    for name, value in step.params.items():
        if isinstance(value, Mapping) and value:
            found |= {f"{name}.{key}": _kept(inner) for key, inner in value.items()}
        else:
            found[name] = _kept(value)
    if step.prompt is not None:
        found["prompt"] = _kept(step.prompt)
    return found


def is_digest(value: Json) -> bool:
    """Whether a value stands for one that was too long to be kept."""
    return isinstance(value, str) and value.startswith("#") and len(value) == _DIGITS + 1


def _kept(value: Json) -> Json:
    if isinstance(value, str):
        return value if len(value) <= LONGEST and not value.startswith("#") else _digest(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return _digest(canonical(value))


@lru_cache(maxsize=1024)  # a style's words come with every picture and clip of a batch
def _digest(text: str) -> str:
    return f"#{hashlib.sha256(text.encode(errors='backslashreplace')).hexdigest()[:_DIGITS]}"
