"""Equal work of several videos of one batch: one of them buys it, the others wait and take copies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest
import trio
from msgspec import structs
from trio.testing import MockClock

from tests.engine.test_purchase import LossyProvider, lost
from tests.engine.test_run import Bench
from tests.fakes import FakeKind
from tests.values import a_step
from tiktoker_batch.engine.batch import Batch
from tiktoker_batch.engine.budget import Purse
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.errors import AuthFailed, ProviderError, Rejected, TiktokerError, Unavailable, Unfetched
from tiktoker_batch.events import JobReattached, StepReused, StepSucceeded, SubmitIntended
from tiktoker_batch.model import Budget, Json, Kind, Retry, Step
from tiktoker_batch.outcomes import Cancelled, Failed, Outcome, Reused, Succeeded
from tiktoker_batch.providers.base import Job, Produced, Request
from tiktoker_batch.steps.base import Inputs
from tiktoker_batch.store.manifest import manifest_json
from tiktoker_batch.store.state import fold

DEAR = Decimal("0.40")
ONCE = Retry(max_attempts=1, timeout=60)


@dataclass
class Slow(LossyProvider):
    """Takes a second for a story and ten for a picture, at an address where it can be asked after.

    The first submit of a picture is ``lost``, if that is said.
    """

    loses: bool = False

    async def submit(self, request: Request) -> Job:
        job = replace(await super().submit(request), addresses={"at": "u"})
        if self.loses and request.kind is Kind.IMAGE:
            self.loses = False
            raise lost()
        return job

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        assert job.request is not None
        self.seconds = 1 if job.request.kind is Kind.STORY else 10
        return await super().collect(job, into, begun)


class Alone(FakeKind):
    """Takes in nothing of what it waits for."""

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        return None


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, provider=Slow(), kinds={Kind.IMAGE: Alone()})


def picture(video: str, *needs: str, **changes: object) -> Step:
    """The same picture, whatever the video; one that comes ``after`` a story comes a second later."""
    values = {"key": "lamp", "segment": 1, "estimated_cost_usd": DEAR, "retry": ONCE}
    return a_step(f"{video}/01/image", *needs, **(values | changes))  # type: ignore[arg-type]


def after_a_story(video: str, **changes: object) -> list[Step]:
    return [a_step(f"{video}/story", provider="local"), picture(video, f"{video}/story", **changes)]


A, B, C = "a/01/image", "b/01/image", "c/01/image"


def bought(bench: Bench) -> list[str]:
    return [name for name in bench.provider.submitted if name.endswith("image")]


async def test_two_videos_that_need_the_same_picture_wait_for_one_job(bench: Bench, autojump_clock: MockClock) -> None:
    outcomes = await bench.run(picture("a"), *after_a_story("b"), *after_a_story("c"))
    assert bought(bench) == [A]
    made = outcomes[A]
    assert isinstance(made, Succeeded)
    for name in (B, C):
        taken = outcomes[name]
        assert isinstance(taken, Reused)
        assert taken.from_step == A
        assert taken.artifacts[0].path.startswith(f"work/{name[0]}/")
        assert taken.artifacts[0].sha256 == made.artifacts[0].sha256
        assert (bench.root / taken.artifacts[0].path).read_text() == (bench.root / made.artifacts[0].path).read_text()
    assert [event.from_step for event in bench.events(StepReused)] == [A, A]
    assert bench.records[-1].elapsed == pytest.approx(10.0, abs=0.5)


async def test_it_costs_what_one_costs_and_the_one_that_bought_says_so(bench: Bench, autojump_clock: MockClock) -> None:
    await bench.run(picture("a"), *after_a_story("b"))
    found = manifest_json(fold(bench.records))
    steps = {step["id"]: step for video in found["videos"] for step in video["steps"]}
    assert (steps[A]["state"], steps[A]["cost_usd"]) == ("done", 0.4)
    assert (steps[B]["state"], steps[B]["cost_usd"], steps[B]["attempts"]) == ("reused", 0, [])
    assert found["totals"]["cost_usd"]["spent"] == 0.4


async def test_each_has_a_file_of_its_own_that_the_next_run_knows(bench: Bench, autojump_clock: MockClock) -> None:
    steps = [picture("a"), *after_a_story("b")]
    await bench.run(*steps)
    (bench.root / "work/a/a-01-image.txt").unlink()
    outcomes = await bench.run(*steps)
    assert isinstance(outcomes[B], Reused)
    assert bought(bench) == [A], "what was deleted comes back from the other one"
    assert isinstance(outcomes[A], Reused)
    assert outcomes[A].from_step == B


async def test_a_video_that_is_added_later_takes_what_the_batch_has(bench: Bench, autojump_clock: MockClock) -> None:
    await bench.run(picture("a"))
    outcomes = await bench.run(picture("a"), picture("b"))
    assert bought(bench) == [A]
    assert outcomes[B] == structs.replace(outcomes[B], from_step=A)  # type: ignore[type-var]


async def test_a_file_that_was_changed_meanwhile_is_not_handed_on(bench: Bench, autojump_clock: MockClock) -> None:
    batch = bench.batch([picture("a"), *after_a_story("b")])
    with pytest.MonkeyPatch.context() as patch:
        note = batch.reuse.note

        def spoil(artifacts: object) -> None:
            note(artifacts)  # type: ignore[arg-type]
            path = bench.root / "work/a/a-01-image.txt"
            if path.exists():
                path.write_text("spoilt")

        patch.setattr(batch.reuse, "note", spoil)
        outcomes = await run_batch(batch)
    assert isinstance(outcomes[B], Succeeded)
    assert bought(bench) == [A, B]


@pytest.mark.parametrize(
    "other", [{"key": "another lamp"}, {"segment": 2}, {"provider": "local"}], ids=["key", "segment", "local"]
)
async def test_what_is_not_the_same_is_not_shared(
    bench: Bench, autojump_clock: MockClock, other: Mapping[str, object]
) -> None:
    first = picture("a", provider=other.get("provider", "fake"))
    await bench.run(first, *after_a_story("b", **other))
    assert bought(bench) == [A, B]


async def test_what_is_made_from_different_things_is_not_the_same(bench: Bench, autojump_clock: MockClock) -> None:
    bench.kinds = {}
    steps = [each for video in ("a", "b") for each in (a_step(f"{video}/story"), picture(video, f"{video}/story"))]
    await bench.run(*steps)  # the two stories differ
    assert sorted(bought(bench)) == [A, B]


# ---------------------------------------------------------------------- when the first one fails


@pytest.mark.parametrize("error", [Unavailable("down"), TiktokerError("disk full")], ids=["service", "disk"])
async def test_where_the_first_one_fails_by_no_fault_of_the_work_the_next_one_takes_over(
    bench: Bench, autojump_clock: MockClock, error: Exception
) -> None:
    bench.provider.script = {A: [error]}
    outcomes = await bench.run(picture("a"), *after_a_story("b"), *after_a_story("c"))
    assert isinstance(outcomes[A], Failed)
    assert sorted(type(outcomes[name]).__name__ for name in (B, C)) == ["Reused", "Succeeded"]


async def test_what_the_service_refuses_is_not_asked_for_by_the_others(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.script = {A: [Rejected("not this picture")]}
    outcomes = await bench.run(picture("a"), *after_a_story("b"))
    assert outcomes[B] == Failed(attempts=0, error_kind="Rejected", message="not this picture")
    assert bought(bench) == [A]


@pytest.mark.parametrize(("price", "sent"), [(DEAR, [A]), (Decimal("0.003"), [A, B])])
async def test_a_request_that_nobody_can_find_is_sent_by_another_one_only_if_it_is_cheap(
    bench: Bench, autojump_clock: MockClock, price: Decimal, sent: list[str]
) -> None:
    assert isinstance(bench.provider, Slow)
    bench.provider.loses, bench.provider.tells = True, False
    await bench.run(picture("a", estimated_cost_usd=price), *after_a_story("b", estimated_cost_usd=price))
    assert bought(bench) == sent


@pytest.mark.parametrize(
    "error", [Unfetched("not just now", maybe_charged=True), AuthFailed("401")], ids=["unfetched", "refused"]
)
async def test_what_the_first_one_paid_for_and_could_not_fetch_the_next_one_goes_on_with(
    bench: Bench, autojump_clock: MockClock, error: ProviderError
) -> None:
    bench.provider.script = {A: [error]}
    outcomes = await bench.run(picture("a"), *after_a_story("b"))
    assert isinstance(outcomes[A], Failed)
    assert isinstance(outcomes[B], Succeeded)
    assert bought(bench) == [A]
    assert [(event.step, event.taken_from) for event in bench.events(JobReattached)] == [(B, A)]
    assert fold(bench.records).spent_usd == DEAR
    assert not fold(bench.records).open_jobs


async def test_one_whose_video_may_spend_no_more_leaves_it_to_the_next(bench: Bench, autojump_clock: MockClock) -> None:
    batch = bench.batch([picture("a"), *after_a_story("b")])
    purse = Purse(ceilings=Budget(per_video_usd=DEAR), by_video={"a": DEAR})
    outcomes = await run_batch(replace(batch, purse=purse))
    assert isinstance(outcomes[A], Cancelled)
    assert isinstance(outcomes[B], Succeeded)


# ---------------------------------------------------------------------- stops


async def _after(seconds: float, act: Callable[[], object], batch: Batch) -> Mapping[str, Outcome]:
    outcomes: dict[str, Outcome] = {}

    async def later() -> None:
        await trio.sleep(seconds)
        act()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        outcomes.update(await run_batch(batch))
    return outcomes


async def test_a_pause_lets_go_of_those_who_wait_and_the_first_one_ends(
    bench: Bench, autojump_clock: MockClock
) -> None:
    batch = bench.batch([picture("a"), *after_a_story("b")])
    outcomes = await _after(5, batch.pause.request, batch)
    assert isinstance(outcomes[A], Succeeded)
    assert isinstance(outcomes[B], Cancelled)
    outcomes = await bench.run(picture("a"), *after_a_story("b"))
    assert isinstance(outcomes[B], Reused)
    assert bought(bench) == [A]


@pytest.mark.parametrize("left", [["a", "b"], ["b"]], ids=["both", "the-other-one"])
async def test_after_a_crash_whoever_comes_first_goes_on_with_the_job_that_is_open(
    bench: Bench, autojump_clock: MockClock, left: list[str]
) -> None:
    with trio.move_on_after(5):
        await run_batch(bench.batch([picture("a"), *after_a_story("b")]))
    assert list(fold(bench.records).open_jobs) == [A]
    again = {"a": after_a_story("a"), "b": [picture("b")]}  # now the other one is quicker
    outcomes = await bench.run(*(step for video in left for step in again[video]))
    assert isinstance(outcomes[B], Succeeded)
    assert bought(bench) == [A]
    assert all(event.provider == "local" for event in bench.events(SubmitIntended))
    assert [(event.step, event.taken_from) for event in bench.events(JobReattached)] == [(B, A)]
    state = fold(bench.records)
    assert not state.open_jobs
    assert state.spent_usd == DEAR
    assert sum(event.cost_usd for event in bench.events(StepSucceeded)) == 0, "it was counted when the run broke off"


async def test_jobs_that_both_have_open_are_both_taken_in(bench: Bench, autojump_clock: MockClock) -> None:
    """As two batches of an older version leave them: both are paid for."""
    for video in ("a", "b"):
        batch = bench.batch([picture(video)])
        apart = Reuse(batch.kinds, batch.layout, {}, frozenset({A, B}))
        with trio.move_on_after(5):
            await run_batch(replace(batch, reuse=apart))
    assert sorted(fold(bench.records).open_jobs) == [A, B]
    outcomes = await bench.run(picture("a"), picture("b"))
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes.values())
    assert len(bought(bench)) == 2
    assert not fold(bench.records).open_jobs


# ---------------------------------------------------------------------- force


async def _forced(bench: Bench, forced: set[str]) -> Mapping[str, Outcome]:
    batch = bench.batch([picture("a"), *after_a_story("b")])
    reuse = Reuse(batch.kinds, batch.layout, fold(bench.records).successes, frozenset(forced))
    return await run_batch(replace(batch, reuse=reuse))


async def test_one_that_is_forced_is_bought_again_and_the_other_stays_as_it_is(
    bench: Bench, autojump_clock: MockClock
) -> None:
    await bench.run(picture("a"), *after_a_story("b"))
    outcomes = await _forced(bench, {A})
    assert bought(bench) == [A, A]
    assert outcomes[B] == Reused(artifacts=outcomes[B].artifacts, inputs=outcomes[B].inputs)  # type: ignore[union-attr]


async def test_where_both_are_forced_one_is_bought_for_both(bench: Bench, autojump_clock: MockClock) -> None:
    await bench.run(picture("a"), *after_a_story("b"))
    outcomes = await _forced(bench, {A, B})
    assert bought(bench) == [A, A]
    assert isinstance(outcomes[B], Reused)
    assert outcomes[B].from_step == A
