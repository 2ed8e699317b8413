"""One step as its records tell it: its attempts, what it left, what it cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tiktoker_batch.events import (
    AttemptFailed,
    AttemptStarted,
    Event,
    JobDropped,
    JobReattached,
    JobSubmitted,
    PlannedStep,
    Record,
    StepBlocked,
    StepFailed,
    StepQueued,
    StepReused,
    StepSucceeded,
    SubmitIntended,
    WorkDone,
)
from tiktoker_batch.model import Kind
from tiktoker_batch.outcomes import Artifact


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One try; ``queued``, ``started`` and ``ended`` are seconds since the start of its run.

    ``outcome`` is ok, retry, failed, unknown or cancelled, and ``None`` while the attempt lasts. An attempt that its
    process did not live to end has the last sign of life of its run as its end. ``submitted_to`` is the provider
    that a request left for. ``request_ids`` are its requests, ``request_id`` the last that was not ``dropped`` for
    another one. ``by_pieces`` marks one that takes seats for its ``pieces`` alone and waits between them.
    """

    run: int
    n: int
    queued: float
    started_at: datetime | None = None
    started: float | None = None
    ended_at: datetime | None = None
    ended: float | None = None
    outcome: str | None = None
    error_kind: str | None = None
    error_message: str | None = None
    submitted_to: str | None = None
    request_ids: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    by_pieces: bool = False
    pieces: list[WorkDone] = field(default_factory=list)

    @property
    def request_id(self) -> str | None:
        """The provider's name of the request that counts."""
        if not self.dropped:
            return self.request_ids[-1] if self.request_ids else None
        return next((name for name in reversed(self.request_ids) if name not in self.dropped), None)

    @property
    def waited_seconds(self) -> float:
        """The wait for seats; 0 while it lasts."""
        until = self.started if self.started is not None else self.ended
        return max(until - self.queued, 0.0) if until is not None else 0.0

    @property
    def worked_seconds(self) -> float:
        """Time at work, without the waits; 0 while it lasts."""
        if self.by_pieces or self.pieces:
            return sum(piece.ended - piece.began for piece in self.pieces)
        return max(self.ended - self.started, 0.0) if self.ended is not None and self.started is not None else 0.0


@dataclass(slots=True, kw_only=True)
class StepState:
    """One step: ``attempts`` and ``cost_usd`` over all runs, everything else as of the newest.

    ``state`` is pending, running, done, reused, failed or skipped.
    """

    planned: PlannedStep
    video: str
    state: str = "pending"
    attempts: list[Attempt] = field(default_factory=list)
    artifacts: tuple[Artifact, ...] = ()
    inputs: str | None = None
    cost_usd: Decimal = Decimal(0)
    blocked_by: str | None = None
    error_kind: str | None = None
    error_message: str | None = None

    @property
    def id(self) -> str:
        """The step's id."""
        return self.planned.id

    @property
    def request_id(self) -> str | None:
        """The provider's name of the last request."""
        for attempt in reversed(self.attempts):
            name = attempt.request_id
            if name:
                return name
        return None

    @property
    def dropped(self) -> set[str]:
        """The requests that were of no use, as another one delivered."""
        return {name for attempt in self.attempts for name in attempt.dropped}


# ---------------------------------------------------------------------- what an event changes of its step


def _queued(step: StepState, event: StepQueued, record: Record) -> None:
    _attempt(step, event.attempt, record)


def _started(step: StepState, event: AttemptStarted, record: Record) -> None:
    attempt = _attempt(step, event.attempt, record)
    attempt.started, attempt.started_at = record.elapsed, record.at
    step.state = "running"


def _intended(step: StepState, event: SubmitIntended, record: Record) -> None:
    _attempt(step, event.attempt, record).submitted_to = event.provider


def _submitted(step: StepState, event: JobSubmitted, record: Record) -> None:
    _attempt(step, event.attempt, record).request_ids.append(event.request_id)


def _reattached(step: StepState, event: JobReattached, record: Record) -> None:
    attempt = _attempt(step, event.attempt, record)
    attempt.submitted_to = event.provider
    attempt.request_ids += [event.request_id] if event.request_id else []


def _dropped(step: StepState, event: JobDropped, record: Record) -> None:
    if event.request_id is not None:
        _attempt(step, event.attempt, record).dropped.append(event.request_id)
    step.cost_usd += event.cost_usd


def _worked(step: StepState, event: WorkDone, record: Record) -> None:
    if step.attempts and step.attempts[-1].run == record.run:
        step.attempts[-1].pieces.append(event)


def _tried(step: StepState, event: AttemptFailed, record: Record) -> None:
    attempt = _attempt(step, event.attempt, record)
    attempt.ended, attempt.ended_at, attempt.outcome = record.elapsed, record.at, event.outcome
    attempt.error_kind, attempt.error_message = event.error_kind, event.message
    step.state = "pending"
    step.cost_usd += event.cost_usd


def _succeeded(step: StepState, event: StepSucceeded, record: Record) -> None:
    attempt = _attempt(step, event.attempt, record)
    attempt.ended, attempt.ended_at, attempt.outcome = record.elapsed, record.at, "ok"
    step.state, step.artifacts, step.inputs = "done", event.artifacts, event.inputs
    step.cost_usd += event.cost_usd


def _reused(step: StepState, event: StepReused, _record: Record) -> None:
    step.state, step.artifacts, step.inputs = "reused", event.artifacts, event.inputs


def _failed(step: StepState, event: StepFailed, _record: Record) -> None:
    step.state, step.error_kind, step.error_message = "failed", event.error_kind, event.message


def _blocked(step: StepState, event: StepBlocked, _record: Record) -> None:
    step.state, step.blocked_by = "skipped", event.by


def _attempt(step: StepState, n: int, record: Record) -> Attempt:
    """This try of this run; made here if the line that announced it is missing from a mended journal."""
    last = step.attempts[-1] if step.attempts else None
    if last is None or last.run != record.run or last.n != n:
        # The assembly begins before its clips are there and takes seats piece by piece.
        last = Attempt(run=record.run, n=n, queued=record.elapsed, by_pieces=step.planned.kind == Kind.ASSEMBLY)
        step.attempts.append(last)
    return last


# By type: a journal of a large batch has 100,000 records.
CHANGES: Mapping[type[Event], Callable[[StepState, Any, Record], None]] = {
    StepQueued: _queued,
    AttemptStarted: _started,
    SubmitIntended: _intended,
    JobSubmitted: _submitted,
    JobReattached: _reattached,
    JobDropped: _dropped,
    WorkDone: _worked,
    AttemptFailed: _tried,
    StepSucceeded: _succeeded,
    StepReused: _reused,
    StepFailed: _failed,
    StepBlocked: _blocked,
}
