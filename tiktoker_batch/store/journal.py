"""The journal: append-only JSON Lines, written synchronously, one system call a line."""

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.events import (
    Interrupted,
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
DURABLE = (RunStarted, SubmitIntended, JobSubmitted, StepSucceeded, VideoFinished, Interrupted, RunFinished)


class Journal:
    """A sink that appends every record to a file."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Open for appending; half a line that a killed process left is cut off first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            _cut_torn_line(handle)
            yield cls(handle)
        finally:
            with contextlib.suppress(OSError):
                os.fsync(handle)
            os.close(handle)

    def __call__(self, record: Record) -> None:
        """Append one record; it is on disk on return if it is a durable one."""
        line = json.dumps(record_to_json(record), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        left = memoryview(line)
        while left:
            left = left[os.write(self._handle, left) :]
        if isinstance(record.event, DURABLE):
            os.fsync(self._handle)


def read_journal(path: Path) -> tuple[Record, ...]:
    """Every record, oldest first. A torn last line and events of later versions are passed over.

    :raises TiktokerError: a line inside the file is broken.
    """
    records = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):  # what follows the last newline is torn, or nothing
        if not line.strip():
            continue
        try:
            record = record_from_json(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TiktokerError(
                f"{path}:{number}: this line of the journal is damaged",
                hint="remove the line to go on without what it says (its step is done again), or start a new output folder",
            ) from error
        if record is not None:
            records.append(record)
    return tuple(records)


def last_run(records: tuple[Record, ...]) -> int:
    """The number of the newest run; 0 before the first."""
    return max((record.run for record in records), default=0)


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
