"""Results that were paid for, kept for every batch of this user and known by what they were made from.

    entries/<world>/ab/abcd....json    one result: its files by role, with sha256, size and the shape of their paths
    contents/ab/abcd....               each content once, under its sha256

Nothing here is ever an error for a run: what is missing, damaged or alien is a miss. No lock is held, so that any
number of processes may read, add and clear up at once: files come into being by rename, and what another process has
just removed is a miss as well. Contents are copies, never links into an output folder, and are hashed on every use:
whatever somebody does to either file, the other one stays whole.
"""

import errno
import json
import math
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tiktoker_batch.errors import TiktokerError, UsageError
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.store.artifacts import commit, disk_errors, new_part, pour, sha256_file

FORMAT, VERSION = "tiktoker-batch/cache", 1
# What is younger may belong to an entry that another process is about to write.
GRACE_SECONDS = 3600.0
USUAL_GB = 10.0
_UNREADABLE = {errno.EIO, errno.ESTALE}  # what reading may end in, but not writing for lack of room
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file of a result: where it goes (a shape of ``layout.shape_of``) and what it holds."""

    shape: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What a result is called: ``digest`` says what it was made from, ``world`` by which services.

    Results of simulated services must never pass for bought ones, so each set of addresses is a world of its own.
    """

    world: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What a cache holds; times are seconds since the epoch, ``None`` when it is empty."""

    entries: int = 0
    bytes: int = 0
    oldest: float | None = None
    newest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """What clearing up removed."""

    entries: int = 0
    bytes: int = 0


def open_cache(folder: Path, environ: Mapping[str, str]) -> "Cache":
    """The cache below this folder, with the limit that ``TIKTOKER_CACHE_GB`` names; 0 keeps nothing.

    :raises UsageError: that is no size.
    """
    told = environ.get("TIKTOKER_CACHE_GB", "").strip()
    try:
        size = float(told) if told else USUAL_GB
    except ValueError:
        size = math.nan
    if not 0 <= size < math.inf:
        raise UsageError(f"TIKTOKER_CACHE_GB is {told!r}, expected gigabytes like 10 or 0.5; 0 keeps nothing")
    return Cache(folder / "artifacts", limit_bytes=int(size * 10**9))


class Cache:
    """The results below one folder, which need not exist yet. Beyond ``limit_bytes`` the longest unused ones go."""

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes

    # ------------------------------------------------------------------ one result

    def find(self, name: Name) -> tuple[Item, ...] | None:
        """The files of a result, the most important first; quick, reads none of them."""
        return _read_entry(self._entry(name))

    def bring(
        self, name: Name, items: Sequence[Item], finals: Sequence[Path], root: Path
    ) -> tuple[Artifact, ...] | None:
        """Copy a result's files to where they belong, all or none; ``None`` when they turn out not to be whole.

        :raises TiktokerError: there is no room for them where they belong.
        """
        parts = [new_part(final) for final in finals]
        try:
            for item, part in zip(items, parts, strict=True):
                if not self._copy_out(item, part):
                    self._drop(name, item)
                    return None
            with suppress(OSError):
                os.utime(self._entry(name))  # used just now: the last to go
            reach("cache.copied_out")
            return tuple(
                commit(part, final, root=root, sha256=item.sha256)
                for item, part, final in zip(items, parts, finals, strict=True)
            )
        finally:
            for part in parts:
                with suppress(OSError):
                    part.unlink(missing_ok=True)

    def put(self, name: Name, items: Sequence[Item], sources: Sequence[Path]) -> None:
        """Keep a result, as well as may be: a full or read-only disk leaves nothing behind and is no error."""
        if sum(item.bytes for item in items) > self.limit_bytes:
            return
        value = {"format": FORMAT, "version": VERSION, "artifacts": [asdict(item) for item in items]}
        with suppress(OSError, TiktokerError):
            for item, source in zip(items, sources, strict=True):
                self._copy_in(item, source)
            reach("cache.before_entry")
            _replace(self._entry(name), json.dumps(value).encode())

    def _copy_in(self, item: Item, source: Path) -> None:
        final = self._content(item.sha256)
        if _size(final) == item.bytes:
            os.utime(final)  # young again, so that nobody takes it for forgotten before the entry is there
            return
        part = new_part(final)
        try:
            _copy(source, part)
            reach("cache.before_content")
            if part.stat().st_size == item.bytes:
                part.replace(final)
        finally:
            part.unlink(missing_ok=True)

    def _copy_out(self, item: Item, part: Path) -> bool:
        """Whether the content is there and whole. It is the copy that is hashed: nothing can change it any more."""
        try:
            source = self._content(item.sha256).open("rb", buffering=0)
        except OSError:
            return False
        with source, disk_errors(part), part.open("wb") as target:
            try:
                pour(source, target)
            except OSError as error:
                if error.errno in _UNREADABLE:
                    return False
                raise
        return part.stat().st_size == item.bytes and sha256_file(part) == item.sha256

    def _drop(self, name: Name, item: Item) -> None:
        with suppress(OSError):
            self._entry(name).unlink(missing_ok=True)
        with suppress(OSError):
            self._content(item.sha256).unlink(missing_ok=True)

    # ------------------------------------------------------------------ all of them

    def holdings(self) -> Holdings:
        """How much there is, and since when it was not used."""
        uses = [entry.used for entry in self._entries()]
        contents = sum(size for _, size, _ in _files(self.folder / "contents"))
        return Holdings(
            entries=len(uses), bytes=contents, oldest=min(uses, default=None), newest=max(uses, default=None)
        )

    def is_over_limit(self) -> bool:
        """Whether it holds more than it may."""
        return sum(size for _, size, _ in _files(self.folder / "contents")) > self.limit_bytes

    def keep_within_limit(self) -> None:
        """Clear up if there is too much."""
        if self.is_over_limit():
            self.gc()

    def gc(self, *, now: float | None = None) -> Freed:
        """Remove what nothing refers to, then the longest unused results until the rest is within the limit."""
        young = (time.time() if now is None else now) - GRACE_SECONDS
        entries = sorted(self._entries(), key=lambda entry: entry.used)
        uses = Counter(sha256 for entry in entries for sha256 in entry.contents)
        freed, held = 0, 0
        sizes: dict[str, int] = {}
        for path, size, changed in _files(self.folder / "contents"):
            if path.name not in uses and changed < young:
                freed += _remove(path, size)
                continue
            held += size
            sizes[path.name] = size
        for path, size, changed in _files(self.folder / "entries"):
            if path.suffix != ".json" and changed < young:
                freed += _remove(path, size)  # half an entry, of a process that was killed
        gone = 0
        for entry in entries:
            if entry.contents and held <= self.limit_bytes:
                continue
            gone += 1
            _remove(entry.path, 0)
            for sha256 in entry.contents:
                uses[sha256] -= 1
                if not uses[sha256] and sha256 in sizes:
                    size = sizes.pop(sha256)
                    held -= size
                    freed += _remove(self._content(sha256), size)
        return Freed(entries=gone, bytes=freed)

    def clear(self) -> Freed:
        """Remove everything."""
        held = self.holdings()
        shutil.rmtree(self.folder, ignore_errors=True)
        left = self.holdings()
        return Freed(entries=held.entries - left.entries, bytes=held.bytes - left.bytes)

    def _entries(self) -> Iterator["_Listed"]:
        """Every entry; a damaged one has no contents."""
        for path, _, changed in _files(self.folder / "entries"):
            if path.suffix == ".json":
                contents = {item.sha256 for item in _read_entry(path) or ()}
                yield _Listed(path=path, used=changed, contents=frozenset(contents))

    # ------------------------------------------------------------------ paths

    def _entry(self, name: Name) -> Path:
        return self.folder / "entries" / name.world / name.digest[:2] / f"{name.digest}.json"

    def _content(self, sha256: str) -> Path:
        return self.folder / "contents" / sha256[:2] / sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    path: Path
    used: float
    contents: frozenset[str]


def _read_entry(path: Path) -> tuple[Item, ...] | None:
    try:
        value = json.loads(path.read_bytes())
        if (value["format"], value["version"]) != (FORMAT, VERSION):
            return None
        return tuple(_item(item["shape"], item["sha256"], item["bytes"]) for item in value["artifacts"]) or None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _item(shape: Any, sha256: Any, size: Any) -> Item:
    """An item that was written by us, or looks just like it.

    :raises ValueError: it does not.
    """
    sound = isinstance(shape, str) and isinstance(sha256, str) and isinstance(size, int)
    if not sound or not _SHA256.fullmatch(sha256):
        raise ValueError("no item of ours")
    return Item(shape=shape, sha256=sha256, bytes=size)


def _replace(final: Path, content: bytes) -> None:
    part = new_part(final)
    try:
        part.write_bytes(content)
        reach("cache.before_rename")
        part.replace(final)
        reach("cache.after_rename")
    finally:
        part.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb", buffering=0) as read, target.open("wb") as written:
        pour(read, written)


def _files(folder: Path) -> Iterator[tuple[Path, int, float]]:
    """Every file below a folder with its size and the time of its last change; those that vanish are passed over."""
    with suppress(OSError), os.scandir(folder) as found:
        for each in found:
            with suppress(OSError):
                if each.is_dir(follow_symlinks=False):
                    yield from _files(Path(each.path))
                else:
                    status = each.stat(follow_symlinks=False)
                    yield Path(each.path), status.st_size, status.st_mtime


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _remove(path: Path, size: int) -> int:
    """Remove a file and give the room that this makes."""
    try:
        path.unlink()
    except OSError:
        return 0
    return size
