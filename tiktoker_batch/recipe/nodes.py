"""YAML text as a tree in which every value knows where it stands.

Built from the parser's events without recursion, so depth, size and aliases are bounded before they cost anything:
an alias is a second way to the same node, never a copy.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.recipe import scalars
from tiktoker_batch.recipe.suggest import did_you_mean
from tiktoker_batch.recipe.syntax import explain
from tiktoker_batch.recipe.text import forbidden_character

MAX_DEPTH = 50
MAX_WRITTEN = 500_000
MAX_REPEATED = 100_000
MAX_PROBLEMS = 1_000  # nobody reads more

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PREFIX = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset({"str", "int", "float", "bool", "null"})

Report = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place (line and column from 1; ``offset`` in characters from 0).

    ``content`` is a scalar, a tuple of nodes, or a mapping of entries. ``plain`` scalars stand without quotes.
    ``size`` and ``depth`` count nodes with every alias expanded.
    """

    line: int
    column: int
    offset: int
    content: Any
    plain: bool = False
    size: int = 1
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A value under a key, with the key's own place."""

    line: int
    column: int
    node: Node


def compose(text: str, path: str) -> tuple[Node | None, list[Problem]]:
    """The document's root (``None`` for an empty one) and every problem that leaves the rest readable.

    :raises RecipeError: for what leaves nothing to read: broken syntax, several documents, too deep, too large.
    """
    composer = _Composer(path)
    try:
        for event in _events(text):
            composer.take(event)
    except yaml.YAMLError as error:
        raise RecipeError([*composer.problems, explain(error, text, path)]) from None
    return composer.root, composer.problems


def _events(text: str) -> Iterator[Any]:
    yield from yaml.parse(text, Loader=_LOADER)


class _Sequence:
    """An open list."""

    def __init__(self, event: Any) -> None:
        self.event = event
        self.items: list[Node] = []

    def add(self, node: Node) -> None:
        self.items.append(node)

    def close(self) -> Node:
        return _collection(self.event, tuple(self.items), self.items)


class _Mapping:
    """An open mapping: keys and values come in turn."""

    def __init__(self, event: Any, report: Report) -> None:
        self.event = event
        self.report = report
        self.key: Node | None = None
        self.entries: dict[str, Entry] = {}
        self.merged: dict[str, Entry] | None = None

    def add(self, node: Node) -> None:
        if self.key is None:
            self.key = node
            return
        key, self.key = self.key, None
        if key.content == "<<" and key.plain:
            self._merge(key, node)
        elif isinstance(key.content, str):
            self._put(key, key.content, node)
        else:
            self.report(key.line, key.column, f"a key must be text, not {_named_key(key.content)}")

    def close(self) -> Node:
        entries = {**(self.merged or {}), **self.entries}
        return _collection(self.event, entries, [entry.node for entry in entries.values()])

    def _put(self, key: Node, name: str, node: Node) -> None:
        first = self.entries.get(name)
        if first is None:
            self.entries[name] = Entry(key.line, key.column, node)
        else:
            self.report(key.line, key.column, f"the key {name!r} is already given at {first.line}:{first.column}")

    def _merge(self, key: Node, node: Node) -> None:
        if self.merged is not None:
            self.report(key.line, key.column, "the merge key '<<' is given twice; write '<<: [*first, *second]'")
            return
        self.merged = {}
        for source in node.content if isinstance(node.content, tuple) else (node,):
            if not isinstance(source.content, dict):
                self.report(source.line, source.column, "'<<' merges mappings: give it an alias like '*base'")
                continue
            self.merged = {**source.content, **self.merged}


class _Composer:
    """Folds events into a tree."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self.stack: list[_Sequence | _Mapping] = []
        self.anchors: dict[str, Node | None] = {}
        self.written = 0
        self.repeated = 0
        self.documents = 0

    def take(self, event: Any) -> None:
        """Fold in one event."""
        match event:
            case yaml.ScalarEvent():
                self._place(self._scalar(event), event, event.anchor)
            case yaml.AliasEvent():
                self._place(self._aliased(event), event, None)
            case yaml.MappingStartEvent():
                self._open(_Mapping(event, self._report))
            case yaml.SequenceStartEvent():
                self._open(_Sequence(event))
            case yaml.CollectionEndEvent():
                closed = self.stack.pop()
                self._place(closed.close(), closed.event, closed.event.anchor)
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise self._fatal(event, "a second document begins here; a recipe is one document, without '---'")
            case _:
                pass

    def _open(self, collection: _Sequence | _Mapping) -> None:
        event = collection.event
        kind = "seq" if isinstance(collection, _Sequence) else "map"
        if event.tag not in (None, "!", _PREFIX + kind):
            self._refuse_tag(event)
        if event.anchor:
            self.anchors[event.anchor] = None  # until it is closed
        if len(self.stack) >= MAX_DEPTH:
            raise self._fatal(event, f"more than {MAX_DEPTH} levels deep; no recipe needs that")
        self.stack.append(collection)

    def _place(self, node: Node, event: Any, anchor: str | None) -> None:
        self.written += 1
        if self.written > MAX_WRITTEN:
            raise self._fatal(event, f"more than {MAX_WRITTEN:,} values; split the recipe")
        if len(self.stack) + node.depth > MAX_DEPTH + 1:
            raise self._fatal(event, f"more than {MAX_DEPTH} levels deep; no recipe needs that")
        if anchor:
            self.anchors[anchor] = node
        if self.stack:
            self.stack[-1].add(node)
        else:
            self.root = node

    def _scalar(self, event: Any) -> Node:
        mark = event.start_mark
        plain = not event.style
        content: scalars.Scalar = event.value
        try:
            content = self._value(event, plain=plain)
        except ValueError as error:
            self._report_at(event, str(error))
        if isinstance(content, str) and event.style == '"' and (character := forbidden_character(content)):
            self._report_at(event, f"this text holds {character}")
            content = ""
        return Node(mark.line + 1, mark.column + 1, mark.index, content, plain)

    def _value(self, event: Any, *, plain: bool) -> scalars.Scalar:
        text: str = event.value
        if event.tag is None:
            return scalars.resolve(text) if plain else text
        short = event.tag.removeprefix(_PREFIX)
        if short in _SCALAR_TAGS and short != event.tag:
            return scalars.tagged(text, short)
        if event.tag != "!":
            self._refuse_tag(event)
        return text

    def _aliased(self, event: Any) -> Node:
        name = event.anchor
        if name not in self.anchors:
            near = did_you_mean(name, self.anchors)
            raise self._fatal(event, f"the alias '*{name}' has no anchor '&{name}' before it{near}")
        node = self.anchors[name]
        if node is None:
            raise self._fatal(event, f"the alias '*{name}' refers to what it stands in")
        # Every repetition counts where it is asked for, so the whole tree is never larger than written + repeated.
        self.repeated += node.size
        if self.repeated > MAX_REPEATED:
            raise self._fatal(event, f"aliases repeat more than {MAX_REPEATED:,} values; write fewer of them")
        return node

    def _refuse_tag(self, event: Any) -> None:
        tag = event.tag.replace(_PREFIX, "!!")
        self._report_at(event, f"the tag {tag!r} is not supported; a recipe holds text, numbers, lists and mappings")

    def _report_at(self, event: Any, message: str) -> None:
        self._report(event.start_mark.line + 1, event.start_mark.column + 1, message)

    def _report(self, line: int, column: int, message: str) -> None:
        self.problems.append(Problem(path=self.path, line=line, column=column, message=message))
        if len(self.problems) >= MAX_PROBLEMS:
            raise RecipeError(self.problems)

    def _fatal(self, event: Any, message: str) -> RecipeError:
        self._report_at(event, message)
        return RecipeError(self.problems)


def _collection(event: Any, content: tuple[Node, ...] | Mapping[str, Entry], children: list[Node]) -> Node:
    mark = event.start_mark
    return Node(
        mark.line + 1,
        mark.column + 1,
        mark.index,
        content,
        size=1 + sum(child.size for child in children),
        depth=1 + max((child.depth for child in children), default=0),
    )


def _named_key(content: Any) -> str:
    match content:
        case tuple():
            return "a list; quote it if it is text"
        case dict():
            return "a mapping; quote text that begins with '{'"
        case None:
            return "nothing"
        case bool():
            return f"true or false; quote it: '{str(content).lower()}'"
        case _:
            return f"a number; quote it: '{content}'"
