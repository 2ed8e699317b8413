"""Uploads through fal's own client, in threads: free, repeatable, each content once."""

import contextlib
import hashlib
import mimetypes
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import trio

from tiktoker_batch.errors import Unavailable
from tiktoker_batch.providers.fal.answers import read_answer
from tiktoker_batch.providers.memory import recall, remember
from tiktoker_batch.providers.policy import Signal, Verb, error_for
from tiktoker_batch.redaction import Secrets

AT_ONCE = 4
KEPT_SECONDS = 6 * 24 * 3600  # uploads are asked to live for a week
TRIES = 4

if TYPE_CHECKING:
    import fal_client


@dataclass(kw_only=True)
class Storage:
    """Addresses of contents by their sha256; ``memory`` keeps them for the next run.

    ``connect`` makes the client of the account, once the first file is to be uploaded.
    """

    connect: Callable[[], "fal_client.SyncClient"]
    secrets: Secrets
    memory: Path | None = None
    _client: "fal_client.SyncClient | None" = None
    _connecting: threading.Lock = field(default_factory=threading.Lock)
    _addresses: dict[str, tuple[str, float]] = field(default_factory=dict)
    _busy: dict[str, trio.Lock] = field(default_factory=dict)
    _limiter: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(AT_ONCE))

    async def address(self, path: Path) -> str:
        """Where the service finds this file's content; uploaded if it was not yet.

        :raises ProviderError: the storage does not take it.
        """
        content = await trio.Path(path).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        async with self._busy.setdefault(sha256, trio.Lock()):
            known = self._addresses.get(sha256)
            if known is None:
                known = (await self._upload(content, path), time.time())
                self._addresses[sha256] = known
        return known[0]

    def remember(self, sha256: str, address: str) -> None:
        """A content that already lies at the service needs no upload."""
        self._addresses[sha256] = (address, time.time())

    def forget(self, address: str) -> None:
        """The service does not find it there any more."""
        self._addresses = {sha: known for sha, known in self._addresses.items() if known[0] != address}

    def load(self) -> None:
        """Recall earlier uploads that still live; a damaged memory is an empty one."""
        young = time.time() - KEPT_SECONDS
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            stored = recall(self.memory) or {}
            self._addresses |= {sha: (str(url), float(at)) for sha, (url, at) in stored.items() if at > young}

    def save(self) -> None:
        """Keep what is known."""
        remember(self.memory, self._addresses)

    async def _upload(self, content: bytes, path: Path) -> str:
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        for attempt in range(1, TRIES + 1):
            try:
                # Left behind on cancellation: an upload that nobody waits for costs nothing and harms nothing.
                return await trio.to_thread.run_sync(
                    self._upload_sync, content, kind, path.name, abandon_on_cancel=True, limiter=self._limiter
                )
            except Unavailable:
                if attempt == TRIES:
                    raise
            await trio.sleep(0.5 * 2**attempt)
        raise AssertionError("the last try returns or raises")

    def _upload_sync(self, content: bytes, kind: str, name: str) -> str:
        import fal_client.client  # noqa: PLC0415  (a batch that uploads nothing need not wait for it)

        with self._connecting:
            self._client = self._client or self.connect()
        lifecycle = fal_client.StorageSettings(expires_in="7d")
        try:
            return str(self._client.upload(content, kind, name, lifecycle=lifecycle))
        except fal_client.FalClientHTTPError as error:
            signal = read_answer(Verb.UPLOAD, error.response)
        except httpx.HTTPStatusError as error:
            signal = read_answer(Verb.UPLOAD, error.response)
        except (httpx.TransportError, fal_client.client.FalClientError, KeyError, ValueError) as error:
            signal = Signal(verb=Verb.UPLOAD, message=f"the upload broke off ({type(error).__name__})")
        failure = error_for("fal", signal)
        failure.message = self.secrets.redact(failure.message)
        failure.args = (failure.message,)
        raise failure


def open_storage(key: str, secrets: Secrets, *, address: str | None, cache: Path) -> Storage:
    """The storage of an account, at another address than the usual ones where the environment names one."""

    def connect() -> "fal_client.SyncClient":
        import fal_client.client  # noqa: PLC0415

        if address is not None:
            # The client has no other way to be pointed elsewhere; its token manager copies the first when it is made.
            fal_client.client.REST_URL = address
            fal_client.client.CDN_URL = address
        return fal_client.SyncClient(key=key)

    memory = cache / "fal-uploads.json" if address is None else None
    storage = Storage(connect=connect, secrets=secrets, memory=memory)
    storage.load()
    return storage
