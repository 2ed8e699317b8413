"""The engine against a scripted provider, on Trio's mock clock: hours pass in milliseconds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.fakes import FakeKind, ScriptedProvider
from tests.values import a_plan, a_step
from tiktoker_batch.engine.announce import announce
from tiktoker_batch.engine.batch import Batch
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.ranks import LeastLeftFirst
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.errors import RateLimited, Rejected, Unavailable
from tiktoker_batch.events import (
    AttemptFailed,
    AttemptStarted,
    BackedOff,
    Event,
    JobSubmitted,
    Record,
    StepBlocked,
    StepQueued,
    SubmitIntended,
    VideoFinished,
)
from tiktoker_batch.model import Kind, Retry, Step
from tiktoker_batch.outcomes import Blocked, Cancelled, Failed, Outcome, Reused, Succeeded
from tiktoker_batch.recording import Recorder
from tiktoker_batch.steps.base import Made, StepKind, Tools, Work
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import BatchState, fold

QUICK = Retry(max_attempts=3, initial_delay=3, multiplier=2, jitter=0, timeout=60)


@dataclass
class Bench:
    """One output folder, run as often as a test likes."""

    root: Path
    provider: ScriptedProvider = field(default_factory=ScriptedProvider)
    seats: Mapping[str, int] = field(default_factory=lambda: {"fake": 100})
    kinds: dict[Kind, StepKind] = field(default_factory=dict)
    fail_fast: bool = False
    records: list[Record] = field(default_factory=list)
    runs: int = 0

    def batch(self, steps: Iterable[Step]) -> Batch:
        self.runs += 1
        plan = a_plan(steps)
        layout = Layout(self.root)
        before = fold(self.records)
        recorder = Recorder([self.records.append], run=self.runs, clock=trio.current_time)
        announce(plan, recorder, options={}, limits=self.seats)
        kinds = {kind: self.kinds.get(kind) or FakeKind(eager=kind is Kind.ASSEMBLY) for kind in Kind}
        return Batch(
            plan=plan,
            kinds=kinds,
            providers={"fake": self.provider, "local": self.provider},
            capacity=Capacity(self.seats, ranks=LeastLeftFirst(plan.videos), tell=recorder.emit),
            recorder=recorder,
            layout=layout,
            reuse=Reuse(kinds, layout, before.successes),
            open_jobs=fold(self.records).open_jobs,
            tools=Tools(ffmpeg="", font_cache=self.root),
            fail_fast=self.fail_fast,
        )

    async def run(self, *steps: Step) -> Mapping[str, Outcome]:
        return await run_batch(self.batch(steps))

    def stopped(self) -> BatchState:
        """What the next run finds: this one is over, even if it did not say so."""
        state = fold(self.records)
        state.let_go()
        return state

    def events(self, *types: type[Event]) -> list[Event]:
        return [record.event for record in self.records if record.run == self.runs and isinstance(record.event, types)]

    def times(self, *types: type[Event]) -> list[float]:
        chosen = (r for r in self.records if r.run == self.runs and isinstance(r.event, types))
        return [round(record.elapsed, 3) for record in chosen]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_step_starts_when_all_it_needs_is_done(bench: Bench, autojump_clock: MockClock) -> None:
    await bench.run(
        a_step("v/story"),
        a_step("v/shots", "v/story"),
        a_step("v/01/image", "v/shots"),
        a_step("v/02/image", "v/shots"),
    )
    assert bench.provider.submitted[:2] == ["v/story", "v/shots"]
    assert sorted(bench.provider.submitted[2:]) == ["v/01/image", "v/02/image"]
    assert bench.times(AttemptStarted) == [0, 1, 2, 2]


async def test_all_videos_of_a_batch_go_on_at_once(bench: Bench, autojump_clock: MockClock) -> None:
    await bench.run(*(a_step(f"v{number}/story") for number in range(50)))
    assert bench.provider.peak == 50
    assert bench.records[-1].elapsed == pytest.approx(1.0)


async def test_a_limit_is_never_exceeded_and_waiting_is_told_apart_from_working(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.seats = {"fake": 3}
    await bench.run(*(a_step(f"v{number}/story") for number in range(9)))
    assert bench.provider.peak == 3
    assert set(bench.times(StepQueued)) == {0}
    assert sorted(bench.times(AttemptStarted)) == [0] * 3 + [1] * 3 + [2] * 3


async def test_a_step_holds_a_seat_of_every_limit_it_names(bench: Bench, autojump_clock: MockClock) -> None:
    bench.seats = {"fake": 10, "fake:slow": 2}
    await bench.run(*(a_step(f"v{n}/story", capacity=("fake", "fake:slow")) for n in range(6)))
    assert bench.provider.peak == 2


async def test_an_idle_seat_is_one_that_nobody_holds_and_nobody_waits_for(autojump_clock: MockClock) -> None:
    capacity = Capacity({"fake": 2, "fake:m": 1})
    spare = capacity.take_idle(["fake", "fake:m", "without a limit"])
    assert spare is not None
    assert capacity.take_idle(["fake", "fake:m"]) is None
    held = capacity.take_idle(["fake"])
    assert held is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(capacity.acquire, ["fake"])
        await trio.sleep(1)
        assert capacity.take_idle(["fake"]) is None
        spare.release()
        held.release()
    assert capacity.take_idle(["fake"]) is not None
    assert capacity.take_idle(["fake"]) is None


async def test_a_passing_fault_is_retried_with_growing_patience(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.script = {"v/story": [Unavailable("down"), Unavailable("down"), None]}
    outcomes = await bench.run(a_step("v/story", retry=QUICK))
    assert isinstance(outcomes["v/story"], Succeeded)
    assert [event.seconds for event in bench.events(BackedOff)] == [3, 6]  # type: ignore[attr-defined]
    assert bench.times(AttemptStarted) == [0, 4, 11]


async def test_a_provider_that_asks_for_patience_gets_it(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.script = {"v/story": [RateLimited("busy", retry_after=40)]}
    await bench.run(a_step("v/story", retry=QUICK))
    assert bench.times(AttemptStarted) == [0, 41]


async def test_backing_off_holds_no_seat(bench: Bench, autojump_clock: MockClock) -> None:
    bench.seats = {"fake": 1}
    bench.provider.script = {"a/story": [Unavailable("down")]}
    seatless = a_step("b/story", capacity=())  # so that b/shots asks for the seat just as a/story falls back
    await bench.run(a_step("a/story", retry=QUICK), seatless, a_step("b/shots", "b/story"))
    assert bench.records[-1].elapsed == pytest.approx(1 + 3 + 1)


async def test_a_refusal_is_not_tried_again_and_says_who_it_stopped(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.script = {"v/story": [Rejected("not this topic")]}
    outcomes = await bench.run(
        a_step("v/story", retry=QUICK), a_step("v/shots", "v/story"), a_step("v/01/image", "v/shots")
    )
    assert outcomes["v/story"] == Failed(attempts=1, error_kind="Rejected", message="not this topic")
    assert outcomes["v/shots"] == Blocked(by="v/story")
    assert outcomes["v/01/image"] == Blocked(by="v/shots")
    assert [event.by for event in bench.events(StepBlocked)] == ["v/story", "v/shots"]  # type: ignore[attr-defined]


async def test_patience_ends_after_the_recipes_number_of_attempts(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.script = {"v/story": [Unavailable("down")] * 5}
    outcomes = await bench.run(a_step("v/story", retry=QUICK))
    assert outcomes["v/story"] == Failed(attempts=3, error_kind="Unavailable", message="down")
    assert [event.outcome for event in bench.events(AttemptFailed)] == ["retry", "retry", "failed"]  # type: ignore[attr-defined]


async def test_a_deadline_ends_an_attempt_that_never_answers(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.seconds = 1000
    outcomes = await bench.run(a_step("v/story", retry=QUICK))
    assert outcomes["v/story"] == Failed(attempts=3, error_kind="TimedOut", message="no result within 60 s")
    assert bench.records[-1].elapsed == pytest.approx(60 * 3 + 3 + 6)


async def test_one_videos_failure_leaves_the_others_alone(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.script = {"a/story": [Rejected("no")]}
    await bench.run(a_step("a/story", retry=QUICK), a_step("b/story", retry=QUICK))
    states = {event.video: event.state for event in bench.events(VideoFinished)}  # type: ignore[attr-defined]
    assert states == {"a": "failed", "b": "done"}


async def test_a_lost_segment_makes_a_partial_video(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.script = {"v/01/clip": [Rejected("no")]}
    clips = ("v/01/clip", "v/02/clip")
    await bench.run(*(a_step(clip) for clip in clips), a_step("v/assembly", *clips, may_lack=clips))
    assert [(event.state, event.notes) for event in bench.events(VideoFinished)] == [("partial", ("no",))]  # type: ignore[attr-defined]


async def test_a_lost_segment_fails_the_video_where_none_may_be_lost(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.script = {"v/01/clip": [Rejected("no")]}
    outcomes = await bench.run(a_step("v/01/clip"), a_step("v/assembly", "v/01/clip"))
    assert outcomes["v/assembly"] == Blocked(by="v/01/clip")
    assert [event.state for event in bench.events(VideoFinished)] == ["failed"]  # type: ignore[attr-defined]


async def test_an_eager_step_starts_before_what_it_needs(bench: Bench, autojump_clock: MockClock) -> None:
    await bench.run(a_step("v/01/clip"), a_step("v/assembly", "v/01/clip"))
    assert bench.times(AttemptStarted) == [0, 0]


async def test_intent_is_on_record_before_the_request_and_its_id_right_after(
    bench: Bench, autojump_clock: MockClock
) -> None:
    await bench.run(a_step("v/story"))
    names = [type(record.event) for record in bench.records]
    assert names.index(SubmitIntended) + 1 == names.index(JobSubmitted)


async def test_a_bug_ends_the_run_loudly(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.script = {"v/story": [KeyError("oops")]}
    with pytest.RaisesGroup(KeyError):
        await bench.run(a_step("v/story"), a_step("v/shots"))


async def test_a_pause_lets_work_end_and_starts_nothing_more(bench: Bench, autojump_clock: MockClock) -> None:
    batch = bench.batch([a_step("v/story"), a_step("v/shots", "v/story")])
    async with trio.open_nursery() as nursery:

        async def pause() -> None:
            await trio.sleep(0.5)
            batch.pause.request()

        nursery.start_soon(pause)
        outcomes = await run_batch(batch)
    assert isinstance(outcomes["v/story"], Succeeded)
    assert outcomes["v/shots"] == Cancelled()
    assert bench.provider.submitted == ["v/story"]


async def test_a_pause_ends_waits_for_seats_and_backoffs_at_once(bench: Bench, autojump_clock: MockClock) -> None:
    bench.seats = {"fake": 1}
    bench.provider.script = {"a/story": [Unavailable("down")]}
    batch = bench.batch([a_step("a/story", retry=QUICK), a_step("b/story"), a_step("c/story")])
    async with trio.open_nursery() as nursery:

        async def pause() -> None:
            await trio.sleep(1.5)
            batch.pause.request()

        nursery.start_soon(pause)
        await run_batch(batch)
    assert bench.records[-1].elapsed == pytest.approx(2.0)


async def test_an_abort_records_what_it_cut_off(bench: Bench, autojump_clock: MockClock) -> None:
    batch = bench.batch([a_step("v/story"), a_step("v/01/clip"), a_step("v/assembly", "v/01/clip")])
    with trio.move_on_after(0.5):
        await run_batch(batch)
    assert [event.outcome for event in bench.events(AttemptFailed)] == ["cancelled"] * 3  # type: ignore[attr-defined]


async def test_an_abort_in_the_middle_of_a_pause_is_no_bug(bench: Bench, autojump_clock: MockClock) -> None:
    class Waiting(FakeKind):
        async def run(self, work: Work) -> Made:
            async with trio.open_nursery() as nursery:
                for need in work.step.needs:
                    nursery.start_soon(work.arrival, need)
            raise AssertionError("the clips never come")

    clips = ("v/01/clip", "v/02/clip")
    bench.kinds = {Kind.ASSEMBLY: Waiting(eager=True)}
    batch = bench.batch([*map(a_step, clips), a_step("v/assembly", *clips)])
    with trio.CancelScope() as everything:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_batch, batch)
            await trio.sleep(0.5)
            batch.pause.request()
            everything.cancel()
    assert everything.cancelled_caught
    assert [event.outcome for event in bench.events(AttemptFailed)] == ["cancelled"] * 3  # type: ignore[attr-defined]


async def test_a_second_run_does_nothing_again(bench: Bench, autojump_clock: MockClock) -> None:
    steps = [
        a_step("v/story"),
        a_step("v/shots", "v/story"),
        a_step("v/01/clip", "v/shots"),
        a_step("v/assembly", "v/01/clip"),
    ]
    await bench.run(*steps)
    bench.provider.submitted.clear()
    outcomes = await bench.run(*steps)
    assert all(isinstance(outcome, Reused) for outcome in outcomes.values())
    assert bench.provider.submitted == []


async def test_an_edit_reruns_exactly_what_depends_on_it(bench: Bench, autojump_clock: MockClock) -> None:
    def steps(text: str) -> list[Step]:
        images = [a_step("v/01/image", text=text), a_step("v/02/image")]
        clips = [a_step("v/01/clip", "v/01/image"), a_step("v/02/clip", "v/02/image")]
        return [*images, *clips, a_step("v/assembly", "v/01/clip", "v/02/clip")]

    await bench.run(*steps("before"))
    bench.provider.submitted.clear()
    await bench.run(*steps("after"))
    assert bench.provider.submitted == ["v/01/image", "v/01/clip", "v/assembly"] or sorted(
        bench.provider.submitted
    ) == sorted(["v/01/image", "v/01/clip", "v/assembly"])


async def test_a_damaged_artifact_is_made_again_and_nothing_else(bench: Bench, autojump_clock: MockClock) -> None:
    steps = [a_step("v/story"), a_step("v/shots", "v/story")]
    outcomes = await bench.run(*steps)
    made = outcomes["v/story"]
    assert isinstance(made, Succeeded)
    (bench.root / made.artifacts[0].path).write_text("tampered")
    bench.provider.submitted.clear()
    outcomes = await bench.run(*steps)
    assert bench.provider.submitted == ["v/story"]
    assert isinstance(outcomes["v/shots"], Reused), "the story came out the same, so the shots still hold"


async def test_an_interrupted_run_goes_on_where_it_was(bench: Bench, autojump_clock: MockClock) -> None:
    steps = [a_step("v/story"), a_step("v/shots", "v/story"), a_step("v/01/image", "v/shots")]
    batch = bench.batch(steps)
    with trio.move_on_after(1.5):
        await run_batch(batch)
    bench.provider.submitted.clear()
    outcomes = await bench.run(*steps)
    assert isinstance(outcomes["v/story"], Reused)
    assert bench.provider.submitted == ["v/shots", "v/01/image"]


async def test_fail_fast_stops_starting_after_the_first_failure(bench: Bench, autojump_clock: MockClock) -> None:
    bench.fail_fast = True
    bench.provider.script = {"a/story": [Rejected("no")]}
    outcomes = await bench.run(a_step("a/story"), a_step("b/story"), a_step("b/shots", "b/story"))
    assert isinstance(outcomes["b/story"], Succeeded)
    assert outcomes["b/shots"] == Cancelled()


async def test_thousands_of_steps_are_no_burden(bench: Bench, autojump_clock: MockClock) -> None:
    bench.seats = {"fake": 50}
    steps = [
        a_step(f"v{n}/{kind}", *needs)
        for n in range(1000)
        for kind, needs in (("story", ()), ("shots", (f"v{n}/story",)))
    ]
    outcomes = await bench.run(*steps)
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes.values())
    assert bench.provider.peak == 50
