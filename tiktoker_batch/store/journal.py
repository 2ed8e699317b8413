"""The journal: append-only JSON Lines, written synchronously, one system call a line."""

import contextlib
import gc
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.events import (
    Interrupted,
    JobReattached,
    JobSubmitted,
    Record,
    RunFinished,
    RunStarted,
    StepSucceeded,
    SubmitIntended,
    VideoFinished,
    record_from_json,
    record_to_json,
)

# Events that guard money or finished work are on disk before anything else happens.
DURABLE = (
    RunStarted, SubmitIntended, JobSubmitted, JobReattached, StepSucceeded, VideoFinished, Interrupted, RunFinished,
)  # fmt: skip

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode  # without the searches for white space and encodings that loads() makes


class Journal:
    """A sink that appends every record to a file."""

    def __init__(self, handle: int, path: Path) -> None:
        self._handle = handle
        self._path = path

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Open for appending; half a line that a killed process left is cut off first.

        :raises TiktokerError: the file cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            _cut_torn_line(handle)
            yield cls(handle, path)
        finally:
            with contextlib.suppress(OSError):
                os.fsync(handle)
            os.close(handle)

    def __call__(self, record: Record) -> None:
        """Append one record; it is on disk on return if it is a durable one.

        :raises TiktokerError: the disk refuses; nothing of the record is in the file then.
        """
        # A lone surrogate has no UTF-8, but inside a JSON string its \\uXXXX is the very same character.
        line = (_encode(record_to_json(record)) + "\n").encode(errors="backslashreplace")
        try:
            written = os.write(self._handle, line)
            while written < len(line):
                written += os.write(self._handle, line[written:])
            if isinstance(record.event, DURABLE):
                os.fsync(self._handle)
        except OSError as error:
            with contextlib.suppress(OSError):
                _cut_torn_line(self._handle)  # what is told next must not be glued to half a line
            raise _unwritable(self._path, error) from error


def read_journal(path: Path) -> tuple[Record, ...]:
    """Every record, oldest first. A torn last line and events of later versions are passed over.

    :raises TiktokerError: there is no journal, or a line inside it is damaged.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise TiktokerError(
            f"cannot read the journal {path}: {error.strerror or error}",
            hint="name an output folder that a run has made",
        ) from error
    lines.pop()  # what follows the last newline is torn, or nothing
    with _collector_asleep():
        records = [_record(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    return tuple(record for record in records if record is not None)


def last_run(records: tuple[Record, ...]) -> int:
    """The number of the newest run; 0 before the first."""
    return max((record.run for record in records), default=0)


def _record(path: Path, number: int, line: bytes) -> Record | None:
    try:
        return record_from_json(_whole_object(line))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise TiktokerError(
            f"{path}:{number}: this line of the journal is damaged",
            hint="remove the line to go on without what it says (its step is done again), or start a new output folder",
        ) from error


def _whole_object(line: bytes) -> dict[str, Any]:
    text = line.decode().strip()
    value, end = _decode(text)
    if end != len(text) or not isinstance(value.get("elapsed"), int | float) or not isinstance(value.get("run"), int):
        raise ValueError("not one event with its stamps")
    found: dict[str, Any] = value
    return found


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


def _cut_torn_line(handle: int) -> None:
    end = os.fstat(handle).st_size
    while end > 0:
        start = max(0, end - 4096)
        block = os.pread(handle, end - start, start)
        newline = block.rfind(b"\n")
        if newline >= 0:
            os.ftruncate(handle, start + newline + 1)
            return
        end = start
    os.ftruncate(handle, 0)


def _unwritable(path: Path, error: OSError) -> TiktokerError:
    return TiktokerError(
        f"cannot write the journal {path}: {error.strerror or error}",
        hint="make room or mend the permissions and run again; what is finished is kept",
    )
