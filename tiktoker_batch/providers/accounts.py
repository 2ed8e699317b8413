"""One cheap question to each cloud: is the key accepted, and what does the account say of itself?

Each function asks the service's configured address once, for nothing that costs anything. ``AuthFailed`` says that
the key is refused; any other ``ProviderError`` leaves it open.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from tiktoker_batch.errors import AuthFailed
from tiktoker_batch.providers.account import Account
from tiktoker_batch.providers.fal.answers import read_answer
from tiktoker_batch.providers.fal.body import key_headers
from tiktoker_batch.providers.fal.provider import API as FAL_API
from tiktoker_batch.providers.http import Reader, Wire, base_url, body_of, open_client
from tiktoker_batch.providers.openrouter import API as OPENROUTER_API
from tiktoker_batch.providers.policy import Signal, Verb
from tiktoker_batch.providers.registry import PROVIDERS
from tiktoker_batch.providers.text import first_text
from tiktoker_batch.redaction import Secrets

_SECONDS = 10.0
_WELL_KNOWN = "fal-ai/flux/schnell"  # some model must be named; this one has been there for years
_MISSING_PERMISSION = frozenset({"missing_permissions", "missing_permission"})


async def check_fal(environ: Mapping[str, str]) -> Account:
    """Ask fal for a price. Whether there is money in the account it tells nobody."""
    key = PROVIDERS["fal"].key(environ)
    address = base_url(environ, "FAL_API_URL", FAL_API)
    headers = key_headers(key)
    async with _wire("fal", key, headers, read_answer) as wire:
        answer = await wire.send(
            Verb.LOOKUP, "GET", f"{address}/v1/models/pricing", params={"endpoint_id": _WELL_KNOWN}
        )
        if not isinstance(_member(body_of(answer), "prices"), list):
            raise wire.unreadable(Verb.LOOKUP, answer, "no prices")
    return Account(message="the key is accepted", clock_ahead_seconds=_ahead_of(answer))


async def check_elevenlabs(environ: Mapping[str, str]) -> Account:
    """Ask ElevenLabs for the account's voices, those included that it calls legacy: recipes may still use them."""
    from tiktoker_batch.providers.elevenlabs import API  # noqa: PLC0415  (its SDK loads for a second)

    key = PROVIDERS["elevenlabs"].key(environ)
    address = base_url(environ, "ELEVENLABS_BASE_URL", API)
    async with _wire("elevenlabs", key, {"xi-api-key": key}, _read) as wire:
        try:
            answer = await wire.send(Verb.LOOKUP, "GET", f"{address}/v1/voices", params={"show_legacy": "true"})
        except AuthFailed as error:
            if error.code in _MISSING_PERMISSION:
                return Account(message="the key is accepted, but may not list voices")
            raise
        listed = _member(body_of(answer), "voices")
        if not isinstance(listed, list):
            raise wire.unreadable(Verb.LOOKUP, answer, "no voices")
    voices = frozenset(str(voice["voice_id"]) for voice in listed if isinstance(voice, Mapping) and "voice_id" in voice)
    message = f"the key is accepted; {len(voices)} voice{'s' if len(voices) != 1 else ''}"
    return Account(message=message, voices=voices, clock_ahead_seconds=_ahead_of(answer))


async def check_openrouter(environ: Mapping[str, str]) -> Account:
    """Ask OpenRouter about the key: what of its limit is left."""
    key = PROVIDERS["openrouter"].key(environ)
    address = base_url(environ, "OPENROUTER_BASE_URL", OPENROUTER_API)
    async with _wire("openrouter", key, {"Authorization": f"Bearer {key}"}, _read) as wire:
        answer = await wire.send(Verb.LOOKUP, "GET", f"{address}/api/v1/key")
        facts = _member(body_of(answer), "data")
        if not isinstance(facts, Mapping):
            raise wire.unreadable(Verb.LOOKUP, answer, "nothing about the key")
    left = facts.get("limit_remaining")
    if not isinstance(left, int | float):
        return Account(message="the key is accepted; it has no limit of its own", clock_ahead_seconds=_ahead_of(answer))
    mend = None if left > 0 else "raise the key's limit at https://openrouter.ai/keys, or use another key"
    message = f"the key is accepted; ${max(left, 0):.2f} of its limit left"
    return Account(message=message, mend=mend, clock_ahead_seconds=_ahead_of(answer))


@asynccontextmanager
async def _wire(provider: str, key: str, headers: Mapping[str, str], read: Reader) -> AsyncIterator[Wire]:
    async with open_client(headers=headers, patience=_SECONDS) as client:
        yield Wire(provider=provider, client=client, read=read, secrets=Secrets((key,)))


def _read(verb: Verb, response: httpx.Response) -> Signal:
    """ElevenLabs explains itself under ``detail``, OpenRouter under ``error``; both with a code and a message."""
    body = body_of(response)
    said = _member(body, "detail") or _member(body, "error")
    code = first_text([_member(said, "code"), _member(said, "status")])
    words = first_text([said, _member(said, "message"), code, response.reason_phrase]) or "no reason given"
    return Signal(verb=verb, status=response.status_code, code=code, message=f"{response.status_code} {words}")


def _member(body: Any, name: str) -> Any:
    return body.get(name) if isinstance(body, Mapping) else None


def _ahead_of(answer: httpx.Response) -> float | None:
    """How far this machine's clock is ahead of the moment that an answer, which has just come, is dated with."""
    try:
        dated = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return None
    return (datetime.now(UTC) - (dated if dated.tzinfo else dated.replace(tzinfo=UTC))).total_seconds()
