"""ElevenLabs: speech with the time of every letter, through its own SDK on a client of ours."""

import base64
import secrets as random_names
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import trio
from elevenlabs.client import AsyncElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.core.request_options import RequestOptions
from elevenlabs.types import VoiceSettings

from tiktoker_batch.errors import BadRequest, ProviderError, Unavailable, UnknownOutcome, Unusable
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.model import Json, Model
from tiktoker_batch.providers import checks
from tiktoker_batch.providers.base import Job, Produced, Request
from tiktoker_batch.providers.http import (
    GATE,
    Wire,
    base_url,
    left_at,
    open_client,
    reconcile_seconds,
    retry_after,
)
from tiktoker_batch.providers.policy import Signal, Verb
from tiktoker_batch.providers.registry import PROVIDERS
from tiktoker_batch.providers.setting import Setting
from tiktoker_batch.providers.text import first_text, well_formed
from tiktoker_batch.providers.words import LETTER_ROWS, timed_words
from tiktoker_batch.redaction import Secrets

API = "https://api.elevenlabs.io"
_SECONDS = 240.0  # the SDK's own deadline; long texts take minutes
_OPTIONS = RequestOptions(timeout_in_seconds=int(_SECONDS), max_retries=0)
# A request that was spoken shows up in the history within moments.
_LOOKS = (2.0, 15.0, 60.0)
_EARLIER = timedelta(seconds=60)  # the service's clock may be behind ours
_HISTORY = 100
_RECALL_PAUSE, _LONGEST_RECALL_PAUSE = 1.0, 30.0  # seconds before speech is fetched again; doubled each time
_OWN_LANGUAGE = frozenset({"eleven_multilingual_v2", "eleven_monolingual_v1"})  # these refuse language_code
_SETTINGS = frozenset(VoiceSettings.model_fields)


@dataclass(kw_only=True)
class ElevenLabsProvider:
    """One POST a narration, made in ``collect``; it is paid for when it is answered, and maybe when it is not."""

    client: AsyncElevenLabs
    wire: Wire
    models: Mapping[str, Model]
    setting: Setting
    name: str = "elevenlabs"
    _told: int = 0
    known: set[str] = field(default_factory=set)

    async def prepare(self, request: Request) -> Request:
        """Nothing can be done ahead."""
        await trio.lowlevel.checkpoint()
        return request

    async def submit(self, request: Request) -> Job:
        """Take the request; it is sent in ``collect``."""
        await trio.lowlevel.checkpoint()
        name = f"elevenlabs-{random_names.token_hex(6)}"
        return Job(id=name, provider=self.name, model=request.model, request=request)

    async def find(self, request: Request, sent: datetime) -> Job | None:
        """Look for the spoken text in the account's history.

        :raises UnknownOutcome: the history cannot be read.
        """
        began, told = left_at(request, sent), False
        patience = min(_LOOKS[-1], reconcile_seconds(self.setting.environ))
        for after in (*(each for each in _LOOKS if each < patience), patience):
            await trio.sleep_until(began + after)
            try:
                listed = await self._history(request, sent)
            except ProviderError:
                continue
            told = True
            found = next((each for each in listed if self._is_ours(each, request)), None)
            if found is not None:
                self.known.add(found.history_item_id)
                name = found.history_item_id
                addresses = {"history": name}
                return Job(id=name, provider=self.name, model=request.model, addresses=addresses, request=request)
        if not told:
            raise UnknownOutcome(f"{self.name}: the account's history cannot be read", maybe_charged=True)
        return None

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        """Have the text spoken, or fetch what was; keeps it as WAV and gives the words with their times."""
        begun()
        request = job.request
        if request is None:
            raise BadRequest(f"{self.name}: what job {job.id} was asked for is not known")
        if "history" in job.addresses:
            audio, told = await self._recall(job.addresses["history"])
        else:
            audio, told = await self._spoken(request)
        reach("speech.received")
        source = into["audio"].with_name(f"{into['audio'].name}.source.part")
        try:
            await trio.Path(source).write_bytes(audio)
            seconds = await self._keep(source, into["audio"])
        finally:
            source.unlink(missing_ok=True)
        return Produced(value=timed_words(request.prompt, told, seconds=seconds), cost_usd=self._cost(request))

    async def cancel(self, job: Job) -> bool:
        """The connection is closed already; what was spoken until then may be charged."""
        await trio.lowlevel.checkpoint()
        return False

    # ------------------------------------------------------------------ requests

    async def _spoken(self, request: Request) -> tuple[bytes, Any]:
        """The sound, and what is told of its letters."""
        speech = self.client.text_to_speech.with_raw_response
        async with self._asking(Verb.SPEAK):
            reach("speech.before")
            answer = await speech.convert_with_timestamps(
                str(request.params["voice"]),
                text=well_formed(request.prompt),
                model_id=request.model,
                seed=request.seed,
                **_parameters(request),
                request_options=_OPTIONS,
            )
        reach("speech.answered")
        self._mind_limit(answer.headers)
        try:
            # The SDK takes an answer as it comes: what its types promise may be missing.
            audio = base64.b64decode(getattr(answer.data, "audio_base_64", None) or "", validate=True)
        except (ValueError, TypeError) as error:
            raise Unusable(f"{self.name}: the sound cannot be read ({error})", maybe_charged=True) from None
        return audio, _told(answer.data)

    async def _history(self, request: Request, sent: datetime) -> Sequence[Any]:
        async with self._asking(Verb.LOOKUP):
            page = await self.client.history.list(
                page_size=_HISTORY,
                voice_id=str(request.params["voice"]),
                date_after_unix=int((sent - _EARLIER).timestamp()),
                request_options=_OPTIONS,
            )
            return list(page.history)

    def _is_ours(self, item: Any, request: Request) -> bool:
        same = item.text == well_formed(request.prompt) and item.model_id in {None, request.model}
        return same and isinstance(item.history_item_id, str) and item.history_item_id not in self.known

    async def _recall(self, name: str) -> tuple[bytes, Any]:
        """Fetch what was spoken before, without end: trouble with that never has it spoken again."""
        pause = _RECALL_PAUSE
        while True:
            try:
                async with self._asking(Verb.LOOKUP):
                    item = await self.client.history.get(name, request_options=_OPTIONS)
                    pieces = [piece async for piece in self.client.history.get_audio(name, request_options=_OPTIONS)]
                return b"".join(pieces), _told(item.alignments)
            except Unavailable as error:
                await trio.sleep(max(error.retry_after or 0.0, pause))
            pause = min(pause * 2, _LONGEST_RECALL_PAUSE)

    @asynccontextmanager
    async def _asking(self, verb: Verb) -> AsyncIterator[None]:
        """Whatever the SDK raises, as our errors."""
        async with self.wire.gate:
            try:
                yield
            except ApiError as error:
                self._mind_limit(error.headers or {})
                raise self.wire.explain(_signal(verb, error)) from None
            except httpx.RequestError as error:
                raise self.wire.lost(verb, error) from None
            except (ValueError, KeyError, TypeError) as error:
                message = f"unexpected answer ({type(error).__name__})"
                raise self.wire.explain(Signal(verb=verb, status=200, message=message)) from None

    # ------------------------------------------------------------------

    async def _keep(self, source: Path, into: Path) -> float:
        try:
            return await checks.to_wav(source, into, ffmpeg=self.setting.ffmpeg, provider=self.name)
        except ValueError as error:
            raise Unusable(f"{self.name}: the sound is damaged: {error}", maybe_charged=True) from None

    def _mind_limit(self, headers: Mapping[str, str]) -> None:
        """What the account bears at once, from the header that every answer carries."""
        told = {name.lower(): value for name, value in headers.items()}.get("maximum-concurrent-requests", "")
        if told.isdecimal() and int(told) not in {0, self._told}:
            self._told = int(told)
            self.setting.tell_limit(self.name, self._told)
            # The engine's seats, one a request, say how much of that is used: a user's own limit may be lower.
            self.wire.gate.total_tokens = max(self.wire.gate.total_tokens, self._told)

    def _cost(self, request: Request) -> Decimal | None:
        model = self.models.get(f"{self.name}:{request.model}")
        if model is None or model.price is None or model.price.unit != "1k_characters":
            return None
        return model.price.usd * len(request.prompt) / 1000


def _parameters(request: Request) -> dict[str, Any]:
    params: dict[str, Any] = {
        name: value for name, value in request.params.items() if name not in {"voice", "language", "voice_settings"}
    }
    settings = request.params.get("voice_settings")
    if isinstance(settings, dict):
        params["voice_settings"] = VoiceSettings.model_validate(
            {name: settings[name] for name in settings.keys() & _SETTINGS}
        )
    if request.model not in _OWN_LANGUAGE:
        params["language_code"] = request.params.get("language")
    return params


def _told(said: Any) -> dict[str, Any]:
    """What is told of letters and their times, in an answer or an item of the history."""
    alignment = getattr(said, "alignment", None)
    return {row: getattr(alignment, row, None) for row in LETTER_ROWS}


def _signal(verb: Verb, error: ApiError) -> Signal:
    """The SDK's error as a signal: ``code``, else the older ``status``; a list of problems for a 422."""
    detail: Any = error.body.get("detail") if isinstance(error.body, Mapping) else error.body
    code: str | None = None
    message: Json = None
    if isinstance(detail, list) and detail and isinstance(detail[0], Mapping):
        message = first_text([detail[0].get("msg")])
    elif isinstance(detail, Mapping):
        code = first_text([detail.get("code"), detail.get("status")])
        message = first_text([detail.get("message")])
    elif isinstance(detail, str):
        message = detail
    elif hasattr(detail, "detail"):  # the SDK has read a 422 for us
        message = first_text([getattr(each, "msg", None) for each in detail.detail or ()])
    headers = httpx.Headers(error.headers or {})
    return Signal(
        verb=verb,
        status=error.status_code or 500,
        code=code,
        message=f"{error.status_code} {message or code or 'no reason given'}",
        retry_after=retry_after(httpx.Response(error.status_code or 500, headers=headers)),
    )


def _read_nothing(verb: Verb, response: httpx.Response) -> Signal:
    """The SDK reads the answers; this is for requests of our own."""
    return Signal(verb=verb, status=response.status_code, message=str(response.status_code))


@asynccontextmanager
async def open_elevenlabs(setting: Setting) -> AsyncIterator[ElevenLabsProvider]:
    """The provider with its connections, for as long as the context."""
    key = PROVIDERS["elevenlabs"].key(setting.environ)
    address = base_url(setting.environ, "ELEVENLABS_BASE_URL", API)
    # The gate alone bounds what is asked at once: an account may bear more than anybody knew at the start.
    async with open_client(patience=_SECONDS, connections=None) as http:
        client = AsyncElevenLabs(api_key=key, base_url=address, httpx_client=http, timeout=_SECONDS)
        gate = trio.CapacityLimiter(setting.seats.get("elevenlabs", GATE))
        wire = Wire(provider="elevenlabs", client=http, read=_read_nothing, secrets=Secrets((key,)), gate=gate)
        yield ElevenLabsProvider(
            client=client, wire=wire, models=setting.models, setting=setting, known=set(setting.known)
        )
