"""One process at a time in an output folder.

The operating system drops the lock with the process that holds it, so a dead one never blocks.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import filelock

from tiktoker_batch.errors import Locked, PreflightError
from tiktoker_batch.store.layout import Layout


@contextmanager
def batch_lock(layout: Layout) -> Iterator[None]:
    """Hold the folder.

    :raises Locked: another process does, naming it.
    :raises PreflightError: the folder cannot be written to.
    """
    try:
        layout.root.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(layout.lock, timeout=0)
        lock.acquire()
    except filelock.Timeout:
        raise Locked(
            f"another process is at work in {layout.root}{_holder(layout)}",
            hint="wait for it, or watch it with: tiktoker-batch status " + str(layout.root),
        ) from None
    except OSError as error:
        raise PreflightError(
            f"the output folder {layout.root} cannot be written to: {error.strerror or error}",
            hint="choose another with --output, or mend its permissions",
        ) from error
    try:
        told = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        _about(layout).write_text(json.dumps(told), encoding="utf-8")
        yield
        _about(layout).unlink(missing_ok=True)
    finally:
        lock.release()


def is_locked(layout: Layout) -> bool:
    """Whether a living process holds the folder."""
    if not layout.lock.exists():
        return False
    try:
        with filelock.FileLock(layout.lock, timeout=0):
            return False
    except filelock.Timeout:
        return True
    except OSError:
        return False


def _about(layout: Layout) -> Path:
    return layout.root / ".lock.json"


def _holder(layout: Layout) -> str:
    try:
        told = json.loads((layout.root / ".lock.json").read_text(encoding="utf-8"))
        return f" (process {told['pid']}, since {told['since']})"
    except (OSError, ValueError, KeyError):
        return ""
