"""The journal: append-only JSON Lines, written synchronously, one system call a line.

Events that guard money or finished work are synced to the disk too: at once, or by whoever took that over (``told``).

A line ends with a checksum of what stands before it, so that one that the disk has spoilt is told from a whole one.
The first line names the format. Lines of earlier versions, which have neither, are read all the same.
"""

import contextlib
import gc
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from zlib import crc32

from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.events import (
    Interrupted,
    JobDropped,
    JobReattached,
    JobSubmitted,
    Record,
    RunFinished,
    RunStarted,
    StepSucceeded,
    SubmitIntended,
    VideoFinished,
)
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.records import record_from_line, record_to_line, records_from_lines
from tiktoker_batch.store.artifacts import new_part, sync_folder

FORMAT, VERSION = "tiktoker-batch/journal", 1
# Events that guard money or finished work: a power failure must not take them.
DURABLE = (
    RunStarted, SubmitIntended, JobSubmitted, JobReattached, JobDropped, StepSucceeded, VideoFinished, Interrupted,
    RunFinished,
)  # fmt: skip

_DURABLE = frozenset(DURABLE)  # looked up for each line

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_CRC, _CRC_LENGTH = b',"crc":"', len(b',"crc":"00000000"}')
# Whatever a line that is none makes its reader raise.
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


class Journal:
    """A sink that appends every record to a file.

    ``told`` is called instead of syncing a durable record, when it is set: it sees to it that ``sync`` is.
    """

    def __init__(self, handle: int, path: Path) -> None:
        self.told: Callable[[], None] | None = None
        self._handle = handle
        self._path = path

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Open for appending; what a killed process or a power failure left half-written is cut off first.

        :raises TiktokerError: the file cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            _cut_torn_tail(handle)
            if not os.fstat(handle).st_size:
                os.write(handle, _HEADER)
                sync_folder(path.parent)
            yield cls(handle, path)
        finally:
            with contextlib.suppress(OSError):
                os.fsync(handle)
            os.close(handle)

    def __call__(self, record: Record) -> None:
        """Append one record; it is on disk on return if it is a durable one and nobody is told instead.

        :raises TiktokerError: the disk refuses; nothing of the record is in the file then.
        """
        line = _line(record)
        reach("journal.before_write")
        reach("journal.torn", lambda: _write_half(self._handle, line))
        try:
            written = os.write(self._handle, line)
            while written < len(line):
                written += os.write(self._handle, line[written:])
        except OSError as error:
            with contextlib.suppress(OSError):
                _cut_torn_line(self._handle)  # what is told next must not be glued to half a line
            raise _unwritable(self._path, error) from error
        if type(record.event) in _DURABLE:
            if self.told is None:
                self.sync()
            else:
                self.told()

    def sync(self) -> None:
        """Have everything written so far on disk; from any thread.

        :raises TiktokerError: the disk refuses.
        """
        reach("journal.before_sync")
        try:
            os.fsync(self._handle)
        except OSError as error:
            raise _unwritable(self._path, error) from error
        reach("journal.after_sync")


def read_journal(path: Path) -> tuple[Record, ...]:
    """Every record, oldest first. A torn tail and events of later versions are passed over.

    :raises TiktokerError: there is no journal, it is of a later format, or a line inside it is damaged.
    """
    return tuple(record for _, record in read_lines(path) if record is not None)


def read_lines(path: Path) -> list[tuple[bytes, Record | None]]:
    """Every line with its record, oldest first; ``None`` for the first line and for events of later versions.

    :raises TiktokerError: as ``read_journal``.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TiktokerError(
            f"cannot read the journal {path}: {error.strerror or error}",
            hint="name an output folder that a run has made",
        ) from error
    content = content[: content.rfind(b"\n") + 1]  # what follows the last newline is torn, or nothing
    with _collector_asleep():
        return _all_at_once(content) or _one_by_one(path, content)


def _all_at_once(content: bytes) -> list[tuple[bytes, Record | None]]:
    """The lines of a journal in which each has its checksum and tells of something this version knows; else none.

    Nearly all journals are like this, and a large batch's has 100,000 lines.
    """
    if not content.startswith(_HEADER):
        return []
    header, *lines = content.split(b"\n")
    lines.pop()  # behind the last newline is nothing
    try:
        if not all(map(_fits, lines)):
            return []
        records: list[Record | None] = [None, *records_from_lines(memoryview(content)[len(_HEADER) :])]
        return list(zip([header, *lines], records, strict=True))
    except ValueError:
        return []


def _one_by_one(path: Path, content: bytes) -> list[tuple[bytes, Record | None]]:
    found: list[tuple[bytes, Record | None]] = []
    damaged: int | None = None
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            found.append((line, _record(line)))
        except _Newer as newer:
            raise _too_new(path, newer) from None
        except _DAMAGE:
            damaged = damaged or number
            continue
        if damaged is not None:
            raise _damaged(path, damaged)
    return found


def rewrite(path: Path, lines: Iterable[bytes]) -> None:
    """Replace the journal by these of its lines, all or none.

    :raises TiktokerError: the disk refuses.
    """
    part = new_part(path)
    try:
        with part.open("wb") as file:
            file.writelines(line + b"\n" for line in lines)
            reach("compaction.before_sync")
            file.flush()
            os.fsync(file.fileno())
        reach("compaction.before_rename")
        part.replace(path)
        reach("compaction.after_rename")
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def write_journal(path: Path, records: Iterable[Record]) -> None:
    """Write a whole journal of these records, all or none.

    :raises TiktokerError: the disk refuses.
    """
    rewrite(path, [_HEADER.rstrip(b"\n"), *(_line(record).rstrip(b"\n") for record in records)])


def last_run(records: tuple[Record, ...]) -> int:
    """The number of the newest run; 0 before the first."""
    return max((record.run for record in records), default=0)


def _write_half(handle: int, line: bytes) -> None:
    os.write(handle, line[: len(line) // 2])
    os.fsync(handle)


def _line(record: Record) -> bytes:
    return _sealed(record_to_line(record))


def _sealed(text: bytes) -> bytes:
    """A JSON object as a line: with its checksum as the last member."""
    return text[:-1] + _CRC + b'%08x"}\n' % crc32(text)


_HEADER_START = b'{"format":'
_HEADER = _sealed(_encode({"format": FORMAT, "version": VERSION}).encode())


def _fits(line: bytes) -> bool:
    """Whether the checksum that a line ends with is its own.

    :raises ValueError: it ends with none.
    """
    return int(line[-10:-2], 16) == crc32(b"}", crc32(line[:-_CRC_LENGTH]))


def _checked(line: bytes) -> bytes:
    """The line, whose checksum is a member of the JSON object like any other.

    :raises ValueError: it has changed since.
    """
    if not line.endswith(b'"}') or line[-_CRC_LENGTH : -_CRC_LENGTH + len(_CRC)] != _CRC:
        return line
    if not _fits(line):
        raise ValueError("the checksum does not fit")
    return line


class _Newer(Exception):
    """The journal's format is of a later version."""


def _record(line: bytes) -> Record | None:
    text = _checked(line.strip())
    if not text.startswith(_HEADER_START):
        return record_from_line(text)
    value = json.loads(text)
    if value["format"] != FORMAT:
        raise ValueError("not a journal")
    if int(value["version"]) > VERSION:
        raise _Newer(value["version"])
    return None


def _is_sound(line: bytes) -> bool:
    try:
        _record(line)
    except _Newer:
        return True
    except _DAMAGE:
        return False
    return True


@contextmanager
def _collector_asleep() -> Iterator[None]:
    """No garbage collection: thousands of new values without one cycle among them would only be searched in vain."""
    was_awake = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_awake:
            gc.enable()


def _cut_torn_tail(handle: int) -> None:
    """Cut off what is no whole line: half a line, or what a power failure left where lines were being written."""
    _cut_torn_line(handle)
    while os.fstat(handle).st_size:
        start, line = _last_line(handle)
        if line.strip() and _is_sound(line):
            return
        os.ftruncate(handle, start)


def _cut_torn_line(handle: int) -> None:
    end = os.fstat(handle).st_size
    os.ftruncate(handle, _after_last_newline(handle, end))


def _last_line(handle: int) -> tuple[int, bytes]:
    """Where the last line begins, and what it says without its newline."""
    end = max(os.fstat(handle).st_size - 1, 0)
    start = _after_last_newline(handle, end)
    return start, os.pread(handle, end - start, start)


def _after_last_newline(handle: int, end: int) -> int:
    """The place after the last newline before ``end``; 0 if there is none."""
    while end > 0:
        start = max(0, end - 4096)
        newline = os.pread(handle, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _damaged(path: Path, number: int) -> TiktokerError:
    return TiktokerError(
        f"{path}:{number}: this line of the journal is damaged",
        hint="remove the line to go on without what it says (its step is done again), or start a new output folder",
    )


def _too_new(path: Path, version: Exception) -> TiktokerError:
    return TiktokerError(
        f"{path} was written by a later version of tiktoker-batch (its format is {version}, known is {VERSION})",
        hint="update tiktoker-batch, or name another folder with --output",
    )


def _unwritable(path: Path, error: OSError) -> TiktokerError:
    return TiktokerError(
        f"cannot write the journal {path}: {error.strerror or error}",
        hint="make room or mend the permissions and run again; what is finished is kept",
    )
