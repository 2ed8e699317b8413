"""The journal reaches the disk: by one sync for many lines, and before anything is paid for."""

import random
import threading
from collections.abc import Callable

import pytest
import trio

from tests.fakes import ScriptedProvider
from tests.values import a_step
from tiktoker_batch.engine.breaker import Breaker
from tiktoker_batch.engine.budget import Purse
from tiktoker_batch.engine.deadline import Deadline
from tiktoker_batch.engine.pause import Pause
from tiktoker_batch.engine.purchase import Purchase
from tiktoker_batch.engine.syncing import synced_together
from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.events import Record, SubmitIntended
from tiktoker_batch.model import Budget, Kind
from tiktoker_batch.providers.base import Job, Request
from tiktoker_batch.recording import Recorder


class Disk:
    """A journal whose syncs last until they are let go."""

    def __init__(self, *, broken: bool = False) -> None:
        self.told: Callable[[], None] | None = None
        self.broken = broken
        self.lines, self.on_disk, self.syncs = 0, 0, 0
        self.free = threading.Event()
        self.free.set()

    def write(self) -> None:
        self.lines += 1
        assert self.told is not None
        self.told()

    def __call__(self, record: Record) -> None:
        if isinstance(record.event, SubmitIntended):
            self.write()

    def sync(self) -> None:
        lines = self.lines
        assert self.free.wait(10)
        if self.broken:
            raise TiktokerError("the disk refuses")
        self.on_disk, self.syncs = lines, self.syncs + 1


async def test_many_lines_are_synced_at_once() -> None:
    disk = Disk()

    async def one(on_disk: Callable[[], object]) -> None:
        disk.write()
        line = disk.lines
        await on_disk()  # type: ignore[misc]
        assert disk.on_disk >= line

    with trio.fail_after(10):
        async with synced_together(disk) as on_disk, trio.open_nursery() as nursery:
            for _ in range(500):
                nursery.start_soon(one, on_disk)
    assert disk.on_disk == 500
    assert disk.syncs < 10
    assert disk.told is None, "from then on each line is synced as it is written"


async def test_a_line_written_while_the_disk_is_busy_waits_for_the_next_sync() -> None:
    disk = Disk()
    disk.free.clear()
    with trio.fail_after(10):
        async with synced_together(disk) as on_disk, trio.open_nursery() as nursery:
            disk.write()
            await trio.sleep(0.05)  # the first sync has begun, without the second line
            disk.write()
            nursery.start_soon(on_disk)
            await trio.sleep(0.05)
            disk.free.set()
            await on_disk()
            assert disk.on_disk == 2


async def test_who_has_nothing_on_the_way_does_not_wait() -> None:
    disk = Disk()
    async with synced_together(disk) as on_disk:
        disk.write()
        await on_disk()
        disk.free.clear()
        with trio.fail_after(1):
            await on_disk()
        disk.free.set()


@pytest.mark.parametrize("cancelled", [False, True])
async def test_nothing_is_asked_for_before_its_intent_is_on_disk(cancelled: bool) -> None:
    disk, sent = Disk(), []
    disk.free.clear()

    class Provider(ScriptedProvider):
        async def submit(self, request: Request) -> Job:
            sent.append(disk.on_disk)
            return await super().submit(request)

    with trio.fail_after(10), trio.CancelScope() as scope:
        async with synced_together(disk) as on_disk, trio.open_nursery() as nursery:
            purchase = Purchase(
                step=a_step("v/01/clip"),
                attempt=1,
                provider=Provider(seconds=0),
                recorder=Recorder([disk], run=1),
                breaker=Breaker(),
                purse=Purse(ceilings=Budget()),
                pause=Pause(),
                on_disk=on_disk,
                rng=random.Random(1),
                deadline=Deadline(trio.CancelScope()),
            )
            nursery.start_soon(purchase, Request(kind=Kind.CLIP, model="m", prompt="p", params={}), {})
            await trio.sleep(0.05)
            assert sent == []
            if cancelled:
                scope.cancel()
            disk.free.set()
    assert sent == [1], "once it is written down it is sent, so that nobody has to look for it later"


async def test_a_disk_that_refuses_ends_every_wait() -> None:
    disk = Disk(broken=True)
    heard = []

    async def one(on_disk: Callable[[], object]) -> None:
        try:
            await on_disk()  # type: ignore[misc]
        except TiktokerError as error:
            heard.append(error.message)

    async def all_of_it() -> None:
        async with synced_together(disk) as on_disk, trio.open_nursery() as nursery:
            disk.write()
            nursery.start_soon(one, on_disk)

    with trio.fail_after(10), pytest.RaisesGroup(pytest.RaisesExc(TiktokerError, match="the disk refuses")):
        await all_of_it()
    assert heard == ["the disk refuses"]
