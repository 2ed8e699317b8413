"""One attempt at a step: its seats, and what its end means."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

import trio

from tiktoker_batch.engine.breaker import Breaker
from tiktoker_batch.engine.capacity import Capacity, Lease
from tiktoker_batch.engine.pause import Pause, Paused
from tiktoker_batch.engine.purchase import may_repeat
from tiktoker_batch.errors import (
    AuthFailed,
    Crowded,
    ProviderError,
    RateLimited,
    ResultLost,
    TiktokerError,
    TimedOut,
    Unavailable,
    Unfetched,
    UnknownOutcome,
)
from tiktoker_batch.events import AttemptFailed, WorkDone
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.model import Step
from tiktoker_batch.outcomes import Outcome, Succeeded
from tiktoker_batch.recording import Recorder
from tiktoker_batch.store.jobs import OpenJob


class NeedLost(Exception):
    """A step that an eager one cannot live without did not deliver."""

    def __init__(self, need: str) -> None:
        super().__init__(need)
        self.need = need


EXPECTED = (TiktokerError, trio.TooSlowError, NeedLost, Paused)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSeats:
    """Capacity for the pieces of one step's work, told to the journal."""

    step: Step
    capacity: Capacity
    recorder: Recorder
    pause: Pause

    @asynccontextmanager
    async def held(self, *names: str, label: str) -> AsyncIterator[None]:
        """Hold a seat of each named limit.

        :raises Paused: the run stops starting work.
        """
        asked = self.recorder.elapsed
        with self.pause.interruptible():
            lease = await self.capacity.acquire(names, self.step.id)
        began = self.recorder.elapsed
        try:
            yield
            reach("work.before_record")
            self.recorder.emit(
                WorkDone(step=self.step.id, label=label, waited=began - asked, began=began, ended=self.recorder.elapsed)
            )
        finally:
            lease.release()


async def seats(step: Step, names: Iterable[str], capacity: Capacity, breaker: Breaker | None) -> Lease:
    """Seats for an attempt; with a breaker only once the step's provider answers.

    :raises Unavailable: the provider was given up.
    """
    if breaker is None:
        return await capacity.acquire(names, step.id)
    try:
        while True:
            await breaker.admitted(step)
            lease = await capacity.acquire(names, step.id)
            if not breaker.holds_back(step):
                return lease
            lease.release()
    except BaseException:
        breaker.leave(step)
        raise


def sole_cause(error: BaseException) -> BaseException:
    """What an attempt's failure comes down to, out of the group in which a nursery wraps it.

    An expected error is only taken as the cause if nothing unexpected stands beside it: a bug never hides.
    """
    leaves = list(_leaves(error))
    unexpected = [leaf for leaf in leaves if not isinstance(leaf, EXPECTED)]
    if unexpected:
        return error if len(leaves) > 1 else unexpected[0]
    return min(leaves, key=lambda leaf: isinstance(leaf, NeedLost | Paused))


def raise_cancellation(error: BaseException) -> NoReturn:
    """Let a cancellation go on its way, without the expected errors that fell beside it.

    Trio takes its own part out of a group; what is left would look like a bug.
    """
    if isinstance(error, BaseExceptionGroup):
        cancelled, beside = error.split(trio.Cancelled)
        if cancelled is not None and (beside is None or all(isinstance(leaf, EXPECTED) for leaf in _leaves(beside))):
            raise cancelled
    raise error


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def as_step_error(cause: BaseException, step: Step) -> TiktokerError | None:
    """The failure of a step as a user reads it; ``None`` for what is not a step's failure."""
    if isinstance(cause, trio.TooSlowError):
        return TimedOut(f"no result within {step.retry.timeout:g} s")
    if isinstance(cause, TiktokerError):
        return cause
    return None


def is_away(error: TiktokerError, step: Step, breaker: Breaker) -> bool:
    """Whether it is not this step that failed: its provider answers nobody."""
    return isinstance(error, Unavailable | Unfetched) and breaker.is_paused(step.provider)


def may_retry(error: TiktokerError, step: Step, breaker: Breaker) -> bool:
    """Whether another attempt can help and, unless the recipe takes that risk, cannot pay twice."""
    if breaker.is_gone(step.provider):
        return False
    if isinstance(error, AuthFailed):
        # One refusal may be the service's slip; the breaker knows when it is not.
        return not error.maybe_charged and not breaker.is_open(step.provider)
    if isinstance(error, UnknownOutcome | ResultLost):
        return may_repeat(step)
    return isinstance(error, ProviderError) and error.retryable


def leaves_open(ended: object, job: OpenJob | None) -> bool:
    """Whether what was bought is still to be had, by the next attempt or by an equal step."""
    if job is None:
        return False
    if isinstance(ended, AuthFailed):
        return bool(job.addresses)
    return isinstance(ended, Unfetched) or (type(ended) is TiktokerError and job.request_id is not None)


def mind_capacity(capacity: Capacity, step: Step, ended: Outcome | TiktokerError) -> Outcome | TiktokerError:
    """Who refuses, a provider or one of its models, is asked for less at once; who delivers, slowly for more again."""
    if isinstance(ended, Crowded) and not capacity.has_others(step.provider):
        # Crowded by somebody else: there is no request of ours whose end could be waited for.
        return RateLimited(ended.message, hint=ended.hint, retry_after=ended.retry_after)
    if isinstance(ended, RateLimited):
        capacity.throttle(f"{step.provider}:{step.model}" if ended.of_model else step.provider)
    elif isinstance(ended, Succeeded):
        for name in step.capacity:
            capacity.relax(name)
    return ended


def failed_attempt(step: Step, attempt: int, error: TiktokerError, cost: Decimal, *, last: bool) -> AttemptFailed:
    """How the journal tells the end of an attempt that failed; ``last``: no other one follows."""
    return AttemptFailed(
        step=step.id,
        attempt=attempt,
        outcome="unknown" if isinstance(error, UnknownOutcome) else "failed" if last else "retry",
        error_kind=type(error).__name__,
        message=str(error),
        cost_usd=cost,
        charged=isinstance(error, ProviderError) and error.maybe_charged,
    )
