"""The journal on disk: one sync for all that was written meanwhile.

A line is in the file the moment it is told, where the death of this process cannot reach it. To outlive a power failure
it must be synced, and what the disk takes for that (0.1 ms, or 30 while others write too) must not keep those waiting
who talk to the network. So a thread syncs, for everything written so far; only a purchase waits for it: with its
request until the intent is on disk, and with asking after the job until its id is.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import trio

from tiktoker_batch.errors import TiktokerError

GATHER_SECONDS = 0.003  # in which more lines may come along: nothing beside a request's way to its provider

OnDisk = Callable[[], Awaitable[None]]


class Syncable(Protocol):
    """A journal that calls ``told``, if it is set, instead of syncing a line that must be on disk."""

    told: Callable[[], None] | None

    def sync(self) -> None:
        """Have everything written so far on disk.

        :raises TiktokerError: the disk refuses.
        """
        ...


async def already_on_disk() -> None:
    """What there is to wait for where each line is synced as it is written."""


@asynccontextmanager
async def synced_together(journal: Syncable) -> AsyncIterator[OnDisk]:
    """Sync in the background while this is open; gives what waits for all lines told before.

    :raises TiktokerError: the disk refused; out of the block, and out of every wait from then on.
    """
    together = _Together(journal)
    async with trio.open_nursery() as nursery:
        at_work: trio.CancelScope = await nursery.start(together.run)
        journal.told = together.told
        try:
            yield together.on_disk
        finally:
            journal.told = None
            at_work.cancel()


class _Together:
    """Counts lines: those that were told, and those of them that are on disk."""

    def __init__(self, journal: Syncable) -> None:
        self._journal = journal
        self._limiter = trio.CapacityLimiter(1)  # never behind other work of threads
        self._wanted, self._synced = trio.Event(), trio.Event()
        self._told = self._on_disk = 0
        self._error: TiktokerError | None = None

    def told(self) -> None:
        self._told += 1
        self._wanted.set()

    async def on_disk(self) -> None:
        told = self._told
        with trio.CancelScope(shield=True):
            while self._on_disk < told and self._error is None:
                await self._synced.wait()
        if self._error is not None:
            raise self._error

    async def run(self, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        # Shielded: who waits for an intent must not be left alone when everything is cancelled.
        with trio.CancelScope(shield=True) as scope:
            task_status.started(scope)
            while True:
                await self._wanted.wait()
                await trio.sleep(GATHER_SECONDS)
                await self._sync()

    async def _sync(self) -> None:
        self._wanted, told = trio.Event(), self._told
        try:
            await trio.to_thread.run_sync(self._journal.sync, limiter=self._limiter)
            self._on_disk = told
        except TiktokerError as error:
            self._error = error
            raise
        finally:
            synced, self._synced = self._synced, trio.Event()
            synced.set()
