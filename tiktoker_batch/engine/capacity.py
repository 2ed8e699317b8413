"""Seats: how much may happen at once, per provider, per model and per resource of this machine."""

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import trio

from tiktoker_batch.model import Plan

MACHINE = ("local", "ffmpeg")  # limits that stand for this machine's processor


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


@dataclass(frozen=True, eq=False)
class Lease:
    """Seats that are held until they are released."""

    capacity: "Capacity"
    names: list[str]

    def release(self) -> None:
        """Give the seats back."""
        self.capacity.take_back(self)


class Capacity:
    """One limiter per name; a name without a limit costs nothing.

    ``chosen`` are limits that the user set: a provider may lower them for a while, never raise them.
    """

    def __init__(self, seats: Mapping[str, int], chosen: Collection[str] = ()) -> None:
        self._limiters = {name: trio.CapacityLimiter(count) for name, count in seats.items()}
        self._most = dict(seats)
        self._chosen = frozenset(chosen)
        self._good = dict.fromkeys(seats, 0)

    async def acquire(self, names: Iterable[str]) -> Lease:
        """Take a seat of each; always in the same order, so that two borrowers cannot hold each other up."""
        lease = Lease(self, [])
        try:
            for name in sorted(set(names) & self._limiters.keys()):
                await self._limiters[name].acquire_on_behalf_of(lease)
                lease.names.append(name)
        except BaseException:
            lease.release()
            raise
        return lease

    def take_idle(self, names: Iterable[str]) -> Lease | None:
        """A seat of each if all are free and nobody waits for one; ``None`` otherwise."""
        met = sorted(set(names) & self._limiters.keys())
        limiters = [self._limiters[name] for name in met]
        if any(each.available_tokens < 1 or each.statistics().tasks_waiting for each in limiters):
            return None
        lease = Lease(self, met)
        for each in limiters:
            each.acquire_on_behalf_of_nowait(lease)
        return lease

    def take_back(self, lease: Lease) -> None:
        """Free the seats of a lease."""
        for name in lease.names:
            self._limiters[name].release_on_behalf_of(lease)

    @property
    def machine_is_busy(self) -> bool:
        """Whether a seat of this machine is taken."""
        return any(self._limiters[name].borrowed_tokens for name in MACHINE if name in self._limiters)

    def has_others(self, name: str) -> bool:
        """Whether another lease than the asker's holds a seat of this limit."""
        limiter = self._limiters.get(name)
        return limiter is not None and limiter.borrowed_tokens > 1

    def seats(self, name: str) -> int | None:
        """How many seats a limit has at the moment."""
        limiter = self._limiters.get(name)
        return None if limiter is None else int(limiter.total_tokens)

    def bear(self, name: str, seats: int) -> None:
        """The provider says how much its account bears at once."""
        if name in self._limiters:
            self._most[name] = min(self._most[name], seats) if name in self._chosen else seats
            self._limiters[name].total_tokens = self._most[name]

    def throttle(self, name: str, *, crowded: bool) -> None:
        """The provider refused a request. Crowded by our own: no more than those that it did take; else half of it."""
        limiter = self._limiters.get(name)
        if limiter is not None:
            in_flight = limiter.borrowed_tokens - 1
            limiter.total_tokens = max(1, min(int(limiter.total_tokens), in_flight if crowded else in_flight // 2 + 1))
            self._good[name] = 0

    def relax(self, name: str) -> None:
        """A request went well; after as many as there are seats, there is one more, up to the limit."""
        limiter = self._limiters.get(name)
        if limiter is None or limiter.total_tokens >= self._most[name]:
            return
        self._good[name] += 1
        if self._good[name] >= limiter.total_tokens:
            limiter.total_tokens, self._good[name] = limiter.total_tokens + 1, 0
