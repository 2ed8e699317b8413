"""Many jobs at fal and few streams: who gets the next one, and the list that tells of all."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.simulated import (
    FLUX,
    HAILUO,
    a_clip,
    a_world,
    an_image,
    buy,
    open_provider,
    paid,
    simulated,
    troubles,
)
from tiktoker_batch.catalog.models import own_model
from tiktoker_batch.errors import PreflightError, ProviderError, Unavailable
from tiktoker_batch.providers.base import Provider
from tiktoker_batch.providers.fal.queue import LOOKS_VARIABLE, STREAMS_VARIABLE
from tiktoker_batch.simulator import platform
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.fal_job import Job
from tiktoker_batch.simulator.faults import Scripted
from tiktoker_batch.simulator.world import World
from tiktoker_batch.store.durations import Durations

LIST, LOOK, STREAM = "GET /v1/models/requests/by-endpoint", "GET requests/status", "GET requests/status/stream"
FEW_LOOKS = {STREAMS_VARIABLE: "0", LOOKS_VARIABLE: "1"}
SECONDS = 20.0


def a_crowded_world(*faults: Scripted, jobs: int = 40) -> World:
    """Jobs of twenty seconds, as their clients expect."""
    model = own_model(f"fal:{FLUX}", {"kind": "image", "typical_seconds": SECONDS}, a_world().models[f"fal:{FLUX}"])
    return a_world(*faults, latencies={"image": SECONDS, "clip": 5.0}, account={"fal": jobs}, models={model.ref: model})


async def buy_all(fal: Provider, folder: Path, jobs: int) -> tuple[float, list[ProviderError]]:
    """Buy so many pictures at once: how long that takes, and what went wrong."""
    began, failures = trio.current_time(), []

    async def one(number: int) -> None:
        try:
            await buy(fal, an_image(f"picture {number}", token=number), {"image": folder / f"{number}.jpg"})
        except ProviderError as error:
            failures.append(error)

    async with trio.open_nursery() as nursery:
        for number in range(jobs):
            nursery.start_soon(one, number)
    return trio.current_time() - began, failures


async def test_a_crowd_is_told_of_by_one_list(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_crowded_world()
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path, FEW_LOOKS) as fal:
        taken, failures = await buy_all(fal, tmp_path, 40)
    assert not failures
    assert paid(simulator) == 40
    assert world.ledger.requests[LIST] + world.ledger.requests[LOOK] < 40, "less than a question for each job"
    assert taken < 2 * SECONDS, "a look at each of them in its turn would take forty seconds more"


async def test_without_the_list_every_job_is_looked_at_in_its_turn(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_crowded_world(*troubles("listing", *["error_500"] * 100), jobs=12)
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path, FEW_LOOKS) as fal:
        taken, failures = await buy_all(fal, tmp_path, 12)
    assert not failures
    assert paid(simulator) == 12
    assert world.ledger.requests[LOOK] >= 12
    assert taken >= SECONDS


async def test_a_list_of_finished_requests_alone_does_as_well(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_crowded_world(*troubles("listing", *["finished_only"] * 100))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path, FEW_LOOKS) as fal:
        taken, failures = await buy_all(fal, tmp_path, 40)
    assert not failures
    assert taken < 2.5 * SECONDS


async def test_what_failed_in_a_crowd_is_told_by_its_own_status(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_crowded_world(*troubles("job", "runner_lost", "runner_lost"))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path, FEW_LOOKS) as fal:
        _, failures = await buy_all(fal, tmp_path, 40)
    assert [type(error) for error in failures] == [Unavailable, Unavailable]
    assert not any(error.maybe_charged for error in failures)
    assert paid(simulator) == 38


async def test_a_list_that_is_wrong_makes_no_failure_of_a_job(
    tmp_path: Path, flying_clock: FlyingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says of every job that it ended well, long before any does."""
    item = platform._item

    def hasty(job: Job, *, payloads: bool) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        return {**item(job, payloads=payloads), "ended_at": now, "status_code": 200, "duration": 1.0}

    monkeypatch.setattr(platform, "_item", hasty)
    world, durations = a_crowded_world(jobs=12), Durations()
    async with (
        simulated(world) as simulator,
        open_provider("fal", simulator, tmp_path, FEW_LOOKS, durations=durations) as fal,
    ):
        taken, failures = await buy_all(fal, tmp_path, 12)
    assert not failures
    assert paid(simulator) == 12
    assert taken >= SECONDS


async def test_what_a_crowd_took_is_learned(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world, durations = a_crowded_world(), Durations()
    async with (
        simulated(world) as simulator,
        open_provider("fal", simulator, tmp_path, FEW_LOOKS, durations=durations) as fal,
    ):
        await buy_all(fal, tmp_path, 40)
    assert durations.job(f"fal:{FLUX}").usual == pytest.approx(SECONDS, rel=0.05)


async def test_a_stream_that_ends_goes_on_to_the_job_that_waits_longest(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    """Eight streams for twelve jobs: the last four are asked after at first, and listened to in the end."""
    world = a_world(latencies={"image": 5.0, "clip": 60.0})
    picture = tmp_path / "a.png"
    picture.write_bytes(await world.media.picture(720, 1280, seed=1, words="", form="png", black=False))
    async with (
        simulated(world) as simulator,
        open_provider("fal", simulator, tmp_path, {STREAMS_VARIABLE: "8"}) as fal,
        trio.open_nursery() as nursery,
    ):
        for number in range(8):
            nursery.start_soon(buy, fal, an_image(token=number), {"image": tmp_path / f"{number}.jpg"})
        await trio.sleep(1.0)
        for number in range(8, 12):
            clip = a_clip(picture, token=number, model=HAILUO)
            nursery.start_soon(buy, fal, clip, {"clip": tmp_path / f"{number}.mp4"})
    assert paid(simulator) == 12
    assert world.ledger.requests[STREAM] == 12
    assert world.ledger.requests[LOOK] == 0, "the first streams were free before anybody had to look"


@pytest.mark.parametrize("rate", ["many", "1.5", "-1"])
async def test_a_rate_is_a_whole_number(tmp_path: Path, rate: str) -> None:
    async with simulated(a_world()) as simulator:
        with pytest.raises(PreflightError, match=LOOKS_VARIABLE):
            async with open_provider("fal", simulator, tmp_path, {LOOKS_VARIABLE: rate}):
                pass
