"""Misspelled keys, told once and then taken for what they were meant to be.

Otherwise one slip of a finger would be told many times over: as a key that is not known, as another one that is
missing, and as everything that does not go together without it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tiktoker_batch.errors import Problem
from tiktoker_batch.recipe.nodes import Entry, Node, Spot
from tiktoker_batch.recipe.schema import Path, belongs_elsewhere, glued_key, recipe_schema, referred, unknown_key
from tiktoker_batch.recipe.source import Source
from tiktoker_batch.recipe.suggest import nearest


@dataclass(frozen=True, slots=True)
class Respelled:
    """The source with every key as it was meant; ``places`` are those of the keys whose meaning is a guess.

    ``unread`` are the places of values that are only half of what was written.
    """

    source: Source
    problems: tuple[Problem, ...]
    places: frozenset[Spot]
    unread: frozenset[Spot]


def respell(source: Source) -> Respelled:
    """Give keys that are nearly right the name of the only one they can be."""
    walk = _Walk()
    root = walk.node(source.root, recipe_schema(), ())
    places = frozenset(Spot.of(each) for each in walk.problems)
    return Respelled(replace(source, root=root), tuple(dict.fromkeys(walk.problems)), places, frozenset(walk.unread))


class _Walk:
    """Follows the schema; what it says nothing about is the writer's own."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.unread: set[Spot] = set()

    def node(self, node: Node, schema: Mapping[str, Any], at: Path) -> Node:
        """The node with its keys respelled, the same one where there was nothing to do."""
        if isinstance(node.content, tuple):
            items = _resolved(schema).get("items")
            if not isinstance(items, dict):
                return node
            filled = tuple(self.node(item, items, (*at, index)) for index, item in enumerate(node.content))
            changed = any(new is not old for new, old in zip(filled, node.content, strict=True))
            return replace(node, content=filled) if changed else node
        return self._mapping(node, schema, at) if isinstance(node.content, dict) else node

    def _mapping(self, node: Node, schema: Mapping[str, Any], at: Path) -> Node:
        shape = _resolved(schema)
        known: dict[str, Any] = shape.get("properties", {})
        others = shape.get("additionalProperties")
        meant = self._meant(node.content, known, at) if others is False else {}
        entries = {}
        for name, entry in node.content.items():
            right = meant.get(name, name)
            under = known.get(right, others)
            entries[right] = entry
            if isinstance(under, dict) and not name.startswith("x-"):
                entries[right] = _with(entry, self.node(entry.node, under, (*at, right)))
        changed = meant or any(entries[name] is not entry for name, entry in node.content.items())
        return replace(node, content=entries) if changed else node

    def _meant(self, entries: Mapping[str, Entry], known: Mapping[str, Any], at: Path) -> dict[str, str]:
        """The right names of keys that are misspelled."""
        meant: dict[str, str] = {}
        for name in entries:
            if name in known or name.startswith("x-") or belongs_elsewhere(at, name):
                continue
            glued = glued_key(name, known)
            right = glued or nearest(name, known)
            if glued:
                self.unread.add(entries[name].node.spot)
            if right and right not in entries and right not in meant.values():
                meant[name] = right
                self.problems.append(entries[name].spot.problem(unknown_key(at, name, known)))
        return meant


def _with(entry: Entry, node: Node) -> Entry:
    return entry if node is entry.node else replace(entry, node=node)


_RESOLVED: dict[int, Mapping[str, Any]] = {}  # by the identity of a part of the schema, which lives as long as we do


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a mapping or list, with what it refers to and the shape that can be one."""
    if id(schema) not in _RESOLVED:
        _RESOLVED[id(schema)] = _merged(schema)
    return _RESOLVED[id(schema)]


def _merged(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    merged: dict[str, Any] = {}
    for each in _parts(schema):
        properties = {**merged.get("properties", {}), **each.get("properties", {})}
        merged = {**merged, **each, **({"properties": properties} if properties else {})}
    return merged


def _parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "$ref" in schema:
        yield from _parts(referred(schema["$ref"]))
    for branch in schema.get("oneOf", ()):
        if branch.get("type") in {"object", "array"}:
            yield branch
    if "if" in schema:  # an entry has the keys of a video and some more, and a video's are the stricter
        yield from _parts(schema["then"])
        yield from _parts(schema["else"])
    yield schema
