"""The combinations of a ``matrix``, with ``exclude`` and ``include`` as GitHub Actions has them."""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from tiktoker_batch.errors import Problem
from tiktoker_batch.recipe.nodes import Entry, Node
from tiktoker_batch.recipe.source import plain
from tiktoker_batch.recipe.suggest import did_you_mean, listed
from tiktoker_batch.recipe.wording import show

MAX_VIDEOS = 100_000
OF_MATRIX = ("exclude", "include")

_TAKEN = frozenset({"row", "matrix", "vars", "index"})

Combination = dict[str, Any]


class Report:
    """Collects problems at their nodes."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, at: Node | Entry, message: str) -> None:
        """Note a problem at a value, or at a key."""
        self.problems.append(at.spot.problem(message))


def child(node: Node | None, key: str) -> Node | None:
    """The value under a key of a mapping, if it is one and has it."""
    entry = node.content.get(key) if node is not None and isinstance(node.content, dict) else None
    return entry.node if entry else None


def combinations(node: Node, report: Report) -> list[Combination]:
    """The combinations of an entry's matrix; a single empty one where it has none."""
    given = child(node, "matrix")
    if given is None:
        for key in OF_MATRIX:
            if key in node.content:
                report.add(node.content[key], f"{key!r} goes with 'matrix'; there is none here")
        return [{}]
    if not isinstance(given.content, dict) or not given.content:
        shown = "an empty mapping" if given.content == {} else show(plain(given))
        report.add(given, f"matrix: expected axes with lists of values, got {shown}")
        return []
    axes = _axes(given.content, report)
    total = math.prod(map(len, axes.values()))
    if total > MAX_VIDEOS:
        report.add(given, f"matrix: {total:,} combinations; at most {MAX_VIDEOS:,} are possible")
    if total > MAX_VIDEOS or total == 0:
        return []
    found = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    found = _included(node, axes, _excluded(node, axes, found, report), report)
    if not found:
        report.add(given, "matrix: no combination is left; exclude fewer")
    return found


def _axes(given: Mapping[str, Entry], report: Report) -> dict[str, list[Any]]:
    axes: dict[str, list[Any]] = {}
    for name, entry in given.items():
        values = plain(entry.node)
        if not name.isidentifier() or name in _TAKEN:
            report.add(entry, f"matrix: {name!r} cannot name an axis; choose another word")
        elif not isinstance(values, list) or not values:
            shown = "an empty list" if values == [] else show(values)
            report.add(entry.node, f"matrix: {name}: expected a list of values, got {shown}")
        axes[name] = values if isinstance(values, list) else []
    return axes


def _excluded(node: Node, axes: Mapping[str, Any], found: list[Combination], report: Report) -> list[Combination]:
    for each, at in _listed(node, "exclude", report):
        before = len(report.problems)
        for name, value in each.items():
            entry = at.content[name]
            if name not in axes:
                known = f"{did_you_mean(name, axes)} (there are: {', '.join(axes)})"
                report.add(entry, f"exclude: there is no axis {name!r}{known}")
            elif value not in axes[name]:
                near = did_you_mean(str(value), map(str, axes[name]))
                known = f"{near} (there are: {listed(map(show, axes[name]), 'and')})"
                report.add(entry.node, f"exclude: {name} is never {show(value)}{known}")
        kept = [one for one in found if any(one.get(name) != value for name, value in each.items())]
        if len(report.problems) == before and len(kept) == len(found):
            report.add(at, "exclude: no combination is like this any more; remove it")
        found = kept
    return found


def _included(node: Node, axes: Mapping[str, Any], found: list[Combination], report: Report) -> list[Combination]:
    """More values for the combinations that it fits, or one more combination."""
    added: list[Combination] = []
    for each, _ in _listed(node, "include", report):
        fits = [one for one in found if all(one[name] == value for name, value in each.items() if name in axes)]
        for one in fits:
            one.update(each)
        if not fits:
            added.append(dict(each))
    return [*found, *added]


def _listed(node: Node, key: str, report: Report) -> Iterator[tuple[Combination, Node]]:
    given = child(node, key)
    if given is None:
        return
    if not isinstance(given.content, tuple):
        report.add(given, f"{key}: expected a list of mappings, got {show(plain(given))}")
        return
    for item in given.content:
        if isinstance(item.content, dict) and item.content:
            yield plain(item), item
        else:
            report.add(item, f"{key}: expected a mapping of axes, got {show(plain(item))}")
