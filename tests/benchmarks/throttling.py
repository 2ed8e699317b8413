"""How well a limit is found that nobody tells and that moves: ``python -m tests.benchmarks.throttling``.

A service takes 20 jobs at once, then 10, then 30, and refuses what is more. Twelve hundred clips go through the real
engine in virtual time, each policy with the same latencies; the oracle knows the limit at each moment.
"""

import argparse
import statistics
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from tests.benchmarks.virtual import Service, latencies, run_virtually
from tests.values import a_plan, a_step
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.errors import RateLimited
from tiktoker_batch.events import AttemptFailed, StepSucceeded
from tiktoker_batch.model import Plan, Retry

MAKESPAN, THROTTLES = 1.06, 0.15
TAKES = ((0.0, 20), (900.0, 10), (1800.0, 30))  # from so many seconds on so many at once
USUAL = 30.0  # seconds of a job
ALLOWED = 40  # by the recipe
OURS = "snap, then try one more (ours)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one run went: the moment of its last success in seconds, and refusals for each job."""

    makespan: float
    throttles: float


def main() -> None:
    """Run, measure, compare; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1200)
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    retry = Retry(timeout=3600.0)
    plan = a_plan(
        a_step(f"v{number}/01/clip", segment=1, estimated_seconds=USUAL, retry=retry) for number in range(given.jobs)
    )
    found = {name: [_ended(plan, policy, seed) for seed in range(given.seeds)] for name, policy in POLICIES.items()}
    sys.exit(0 if _told(found) else 1)


# ---------------------------------------------------------------------- policies


class Textbook(Capacity):
    """Additive increase, multiplicative decrease: half of the seats at a refusal, one more after each round."""

    def throttle(self, name: str) -> None:
        limit = self._limits[name]
        limit.seats, limit.good = max(1, limit.seats // 2), 0

    def relax(self, name: str) -> None:
        limit = self._limits[name]
        limit.good += 1
        if limit.good >= limit.seats and limit.seats < limit.most:
            limit.seats, limit.good = limit.seats + 1, 0
            self._serve()


class Stubborn(Capacity):
    """As many at once as the recipe allows, whatever is refused."""

    def throttle(self, name: str) -> None:
        pass


class Oracle(Capacity):
    """Knows what the service takes."""

    async def follow(self) -> None:
        for moment, takes in TAKES:
            await trio.sleep_until(moment)
            self.bear("fake", takes)


POLICIES: dict[str, type[Capacity]] = {
    "an oracle": Oracle,
    OURS: Capacity,
    "textbook AIMD": Textbook,
    f"{ALLOWED} at once, always": Stubborn,
}


# ---------------------------------------------------------------------- measuring


def _refuse(running: int) -> None:
    takes = [count for moment, count in TAKES if moment <= trio.current_time()][-1]
    if running >= takes:
        raise RateLimited("too many at once")


def _ended(plan: Plan, policy: type[Capacity], seed: int) -> Ended:
    capacity = policy({"fake": ALLOWED})
    follow: Callable[[], Awaitable[None]] | None = capacity.follow if isinstance(capacity, Oracle) else None
    service = Service(taken=latencies(plan, seed), refuses=_refuse)
    told = run_virtually(plan, service, lambda _: capacity, seed=seed, beside=follow)
    refused = sum(isinstance(each.event, AttemptFailed) for each in told)
    return Ended(
        makespan=max(each.at for each in told if isinstance(each.event, StepSucceeded)),
        throttles=refused / len(plan.steps),
    )


def _told(found: dict[str, list[Ended]]) -> bool:
    oracle = [run.makespan for run in found["an oracle"]]
    print(f"{'':34}  makespan  / oracle  refusals / job")
    medians = {}
    for name, runs in found.items():
        ratio = statistics.median(run.makespan / best for run, best in zip(runs, oracle, strict=True))
        makespan = statistics.median(run.makespan for run in runs)
        medians[name] = ratio, statistics.median(run.throttles for run in runs)
        print(f"{name:34}  {makespan:6.0f} s  {ratio:8.3f}  {medians[name][1]:14.3f}")
    print(f"{'targets':34}  {'':8}  {MAKESPAN:8.2f}  {THROTTLES:14.2f}")
    ratio, throttles = medians[OURS]
    return ratio <= MAKESPAN and throttles <= THROTTLES


if __name__ == "__main__":
    main()
