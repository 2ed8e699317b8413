"""The engine: every step of every video in one nursery, each parked on its needs and then on its seats.

A step's failure is a value; an exception out of a task is a bug and ends the run.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import trio

from tiktoker_batch.engine.attempt import (
    NeedLost,
    StepSeats,
    as_step_error,
    failed_attempt,
    is_away,
    leaves_open,
    may_retry,
    mind_capacity,
    raise_cancellation,
    seats,
    sole_cause,
)
from tiktoker_batch.engine.backoff import delay_before
from tiktoker_batch.engine.breaker import Breaker
from tiktoker_batch.engine.budget import Purse
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.leftovers import Leftovers
from tiktoker_batch.engine.pause import Pause, Paused
from tiktoker_batch.engine.purchase import Purchase
from tiktoker_batch.engine.reuse import Reuse, inputs_digest
from tiktoker_batch.engine.sharing import Sharing
from tiktoker_batch.engine.shelf import Shelf
from tiktoker_batch.engine.syncing import OnDisk, already_on_disk
from tiktoker_batch.engine.telling import tell_end, tell_outcome, video_finished
from tiktoker_batch.errors import (
    BudgetExceeded,
    Crowded,
    Damaged,
    ProviderError,
    RateLimited,
    TiktokerError,
    TimedOut,
    Unavailable,
)
from tiktoker_batch.events import (
    AttemptStarted,
    BackedOff,
    Recorder,
    StepQueued,
    StepSucceeded,
)
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.model import (
    Artifact,
    Blocked,
    Budget,
    Cancelled,
    Failed,
    Kind,
    Outcome,
    Plan,
    PlannedVideo,
    Reused,
    Step,
    Succeeded,
    Video,
)
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.providers.base import Provider
from tiktoker_batch.steps.base import Inputs, Made, StepKind, Tools, Work
from tiktoker_batch.store.jobs import OpenJob
from tiktoker_batch.store.layout import Layout

STARTED_AT_ONCE = 100  # tasks; ten thousand in one go would keep the first answers waiting for a second
THROTTLES = 60  # times that one step lets itself be told to wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything a run needs.

    ``open_jobs`` are requests that earlier runs left open, by step. ``selected`` are the steps that may be done, if not
    all; the others are taken as they are. ``shelf`` holds what other batches have bought. ``measure`` gives the length
    in seconds of a finished video's file. ``on_disk`` waits until what was told is on disk.
    """

    plan: Plan
    kinds: Mapping[Kind, StepKind]
    providers: Mapping[str, Provider]
    capacity: Capacity
    recorder: Recorder
    layout: Layout
    reuse: Reuse
    tools: Tools
    open_jobs: Mapping[str, OpenJob] = field(default_factory=dict)
    selected: frozenset[str] | None = None
    shelf: Shelf | None = None
    on_disk: OnDisk = already_on_disk
    pause: Pause = field(default_factory=Pause)
    breaker: Breaker = field(default_factory=Breaker)
    purse: Purse = field(default_factory=lambda: Purse(ceilings=Budget()))
    fail_fast: bool = False
    measure: Callable[[Video, Artifact], float | None] = lambda _video, _file: None
    rng: random.Random = field(default_factory=random.Random)


async def run_batch(batch: Batch) -> Mapping[str, Outcome]:
    """Run every step of the plan; outcomes by step id, in plan order.

    Cancelling aborts: attempts under way are recorded as cancelled and nothing half-written is left.
    """
    run = _Run(batch)
    async with trio.open_nursery() as nursery:
        for number, step in enumerate(batch.plan.steps):
            if step.id not in run.outcomes:
                nursery.start_soon(run.do_step, step, name=step.id)
            if number % STARTED_AT_ONCE == STARTED_AT_ONCE - 1:
                await trio.lowlevel.checkpoint()
        for planned in batch.plan.videos:
            if not run.is_settled(planned):
                nursery.start_soon(run.finish_video, planned, name=planned.video.id)
        await run.tell_settled()
    return {step.id: run.outcomes[step.id] for step in batch.plan.steps}


class _Run:
    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.outcomes: dict[str, Outcome] = {}
        self._ended = {step.id: trio.Event() for step in batch.plan.steps}
        self._videos = {planned.video.id: planned.video for planned in batch.plan.videos}
        # What holds is settled before anything runs: whoever needs it begins at once.
        held = batch.reuse.predict(batch.plan)
        self.outcomes.update(held)
        for name in self.outcomes:
            batch.capacity.end(name)
            self._ended[name].set()
        self._leftovers = Leftovers(batch.open_jobs, batch.reuse.forced)
        self._sharing = Sharing(batch.plan.steps, batch.layout)
        for step in batch.plan.steps:
            if step.id in held:
                self._sharing.note(step, held[step.id])

    def is_settled(self, planned: PlannedVideo) -> bool:
        """Whether nothing of a video is to be done."""
        return all(isinstance(self.outcomes.get(step.id), Reused) for step in planned.steps)

    async def tell_settled(self) -> None:
        """Tell of all that holds, a video at a time, while what is left to do is under way."""
        settled = [(planned, [s for s in planned.steps if s.id in self.outcomes]) for planned in self.batch.plan.videos]
        for planned, steps in settled:
            for step in steps:
                tell_outcome(self.batch.recorder, step, self.outcomes[step.id])
            if len(steps) == len(planned.steps):
                await self.finish_video(planned)
            await trio.lowlevel.checkpoint()

    async def do_step(self, step: Step) -> None:
        try:
            outcome = await self._outcome(step)
        except Paused:
            outcome = Cancelled()
        tell_outcome(self.batch.recorder, step, outcome)
        # Dependants wake only after the outcome is on record, never on half of it.
        self.outcomes[step.id] = outcome
        self.batch.capacity.end(step.id)
        self._ended[step.id].set()
        if self.batch.fail_fast and isinstance(outcome, Failed):
            self.batch.pause.request()
        if self.batch.shelf:
            await self.batch.shelf.keep(step, outcome)

    async def finish_video(self, planned: PlannedVideo) -> None:
        for step in planned.steps:
            await self._ended[step.id].wait()
        outcomes = [self.outcomes[step.id] for step in planned.steps]
        if any(isinstance(outcome, Cancelled) for outcome in outcomes):
            return
        reach("video.before_finished")
        self.batch.recorder.emit(video_finished(planned.video, outcomes, self.batch.measure))
        reach("video.after_finished")

    # ------------------------------------------------------------------ one step

    async def _outcome(self, step: Step) -> Outcome:
        kind = self.batch.kinds[step.kind]
        left_out = self.batch.selected is not None and step.id not in self.batch.selected
        if kind.eager:
            if left_out:
                return Cancelled()
            return await self._attempts(step, Inputs(layout=self.batch.layout, artifacts={}))
        try:
            found = {need: await self._arrival(step, need) for need in step.needs}
        except NeedLost as lost:
            return Blocked(by=lost.need)
        artifacts = {need: items for need, items in found.items() if items is not None}
        inputs = Inputs(layout=self.batch.layout, artifacts=artifacts)
        held = self.batch.reuse.check(step, inputs)
        if held:
            self._sharing.note(step, held)
            return held
        return Cancelled() if left_out else await self._unless_shared(step, inputs)

    async def _unless_shared(self, step: Step, inputs: Inputs) -> Outcome:
        """Equal work of several videos is bought by one of them; the others wait for it and take copies."""
        if not self._sharing.concerns(step):
            return await self._unless_bought(step, inputs)
        consumed = inputs_digest(self.batch.kinds[step.kind], step, inputs)
        line = self._sharing.line(step, consumed)
        async with self.batch.pause.interruptible():
            await line.turn.acquire()
        try:
            forced = step.id in self.batch.reuse.forced
            taken = None if self._leftovers.has(step) else await line.taken(step, consumed, forced=forced)
            if isinstance(taken, Reused):
                self.batch.reuse.note(taken.artifacts)
            outcome = taken or await self._unless_bought(step, inputs)
            line.note(step, outcome)
            return outcome
        finally:
            line.turn.release()

    async def _unless_bought(self, step: Step, inputs: Inputs) -> Outcome:
        """What another batch has bought is not bought again; a request of our own that is paid is gone on with."""
        forced = step.id in self.batch.reuse.forced
        if self._leftovers and not forced:
            self._leftovers.adopt(step, self._work_digest(step, inputs))
        if self.batch.shelf and not forced and not self._leftovers.has(step):
            async with self.batch.pause.interruptible():
                found = await self.batch.shelf.fetch(step, inputs)
            if found:
                self.batch.reuse.note(found.artifacts if isinstance(found, Reused) else ())
                return found
        try:
            await self.batch.reuse.confirm(item for items in inputs.artifacts.values() for item in items)
        except Damaged as error:
            return Failed(attempts=0, error_kind=type(error).__name__, message=error.message)
        return await self._attempts(step, inputs)

    async def _arrival(self, step: Step, need: str) -> tuple[Artifact, ...] | None:
        """Wait for a need; ``None`` if it is lost and may be.

        :raises NeedLost: it is lost and may not be.
        :raises Paused: it will not come in this run.
        """
        async with self.batch.pause.interruptible():
            await self._ended[need].wait()
        match self.outcomes[need]:
            case Succeeded(artifacts=artifacts) | Reused(artifacts=artifacts):
                return artifacts
            case Cancelled():
                raise Paused
            case Failed() | Blocked():
                if need in step.may_lack:
                    return None
                raise NeedLost(need)

    async def _attempts(self, step: Step, inputs: Inputs) -> Outcome:
        """Try until it works, cannot work, or the recipe's patience ends. Being asked to wait is not a failed try."""
        attempt, tries, throttles = 1, 1, 0
        while True:
            ended, cost = await self._attempt(step, attempt, inputs)
            if not isinstance(ended, TiktokerError):
                return ended
            throttled = isinstance(ended, RateLimited)
            spared = throttled or is_away(ended, step, self.batch.breaker)
            last = throttles == THROTTLES if throttled else not spared and tries >= step.retry.max_attempts
            last = last or not may_retry(ended, step, self.batch.breaker)
            self.batch.recorder.emit(failed_attempt(step, attempt, ended, cost, last=last))
            if last:
                return Failed(attempts=attempt, error_kind=type(ended).__name__, message=ended.message)
            attempt, tries, throttles = attempt + 1, tries + (not spared), throttles + throttled
            await self._back_off(step, attempt, throttles if throttled else tries, ended)

    async def _back_off(self, step: Step, attempt: int, failures: int, error: TiktokerError) -> None:
        if isinstance(error, Crowded):
            return  # the seat that one of our own requests gives back is what it waits for
        asked_for = error.retry_after if isinstance(error, ProviderError) else None
        seconds = delay_before(max(failures, 2), step.retry, self.batch.rng, asked_for=asked_for)
        self.batch.recorder.emit(BackedOff(step=step.id, attempt=attempt, seconds=round(seconds, 3)))
        async with self.batch.pause.interruptible():
            await trio.sleep(seconds)

    async def _attempt(self, step: Step, attempt: int, inputs: Inputs) -> tuple[Outcome | TiktokerError, Decimal]:
        """One try on its seats: the outcome that ends the step or the error of this try, and what it cost."""
        batch, eager = self.batch, self.batch.kinds[step.kind].eager
        # An eager step takes seats piece by piece: it must not hold one while it waits for others.
        names = () if eager else step.capacity
        batch.recorder.emit(StepQueued(step=step.id, attempt=attempt))
        # What was paid for is asked for even while nothing new is.
        waits = not (attempt == 1 and step.id in self._leftovers)
        try:
            async with batch.pause.interruptible():
                lease = await seats(step, names, batch.capacity, batch.breaker if waits else None)
        except Unavailable as gone:
            return gone, Decimal(0)
        try:
            batch.recorder.emit(AttemptStarted(step=step.id, attempt=attempt))
            with trio.CancelScope(deadline=trio.current_time() + step.retry.timeout) as scope:
                if eager:
                    scope.deadline = math.inf
                purchase = self._purchase(step, attempt, scope, inputs)
                ended = await self._work(step, purchase, inputs)
                if purchase.open_job is not None and leaves_open(ended, purchase.open_job):
                    self._leftovers.leave(step, purchase.open_job)
                return mind_capacity(self.batch.capacity, step, ended), purchase.cost_usd
            return TimedOut(f"no result within {step.retry.timeout:g} s"), purchase.cost_usd
        finally:
            batch.breaker.leave(step)
            lease.release()

    async def _work(self, step: Step, purchase: Purchase, inputs: Inputs) -> Outcome | TiktokerError:
        kind = self.batch.kinds[step.kind]
        try:
            made = await kind.run(self._work_of(step, purchase, inputs))
        except Exception as error:
            return self._failure(step, purchase.attempt, error)
        except BaseException as error:  # noqa: ASYNC103  (raise_cancellation never returns)
            if not purchase.scope.cancel_called:  # the deadline's cancellation is told as what it is
                tell_end(self.batch.recorder, step, purchase.attempt, "Cancelled", "the run was stopped")
            raise_cancellation(error)
        return self._success(step, purchase, made, inputs)

    def _failure(self, step: Step, attempt: int, error: Exception) -> Outcome | TiktokerError:
        match sole_cause(error):
            case NeedLost(need=need):
                tell_end(self.batch.recorder, step, attempt, "Blocked", f"{need} did not deliver")
                return Blocked(by=need)
            case Paused():
                tell_end(self.batch.recorder, step, attempt, "Cancelled", "the run was stopped")
                return Cancelled()
            case BudgetExceeded() as exceeded:
                tell_end(self.batch.recorder, step, attempt, "BudgetExceeded", exceeded.message)
                return Cancelled()
            case cause:
                failed = as_step_error(cause, step)
                if failed is None:
                    raise error
                return failed

    def _success(self, step: Step, purchase: Purchase, made: Made, inputs: Inputs) -> Succeeded:
        consumed = inputs_digest(self.batch.kinds[step.kind], step, made.inputs or inputs)
        reach("step.before_success")
        self.batch.recorder.emit(
            StepSucceeded(
                step=step.id,
                attempt=purchase.attempt,
                key=step.key,
                inputs=consumed,
                artifacts=made.artifacts,
                cost_usd=purchase.cost_usd,
                notes=made.notes,
            )
        )
        self.batch.reuse.note(made.artifacts)
        return Succeeded(artifacts=made.artifacts, inputs=consumed, cost_usd=purchase.cost_usd, notes=made.notes)

    # ------------------------------------------------------------------ what an attempt may use

    def _purchase(self, step: Step, attempt: int, scope: trio.CancelScope, inputs: Inputs) -> Purchase:
        batch, work = self.batch, self._work_digest(step, inputs)
        left = self._leftovers.take(step, work)
        return Purchase(
            step=step,
            attempt=attempt,
            provider=batch.providers[step.provider],
            recorder=batch.recorder,
            breaker=batch.breaker,
            purse=batch.purse,
            pause=batch.pause,
            on_disk=batch.on_disk,
            rng=batch.rng,
            scope=scope,
            work=work,
            earlier=left.job if left else None,
            taken_from=left.sender if left and left.sender != step.id else None,
        )

    def _work_digest(self, step: Step, inputs: Inputs) -> str:
        """What a request for this step is for."""
        kind = self.batch.kinds[step.kind]
        return "" if kind.eager else digest([step.key, inputs_digest(kind, step, inputs)])

    def _work_of(self, step: Step, purchase: Purchase, inputs: Inputs) -> Work:
        batch = self.batch

        async def arrival(need: str) -> tuple[Artifact, ...] | None:
            found = await self._arrival(step, need)
            await batch.reuse.confirm(found or ())
            return found

        return Work(
            step=step,
            video=self._videos[step.video],
            layout=batch.layout,
            inputs=inputs,
            buy=purchase,
            arrival=arrival,
            seats=StepSeats(step=step, capacity=batch.capacity, recorder=batch.recorder, pause=batch.pause),
            tools=batch.tools,
        )
