"""Worker processes for CPU work, so that it never holds the event loop nor Python's lock.

A worker is this program run again as ``python -m tiktoker_batch.providers.local.worker``: one JSON call per line on its
standard input, one JSON answer per line on its standard output. It ends when its input closes, so it cannot outlive us.
"""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import trio

import tiktoker_batch
from tiktoker_batch import errors
from tiktoker_batch.errors import Broken, ProviderError, TiktokerError, Unavailable
from tiktoker_batch.media.ffmpeg import kill_group
from tiktoker_batch.model import Json

_ROOT = str(Path(tiktoker_batch.__file__).resolve().parent.parent)
ANSWER_LIMIT = 8 * 1024 * 1024  # bytes; the word times of an hour of speech are below 1 MB


class WorkerPool:
    """At most ``size`` workers, started when first needed and kept for the next call."""

    def __init__(self, nursery: trio.Nursery, size: int) -> None:
        self._nursery = nursery
        self._limiter = trio.CapacityLimiter(size)
        self._idle: list[_Worker] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, size: int) -> AsyncIterator[Self]:
        """A pool whose workers end with the context."""
        async with trio.open_nursery() as nursery:
            try:
                yield cls(nursery, size)
            finally:
                nursery.cancel_scope.cancel()

    async def call(self, kind: str, arguments: Mapping[str, Json]) -> Json:
        """Have a worker do one thing; a cancelled call ends its worker with all that it started.

        :raises ProviderError: what the worker raised, or ``Unavailable`` if it died.
        """
        async with self._limiter:
            worker = self._idle.pop() if self._idle else await _Worker.start(self._nursery)
            try:
                answer = await worker.ask({"kind": kind, "arguments": dict(arguments)})
            except BaseException:
                worker.end()
                raise
            self._idle.append(worker)
        if "error" in answer:
            raise _error(answer["error"])
        value: Json = answer["value"]
        return value


class _Worker:
    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._scope = trio.CancelScope()
        self._unread = b""

    @classmethod
    async def start(cls, nursery: trio.Nursery) -> "_Worker":
        worker: _Worker = await nursery.start(cls._live)
        return worker

    @classmethod
    async def _live(cls, *, task_status: trio.TaskStatus["_Worker"]) -> None:
        """Own the process: start it, hand it out, and see it dead before this task ends."""
        process = await trio.lowlevel.open_process(
            # -P: a file of the user's working folder must not take the place of a module of ours.
            [sys.executable, "-P", "-m", "tiktoker_batch.providers.local.worker"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what a library prints would break the progress; errors come as answers
            start_new_session=True,
        )
        worker = cls(process)
        task_status.started(worker)
        try:
            with worker._scope:
                await process.wait()
        finally:
            with trio.CancelScope(shield=True):
                await kill_group(process)
                await process.wait()

    def end(self) -> None:
        """Have it killed, with whatever it started."""
        self._scope.cancel()

    async def ask(self, call: Mapping[str, Json]) -> dict[str, Any]:
        try:
            await self._stdin.send_all(json.dumps(call).encode() + b"\n")
            line = await self._line()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise Unavailable("a local worker process died; perhaps memory ran out") from error
        if line is None:
            raise Unavailable("a local worker process died; perhaps memory ran out")
        answer: dict[str, Any] = json.loads(line)
        return answer

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    async def _line(self) -> bytes | None:
        stdout: Any = self._process.stdout
        while b"\n" not in self._unread:
            if len(self._unread) > ANSWER_LIMIT:
                raise Broken("a local worker's answer is too long")
            received = await stdout.receive_some(65_536)
            if not received:
                return None
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        return line


def _error(told: Mapping[str, Any]) -> TiktokerError:
    """The exception a worker raised, as the same type here."""
    cls = getattr(errors, str(told["type"]), None)
    if isinstance(cls, type) and issubclass(cls, ProviderError | errors.PreflightError):
        return cls(told["message"], hint=told.get("hint"))
    broken = Broken(f"{told['type']}: {told['message']}", hint="please report this with the recipe that shows it")
    broken.add_note(str(told.get("trace", "")))
    return broken
