"""Files that appear complete or not at all, and are known by their content."""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.outcomes import Artifact

# What ``new_part`` makes, and what a tool puts beside it under its name; a user's own ``notes.part`` is neither.
_PART = re.compile(r"\.\d+-[0-9a-f]{8}\.part(\..+)?$")


def sha256_file(path: Path) -> str:
    """The sha256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def new_part(final: Path) -> Path:
    """A name beside ``final`` to write under; unique, so that a process we left behind cannot write into ours.

    :raises TiktokerError: its folder cannot be made.
    """
    folder = os.path.dirname(final)  # noqa: PTH120  (several times for each step)
    if not os.path.isdir(folder):  # noqa: PTH112
        with disk_errors(final.parent):
            final.parent.mkdir(parents=True, exist_ok=True)
    return Path(f"{final}.{os.getpid()}-{secrets.token_hex(4)}.part")


def commit(part: Path, final: Path, *, root: Path, durable: bool = True, sha256: str | None = None) -> Artifact:
    """Give a written file its final name, durably: the file is synced before, its folder after.

    ``sha256`` spares reading it again, where it was taken while the file was written. What can be made again for
    nothing need not be ``durable``: it is complete or absent all the same, short of a power failure.

    :raises TiktokerError: the disk refuses.
    """
    with disk_errors(final):
        with part.open("rb") as file:
            if durable:
                os.fsync(file.fileno())
            found = sha256 or hashlib.file_digest(file, "sha256").hexdigest()
            size = os.fstat(file.fileno()).st_size
        _put_in_place(part, final, durable=durable)
    return Artifact(path=final.relative_to(root).as_posix(), sha256=found, bytes=size)


def _put_in_place(part: Path, final: Path, *, durable: bool) -> None:
    """The name of a file that is on disk already, if it is a durable one."""
    reach("commit.before_rename")
    os.replace(part, final)  # noqa: PTH105  (this and the next: several times for each step)
    reach("commit.before_folder_sync")
    if durable:
        sync_folder(final.parent)
        reach("commit.after_folder_sync")


def write_atomic(final: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Write a file under its final name, complete or not at all.

    :raises TiktokerError: the disk refuses.
    """
    part = new_part(final)
    try:
        with disk_errors(final):
            _write(part, _as_bytes(content), durable=durable)
            _put_in_place(part, final, durable=durable)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _write(part: Path, content: bytes, *, durable: bool) -> None:
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(handle, left) :]
        if durable:
            os.fsync(handle)
    finally:
        os.close(handle)


def write_artifact(final: Path, content: str | bytes, *, root: Path) -> Artifact:
    """The same with what a step made.

    :raises TiktokerError: the disk refuses.
    """
    content = _as_bytes(content)
    write_atomic(final, content)
    found = hashlib.sha256(content).hexdigest()
    return Artifact(path=final.relative_to(root).as_posix(), sha256=found, bytes=len(content))


def _as_bytes(content: str | bytes) -> bytes:
    """Half a surrogate pair, as a language model may answer, is no reason to lose a file."""
    return content.encode(errors="backslashreplace") if isinstance(content, str) else content


def copy_artifacts(artifacts: Sequence[Artifact], finals: Sequence[Path], *, root: Path) -> tuple[Artifact, ...] | None:
    """Copy finished files to other names, all or none; ``None`` when they are not what was recorded any more.

    It is the copies that are hashed: nothing can change them any more.

    :raises TiktokerError: there is no room for them.
    """
    parts = [new_part(final) for final in finals]
    try:
        for artifact, part in zip(artifacts, parts, strict=True):
            if not _copied(root / artifact.path, part) or sha256_file(part) != artifact.sha256:
                return None
        return tuple(
            commit(part, final, root=root, sha256=artifact.sha256)
            for artifact, part, final in zip(artifacts, parts, finals, strict=True)
        )
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _copied(path: Path, part: Path) -> bool:
    """Whether there was something to copy."""
    try:
        source = path.open("rb", buffering=0)
    except OSError:
        return False
    with source, disk_errors(part), part.open("wb") as target:
        pour(source, target)
    return True


def pour(source: BinaryIO, target: BinaryIO) -> None:
    """Copy the rest of one file into another; a file system that can shares the blocks instead."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            while os.copy_file_range(source.fileno(), target.fileno(), 1 << 30):
                pass
    shutil.copyfileobj(source, target, 1 << 20)  # both stand where the system call has left off


def is_intact(artifact: Artifact, *, root: Path) -> bool:
    """Whether the file is there with the very content that was recorded."""
    path = root / artifact.path
    try:
        return path.stat().st_size == artifact.bytes and sha256_file(path) == artifact.sha256
    except OSError:
        return False


def sweep_parts(root: Path) -> int:
    """Remove what a killed process left half-written; only under the lock. Gives the number of files."""
    found = list(_parts(os.fspath(root)))
    for path in found:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108
    return len(found)


def _parts(folder: str) -> Iterator[str]:
    """The part files below a folder; a large batch has tens of thousands of others."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _parts(entry.path)
            elif ".part" in entry.name and _PART.search(entry.name) and entry.is_file():
                yield entry.path


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, as far as its file system can.

    Without it a power failure may take a file that was synced along with its name.
    """
    # Not every file system can sync a folder; the rename itself is atomic all the same.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """A full or read-only disk is the user's to mend, not a bug of ours."""
    try:
        yield
    except OSError as error:
        raise TiktokerError(
            f"cannot write {path}: {error.strerror or error}",
            hint="make room or mend the permissions and run again; what is finished is kept",
        ) from error
