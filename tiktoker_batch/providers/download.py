"""Fetching what was paid for: streamed, continued where it broke off, checked; never a reason to buy again."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import httpx
import trio

from tiktoker_batch.errors import ProviderError, ResultLost
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.providers.http import Wire
from tiktoker_batch.providers.policy import Verb

FIRST_PAUSE, LONGEST_PAUSE = 0.4, 30.0  # seconds before the next try; doubled after each that brought nothing
_PIECE = 256 * 1024  # bytes: writing in smaller ones costs more in hops to a thread than in writing
_WRITING = trio.Semaphore(2)  # more threads would not write faster, and each keeps memory of its own
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What lies under a path now: its sha256 (hex) and size, taken while it was written."""

    sha256: str
    bytes: int


class _Hash(Protocol):
    def update(self, piece: bytes | bytearray, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(slots=True, kw_only=True)
class _Growing:
    """A file that grows over several answers."""

    path: Path
    hash: _Hash
    size: int = 0
    tag: str | None = None

    def append(self, file: BinaryIO, piece: bytearray) -> None:
        """Write a piece behind the last one."""
        file.write(piece)
        self.hash.update(piece)
        self.size += len(piece)

    def restart(self) -> None:
        self.hash, self.size, self.tag = hashlib.sha256(), 0, None


class Incomplete(Exception):
    """The body ended before its announced length."""


async def fetch(wire: Wire, url: str, into: Path, *, check: Callable[[Path], Awaitable[None]] | None = None) -> Fetched:
    """Fetch an address into a file.

    A connection that breaks is continued from the last byte where the server can, from the start where it cannot.
    A server that is in trouble is asked again without end, for the file has been paid for: the caller's deadline
    counts. ``check`` looks at the finished file and raises ``ValueError`` for a damaged one, which is fetched anew,
    once.

    :raises ResultLost: it is not there any more, or comes damaged every time.
    """
    _require_address(wire, url)
    growing = _Growing(path=into, hash=hashlib.sha256())
    damaged = 0
    while True:
        await _complete(wire, url, growing)
        try:
            if check:
                await check(into)
        except ValueError as error:
            damaged += 1
            if damaged == 2:
                raise ResultLost(
                    f"{wire.provider}: what was delivered is damaged: {error}", maybe_charged=True
                ) from None
            growing.restart()
            continue
        reach("download.whole")
        return Fetched(sha256=growing.hash.hexdigest(), bytes=growing.size)


def _require_address(wire: Wire, url: str) -> None:
    try:
        named = httpx.URL(url)
    except httpx.InvalidURL:
        named = httpx.URL()
    if named.scheme not in {"http", "https"} or not named.host:
        raise ResultLost(f"{wire.provider}: what was delivered lies at no address", maybe_charged=True)


async def _complete(wire: Wire, url: str, growing: _Growing) -> None:
    pause = FIRST_PAUSE
    while True:
        before, asked_for = growing.size, 0.0
        try:
            return await _continue(wire, url, growing)
        except ProviderError as error:
            if not error.retryable:
                raise
            asked_for = error.retry_after or 0.0
        except Incomplete:
            pass
        pause = FIRST_PAUSE if growing.size > before else pause
        await trio.sleep(max(asked_for, pause))
        pause = min(pause * 2, LONGEST_PAUSE)


async def _continue(wire: Wire, url: str, growing: _Growing) -> None:
    """Ask for the rest of the file, or for all of it."""
    # Compressed transfer would make lengths and ranges mean something else.
    headers = {"Accept-Encoding": "identity"}
    if growing.size and growing.tag:
        headers |= {"Range": f"bytes={growing.size}-", "If-Range": growing.tag}
    async with wire.gate, wire.stream(Verb.MEDIA, url, headers=headers) as response:
        match = _RANGE.match(response.headers.get("content-range", ""))
        goes_on = response.status_code == 206 and match is not None and int(match[1]) == growing.size
        if not goes_on:
            growing.restart()
        growing.tag = response.headers.get("etag") or response.headers.get("last-modified")
        announced = response.headers.get("content-length")
        whole = growing.size + int(announced) if announced and announced.isdecimal() else None
        with growing.path.open("r+b" if goes_on else "wb") as file:
            file.seek(growing.size)
            file.truncate()
            await _receive(response, file, growing)
    if whole is not None and growing.size != whole:
        raise Incomplete


async def _receive(response: httpx.Response, file: BinaryIO, growing: _Growing) -> None:
    """Write what comes in large pieces, and what came before a break at once."""
    pending = bytearray()
    try:
        async for piece in response.aiter_raw():
            pending += piece
            reach("download.piece")
            if len(pending) >= _PIECE:
                whole, pending = pending, bytearray()
                async with _WRITING:
                    await trio.to_thread.run_sync(growing.append, file, whole)
    finally:
        growing.append(file, pending)
        reach("download.written")
