"""A recipe's text as plain data that still knows the line and column of every value."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.recipe.compose import compose
from tiktoker_batch.recipe.nodes import Node, Spot
from tiktoker_batch.recipe.text import read_text

Pointer = Sequence[str | int]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file that could be read. ``path`` is as the user gave it, ``sha256`` that of its bytes.

    ``beside`` are the digests of the other files that it was made of: those that it includes, those of its rows.
    ``problems`` are those that left the rest readable: duplicate keys, unknown tags, keys that are no text.
    ``origins`` says of videos, by their index, which row or combination they were made of.
    """

    path: str
    sha256: str
    text: str = field(repr=False)
    root: Node = field(repr=False)
    problems: tuple[Problem, ...] = ()
    beside: tuple[str, ...] = ()
    origins: Mapping[int, str] = field(default_factory=dict, repr=False)

    @cached_property
    def data(self) -> Any:
        """The document as plain JSON values."""
        return plain(self.root)

    @property
    def digest(self) -> str:
        """What changes with any file that it was made of; of a single file, its sha256."""
        if not self.beside:
            return self.sha256
        return hashlib.sha256("\n".join((self.sha256, *self.beside)).encode()).hexdigest()

    def folder_of(self, at: Spot) -> Path:
        """From where the relative paths in a value are meant: the folder of the file that it stands in."""
        return Path(at.path if at.line else self.path).parent

    def locate(self, pointer: Pointer, *, key: bool = False) -> Spot:
        """The place of a value or (``key``) of the key it stands under.

        A pointer that leads out of the document gives the last place on its way.
        """
        node = self.root
        place = key_place = node.spot
        for step in pointer:
            if isinstance(node.content, dict) and step in node.content:
                entry = node.content[step]
                node, key_place = entry.node, entry.spot
            elif isinstance(node.content, tuple) and isinstance(step, int) and 0 <= step < len(node.content):
                node = node.content[step]
                key_place = node.spot
            else:
                return place
            place = node.spot
        return key_place if key else place

    def origin(self, pointer: Pointer) -> str:
        """`` (row 3 of a.csv)`` for a place in a video that was made of a row or combination, else nothing."""
        made = self.origins.get(int(pointer[1])) if len(pointer) > 1 and pointer[0] == "videos" else None
        return f" ({made})" if made else ""

    def problem(self, pointer: Pointer, message: str, *, key: bool = False) -> Problem:
        """A problem at the place of a value or of its key."""
        return self.locate(pointer, key=key).problem(message + self.origin(pointer))


def load_source(path: Path) -> Source:
    """Read a recipe file.

    :raises RecipeError: nothing of it can be used.
    """
    text, sha256 = read_text(path)
    root, problems = compose(text, str(path))
    if root is None or (root.content is None and root.plain):
        what = "the file holds only comments" if text.strip() else "the file is empty"
        message = f"{what}; a recipe begins with 'version: 1' ('tiktoker-batch schema' shows what it may hold)"
        raise RecipeError([*problems, Problem(path=str(path), line=1, column=1, message=message)])
    return Source(path=str(path), sha256=sha256, text=text, root=root, problems=tuple(problems))


def plain(node: Node) -> Any:
    """A node as plain JSON values, with every alias a copy of its own."""
    match node.content:
        case dict() as entries:
            return {name: plain(entry.node) for name, entry in entries.items()}
        case tuple() as items:
            return [plain(item) for item in items]
        case scalar:
            return scalar
