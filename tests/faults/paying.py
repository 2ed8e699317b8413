"""The paid steps of a recipe, run by the real engine and providers against simulated services.

Captions and assembly are left out: they cost nothing, and what is watched here is money.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import trio

from tests.simulated import Door, a_world, behind_a_door
from tiktoker_batch.app import Opened, Options
from tiktoker_batch.engine.announce import announce
from tiktoker_batch.engine.batch import Batch
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.engine.syncing import already_on_disk, synced_together
from tiktoker_batch.events import Record
from tiktoker_batch.media.ffmpeg import find_ffmpeg
from tiktoker_batch.model import Json, Kind, Step, Video
from tiktoker_batch.outcomes import Outcome, Succeeded
from tiktoker_batch.planning.build import Draft, Planning
from tiktoker_batch.providers.registry import providers
from tiktoker_batch.providers.setting import Setting
from tiktoker_batch.recording import Recorder, Sink
from tiktoker_batch.rehearsal import open_rehearsal
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.faults import Scripted
from tiktoker_batch.simulator.server import ADDRESSES, KEY, KEYS, open_simulator
from tiktoker_batch.simulator.world import World
from tiktoker_batch.steps.base import Inputs, Made, Tools, Work
from tiktoker_batch.steps.registry import STEP_KINDS
from tiktoker_batch.store.artifacts import write_artifact
from tiktoker_batch.store.journal import Journal
from tiktoker_batch.store.state import BatchState, fold


class Unpaid:
    """Stands for work on this machine."""

    eager = False

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        return ()

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        return None

    async def run(self, work: Work) -> Made:
        await trio.lowlevel.checkpoint()
        final = work.layout.work_of(work.step.video) / f"{work.step.kind}.txt"
        return Made(artifacts=(write_artifact(final, "made", root=work.layout.root),))


UNPAID = dict.fromkeys((Kind.CAPTIONS, Kind.MUSIC, Kind.ASSEMBLY), Unpaid())


@dataclass(frozen=True, kw_only=True)
class Paid:
    """How it went, by the engine's books and by the services'."""

    opened: Opened
    outcomes: Mapping[str, Outcome]
    state: BatchState
    records: list[Record]
    world: World
    seconds: float

    @property
    def failed(self) -> dict[str, Outcome]:
        return {name: outcome for name, outcome in self.outcomes.items() if not isinstance(outcome, Succeeded)}

    def planned(self, provider: str) -> int:
        return sum(step.provider == provider for step in self.opened.plan.steps)

    def charged(self, provider: str) -> int:
        return self.world.ledger.paid(provider)

    def charged_by_work(self, provider: str, *, delivered: bool = False) -> Counter[str]:
        """How often each piece of work was paid for (and delivered), by what was asked whatever the seed."""
        return Counter(
            repr(sorted((name, value) for name, value in entry.input.items() if name != "seed"))
            for entry in self.world.ledger.entries
            if entry.paid and entry.provider == provider and (entry.delivered or not delivered)
        )

    @property
    def planned_texts(self) -> int:
        """How many completions the plan asks for: every variant, the judge over them, and every shot list."""
        asked = [step.params for step in self.opened.plan.steps if step.provider == "openrouter"]
        stories = [params["prompts"] for params in asked if isinstance(params.get("prompts"), list)]
        judged = sum(params.get("choose") == "best" and params.get("variants") != 1 for params in asked)
        return sum(map(len, stories)) + judged + len(asked) - len(stories)

    @property
    def undone(self) -> dict[str, str]:
        """The videos that are not done, and what became of them."""
        return {name: video.state for name, video in self.state.videos.items() if video.state != "done"}


def pay(
    recipe: Path,
    output: Path,
    world: World,
    *,
    seed: int = 0,
    speed: float = 10_000.0,
    away: tuple[float, float] | None = None,
) -> Paid:
    """Run a recipe's paid steps in this world; ``away``: when all services go, and for how many seconds."""
    opened = open_rehearsal(recipe, Options(output=output))
    clock = FlyingClock(speed)
    bench = _Bench(opened=opened, seed=seed, now=clock.current_time)

    async def main() -> Mapping[str, Outcome]:
        async with open_simulator(world) as simulator, behind_a_door(simulator) as door, trio.open_nursery() as nursery:
            if away:
                nursery.start_soon(_come_and_go, door, *away)
            outcomes = await bench.run(simulator.environ)
            nursery.cancel_scope.cancel()
        return outcomes

    outcomes = trio.run(main, clock=clock)
    return Paid(
        opened=opened,
        outcomes=outcomes,
        state=fold(bench.records),
        records=bench.records,
        world=world,
        seconds=clock.current_time(),
    )


async def _come_and_go(door: Door, after: float, seconds: float) -> None:
    await trio.sleep(after)
    await door.shut()
    await trio.sleep(seconds)
    await door.open()


@dataclass(frozen=True, kw_only=True)
class PaidElsewhere:
    """The same in real time, at services of another process."""

    failed: dict[str, Outcome]
    wall_seconds: float
    cpu_seconds: float


def pay_at(address: str, recipe: Path, output: Path, journal: Journal) -> PaidElsewhere:
    """Run a recipe's paid steps at this address, with this journal."""
    opened = open_rehearsal(recipe, Options(output=output))
    bench = _Bench(opened=opened, seed=0, now=time.monotonic, journal=journal)
    environ = {**dict.fromkeys(ADDRESSES, address), **dict.fromkeys(KEYS, KEY)}
    wall, cpu = time.perf_counter(), time.process_time()
    outcomes = trio.run(bench.run, environ)
    return PaidElsewhere(
        failed={name: outcome for name, outcome in outcomes.items() if not isinstance(outcome, Succeeded)},
        wall_seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
    )


@dataclass(kw_only=True)
class _Bench:
    """The engine over a recipe, with a stand-in for work on this machine."""

    opened: Opened
    seed: int
    now: Callable[[], float]
    journal: Journal | None = None
    records: list[Record] = field(default_factory=list)

    async def run(self, environ: Mapping[str, str]) -> Mapping[str, Outcome]:
        sinks: list[Sink] = [self.records.append, self.journal] if self.journal else [self.records.append]
        opened, recorder = self.opened, Recorder(sinks, run=1, clock=self.now)
        announce(opened.plan, recorder, options={}, limits=opened.capacity)
        capacity = Capacity(opened.capacity)
        setting = Setting(
            ffmpeg=find_ffmpeg({}),
            workers=1,
            environ={**opened.environ, **environ},
            models=opened.models,
            cache=opened.layout.root / "cache",
            seats=opened.capacity,
            tell_limit=capacity.bear,
        )
        names = sorted({"local", *(step.provider for step in opened.plan.steps)})
        known = providers()
        async with AsyncExitStack() as stack:
            together = synced_together(self.journal) if self.journal else None
            batch = Batch(
                plan=opened.plan,
                kinds={**STEP_KINDS, **UNPAID},
                providers={name: await stack.enter_async_context(known[name].open(setting)) for name in names},
                capacity=capacity,
                recorder=recorder,
                layout=opened.layout,
                reuse=opened.reuse(fold(())),
                tools=Tools(ffmpeg=find_ffmpeg({}), font_cache=opened.layout.root / "cache"),
                rng=random.Random(self.seed),
                on_disk=await stack.enter_async_context(together) if together else already_on_disk,
            )
            return await run_batch(batch)


def troubled_world(rate: float, seed: int, *script: Scripted) -> World:
    """A world with the catalog's own latencies, where this share of requests meets a trouble beside scripted ones.

    Every other one lists finished jobs only: the services' documentation allows for both.
    """
    finished_only = [Scripted(verb="listing", kind="finished_only", times=10**6)] if seed % 2 else []
    world = a_world(*script, *finished_only, rate=rate, seed=seed, latencies={})
    world.latency.seed = seed
    return world
