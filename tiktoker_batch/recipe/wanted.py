"""Which types the schema allows at a place."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from tiktoker_batch.recipe.schema import recipe_schema, referred

_CHOICES = ("oneOf", "anyOf")


@cache
def wanted_types(path: tuple[str, ...], definition: str | None = None) -> frozenset[str]:
    """The types (``string``, ``number``, ...) of what may stand there, ``*`` being any item of a list.

    The path begins at the top of a recipe, or in one of the schema's definitions. Nothing for a place that may hold
    anything, or one of listed values, or that there is not.
    """
    found = [recipe_schema() if definition is None else referred(definition)]
    for step in path:
        shapes = _shapes(found)
        found = [each for each in (_under(shape, step) for shape in shapes) if isinstance(each, dict)]
    return frozenset(each["type"] for each in _shapes(found) if isinstance(each.get("type"), str))


def _under(shape: Mapping[str, Any], step: str) -> Any:
    if step == "*":
        return shape.get("items")
    named = shape.get("properties", {}).get(step)
    return shape.get("additionalProperties") if named is None else named


def _shapes(schemas: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for each in schemas:
        yield each
        if "$ref" in each:
            yield from _shapes([referred(each["$ref"])])
        yield from _shapes([each[branch] for branch in ("then", "else") if branch in each])
        for choice in _CHOICES:
            if choice in each and "type" not in each:
                yield from _shapes(each[choice])
