"""OpenRouter's completions: stories of about the length that a prompt names, and exactly what a schema asks for."""

# ruff: noqa: RUF001 - Russian sentences

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import trio

from tiktoker_batch.simulator.asked import subject_of
from tiktoker_batch.simulator.http import DROPPED, Reply, Request
from tiktoker_batch.simulator.world import World

_LENGTH = re.compile(r"(\d+) words")
_TOKEN = 4  # characters
_LATIN = (
    "Nobody expected the door to open.", "The light moved slowly across the floor.", "She counted the steps twice.",
    "A bell rang somewhere below the street.", "The map had one name too many.", "Rain began before the answer came.",
    "He kept the letter for thirty years.", "The sea gave nothing back that night.", "Then the engine stopped.",
    "And the smallest of them laughed first.",
)  # fmt: skip
_CYRILLIC = (
    "Никто не ждал, что дверь откроется.", "Свет медленно полз по полу.", "Она дважды пересчитала ступени.",
    "Где-то внизу зазвонил колокол.", "На карте было одно лишнее имя.", "Дождь начался раньше ответа.",
    "Письмо он хранил тридцать лет.", "Море в ту ночь ничего не вернуло.", "А потом мотор замолчал.",
)  # fmt: skip
_SHOTS = (
    "wide shot of an empty harbour at dawn, fog over black water",
    "close-up of an old hand turning a brass key, warm lamplight",
    "low angle of a stone staircase that winds into the dark",
    "a red-haired woman in a green coat running across a wet square",
    "view from above of a small boat between grey waves",
    "a letter on a wooden table beside a cold cup of tea",
)


@dataclass(kw_only=True)
class Chat:
    """Answers at once for one model, after its latency."""

    world: World

    async def complete(self, request: Request) -> Reply:
        """``POST /api/v1/chat/completions``."""
        given = request.json()
        model = self.world.models.get(f"openrouter:{given.get('model')}") if isinstance(given, dict) else None
        prompt = _prompt(given)
        if model is None or prompt is None:
            return _error(400, "no such model, or no messages", {"error_type": "invalid_request"})
        subject = subject_of(model, given)
        trouble = self.world.faults.draw("write", subject)
        refusal = REFUSALS.get(trouble)
        if refusal is not None:
            return refusal
        entry = self.world.accept("openrouter", model, f"gen-{self.world.number():08d}", given)
        entry.started_at = datetime.now(UTC)
        self.world.enter("openrouter")
        try:
            await trio.sleep(self.world.latency.draw(model, subject))
        finally:
            self.world.leave("openrouter")
        entry.state, entry.paid, entry.ended_at = "done", True, datetime.now(UTC)
        if trouble == "lost_reply":
            return DROPPED
        content = _content(given, prompt, trouble)

        def delivered() -> None:
            entry.delivered += 1

        body = _completion(entry.id, given, content, prompt, entry.price_usd, cut=trouble == "cut_off")
        return Reply(body=body, sent=delivered)

    def key(self) -> Reply:
        """``GET /api/v1/key``."""
        facts = {
            "label": "simulated",
            "limit": None,
            "limit_remaining": None,
            "usage": float(self.world.ledger.spent_usd),
        }
        return Reply(body={"data": facts})


def _prompt(given: Any) -> str | None:
    """What the last message says; ``None`` where there is none."""
    messages = given.get("messages") if isinstance(given, dict) else None
    last = messages[-1] if isinstance(messages, list) and messages else None
    return str(last.get("content", "")) if isinstance(last, dict) else None


def _content(given: Mapping[str, Any], prompt: str, trouble: str | None) -> str:
    if trouble == "empty":
        return ""
    schema = _schema(given)
    rng = random.Random(prompt + str(given.get("temperature")))
    if schema is None:
        return _story(prompt, rng)
    if trouble == "not_json":
        return "Here are your shots! 1. " + _SHOTS[0]
    content = {name: _value(shape, rng, trouble) for name, shape in schema["properties"].items()}
    text = json.dumps(content)
    return text[: len(text) // 2] if trouble == "cut_off" else text


def _schema(given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    form = given.get("response_format")
    if not isinstance(form, Mapping) or form.get("type") != "json_schema":
        return None
    named = form.get("json_schema")
    schema = named.get("schema") if isinstance(named, Mapping) else None
    return schema if isinstance(schema, Mapping) and isinstance(schema.get("properties"), Mapping) else None


def _value(shape: Mapping[str, Any], rng: random.Random, trouble: str | None) -> Any:
    match shape.get("type"):
        case "array":
            count = int(shape.get("minItems", 1)) - (trouble == "wrong_count")
            return [f"{rng.choice(_SHOTS)}, scene {number}" for number in range(1, count + 1)]
        case "integer":
            return rng.randint(int(shape.get("minimum", 0)), int(shape.get("maximum", 1)))
        case _:
            return rng.choice(_SHOTS)


def _story(prompt: str, rng: random.Random) -> str:
    match = _LENGTH.search(prompt)
    wanted = int(match[1]) if match else 60
    bank = _CYRILLIC if "Russian" in prompt or re.search("[а-яё]{4}", prompt) else _LATIN
    words: list[str] = []
    while len(words) < wanted:
        words += rng.choice(bank).split()
    return " ".join(words[:wanted]).rstrip(".,;:") + "."


def _completion(
    name: str, given: Mapping[str, Any], content: str, prompt: str, price: Decimal, *, cut: bool
) -> dict[str, Any]:
    reason = "length" if cut else "stop"
    tokens = {"prompt_tokens": len(prompt) // _TOKEN, "completion_tokens": len(content) // _TOKEN}
    return {
        "id": name,
        "object": "chat.completion",
        "model": given["model"],
        "choices": [{"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": content}}],
        "usage": {**tokens, "total_tokens": sum(tokens.values()), "cost": float(price)},
    }


def _error(status: int, message: str, metadata: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Reply:
    body = {"error": {"code": status, "message": message, "metadata": metadata}}
    return Reply(status=status, body=body, headers=headers or {})


_UPSTREAM = {"code": 502, "message": "Upstream error", "metadata": {"error_type": "provider_unavailable"}}
_BROKEN_OFF = {"index": 0, "finish_reason": "error", "error": _UPSTREAM, "message": {"content": "Once upon"}}
MISHAP = _error(500, "Internal Server Error", {"error_type": "server"})
REFUSALS: Mapping[str | None, Reply] = {
    "unauthorized": _error(401, "No auth credentials found", {"error_type": "authentication"}),
    "no_credits": _error(402, "Insufficient credits", {"limit_source": "openrouter_credits"}),
    "budget_in_flight": _error(
        402,
        "Too much is in flight",
        {"reason": "in_flight_budget_exhausted", "limit_source": "openrouter_in_flight_budget"},
        headers={"retry-after": "2"},
    ),
    "moderated": _error(403, "Your input was flagged", {"reasons": ["violence"], "flagged_input": "..."}),
    "refused": _error(400, "The model refused", {"error_type": "refusal"}),
    "too_long": _error(400, "The context is too long", {"error_type": "context_length_exceeded"}),
    "throttled": _error(429, "Rate limit exceeded", {"error_type": "rate_limit_exceeded"}, {"retry-after": "2"}),
    "timeout_408": _error(408, "Timed out", {"error_type": "timeout"}),
    "error_502": _error(502, "Provider returned an error", {"error_type": "provider_unavailable"}),
    "error_503": _error(503, "Overloaded", {"error_type": "provider_overloaded"}, {"retry-after": "1"}),
    "error_in_200": Reply(body={"id": "gen-none", "choices": [_BROKEN_OFF]}),
}
