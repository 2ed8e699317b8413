"""The engine: every step of every video in one nursery, each parked on its needs and then on its seats.

A step's failure is a value; an exception out of a task is a bug and ends the run.
"""

import math
from collections.abc import Mapping
from decimal import Decimal

import trio

from tiktoker_batch.engine.attempt import (
    NeedLost,
    StepSeats,
    as_step_error,
    failed_attempt,
    is_away,
    may_retry,
    mind_capacity,
    raise_cancellation,
    seats,
    sole_cause,
)
from tiktoker_batch.engine.backoff import delay_before
from tiktoker_batch.engine.batch import Batch
from tiktoker_batch.engine.hedging import Buying
from tiktoker_batch.engine.pause import Paused
from tiktoker_batch.engine.reuse import inputs_digest
from tiktoker_batch.engine.sharing import Sharing
from tiktoker_batch.engine.telling import tell_end, tell_held, tell_outcome, video_finished
from tiktoker_batch.engine.till import Till
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
    StepQueued,
    StepSucceeded,
)
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.model import PlannedVideo, Step
from tiktoker_batch.outcomes import Artifact, Blocked, Cancelled, Failed, Outcome, Reused, Succeeded
from tiktoker_batch.steps.base import Inputs, Made, Work

STARTED_AT_ONCE = 100  # tasks; ten thousand in one go would keep the first answers waiting for a second
COURTESY_SECONDS = 0.05  # for which news of what holds anyway let everybody else go first
THROTTLES = 60  # times that one step lets itself be told to wait


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


def _lost_text(step: Step, lost: Artifact) -> str:
    return (
        f"{lost.path} is gone or was changed, and shot {step.segment} is locked: nothing is made in its place; "
        f"put the file back, or mark the shot 'approved' in work/{step.video}/shots.yaml"
    )


async def _let_others_go_first() -> None:
    with trio.move_on_after(COURTESY_SECONDS):
        while True:
            await trio.lowlevel.checkpoint()
            if not trio.lowlevel.current_statistics().tasks_runnable:
                return


class _Run:
    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._videos = {planned.video.id: planned.video for planned in batch.plan.videos}
        # What holds is settled before anything runs: whoever needs it begins at once.
        held = batch.reuse.predict(batch.plan)
        self.outcomes: dict[str, Outcome] = {**held}
        self._ended = {step.id: trio.Event() for step in batch.plan.steps if step.id not in held}
        for name in held:
            batch.capacity.end(name)
        self._till = Till(batch)
        self._leftovers = self._till.leftovers
        self._sharing = Sharing(batch.plan.steps, batch.layout)
        for step in batch.plan.steps:
            if step.id in held:
                self._sharing.note(step, held[step.id])

    def is_settled(self, planned: PlannedVideo) -> bool:
        """Whether nothing of a video is to be done."""
        return all(isinstance(self.outcomes.get(step.id), Reused) for step in planned.steps)

    async def tell_settled(self) -> None:
        """Tell of all that holds, a video at a time, while what is left to do is under way and nobody is kept."""
        is_all = len(self.outcomes) == len(self.batch.plan.steps)
        settled = [(planned, [s for s in planned.steps if s.id in self.outcomes]) for planned in self.batch.plan.videos]
        for number, (planned, steps) in enumerate(settled):
            tell_held(self.batch.recorder, planned.video, steps)
            if len(steps) == len(planned.steps):
                self.tell_end_of(planned)
            if not is_all:
                await _let_others_go_first()
            elif number % STARTED_AT_ONCE == STARTED_AT_ONCE - 1:
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
            if step.id in self._ended:
                await self._ended[step.id].wait()
        self.tell_end_of(planned)

    def tell_end_of(self, planned: PlannedVideo) -> None:
        outcomes = [self.outcomes[step.id] for step in planned.steps]
        if any(isinstance(outcome, Cancelled) for outcome in outcomes):
            return
        reach("video.before_finished")
        self.batch.recorder.emit(video_finished(planned.video, outcomes, self.batch.measure))
        reach("video.after_finished")

    # ------------------------------------------------------------------ one step

    async def _outcome(self, step: Step) -> Outcome:
        kind = self.batch.kinds[step.kind]
        gone = self.batch.reuse.lost(step)
        if gone:
            return Failed(attempts=0, error_kind=Damaged.__name__, message=_lost_text(step, gone))
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
        with self.batch.pause.interruptible():
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
            self._leftovers.adopt(step, self._till.work_of(step, inputs))
        if self.batch.shelf and not forced and not self._leftovers.has(step):
            with self.batch.pause.interruptible():
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
        with self.batch.pause.interruptible():
            if need in self._ended:
                await self._ended[need].wait()
            else:
                await trio.lowlevel.checkpoint()
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
        with self.batch.pause.interruptible():
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
            with batch.pause.interruptible():
                lease = await seats(step, names, batch.capacity, batch.breaker if waits else None)
        except Unavailable as gone:
            return gone, Decimal(0)
        try:
            batch.recorder.emit(AttemptStarted(step=step.id, attempt=attempt))
            with trio.CancelScope(deadline=trio.current_time() + step.retry.timeout) as scope:
                if eager:
                    scope.deadline = math.inf
                buying = self._till.buying(step, attempt, scope, inputs)
                ended = await self._work(step, buying, inputs)
                if isinstance(ended, TiktokerError):
                    self._leftovers.leave(step, *buying.left(ended))
                return mind_capacity(self.batch.capacity, step, ended), buying.cost_usd
            return TimedOut(f"no result within {step.retry.timeout:g} s"), buying.cost_usd
        finally:
            batch.breaker.leave(step)
            lease.release()

    async def _work(self, step: Step, buying: Buying, inputs: Inputs) -> Outcome | TiktokerError:
        kind = self.batch.kinds[step.kind]
        try:
            made = await kind.run(self._work_of(step, buying, inputs))
        except Exception as error:
            return self._failure(step, buying.attempt, error)
        except BaseException as error:  # noqa: ASYNC103  (raise_cancellation never returns)
            if not buying.deadline.has_passed:  # the deadline's cancellation is told as what it is
                tell_end(self.batch.recorder, step, buying.attempt, "Cancelled", "the run was stopped")
            raise_cancellation(error)
        return self._success(step, buying, made, inputs)

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

    def _success(self, step: Step, buying: Buying, made: Made, inputs: Inputs) -> Succeeded:
        consumed = inputs_digest(self.batch.kinds[step.kind], step, made.inputs or inputs)
        reach("step.before_success")
        self.batch.recorder.emit(
            StepSucceeded(
                step=step.id,
                attempt=buying.attempt,
                key=step.key,
                inputs=consumed,
                artifacts=made.artifacts,
                cost_usd=buying.cost_usd,
                notes=made.notes,
            )
        )
        self.batch.reuse.note(made.artifacts)
        return Succeeded(artifacts=made.artifacts, inputs=consumed, cost_usd=buying.cost_usd, notes=made.notes)

    # ------------------------------------------------------------------ what an attempt may use

    def _work_of(self, step: Step, buying: Buying, inputs: Inputs) -> Work:
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
            buy=buying,
            arrival=arrival,
            seats=StepSeats(step=step, capacity=batch.capacity, recorder=batch.recorder, pause=batch.pause),
            tools=batch.tools,
        )
