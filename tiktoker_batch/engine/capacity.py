"""Seats: how much may happen at once, per provider, per model and per resource of this machine."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

import trio

from tiktoker_batch.engine.limit import Limit
from tiktoker_batch.engine.ranks import InTurn, Ranks
from tiktoker_batch.engine.waiting import Claim, Line, Waiter
from tiktoker_batch.events import CapacityChanged
from tiktoker_batch.model import Plan

MACHINE = ("local", "ffmpeg")  # limits that stand for this machine's processor
NO_LIMIT = Limit()


def usable_cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def capacities(
    plan: Plan, usual: Mapping[str, int] | None = None, overrides: Mapping[str, int] | None = None
) -> dict[str, int]:
    """The number of seats of every limit this plan meets; a model has one only where the recipe or a flag says so.

    ``usual`` are the modest limits of cloud accounts; for work on this machine there are its processors.
    """
    cores = usable_cores()
    named = {**plan.recipe.limits, **(overrides or {})}
    met = {name for step in plan.steps for name in step.capacity} | set(MACHINE)
    default = {**dict.fromkeys(MACHINE, cores), **(usual or {})}
    return {name: named.get(name, default.get(name, 0)) for name in sorted(met) if name in named or name in default}


@dataclass(eq=False, slots=True, kw_only=True)
class Lease:
    """Seats that are held until they are released."""

    capacity: "Capacity"
    names: tuple[str, ...]
    held: bool = True

    def release(self) -> None:
        """Give the seats back, once."""
        if self.held:
            self.held = False
            self.capacity.take_back(self.names)


class Capacity:
    """One limit per name. One that nobody has set has seats without end, until its provider refuses.

    A request names all the seats that it needs and gets them in one go, or none: nobody holds one while waiting for
    another, so nobody can hold anybody up for good. Free seats go to the best-ranked of those (see
    :mod:`~tiktoker_batch.engine.ranks`) whose seats are all free; one who waits for a seat that is not lets others
    pass.

    Nobody waits for ever. A batch has so many steps, each with so many attempts, and an attempt ends, at the latest at
    its deadline; so only so many can go before somebody, and when they have, all seats are free. Where one limit lies
    within another, as a model's in its provider's, a step is not even passed over: whoever leaves gives back both
    seats in the same moment. A step that is tried again takes its old place, as its video has no less left to do.

    ``chosen`` are limits that the user set: a provider may lower them for a while, never raise them. ``tell`` takes
    each change of a limit.
    """

    def __init__(
        self,
        seats: Mapping[str, int],
        chosen: Collection[str] = (),
        ranks: Ranks | None = None,
        tell: Callable[[CapacityChanged], None] = lambda _: None,
    ) -> None:
        self._limits = {name: Limit(seats=count, most=count) for name, count in seats.items()}
        self._chosen = frozenset(chosen)
        self._ranks = ranks or InTurn()
        self._tell = tell
        self._lines: dict[tuple[str, ...], Line] = {}
        self._came = 0

    # ------------------------------------------------------------------ taking seats

    async def acquire(self, names: Iterable[str], step: str = "") -> Lease:
        """Take a seat of each of these names, all at once, when the turn of ``step`` has come."""
        wanted = tuple(sorted(set(names)))
        lease = Lease(capacity=self, names=wanted)
        if not wanted:
            await trio.lowlevel.checkpoint()
            return lease
        waiter, line = Waiter(self._ranks.standing(step)), self._line(wanted)
        self._came += 1
        line.join(waiter, self._came)
        try:
            # Whoever becomes ready in the same moment asks before the first of them is served.
            await trio.lowlevel.checkpoint()
            if line.moves:
                self._serve()
            if not waiter.served:
                await self._sleep(waiter)
        except BaseException:
            if waiter.served:
                lease.release()
            waiter.left = True
            raise
        return lease

    def take_idle(self, names: Iterable[str]) -> Lease | None:
        """A seat of each if all are free and nobody waits for any of them; ``None`` otherwise."""
        wanted = tuple(sorted(set(names)))
        waiting = (line.first() for met, line in self._lines.items() if not set(wanted).isdisjoint(met))
        if any(claim is not None for claim in waiting):
            return None
        line = self._line(wanted)
        if not line.moves:
            return None
        for limit in line.limits:
            limit.taken += 1
        return Lease(capacity=self, names=wanted)

    def _line(self, names: tuple[str, ...]) -> Line:
        if names not in self._lines:
            limits = tuple(self._limits.setdefault(name, Limit()) for name in names)
            self._lines[names] = Line(self._ranks, limits)
        return self._lines[names]

    async def _sleep(self, waiter: Waiter) -> None:
        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            waiter.task = None
            return trio.lowlevel.Abort.SUCCEEDED

        waiter.task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(abort)

    def take_back(self, names: Iterable[str]) -> None:
        """Free a seat of each."""
        for name in names:
            self._limits[name].taken -= 1
        self._serve()

    def end(self, step: str) -> None:
        """A step is over: its video has less left to do."""
        group = self._ranks.end(step)
        if group is not None:
            for line in self._lines.values():
                line.refresh(group)

    def _serve(self) -> None:
        while (line := self._next()) is not None:
            for limit in line.limits:
                limit.taken += 1
            waiter = line.take()
            if waiter.task is not None:
                trio.lowlevel.reschedule(waiter.task)
                waiter.task = None

    def _next(self) -> Line | None:
        """The line whose first is the best-ranked of all that can have their seats."""
        best: Claim | None = None
        found = None
        for line in self._lines.values():
            if line.moves:
                claim = line.first()
                if claim is not None and (best is None or claim < best):
                    best, found = claim, line
        return found

    # ------------------------------------------------------------------ how many there are

    @property
    def machine_is_busy(self) -> bool:
        """Whether a seat of this machine is taken."""
        return any(self._limits[name].taken for name in MACHINE if name in self._limits)

    def has_others(self, name: str) -> bool:
        """Whether another lease than the asker's holds a seat of this limit."""
        return name in self._limits and self._limits[name].taken > 1

    def seats(self, name: str) -> int | None:
        """How many seats a limit has at the moment; ``None`` for one that nobody has set."""
        found = self._limits.get(name, NO_LIMIT).seats
        return None if found == inf else int(found)

    def bear(self, name: str, seats: int) -> None:
        """The provider says how much its account bears at once."""
        if name in self._limits:
            most = min(self._limits[name].most, seats) if name in self._chosen else seats
            with self._changing(name, "told"):
                self._limits[name].bear(most)

    def throttle(self, name: str) -> None:
        """The provider refused a request that holds a seat of this limit: it bears no more than the others."""
        if name in self._limits:
            with self._changing(name, "refused"):
                self._limits[name].snap()

    def relax(self, name: str) -> None:
        """A request that holds a seat went well: after enough of them one more is tried, up to the limit."""
        if name in self._limits:
            with self._changing(name, "tried"):
                self._limits[name].probe()

    def start_from(self, learned: Mapping[str, int]) -> None:
        """What an earlier batch has learned is tried first; no more than the user, or where he is silent we, chose."""
        for name, seats in learned.items():
            self._limits.setdefault(name, Limit())
            with self._changing(name, "remembered"):
                self._limits[name].start_from(seats)

    @property
    def learned(self) -> dict[str, int]:
        """The seats of those limits of which this batch has found anything out."""
        return {name: int(limit.seats) for name, limit in self._limits.items() if limit.learned}

    @contextmanager
    def _changing(self, name: str, cause: str) -> Iterator[None]:
        """Tell of the change that is made inside, if there is one, and let in whom it lets in."""
        before = self._limits[name].seats
        yield
        after = self._limits[name].seats
        if after != before:
            self._tell(CapacityChanged(limit=name, seats=int(after), cause=cause))
            self._serve()
