"""The one place where an error becomes words on stderr and an exit code; no key is in them."""

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
from tiktoker_batch.environment import environments
from tiktoker_batch.errors import ExitCode, TiktokerError
from tiktoker_batch.redaction import Secrets

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def explain(error: BaseException, session: Session) -> int:
    """Tell the user what happened and give the exit code.

    Expected errors are told in their own words; a bug leaves its traceback in a file.
    """
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    secrets = _secrets(session)
    if session.debug and not isinstance(error, click.Abort):
        say(secrets.redact(_traceback(error)))
    causes = list(_leaves(error))
    if any(isinstance(cause, click.Abort | KeyboardInterrupt) for cause in causes):
        say(f"interrupted; run again to go on: {session.again}" if session.again else "interrupted")
        return ExitCode.INTERRUPTED
    expected = [cause for cause in causes if isinstance(cause, TiktokerError)]
    if len(expected) == len(causes):
        say(secrets.redact("\n".join(dict.fromkeys(map(str, expected)))))
        return expected[0].exit_code
    return _explain_lost_folder() or _explain_disk(causes) or _explain_bug(error, session, secrets)


def _secrets(session: Session) -> Secrets:
    """Every key that this call may have met."""
    from tiktoker_batch.providers.registry import keys_set  # noqa: PLC0415  (loads packages, and only a failure needs it)

    return Secrets(tuple(key for environ in environments(session.recipes) for key in keys_set(environ)))


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group, however deep; an error alone is its own leaf."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _explain_lost_folder() -> int | None:
    """A working folder that was deleted is no bug; ``None`` if it is there."""
    try:
        Path.cwd()
    except FileNotFoundError:
        say("the working folder is not there any more\n  change to another one, and run again to go on")
        return ExitCode.NOT_READY
    return None


def _explain_disk(causes: list[BaseException]) -> int | None:
    """A full or closed disk is no bug; ``None`` if it is not that."""
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in _FULL | _CLOSED:
            where = f": {cause.filename}" if cause.filename else ""
            mend = "make room" if cause.errno in _FULL else "mend the permissions, or choose another folder"
            say(f"{(cause.strerror or 'the disk refuses').lower()}{where}\n  {mend}, and run again to go on")
            return ExitCode.NOT_READY
    return None


def _explain_bug(error: BaseException, session: Session, secrets: Secrets) -> int:
    now = datetime.now(UTC)
    details = secrets.redact(_details(error, now))
    written = _write_details(details, f"error-{now:%Y%m%d-%H%M%S}.txt", session.output)
    if written is None:
        say(details)
    say(
        f"something went wrong inside tiktoker-batch; the details are {f'in {written}' if written else 'above'}\n"
        "  the journal is intact: running again goes on where this stopped"
    )
    return ExitCode.BUG


def _details(error: BaseException, now: datetime) -> str:
    head = (
        f"tiktoker-batch {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{now.isoformat(timespec='seconds')}\n{' '.join(sys.argv)}\n\n"
    )
    return head + _traceback(error)


def _write_details(details: str, name: str, output: Path | None) -> Path | None:
    """Where they are now; ``None`` where no disk takes them."""
    for folder in (output, None):
        try:
            path = folder / name if folder else Path(tempfile.mkdtemp(prefix="tiktoker-batch-")) / name
            path.write_text(details, encoding="utf-8", errors="backslashreplace")
            return path
        except OSError:
            continue
    return None
