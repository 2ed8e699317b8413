"""From YAML text to a tree of nodes.

Built from the parser's events without recursion, so depth, size and aliases are bounded before they cost anything:
an alias is a second way to the same node, never a copy.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.recipe import scalars
from tiktoker_batch.recipe.nodes import Node, OpenCollection, OpenList, OpenMapping
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


def compose(text: str, path: str) -> tuple[Node | None, list[Problem]]:
    """The document's root (``None`` for an empty one) and every problem that leaves the rest readable.

    :raises RecipeError: for what leaves nothing to read: broken syntax, several documents, too deep, too large.
    """
    composer = _Composer(path)
    try:
        for event in _events(text):
            composer.take(event)
    except yaml.YAMLError as error:
        raise _refusal([*composer.problems, explain(error, text, path, composer.last)]) from None
    return composer.root, composer.problems


def _events(text: str) -> Iterator[Any]:
    yield from yaml.parse(text, Loader=_LOADER)


class _Composer:
    """Folds events into a tree."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self.stack: list[OpenCollection] = []
        self.anchors: dict[str, Node | None] = {}
        self.written = 0
        self.repeated = 0
        self.documents = 0
        self.last: Any = None

    def take(self, event: Any) -> None:
        """Fold in one event."""
        self.last = event
        match event:
            case yaml.ScalarEvent():
                self._place(self._scalar(event), event, event.anchor)
            case yaml.AliasEvent():
                self._place(self._aliased(event), event, None)
            case yaml.MappingStartEvent():
                self._open(OpenMapping(event, self.path, self._report))
            case yaml.SequenceStartEvent():
                self._open(OpenList(event, self.path))
            case yaml.CollectionEndEvent():
                closed = self.stack.pop()
                self._place(closed.close(), closed.event, closed.event.anchor)
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise self._fatal(event, "a second document begins here; a recipe is one document, without '---'")
            case _:
                pass

    def _open(self, collection: OpenCollection) -> None:
        event = collection.event
        kind = "seq" if isinstance(collection, OpenList) else "map"
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
            self._report_at(event, f"this text holds {character}; remove it")
            content = ""
        return Node(mark.line + 1, mark.column + 1, mark.index, content, plain, path=self.path)

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
            near = did_you_mean(name, self.anchors) or "; put it further up, or quote text that begins with '*'"
            raise self._fatal(event, f"the alias '*{name}' has no anchor '&{name}' before it{near}")
        node = self.anchors[name]
        if node is None:
            raise self._fatal(event, f"the alias '*{name}' refers to what it stands in; write its values out")
        # Every repetition counts where it is asked for, so the whole tree is never larger than written + repeated.
        self.repeated += node.size
        if self.repeated > MAX_REPEATED:
            raise self._fatal(event, f"aliases repeat more than {MAX_REPEATED:,} values; write fewer of them")
        return node

    def _refuse_tag(self, event: Any) -> None:
        tag = event.tag.replace(_PREFIX, "!!")
        advice = "drop it" if tag.startswith("!!") else "quote text that begins with '!'"
        self._report_at(event, f"the tag {tag!r} is not supported; {advice}")

    def _report_at(self, event: Any, message: str) -> None:
        self._report(event.start_mark.line + 1, event.start_mark.column + 1, message)

    def _report(self, line: int, column: int, message: str) -> None:
        self.problems.append(Problem(path=self.path, line=line, column=column, message=message))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _refusal(self.problems)

    def _fatal(self, event: Any, message: str) -> RecipeError:
        self._report_at(event, message)
        return _refusal(self.problems)


def _refusal(problems: list[Problem]) -> RecipeError:
    return RecipeError(sorted(set(problems)))
