"""``${NAME}`` and ``${NAME:-default}`` in a recipe's strings, from the environment.

``$${`` stands for a literal ``${``. Keys and everything below ``x-`` keys are left alone. Names that look like secrets
are refused: what a recipe says ends up in prompts, journals and reports.
"""

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tiktoker_batch.errors import Problem
from tiktoker_batch.recipe import scalars
from tiktoker_batch.recipe.nodes import Entry, Node, Spot
from tiktoker_batch.recipe.source import Source
from tiktoker_batch.recipe.suggest import did_you_mean
from tiktoker_batch.recipe.text import forbidden_character, place_of

_REFERENCE = re.compile(
    r"\$(?P<escaped>\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(:-(?P<default>[^}]*))?\}|(?P<bad>\$\{)"
)
_SECRET = re.compile(
    r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|(^|_)(API|PRIVATE)?KEYS?(_|$)|(^|_)(PAT|AUTH|PASS)(_|$)|_PWD$|APIKEY",
    re.IGNORECASE,
)


SHORTEST_SECRET = 6  # characters; shorter ones are part of many a text


@dataclass(frozen=True, slots=True)
class Interpolated:
    """The source with every reference replaced; ``unread`` are the places of values where that was not possible."""

    source: Source
    problems: tuple[Problem, ...]
    unread: frozenset[Spot]


def interpolate(source: Source, environ: Mapping[str, str]) -> Interpolated:
    """Fill in what a recipe reads from the environment."""
    walk = _Walk(source, environ)
    filled = replace(source, root=walk.node(source.root))
    return Interpolated(filled, tuple(walk.problems), frozenset(walk.unread))


def is_secret(name: str) -> bool:
    """Whether a variable's name looks like that of a secret."""
    return bool(_SECRET.search(name))


def secret_in(text: str, environ: Mapping[str, str]) -> str | None:
    """The name of a secret of which a text holds the value, or what is on either side of a colon in it."""
    for name, value in environ.items():
        parts = [part for part in (value, *value.split(":")) if len(part) >= SHORTEST_SECRET] if is_secret(name) else []
        if any(part in text for part in parts):
            return name
    return None


class _Walk:
    """Rebuilds what changes and shares the rest; an aliased node is visited once."""

    def __init__(self, source: Source, environ: Mapping[str, str]) -> None:
        self.source = source
        self.environ = environ
        self.problems: list[Problem] = []
        self.unread: set[Spot] = set()
        self.done: dict[int, Node] = {}

    def node(self, node: Node) -> Node:
        """The node with its strings filled in."""
        content = node.content
        if isinstance(content, str):
            return self._text(node, content) if "${" in content else node
        if not isinstance(content, dict | tuple):
            return node
        if id(node) not in self.done:
            self.done[id(node)] = self._collection(node)
        return self.done[id(node)]

    def _collection(self, node: Node) -> Node:
        if isinstance(node.content, tuple):
            items = tuple(self.node(item) for item in node.content)
            changed = any(map(operator.is_not, items, node.content))
            return replace(node, content=items) if changed else node
        entries = {name: self._entry(name, entry) for name, entry in node.content.items()}
        changed = any(map(operator.is_not, entries.values(), node.content.values()))
        return replace(node, content=entries) if changed else node

    def _entry(self, name: str, entry: Entry) -> Entry:
        filled = entry.node if name.startswith("x-") else self.node(entry.node)
        return entry if filled is entry.node else replace(entry, node=filled)

    def _text(self, node: Node, text: str) -> Node:
        if id(node) in self.done:
            return self.done[id(node)]
        filled = _REFERENCE.sub(lambda match: self._replacement(node, match), text)
        self.done[id(node)] = replace(node, content=_typed(filled, node) if filled != text else text)
        return self.done[id(node)]

    def _replacement(self, node: Node, match: re.Match[str]) -> str:
        name, written = match["name"], match.group()
        if match["escaped"]:
            return "${"
        if match["bad"]:
            self._problem(node, "${", "'${' begins no ${NAME} or ${NAME:-default}; write '$${' for the characters")
            return written
        if is_secret(name):
            self._problem(
                node,
                f"${{{name}",
                f"{name} looks like a secret and may not be read into a recipe; providers read their keys themselves",
            )
            return written
        value = self.environ.get(name) or match["default"]
        if value is None:
            self._problem(node, f"${{{name}", self._unset(name))
        elif character := forbidden_character(value):
            self._problem(node, f"${{{name}", f"the environment variable {name} holds {character}; remove it there")
        else:
            return value
        return written

    def _unset(self, name: str) -> str:
        if name in self.environ:
            return f"the environment variable {name} is empty; set it or write ${{{name}:-default}}"
        near = did_you_mean(name, (known for known in self.environ if not is_secret(known)))
        return f"the environment variable {name} is not set{near or f'; set it or write ${{{name}:-default}}'}"

    def _problem(self, node: Node, written: str, message: str) -> None:
        """At the reference itself where it can be found in the text, else where the value begins."""
        self.unread.add(node.spot)
        offset = self.source.text.find(written, node.offset)
        line, column = place_of(self.source.text, offset) if offset >= 0 else (node.line, node.column)
        self.problems.append(Problem(path=self.source.path, line=line, column=column, message=message))


def _typed(text: str, node: Node) -> scalars.Scalar:
    """An unquoted ``${SECONDS}`` is read as if the value stood there, where that makes a number, true or false."""
    if not node.plain:
        return text
    try:
        value = scalars.resolve(text)
    except ValueError:
        return text
    return text if value is None else value
