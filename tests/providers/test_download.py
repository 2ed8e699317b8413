"""Fetching what was paid for, over real sockets that break, lie and stall."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trio

from tests.simulated import a_world, serving, simulated
from tiktoker_batch.errors import ResultLost
from tiktoker_batch.providers.download import fetch
from tiktoker_batch.providers.fal.answers import read_answer
from tiktoker_batch.providers.http import Secrets, Wire, open_client
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.faults import Scripted
from tiktoker_batch.simulator.http import Handler, Reply
from tiktoker_batch.simulator.http import Request as HttpRequest
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


async def test_what_is_gone_is_gone(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with offered(a_world(Scripted(verb="media", kind="gone"))) as (wire, url, _):
        with pytest.raises(ResultLost):
            await fetch(wire, url, tmp_path / "a.part")


async def test_a_server_in_trouble_is_asked_again_for_as_long_as_the_caller_has_patience(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    async with offered(a_world(Scripted(verb="media", kind="error_500", times=30))) as (wire, url, _):
        with trio.move_on_after(300) as impatient:
            await fetch(wire, url, tmp_path / "a.part")
        assert impatient.cancelled_caught
        await fetch(wire, url, tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == CONTENT


async def test_no_byte_is_lost_or_doubled_however_often_the_line_breaks(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    world = a_world(Scripted(verb="media", kind="truncated", times=6), Scripted(verb="media", kind="drop", times=3))
    async with offered(world) as (wire, url, simulator):
        fetched = await fetch(wire, url, tmp_path / "clip.part")
    assert (tmp_path / "clip.part").read_bytes() == CONTENT
    assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert simulator.world.ledger.requests["GET /files"] == 10


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[tuple[Wire, str]]:
    async with serving(handler) as address, open_client(redirects=True) as client:
        yield Wire(provider="fal", client=client, read=read_answer, secrets=Secrets(())), f"{address}/clip.mp4"


async def test_a_file_that_was_replaced_meanwhile_is_fetched_from_its_start(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    """Half of one file and half of another would be no file at all."""
    other, asked = CONTENT[::-1], list[Mapping[str, str]]()

    async def handler(request: HttpRequest) -> Reply:
        await trio.lowlevel.checkpoint()
        asked.append(request.headers)
        if len(asked) == 1:
            return Reply(body=CONTENT, headers={"etag": '"one"'}, cut=len(CONTENT) // 2)
        return Reply(body=other, headers={"etag": '"two"'})

    async with served(handler) as (wire, url):
        fetched = await fetch(wire, url, tmp_path / "clip.part")
    assert (asked[1]["range"], asked[1]["if-range"]) == (f"bytes={len(CONTENT) // 2}-", '"one"')
    assert (tmp_path / "clip.part").read_bytes() == other
    assert fetched.sha256 == hashlib.sha256(other).hexdigest()


async def test_a_part_that_was_not_asked_for_is_not_taken(tmp_path: Path, flying_clock: FlyingClock) -> None:
    replies = [
        Reply(body=CONTENT),
        Reply(status=206, body=CONTENT[:9], headers={"content-range": f"bytes 0-8/{len(CONTENT)}"}, cut=5),
        Reply(body=CONTENT, headers={"etag": '"one"'}, cut=len(CONTENT) // 2),
    ]

    async def handler(request: HttpRequest) -> Reply:
        await trio.lowlevel.checkpoint()
        return replies.pop()

    async with served(handler) as (wire, url):
        await fetch(wire, url, tmp_path / "clip.part")
    assert (tmp_path / "clip.part").read_bytes() == CONTENT


async def test_a_shorter_file_leaves_nothing_of_a_longer_one_that_lay_there(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    (tmp_path / "clip.part").write_bytes(CONTENT * 2)
    async with offered(a_world()) as (wire, url, _):
        await fetch(wire, url, tmp_path / "clip.part")
    assert (tmp_path / "clip.part").read_bytes() == CONTENT


async def test_redirections_are_followed_but_not_without_end(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async def round_and_round(request: HttpRequest) -> Reply:
        await trio.lowlevel.checkpoint()
        if request.path == "/found":
            return Reply(body=CONTENT)
        return Reply(status=302, headers={"location": "/found" if request.path == "/clip.mp4" else request.path})

    async with served(round_and_round) as (wire, url):
        await fetch(wire, url, tmp_path / "clip.part")
        with trio.move_on_after(60) as impatient:
            await fetch(wire, url.replace("clip", "lost"), tmp_path / "clip.part")
    assert impatient.cancelled_caught


@pytest.mark.parametrize("address", ["nowhere", "ftp://example.com/clip.mp4", "http://"])
async def test_an_address_that_is_none_leads_nowhere(tmp_path: Path, flying_clock: FlyingClock, address: str) -> None:
    async with offered(a_world()) as (wire, _, _simulator):
        with pytest.raises(ResultLost, match="address"):
            await fetch(wire, address, tmp_path / "a.part")


async def test_patience_that_a_server_asks_for_is_kept(tmp_path: Path, flying_clock: FlyingClock) -> None:
    replies = [Reply(body=CONTENT), Reply(status=503, headers={"retry-after": "45"})]

    async def handler(request: HttpRequest) -> Reply:
        await trio.lowlevel.checkpoint()
        return replies.pop()

    async with served(handler) as (wire, url):
        began = trio.current_time()
        await fetch(wire, url, tmp_path / "clip.part")
        assert trio.current_time() - began >= 45
