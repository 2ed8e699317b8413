"""The one place where an error becomes words on stderr and an exit code."""

import errno
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from tiktoker_batch import __version__
from tiktoker_batch.cli.options import Session, say
from tiktoker_batch.errors import ExitCode, TiktokerError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def explain(error: BaseException, session: Session) -> int:
    """Tell the user what happened and give the exit code.

    Expected errors are told in their own words; a bug leaves its traceback in a file.
    """
    if session.debug and not isinstance(error, click.ClickException | click.Abort):
        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    causes = list(_leaves(error))
    if any(isinstance(cause, click.Abort | KeyboardInterrupt) for cause in causes):
        say(f"interrupted; run again to go on: {session.again}" if session.again else "interrupted")
        return ExitCode.INTERRUPTED
    expected = [cause for cause in causes if isinstance(cause, TiktokerError)]
    if len(expected) == len(causes):
        say("\n".join(dict.fromkeys(map(str, expected))))
        return expected[0].exit_code
    return _explain_disk(causes) or _explain_bug(error, session)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group, however deep; an error alone is its own leaf."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _explain_disk(causes: list[BaseException]) -> int | None:
    """A full or closed disk is no bug; ``None`` if it is not that."""
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in _FULL | _CLOSED:
            where = f": {cause.filename}" if cause.filename else ""
            mend = "make room" if cause.errno in _FULL else "mend the permissions, or choose another folder"
            say(f"{(cause.strerror or 'the disk refuses').lower()}{where}\n  {mend}, and run again to go on")
            return ExitCode.NOT_READY
    return None


def _explain_bug(error: BaseException, session: Session) -> int:
    written = _write_details(error, session.output)
    say(
        f"something went wrong inside tiktoker-batch; the details are in {written}\n"
        "  the journal is intact: running again goes on where this stopped"
    )
    return ExitCode.BUG


def _write_details(error: BaseException, output: Path | None) -> Path:
    now = datetime.now(UTC)
    head = (
        f"tiktoker-batch {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{now.isoformat(timespec='seconds')}\n{' '.join(sys.argv)}\n\n"
    )
    details = head + "".join(traceback.format_exception(error))
    name = f"error-{now:%Y%m%d-%H%M%S}.txt"
    for folder in (output, None):
        try:
            path = folder / name if folder else Path(tempfile.mkdtemp(prefix="tiktoker-batch-")) / name
            path.write_text(details, encoding="utf-8")
            return path
        except OSError:
            if folder is None:
                raise
    raise AssertionError("unreachable")
