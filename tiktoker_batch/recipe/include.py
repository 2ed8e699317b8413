"""``include``: a recipe over the files that it names, and each of those over the files that it names itself.

Mappings are merged key by key, however deep; everything else is replaced, but for the lists of ``videos``, which are
joined: those of included files come first. A file that is reached twice gives its videos once.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.recipe.interpolate import Interpolated, interpolate
from tiktoker_batch.recipe.nodes import Entry, Node, Spot
from tiktoker_batch.recipe.source import load_source, plain
from tiktoker_batch.recipe.text import unreadable
from tiktoker_batch.recipe.wording import show

MAX_FILES = 200

_APART = frozenset({"include", "videos"})


def read_recipe(path: Path, environ: Mapping[str, str]) -> Interpolated:
    """A recipe over everything that it includes, each file with what it reads from the environment filled in.

    :raises RecipeError: a file cannot be read, or includes itself.
    """
    filled = interpolate(load_source(path), environ)
    root = filled.source.root
    if not isinstance(root.content, dict) or "include" not in root.content:
        return filled
    walk = _Walk(environ)
    whole = walk.over(filled, (path,))
    if walk.fatal:
        raise RecipeError(sorted({*walk.fatal, *walk.problems}))
    if walk.videos and isinstance(walk.list_of_videos, Entry):
        joined = replace(walk.list_of_videos, node=replace(walk.list_of_videos.node, content=tuple(walk.videos)))
        whole = replace(whole, content={**whole.content, "videos": joined})
    problems = (*filled.source.problems, *walk.broken)
    source = replace(filled.source, root=whole, problems=problems, beside=tuple(walk.digests))
    return Interpolated(source, tuple(walk.problems), frozenset(walk.unread))


def merged(below: Node, above: Node) -> Node:
    """One value over another: mappings key by key, of everything else the upper one."""
    if not isinstance(below.content, dict) or not isinstance(above.content, dict):
        return above
    entries = dict(below.content)
    for name, entry in above.content.items():
        under = entries.get(name)
        entries[name] = replace(entry, node=merged(under.node, entry.node)) if under else entry
    return replace(above, content=entries)


class _Walk:
    """Reads every file once, however many others name it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.fatal: list[Problem] = []
        self.broken: list[Problem] = []
        self.problems: list[Problem] = []
        self.unread: set[Spot] = set()
        self.digests: list[str] = []
        self.videos: list[Node] = []
        self.list_of_videos: Entry | None = None
        self.known: dict[str, Node | None] = {}

    def over(self, filled: Interpolated, chain: Sequence[Path]) -> Node:
        """A file's keys over those of the files that it includes; the chain leads to it from the recipe."""
        self.problems += filled.problems
        self.unread |= filled.unread
        own = filled.source.root
        whole: Node | None = None
        for node in self._named(own):
            found = self._included(node, chain)
            if found is not None:
                whole = merged(whole, found) if whole else found
        entries = {name: entry for name, entry in own.content.items() if name not in _APART}
        videos = own.content.get("videos")
        if videos and isinstance(videos.node.content, tuple):
            self.videos += videos.node.content
            self.list_of_videos = videos
        elif videos:
            entries["videos"] = videos  # no list: the schema will say so
        kept = replace(own, content=entries)
        return merged(whole, kept) if whole else kept

    def _named(self, root: Node) -> Iterator[Node]:
        """The names under ``include``."""
        entry = root.content.get("include")
        if entry is None:
            return
        for node in entry.node.content if isinstance(entry.node.content, tuple) else (entry.node,):
            if node.spot in self.unread:
                self.fatal += [each for each in self.problems if each.path == node.path]
            elif isinstance(node.content, str) and node.content.strip():
                yield node
            else:
                self._refuse(node, f"expected the name of a file or a list of them, got {show(plain(node))}")

    def _included(self, node: Node, chain: Sequence[Path]) -> Node | None:
        """What a named file holds over what it includes itself."""
        if "://" in node.content:
            self._refuse(node, f"{node.content!r} is an address; only files can be included")
            return None
        path = chain[-1].parent / node.content
        fault = unreadable(path)
        if fault:
            self._refuse(node, fault)
            return None
        same = os.path.realpath(path)
        round_again = [os.path.realpath(each) for each in chain]
        if same in round_again:
            way = " -> ".join(str(each) for each in (*chain[round_again.index(same) :], path))
            self._refuse(node, f"this leads back to where it came from: {way}")
            return None
        if same not in self.known:
            self.known[same] = self._read(node, path, chain)
        return self.known[same]

    def _read(self, node: Node, path: Path, chain: Sequence[Path]) -> Node | None:
        if len(self.known) >= MAX_FILES:
            self._refuse(node, f"more than {MAX_FILES} files; put some of them together")
            return None
        try:
            source = load_source(path)
        except RecipeError as error:
            self.fatal += error.problems
            return None
        self.digests.append(source.sha256)
        self.broken += source.problems
        if not isinstance(source.root.content, dict):
            expected = "an included file holds keys of a recipe, like 'defaults'"
            self.fatal.append(source.root.spot.problem(f"{expected}; got {show(source.data)}"))
            return None
        return self.over(interpolate(source, self.environ), (*chain, path))

    def _refuse(self, node: Node, message: str) -> None:
        self.fatal.append(node.spot.problem(f"include: {message}"))
