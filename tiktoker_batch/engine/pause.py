"""Stopping gently: what is at work goes on, whatever only waits is let go."""

from types import TracebackType

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

    def interruptible(self) -> "_Interruptible":
        """Wait inside this block only.

        :raises Paused: the switch was thrown before the wait was over.
        """
        if self.requested:
            raise Paused
        return _Interruptible(self._waits)


class _Interruptible:
    """Written out, as each step waits several times and a generator costs as much as the wait."""

    def __init__(self, waits: set[trio.CancelScope]) -> None:
        self._waits = waits
        self._scope = trio.CancelScope()

    def __enter__(self) -> None:
        self._scope.__enter__()
        self._waits.add(self._scope)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waits.discard(self._scope)
        if self._scope.__exit__(kind, error, trace) and self._scope.cancelled_caught:
            raise Paused from None
