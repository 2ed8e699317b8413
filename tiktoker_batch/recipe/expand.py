"""``matrix`` and ``foreach``: one entry of a recipe as many videos, and the expressions in entries."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.recipe import scalars
from tiktoker_batch.recipe.combinations import MAX_VIDEOS, OF_MATRIX, Report, child, combinations
from tiktoker_batch.recipe.expressions import ExpressionFault, evaluate, is_expression
from tiktoker_batch.recipe.nodes import Entry, Node, Spot
from tiktoker_batch.recipe.rows import Row, Table, read_table, why_not
from tiktoker_batch.recipe.source import Source, plain
from tiktoker_batch.recipe.text import forbidden_character
from tiktoker_batch.recipe.wanted import wanted_types
from tiktoker_batch.recipe.wording import show

_CONTROL = frozenset({"matrix", "foreach", *OF_MATRIX})
_TYPED = frozenset({"number", "integer", "boolean"})


@dataclass(frozen=True, slots=True)
class Expanded:
    """The source with one entry a video, and what kept entries from becoming videos.

    ``unread`` are the places of lists that are empty only because of that.
    """

    source: Source
    problems: tuple[Problem, ...]
    unread: frozenset[Spot]


@dataclass(frozen=True, slots=True)
class _Making:
    """What one video is made of: names for its expressions, and in words which row and combination."""

    names: Mapping[str, Any]
    origin: str


def expand(source: Source) -> Expanded:
    """Make videos of rows and combinations. Values keep the places of the strings that they were made by."""
    walk = _Expansion(source)
    root = walk.recipe(source.root)
    beside = (*source.beside, *(table.sha256 for table in walk.tables.values()))
    made = replace(source, root=root, origins=walk.origins, beside=beside)
    return Expanded(made, tuple(walk.report.problems), frozenset(walk.unread))


class _Expansion:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.report = Report()
        self.origins: dict[int, str] = {}
        self.unread: set[Spot] = set()
        self.failed: set[Spot] = set()
        self.broken = False
        self.tables: dict[Path, Table] = {}
        self.inherited: dict[str, Any] = {}

    def recipe(self, root: Node) -> Node:
        """The recipe with its entries expanded; expressions elsewhere are a problem."""
        if not isinstance(root.content, dict):
            return root
        for name, entry in root.content.items():
            if name != "videos" and not name.startswith("x-"):
                self._refuse(entry.node)
        videos = root.content.get("videos")
        if videos is None or not isinstance(videos.node.content, tuple):
            return root
        shared = child(child(root, "defaults"), "vars")
        self.inherited = plain(shared) if shared and isinstance(shared.content, dict) else {}
        made: list[Node] = []
        for node in videos.node.content:
            for video, origin in self._entry(node):
                if origin:
                    self.origins[len(made)] = origin
                made.append(video)
            if len(made) > MAX_VIDEOS:
                self.report.add(node, f"more than {MAX_VIDEOS:,} videos; split the recipe")
                break
        if videos.node.content and not made:
            self.unread.add(videos.node.spot)  # that it is empty now would puzzle
        filled = replace(videos, node=replace(videos.node, content=tuple(made)))
        return replace(root, content={**root.content, "videos": filled})

    def _refuse(self, node: Node) -> None:
        match node.content:
            case str() as text:
                if is_expression(text):
                    self.report.add(
                        node,
                        "expressions ({{ ... }}) stand only in the entries of 'videos'; they are not evaluated here",
                    )
            case tuple() as items:
                for item in items:
                    self._refuse(item)
            case dict() as entries:
                for name, entry in entries.items():
                    if not name.startswith("x-"):
                        self._refuse(entry.node)
            case _:
                pass

    def _entry(self, node: Node) -> Iterator[tuple[Node, str]]:
        """The videos of one entry, each with the words for its row and combination."""
        if not isinstance(node.content, dict) or not (_CONTROL & node.content.keys() or _holds_expression(node)):
            yield node, ""
            return
        before = len(self.report.problems)
        combined, rows = combinations(node, self.report), self._rows(node)
        if len(self.report.problems) > before:
            return
        if len(rows) * len(combined) > MAX_VIDEOS:
            self.report.add(node, f"{len(rows) * len(combined):,} videos; at most {MAX_VIDEOS:,} are possible")
            return
        file = child(node, "foreach")
        for index, (row, combination) in enumerate(itertools.product(rows, combined)):
            names = {**combination, "matrix": combination, "index": index}
            told = []
            if row is not None and file is not None:
                names["row"] = row.values
                told.append(f"row {row.number} of {file.content}")
            if combination:
                told.append(", ".join(f"{axis}={value}" for axis, value in combination.items()))
            video = self._video(node, _Making(names, "; ".join(told)))
            if video is not None:
                yield video, "; ".join(told)

    def _rows(self, node: Node) -> Sequence[Row | None]:
        given = child(node, "foreach")
        if given is None:
            return [None]
        if not isinstance(given.content, str) or not given.content.strip():
            self.report.add(given, f"foreach: expected the name of a file, got {show(plain(given))}")
            return []
        path = self.source.folder_of(given.spot) / given.content
        if path not in self.tables:
            fault = why_not(path)
            if fault:
                self.report.add(given, fault)
                return []
            try:
                self.tables[path] = read_table(path)
            except RecipeError as error:
                self.report.problems += error.problems
                return []
        rows = self.tables[path].rows
        if not rows:
            self.report.add(given, f"foreach: {given.content!r} holds no rows; each makes a video")
        return rows

    def _video(self, node: Node, making: _Making) -> Node | None:
        """One video, or ``None`` when an expression of it cannot be evaluated. Its vars come first."""
        self.broken = False
        entries = {name: entry for name, entry in node.content.items() if name not in _CONTROL}
        own = child(node, "vars")
        values: Any = {}
        if own is not None:
            entries["vars"] = entries["vars"].holding(self._node(own, ("vars",), making))
            values = plain(entries["vars"].node)
            if not isinstance(values, dict):
                self.report.add(own, f"vars: expected a mapping of keys, got {show(values)}")
                return None
        known = {**self.inherited, **values}
        making = _Making({**making.names, "vars": known}, making.origin)
        for name, entry in entries.items():
            if name != "vars" and not name.startswith("x-"):
                made = self._node(entry.node, (name,), making)
                entries[name] = entry if made is entry.node else entry.holding(made)
        return None if self.broken else node.holding(entries)

    def _node(self, node: Node, path: tuple[str, ...], making: _Making) -> Node:
        match node.content:
            case str() as text:
                return self._text(node, text, path, making) if is_expression(text) else node
            case tuple() as items:
                return node.holding(tuple(self._node(item, (*path, "*"), making) for item in items))
            case dict() as entries:
                filled = {
                    name: entry
                    if name.startswith("x-")
                    else entry.holding(self._node(entry.node, (*path, name), making))
                    for name, entry in entries.items()
                }
                return node.holding(filled)
            case _:
                return node

    def _text(self, node: Node, text: str, path: tuple[str, ...], making: _Making) -> Node:
        place = node.spot
        if place in self.failed:  # the other rows would only say it again
            self.broken = True
            return node
        try:
            value = evaluate(text, making.names)
        except ExpressionFault as fault:
            self.failed.add(place)
            self.broken = True
            self.report.add(node, f"{fault}{f' ({making.origin})' if making.origin else ''}")
            return node
        return _as_node(_fitting(value, path), node)


def _holds_expression(node: Node) -> bool:
    match node.content:
        case str() as text:
            return is_expression(text)
        case tuple() as items:
            return any(map(_holds_expression, items))
        case dict() as entries:
            return any(_holds_expression(entry.node) for name, entry in entries.items() if not name.startswith("x-"))
        case _:
            return False


def _fitting(value: Any, path: tuple[str, ...]) -> Any:
    """A value as its key wants it: tables hold only text, and a number may stand where text is wanted."""
    wanted = wanted_types(path, "video")
    if isinstance(value, str) and wanted and wanted <= _TYPED:
        try:
            return scalars.resolve(value.strip())
        except ValueError:
            return value
    if isinstance(value, int | float) and not isinstance(value, bool) and wanted == {"string"}:
        return str(value)
    return value


def _as_node(value: Any, at: Node) -> Node:
    """A value at the place of the string that made it."""
    match value:
        case dict():
            entries = {str(name): Entry(at.line, at.column, _as_node(each, at)) for name, each in value.items()}
            return at.holding(entries)
        case list() | tuple():
            return at.holding(tuple(_as_node(each, at) for each in value))
        case None | bool() | int() | float():
            return at.holding(value)
        case _:
            text = str(value)
            return at.holding("" if forbidden_character(text) else text)
