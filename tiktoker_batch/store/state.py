"""The state of a batch as a fold of its records. Manifest, status, progress, reuse and report all look at this one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import msgspec

from tiktoker_batch.events import (
    AttemptFailed,
    AttemptStarted,
    Event,
    JobDropped,
    JobReattached,
    JobSubmitted,
    PlannedStep,
    Record,
    RunFinished,
    RunStarted,
    StepReused,
    StepsReused,
    StepSucceeded,
    SubmitIntended,
    VideoFinished,
    VideoPlanned,
)
from tiktoker_batch.model import Json
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.store.jobs import OpenJob, each_open, find_job, is_charged, mind_job
from tiktoker_batch.store.step_state import CHANGES, Attempt, StepState
from tiktoker_batch.units import NOTHING, Units

# By type: a journal of a large batch has 100,000 records.
_OF_BATCH = frozenset({RunStarted, VideoPlanned, StepsReused, VideoFinished, RunFinished})
_MONEY = frozenset({SubmitIntended, JobSubmitted, JobReattached, JobDropped, AttemptFailed, StepSucceeded, StepReused})


class Success(msgspec.Struct, frozen=True, kw_only=True):
    """What a step left the last time it worked; reuse is decided on this."""

    key: str
    inputs: str
    artifacts: tuple[Artifact, ...]


@dataclass(slots=True, kw_only=True)
class VideoState:
    """One video; ``state`` is pending, running, done, partial or failed.

    ``output``, ``sha256`` and ``duration_seconds`` describe the finished file. While a later run is at work on the
    video they describe the one that still lies there. ``waiting`` are the steps that the newest run left to a person to
    approve, ``edited`` the file with what a person made of its text.
    """

    id: str
    title: str
    steps: list[StepState]
    waiting: tuple[str, ...] = ()
    edited: str | None = None
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
    """An accumulator: ``apply`` takes records in order, everything else is there to be read.

    ``videos`` and ``steps`` are those of the newest run, in plan order. ``successes`` also remembers steps that are
    not planned any more, for the day they come back; ``open_jobs`` are requests whose results were never taken in, by
    step. ``options`` are those of the newest run that could buy. ``spent`` is all that was ever bought, or may have
    been; ``hedged_usd`` is what of it went for second requests beside late ones. A run whose process died without a
    word stays ``running``: the lock tells whether somebody is there. ``rehearsed``: nothing was real.
    """

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
    open_jobs: dict[str, tuple[OpenJob, ...]] = field(default_factory=dict)
    spent: Units = NOTHING
    hedged_usd: Decimal = Decimal(0)
    wall_by_run: dict[int, float] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    options: Mapping[str, Json] = field(default_factory=dict)
    rehearsed: bool = False
    _earlier: dict[str, StepState] = field(default_factory=dict)
    _earlier_videos: dict[str, VideoState] = field(default_factory=dict)

    def apply(self, record: Record) -> None:
        """Take one record. Events of steps that are not planned change only what may be reused and what was spent."""
        event, kind = record.event, type(record.event)
        if kind is RunStarted:
            self.let_go()
        self.updated_at = record.at
        if record.elapsed > self.wall_by_run.get(record.run, -1.0):
            self.wall_by_run[record.run] = record.elapsed
        if kind in _OF_BATCH:
            self._apply_to_batch(record)
            return
        if kind in _MONEY:
            self._remember(event)
            mind_job(self.open_jobs, event, record.at)
        change = CHANGES.get(kind)
        step = self.steps.get(event.step) if change else None  # type: ignore[attr-defined]
        if change and step:
            change(step, event, record)
            if kind is AttemptStarted and (video := self.videos[step.video]).state == "pending":
                video.state = "running"

    @property
    def spent_usd(self) -> Decimal:
        """All money that ever left."""
        return self.spent.usd

    @property
    def video_states(self) -> dict[str, str]:
        """The state of each video of the newest run."""
        return {video.id: video.state for video in self.videos.values()}

    def attempts(self) -> Iterator[Attempt]:
        """Every attempt of every run, also of steps that are not planned any more."""
        for step in {**self._earlier, **self.steps}.values():
            yield from step.attempts

    def unsettled(self) -> set[str]:
        """The steps that the end of a run changes: at work, or with a request whose cost is not counted yet."""
        left = {name for name, step in self.steps.items() if step.attempts and step.attempts[-1].outcome is None}
        running = {name for name, step in self.steps.items() if step.state == "running"}
        return left | running | {name for name, job in each_open(self.open_jobs) if not job.counted}

    # ------------------------------------------------------------------ runs and videos

    def _apply_to_batch(self, record: Record) -> None:
        match record.event:
            case RunStarted() as event:
                self._start_run(event, record)
            case VideoPlanned() as event:
                self._plan(event)
            case StepsReused(steps=names):
                self._hold(names)
            case VideoFinished() as event:
                self._finish_video(event)
            case RunFinished(state=state):
                self.let_go()
                self.state = state
            case _:
                pass

    def _start_run(self, event: RunStarted, record: Record) -> None:
        self.name, self.recipe, self.recipe_sha256 = event.batch, event.recipe, event.recipe_sha256
        self.limits = dict(event.limits)
        self.rehearsed = bool(event.options.get("rehearsed"))
        self.options = event.options if event.options.get("buys", True) else self.options
        self.state, self.runs = "running", record.run
        self.started_at = self.started_at or record.at
        self._earlier |= self.steps
        self._earlier_videos |= self.videos
        self.steps, self.videos = {}, {}

    def let_go(self) -> None:
        """A run is over: what it left open is at work no more, and what it left unpaid may have been paid."""
        for name, job in each_open(self.open_jobs):
            if not job.counted:
                self.spent += job.units.costing(job.price_usd)
                if name in self.steps:
                    self.steps[name].cost_usd += job.price_usd
        for name, jobs in self.open_jobs.items():
            self.open_jobs[name] = tuple(job.but(counted=True) for job in jobs)
        for step in self.steps.values():
            if step.attempts and step.attempts[-1].outcome is None:
                attempt = step.attempts[-1]
                _close(attempt, ended=self.wall_by_run.get(attempt.run, attempt.queued), at=self.updated_at)
            if step.state == "running":
                step.state = "pending"
        for video in self.videos.values():
            if video.state == "running":
                video.state = "pending"

    def _plan(self, event: VideoPlanned) -> None:
        steps = [self._planned(step, event) for step in event.steps]
        video = VideoState(id=event.video, title=event.title, steps=steps, waiting=event.waiting, edited=event.edited)
        before = self._earlier_videos.get(event.video)
        if before:
            video.output, video.sha256, video.duration_seconds = before.output, before.sha256, before.duration_seconds
        self.videos[video.id] = video
        self.steps |= {step.id: step for step in video.steps}

    def _planned(self, planned: PlannedStep, event: VideoPlanned) -> StepState:
        step = StepState(planned=planned, video=event.video)
        before = self._earlier.get(planned.id)
        if before:
            step.attempts, step.cost_usd = before.attempts, before.cost_usd
        return step

    def _hold(self, names: Iterable[str]) -> None:
        for name in names:
            step, success = self.steps.get(name), self.successes.get(name)
            if step and success:  # a line that told of it may be missing from a mended journal
                step.state, step.artifacts, step.inputs = "reused", success.artifacts, success.inputs

    def _finish_video(self, event: VideoFinished) -> None:
        video = self.videos.get(event.video)
        if video:
            video.state, video.notes = event.state, event.notes
            video.output, video.sha256 = event.output, event.sha256
            video.duration_seconds = event.duration_seconds

    # ------------------------------------------------------------------ steps

    def _remember(self, event: Event) -> None:
        if isinstance(event, StepSucceeded | StepReused):
            self.successes[event.step] = Success(key=event.key, inputs=event.inputs, artifacts=event.artifacts)
        match event:
            case StepSucceeded():
                self.spent += self._bought(event.step).costing(event.cost_usd)
            case AttemptFailed():
                things = self._bought(event.step) if is_charged(event) else NOTHING
                self.spent += things.costing(event.cost_usd)
            case JobDropped():
                things = self._bought(event.step, event.token) if event.charged else NOTHING
                self.spent += things.costing(event.cost_usd)
                self._mind_dropped_hedge(event)
            case SubmitIntended(hedge=True):
                self.hedged_usd += event.price_usd
            case _:
                pass

    def _bought(self, step: str, token: int | None = None) -> Units:
        """The things that a step's open requests, or one of them, add to those that are counted."""
        bought = NOTHING
        for job in self.open_jobs.get(step, ()):
            if not job.counted and token in {None, job.token}:
                bought += job.units
        return bought

    def _mind_dropped_hedge(self, event: JobDropped) -> None:
        job = find_job(self.open_jobs, event.step, event.token)
        if job is not None and job.hedge and not job.counted:
            self.hedged_usd -= job.price_usd - event.cost_usd


def fold(records: Iterable[Record]) -> BatchState:
    """The state after these records."""
    state = BatchState()
    for record in records:
        state.apply(record)
    return state


def _close(attempt: Attempt, *, ended: float, at: datetime | None) -> None:
    """An attempt that its process did not live to end: unknown if a request may be out, else cancelled."""
    may_be_out = attempt.submitted_to not in {None, "local"}
    attempt.outcome = "unknown" if may_be_out else "cancelled"
    attempt.ended, attempt.ended_at = max(ended, attempt.queued), at
    attempt.error_kind, attempt.error_message = "Killed", "the run ended before the attempt did"
