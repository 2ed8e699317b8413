"""The real engine in virtual time: a provider with latencies of its own, nothing written to the disk.

Trio's mock clock jumps to the next deadline whenever everybody waits, so that hours pass in seconds and a busy machine
makes no difference.
"""

import math
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import trio
from trio.testing import MockClock

from tests.fakes import FakeKind, ScriptedProvider
from tests.values import a_plan, a_step
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.run import Batch, run_batch
from tiktoker_batch.events import Event
from tiktoker_batch.model import Kind, Plan, Retry, Step
from tiktoker_batch.outcomes import Artifact, Succeeded
from tiktoker_batch.providers.base import Job, Produced, Request
from tiktoker_batch.recording import Recorder
from tiktoker_batch.steps.base import Made, Tools, Work
from tiktoker_batch.store.layout import Layout

SPREAD = 0.3  # sigma of the latencies' logarithm
OUTLIERS, SLOWER = 0.05, 3.0  # so many jobs take so much longer
NOWHERE = Path("/nonexistent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that happened, and when: seconds since the run began."""

    at: float
    event: Event


def film(video: str, segments: int) -> list[Step]:
    """A picture and a clip for each segment, joined by an assembly that takes no seat."""
    steps: list[Step] = []
    retry = Retry(timeout=3600.0)  # the slowest of thousands are slow
    for number in range(1, segments + 1):
        picture, clip = f"{video}/{number:02d}/image", f"{video}/{number:02d}/clip"
        steps.append(a_step(picture, segment=number, estimated_seconds=6.0, retry=retry))
        steps.append(a_step(clip, picture, segment=number, estimated_seconds=60.0, retry=retry))
    clips = [step.id for step in steps if step.kind is Kind.CLIP]
    return [*steps, a_step(f"{video}/assembly", *clips, capacity=(), estimated_seconds=1.0)]


def films(segments: Iterable[int]) -> Plan:
    """A video for each of these numbers of segments."""
    return a_plan(step for number, count in enumerate(segments) for step in film(f"v{number:02d}", count))


def latencies(plan: Plan, seed: int) -> dict[str, float]:
    """What each step takes, by its id: lognormal around its estimate, with outliers."""
    taken = {}
    for step in plan.steps:
        rng = random.Random(f"{seed} {step.id}")
        slower = SLOWER if rng.random() < OUTLIERS else 1.0
        taken[step.id] = step.estimated_seconds * math.exp(rng.gauss(0, SPREAD)) * slower
    return taken


@dataclass
class Service(ScriptedProvider):
    """Takes the seconds that are written down for each step; ``refuses`` may raise as a job arrives."""

    taken: Mapping[str, float] = field(default_factory=dict)
    refuses: Callable[[int], None] = lambda _running: None

    async def submit(self, request: Request) -> Job:
        self.refuses(self.running)
        return await super().submit(request)

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        assert job.request is not None
        self.running += 1
        try:
            await trio.sleep(self.taken[job.request.prompt])
        finally:
            self.running -= 1
        return Produced()


class Weightless(FakeKind):
    """Buys one thing and leaves no file."""

    async def run(self, work: Work) -> Made:
        for need in work.step.needs if self.eager else ():
            await work.arrival(need)
        await work.buy(Request(kind=work.step.kind, model=work.step.model, prompt=work.step.id), {})
        return Made(artifacts=(Artifact(path=work.step.id, sha256="", bytes=0),), inputs=work.inputs)


def run_virtually(
    plan: Plan,
    service: Service,
    make: Callable[[Recorder], Capacity],
    *,
    seed: int,
    beside: Callable[[], Awaitable[None]] | None = None,
) -> list[Told]:
    """Run a plan to its end, with another task beside it; everything that was told.

    Trio wakes tasks in an order that is random; it is that of ``seed`` here, so that a run can be repeated.
    """
    trio._core._run._r.seed(seed)  # type: ignore[attr-defined]
    told: list[Told] = []

    async def main() -> None:
        recorder = Recorder(
            [lambda record: told.append(Told(at=record.elapsed, event=record.event))], run=1, clock=trio.current_time
        )
        kinds = {kind: Weightless(eager=kind is Kind.ASSEMBLY) for kind in Kind}
        layout = Layout(NOWHERE)
        batch = Batch(
            plan=plan,
            kinds=kinds,
            providers={"fake": service},
            capacity=make(recorder),
            recorder=recorder,
            layout=layout,
            reuse=Reuse(kinds, layout, {}),
            tools=Tools(ffmpeg="", font_cache=NOWHERE),
            rng=random.Random(seed),
        )
        async with trio.open_nursery() as nursery:
            if beside is not None:
                nursery.start_soon(beside)
            outcomes = await run_batch(batch)
            nursery.cancel_scope.cancel()
        lost = [name for name, outcome in outcomes.items() if not isinstance(outcome, Succeeded)]
        assert not lost, f"these were not made: {lost[:5]}"

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return told


def lower_bound(plan: Plan, taken: Mapping[str, float], seats: int) -> float:
    """No schedule can be shorter than the longest chain, nor than all work that needs seats shared out evenly."""
    ends: dict[str, float] = {}
    for step in plan.steps:
        ends[step.id] = taken[step.id] + max((ends[need] for need in step.needs), default=0.0)
    return max(*ends.values(), _work(plan.steps, taken) / seats)


def _work(steps: Iterable[Step], taken: Mapping[str, float]) -> float:
    return sum(taken[step.id] for step in steps if step.capacity)
