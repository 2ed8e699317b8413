"""What an output folder's files looked like when their contents were last known, so that not all of them are hashed
each time: a batch of 1,000 videos holds gigabytes.

A file whose size, times (``mtime`` and ``ctime``, in nanoseconds) and inode are those of that moment is taken for
unchanged: whatever writes to it, renames over it or sets its times back makes its ``ctime`` another one, which no
program can choose. Anything else is hashed. What slips through is damage below the file system (a disk that rots), a
clock that was set, and a change in the very tick of the clock in which the file was finished; therefore a file is
hashed all the same before a step that really runs takes it in, and ``--verify`` hashes every one.

The notes are a convenience: when they are lost, damaged or alien, more is hashed. They are appended one by one, so that
a killed run leaves those of everything it finished.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.store.artifacts import sha256_file, write_atomic
from tiktoker_batch.store.layout import Layout

# On Windows st_ctime is the time of creation: there everything is hashed.
_HAS_CTIME = os.name == "posix"
WORTHWHILE_LINES = 2_000  # fewer superseded ones are not worth writing the file anew


class Seen:
    """The notes of one output folder. Only who holds the batch's lock may have them written (``writable``).

    ``trusting`` says whether they are believed; if not, every file is hashed once.
    """

    def __init__(self, layout: Layout, *, writable: bool = False, trusting: bool = True) -> None:
        self._layout = layout
        self._root = str(layout.root)
        self._writable = writable and _HAS_CTIME
        self._notes = _read(layout.seen) if trusting and _HAS_CTIME else {}
        self._whole: dict[Artifact, bool] = {}  # by hash, in this run
        self._unchanged: set[Artifact] = set()  # by their looks

    def is_intact(self, artifact: Artifact) -> bool:
        """Whether the file is there with the content that was recorded, as far as its looks tell."""
        if artifact in self._unchanged:
            return True
        if artifact not in self._whole and self._looks(artifact) == self._notes.get(artifact.path, ""):
            self._unchanged.add(artifact)
            return True
        return self.is_whole(artifact)

    def is_known(self, artifact: Artifact) -> bool:
        """Whether it has been hashed, or made, in this run."""
        return artifact in self._whole

    def is_whole(self, artifact: Artifact) -> bool:
        """Whether the file is there with the content that was recorded, by its hash; it is taken once."""
        if artifact not in self._whole:
            before = self._looks(artifact)
            whole = before is not None and self._hash(artifact) == artifact.sha256
            self._whole[artifact] = whole
            if whole and before is not None and before == self._looks(artifact):
                self._write(artifact.path, before)
            elif artifact.path in self._notes:
                self._write(artifact.path, "-")
        return self._whole[artifact]

    def note(self, artifacts: Iterable[Artifact]) -> None:
        """These were finished just now: they are what was recorded."""
        for artifact in artifacts:
            self._whole[artifact] = True
            looks = self._looks(artifact)
            if looks is not None:
                self._write(artifact.path, looks)

    def tidy(self) -> None:
        """Write the notes anew if many of them are superseded."""
        with suppress(OSError, TiktokerError):
            lines = self._layout.seen.read_bytes().count(b"\n")
            if self._writable and lines > max(WORTHWHILE_LINES, 2 * len(self._notes)):
                text = "".join(f"{looks}\t{path}\n" for path, looks in self._notes.items())
                write_atomic(self._layout.seen, text, durable=False)

    def _hash(self, artifact: Artifact) -> str | None:
        try:
            return sha256_file(self._layout.root / artifact.path)
        except OSError:
            return None

    def _looks(self, artifact: Artifact) -> str | None:
        """How the file looks now; ``None`` if it is not there with its size."""
        try:
            found = os.stat(f"{self._root}/{artifact.path}")  # noqa: PTH116  (tens of thousands at a start)
        except (OSError, ValueError):
            return None
        if found.st_size != artifact.bytes:
            return None
        return f"{artifact.sha256} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"

    def _write(self, path: str, looks: str) -> None:
        self._notes[path] = looks
        if not self._writable:
            return
        try:
            with self._layout.seen.open("ab") as file:
                file.write(f"{looks}\t{path}\n".encode())
        except OSError:
            self._writable = False  # a full disk has enough to bear already


def _read(path: Path) -> dict[str, str]:
    """The looks of each file by its path, as far as there are notes; the last ones count."""
    try:
        lines = path.read_bytes().decode(errors="replace").split("\n")
    except OSError:
        return {}
    parted = (line.partition("\t") for line in lines)
    return {path: looks for looks, tab, path in parted if tab}
