"""Frozen events: everything that happened in a batch, in the words of the journal.

Manifest, progress and report are folds of this stream and know nothing else. Each is stamped (see ``recording``) with
the wall time (for people), the seconds since the run began (monotonic, for arithmetic) and the number of the run.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from tiktoker_batch.outcomes import Artifact


class Event(msgspec.Struct, frozen=True, gc=False, tag_field="event"):
    """The base of every fact; its ``name`` is how the journal calls it. No event can be part of a cycle."""

    @property
    def name(self) -> str:
        """What the journal calls it."""
        return str(self.__struct_config__.tag)


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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
    made_of: Mapping[str, Any] = {}


class RunStarted(Event, frozen=True, kw_only=True, tag="run_started"):
    """A process took the lock and begins; ``options`` are those a resume needs, ``shapes`` how models' times spread."""

    batch: str
    recipe: str
    recipe_sha256: str
    tool_version: str
    options: Mapping[str, Any]
    limits: Mapping[str, int]
    shapes: Mapping[str, Any] = {}


class VideoPlanned(Event, frozen=True, kw_only=True, tag="video_planned"):
    """A video belongs to this run. Unnamed steps of earlier runs are forgotten; ``left_out`` are those not selected.

    ``waiting`` are those of them that wait for a person's approval. ``edited`` names the file, below the output folder,
    with what a person made of its text.
    """

    video: str
    title: str
    steps: tuple[PlannedStep, ...]
    left_out: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    edited: str | None = None


class StepQueued(Event, frozen=True, kw_only=True, tag="step_queued"):
    """Everything the attempt needs is there; it now waits for its seats."""

    step: str
    attempt: int


class AttemptStarted(Event, frozen=True, kw_only=True, tag="attempt_started"):
    """The attempt holds its seats and works."""

    step: str
    attempt: int


class SubmitIntended(Event, frozen=True, kw_only=True, tag="submit_intended"):
    """A request is about to leave; written before it does.

    It can be found again by its ``token``. ``work`` digests what it is for: the step's ``key`` and its inputs.
    ``units`` are the things it buys. ``uploads`` are the addresses of the files that go with it: without them it would
    not be known again. ``hedge``: it leaves beside the attempt's first request, which is out and late.
    """

    step: str
    attempt: int
    provider: str
    model: str
    price_usd: Decimal
    token: int = 0
    key: str = ""
    work: str = ""
    uploads: Mapping[str, Any] = {}
    units: Mapping[str, Any] = {}
    hedge: bool = False


class JobSubmitted(Event, frozen=True, kw_only=True, tag="job_submitted"):
    """The provider took the request and gave it a name; ``addresses`` are where it can be asked after.

    ``token`` is that of its intent; 0, in older journals, means the last one of the step.
    """

    step: str
    attempt: int
    request_id: str
    addresses: Mapping[str, Any] = {}
    token: int = 0


class JobReattached(Event, frozen=True, kw_only=True, tag="job_reattached"):
    """An attempt goes on with a request of an earlier run instead of sending another; see :class:`SubmitIntended`.

    ``sent_at`` is when that request left. Without a ``request_id`` it is looked for first. ``taken_from`` is the step
    that sent it, where that was another one, for the very same work: the request is no more its own.
    """

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
    addresses: Mapping[str, Any] = {}
    uploads: Mapping[str, Any] = {}
    units: Mapping[str, Any] = {}
    taken_from: str | None = None
    hedge: bool = False


class Straggling(Event, frozen=True, kw_only=True, tag="straggling"):
    """A job is at work for longer than nearly all of its model take: for ``seconds``."""

    step: str
    attempt: int
    seconds: float


class JobDropped(Event, frozen=True, kw_only=True, tag="job_dropped"):
    """One of two requests of an attempt is done with: the other one delivered, or this one failed while it goes on.

    ``cost_usd`` is what it cost, or may have, and no part of the attempt's own cost; ``charged``: what it buys counts.
    """

    step: str
    attempt: int
    token: int
    message: str
    request_id: str | None = None
    cost_usd: Decimal = Decimal(0)
    charged: bool = False


class OutcomeUnknown(Event, frozen=True, kw_only=True, tag="outcome_unknown"):
    """The submit was not answered, or not clearly: it may have been paid for, and is looked for at the provider."""

    step: str
    attempt: int
    message: str


class AttemptFailed(Event, frozen=True, kw_only=True, tag="attempt_failed"):
    """One try did not deliver; ``error_kind`` is the type's name, ``outcome`` retry, failed, unknown or cancelled.

    ``charged``: what its last request buys may have been paid for all the same.
    """

    step: str
    attempt: int
    outcome: str
    error_kind: str
    message: str
    cost_usd: Decimal = Decimal(0)
    charged: bool = False


class BackedOff(Event, frozen=True, kw_only=True, tag="backed_off"):
    """The step waits this long, without any seat, before its next attempt."""

    step: str
    attempt: int
    seconds: float


class ProviderPaused(Event, frozen=True, kw_only=True, tag="provider_paused"):
    """The provider does not answer: for so many seconds nothing new is asked of it."""

    provider: str
    seconds: float
    reason: str


class CapacityChanged(Event, frozen=True, kw_only=True, tag="capacity_changed"):
    """From now on so many may be under way at once at a provider, or at one of its models.

    ``cause``: a request was ``refused``, one more is ``tried``, the provider has ``told`` what it bears, or an earlier
    batch's limit is ``remembered``.
    """

    limit: str
    seats: int
    cause: str


class StepSucceeded(Event, frozen=True, kw_only=True, tag="step_succeeded"):
    """The artifacts are on disk under their final names. ``inputs`` digests what was consumed.

    ``notes`` are what a user should know of how they were made.
    """

    step: str
    attempt: int
    key: str
    inputs: str
    artifacts: tuple[Artifact, ...]
    cost_usd: Decimal = Decimal(0)
    notes: tuple[str, ...] = ()


class StepReused(Event, frozen=True, kw_only=True, tag="step_reused"):
    """Same key, same inputs, verified artifacts: nothing to do.

    ``from_cache``: they were made in another batch; ``from_step``: they are a copy of what that step of this one made.
    """

    step: str
    key: str
    inputs: str
    artifacts: tuple[Artifact, ...]
    from_cache: bool = False
    from_step: str | None = None


class StepsReused(Event, frozen=True, kw_only=True, tag="steps_reused"):
    """Nothing is to be done for these steps of a video: what each of them left the last time still holds."""

    video: str
    steps: tuple[str, ...]


class StepFailed(Event, frozen=True, kw_only=True, tag="step_failed"):
    """The step gave up after ``attempts`` tries."""

    step: str
    attempts: int
    error_kind: str
    message: str


class StepBlocked(Event, frozen=True, kw_only=True, tag="step_blocked"):
    """The step never started: ``by`` did not deliver."""

    step: str
    by: str


class WorkDone(Event, frozen=True, kw_only=True, tag="work_done"):
    """A named piece of work inside an attempt (``normalise 03``, ``mix``, ``concat``), for the timeline.

    ``began`` and ``ended`` are seconds since the run's start; ``waited`` is the wait for a seat before it.
    """

    step: str
    label: str
    waited: float
    began: float
    ended: float


class VideoFinished(Event, frozen=True, kw_only=True, tag="video_finished"):
    """The video's last step ended; ``state`` is done, partial or failed."""

    video: str
    state: str
    output: str | None = None
    sha256: str | None = None
    duration_seconds: float | None = None
    notes: tuple[str, ...] = ()


class Interrupted(Event, frozen=True, kw_only=True, tag="interrupted"):
    """A signal asked the run to stop; ``how`` is drain or abort."""

    signal: str
    how: str


class RunFinished(Event, frozen=True, kw_only=True, tag="run_finished"):
    """The process let go; ``state`` is done, partial, failed, interrupted or stopped."""

    state: str


EVENT_TYPES: dict[str, type[Event]] = {
    str(cls.__struct_config__.tag): cls
    for cls in (
        RunStarted, VideoPlanned, StepQueued, AttemptStarted, SubmitIntended, JobSubmitted, JobReattached,
        Straggling, JobDropped, OutcomeUnknown, AttemptFailed, BackedOff, ProviderPaused, CapacityChanged,
        StepSucceeded, StepReused, StepsReused, StepFailed, StepBlocked, WorkDone, VideoFinished, Interrupted,
        RunFinished,
    )
}  # fmt: skip


class Record(msgspec.Struct, frozen=True, gc=False):
    """An event with its stamps: UTC wall time, seconds since the run began, number of the run (from 1)."""

    at: datetime
    elapsed: float
    run: int
    event: Event
