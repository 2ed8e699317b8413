"""One process at a time in an output folder.

The operating system drops the lock with the process that holds it, so a dead one never blocks.
"""

import json
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import filelock

from tiktoker_batch.errors import Locked, PreflightError
from tiktoker_batch.store.layout import Layout

PATIENCE_SECONDS = 0.3  # outlasts a glance of ``is_locked``, which must not turn a run away


@contextmanager
def batch_lock(layout: Layout) -> Iterator[None]:
    """Hold the folder; it is made if there is none.

    :raises Locked: another process does, naming it.
    :raises PreflightError: the folder cannot be written to.
    """
    lock = _acquire(layout)
    try:
        yield
    finally:
        _about(layout).unlink(missing_ok=True)
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
        return False  # whoever may not even open the lock cannot be told more


def _acquire(layout: Layout) -> filelock.BaseFileLock:
    lock = None
    try:
        layout.root.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(layout.lock, timeout=PATIENCE_SECONDS, poll_interval=0.02)
        lock.acquire()
        told = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        _about(layout).write_text(json.dumps(told), encoding="utf-8")
        return lock
    except filelock.Timeout:
        raise Locked(
            f"another process is at work in {layout.root}{_holder(layout)}",
            hint=f"wait for it, or watch it with: tiktoker-batch status {shlex.quote(str(layout.root))}",
        ) from None
    except (OSError, NotImplementedError) as error:
        if lock is not None:
            lock.release()
        reason = getattr(error, "strerror", None) or error
        raise PreflightError(
            f"the output folder {layout.root} cannot be written to: {reason}",
            hint="choose another with --output, or mend its permissions",
        ) from error


def _about(layout: Layout) -> Path:
    return layout.root / ".lock.json"


def _holder(layout: Layout) -> str:
    try:
        told = json.loads(_about(layout).read_text(encoding="utf-8"))
        return f" (process {told['pid']}, since {told['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
