"""Frozen values of what became of steps: their files, and how each of them ended."""

from decimal import Decimal

import msgspec


class Artifact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file that a step produced; ``path`` is relative to the output folder, with forward slashes."""

    path: str
    sha256: str
    bytes: int


class Succeeded(msgspec.Struct, frozen=True, kw_only=True):
    """The step did its work; its artifacts, the most important one first."""

    artifacts: tuple[Artifact, ...]
    inputs: str
    cost_usd: Decimal = Decimal(0)
    notes: tuple[str, ...] = ()


class Reused(msgspec.Struct, frozen=True, kw_only=True):
    """The artifacts of an earlier run still hold, or they were made for another batch (``from_cache``) or another step.

    ``from_step`` is that step of this batch, for which the very same work was done. ``key`` is that of the work it is
    the result of, where the step itself would come to another: it is locked.
    """

    artifacts: tuple[Artifact, ...]
    inputs: str
    key: str | None = None
    from_cache: bool = False
    from_step: str | None = None


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The step gave up; ``error_kind`` names the type of the last error."""

    attempts: int
    error_kind: str
    message: str


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """The step never started because ``by`` did not deliver."""

    by: str


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """The run ended before the step did."""


Outcome = Succeeded | Reused | Failed | Blocked | Cancelled
