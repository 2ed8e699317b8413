"""Rehearsing a batch: the same engine and providers against simulated services, with time sped up and nothing paid."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import trio

from tiktoker_batch.app import Opened, Options, full_catalog, history, open_recipe
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.errors import PreflightError, UsageError
from tiktoker_batch.media.ffmpeg import find_ffmpeg
from tiktoker_batch.planning.review import all_approved
from tiktoker_batch.recording import Sink
from tiktoker_batch.running import Ended, Surroundings, run
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.faults import Faults
from tiktoker_batch.simulator.latency import Latency
from tiktoker_batch.simulator.media import Media
from tiktoker_batch.simulator.server import ADDRESSES, KEYS, open_simulator
from tiktoker_batch.simulator.speech import premade_voices
from tiktoker_batch.simulator.world import ACCOUNT, World
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.lock import batch_lock
from tiktoker_batch.store.state import fold

SPEED = 60.0
SIMULATED = ("fal", "elevenlabs", "openrouter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """How a batch is rehearsed.

    ``speed`` is how much faster the waiting passes. ``faults`` is the share of requests that meet a trouble, chosen
    by ``seed``. ``latencies`` are seconds by kind of model or by model, instead of the catalog's; ``account`` is what
    each provider's account bears at once.
    """

    speed: float = SPEED
    faults: float = 0.0
    seed: int = 0
    latencies: Mapping[str, float] = field(default_factory=dict)
    account: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """How it went: the run itself, and the books of the simulated services.

    ``makespan_seconds`` is the time that the batch would have taken.
    """

    ended: Ended
    ledger: Mapping[str, Any]
    makespan_seconds: float
    paid_usd: Decimal

    def to_json(self) -> dict[str, Any]:
        """The prediction as plain JSON."""
        return {
            "state": self.ended.state.state,
            "makespan_seconds": round(self.makespan_seconds, 3),
            "paid_usd": str(self.paid_usd),
            "output": str(self.ended.layout.root),
            "report": str(self.ended.layout.report),
            "ledger": dict(self.ledger),
        }


def open_rehearsal(path: Path, options: Options) -> Opened:
    """A recipe opened with an output folder and keys of its own, so that nothing real is touched.

    :raises RecipeError: it is not valid.
    :raises PreflightError: it needs a provider that cannot be simulated.
    """
    opened = open_recipe(path, options)
    strangers = {step.provider for step in opened.plan.steps} - {"local", *SIMULATED}
    if strangers:
        raise PreflightError(
            f"{', '.join(sorted(strangers))} cannot be simulated: a rehearsal would really buy there",
            hint="choose other models with --profile",
        )
    root = opened.layout.root
    layout = opened.layout if options.output else replace(opened.layout, root=root.with_name(f"{root.name}-rehearsal"))
    plan = all_approved(opened.plan)  # nobody is there to review what is only pretended
    return replace(opened, plan=plan, layout=layout, environ={**opened.environ, **dict.fromkeys(KEYS, "simulated")})


def rehearse(opened: Opened, options: Options, how: Rehearsal, sinks: Iterable[Sink] = ()) -> Rehearsed:
    """Run the whole batch against simulated services, from the beginning.

    :raises UsageError: an account is named that nobody simulates.
    """
    world = make_world(opened.environ, how, opened)
    _forget_earlier(opened.layout)
    clock = FlyingClock(how.speed)

    @asynccontextmanager
    async def around(capacity: Capacity) -> AsyncIterator[Mapping[str, str]]:
        clock.is_working = lambda: capacity.machine_is_busy
        async with open_simulator(world) as simulator:
            yield simulator.environ

    ended = run(opened, options, sinks, Surroundings(rehearsed=True, clock=clock, around=around))
    return Rehearsed(
        ended=ended,
        ledger=books(world),
        makespan_seconds=ended.state.wall_by_run[ended.state.runs],
        paid_usd=world.ledger.spent_usd,
    )


def _forget_earlier(layout: Layout) -> None:
    """A rehearsal in which everything is reused would predict nothing."""
    records = history(layout)
    if records and fold(records).rehearsed:
        with batch_lock(layout):
            layout.journal.unlink()


def make_world(environ: Mapping[str, str], how: Rehearsal, opened: Opened | None = None) -> World:
    """A world of simulated services that knows the catalog's models and voices, and those of a recipe.

    :raises UsageError: an account is named that nobody simulates.
    """
    unknown = sorted(how.account.keys() - ACCOUNT.keys())
    if unknown:
        raise UsageError(f"no simulated account is called {unknown[0]!r}", hint=f"there are: {', '.join(ACCOUNT)}")
    return World(
        models={**full_catalog(environ).models, **(opened.models if opened else {})},
        media=Media(ffmpeg=find_ffmpeg(environ)),
        faults=Faults(rate=how.faults, seed=how.seed),
        latency=Latency(fixed=how.latencies, seed=how.seed),
        account={**ACCOUNT, **how.account},
        voices=_own_voices(opened) if opened else frozenset(),
    )


def _own_voices(opened: Opened) -> frozenset[str]:
    """The ids of the ElevenLabs voices that a recipe speaks with, which its account must have."""
    voices = [video.voice for video in opened.recipe.videos]
    return frozenset(voice.id for voice in voices if voice.provider == "elevenlabs") - premade_voices().keys()


def books(world: World) -> dict[str, Any]:
    """What simulated services were asked, what they charged, and what went wrong."""
    return {**world.ledger.to_json(), "faults": dict(sorted(world.faults.happened.items()))}


def serve(port: int, how: Rehearsal, ready: Callable[[dict[str, str]], None], recipe: Path | None = None) -> World:
    """Serve until a signal ends it; ``ready`` is told the environment that leads there.

    Besides the catalog's models and voices those of ``recipe`` are known.

    :returns: the world as it was left.
    :raises PreflightError: the port is taken.
    """
    world = make_world(os.environ, how, open_recipe(recipe, Options()) if recipe else None)
    clock = FlyingClock(how.speed)

    async def main() -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with open_simulator(world, port=port) as simulator:
                ready({name: simulator.environ[name] for name in ADDRESSES})
                await anext(aiter(signals))

    try:
        trio.run(main, clock=clock)
    except* OSError as errors:
        raise PreflightError(
            f"cannot listen on port {port}: {errors.exceptions[0]}", hint="choose another one with --port"
        ) from None
    return world
