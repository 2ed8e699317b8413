"""A YAML document as a tree in which every value and every key knows where it stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from tiktoker_batch.errors import Problem

Report = Callable[[int, int, str], None]


class Spot(NamedTuple):
    """A place in a file, line and column from 1; both are 0 for what stands in no file (``--set``)."""

    path: str
    line: int
    column: int

    @classmethod
    def of(cls, problem: Problem) -> "Spot":
        """Where a problem is."""
        return cls(problem.path, problem.line, problem.column)

    def problem(self, message: str) -> Problem:
        """A problem here."""
        return Problem(path=self.path, line=self.line, column=self.column, message=message)

    def seen_from(self, path: str) -> str:
        """How a message about another place names this one: without its file if that is the same."""
        if not self.line:
            return self.path
        return f"{self.line}:{self.column}" if self.path == path else f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place (line and column from 1; ``offset`` in characters from 0) in the file ``path``.

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
    path: str = ""

    @property
    def spot(self) -> Spot:
        """Where it stands."""
        return Spot(self.path, self.line, self.column)

    def holding(self, content: Any) -> "Node":
        """Another value at the same place; ``replace`` takes twice as long, and recipes are made of nodes."""
        return Node(self.line, self.column, self.offset, content, self.plain, self.size, self.depth, self.path)


@dataclass(frozen=True, slots=True)
class Entry:
    """A value under a key, with the key's own place."""

    line: int
    column: int
    node: Node

    @property
    def spot(self) -> Spot:
        """Where the key stands: in the file of its value."""
        return Spot(self.node.path, self.line, self.column)

    def holding(self, node: Node) -> "Entry":
        """Another value under the same key."""
        return Entry(self.line, self.column, node)


class OpenCollection(Protocol):
    """A list or mapping whose end has not come yet; ``event`` began it."""

    event: Any

    def add(self, node: Node) -> None:
        """Take the next node."""
        ...

    def close(self) -> Node:
        """The finished collection."""
        ...


class OpenList(OpenCollection):
    """An open list."""

    def __init__(self, event: Any, path: str) -> None:
        self.event = event
        self.path = path
        self.items: list[Node] = []

    def add(self, node: Node) -> None:
        """Take the next item."""
        self.items.append(node)

    def close(self) -> Node:
        """The finished list."""
        return _collection(self.event, self.path, tuple(self.items), self.items)


class OpenMapping(OpenCollection):
    """An open mapping: keys and values come in turn."""

    def __init__(self, event: Any, path: str, report: Report) -> None:
        self.event = event
        self.path = path
        self.report = report
        self.key: Node | None = None
        self.entries: dict[str, Entry] = {}
        self.merged: dict[str, Entry] | None = None

    def add(self, node: Node) -> None:
        """Take the next key or value."""
        if self.key is None:
            self.key = node
            return
        key, self.key = self.key, None
        if key.content == "<<" and key.plain:
            self._merge(key, node)
        elif isinstance(key.content, str):
            self._put(key, key.content, node)
        elif isinstance(key.content, dict) and self.event.flow_style:  # {{ NAME }}
            mark = self.event.start_mark
            self.report(
                mark.line + 1,
                mark.column + 1,
                "'{{ ... }}' must be quoted, because YAML takes it for mappings; put it in quotes",
            )
        else:
            self.report(key.line, key.column, f"a key must be text, not {_named_key(key.content)}")

    def close(self) -> Node:
        """The finished mapping; its own keys win over merged ones."""
        entries = {**(self.merged or {}), **self.entries}
        return _collection(self.event, self.path, entries, [entry.node for entry in entries.values()])

    def _put(self, key: Node, name: str, node: Node) -> None:
        first = self.entries.get(name)
        if first is None:
            self.entries[name] = Entry(key.line, key.column, node)
        else:
            self.report(
                key.line,
                key.column,
                f"the key {name!r} is already given at {first.line}:{first.column}; remove one of them",
            )

    def _merge(self, key: Node, node: Node) -> None:
        if self.merged is not None:
            self.report(key.line, key.column, "the merge key '<<' is given twice; write '<<: [*first, *second]'")
            return
        self.merged = {}
        for source in node.content if isinstance(node.content, tuple) else (node,):
            if not isinstance(source.content, dict):
                self.report(source.line, source.column, "'<<' merges mappings; give it an alias like '*base'")
                continue
            self.merged = {**source.content, **self.merged}


def _collection(event: Any, path: str, content: tuple[Node, ...] | Mapping[str, Entry], children: list[Node]) -> Node:
    mark = event.start_mark
    return Node(
        mark.line + 1,
        mark.column + 1,
        mark.index,
        content,
        size=1 + sum(child.size for child in children),
        depth=1 + max((child.depth for child in children), default=0),
        path=path,
    )


def _named_key(content: Any) -> str:
    match content:
        case tuple():
            return "a list; quote it if it is text"
        case dict():
            return "a mapping; quote text that begins with '{'"
        case None:
            return "nothing; name it, or remove it"
        case bool():
            return f"true or false; quote it: '{str(content).lower()}'"
        case _:
            return f"a number; quote it: '{content}'"
