"""The state of a batch as a fold of its records. Manifest, status, progress and reuse all look at this one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tiktoker_batch.events import (
    AttemptFailed,
    AttemptStarted,
    BackedOff,
    Event,
    Interrupted,
    JobSubmitted,
    PlannedStep,
    Record,
    RunFinished,
    RunStarted,
    StepBlocked,
    StepFailed,
    StepQueued,
    StepReused,
    StepSucceeded,
    SubmitIntended,
    VideoFinished,
    VideoPlanned,
    WorkDone,
)
from tiktoker_batch.model import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """What a step left the last time it worked; reuse is decided on this."""

    key: str
    inputs: str
    artifacts: tuple[Artifact, ...]


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One try; elapsed times are seconds since the start of its run."""

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
    request_id: str | None = None
    submitting: bool = False

    @property
    def worked_seconds(self) -> float:
        """Time at work, without the wait for seats."""
        return self.ended - self.started if self.ended is not None and self.started is not None else 0.0


@dataclass(slots=True, kw_only=True)
class StepState:
    """One step, over all runs."""

    planned: PlannedStep
    video: str
    state: str = "pending"
    attempts: list[Attempt] = field(default_factory=list)
    artifacts: tuple[Artifact, ...] = ()
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
        return next((attempt.request_id for attempt in reversed(self.attempts) if attempt.request_id), None)


@dataclass(slots=True, kw_only=True)
class VideoState:
    """One video."""

    id: str
    title: str
    steps: list[StepState]
    state: str = "pending"
    output: str | None = None
    sha256: str | None = None
    duration_seconds: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def cost_usd(self) -> Decimal:
        """What its steps have cost so far."""
        return sum((step.cost_usd for step in self.steps), Decimal(0))


@dataclass(slots=True, kw_only=True)
class BatchState:
    """An accumulator: ``apply`` takes records in order, everything else is there to be read."""

    name: str = ""
    recipe: str = ""
    recipe_sha256: str = ""
    state: str = "pending"
    runs: int = 0
    started_at: datetime | None = None
    updated_at: datetime | None = None
    videos: dict[str, VideoState] = field(default_factory=dict)
    steps: dict[str, StepState] = field(default_factory=dict)
    successes: dict[str, Success] = field(default_factory=dict)
    wall_by_run: dict[int, float] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    _earlier: dict[str, StepState] = field(default_factory=dict)
    _earlier_videos: dict[str, VideoState] = field(default_factory=dict)

    def apply(self, record: Record) -> None:
        """Take one record. Events of steps that are not planned any more change only what may be reused."""
        self.updated_at = record.at
        self.wall_by_run[record.run] = max(self.wall_by_run.get(record.run, 0.0), record.elapsed)
        match record.event:
            case RunStarted() as event:
                self._start_run(event, record)
            case VideoPlanned() as event:
                self._plan(event)
            case VideoFinished() as event:
                self._finish_video(event)
            case RunFinished(state=state):
                self.state = state
                for video in self.videos.values():
                    video.state = "pending" if video.state == "running" else video.state
            case Interrupted():
                pass
            case event:
                self._apply_step(event, record)

    # ------------------------------------------------------------------ runs and videos

    def _start_run(self, event: RunStarted, record: Record) -> None:
        for step in self.steps.values():
            _close_open_attempt(step)
        self.name, self.recipe, self.recipe_sha256 = event.batch, event.recipe, event.recipe_sha256
        self.limits = dict(event.limits)
        self.state, self.runs = "running", record.run
        self.started_at = self.started_at or record.at
        self._earlier |= self.steps
        self._earlier_videos |= self.videos
        self.steps, self.videos = {}, {}

    def _plan(self, event: VideoPlanned) -> None:
        before = self._earlier_videos.get(event.video)
        video = VideoState(
            id=event.video, title=event.title, steps=[self._planned(step, event) for step in event.steps]
        )
        if before:
            # The file of the last finished run is still there while a new one is made.
            video.output, video.sha256, video.duration_seconds = before.output, before.sha256, before.duration_seconds
        self.videos[video.id] = video
        self.steps |= {step.id: step for step in video.steps}

    def _planned(self, planned: PlannedStep, event: VideoPlanned) -> StepState:
        step = StepState(planned=planned, video=event.video)
        before = self._earlier.get(planned.id)
        if before:
            step.attempts, step.cost_usd = before.attempts, before.cost_usd
        return step

    def _finish_video(self, event: VideoFinished) -> None:
        video = self.videos.get(event.video)
        if video:
            video.state, video.notes = event.state, event.notes
            video.output, video.sha256 = event.output, event.sha256
            video.duration_seconds = event.duration_seconds

    # ------------------------------------------------------------------ steps

    def _apply_step(self, event: Event, record: Record) -> None:
        name = getattr(event, "step", None)
        if isinstance(event, StepSucceeded):
            self.successes[event.step] = Success(key=event.key, inputs=event.inputs, artifacts=event.artifacts)
        step = self.steps.get(name) if isinstance(name, str) else None
        if step is None:
            return
        _apply_to_step(step, event, record)
        video = self.videos[step.video]
        if video.state == "pending" and step.state == "running":
            video.state = "running"


def fold(records: Iterable[Record]) -> BatchState:
    """The state after these records."""
    state = BatchState()
    for record in records:
        state.apply(record)
    return state


def _apply_to_step(step: StepState, event: Event, record: Record) -> None:
    match event:
        case StepQueued(attempt=n):
            step.attempts.append(Attempt(run=record.run, n=n, queued=record.elapsed))
        case AttemptStarted():
            step.state = "running"
            if step.attempts:
                step.attempts[-1].started, step.attempts[-1].started_at = record.elapsed, record.at
        case SubmitIntended():
            if step.attempts:
                step.attempts[-1].submitting = True
        case JobSubmitted(request_id=request_id):
            if step.attempts:
                step.attempts[-1].request_id = request_id
        case AttemptFailed() as failed:
            _end_attempt(step, record, failed.outcome, failed.error_kind, failed.message)
            step.cost_usd += failed.cost_usd
            step.state = "pending"
        case StepSucceeded() as succeeded:
            _end_attempt(step, record, "ok")
            step.state, step.artifacts = "done", succeeded.artifacts
            step.cost_usd += succeeded.cost_usd
            step.error_kind = step.error_message = None
        case StepReused(artifacts=artifacts):
            step.state, step.artifacts = "reused", artifacts
        case StepFailed(error_kind=kind, message=message):
            step.state, step.error_kind, step.error_message = "failed", kind, message
        case StepBlocked(by=by):
            step.state, step.blocked_by = "skipped", by
        case BackedOff() | WorkDone():
            pass  # only the timeline shows these
        case _:
            pass


def _end_attempt(
    step: StepState, record: Record, outcome: str, kind: str | None = None, message: str | None = None
) -> None:
    if not step.attempts:
        return
    attempt = step.attempts[-1]
    attempt.ended, attempt.ended_at, attempt.outcome = record.elapsed, record.at, outcome
    attempt.error_kind, attempt.error_message = kind, message


def _close_open_attempt(step: StepState) -> None:
    """An attempt that its process did not live to end: cancelled, or unknown if a paid request may be out."""
    if not step.attempts or step.attempts[-1].outcome is not None:
        return
    attempt = step.attempts[-1]
    attempt.outcome = "unknown" if attempt.submitting and step.planned.provider != "local" else "cancelled"
    attempt.error_kind, attempt.error_message = "Killed", "the process ended before the attempt did"
