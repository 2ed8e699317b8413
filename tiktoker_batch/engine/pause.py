"""Stopping gently: what is at work goes on, whatever only waits is let go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio


class Paused(Exception):
    """The run stops starting work; this wait was let go."""


class Pause:
    """A switch that ends every interruptible wait, now and from now on."""

    def __init__(self) -> None:
        self.requested = False
        self._waits: set[trio.CancelScope] = set()

    def request(self) -> None:
        """Let go of every wait; idempotent."""
        self.requested = True
        for scope in tuple(self._waits):
            scope.cancel()

    @asynccontextmanager
    async def interruptible(self) -> AsyncIterator[None]:
        """Wait inside this block only.

        :raises Paused: the switch was thrown before the wait was over.
        """
        if self.requested:
            raise Paused
        with trio.CancelScope() as scope:  # noqa: ASYNC100  (what the caller does inside is the wait)
            self._waits.add(scope)
            try:
                yield
            finally:
                self._waits.discard(scope)
        if scope.cancelled_caught:
            raise Paused
