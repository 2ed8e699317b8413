"""Spending money for one attempt: intent on record, one submit, its id on record, then the waiting."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import trio

from tiktoker_batch.engine.breaker import Breaker
from tiktoker_batch.engine.pause import Pause, Paused
from tiktoker_batch.errors import ProviderError, TimedOut, Unavailable, UnknownOutcome
from tiktoker_batch.events import JobSubmitted, OutcomeUnknown, Recorder, SubmitIntended
from tiktoker_batch.model import Step
from tiktoker_batch.providers.base import Job, Produced, Provider, Request

SUBMIT_SECONDS = 90.0  # longer than any provider's own deadline for accepting a request
CANCEL_SECONDS = 30.0


@dataclass(kw_only=True)
class Purchase:
    """``scope`` is the attempt's deadline. While money is out another one counts, which asks for a stop first.

    ``cost_usd`` is what this attempt has cost, or may have.
    """

    step: Step
    attempt: int
    provider: Provider
    recorder: Recorder
    breaker: Breaker
    pause: Pause
    rng: random.Random
    scope: trio.CancelScope
    cost_usd: Decimal = field(default=Decimal(0))

    async def __call__(self, request: Request, into: Mapping[str, Path]) -> Produced:
        """Submit once and collect.

        :raises ProviderError: as the provider says; ``UnknownOutcome`` if it cannot be found out whether it was paid.
        """
        try:
            produced = await self._buy(request, into)
        except ProviderError as error:
            self.breaker.note(self.step.provider, error)
            if error.maybe_charged:
                self.cost_usd += self.step.estimated_cost_usd
            raise
        self.breaker.note(self.step.provider, None)
        self.cost_usd += self.step.estimated_cost_usd if produced.cost_usd is None else produced.cost_usd
        return produced

    async def _buy(self, request: Request, into: Mapping[str, Path]) -> Produced:
        self.breaker.check(self.step.provider)
        prepared = await self.provider.prepare(replace(request, token=self.rng.getrandbits(31)))
        self.breaker.check(self.step.provider)
        self._intend(prepared)
        before, self.scope.deadline = self.scope.deadline, math.inf
        sent = datetime.now(UTC)
        try:
            job = await self._submit(prepared, sent)
            return await self._within_deadline(job, prepared, sent, into)
        finally:
            self.scope.deadline = before

    def _intend(self, request: Request) -> None:
        self.recorder.emit(
            SubmitIntended(
                step=self.step.id,
                attempt=self.attempt,
                provider=self.step.provider,
                model=self.step.model,
                price_usd=self.step.estimated_cost_usd,
                token=request.token,
            )
        )

    async def _submit(self, request: Request, sent: datetime) -> Job:
        unknown = UnknownOutcome(f"{self.step.provider} did not answer a request", maybe_charged=True)
        try:
            # Shielded: a cancellation between the provider's yes and its record would lose a paid job.
            with trio.move_on_after(SUBMIT_SECONDS, shield=True):
                job = await self.provider.submit(request)
                self._record(job)
                return job
        except UnknownOutcome as error:
            unknown = error
        return await self._look_for(request, sent, unknown)

    async def _look_for(self, request: Request, sent: datetime, unknown: UnknownOutcome) -> Job:
        """Find out what became of a submit that was not answered, or not clearly."""
        self.recorder.emit(OutcomeUnknown(step=self.step.id, attempt=self.attempt, message=unknown.message))
        try:
            async with self.pause.interruptible():
                job = await self.provider.find(request, sent)
        except (UnknownOutcome, Paused):
            raise unknown from None
        if job is not None:
            self._record(job)
            return job
        if unknown.answered:
            # It said no, and its list agrees.
            raise Unavailable(unknown.message, retry_after=unknown.retry_after)
        raise unknown

    def _record(self, job: Job) -> None:
        self.recorder.emit(
            JobSubmitted(step=self.step.id, attempt=self.attempt, request_id=job.id, addresses=dict(job.addresses))
        )

    async def _within_deadline(self, job: Job, request: Request, sent: datetime, into: Mapping[str, Path]) -> Produced:
        with trio.move_on_after(self.step.retry.timeout):
            return await self._collect(job, request, sent, into)
        stopped = False
        with trio.move_on_after(CANCEL_SECONDS):
            stopped = await self.provider.cancel(job)
        message = f"no result within {self.step.retry.timeout:g} s"
        if stopped:
            raise TimedOut(message)
        raise UnknownOutcome(f"{message}, and {self.step.provider} may charge for it all the same", maybe_charged=True)

    async def _collect(self, job: Job, request: Request, sent: datetime, into: Mapping[str, Path]) -> Produced:
        try:
            return await self.provider.collect(job, into)
        except UnknownOutcome as unknown:
            # A service that answers in one go may have done the work although its answer was lost.
            found = await self._look_for(request, sent, unknown)
        return await self.provider.collect(found, into)
