"""A check is a value: what was looked at, what was found, and how to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tiktoker_batch.errors import ExitCode, TiktokerError

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. Only a ``problem`` keeps a batch from running."""

    name: str
    verdict: Verdict = "ok"
    message: str
    mend: str | None = None


def exit_code(checks: Iterable[Check]) -> ExitCode:
    """Ready, or not."""
    return ExitCode.NOT_READY if any(check.verdict == "problem" for check in checks) else ExitCode.OK


def problem(name: str, error: Exception, mend: str) -> Check:
    """What a failed look means, in the error's own words where it has some."""
    if isinstance(error, TiktokerError):
        return Check(name=name, verdict="problem", message=error.message, mend=error.hint or mend)
    return Check(name=name, verdict="problem", message=f"{type(error).__name__}: {error}", mend=mend)
