"""``--set path=value``: single values of a recipe, given on the command line.

A path is names with dots between them, and in brackets the number of an item (from 0), the id of a video, or a name
that holds dots: ``defaults.retry.jitter``, ``videos[0].topic``, ``videos[coffee].style``,
``limits[fal:fal-ai/veo3.1/fast/image-to-video]``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.recipe import scalars
from tiktoker_batch.recipe.compose import compose
from tiktoker_batch.recipe.expressions import is_expression
from tiktoker_batch.recipe.interpolate import secret_in
from tiktoker_batch.recipe.nodes import Entry, Node, Spot
from tiktoker_batch.recipe.source import Source
from tiktoker_batch.recipe.suggest import did_you_mean, listed
from tiktoker_batch.recipe.wanted import wanted_types

Place = tuple[str | int, ...]

_STEP = re.compile(r"\.?(?P<name>[^.\[\]=]+)|\[(?P<bracket>[^\[\]]+)\]")
_NONE = "null"
_EXPECTED = "expected path=value, like defaults.style=noir or videos[0].topic=tea"


@dataclass(frozen=True, slots=True)
class Assigned:
    """The source with the values in it, and where they (or what they took away) stand."""

    source: Source
    problems: tuple[Problem, ...]
    places: tuple[Place, ...]


class _Fault(Exception):
    """What is wrong with an assignment, in words."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of a path; in brackets it may be the number of an item or the id of a video."""

    name: str
    bracket: bool


def assign(source: Source, assignments: Iterable[str], environ: Mapping[str, str]) -> Assigned:
    """Put values into a recipe, one after another; those that cannot be are problems that name their option.

    No value may hold a secret of the environment: recipes end up in prompts, journals and reports.
    """
    root, problems, places = source.root, [], []
    for assignment in assignments:
        spot = Spot("--set", 0, 0)
        secret = secret_in(assignment, environ)
        if secret:
            problems.append(spot.problem(f"this holds what {secret} holds, a secret; it may not be set in a recipe"))
            continue
        try:
            steps, value = _parsed(assignment)
            spot = Spot(f"--set {assignment[: len(assignment) - len(value) - 1].strip()}", 0, 0)
            root, place = _put(root, steps, value, spot, ())
            places.append(place)
        except _Fault as fault:
            problems.append(spot.problem(str(fault)))
    return Assigned(replace(source, root=root), tuple(problems), tuple(places))


def without(values: Mapping[str, Any], place: Sequence[str | int]) -> dict[str, Any]:
    """A profile's values without what it says of a place that was set."""
    if not place or place[0] not in values:
        return dict(values)
    name = str(place[0])
    under = values[name]
    kept = {key: value for key, value in values.items() if key != name}
    if len(place) > 1 and isinstance(under, dict):
        kept[name] = without(under, place[1:])
    return kept


def _parsed(assignment: str) -> tuple[list[_Step], str]:
    steps, position = [], 0
    while found := _STEP.match(assignment, position):
        position = found.end()
        bracket = found["bracket"]
        steps.append(_Step((bracket or found["name"]).strip(" '\""), bracket is not None))
    if not steps or steps[0].bracket or assignment[position : position + 1] != "=":
        raise _Fault(f"{assignment[:60]!r} cannot be understood; {_EXPECTED}")
    return steps, assignment[position + 1 :]


def _put(node: Node, steps: Sequence[_Step], value: str, spot: Spot, above: Place) -> tuple[Node, Place]:
    """A node with the value below it, and the place of that value."""
    step, rest = steps[0], steps[1:]
    if above == () and step.name == "include":
        raise _Fault("files are included before anything is set; name them in the recipe")
    if isinstance(node.content, tuple):
        index = _index(node, step, above)
        if not rest and _is_none(value, (*above, index)):
            raise _Fault("an item of a list cannot be taken away; set the whole list")
        made, place = _filled(node.content[index], rest, value, spot, (*above, index))
        return replace(node, content=(*node.content[:index], made, *node.content[index + 1 :])), place
    entries = dict(node.content) if isinstance(node.content, dict) else {}
    here = (*above, step.name)
    if step.bracket and step.name.isdecimal() and step.name not in entries:
        raise _Fault(f"{_named(above)} is no list, so there is no [{step.name}]")
    if not rest and _is_none(value, here):
        entries.pop(step.name, None)
        return replace(node, content=entries), here
    before = entries.get(step.name)
    made, place = _filled(before.node if before else _node(None, spot), rest, value, spot, here)
    entries[step.name] = replace(before, node=made) if before and rest else Entry(0, 0, made)
    if isinstance(node.content, dict):
        return replace(node, content=entries), place
    return _node(entries, spot), place


def _filled(node: Node, rest: Sequence[_Step], value: str, spot: Spot, place: Place) -> tuple[Node, Place]:
    return _put(node, rest, value, spot, place) if rest else (_value(value, spot, place), place)


def _index(node: Node, step: _Step, above: Place) -> int:
    """Which item of a list is meant: by its number, or a video by its id as it is written."""
    count = len(node.content)
    if step.bracket and step.name.isdecimal():
        if int(step.name) < count:
            return int(step.name)
        raise _Fault(f"there is no {_named(above)}[{step.name}]; the list has {count}, counted from 0")
    ids = [_id_of(item) for item in node.content]
    if step.bracket and step.name in ids:
        return ids.index(step.name)
    known = [each for each in ids if each]
    if not step.bracket or not known:
        raise _Fault(f"{_named(above)} is a list; name an item by its number, like {_named(above)}[0]")
    near = did_you_mean(step.name, known) or f" (there are: {listed(known, 'and', at_most=6)})"
    raise _Fault(f"no entry of {_named(above)} has the id {step.name!r}{near}")


def _id_of(item: Node) -> str | None:
    entry = item.content.get("id") if isinstance(item.content, dict) else None
    return entry.node.content if entry and isinstance(entry.node.content, str) else None


def _named(place: Place) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def _types(place: Place) -> frozenset[str]:
    return wanted_types(tuple("*" if isinstance(step, int) else step for step in place))


def _is_none(value: str, place: Place) -> bool:
    return value.strip() == _NONE or (not value.strip() and _types(place) != {"string"})


def _value(text: str, spot: Spot, place: Place) -> Node:
    """Text where only text may stand, else what YAML makes of it."""
    if _types(place) == {"string"} or is_expression(text):
        return _node(text, spot)
    if text.lstrip()[:1] in {"[", "{", '"', "'"}:
        try:
            root, problems = compose(text.strip(), spot.path)
        except RecipeError as error:
            root, problems = None, list(error.problems)
        if problems or root is None:
            raise _Fault(problems[0].message if problems else "this holds no value")
        return _moved(root, spot)
    try:
        return _node(scalars.resolve(text.strip()), spot)
    except ValueError as error:
        raise _Fault(str(error)) from None


def _node(content: object, spot: Spot) -> Node:
    return Node(spot.line, spot.column, 0, content, path=spot.path)


def _moved(node: Node, spot: Spot) -> Node:
    """A value that was read, at the place of its option."""
    content = node.content
    if isinstance(content, dict):
        content = {name: Entry(0, 0, _moved(entry.node, spot)) for name, entry in content.items()}
    elif isinstance(content, tuple):
        content = tuple(_moved(item, spot) for item in content)
    return replace(_node(content, spot), size=node.size, depth=node.depth)
