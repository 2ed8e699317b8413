"""Fetching what was paid for, over real sockets that break, lie and stall."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.simulated import a_world, simulated
from tiktoker_batch.errors import ResultLost, Unavailable
from tiktoker_batch.providers.download import TRIES, fetch
from tiktoker_batch.providers.fal.answers import read_answer
from tiktoker_batch.providers.http import Secrets, Wire, open_client
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.faults import Scripted
from tiktoker_batch.simulator.server import Simulator
from tiktoker_batch.simulator.world import World

CONTENT = bytes(range(256)) * 8000  # 2 MB


@asynccontextmanager
async def offered(world: World) -> AsyncIterator[tuple[Wire, str, Simulator]]:
    async with simulated(world) as simulator, open_client() as client:
        wire = Wire(provider="fal", client=client, read=read_answer, secrets=Secrets(()))
        yield wire, world.keep(CONTENT, "video/mp4", ".mp4"), simulator


@pytest.mark.parametrize("kind", ["truncated", "drop", "error_500", "slow", "no_range"])
async def test_what_arrives_is_what_was_made(tmp_path: Path, flying_clock: FlyingClock, kind: str) -> None:
    async with offered(a_world(Scripted(verb="media", kind=kind, times=3))) as (wire, url, _):
        fetched = await fetch(wire, url, tmp_path / "clip.part")
    assert (tmp_path / "clip.part").read_bytes() == CONTENT
    assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert fetched.bytes == len(CONTENT)


async def test_a_broken_download_goes_on_where_it_broke_off(
    tmp_path: Path, flying_clock: FlyingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    stream = httpx.AsyncClient.stream

    def watched(self: httpx.AsyncClient, method: str, url: str, **more: object) -> object:
        asked.append(dict(more["headers"]).get("Range", ""))  # type: ignore[call-overload]
        return stream(self, method, url, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(httpx.AsyncClient, "stream", watched)
    async with offered(a_world(Scripted(verb="media", kind="truncated", times=2))) as (wire, url, _):
        await fetch(wire, url, tmp_path / "clip.part")
    half = len(CONTENT) // 2
    assert asked == ["", f"bytes={half}-", f"bytes={half + half // 2}-"]


async def test_a_damaged_file_is_fetched_once_more_then_given_up(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async def check(path: Path) -> None:
        if path.read_bytes() != CONTENT:
            raise ValueError("zeros in it")

    async with offered(a_world(Scripted(verb="media", kind="damaged"))) as (wire, url, _):
        await fetch(wire, url, tmp_path / "a.part", check=check)
    async with offered(a_world(Scripted(verb="media", kind="damaged", times=9))) as (wire, url, simulator):
        with pytest.raises(ResultLost, match="damaged: zeros in it"):
            await fetch(wire, url, tmp_path / "b.part", check=check)
        assert simulator.world.faults.happened["media:damaged"] == 2


async def test_what_is_gone_is_gone_and_a_dead_server_is_tried_for_long(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    async with offered(a_world(Scripted(verb="media", kind="gone"))) as (wire, url, _):
        with pytest.raises(ResultLost):
            await fetch(wire, url, tmp_path / "a.part")
    async with offered(a_world(Scripted(verb="media", kind="error_500", times=99))) as (wire, url, simulator):
        with pytest.raises(Unavailable):
            await fetch(wire, url, tmp_path / "b.part")
        assert simulator.world.faults.happened["media:error_500"] == TRIES
