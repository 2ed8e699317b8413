"""Frozen events: everything that happened in a batch, in the words of the journal.

Manifest, progress and report are folds of this stream and know nothing else. ``Recorder`` is the only clock:
it stamps each event with the wall time (for people), the seconds since the run began (monotonic, for
arithmetic) and the number of the run.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from tiktoker_batch.model import Artifact, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of every fact."""

    name: ClassVar[str] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """What the journal keeps of a planned step (a part of :class:`VideoPlanned`)."""

    id: str
    kind: str
    key: str
    needs: tuple[str, ...]
    provider: str
    model: str
    estimated_seconds: float
    estimated_cost_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """A process took the lock and begins; ``options`` are those a resume needs."""

    name = "run_started"
    batch: str
    recipe: str
    recipe_sha256: str
    tool_version: str
    options: Mapping[str, Json]
    limits: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoPlanned(Event):
    """A video belongs to this run. Steps of earlier runs that are not named here are forgotten."""

    name = "video_planned"
    video: str
    title: str
    steps: tuple[PlannedStep, ...]


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
    not be known again.
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
    uploads: Mapping[str, Json] = field(default_factory=dict)
    units: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSubmitted(Event):
    """The provider took the request and gave it a name; ``addresses`` are where it can be asked after."""

    name = "job_submitted"
    step: str
    attempt: int
    request_id: str
    addresses: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReattached(Event):
    """An attempt goes on with a request of an earlier run instead of sending another; see :class:`SubmitIntended`.

    ``sent_at`` is when that request left. Without a ``request_id`` it is looked for first.
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
    addresses: Mapping[str, Json] = field(default_factory=dict)
    uploads: Mapping[str, Json] = field(default_factory=dict)
    units: Mapping[str, Json] = field(default_factory=dict)


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
    """Same key, same inputs, verified artifacts: nothing to do. ``from_cache``: they were made in another batch."""

    name = "step_reused"
    step: str
    key: str
    inputs: str
    artifacts: tuple[Artifact, ...]
    from_cache: bool = False


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
        OutcomeUnknown, AttemptFailed, BackedOff, ProviderPaused, StepSucceeded, StepReused, StepFailed, StepBlocked,
        WorkDone, VideoFinished, Interrupted, RunFinished,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An event with its stamps: UTC wall time, seconds since the run began, number of the run (from 1)."""

    at: datetime
    elapsed: float
    run: int
    event: Event


class Sink(Protocol):
    """Takes each record synchronously; must not block and must not raise for what it does not know."""

    def __call__(self, record: Record) -> None:
        """Take one record."""
        ...


class Recorder:
    """Stamps events and hands them to the sinks, in order. ``emit`` has no checkpoint: nothing can fall in between.

    ``redact`` takes keys out of what others said, whoever passed it on.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        *,
        run: int,
        clock: Callable[[], float] = time.monotonic,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._sinks = tuple(sinks)
        self._clock = clock
        self._redact = redact
        self._origin = clock()
        self.run = run

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._origin

    def emit(self, event: Event) -> None:
        """Stamp the event and hand it to every sink."""
        told = _redacted(event, self._redact)
        record = Record(at=datetime.now(UTC), elapsed=self.elapsed, run=self.run, event=told)
        for sink in self._sinks:
            sink(record)


def _redacted(event: Event, redact: Callable[[str], str]) -> Event:
    match event:
        case AttemptFailed() | StepFailed() | OutcomeUnknown():
            return replace(event, message=redact(event.message))
        case VideoFinished():
            return replace(event, notes=tuple(map(redact, event.notes)))
    return event


# --------------------------------------------------------------------------- JSON


def record_to_json(record: Record) -> dict[str, Any]:
    """The journal's line for a record, as plain JSON values (money as text, so that nothing is rounded)."""
    return {
        "event": record.event.name,
        "at": record.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "elapsed": round(record.elapsed, 6),
        "run": record.run,
        **{name: _plain(getattr(record.event, name)) for name in _FIELDS[type(record.event)]},
    }


def record_from_json(line: Mapping[str, Any]) -> Record | None:
    """The record of a journal line; ``None`` for an event of a later version, which a reader passes over."""
    cls = EVENT_TYPES.get(line["event"])
    if cls is None:
        return None
    values = {name: typed(line[name]) if typed else line[name] for name, typed in _TYPED[cls] if name in line}
    return Record(at=datetime.fromisoformat(line["at"]), elapsed=line["elapsed"], run=line["run"], event=cls(**values))


# The names of the fields, looked up once: this is done for every line of a journal.
_FIELDS = {cls: tuple(f.name for f in fields(cls)) for cls in (*EVENT_TYPES.values(), Artifact, PlannedStep)}


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal() | datetime():
            return str(value)
        case Artifact() | PlannedStep():
            return {name: _plain(getattr(value, name)) for name in _FIELDS[type(value)]}
        case tuple() | list():
            return [_plain(item) for item in value]
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
    return value


def _artifacts(values: Any) -> tuple[Artifact, ...]:
    return tuple([Artifact(**item) for item in values])


def _planned_steps(values: Any) -> tuple[PlannedStep, ...]:
    return tuple(
        [
            PlannedStep(
                **{
                    **step,
                    "needs": tuple(step["needs"]),
                    "estimated_cost_usd": Decimal(step["estimated_cost_usd"]),
                }
            )
            for step in values
        ]
    )


# How a field is read that is not in the journal as it is in an event; by its name, looked up once for each class.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "cost_usd": Decimal,
    "price_usd": Decimal,
    "estimated_cost_usd": Decimal,
    "sent_at": datetime.fromisoformat,
    "artifacts": _artifacts,
    "steps": _planned_steps,
    "needs": tuple,
    "notes": tuple,
}
_TYPED = {cls: tuple((name, _READERS.get(name)) for name in _FIELDS[cls]) for cls in EVENT_TYPES.values()}
