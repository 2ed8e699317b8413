"""The fal provider: prepared with uploads, submitted once, waited for, fetched at once."""

import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import trio

from tiktoker_batch.errors import BadRequest, ProviderError, Rejected, ResultLost, Unavailable
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.model import Kind, Model
from tiktoker_batch.providers import checks
from tiktoker_batch.providers.base import Delivered, Job, Produced, Request
from tiktoker_batch.providers.download import fetch
from tiktoker_batch.providers.fal.answers import read_answer
from tiktoker_batch.providers.fal.body import build_body, is_flagged, key_headers, media_address
from tiktoker_batch.providers.fal.crowd import Crowd
from tiktoker_batch.providers.fal.listing import Known, Listing, Wanted
from tiktoker_batch.providers.fal.polling import REQUESTS_A_SECOND, Pacer
from tiktoker_batch.providers.fal.queue import LOOKS_VARIABLE, STREAMS, STREAMS_VARIABLE, Queue
from tiktoker_batch.providers.fal.storage import Storage, open_storage
from tiktoker_batch.providers.http import (
    StreamClients,
    Wire,
    base_url,
    left_at,
    open_client,
    reconcile_seconds,
    whole_number,
)
from tiktoker_batch.providers.registry import PROVIDERS
from tiktoker_batch.providers.setting import Setting
from tiktoker_batch.providers.words import timed_words
from tiktoker_batch.redaction import Secrets

QUEUE, API = "https://queue.fal.run", "https://api.fal.ai"


@dataclass(kw_only=True)
class FalProvider:
    """``media`` is a wire without the key: files lie on other hosts."""

    models: Mapping[str, Model]
    queue: Queue
    listing: Listing
    storage: Storage
    media: Wire
    ffmpeg: str
    name: str = "fal"
    known: Known = field(default_factory=Known)

    async def prepare(self, request: Request) -> Request:
        """Upload the files that the model takes, each content once."""
        model = self._model(request.model)
        named = request.params.get("reference_address")
        uploads: dict[str, str] = {"reference": named} if isinstance(named, str) else {}
        for role, path in request.files.items():
            if role in model.fields:
                uploads[role] = await self.storage.address(path)
        return replace(request, uploads=uploads)

    async def submit(self, request: Request) -> Job:
        """Post the job, once."""
        try:
            job = await self.queue.submit(request.model, build_body(self._model(request.model), request))
        except BadRequest as error:
            raise self._about_uploads(error, request) from error.__cause__
        self.known.add(job.id)
        return replace(job, request=request)

    async def find(self, request: Request, sent: datetime) -> Job | None:
        """Look the request up in the account's list, by its own seed or its whole input."""
        model = self._model(request.model)
        body = build_body(model, request)
        wanted = Wanted(model=model, body=body, sent=sent, left_at=left_at(request, sent))
        request_id = await self.listing.find(wanted, self.known)
        if request_id is None:
            return None
        self.known.add(request_id)
        return replace(self.queue.job(request.model, request_id), request=request)

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        """Wait for the job, fetch its file at once and look at it."""
        request = job.request
        if request is None:
            raise BadRequest(f"{self.name}: what job {job.id} was asked for is not known")
        status = await self.queue.wait(job, begun)
        try:
            result = await self._result(job, status)
        except ProviderError as error:
            raise self._about_uploads(error, request) from error.__cause__
        reach("result.known")
        with contextlib.suppress(ResultLost):
            return await self._keep(job, request, result, into)
        # Addresses change, and files come late: the result is told once more before its file counts as lost.
        return await self._keep(job, request, await self._result(job, status), into)

    async def _result(self, job: Job, status: Mapping[str, Any]) -> Any:
        """What the job made, by the queue's word, else by the account's list.

        :raises ResultLost: neither remembers it.
        """
        try:
            return await self.queue.result(job, status)
        except ResultLost as error:
            lost = error
        listed = await self.listing.output(job.model, job.id)
        if listed is None:
            raise lost
        return listed

    async def _keep(self, job: Job, request: Request, result: Any, into: Mapping[str, Path]) -> Produced:
        if is_flagged(result):
            message = f"{self.name}: the safety checker objects to this picture"
            raise Rejected(message, hint="change the shot's prompt", maybe_charged=True)
        address = media_address(request.kind, result)
        if address is None:
            raise ResultLost(f"{self.name}: job {job.id} ended without a file", maybe_charged=True)
        return await _KEEPERS[request.kind](self, request, result, address, into)

    async def cancel(self, job: Job) -> bool:
        """Ask the queue to let the job go."""
        return await self.queue.cancel(job)

    # ------------------------------------------------------------------ keeping what was made

    async def _keep_picture(self, request: Request, result: Any, address: str, into: Mapping[str, Path]) -> Produced:
        forms: list[str] = []

        def look(path: Path) -> None:
            forms.append(checks.check_picture(path, provider=self.name))

        fetched = await fetch(self.media, address, into["image"], check=_in_thread(look))
        # The clip's model finds the picture where it lies: nothing needs to be uploaded.
        self.storage.remember(fetched.sha256, address)
        return Produced(files={"image": Delivered(sha256=fetched.sha256, suffix=forms[-1])})

    async def _keep_clip(self, request: Request, result: Any, address: str, into: Mapping[str, Path]) -> Produced:
        seconds = request.params.get("seconds")
        asked = float(seconds) if isinstance(seconds, int | float) else 0.0
        check = functools.partial(checks.check_clip, provider=self.name, seconds=asked)
        fetched = await fetch(self.media, address, into["clip"], check=_in_thread(check))
        return Produced(files={"clip": Delivered(sha256=fetched.sha256)})

    async def _keep_speech(self, request: Request, result: Any, address: str, into: Mapping[str, Path]) -> Produced:
        source = into["audio"].with_name(f"{into['audio'].name}.source.part")
        lengths: list[float] = []

        async def decode(path: Path) -> None:
            lengths.append(await checks.to_wav(path, into["audio"], ffmpeg=self.ffmpeg, provider=self.name))

        try:
            await fetch(self.media, address, source, check=decode)
        finally:
            source.unlink(missing_ok=True)
        words = timed_words(request.prompt, result.get("timestamps"), seconds=lengths[-1])
        return Produced(value=words, cost_usd=self._speech_cost(request))

    def _speech_cost(self, request: Request) -> Decimal | None:
        price = self._model(request.model).price
        if price is None or price.unit != "1k_characters":
            return None
        return price.usd * len(request.prompt) / 1000

    # ------------------------------------------------------------------

    def _about_uploads(self, error: ProviderError, request: Request) -> ProviderError:
        """An upload that the service does not find any more is uploaded anew by the next attempt."""
        if isinstance(error, BadRequest) and error.code == "file_download_error":
            for address in request.uploads.values():
                self.storage.forget(address)
            return Unavailable(error.message, maybe_charged=error.maybe_charged)
        return error

    def _model(self, name: str) -> Model:
        model = self.models.get(f"{self.name}:{name}")
        if model is None:
            raise BadRequest(f"{self.name}: no model is called {name!r}")
        return model


_KEEPERS = {
    Kind.IMAGE: FalProvider._keep_picture,  # noqa: SLF001
    Kind.CLIP: FalProvider._keep_clip,  # noqa: SLF001
    Kind.NARRATION: FalProvider._keep_speech,  # noqa: SLF001
}


_LOOKING = trio.CapacityLimiter(2)  # decoding takes a processor and memory; more at once would only take more memory


def _in_thread(check: Callable[[Path], None]) -> Callable[[Path], Awaitable[None]]:
    async def checked(path: Path) -> None:
        async with _LOOKING:
            await trio.to_thread.run_sync(check, path)

    return checked


@asynccontextmanager
async def open_fal(setting: Setting) -> AsyncIterator[FalProvider]:
    """The provider with its connections, for as long as the context."""
    environ = setting.environ
    key = PROVIDERS["fal"].key(environ)
    secrets = Secrets((key,))
    queue_address = base_url(environ, "FAL_QUEUE_URL", QUEUE)
    api_address = base_url(environ, "FAL_API_URL", API)
    patience = reconcile_seconds(environ)
    named = environ.get("FAL_STORAGE_URL")
    storage = open_storage(
        key, secrets, address=base_url(environ, "FAL_STORAGE_URL", "") if named else None, cache=setting.cache
    )
    headers = key_headers(key)
    streams = StreamClients(headers=headers, most=whole_number(environ, STREAMS_VARIABLE, STREAMS))
    rate = max(whole_number(environ, LOOKS_VARIABLE, int(REQUESTS_A_SECOND)), 1)
    async with open_client(headers=headers) as client, open_client(redirects=True) as plain:
        wire = Wire(provider="fal", client=client, read=read_answer, secrets=secrets)
        durations = setting.durations
        listing = Listing(wire=wire, base=api_address, durations=durations, patience_seconds=patience)
        crowd = Crowd(listing=listing, pacer=Pacer(rate))
        try:
            yield FalProvider(
                models=setting.models,
                queue=Queue(wire=wire, base=queue_address, durations=durations, streams=streams, crowd=crowd),
                listing=listing,
                storage=storage,
                ffmpeg=setting.ffmpeg,
                media=Wire(provider="fal", client=plain, read=read_answer, secrets=secrets),
                known=Known(setting.known),
            )
        finally:
            storage.save()
            with trio.CancelScope(shield=True):
                await streams.aclose()
