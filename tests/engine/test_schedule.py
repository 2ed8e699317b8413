"""In which order a run works on its videos, when it cannot work on all of them at once."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from msgspec import structs
from trio.testing import MockClock

from tests.engine.test_run import QUICK, Bench
from tests.values import a_plan, a_step
from tiktoker_batch.engine.attempt import StepSeats
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.pause import Pause
from tiktoker_batch.engine.ranks import LeastLeftFirst
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.errors import Unavailable
from tiktoker_batch.events import Event, VideoFinished, WorkDone
from tiktoker_batch.model import Step
from tiktoker_batch.recording import Recorder


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """One thing at a time."""
    return Bench(tmp_path, seats={"fake": 1})


def film(video: str, segments: int) -> list[Step]:
    pictures = [a_step(f"{video}/{n:02d}/image", segment=n) for n in range(1, segments + 1)]
    clips = [a_step(f"{video}/{n:02d}/clip", pictures[n - 1].id, segment=n) for n in range(1, segments + 1)]
    return [*pictures, *clips]


def finished(bench: Bench) -> list[str]:
    """The videos in the order in which they were finished."""
    return [event.video for event in bench.events(VideoFinished)]  # type: ignore[attr-defined]


async def test_videos_are_finished_one_after_another_the_shortest_first(
    bench: Bench, autojump_clock: MockClock
) -> None:
    await bench.run(*film("long", 6), *film("short", 2), *film("middle", 4))
    assert finished(bench) == ["short", "middle", "long"]
    assert bench.times(VideoFinished) == [4, 12, 24]


async def test_a_video_of_a_higher_priority_is_finished_before_shorter_ones(
    bench: Bench, autojump_clock: MockClock
) -> None:
    steps = [*film("short", 1), *film("urgent", 4), *film("middle", 2)]
    batch = bench.batch(steps)
    plan = a_plan(steps, priorities={"urgent": 1})
    ranked = Capacity(bench.seats, ranks=LeastLeftFirst(plan.videos))
    await run_batch(replace(batch, plan=plan, capacity=ranked))
    assert finished(bench) == ["urgent", "short", "middle"]


async def test_what_is_reused_is_no_work_that_is_left(bench: Bench, autojump_clock: MockClock) -> None:
    await bench.run(*film("nearly", 6)[:11])
    await bench.run(*film("short", 2), *film("nearly", 6))
    assert finished(bench) == ["nearly", "short"]


async def test_a_step_that_failed_goes_before_videos_of_which_more_is_left(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.provider.script = {"short/01/image": [Unavailable("down")]}
    short = [structs.replace(step, retry=QUICK) for step in film("short", 1)]
    await bench.run(*film("long", 9), *short)
    assert finished(bench) == ["short", "long"]
    assert bench.provider.submitted[:4].count("short/01/image") == 1, "while it waits, others go on"


@pytest.mark.parametrize("names", [("one", "two"), ("two", "one")])
async def test_pieces_of_assemblies_go_in_the_same_order(autojump_clock: MockClock, names: Iterable[str]) -> None:
    told: list[Event] = []
    recorder = Recorder([lambda record: told.append(record.event)], run=1, clock=trio.current_time)
    plan = a_plan([*film("one", 4), a_step("one/assembly"), *film("two", 3), a_step("two/assembly")])
    capacity = Capacity({"ffmpeg": 1}, ranks=LeastLeftFirst(plan.videos))

    async def join(step: Step) -> None:
        seats = StepSeats(step=step, capacity=capacity, recorder=recorder, pause=Pause())
        async with seats.held("ffmpeg", label="concat"):
            await trio.sleep(1)

    steps = {step.video: step for step in plan.steps if step.id.endswith("/assembly")}
    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(join, steps[name])
    assert [event.step for event in told if isinstance(event, WorkDone)] == ["two/assembly", "one/assembly"]
