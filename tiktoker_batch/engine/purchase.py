"""Spending money for one attempt: intent on record, one submit, its id on record, then the waiting."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import trio

from tiktoker_batch.engine.breaker import Breaker
from tiktoker_batch.engine.budget import Purse, Reservation
from tiktoker_batch.engine.deadline import Deadline
from tiktoker_batch.engine.pause import Pause, Paused
from tiktoker_batch.engine.syncing import OnDisk, already_on_disk
from tiktoker_batch.errors import (
    AuthFailed,
    ProviderError,
    ResultLost,
    TimedOut,
    Unavailable,
    Unfetched,
    UnknownOutcome,
)
from tiktoker_batch.events import JobDropped, JobReattached, JobSubmitted, OutcomeUnknown, SubmitIntended
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.model import CHEAP_USD, Step
from tiktoker_batch.providers.base import Job, Produced, Provider, Request
from tiktoker_batch.recording import Recorder
from tiktoker_batch.store.jobs import OpenJob
from tiktoker_batch.units import NOTHING, Units, things_of

SUBMIT_SECONDS = 90.0  # longer than any provider's own deadline for accepting a request
CANCEL_SECONDS = 30.0
IN_LINE = 6  # times its deadline that a job may wait in line at its service before that begins to work on it


def may_repeat(step: Step) -> bool:
    """Whether a request whose outcome nobody knows may be sent again, at the risk of paying twice."""
    chosen = step.retry.on_unknown
    return chosen == "retry" or (chosen is None and step.estimated_cost_usd <= CHEAP_USD)


@dataclass(kw_only=True, eq=False)
class Purchase:
    """``deadline`` is the attempt's. While money is out another one counts, from when the service begins.

    ``work`` digests what is bought. ``earlier`` is a request for the very same that was left open, by the step
    ``taken_from`` if not by this one: it is gone on with instead of sending another; ``open_job`` is the one that this
    attempt leaves. ``cost_usd`` is what it has cost, or may have. ``on_disk`` waits until what was told is on disk.

    ``allowance``: it hedges another purchase, and all that do may cost so much in this batch; it is only sent while it
    is ``wanted``. One that is not ``alone`` never sends a second request for one that is lost. ``job`` is what the
    service has accepted, ``working`` tells when it works on it, ``began`` since when, on Trio's clock.
    """

    step: Step
    attempt: int
    provider: Provider
    recorder: Recorder
    breaker: Breaker
    purse: Purse
    pause: Pause
    on_disk: OnDisk = already_on_disk
    rng: random.Random
    deadline: Deadline
    work: str = ""
    earlier: OpenJob | None = None
    taken_from: str | None = None
    cost_usd: Decimal = Decimal(0)
    open_job: OpenJob | None = None
    allowance: Decimal | None = None
    wanted: Callable[[], bool] = lambda: True
    alone: bool = True
    job: Job | None = None
    working: trio.Event = field(default_factory=trio.Event)
    began: float | None = None
    _held: Reservation | None = None
    _asked_for: Request | None = None
    _stopped_job: OpenJob | None = None
    _charged: bool = False
    _dropped: bool = False

    async def __call__(self, request: Request, into: Mapping[str, Path]) -> Produced:
        """Submit once and collect.

        :raises ProviderError: as the provider says; ``UnknownOutcome`` if it cannot be found out whether it was paid.
        :raises BudgetExceeded: it would pass a ceiling; nothing was sent.
        """
        before, self._asked_for = self.cost_usd, request
        try:
            produced = await self._buy(request, into)
        except ProviderError as error:
            self._note(error)
            if isinstance(error, AuthFailed) and self.open_job and self.open_job.addresses:
                error.maybe_charged = True  # refused while asking after what was bought: it must not be bought again
            if error.maybe_charged:
                self._count(self._quoted(request))
                self.open_job = self.open_job.but(counted=True) if self.open_job else None
            self._settle(request, self.cost_usd - before, made=error.maybe_charged)
            raise
        self._note(None)
        self._count(self._quoted(request) if produced.cost_usd is None else produced.cost_usd)
        self._settle(request, self.cost_usd - before, made=True)
        return produced

    async def drop(self, message: str) -> None:
        """Another request has delivered: have this one stopped, and account for what it may have cost."""
        if self._held is not None and self._asked_for is not None:
            job, before = self.job, self.cost_usd
            free = job is not None and bool(job.addresses) and await self._stopped(replace(job, unwanted=True))
            if not free:
                self._count(self._quoted(self._asked_for))
            self._settle(self._asked_for, self.cost_usd - before, made=not free)
        self.tell_dropped(message)

    def leave(self) -> None:
        """Nobody waits for it in this attempt any more; the next one asks after it, and until then it may be paid."""
        if self._held is not None and self._asked_for is not None and self.open_job is not None:
            before = self.cost_usd
            self._count(self._quoted(self._asked_for))
            self.open_job = self.open_job.but(counted=True)
            self._settle(self._asked_for, self.cost_usd - before, made=True)

    def tell_dropped(self, message: str) -> None:
        """What this one has cost is told now, and no part of the attempt's end."""
        job = self.open_job or self._stopped_job
        if job is None or self._dropped:
            return
        self._dropped = True
        self.recorder.emit(
            JobDropped(
                step=self.step.id,
                attempt=self.attempt,
                token=job.token,
                message=message,
                request_id=job.request_id,
                cost_usd=self.cost_usd,
                charged=self._charged,
            )
        )

    @property
    def untold_usd(self) -> Decimal:
        """What the end of the attempt has to tell of its cost."""
        return Decimal(0) if self._dropped else self.cost_usd

    @property
    def left(self) -> OpenJob | None:
        """The request that it leaves, unless that is done with."""
        return None if self._dropped else self.open_job

    def _note(self, error: ProviderError | None) -> None:
        if isinstance(error, Unavailable) and self.open_job and self.open_job.addresses and not error.unreachable:
            return  # the provider took the job; that this one came to nothing says little of others
        paused = self.breaker.note(self.step, error)
        if paused is not None:
            self.recorder.emit(paused)

    def _price(self, request: Request) -> Decimal:
        return self.step.estimated_cost_usd if request.price_usd is None else request.price_usd

    def _units(self, request: Request) -> Units:
        return things_of(self.step, request.prompt).costing(self._price(request))

    def _quoted(self, request: Request) -> Decimal:
        """The price at which the request that is out was sent."""
        return self.open_job.price_usd if self.open_job else self._price(request)

    def _settle(self, request: Request, cost: Decimal, *, made: bool) -> None:
        self._charged = made
        if self._held is not None:
            counted = self.earlier is not None and self.earlier.counted
            things = self._units(request) if made and not counted else NOTHING
            self.purse.settle(self._held, things.costing(cost))
            self._held = None

    def _count(self, cost: Decimal) -> None:
        """Add what the last request cost, less what an earlier run has counted for it."""
        counted = self.earlier.price_usd if self.earlier and self.earlier.counted else Decimal(0)
        self.cost_usd += max(cost - counted, Decimal(0))

    async def _buy(self, request: Request, into: Mapping[str, Path]) -> Produced:
        if self.earlier is not None:
            try:
                return await self._go_on(self.earlier, request, into)
            except (UnknownOutcome, ResultLost) as lost:
                if not (self.alone and may_repeat(self.step)):
                    raise
                self._note_lost(request, lost)
        self.breaker.check(self.step)
        prepared = await self.provider.prepare(replace(request, token=self.rng.getrandbits(31)))
        self.breaker.check(self.step)
        if self.pause.requested or not self.wanted():
            raise Paused
        self._held = self.purse.reserve(self.step.video, self._units(request), hedge=self.allowance)
        self._intend(prepared)
        sent, prepared = datetime.now(UTC), replace(prepared, left_at=trio.current_time())
        with self.deadline.suspended():
            job = await self._submit(prepared, sent)
            return await self._delivered(job, prepared, sent, into)

    async def _go_on(self, earlier: OpenJob, request: Request, into: Mapping[str, Path]) -> Produced:
        """Take up a request that an earlier run left: by its id, or by looking for it.

        :raises UnknownOutcome: nobody can tell what became of it.
        :raises ResultLost: it was made and paid for, but is not there any more.
        :raises Unavailable: it was never accepted; nothing was bought.
        """
        self._held = self.purse.hold(self.step.video)
        wanted = replace(request, token=earlier.token, uploads=earlier.uploads)
        # Files that went with it lie where they lay: uploaded anew, the request would not be known again.
        prepared = wanted if earlier.uploads else await self.provider.prepare(wanted)
        self.open_job = earlier
        self.recorder.emit(
            JobReattached(
                step=self.step.id,
                attempt=self.attempt,
                provider=earlier.provider,
                model=earlier.model,
                price_usd=earlier.price_usd,
                token=earlier.token,
                key=earlier.key,
                work=earlier.work,
                sent_at=earlier.sent_at,
                request_id=earlier.request_id,
                addresses=dict(earlier.addresses),
                uploads=dict(earlier.uploads),
                units=earlier.units.to_json(),
                taken_from=self.taken_from,
                hedge=earlier.hedge,
            )
        )
        reach("reattached")
        with self.deadline.suspended():
            if earlier.request_id is not None and earlier.addresses:
                job = Job(
                    id=earlier.request_id,
                    provider=earlier.provider,
                    model=earlier.model,
                    addresses=earlier.addresses,
                    request=prepared,
                    in_line=True,
                )
            else:
                lost = UnknownOutcome(f"{self.step.provider} was never heard to accept a request", maybe_charged=True)
                job = await self._look_for(prepared, earlier.sent_at, lost)
            return await self._delivered(job, prepared, earlier.sent_at, into)

    def _note_lost(self, request: Request, lost: UnknownOutcome | ResultLost) -> None:
        """The recipe lets it be bought again; what the first one may have cost is counted."""
        self.recorder.emit(OutcomeUnknown(step=self.step.id, attempt=self.attempt, message=lost.message))
        before = self.cost_usd
        if self.earlier is not None:
            self._count(self.earlier.price_usd)
        self._settle(request, self.cost_usd - before, made=True)
        self.earlier = self.open_job = None

    def _intend(self, request: Request) -> None:
        self.recorder.emit(
            SubmitIntended(
                step=self.step.id,
                attempt=self.attempt,
                provider=self.step.provider,
                model=self.step.model,
                price_usd=self._price(request),
                token=request.token,
                key=self.step.key,
                work=self.work,
                uploads=dict(request.uploads),
                units=self._units(request).to_json(),
                hedge=self.allowance is not None,
            )
        )
        self.open_job = OpenJob(
            provider=self.step.provider,
            model=self.step.model,
            price_usd=self._price(request),
            token=request.token,
            key=self.step.key,
            work=self.work,
            sent_at=datetime.now(UTC),
            uploads=request.uploads,
            units=self._units(request).things,
            hedge=self.allowance is not None,
        )

    async def _submit(self, request: Request, sent: datetime) -> Job:
        unknown = UnknownOutcome(f"{self.step.provider} did not answer a request", maybe_charged=True)
        try:
            # Shielded: a cancellation between the provider's yes and its record would lose a paid job.
            with trio.move_on_after(SUBMIT_SECONDS, shield=True):
                await self.on_disk()
                reach("submit.before")
                job = await self.provider.submit(request)
                reach("submit.before_record")
                self._record(job)
                reach("submit.after_record")
                await self.on_disk()
                return job
        except UnknownOutcome as error:
            unknown = error
        return await self._look_for(request, sent, unknown)

    async def _look_for(self, request: Request, sent: datetime, unknown: UnknownOutcome) -> Job:
        """Find out what became of a submit that was not answered, or not clearly.

        :raises UnknownOutcome: nobody can tell.
        :raises Unavailable: it was never accepted.
        :raises Paused: the run is stopped; the next one looks on.
        """
        self.recorder.emit(OutcomeUnknown(step=self.step.id, attempt=self.attempt, message=unknown.message))
        try:
            with self.pause.interruptible():
                job = await self.provider.find(request, sent)
        except UnknownOutcome:
            raise unknown from None
        if job is not None:
            reach("found.before_record")
            self._record(job)
            reach("found.after_record")
            await self.on_disk()
            return job
        if unknown.answered:
            # It said no, and its list agrees.
            raise Unavailable(unknown.message, retry_after=unknown.retry_after)
        raise unknown

    def _record(self, job: Job) -> None:
        token = self.open_job.token if self.open_job else 0
        self.recorder.emit(
            JobSubmitted(
                step=self.step.id,
                attempt=self.attempt,
                request_id=job.id,
                addresses=dict(job.addresses),
                token=token,
            )
        )
        if self.open_job is not None:
            self.open_job = self.open_job.but(request_id=job.id, addresses=job.addresses)
        if job.addresses:
            self._note(None)

    async def _delivered(self, job: Job, request: Request, sent: datetime, into: Mapping[str, Path]) -> Produced:
        try:
            return await self._within_deadline(job, into)
        except UnknownOutcome as unknown:
            # A service that answers in one go may have done the work although its answer was lost.
            found = await self._look_for(request, sent, unknown)
        return await self._within_deadline(found, into)

    async def _within_deadline(self, job: Job, into: Mapping[str, Path]) -> Produced:
        """Collect a job. Its deadline counts from when its service begins to work on it.

        :raises TimedOut: it was stopped before anything was charged.
        :raises Unfetched: it is paid for, and may be asked for again.
        :raises UnknownOutcome: its service may charge for it all the same.
        """
        self.job, timeout = job, self.step.retry.timeout
        patience = trio.CancelScope(deadline=trio.current_time() + timeout * (IN_LINE if job.in_line else 1))
        at_work = not job.in_line

        def begun() -> None:
            nonlocal at_work
            if not at_work:
                at_work, patience.deadline = True, trio.current_time() + timeout
                self._begin()

        if at_work:
            self._begin()
        with patience:
            return await self.provider.collect(job, into, begun)
        # Whoever stops a job that is worked on pays for it and gets nothing.
        if not (at_work and job.addresses) and await self._stopped(job):
            self._stopped_job, self.open_job = self.open_job, None
            raise TimedOut(f"no result within {timeout:g} s")
        message = f"no result within {timeout:g} s of work"
        if job.addresses:
            raise Unfetched(f"{message}; it is paid for, and asked for again", maybe_charged=True)
        raise UnknownOutcome(f"{message}, and {self.step.provider} may charge for it all the same", maybe_charged=True)

    def _begin(self) -> None:
        """The service works on it now."""
        self.began = trio.current_time() if self.began is None else self.began
        self.working.set()

    async def _stopped(self, job: Job) -> bool:
        """Ask for a stop; whether it is certain that nothing will be charged."""
        with trio.move_on_after(CANCEL_SECONDS):
            return await self.provider.cancel(job)
        return False
