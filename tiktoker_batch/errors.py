"""The error tree and its exit codes, nothing else.

    TiktokerError            1   message + optional hint: what to do next
      UsageError             2   a command line that cannot be meant
      RecipeError            2   every Problem found, as path:line:column
      PlanError              2
      PreflightError         3   key missing, no ffmpeg, disk: before anything starts
      BudgetExceeded         4
      Locked                 5
      ProviderError              retryable is decided by the type, never by words in a message
        Unavailable              nothing was bought; try again
        RateLimited              the provider asks for patience
          Crowded                our own requests fill the account: wait for one of them, not for time to pass
        TimedOut                 a deadline of ours passed
        UnknownOutcome           the request may have been paid for
        Rejected                 the provider refuses this content
        BadRequest               the provider does not understand these parameters
        AuthFailed               the account is not usable
        Unfetched                paid for and made, but not to be had just now: ask for the same again
        ResultLost               paid for, but cannot be fetched any more
        Unusable                 paid for and delivered, but no good; another one may be
      Broken                   the provider itself fell over on this request
      MediaError                 argv, exit status, last lines of stderr
      NarrationTooLong           ``length: exact`` cannot hold the spoken text
      TooFewSegments             more shots failed than the recipe bears
      Damaged                    a finished file does not hold any more what was recorded

A bug is none of these: it ends the run loudly, with the journal intact (exit 70).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a process says when it ends; scripts depend on the numbers."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_READY = 3
    BUDGET = 4
    LOCKED = 5
    BUG = 70
    INTERRUPTED = 130


class TiktokerError(Exception):
    """Something a user can understand and mend."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(TiktokerError):
    """A command line that cannot be meant."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing wrong with a recipe, at a place a reader can jump to (line and column from 1).

    What was given on the command line stands in no file: ``path`` then names the option, line and column are 0.
    """

    path: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.path}{place}: {self.message}"


class RecipeError(TiktokerError):
    """Every problem of a recipe at once."""

    exit_code = ExitCode.USAGE

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        closing = f"{count} problem{'s' if count != 1 else ''}; nothing was started"
        super().__init__("\n".join([*map(str, self.problems), closing]))


class PlanError(TiktokerError):
    """A valid recipe of which no plan can be made."""

    exit_code = ExitCode.USAGE


class PreflightError(TiktokerError):
    """The environment is not ready; nothing was started."""

    exit_code = ExitCode.NOT_READY


class BudgetExceeded(TiktokerError):
    """The next request would cost more than the recipe allows."""

    exit_code = ExitCode.BUDGET


class Locked(TiktokerError):
    """Another process is at work in the output folder."""

    exit_code = ExitCode.LOCKED


class ProviderError(TiktokerError):
    """A provider did not deliver.

    ``retry_after`` is in seconds, as the provider asked. ``maybe_charged`` says that money may be gone. ``code`` is
    the provider's own word for the trouble. ``unreachable``: no connection could be made. ``of_model``: the trouble is
    the model's that was asked for, not the account's.
    """

    retryable: ClassVar[bool] = False
    code: str | None = None
    unreachable = False
    of_model = False

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
        maybe_charged: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        self.maybe_charged = maybe_charged

    @property
    def kind(self) -> str:
        """The stable name that journals and manifests carry."""
        return type(self).__name__


class Unavailable(ProviderError):
    """Nothing was bought; the same request may go through later."""

    retryable = True


class RateLimited(ProviderError):
    """The provider asks for patience."""

    retryable = True


class Crowded(RateLimited):
    """Our own requests fill the account: the next one goes through when one of them has ended."""


class TimedOut(ProviderError):
    """A deadline of ours passed."""

    retryable = True


class UnknownOutcome(ProviderError):
    """The request may have been accepted and paid for; sending it again could pay twice.

    ``answered``: the provider did reply, with an error, and keeps a list that tells for certain what it did.
    """

    answered = False


class Rejected(ProviderError):
    """The provider refuses this content."""


class BadRequest(ProviderError):
    """The provider does not understand these parameters."""


class AuthFailed(ProviderError):
    """The account or its key is not usable."""


class Unfetched(ProviderError):
    """Paid for and made, but not to be had just now. The next attempt asks for the same, it never buys another."""

    retryable = True


class ResultLost(ProviderError):
    """Paid for, but the result cannot be fetched any more."""


class Unusable(ProviderError):
    """Paid for and delivered, but no good (an unreadable picture, a list of the wrong length); another one may be."""

    retryable = True


class Broken(ProviderError):
    """The provider itself fell over on this request; trying again would not help."""


class MediaError(TiktokerError):
    """A media tool failed; carries what is needed to reproduce it."""

    def __init__(self, message: str, *, argv: Sequence[str] = (), status: int | None = None, stderr: str = "") -> None:
        super().__init__(message)
        self.argv = tuple(argv)
        self.status = status
        self.stderr = stderr

    def __str__(self) -> str:
        tail = "\n".join(self.stderr.strip().splitlines()[-6:])
        return f"{self.message}\n{tail}" if tail else self.message


class NarrationTooLong(TiktokerError):
    """``length: exact`` cannot hold the spoken text, even at the fastest tempo allowed."""


class TooFewSegments(TiktokerError):
    """More shots of a video failed than the recipe bears."""


class Damaged(TiktokerError):
    """A finished file is gone or does not hold any more what was recorded."""
