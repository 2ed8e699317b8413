"""How a limit adapts, and what of it is kept for the next batch."""

import json
import time
from pathlib import Path

import pytest

from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.learned import KEPT_SECONDS, recall_limits, remember_limits
from tiktoker_batch.engine.limit import Limit
from tiktoker_batch.events import CapacityChanged


def probes(limit: Limit, count: int) -> list[float]:
    """The seats after each of so many successes, every seat being taken again at once."""
    seats = []
    for _ in range(count):
        limit.taken = int(limit.seats)
        limit.probe()
        seats.append(limit.seats)
    return seats


def test_a_refusal_leaves_as_many_seats_as_were_taken_by_others() -> None:
    limit = Limit(most=40, seats=40, taken=21)
    limit.snap()
    assert limit.seats == 20


def test_of_a_burst_that_is_too_large_as_many_are_left_as_were_taken() -> None:
    limit = Limit(most=40, seats=40, taken=40)
    for _ in range(20):  # twenty of forty are refused, and each gives its seat back
        limit.snap()
        limit.taken -= 1
    assert limit.seats == 20


def test_there_is_always_one_seat() -> None:
    limit = Limit(most=4, seats=4, taken=1)
    limit.snap()
    assert limit.seats == 1


def test_one_more_is_tried_after_as_many_successes_as_there_are_seats() -> None:
    limit = Limit(most=40, seats=40, taken=5)
    limit.snap()
    assert probes(limit, 4) == [4, 4, 4, 5]


def test_a_limit_that_was_raised_is_soon_reached() -> None:
    limit = Limit(most=40, seats=40, taken=11)
    limit.snap()
    seats = probes(limit, 40)
    assert seats.index(30) < 2 * 20


def test_an_unchanging_limit_refuses_one_request_in_as_many_as_it_has_seats() -> None:
    limit, refused = Limit(most=40, seats=10, patience=10.0), 0
    for _ in range(1000):
        limit.taken = int(limit.seats)
        if limit.seats > 10:
            limit.snap()
            refused += 1
        else:
            limit.probe()
    assert 80 <= refused <= 100


def test_seats_that_stand_empty_say_nothing_of_more() -> None:
    limit = Limit(most=40, seats=5, taken=3)
    for _ in range(50):
        limit.probe()
    assert limit.seats == 5


def test_a_limit_never_grows_above_what_was_set() -> None:
    limit = Limit(most=8, seats=6)
    assert probes(limit, 100)[-1] == 8


# ---------------------------------------------------------------------- several limits


async def a_full(**seats: int) -> tuple[Capacity, list[CapacityChanged]]:
    told: list[CapacityChanged] = []
    capacity = Capacity(seats, chosen={"fal"}, tell=told.append)
    for name, count in seats.items():
        for _ in range(count):
            await capacity.acquire([name, f"{name}:model"])
    return capacity, told


async def test_a_refusal_by_a_provider_leaves_others_alone() -> None:
    capacity, told = await a_full(fal=4, openrouter=4)
    capacity.throttle("fal")
    assert (capacity.seats("fal"), capacity.seats("openrouter"), capacity.seats("fal:model")) == (3, 4, None)
    assert told == [CapacityChanged(limit="fal", seats=3, cause="refused")]


async def test_a_model_that_nobody_has_limited_is_limited_by_its_refusal() -> None:
    capacity, told = await a_full(fal=4)
    capacity.throttle("fal:model")
    assert (capacity.seats("fal"), capacity.seats("fal:model")) == (4, 3)
    assert told == [CapacityChanged(limit="fal:model", seats=3, cause="refused")]


async def test_only_what_changes_is_told() -> None:
    capacity, told = await a_full(fal=1)
    capacity.throttle("fal")
    capacity.bear("fal", 5)
    capacity.relax("fal")
    assert not told
    assert capacity.seats("fal") == 1


# ---------------------------------------------------------------------- from batch to batch


async def test_what_was_learned_is_where_the_next_batch_begins(tmp_path: Path) -> None:
    memory = tmp_path / "limits.json"
    capacity, _ = await a_full(fal=4, elevenlabs=4)
    capacity.throttle("fal")
    capacity.throttle("fal:model")
    capacity.bear("elevenlabs", 10)
    remember_limits(memory, capacity.learned)
    told: list[CapacityChanged] = []
    after = Capacity({"fal": 40, "elevenlabs": 4}, tell=told.append)
    after.start_from(recall_limits(memory))
    assert [after.seats(name) for name in ("fal", "fal:model", "elevenlabs")] == [3, 3, 4]
    assert {(event.limit, event.cause) for event in told} == {("fal", "remembered"), ("fal:model", "remembered")}


async def test_what_was_not_found_out_again_is_not_kept_any_longer() -> None:
    capacity, _ = await a_full(fal=8)
    capacity.start_from({"fal": 5})
    assert capacity.learned == {}
    capacity.throttle("fal")
    assert capacity.learned == {"fal": 5}


def test_a_memory_never_raises_a_limit() -> None:
    capacity = Capacity({"fal": 4}, chosen={"fal"})
    capacity.start_from({"fal": 40})
    assert capacity.seats("fal") == 4


def test_what_a_batch_has_not_met_is_kept_and_what_is_old_forgotten(tmp_path: Path) -> None:
    memory = tmp_path / "limits.json"
    remember_limits(memory, {"fal": 3, "openrouter": 5})
    remember_limits(memory, {"fal": 6})
    assert recall_limits(memory) == {"fal": 6, "openrouter": 5}
    old = time.time() - KEPT_SECONDS - 1
    memory.write_text(json.dumps({"fal": [6, old], "openrouter": [5, time.time()]}))
    assert recall_limits(memory) == {"openrouter": 5}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"fal": 3}', '{"fal": ["a", 1]}', '{"fal": [0, 9e9]}', '{"fal": [true, 1e11]}']
)
def test_a_damaged_memory_is_an_empty_one(tmp_path: Path, text: str) -> None:
    memory = tmp_path / "limits.json"
    memory.write_text(text)
    assert recall_limits(memory) == {}


def test_without_a_folder_nothing_is_kept() -> None:
    remember_limits(None, {"fal": 3})
    assert recall_limits(None) == {}
