"""Buying in one attempt: one request, and a second one beside it if that one straggles. The first result is taken.

Both are on record like any request, and what became of each is told: whatever happens, money is accounted for.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import trio

from tiktoker_batch.engine.attempt import EXPECTED, leaves_open, mind_capacity
from tiktoker_batch.engine.capacity import Capacity, Lease
from tiktoker_batch.engine.deadline import Deadline
from tiktoker_batch.engine.pause import Pause, Paused
from tiktoker_batch.engine.purchase import Purchase
from tiktoker_batch.errors import (
    BudgetExceeded,
    ProviderError,
    ResultLost,
    Unfetched,
    UnknownOutcome,
)
from tiktoker_batch.events import Straggling
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.model import Hedge, Step
from tiktoker_batch.providers.base import Produced, Request
from tiktoker_batch.recording import Recorder
from tiktoker_batch.store.artifacts import disk_errors
from tiktoker_batch.store.durations import Durations
from tiktoker_batch.store.jobs import OpenJob

USUAL_PERCENTILE = 95  # of a model's jobs end sooner than one that is told to straggle
LOOK_SECONDS = 1.0  # between two looks for an idle seat


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """What is known of a step's model and of this batch that bears on hedging.

    ``hedge`` is what the recipe wants, if anything; ``allowance`` is what all second requests of the batch may cost.
    """

    durations: Durations
    hedge: Hedge | None = None
    allowance: Decimal = Decimal(0)

    def late(self, step: Step) -> float:
        """Seconds at work after which a job of the step's model straggles."""
        percentile = self.hedge.after if self.hedge else USUAL_PERCENTILE
        return self.durations.percentile(_model(step), percentile)

    def note(self, step: Step, seconds: float) -> None:
        """A job for this step was stopped after so long at work; of others its provider tells."""
        self.durations.note(_model(step), seconds)


def _model(step: Step) -> str:
    return f"{step.provider}:{step.model}"


@dataclass(kw_only=True, eq=False)
class Buying:
    """What an attempt buys with. ``first`` and, where an earlier run left two open, ``second`` are its purchases.

    ``another`` makes the one that hedges, to be sent only while a function says so. Only jobs that can be asked after,
    and so be stopped, are hedged, and none that was taken up again.
    """

    step: Step
    attempt: int
    first: Purchase
    second: Purchase | None
    another: Callable[[Callable[[], bool]], Purchase]
    odds: Odds
    deadline: Deadline
    capacity: Capacity
    recorder: Recorder
    pause: Pause
    _delivered: list[tuple[Purchase, Produced]] = field(default_factory=list)
    _failed: list[tuple[Purchase, Exception]] = field(default_factory=list)
    _running: int = 0
    _over: trio.Event = field(default_factory=trio.Event)
    _calm: ExitStack = field(default_factory=ExitStack)

    async def __call__(self, request: Request, into: Mapping[str, Path]) -> Produced:
        """Submit and collect; see ``Purchase``.

        :raises ProviderError: the worst of what happened, if nothing was delivered.
        :raises BudgetExceeded: it would pass a ceiling; nothing was sent.
        """
        if self.step.provider == "local":
            return await self.first(request, into)
        beside = {role: path.with_name(f"{path.name}.second") for role, path in into.items()}
        with self._calm:
            try:
                await self._race(request, into, beside)
                return await self._taken(into, beside)
            finally:
                for path in beside.values():
                    with suppress(OSError):  # a later run sweeps it away
                        path.unlink(missing_ok=True)

    @property
    def cost_usd(self) -> Decimal:
        """What the end of this attempt has to tell of its cost."""
        return sum((purchase.untold_usd for purchase in self._purchases), Decimal(0))

    def left(self, ended: object) -> Iterator[OpenJob]:
        """The requests that an attempt which ended so leaves to be gone on with."""
        failed = dict(self._failed)
        for purchase in self._purchases:
            job = purchase.left
            if job is not None and leaves_open(failed.get(purchase, ended), job):
                yield job

    @property
    def _purchases(self) -> list[Purchase]:
        return [self.first, self.second] if self.second else [self.first]

    # ------------------------------------------------------------------ until one delivers, or none does

    async def _race(self, request: Request, into: Mapping[str, Path], beside: Mapping[str, Path]) -> None:
        async with trio.open_nursery() as nursery:
            self._running += 1
            nursery.start_soon(self._run, self.first, request, into)
            if self.second is None:
                nursery.start_soon(self._watch, request, beside)
            else:
                self._running += 1
                nursery.start_soon(self._run, self.second, request, beside)
            await self._over.wait()
            nursery.cancel_scope.cancel()

    async def _run(self, purchase: Purchase, request: Request, into: Mapping[str, Path]) -> None:
        try:
            produced = await purchase(request, into)
        except Exception as error:  # raised by whoever waits for both: a nursery would wrap it
            self._failed.append((purchase, error))
        else:
            self._delivered.append((purchase, produced))
            self._learn(purchase)
        self._running -= 1
        if self._delivered or not self._running or self._is_idle_wait():
            self._calm.enter_context(self.deadline.suspended())  # what was paid for is taken in, however late it is
            self._over.set()
        else:
            _settle(*self._failed[-1])

    def _is_idle_wait(self) -> bool:
        """Whether one is paid for and to be asked for again, while the other is not even worked on."""
        failed = dict(self._failed)
        unfetched = any(isinstance(error, Unfetched) for error in failed.values())
        return unfetched and not any(each.working.is_set() for each in self._purchases if each not in failed)

    async def _watch(self, request: Request, beside: Mapping[str, Path]) -> None:
        """Tell of a straggler, and send a second request if the recipe wants that and a seat is idle."""
        await self.first.working.wait()
        taken_up = self.first.earlier is not None  # nobody knows since when it is worked on
        if taken_up or self.first.job is None or not self.first.job.addresses:
            return
        seconds = await self._until_late()
        self.recorder.emit(Straggling(step=self.step.id, attempt=self.attempt, seconds=round(seconds, 3)))
        lease = await self._idle_seats() if self.odds.hedge else None
        if lease is None:
            return
        try:
            self.second = self.another(lambda: not self._failed)
            self._running += 1
            await self._run(self.second, request, beside)
        finally:
            lease.release()
        for purchase, error in self._failed:
            if purchase is self.second and isinstance(error, ProviderError):
                mind_capacity(self.capacity, self.step, error)

    async def _until_late(self) -> float:
        """Wait until the first job is late, by what is known of its model by then; after so many seconds."""
        began = self.first.began or 0.0
        while True:
            late = self.odds.late(self.step)
            if trio.current_time() >= began + late:
                return late
            await trio.sleep_until(began + late)

    async def _idle_seats(self) -> Lease | None:
        """Seats that nobody else wants; none once the run is to stop."""
        while not self.pause.requested:
            lease = self.capacity.take_idle(self.step.capacity)
            if lease is not None:
                return lease
            await trio.sleep(LOOK_SECONDS)
        return None

    def _learn(self, purchase: Purchase) -> None:
        late = self.first.began
        if purchase is not self.first and late is not None and self.first.earlier is None:
            self.odds.note(self.step, trio.current_time() - late)  # it would have taken longer still

    # ------------------------------------------------------------------ after that

    async def _taken(self, into: Mapping[str, Path], beside: Mapping[str, Path]) -> Produced:
        """The first result, under the names that were asked for; the other request is let go of."""
        if not self._delivered:
            raise self._worst()
        winner, produced = self._delivered[0]
        if len(self._purchases) > 1:
            reach("hedge.before_drop")
            for purchase in self._purchases:
                if purchase is not winner:
                    await purchase.drop("another request for the same delivered first")
            reach("hedge.after_drop")
        if winner is not self.first:
            for role, path in beside.items():
                with disk_errors(into[role]):
                    if path.exists():
                        path.replace(into[role])
                    else:
                        into[role].unlink(missing_ok=True)
        return produced

    def _worst(self) -> Exception:
        """Of the failures of both requests the one that says what may be done next, without paying for anything twice.

        The end of the attempt speaks of that one, and of what is left open.
        """
        worst = min((error for _, error in self._failed), key=_gravity)
        failed = dict(self._failed)
        for purchase in self._purchases:
            if purchase not in failed:
                purchase.leave()
            elif failed[purchase] is not worst:
                _settle(purchase, failed[purchase])
        return worst


def _settle(purchase: Purchase, error: Exception) -> None:
    """One of two has failed; what it has cost is told, unless it may still be had."""
    if not leaves_open(error, purchase.open_job) and not _is_unknown(error):
        purchase.tell_dropped(str(error))


def _is_unknown(error: Exception) -> bool:
    return isinstance(error, UnknownOutcome | ResultLost)


def _gravity(error: Exception) -> int:
    if not isinstance(error, EXPECTED):
        return 0  # a bug never hides
    if isinstance(error, Unfetched):
        return 1  # the next attempt gets what is paid for
    if _is_unknown(error):
        return 2
    if isinstance(error, Paused | BudgetExceeded):
        return 5  # the second one was not sent
    retryable = isinstance(error, ProviderError) and error.retryable
    return 4 if retryable else 3
