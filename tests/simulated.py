"""Simulated services for tests: the real simulator on a real socket, in this event loop, where time may fly."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import trio

from tiktoker_batch.app import full_catalog
from tiktoker_batch.media.ffmpeg import find_ffmpeg
from tiktoker_batch.model import Kind, Model
from tiktoker_batch.providers.base import Produced, Provider, Request
from tiktoker_batch.providers.registry import providers
from tiktoker_batch.providers.setting import Setting
from tiktoker_batch.simulator.faults import Faults, Scripted
from tiktoker_batch.simulator.http import Handler, Reply, listen, port_of, serve
from tiktoker_batch.simulator.http import Request as HttpRequest
from tiktoker_batch.simulator.latency import Latency
from tiktoker_batch.simulator.media import Media
from tiktoker_batch.simulator.server import Simulator, open_simulator
from tiktoker_batch.simulator.world import ACCOUNT, World
from tiktoker_batch.store.durations import Durations

FLUX = "fal-ai/flux/schnell"
VEO = "fal-ai/veo3.1/fast/image-to-video"
HAILUO = "fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video"
FAL_SPEECH = "fal-ai/elevenlabs/tts/eleven-v3"
MULTILINGUAL = "eleven_multilingual_v2"
MINI = "openai/gpt-4o-mini"
RACHEL = "21m00Tcm4TlvDq8ikWAM"


@cache
def _media() -> Media:
    """One for all tests of a process: its clips and sounds are made once."""
    return Media(ffmpeg=find_ffmpeg({}), shrink=8)


def a_world(
    *faults: Scripted,
    rate: float = 0.0,
    seed: int = 0,
    latencies: Mapping[str, float] | None = None,
    account: Mapping[str, int] | None = None,
    models: Mapping[str, Model] | None = None,
) -> World:
    """A world with these troubles scripted; without ``latencies`` work takes a second."""
    usual = dict.fromkeys(("text", "image", "clip", "narration"), 1.0)
    return World(
        models={**full_catalog().models, **(models or {})},
        media=_media(),
        faults=Faults(rate=rate, seed=seed, script=list(faults)),
        latency=Latency(fixed=usual if latencies is None else latencies),
        account={**ACCOUNT, **(account or {})},
    )


@asynccontextmanager
async def simulated(world: World) -> AsyncIterator[Simulator]:
    """The simulator of a world, listening on loopback."""
    async with open_simulator(world) as simulator:
        yield simulator


@dataclass(kw_only=True)
class Door:
    """The only way in to a simulator; ``shut`` it and nobody is connected any more, nor can be."""

    simulator: Simulator
    nursery: trio.Nursery
    port: int = 0
    _scope: trio.CancelScope | None = None

    async def open(self) -> None:
        listener = await listen(self.port)
        self.port = port_of(listener)
        self.simulator.world.base = f"http://127.0.0.1:{self.port}"
        self._scope = await self.nursery.start(self._serve, listener)

    async def shut(self) -> None:
        assert self._scope is not None
        self._scope.cancel()
        await trio.lowlevel.checkpoint()

    async def _serve(self, listener: trio.SocketListener, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        with trio.CancelScope() as scope:
            task_status.started(scope)
            await serve(self.simulator.handle, listener)


@asynccontextmanager
async def behind_a_door(simulator: Simulator) -> AsyncIterator[Door]:
    """The simulator's address leads to a door from now on."""
    async with trio.open_nursery() as nursery:
        door = Door(simulator=simulator, nursery=nursery)
        await door.open()
        yield door
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_provider(
    name: str, simulator: Simulator, cache_folder: Path, environ: Mapping[str, str] | None = None, **changes: Any
) -> AsyncIterator[Provider]:
    """A provider of the product, opened to speak to the simulator."""
    setting = Setting(
        ffmpeg=find_ffmpeg({}),
        workers=1,
        environ={**simulator.environ, **(environ or {})},
        models=simulator.world.models,
        cache=cache_folder,
        **{"durations": Durations(simulator.world.models), **changes},
    )
    async with providers()[name].open(setting) as provider:
        yield provider


def unheard() -> None:
    """Nobody minds when a service begins to work on a job."""


async def buy(provider: Provider, request: Request, into: Mapping[str, Path]) -> Produced:
    """What an attempt does, without its engine: prepare, submit once, collect."""
    job = await provider.submit(await provider.prepare(request))
    return await provider.collect(job, into, unheard)


def an_image(prompt: str = "a lighthouse", *, token: int = 7, model: str = FLUX) -> Request:
    params = {"width": 720, "height": 1280, "aspect_ratio": "9:16"}
    return Request(kind=Kind.IMAGE, model=model, prompt=prompt, params=params, token=token)


def a_clip(picture: Path, prompt: str = "the light turns", *, token: int = 8, model: str = VEO) -> Request:
    seconds = 6 if model == HAILUO else 4
    params = {"seconds": seconds, "aspect_ratio": "9:16", "resolution": "720p"}
    return Request(kind=Kind.CLIP, model=model, prompt=prompt, params=params, files={"image": picture}, token=token)


def speech(text: str = "A light goes out at dawn.", *, model: str = MULTILINGUAL) -> Request:
    return Request(kind=Kind.NARRATION, model=model, prompt=text, params={"voice": RACHEL, "language": "en"})


def a_story(*prompts: str, choose: str = "first") -> Request:
    told = prompts or ("Write about 40 words on lighthouses.",)
    params = {"prompts": list(told), "words": 40, "choose": choose, "topic": "lighthouses", "language": "en"}
    return Request(kind=Kind.STORY, model=MINI, prompt=told[0], params=params)


def a_shot_list(count: int = 4) -> Request:
    return Request(kind=Kind.SHOTS, model=MINI, prompt="Divide the story.", params={"count": count, "story": "x"})


def paid(simulator: Simulator, provider: str | None = None) -> int:
    """How many jobs the simulated account was charged for."""
    return simulator.world.ledger.paid(provider)


def troubles(verb: str, *kinds: str, **more: Any) -> Sequence[Scripted]:
    """One scripted trouble after the other."""
    return [Scripted(verb=verb, kind=kind, **more) for kind in kinds]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A server of a test's own making, for answers that the simulator never gives; its address."""
    listener = await listen()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, handler, listener)  # noqa: ASYNC113  (it listens already)
        yield f"http://127.0.0.1:{port_of(listener)}"
        nursery.cancel_scope.cancel()


def answering(**answers: Reply) -> Handler:
    """Answers by what a request's path holds (``status``, ``upload``), the first that fits; ``other`` to the rest."""

    async def handler(request: HttpRequest) -> Reply:
        await trio.lowlevel.checkpoint()
        fitting = (reply for part, reply in answers.items() if part in request.path)
        return next(fitting, answers.get("other", Reply(status=404)))

    return handler
