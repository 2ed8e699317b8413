"""Uploads to fal through its own client: each content once, remembered, repeated without harm."""

import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import fal_client
import pytest
import trio

from tests.simulated import a_world, simulated, troubles
from tiktoker_batch.errors import AuthFailed, Unavailable
from tiktoker_batch.providers.fal.storage import KEPT_SECONDS, TRIES, Storage, open_storage
from tiktoker_batch.providers.http import Secrets
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.server import KEY, Simulator
from tiktoker_batch.simulator.world import World


@asynccontextmanager
async def opened(world: World, folder: Path) -> AsyncIterator[tuple[Storage, Simulator]]:
    async with simulated(world) as simulator:
        yield open_storage(KEY, Secrets((KEY,)), address=simulator.base, cache=folder), simulator


def a_file(folder: Path, name: str = "a.png", content: bytes = b"a picture") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


async def test_a_content_is_uploaded_once_whatever_its_name_and_whoever_asks(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    addresses: list[str] = []
    async with opened(a_world(), tmp_path) as (storage, simulator):

        async def ask(path: Path) -> None:
            addresses.append(await storage.address(path))

        async with trio.open_nursery() as nursery:
            for name in ("a.png", "b.png", "c.png"):
                nursery.start_soon(ask, a_file(tmp_path, name))
        other = await storage.address(a_file(tmp_path, "d.png", b"another picture"))
        files = dict(simulator.world.files)
    assert len(set(addresses)) == 1
    assert sorted(content for content, _ in files.values()) == [b"a picture", b"another picture"]
    assert {kind for _, kind in files.values()} == {"image/png"}
    assert other not in addresses


async def test_an_upload_is_asked_to_live_longer_than_it_is_remembered(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    async with opened(a_world(), tmp_path) as (storage, simulator):
        address = await storage.address(a_file(tmp_path))
        assert simulator.storage.lifecycles[address]["expiration_duration_seconds"] > KEPT_SECONDS


async def test_what_lies_there_already_is_not_uploaded_until_it_is_said_to_be_gone(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    path = a_file(tmp_path, content=b"made there")
    async with opened(a_world(), tmp_path) as (storage, simulator):
        storage.remember(hashlib.sha256(b"made there").hexdigest(), "https://v3.fal.media/made.png")
        assert await storage.address(path) == "https://v3.fal.media/made.png"
        assert simulator.world.files == {}
        storage.forget("https://v3.fal.media/made.png")
        assert (await storage.address(path)).startswith(simulator.base)


async def test_trouble_with_an_upload_is_waited_out(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(*troubles("upload", "token_down", times=TRIES - 1))
    async with opened(world, tmp_path) as (storage, simulator):
        assert await storage.address(a_file(tmp_path)) == f"{simulator.base}/files/{next(iter(world.files))}"


async def test_trouble_that_lasts_is_an_attempt_that_failed_and_the_next_may_go_through(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    world = a_world(*troubles("upload", "token_down", times=TRIES))
    async with opened(world, tmp_path) as (storage, _):
        with pytest.raises(Unavailable) as raised:
            await storage.address(a_file(tmp_path))
        assert not raised.value.maybe_charged
        assert await storage.address(a_file(tmp_path))


async def test_a_refused_account_is_not_asked_twice(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(*troubles("upload", "unauthorized", times=99))
    async with opened(world, tmp_path) as (storage, _):
        with pytest.raises(AuthFailed):
            await storage.address(a_file(tmp_path))
    assert world.faults.happened["upload:unauthorized"] == 1


async def test_an_upload_can_be_left_behind(tmp_path: Path, flying_clock: FlyingClock) -> None:
    """A storage that hangs does not keep anybody who was told to stop."""

    class Hanging(fal_client.SyncClient):
        def upload(self, *_: object, **__: object) -> str:
            time.sleep(0.3)
            return ""

    storage = Storage(connect=lambda: Hanging(key=KEY), secrets=Secrets((KEY,)))
    began = time.perf_counter()
    with trio.move_on_after(0.01) as scope:
        await storage.address(a_file(tmp_path))
    assert scope.cancelled_caught
    assert time.perf_counter() - began < 0.25


# ---------------------------------------------------------------------- the next run


def a_storage(memory: Path | None) -> Storage:
    storage = Storage(connect=lambda: fal_client.SyncClient(key=KEY), secrets=Secrets((KEY,)), memory=memory)
    storage.load()
    return storage


async def test_uploads_are_remembered_by_the_next_run(tmp_path: Path) -> None:
    memory = tmp_path / "cache" / "fal-uploads.json"
    before = a_storage(memory)
    before.remember("0" * 64, "https://v3.fal.media/old.png")
    before.save()
    after = a_storage(memory)
    assert after._addresses.keys() == {"0" * 64}
    assert list(memory.parent.iterdir()) == [memory]


async def test_uploads_that_may_have_expired_are_not_remembered(tmp_path: Path) -> None:
    now, memory = time.time(), tmp_path / "fal-uploads.json"
    young, old = now - KEPT_SECONDS + 60, now - KEPT_SECONDS - 60
    memory.write_text(json.dumps({"young": ["https://v3.fal.media/1", young], "old": ["https://v3.fal.media/2", old]}))
    assert a_storage(memory)._addresses.keys() == {"young"}


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"a": 1}', '{"a": ["x", "y"]}', "null"])
async def test_a_damaged_memory_is_an_empty_one(tmp_path: Path, damage: str) -> None:
    memory = tmp_path / "fal-uploads.json"
    memory.write_text(damage)
    assert a_storage(memory)._addresses == {}


async def test_uploads_to_another_address_are_nothing_to_remember(tmp_path: Path, flying_clock: FlyingClock) -> None:
    """Whoever listens at an address of somebody's own may be another one tomorrow."""
    async with opened(a_world(), tmp_path / "cache") as (storage, _):
        await storage.address(a_file(tmp_path))
        storage.save()
    assert not (tmp_path / "cache").exists()
