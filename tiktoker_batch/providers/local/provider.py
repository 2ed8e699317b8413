"""The embedded provider: everything made on this machine, offline, in worker processes."""

import math
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import trio

from tiktoker_batch.errors import BadRequest
from tiktoker_batch.model import Json, Kind
from tiktoker_batch.providers.base import Job, Produced, Request
from tiktoker_batch.providers.local.pool import WorkerPool
from tiktoker_batch.providers.local.writer import write_shots, write_story


class LocalProvider:
    """Texts are written in process (milliseconds); pictures, clips and speech by the pool."""

    name = "local"

    def __init__(self, pool: WorkerPool, *, ffmpeg: str) -> None:
        self._pool = pool
        self._ffmpeg = ffmpeg
        self._taken = 0

    async def prepare(self, request: Request) -> Request:
        """Nothing needs to be brought anywhere."""
        await trio.lowlevel.checkpoint()
        return request

    async def submit(self, request: Request) -> Job:
        """Take the request; the work is done in ``collect``."""
        await trio.lowlevel.checkpoint()
        self._taken += 1
        return Job(id=f"local-{os.getpid()}-{self._taken}", provider=self.name, model=request.model, request=request)

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        """Do the work."""
        request = job.request
        if request is None or request.kind not in {*_WRITERS, *_CALLS}:
            raise BadRequest(f"the local provider does not make {request.kind if request else 'nothing'}")
        if request.kind in _WRITERS:
            return Produced(value=await trio.to_thread.run_sync(_WRITERS[request.kind], request))
        call = _CALLS[request.kind](request, {role: str(path) for role, path in into.items()})
        if request.kind is Kind.CLIP:
            call["ffmpeg"] = self._ffmpeg
        return Produced(value=await self._pool.call(request.kind, call))

    async def find(self, request: Request, sent: datetime) -> Job | None:
        """Nothing gets lost on the way to this machine."""
        await trio.lowlevel.checkpoint()
        return None

    async def cancel(self, job: Job) -> bool:
        """A cancelled ``collect`` has already ended its worker, and nothing costs anything."""
        await trio.lowlevel.checkpoint()
        return True


@asynccontextmanager
async def open_local(*, ffmpeg: str, workers: int) -> AsyncIterator[LocalProvider]:
    """The provider, its worker processes alive for as long as the context."""
    async with WorkerPool.open(workers) as pool:
        yield LocalProvider(pool, ffmpeg=ffmpeg)


def _stories(request: Request) -> Json:
    params = request.params
    return [
        write_story(
            topic=str(params["topic"]),
            words=_whole(params["words"]),
            language=str(params["language"]),
            seed=request.seed + variant,
            style=str(params["style"]),
        )
        for variant in range(_whole(params["variants"]))
    ]


def _shots(request: Request) -> Json:
    params = request.params
    topic = params.get("topic")
    return list(
        write_shots(
            story=str(params["story"]),
            topic=None if topic is None else str(topic),
            count=_whole(params["count"]),
            seed=request.seed,
            style=str(params["style"]),
        )
    )


def _paint(request: Request, into: Mapping[str, str]) -> dict[str, Json]:
    style = request.params["style"]
    reference = request.files.get("reference")
    return {
        "prompt": str(request.params.get("shot") or request.prompt),
        "style": str(style["name"]) if isinstance(style, dict) else "",
        "style_prompt": str(style["prompt"]) if isinstance(style, dict) else "",
        "seed": request.seed,
        "width": request.params["width"],
        "height": request.params["height"],
        "reference": str(reference) if reference else None,
        "image": into["image"],
        "layers": into["layers"],
    }


def _film(request: Request, into: Mapping[str, str]) -> dict[str, Json]:
    layers = request.files.get("layers")
    return {
        "image": str(request.files["image"]),
        "layers": str(layers) if layers else None,
        "seconds": request.params["seconds"],
        "fps": request.params["fps"],
        "width": request.params["width"],
        "height": request.params["height"],
        "seed": request.seed,
        "motion": None,
        "into": into["clip"],
    }


def _speak(request: Request, into: Mapping[str, str]) -> dict[str, Json]:
    return {
        "text": request.prompt,
        "language": request.params["language"],
        "voice": request.params["voice"],
        "engine": request.model,
        "seed": request.seed,
        "into": into["audio"],
    }


def _whole(value: Json) -> int:
    """A count that went through JSON."""
    if isinstance(value, int | float) and math.isfinite(value):
        return int(value)
    raise BadRequest(f"expected a number, got {value!r}")


_WRITERS: dict[Kind, Callable[[Request], Json]] = {Kind.STORY: _stories, Kind.SHOTS: _shots}
_CALLS: dict[Kind, Callable[[Request, Mapping[str, str]], dict[str, Json]]] = {
    Kind.IMAGE: _paint,
    Kind.CLIP: _film,
    Kind.NARRATION: _speak,
}
