"""What each attempt buys with: a new request, or those that were left open for the very same."""

import functools
from collections.abc import Callable
from decimal import Decimal

import trio

from tiktoker_batch.engine.batch import Batch
from tiktoker_batch.engine.deadline import Deadline
from tiktoker_batch.engine.hedging import Buying, Odds
from tiktoker_batch.engine.leftovers import Leftovers
from tiktoker_batch.engine.purchase import Purchase
from tiktoker_batch.engine.reuse import inputs_digest
from tiktoker_batch.model import Step
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.steps.base import Inputs


class Till:
    """``leftovers`` are the requests that were left open and not taken up again yet."""

    def __init__(self, batch: Batch) -> None:
        self.leftovers = Leftovers(batch.open_jobs, batch.reuse.forced)
        self._batch = batch
        self._hedges = {planned.video.id: planned.video.hedge for planned in batch.plan.videos}
        self._estimated_usd = sum((step.estimated_cost_usd for step in batch.plan.steps), Decimal(0))

    def work_of(self, step: Step, inputs: Inputs) -> str:
        """What a request for this step is for."""
        kind = self._batch.kinds[step.kind]
        return "" if kind.eager else digest([step.key, inputs_digest(kind, step, inputs)])

    def buying(self, step: Step, attempt: int, scope: trio.CancelScope, inputs: Inputs) -> Buying:
        """What an attempt buys with that ``scope`` may end."""
        batch, work, deadline = self._batch, self.work_of(step, inputs), Deadline(scope)
        left = self.leftovers.take(step, work)
        earlier = left.jobs[:2] if left else ()
        odds = self._odds(step)
        purchase = functools.partial(
            Purchase,
            step=step,
            attempt=attempt,
            provider=batch.providers[step.provider],
            recorder=batch.recorder,
            breaker=batch.breaker,
            purse=batch.purse,
            pause=batch.pause,
            on_disk=batch.on_disk,
            rng=batch.rng,
            deadline=deadline,
            work=work,
            taken_from=left.sender if left and left.sender != step.id else None,
        )

        def another(wanted: Callable[[], bool]) -> Purchase:
            return purchase(allowance=odds.allowance, wanted=wanted, alone=False)

        first, *others = [purchase(earlier=job, alone=len(earlier) == 1) for job in earlier] or [purchase()]
        return Buying(
            step=step,
            attempt=attempt,
            first=first,
            second=others[0] if others else None,
            another=another,
            odds=odds,
            deadline=deadline,
            capacity=batch.capacity,
            recorder=batch.recorder,
            pause=batch.pause,
        )

    def _odds(self, step: Step) -> Odds:
        hedge = self._hedges.get(step.video)
        allowance = hedge.max_extra_cost * self._estimated_usd if hedge else Decimal(0)
        return Odds(durations=self._batch.durations, hedge=hedge, allowance=allowance)
