"""ElevenLabs as its SDK sees it: speech with timestamps, voices, and the history of what was spoken."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import trio

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.simulator.asked import subject_of
from tiktoker_batch.simulator.http import DROPPED, Reply, Request
from tiktoker_batch.simulator.ledger import Entry
from tiktoker_batch.simulator.world import World

_SLOW_FACTOR = 5.0
CHARACTERS_A_SECOND = 15.0  # of speech at an ordinary pace
PROVIDER = "elevenlabs"


def premade_voices() -> dict[str, str]:
    """The names of ElevenLabs' voices that the catalog knows, by id."""
    voices = load_catalog().voices.values()
    return {voice.ids[PROVIDER]: voice.title.partition(",")[0] for voice in voices if PROVIDER in voice.ids}


def spoken_seconds(text: str) -> float:
    """How long a text takes to say."""
    return round(max(len(text) / CHARACTERS_A_SECOND, 0.5), 1)


def alignment_of(text: str, seconds: float) -> dict[str, list[Any]]:
    """When each letter is said: evenly, after a breath and before another."""
    lead, count = 0.05, max(len(text), 1)
    each = (seconds - 0.2) / count
    starts = [round(lead + each * number, 3) for number in range(len(text))]
    return {
        "characters": list(text),
        "character_start_times_seconds": starts,
        "character_end_times_seconds": [round(start + each, 3) for start in starts],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """An entry of the history."""

    entry: Entry
    voice: str
    sound: bytes
    alignment: Mapping[str, Any]
    at: datetime


@dataclass(kw_only=True)
class Speech:
    """``history`` is newest last, as it was spoken."""

    world: World
    history: dict[str, Spoken] = field(default_factory=dict)

    async def speak(self, request: Request) -> Reply:
        """``POST /v1/text-to-speech/{voice}[/with-timestamps|/stream|/stream/with-timestamps]``."""
        voice, _, form = request.path.removeprefix("/v1/text-to-speech/").partition("/")
        given = request.json()
        limits = self._limits()
        wrong = self._wrong(voice, given)
        if wrong is not None:
            return wrong
        crowded = self.world.in_flight[PROVIDER] >= self.world.account[PROVIDER]
        trouble = "crowded" if crowded else self.world.faults.draw("speak", self._subject(voice, given))
        refusal = REFUSALS.get(trouble)
        if refusal is not None:
            return Reply(status=refusal.status, body=refusal.body, headers={**refusal.headers, **limits})
        spoken = await self._speak(voice, given, request.query.get("output_format", "mp3_44100_128"), trouble)
        if trouble == "lost_reply":
            return DROPPED
        headers = {**limits, "request-id": spoken.entry.id, "history-item-id": spoken.entry.id}
        headers["character-cost"] = str(len(str(given["text"])))

        def delivered() -> None:
            spoken.entry.delivered += 1

        return _spoken_reply(spoken, form, headers, trouble, delivered)

    async def _speak(self, voice: str, given: Mapping[str, Any], form: str, trouble: str | None) -> Spoken:
        world, text = self.world, str(given["text"])
        model = world.models[f"{PROVIDER}:{given['model_id']}"]
        entry = world.accept(PROVIDER, model, f"el-{world.number():08d}", given)
        entry.state, entry.started_at = "running", datetime.now(UTC)
        world.enter(PROVIDER)
        try:
            usual = world.latency.draw(model, self._subject(voice, given))
            await trio.sleep(usual * (_SLOW_FACTOR if trouble == "slow" else 1.0))
            seconds = spoken_seconds(text)
            sound = await world.media.speech(seconds, form=form)
        finally:
            world.leave(PROVIDER)
        entry.state, entry.paid, entry.ended_at = "done", True, datetime.now(UTC)
        alignment = alignment_of(text, seconds)
        spoken = Spoken(entry=entry, voice=voice, sound=sound, alignment=alignment, at=datetime.now(UTC))
        self.history[entry.id] = spoken
        return spoken

    def _limits(self) -> dict[str, str]:
        return {
            "current-concurrent-requests": str(self.world.in_flight[PROVIDER] + 1),
            "maximum-concurrent-requests": str(self.world.account[PROVIDER]),
        }

    def _subject(self, voice: str, given: Mapping[str, Any]) -> str:
        model = self.world.models[f"{PROVIDER}:{given['model_id']}"]
        return subject_of(model, {**given, "voice": voice})

    def _wrong(self, voice: str, given: Any) -> Reply | None:
        text = given.get("text") if isinstance(given, dict) else None
        if text is not None and not isinstance(text, str):
            return _invalid("body", "text", "Input should be a valid string", "string_type")
        if text is None or not text.strip():
            return _invalid("body", "text", "Field required", "missing")
        model = self.world.models.get(f"{PROVIDER}:{given.get('model_id')}")
        if model is None:
            return _error(400, "model_not_found", "A model with this id does not exist")
        if voice not in self._voices():
            return REFUSALS["voice_not_found"]
        if model.prompt_characters is not None and len(text) > model.prompt_characters:
            return _error(400, "max_character_limit_exceeded", "The text is too long for this model")
        if given.get("language_code") and model.id == "eleven_multilingual_v2":
            return _error(400, "invalid_parameters", "This model does not take language_code")
        return None

    # ------------------------------------------------------------------ looking

    def voices(self) -> Reply:
        """``GET /v1/voices``."""
        listed = [{"voice_id": voice, "name": name, "category": kind} for voice, (name, kind) in self._voices().items()]
        return Reply(body={"voices": listed})

    def _voices(self) -> dict[str, tuple[str, str]]:
        """Name and category of every voice of the account, by id."""
        own = dict.fromkeys(sorted(self.world.voices), ("A voice of your own", "cloned"))
        return own | {voice: (name, "premade") for voice, name in premade_voices().items()}

    async def look(self, request: Request) -> Reply:
        """``GET /v1/history[/{id}[/audio]]``."""
        asker = f"{request.path} {sorted(request.query.items())}"
        trouble = await self.world.plain_trouble(self.world.faults.draw("listing", "history", asker))
        if trouble is not None:
            return trouble
        name, _, part = request.path.removeprefix("/v1/history").strip("/").partition("/")
        if not name:
            return self._page(request.query)
        spoken = self.history.get(name)
        if spoken is None:
            return _error(404, "history_item_not_found", "There is no such item")
        if part == "audio":
            return Reply(body=spoken.sound, headers={"content-type": "audio/mpeg"})
        return Reply(body=_item(spoken))

    def _page(self, query: Mapping[str, str]) -> Reply:
        size = query.get("page_size", "100")
        if not size.isdecimal():
            return _invalid("query", "page_size", "Input should be a valid integer", "int_parsing")
        found = [each for each in reversed(self.history.values()) if query.get("voice_id") in {None, each.voice}]
        names = [each.entry.id for each in found]
        after = query.get("start_after_history_item_id")
        start = names.index(after) + 1 if after in names else 0
        end = start + int(size)
        last = names[start:end][-1] if names[start:end] else None
        listed = [_item(each) for each in found[start:end]]
        return Reply(body={"history": listed, "has_more": end < len(found), "last_history_item_id": last})


def _item(spoken: Spoken) -> dict[str, Any]:
    return {
        "history_item_id": spoken.entry.id,
        "request_id": spoken.entry.id,
        "voice_id": spoken.voice,
        "model_id": spoken.entry.model.id,
        "text": spoken.entry.input["text"],
        "date_unix": int(spoken.at.timestamp()),
        "character_count_change_from": 0,
        "character_count_change_to": len(str(spoken.entry.input["text"])),
        "content_type": "audio/mpeg",
        "state": "created",
        "source": "TTS",
        "alignments": {"alignment": spoken.alignment, "normalized_alignment": spoken.alignment},
    }


def _spoken_reply(spoken: Spoken, form: str, headers: dict[str, str], trouble: str | None, sent: Any) -> Reply:
    alignment: Any = dict(spoken.alignment)
    if trouble == "no_alignment":
        alignment = None
    elif trouble == "collapsed_alignment":
        alignment = {**alignment, "character_end_times_seconds": [0.1] * len(alignment["characters"])}
        alignment["character_start_times_seconds"] = [0.1] * len(alignment["characters"])
    sound = b"" if trouble == "silent_failure" else spoken.sound
    body = {"audio_base64": base64.b64encode(sound).decode(), "alignment": alignment, "normalized_alignment": alignment}
    match form:
        case "with-timestamps":
            return Reply(body=body, headers=headers, sent=sent)
        case "stream/with-timestamps":
            return Reply(body=json.dumps(body).encode() + b"\n", headers=headers, sent=sent)
        case _:
            return Reply(body=sound, headers={**headers, "content-type": "audio/mpeg"}, sent=sent)


def _error(status: int, code: str, message: str) -> Reply:
    detail = {"type": "error", "code": code, "status": code, "message": message, "request_id": "none"}
    return Reply(status=status, body={"detail": detail})


def _invalid(where: str, name: str, message: str, kind: str) -> Reply:
    return Reply(status=422, body={"detail": [{"loc": [where, name], "msg": message, "type": kind}]})


MISHAP = _error(500, "internal_server_error", "Something went wrong")
_BUSY = _error(429, "system_busy", "The system is busy")
REFUSALS: Mapping[str | None, Reply] = {
    "unauthorized": _error(401, "invalid_api_key", "Invalid API key"),
    "quota_exceeded": _error(401, "quota_exceeded", "This request exceeds your quota"),
    "voice_not_found": _error(400, "voice_not_found", "A voice with this id was not found"),
    "invalid": _invalid("body", "text", "Field required", "missing"),
    "crowded": _error(429, "concurrent_limit_exceeded", "Too many concurrent requests"),
    "busy": Reply(status=429, body=_BUSY.body, headers={"retry-after": "3"}),
    "error_500": MISHAP,
}
