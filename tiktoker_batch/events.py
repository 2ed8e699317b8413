"""Frozen events: everything that happened in a batch, in the words of the journal.

Manifest, progress and report are folds of this stream and know nothing else. Each is stamped (see ``recording``) with
the wall time (for people), the seconds since the run began (monotonic, for arithmetic) and the number of the run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from tiktoker_batch.outcomes import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of every fact."""

    name: ClassVar[str] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """What the journal keeps of a planned step (a part of :class:`VideoPlanned`).

    ``made_of`` is what its key is made of beside what stands here: short values as they are, others as digests. It is
    empty in older journals.
    """

    id: str
    kind: str
    key: str
    needs: tuple[str, ...]
    provider: str
    model: str
    estimated_seconds: float
    estimated_cost_usd: Decimal
    made_of: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """A process took the lock and begins; ``options`` are those a resume needs, ``shapes`` how models' times spread."""

    name = "run_started"
    batch: str
    recipe: str
    recipe_sha256: str
    tool_version: str
    options: Mapping[str, Any]
    limits: Mapping[str, int]
    shapes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoPlanned(Event):
    """A video belongs to this run. Unnamed steps of earlier runs are forgotten; ``left_out`` are those not selected.

    ``waiting`` are those of them that wait for a person's approval. ``edited`` names the file, below the output folder,
    with what a person made of its text.
    """

    name = "video_planned"
    video: str
    title: str
    steps: tuple[PlannedStep, ...]
    left_out: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    edited: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepQueued(Event):
    """Everything the attempt needs is there; it now waits for its seats."""

    name = "step_queued"
    step: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(Event):
    """The attempt holds its seats and works."""

    name = "attempt_started"
    step: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitIntended(Event):
    """A request is about to leave; written before it does.

    It can be found again by its ``token``. ``work`` digests what it is for: the step's ``key`` and its inputs.
    ``units`` are the things it buys. ``uploads`` are the addresses of the files that go with it: without them it would
    not be known again. ``hedge``: it leaves beside the attempt's first request, which is out and late.
    """

    name = "submit_intended"
    step: str
    attempt: int
    provider: str
    model: str
    price_usd: Decimal
    token: int = 0
    key: str = ""
    work: str = ""
    uploads: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, Any] = field(default_factory=dict)
    hedge: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSubmitted(Event):
    """The provider took the request and gave it a name; ``addresses`` are where it can be asked after.

    ``token`` is that of its intent; 0, in older journals, means the last one of the step.
    """

    name = "job_submitted"
    step: str
    attempt: int
    request_id: str
    addresses: Mapping[str, Any] = field(default_factory=dict)
    token: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReattached(Event):
    """An attempt goes on with a request of an earlier run instead of sending another; see :class:`SubmitIntended`.

    ``sent_at`` is when that request left. Without a ``request_id`` it is looked for first. ``taken_from`` is the step
    that sent it, where that was another one, for the very same work: the request is no more its own.
    """

    name = "job_reattached"
    step: str
    attempt: int
    provider: str
    model: str
    price_usd: Decimal
    token: int
    key: str
    work: str
    sent_at: datetime
    request_id: str | None = None
    addresses: Mapping[str, Any] = field(default_factory=dict)
    uploads: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, Any] = field(default_factory=dict)
    taken_from: str | None = None
    hedge: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Straggling(Event):
    """A job is at work for longer than nearly all of its model take: for ``seconds``."""

    name = "straggling"
    step: str
    attempt: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDropped(Event):
    """One of two requests of an attempt is done with: the other one delivered, or this one failed while it goes on.

    ``cost_usd`` is what it cost, or may have, and no part of the attempt's own cost; ``charged``: what it buys counts.
    """

    name = "job_dropped"
    step: str
    attempt: int
    token: int
    message: str
    request_id: str | None = None
    cost_usd: Decimal = Decimal(0)
    charged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown(Event):
    """The submit was not answered, or not clearly: it may have been paid for, and is looked for at the provider."""

    name = "outcome_unknown"
    step: str
    attempt: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed(Event):
    """One try did not deliver; ``error_kind`` is the type's name, ``outcome`` retry, failed, unknown or cancelled.

    ``charged``: what its last request buys may have been paid for all the same.
    """

    name = "attempt_failed"
    step: str
    attempt: int
    outcome: str
    error_kind: str
    message: str
    cost_usd: Decimal = Decimal(0)
    charged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedOff(Event):
    """The step waits this long, without any seat, before its next attempt."""

    name = "backed_off"
    step: str
    attempt: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPaused(Event):
    """The provider does not answer: for so many seconds nothing new is asked of it."""

    name = "provider_paused"
    provider: str
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityChanged(Event):
    """From now on so many may be under way at once at a provider, or at one of its models.

    ``cause``: a request was ``refused``, one more is ``tried``, the provider has ``told`` what it bears, or an earlier
    batch's limit is ``remembered``.
    """

    name = "capacity_changed"
    limit: str
    seats: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSucceeded(Event):
    """The artifacts are on disk under their final names. ``inputs`` digests what was consumed.

    ``notes`` are what a user should know of how they were made.
    """

    name = "step_succeeded"
    step: str
    attempt: int
    key: str
    inputs: str
    artifacts: tuple[Artifact, ...]
    cost_usd: Decimal = Decimal(0)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReused(Event):
    """Same key, same inputs, verified artifacts: nothing to do.

    ``from_cache``: they were made in another batch; ``from_step``: they are a copy of what that step of this one made.
    """

    name = "step_reused"
    step: str
    key: str
    inputs: str
    artifacts: tuple[Artifact, ...]
    from_cache: bool = False
    from_step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed(Event):
    """The step gave up after ``attempts`` tries."""

    name = "step_failed"
    step: str
    attempts: int
    error_kind: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBlocked(Event):
    """The step never started: ``by`` did not deliver."""

    name = "step_blocked"
    step: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkDone(Event):
    """A named piece of work inside an attempt (``normalise 03``, ``mix``, ``concat``), for the timeline.

    ``began`` and ``ended`` are seconds since the run's start; ``waited`` is the wait for a seat before it.
    """

    name = "work_done"
    step: str
    label: str
    waited: float
    began: float
    ended: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFinished(Event):
    """The video's last step ended; ``state`` is done, partial or failed."""

    name = "video_finished"
    video: str
    state: str
    output: str | None = None
    sha256: str | None = None
    duration_seconds: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(Event):
    """A signal asked the run to stop; ``how`` is drain or abort."""

    name = "interrupted"
    signal: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """The process let go; ``state`` is done, partial, failed, interrupted or stopped."""

    name = "run_finished"
    state: str


EVENT_TYPES: dict[str, type[Event]] = {
    cls.name: cls
    for cls in (
        RunStarted, VideoPlanned, StepQueued, AttemptStarted, SubmitIntended, JobSubmitted, JobReattached,
        Straggling, JobDropped, OutcomeUnknown, AttemptFailed, BackedOff, ProviderPaused, CapacityChanged,
        StepSucceeded, StepReused,        StepFailed, StepBlocked, WorkDone, VideoFinished, Interrupted, RunFinished,
    )
}  # fmt: skip


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its stamps: UTC wall time, seconds since the run began, number of the run (from 1)."""

    at: datetime
    elapsed: float
    run: int
    event: Event
