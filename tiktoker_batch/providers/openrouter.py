"""OpenRouter: stories and shot lists from language models, as structured output."""

import json
import secrets as random_names
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import httpx
import trio

from tiktoker_batch.errors import BadRequest, ProviderError, UnknownOutcome, Unusable
from tiktoker_batch.model import Json, Kind
from tiktoker_batch.providers.base import Job, Produced, Request
from tiktoker_batch.providers.http import (
    GATE,
    Wire,
    base_url,
    body_of,
    bounded_patience,
    open_client,
    retry_after,
)
from tiktoker_batch.providers.policy import Signal, Verb
from tiktoker_batch.providers.registry import PROVIDERS
from tiktoker_batch.providers.setting import Setting
from tiktoker_batch.providers.text import first_text, well_formed
from tiktoker_batch.redaction import Secrets

API = "https://openrouter.ai"
# TikToker's: variants are spread around 1, the shot list is to be exact.
_COOLEST, _WARMEST, _SHOTS, _JUDGE = 0.9, 1.1, 0.7, 0.0
# Tokens a word and a shot may take in any language; they bound the answer and what is held back for it.
_TOKENS_A_WORD, _TOKENS_A_SHOT, _TOKENS_AROUND = 4, 150, 300
_SECONDS = 180.0  # a long story of a slow model; the service sends nothing until it is whole
_JUDGE_PROMPT = (
    "Below are {count} narrations for the same short video. Choose the one with the strongest hook, the clearest "
    "build-up and the most memorable last sentence, and that keeps closest to its topic: {topic}\n\n{stories}"
)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The text of a completion, and what it cost in USD where the service says."""

    text: str
    cost_usd: Decimal | None


@dataclass(kw_only=True)
class OpenRouterProvider:
    """Completions are asked for in ``collect``: they cost fractions of a cent."""

    wire: Wire
    base: str
    name: str = "openrouter"

    async def prepare(self, request: Request) -> Request:
        """Nothing can be done ahead."""
        await trio.lowlevel.checkpoint()
        return request

    async def submit(self, request: Request) -> Job:
        """Take the request; it is sent in ``collect``."""
        await trio.lowlevel.checkpoint()
        name = f"openrouter-{random_names.token_hex(6)}"
        return Job(id=name, provider=self.name, model=request.model, request=request)

    async def find(self, request: Request, sent: datetime) -> Job | None:
        """This service does not show what it was sent."""
        await trio.lowlevel.checkpoint()
        raise UnknownOutcome(f"{self.name}: a request that was not answered cannot be looked up", maybe_charged=True)

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        """Have the texts written: ``{"stories": [...], "best": index or null}``, or a list of shots."""
        match job.request:
            case Request(kind=Kind.STORY) as request:
                return await self._stories(request)
            case Request(kind=Kind.SHOTS) as request:
                return await self._shots(request)
            case _:
                raise BadRequest(f"{self.name} writes stories and shots, nothing else")

    async def cancel(self, job: Job) -> bool:
        """The connection is closed already; a beginning may be charged."""
        await trio.lowlevel.checkpoint()
        return False

    # ------------------------------------------------------------------ stories

    async def _stories(self, request: Request) -> Produced:
        prompts = request.params.get("prompts")
        texts = [str(each) for each in prompts] if isinstance(prompts, list) else [request.prompt]
        answers, costs = await self._write_all(request, texts)
        told = [answer.text.strip() for answer in answers]
        best: int | None = None
        if request.params.get("choose") == "best" and len(told) > 1:
            best, judging = await self._judge(request, told)
            costs.append(judging)
        return Produced(value={"stories": list(told), "best": best}, cost_usd=_sum(costs))

    async def _write_all(self, request: Request, prompts: Sequence[str]) -> tuple[list[_Answer], list[Decimal | None]]:
        """Every variant at once; those that were written, if at least one was, and what each cost, written or not."""
        written: dict[int, _Answer] = {}
        failures: list[ProviderError] = []

        async def write(number: int, prompt: str) -> None:
            warmth = _COOLEST + (_WARMEST - _COOLEST) * number / max(len(prompts) - 1, 1)
            try:
                answer = await self._complete(request, prompt, temperature=round(warmth if prompts[1:] else 1.0, 3))
                written[number] = answer
            except ProviderError as error:
                failures.append(error)

        async with trio.open_nursery() as nursery:
            for number, prompt in enumerate(prompts):
                nursery.start_soon(write, number, prompt)
        if not written:
            raise failures[0]
        answers = [written[number] for number in sorted(written)]
        return answers, [answer.cost_usd for answer in answers] + [_cost_of(failure) for failure in failures]

    async def _judge(self, request: Request, stories: Sequence[str]) -> tuple[int | None, Decimal | None]:
        """The index of the best story by the model's own judgement, ``None`` where it gives none; and its cost."""
        listed = "\n\n".join(f"Narration {number}:\n{story}" for number, story in enumerate(stories, start=1))
        prompt = _JUDGE_PROMPT.format(count=len(stories), topic=request.params.get("topic"), stories=listed)
        schema = _object({"best": {"type": "integer", "minimum": 1, "maximum": len(stories)}})
        try:
            answer = await self._complete(request, prompt, temperature=_JUDGE, schema=("choice", schema), tokens=200)
        except ProviderError as error:
            return None, _cost_of(error)
        return _choice(answer.text, len(stories)), answer.cost_usd

    # ------------------------------------------------------------------ shots

    async def _shots(self, request: Request) -> Produced:
        count = _whole(request.params["count"])
        shot = {"type": "string", "description": "an English prompt of 15 to 35 words for an image generator"}
        schema = _object({"shots": {"type": "array", "items": shot, "minItems": count, "maxItems": count}})
        answer = await self._complete(
            request,
            request.prompt,
            temperature=_SHOTS,
            schema=("shot_list", schema),
            tokens=_TOKENS_AROUND + _TOKENS_A_SHOT * count,
        )
        shots = _shot_list(answer.text)
        if len(shots) != count:
            raise Unusable(f"{self.name}: the model wrote {len(shots)} shots, not {count}", maybe_charged=True)
        return Produced(value=list(shots), cost_usd=answer.cost_usd)

    # ------------------------------------------------------------------ one completion

    async def _complete(
        self,
        request: Request,
        prompt: str,
        *,
        temperature: float,
        schema: tuple[str, Mapping[str, Any]] | None = None,
        tokens: int = 0,
    ) -> _Answer:
        body = _body(request, prompt, temperature=temperature, tokens=tokens)
        if schema is not None:
            name, shape = schema
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": name, "strict": True, "schema": shape},
            }
            body["provider"] = {"require_parameters": True}
        response = await self.wire.send(Verb.WRITE, "POST", f"{self.base}/api/v1/chat/completions", json=body)
        answer = body_of(response)
        trouble = _trouble(answer)
        if trouble is not None:
            # An answer of 200 can carry an error, whose own code then counts.
            raise self.wire.explain(_signal(trouble, response))
        text = _text(answer)
        if text is None:
            raise Unusable(f"{self.name}: the model answered with nothing", maybe_charged=True)
        if answer["choices"][0].get("finish_reason") == "length":
            message = f"{self.name}: the answer was cut off at {body['max_tokens']} tokens"
            raise Unusable(message, hint="give the model a larger max_tokens under 'models:'", maybe_charged=True)
        return _Answer(text, _cost(answer))


def _body(request: Request, prompt: str, *, temperature: float, tokens: int) -> dict[str, Any]:
    words = request.params.get("words")
    story = _TOKENS_AROUND + _TOKENS_A_WORD * int(words) if isinstance(words, int | float) else 0
    given = request.params.get("max_tokens")
    most = max(tokens or story, int(given) if isinstance(given, int | float) else 0)
    chosen = {name: request.params[name] for name in ("models", "top_p", "reasoning") if name in request.params}
    return {
        "model": request.model,
        "messages": [{"role": "user", "content": well_formed(prompt)}],
        "temperature": request.params.get("temperature", temperature),
        "max_tokens": most,
        **chosen,
    }


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _choice(text: str, count: int) -> int | None:
    """The index that a judge chose, counted from 0."""
    try:
        chosen = json.loads(text)["best"]
    except (ValueError, KeyError, TypeError):
        return None
    return chosen - 1 if isinstance(chosen, int) and 1 <= chosen <= count else None


def _shot_list(text: str) -> list[str]:
    """The shots of an answer, also of a model that answered with the bare array or wrapped it in a code fence."""
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        found = json.loads(bare)
    except ValueError:
        raise Unusable("openrouter: the list of shots is not JSON", maybe_charged=True) from None
    shots = found.get("shots") if isinstance(found, Mapping) else found
    if not isinstance(shots, list) or not all(isinstance(shot, str) and shot.strip() for shot in shots):
        raise Unusable("openrouter: the answer is not a list of shots", maybe_charged=True)
    return [well_formed(" ".join(shot.split())) for shot in shots]


def _trouble(answer: Any) -> Mapping[str, Any] | None:
    """The error that an answer carries, at its top or inside its first choice."""
    if not isinstance(answer, Mapping):
        return {"code": 502, "message": "the answer is not JSON"}
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else {}
    for error in (answer.get("error"), first.get("error")):
        if isinstance(error, Mapping):
            return error
    return {"code": 502, "message": "the model broke off"} if first.get("finish_reason") == "error" else None


def _text(answer: Mapping[str, Any]) -> str | None:
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, Mapping) else None
    return first_text([message.get("content")]) if isinstance(message, Mapping) else None


def _cost(answer: Mapping[str, Any]) -> Decimal | None:
    usage = answer.get("usage")
    told = usage.get("cost") if isinstance(usage, Mapping) else None
    try:
        cost = Decimal(str(told)) if isinstance(told, int | float | str) else None
    except InvalidOperation:
        return None
    return cost if cost is not None and cost.is_finite() and cost >= 0 else None


def _cost_of(failure: ProviderError) -> Decimal | None:
    """What a failed request cost: nothing, or who knows."""
    return None if failure.maybe_charged else Decimal(0)


def _sum(costs: Sequence[Decimal | None]) -> Decimal | None:
    """All costs together; ``None``, so that the price counts that was quoted, when one of them is not known."""
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None


def _signal(error: Mapping[str, Any], response: httpx.Response, verb: Verb = Verb.WRITE) -> Signal:
    found = error.get("metadata")
    metadata: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    told = error.get("code")
    status = told if isinstance(told, int) and 100 <= told < 600 else response.status_code
    code = first_text([metadata.get("reason"), metadata.get("error_type")])
    if metadata.get("reasons") or metadata.get("patterns"):
        code = "moderation"
    after = metadata.get("retry_after")
    return Signal(
        verb=verb,
        status=status if status >= 400 else 502,
        code=code,
        message=f"{status} {first_text([error.get('message')]) or code or 'no reason given'}",
        retry_after=bounded_patience(after) if isinstance(after, int | float) else retry_after(response),
        of_model=metadata.get("provider_code") is not None,
    )


def _read(verb: Verb, response: httpx.Response) -> Signal:
    body = body_of(response)
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        error = {"message": first_text([error]) or response.reason_phrase}
    return _signal({**error, "code": response.status_code}, response, verb)


def _whole(value: Json) -> int:
    if isinstance(value, int | float):
        return int(value)
    raise BadRequest(f"expected a number, got {value!r}")


@asynccontextmanager
async def open_openrouter(setting: Setting) -> AsyncIterator[OpenRouterProvider]:
    """The provider with its connections, for as long as the context."""
    key = PROVIDERS["openrouter"].key(setting.environ)
    address = base_url(setting.environ, "OPENROUTER_BASE_URL", API)
    headers = {"Authorization": f"Bearer {key}", "X-Title": "tiktoker-batch"}
    # A video's variants are requests of their own: the limit is kept here, request by request.
    seats = setting.seats.get("openrouter", GATE)
    async with open_client(headers=headers, patience=_SECONDS, connections=seats) as client:
        gate = trio.CapacityLimiter(seats)
        wire = Wire(provider="openrouter", client=client, read=_read, secrets=Secrets((key,)), gate=gate)
        yield OpenRouterProvider(wire=wire, base=address)
