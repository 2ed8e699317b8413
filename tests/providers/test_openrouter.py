"""Stories and shot lists from OpenRouter, against the simulator."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.simulated import a_shot_list, a_story, a_world, buy, open_provider, paid, simulated
from tiktoker_batch.errors import Unusable
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.faults import Scripted

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
