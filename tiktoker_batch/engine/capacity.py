"""Seats: how much may happen at once, per provider, per model and per resource of this machine."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import trio

from tiktoker_batch.model import Plan

MACHINE = ("local", "ffmpeg")  # limits that stand for this machine's processor
PROVIDER_DEFAULTS = {"fal": 10, "elevenlabs": 4, "openrouter": 8}


def usable_cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def capacities(plan: Plan, overrides: Mapping[str, int] | None = None) -> dict[str, int]:
    """The number of seats of every limit this plan meets; a model has one only where the recipe or a flag says so.

    Defaults: the processors we may use for work on this machine, modest account limits for clouds.
    """
    cores = usable_cores()
    named = {**plan.recipe.limits, **(overrides or {})}
    met = {name for step in plan.steps for name in step.capacity} | set(MACHINE)
    default = {**dict.fromkeys(MACHINE, cores), **PROVIDER_DEFAULTS}
    return {name: named.get(name, default.get(name, 0)) for name in sorted(met) if name in named or name in default}


@dataclass(frozen=True, eq=False)
class Lease:
    """Seats that are held until they are released."""

    limiters: list[trio.CapacityLimiter]

    def release(self) -> None:
        """Give the seats back."""
        for limiter in self.limiters:
            limiter.release_on_behalf_of(self)


class Capacity:
    """One limiter per name; a name without a limit costs nothing."""

    def __init__(self, seats: Mapping[str, int]) -> None:
        self._limiters = {name: trio.CapacityLimiter(count) for name, count in seats.items()}

    async def acquire(self, names: Iterable[str]) -> Lease:
        """Take a seat of each; always in the same order, so that two borrowers cannot hold each other up."""
        lease = Lease([])
        try:
            for name in sorted(set(names) & self._limiters.keys()):
                await self._limiters[name].acquire_on_behalf_of(lease)
                lease.limiters.append(self._limiters[name])
        except BaseException:
            lease.release()
            raise
        return lease
