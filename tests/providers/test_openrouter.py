"""Stories and shot lists from OpenRouter, against the simulator."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.simulated import a_shot_list, a_story, a_world, buy, open_provider, paid, serving, simulated
from tiktoker_batch.errors import AuthFailed, BadRequest, RateLimited, Unavailable, UnknownOutcome, Unusable
from tiktoker_batch.providers.base import Provider
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.faults import Scripted
from tiktoker_batch.simulator.http import Reply
from tiktoker_batch.simulator.http import Request as HttpRequest

PROMPTS = tuple(f"Write about 40 words on lighthouses, version {number}." for number in (1, 2, 3))


async def test_variants_are_written_at_once_each_a_little_warmer(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(latencies={"text": 10.0})
    async with simulated(world) as simulator, open_provider("openrouter", simulator, tmp_path) as provider:
        began = flying_clock.current_time()
        made = await buy(provider, a_story(*PROMPTS), {})
        took = flying_clock.current_time() - began
    match made.value:
        case {"stories": [*stories], "best": None}:
            assert len({str(story) for story in stories}) == 3
            assert all(len(str(story).split()) == 40 for story in stories)
        case other:
            raise AssertionError(other)
    assert sorted(entry.input["temperature"] for entry in world.ledger.entries) == [0.9, 1.0, 1.1]
    assert took < 15


async def test_the_best_is_chosen_by_one_more_call(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world()
    async with simulated(world) as simulator, open_provider("openrouter", simulator, tmp_path) as provider:
        made = await buy(provider, a_story(*PROMPTS, choose="best"), {})
    assert isinstance(made.value, dict)
    assert made.value["best"] in {0, 1, 2}
    assert paid(simulator) == 4
    judging = world.ledger.entries[-1].input
    assert judging["temperature"] == 0
    assert judging["response_format"]["json_schema"]["strict"] is True
    assert made.cost_usd == world.ledger.spent_usd


async def test_one_variant_that_fails_does_not_spoil_the_others(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(Scripted(verb="write", kind="error_502", match="version 2"))
    async with simulated(world) as simulator, open_provider("openrouter", simulator, tmp_path) as provider:
        made = await buy(provider, a_story(*PROMPTS), {})
    assert isinstance(made.value, dict)
    assert isinstance(made.value["stories"], list)
    assert len(made.value["stories"]) == 2


async def test_a_judge_that_fails_leaves_the_choice_to_us(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(Scripted(verb="write", kind="error_502", match="strongest hook"))
    async with simulated(world) as simulator, open_provider("openrouter", simulator, tmp_path) as provider:
        made = await buy(provider, a_story(*PROMPTS, choose="best"), {})
    assert isinstance(made.value, dict)
    assert made.value["best"] is None


async def test_all_shots_come_in_one_call_exactly_as_many_as_wanted(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world()
    async with simulated(world) as simulator, open_provider("openrouter", simulator, tmp_path) as provider:
        made = await buy(provider, a_shot_list(12), {})
    assert isinstance(made.value, list)
    assert len(made.value) == 12
    (entry,) = world.ledger.entries
    shots = entry.input["response_format"]["json_schema"]["schema"]["properties"]["shots"]
    assert (shots["minItems"], shots["maxItems"]) == (12, 12)
    assert entry.input["max_tokens"] >= 12 * 100
    assert made.cost_usd == Decimal("0.0004")


@pytest.mark.parametrize("kind", ["wrong_count", "not_json", "cut_off", "empty"])
async def test_a_list_of_no_use_may_be_asked_for_again(tmp_path: Path, flying_clock: FlyingClock, kind: str) -> None:
    world = a_world(Scripted(verb="write", kind=kind))
    async with simulated(world) as simulator, open_provider("openrouter", simulator, tmp_path) as provider:
        with pytest.raises(Unusable) as raised:
            await buy(provider, a_shot_list(), {})
    assert raised.value.retryable
    assert raised.value.maybe_charged


async def test_no_more_requests_than_the_limit_leave_at_once(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(latencies={"text": 10.0})
    async with (
        simulated(world) as simulator,
        open_provider("openrouter", simulator, tmp_path, seats={"openrouter": 2}) as provider,
    ):
        await buy(provider, a_story(*PROMPTS), {})
    assert world.ledger.peaks["openrouter"] == 2


async def test_a_limit_above_the_usual_one_is_used_to_the_full(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(latencies={"text": 10.0})
    async with (
        simulated(world) as simulator,
        open_provider("openrouter", simulator, tmp_path, seats={"openrouter": 20}) as provider,
        trio.open_nursery() as nursery,
    ):
        for number in range(8):
            prompts = [f"{prompt} Story {number}." for prompt in PROMPTS]
            nursery.start_soon(buy, provider, a_story(*prompts), {})
    assert world.ledger.peaks["openrouter"] == 20
    assert paid(simulator) == 24


# ---------------------------------------------------------------------- what a story costs


def written(text: str, cost: object = 0.001) -> Reply:
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return Reply(body={"choices": [choice], "usage": {"cost": cost}})


@asynccontextmanager
async def answered(reply: Callable[[Mapping[str, Any]], Reply], folder: Path) -> AsyncIterator[Provider]:
    """The provider at a service that answers what is asked for in this way."""

    async def handler(request: HttpRequest) -> Reply:
        await trio.lowlevel.checkpoint()
        return reply(request.json())

    async with (
        simulated(a_world()) as simulator,
        serving(handler) as address,
        open_provider("openrouter", simulator, folder, {"OPENROUTER_BASE_URL": address}) as provider,
    ):
        yield provider


def _is_judging(asked: Mapping[str, Any]) -> bool:
    return "strongest hook" in asked["messages"][0]["content"]


async def test_variants_and_judge_are_summed_up(tmp_path: Path, flying_clock: FlyingClock) -> None:
    def reply(asked: Mapping[str, Any]) -> Reply:
        return written('{"best": 3}', 0.0002) if _is_judging(asked) else written("Once.", 0.001)

    async with answered(reply, tmp_path) as provider:
        made = await buy(provider, a_story(*PROMPTS, choose="best"), {})
    assert made.cost_usd == Decimal("0.0032")
    assert made.value == {"stories": ["Once."] * 3, "best": 2}


@pytest.mark.parametrize("verdict", ["the second", "[]", "{}", '{"best": 4}', '{"best": 0}', '{"best": "2"}', "3"])
async def test_a_judge_that_says_nothing_of_use_is_paid_all_the_same(
    tmp_path: Path, flying_clock: FlyingClock, verdict: str
) -> None:
    def reply(asked: Mapping[str, Any]) -> Reply:
        return written(verdict if _is_judging(asked) else "Once.", 0.001)

    async with answered(reply, tmp_path) as provider:
        made = await buy(provider, a_story(*PROMPTS, choose="best"), {})
    assert made.cost_usd == Decimal("0.004")
    assert made.value == {"stories": ["Once."] * 3, "best": None}


@pytest.mark.parametrize(("kind", "cost"), [("error_502", Decimal("0.0008")), ("lost_reply", None), ("empty", None)])
async def test_a_variant_that_failed_costs_nothing_or_nobody_knows_what(
    tmp_path: Path, flying_clock: FlyingClock, kind: str, cost: Decimal | None
) -> None:
    """Where it is not known what was spent, the price counts that was quoted for all of it."""
    world = a_world(Scripted(verb="write", kind=kind, match="version 2"))
    async with simulated(world) as simulator, open_provider("openrouter", simulator, tmp_path) as provider:
        made = await buy(provider, a_story(*PROMPTS), {})
    assert made.cost_usd == cost


@pytest.mark.parametrize("cost", [None, "x", float("nan"), float("inf"), -1, True, []])
async def test_a_cost_that_is_none_is_not_believed(tmp_path: Path, flying_clock: FlyingClock, cost: object) -> None:
    async with answered(lambda _: written("Once.", cost), tmp_path) as provider:
        assert (await buy(provider, a_story(), {})).cost_usd is None


async def test_when_no_variant_comes_about_the_first_reason_is_told(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(Scripted(verb="write", kind="throttled", times=9))
    async with simulated(world) as simulator, open_provider("openrouter", simulator, tmp_path) as provider:
        with pytest.raises(RateLimited):
            await buy(provider, a_story(*PROMPTS), {})
    assert len(world.ledger.entries) == 0


# ---------------------------------------------------------------------- answers of any shape


@pytest.mark.parametrize(
    "text",
    [
        '{"shots": ["a  cat", "a dog"]}',
        '["a cat", "a dog"]',
        '```json\n{"shots": ["a cat", "a dog"]}\n```',
        '```\n["a cat", "a\\n dog"]\n```',
    ],
)
async def test_shots_are_understood_in_every_form_that_models_use(
    tmp_path: Path, flying_clock: FlyingClock, text: str
) -> None:
    async with answered(lambda _: written(text), tmp_path) as provider:
        assert (await buy(provider, a_shot_list(2), {})).value == ["a cat", "a dog"]


@pytest.mark.parametrize("text", ['{"shots": ["a", ""]}', '{"shots": [1, 2]}', '{"shots": "ab"}', '"ab"', "{}", "[[]]"])
async def test_a_list_that_is_none_is_unusable(tmp_path: Path, flying_clock: FlyingClock, text: str) -> None:
    async with answered(lambda _: written(text), tmp_path) as provider:
        with pytest.raises(Unusable, match="not a list of shots"):
            await buy(provider, a_shot_list(2), {})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, Unusable),
        ({"choices": None}, Unusable),
        ({"choices": []}, Unusable),
        ({"choices": ["x"]}, Unusable),
        ({"choices": [{"message": None}]}, Unusable),
        ({"choices": [{"message": {"content": ["x"]}}]}, Unusable),
        ("<html>", Unavailable),
        ([], Unavailable),
        ({"error": {"code": "x", "metadata": 5}}, Unavailable),
        ({"choices": [{"finish_reason": "error", "message": {"content": "Once upon"}}]}, Unavailable),
        ({"error": {"code": 402, "metadata": {"limit_source": "openrouter_key_limit"}}}, AuthFailed),
    ],
)
async def test_an_answer_of_any_shape_is_an_error_that_is_understood(
    tmp_path: Path, flying_clock: FlyingClock, body: Any, expected: type
) -> None:
    async with answered(lambda _: Reply(body=body), tmp_path) as provider:
        with pytest.raises(expected):
            await buy(provider, a_story(), {})


@pytest.mark.parametrize(("asked_for", "heeded"), [(-5, 0), (3, 3), (86_400, 600), (float("nan"), 0)])
async def test_the_patience_that_is_asked_for_is_heeded_within_reason(
    tmp_path: Path, flying_clock: FlyingClock, asked_for: float, heeded: float
) -> None:
    trouble = {"error": {"code": 429, "metadata": {"retry_after": asked_for}}}
    for reply in (Reply(body=trouble), Reply(status=429, headers={"retry-after": str(asked_for)})):
        async with answered(lambda _, reply=reply: reply, tmp_path) as provider:
            with pytest.raises(RateLimited) as raised:
                await buy(provider, a_story(), {})
        assert raised.value.retry_after == heeded


@pytest.mark.parametrize(("metadata", "of_model"), [({}, False), ({"provider_code": "overloaded"}, True)])
async def test_a_refusal_by_whoever_serves_the_model_says_nothing_of_the_account(
    tmp_path: Path, flying_clock: FlyingClock, metadata: dict[str, str], of_model: bool
) -> None:
    trouble = {"error": {"code": 429, "message": "slow down", "metadata": metadata}}
    async with answered(lambda _: Reply(status=429, body=trouble), tmp_path) as provider:
        with pytest.raises(RateLimited) as raised:
            await buy(provider, a_story(), {})
    assert raised.value.of_model == of_model


HALF = "\ud83e"  # of a hedgehog


async def test_half_an_emoji_in_a_story_is_replaced_before_the_judge_reads_it(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    judged: list[str] = []

    def reply(asked: Mapping[str, Any]) -> Reply:
        if not _is_judging(asked):
            return written(f"A hedgehog {HALF} and a whole one: 🦔.")
        judged.append(asked["messages"][0]["content"])
        return written('{"best": 2}')

    async with answered(reply, tmp_path) as provider:
        made = await buy(provider, a_story(*PROMPTS, choose="best"), {})
    story = "A hedgehog \ufffd and a whole one: 🦔."
    assert made.value == {"stories": [story] * 3, "best": 1}
    assert judged[0].count(story) == 3


async def test_half_an_emoji_in_a_shot_is_replaced(tmp_path: Path, flying_clock: FlyingClock) -> None:
    """The list is JSON inside of JSON: the half may come to light in either."""
    texts = [f'{{"shots": ["a cat {HALF}", "a dog"]}}', '{"shots": ["a cat \\ud83e", "a dog"]}']
    async with answered(lambda asked: written(texts.pop()), tmp_path) as provider:
        for _ in range(2):
            assert (await buy(provider, a_shot_list(2), {})).value == ["a cat \ufffd", "a dog"]


async def test_half_an_emoji_can_be_asked_for_and_refused(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with answered(lambda _: Reply(status=400, body={"error": {"message": f"no {HALF}"}}), tmp_path) as provider:
        with pytest.raises(BadRequest) as raised:
            await buy(provider, a_story(f"Write about {HALF}."), {})
    assert raised.value.message == "openrouter: 400 no \ufffd"


async def test_a_request_that_was_lost_cannot_be_looked_up(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with simulated(a_world()) as simulator, open_provider("openrouter", simulator, tmp_path) as provider:
        with pytest.raises(UnknownOutcome):
            await provider.find(a_story(), datetime.now(UTC))
        assert simulator.world.ledger.requests == {}
