"""What goes on around a run: signals and the manifest's heartbeat."""

import signal
from typing import Protocol

import trio

from tiktoker_batch.engine.batch import Batch
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.events import Interrupted
from tiktoker_batch.outcomes import Cancelled, Outcome

HEARTBEAT_SECONDS = 0.5


class Snapshot(Protocol):
    """Something that is kept up to date on disk while a run goes on."""

    def prepare(self) -> bool:
        """Make a little of what is new ready to be written; whether there is more."""
        ...

    def due(self) -> bytes | None:
        """What to write, if there is news and enough time has passed."""
        ...

    def write(self, text: bytes) -> None:
        """Write it; from any thread."""
        ...


async def supervise(batch: Batch, snapshot: Snapshot) -> bool:
    """Run the batch; the first SIGINT or SIGTERM drains it, the second aborts.

    :returns: whether a signal left work undone.
    """
    signalled: list[str] = []
    outcomes: dict[str, Outcome] = {}
    async with trio.open_nursery() as nursery:
        await nursery.start(_obey_signals, batch, nursery.cancel_scope, signalled)
        nursery.start_soon(_heartbeat, snapshot)
        outcomes.update(await run_batch(batch))
        nursery.cancel_scope.cancel()
    undone = not outcomes or any(isinstance(outcome, Cancelled) for outcome in outcomes.values())
    return bool(signalled) and undone


async def _obey_signals(
    batch: Batch, everything: trio.CancelScope, signalled: list[str], *, task_status: trio.TaskStatus[None]
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            name = signal.Signals(number).name
            batch.recorder.emit(Interrupted(signal=name, how="abort" if signalled else "drain"))
            if signalled:
                everything.cancel()
                return
            signalled.append(name)
            batch.pause.request()


async def _heartbeat(snapshot: Snapshot) -> None:
    while True:
        await trio.sleep(HEARTBEAT_SECONDS)  # first: a large manifest must not keep the first request waiting
        more = True
        while more:
            more = snapshot.prepare()
            await trio.lowlevel.checkpoint()
        text = snapshot.due()
        if text is not None:
            await trio.to_thread.run_sync(snapshot.write, text)
