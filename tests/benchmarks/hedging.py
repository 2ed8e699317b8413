"""What second requests beside late ones save and cost, in virtual time: the real engine, a service with a queue.

    python -m tests.benchmarks.hedging [--seeds N] [--batches N] [--spread S]

Each seed is run twice, with the same latencies for the same requests: once as it is, once with ``hedge``. Latencies are
lognormal; one job in twenty takes three times as long. A job that is stopped while it is worked on is paid in full. How
long jobs take was learned before, from 64 of each model, as from an earlier batch. The account bears 20 jobs at once.
"""

import argparse
import math
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import trio
from trio._core import _run as _run_loop
from trio.testing import MockClock

from tests.values import a_plan, a_step
from tiktoker_batch.engine.batch import Batch
from tiktoker_batch.engine.budget import open_purse
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.events import Record
from tiktoker_batch.model import Budget, Hedge, Json, Kind, Retry, Step, Video
from tiktoker_batch.outcomes import Succeeded
from tiktoker_batch.planning.build import Draft, Planning
from tiktoker_batch.providers.base import Job, Produced, Request
from tiktoker_batch.recording import Recorder
from tiktoker_batch.steps.base import Inputs, Made, Tools, Work
from tiktoker_batch.store.artifacts import write_artifact
from tiktoker_batch.store.durations import Durations
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import fold

SEGMENTS, SEATS = 12, 20
OUTLIERS, OUTLIER_FACTOR = 0.05, 3.0
SECONDS = {"image": 6.0, "clip": 60.0}
PRICES = {"image": Decimal("0.003"), "clip": Decimal("0.40")}
# Shares of what it takes without: at least so much shorter, for at most so much more money.
LONE_MEAN, LONE_P95, LONE_COST = 0.10, 0.25, 0.06
BATCH_MEDIAN, BATCH_COST = 0.015, 0.005
# One clip of a lone video is a twelfth of what it costs; of fifty videos, some at the very end are all that can help.
LONE = Hedge(after=95, max_extra_cost=Decimal("0.20"))
MANY = Hedge(after=95, max_extra_cost=Decimal("0.005"))


@dataclass(frozen=True)
class Outcome:
    """Seconds until all is done, and what it has cost."""

    seconds: float
    usd: Decimal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=600, help="of a lone video")
    parser.add_argument("--batches", type=int, default=15, help="of fifty videos")
    parser.add_argument("--spread", type=float, default=0.6, help="sigma of the latencies' logarithm")
    given = parser.parse_args()
    good = True
    if given.seeds:
        plain, hedged = _both(range(given.seeds), videos=1, hedge=LONE, spread=given.spread)
        print(f"a lone video of {SEGMENTS} segments, {given.seeds} seeds, sigma {given.spread:g}")
        good &= _shorter("mean makespan", _of(statistics.fmean, plain), _of(statistics.fmean, hedged), LONE_MEAN)
        good &= _shorter("p95", _of(_p95, plain), _of(_p95, hedged), LONE_P95)
        good &= _dearer(plain, hedged, LONE_COST)
    if given.batches:
        plain, hedged = _both(range(given.batches), videos=50, hedge=MANY, spread=given.spread)
        print(f"50 videos of {SEGMENTS} segments, {given.batches} seeds, sigma {given.spread:g}")
        good &= _shorter("median makespan", _of(statistics.median, plain), _of(statistics.median, hedged), BATCH_MEDIAN)
        good &= _dearer(plain, hedged, BATCH_COST)
    sys.exit(0 if good else 1)


def _both(seeds: Iterable[int], *, videos: int, hedge: Hedge, spread: float) -> tuple[list[Outcome], list[Outcome]]:
    plain, hedged = [], []
    for seed in seeds:
        plain.append(_run(seed, videos, None, spread))
        hedged.append(_run(seed, videos, hedge, spread))
    return plain, hedged


def _of(figure: Callable[[list[float]], float], outcomes: list[Outcome]) -> float:
    return figure([outcome.seconds for outcome in outcomes])


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[18]


def _shorter(what: str, before: float, after: float, target: float) -> bool:
    share = 1 - after / before
    print(f"  {what}: {before:.1f} s, hedged {after:.1f} s: {share:.1%} shorter (target {target:.1%})")
    return share >= target


def _dearer(plain: list[Outcome], hedged: list[Outcome], target: float) -> bool:
    before, after = (sum((each.usd for each in outcomes), Decimal(0)) for outcomes in (plain, hedged))
    share = float(after / before - 1)
    print(
        f"  cost: ${before / len(plain):.2f}, hedged ${after / len(plain):.2f}: {share:.2%} more (at most {target:.1%})"
    )
    return share <= target


# ---------------------------------------------------------------------- one run


def _run(seed: int, videos: int, hedge: Hedge | None, spread: float) -> Outcome:
    # As pytest-trio does: tasks take their turns in the same order in both runs, until a second request is sent.
    _run_loop._ALLOW_DETERMINISTIC_SCHEDULING = True
    _run_loop._r.seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        return trio.run(_engine, Path(folder), seed, videos, hedge, spread, clock=MockClock(autojump_threshold=0))


async def _engine(root: Path, seed: int, videos: int, hedge: Hedge | None, spread: float) -> Outcome:
    records: list[Record] = []
    plan = a_plan(_steps(videos))
    plan = replace(plan, videos=tuple(replace(each, video=replace(each.video, hedge=hedge)) for each in plan.videos))
    layout, kinds = Layout(root), {kind: _Kind() for kind in Kind}
    recorder = Recorder([records.append], run=1, clock=trio.current_time)
    outcomes = await run_batch(
        Batch(
            plan=plan,
            kinds=kinds,
            providers={"fake": _Service(seed=seed, spread=spread)},
            capacity=Capacity({"fake": SEATS}),
            recorder=recorder,
            layout=layout,
            reuse=Reuse(kinds, layout, {}),
            purse=open_purse(Budget(), fold(())),
            durations=_learned(seed, spread),
            tools=Tools(ffmpeg="", font_cache=root),
            rng=random.Random(seed),
        )
    )
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes.values())
    return Outcome(seconds=recorder.elapsed, usd=fold(records).spent_usd)


def _steps(videos: int) -> list[Step]:
    """A picture and a clip made from it for each segment."""
    retry, found = Retry(timeout=10_000), []
    for video in range(videos):
        for segment in range(1, SEGMENTS + 1):
            image, clip = f"v{video}/{segment:02d}/image", f"v{video}/{segment:02d}/clip"
            for step, needs in ((image, ()), (clip, (image,))):
                kind = step.rsplit("/", 1)[1]
                found.append(a_step(step, *needs, retry=retry, model=kind, estimated_cost_usd=PRICES[kind]))
    return found


def _seconds(rng: random.Random, model: str, spread: float) -> float:
    slow = OUTLIER_FACTOR if rng.random() < OUTLIERS else 1.0
    return SECONDS[model] * math.exp(rng.gauss(0, spread)) * slow


def _learned(seed: int, spread: float) -> Durations:
    durations, rng = Durations({}), random.Random(f"{seed}/before")
    for model in SECONDS:
        for _ in range(256):
            durations.note(f"fake:{model}", _seconds(rng, model, spread))
    return durations


@dataclass(kw_only=True)
class _Service:
    """A queue that works on every job at once. The same request takes as long in every run with the same seed."""

    seed: int
    spread: float
    name: str = "fake"
    ends: dict[str, float] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)

    async def prepare(self, request: Request) -> Request:
        await trio.lowlevel.checkpoint()
        return request

    async def submit(self, request: Request) -> Job:
        await trio.lowlevel.checkpoint()
        number = self.asked[request.prompt] = self.asked.get(request.prompt, 0) + 1
        rng = random.Random(f"{self.seed}/{request.prompt}/{number}")
        name = f"{request.prompt}#{number}"
        self.ends[name] = trio.current_time() + _seconds(rng, request.model, self.spread)
        return Job(id=name, provider=self.name, model=request.model, addresses={"at": name}, request=request)

    async def find(self, request: Request, sent: datetime) -> Job | None:
        raise AssertionError("no answer is lost here")

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        await trio.sleep_until(self.ends[job.id])
        return Produced(value=job.id)

    async def cancel(self, job: Job) -> bool:
        await trio.lowlevel.checkpoint()
        return False


class _Kind:
    """Buys one thing."""

    eager = False

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        return ()

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        return None

    async def run(self, work: Work) -> Made:
        step = work.step
        produced = await work.buy(Request(kind=step.kind, model=step.model, prompt=step.id), {})
        final = work.layout.work_of(step.video) / f"{step.id.replace('/', '-')}.txt"
        return Made(artifacts=(write_artifact(final, str(produced.value), root=work.layout.root),))


if __name__ == "__main__":
    main()
