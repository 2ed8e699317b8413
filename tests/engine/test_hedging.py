"""Jobs that are late: told, and where the recipe wants it asked for once more on an idle seat."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
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
from tiktoker_batch.engine.budget import open_purse
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.errors import (
    ProviderError,
    RateLimited,
    Rejected,
    ResultLost,
    Unavailable,
    Unfetched,
    UnknownOutcome,
)
from tiktoker_batch.events import (
    AttemptFailed,
    JobDropped,
    JobReattached,
    JobSubmitted,
    StepSucceeded,
    Straggling,
    SubmitIntended,
)
from tiktoker_batch.model import Budget, Hedge, Kind, Retry, Step
from tiktoker_batch.outcomes import Failed, Outcome, Succeeded
from tiktoker_batch.providers.base import Job, Produced, Request
from tiktoker_batch.steps.base import Made, Work
from tiktoker_batch.store.artifacts import commit, new_part
from tiktoker_batch.store.durations import Durations
from tiktoker_batch.store.manifest import manifest_json
from tiktoker_batch.store.state import fold

PRICE = Decimal("0.40")
PATIENT = Retry(max_attempts=3, initial_delay=3, multiplier=2, jitter=0, timeout=600)
USUAL = 10.0


def known() -> Durations:
    """Jobs of the model take ten seconds, six of 64 twenty."""
    durations = Durations({})
    for seconds in [USUAL] * 58 + [2 * USUAL] * 6:
        durations.note("fake:m", seconds)
    return durations


LATE = known().percentile("fake:m", 95)
CLIP = "v/01/clip"
FREELY = Hedge(max_extra_cost=Decimal(10))


@dataclass
class Queue(LossyProvider):
    """A service with a queue: its jobs take ``line`` and ``work`` seconds, in order of submits, or ten.

    ``fates`` are the errors that they end with; a job that is stopped ``in line`` is free of charge.
    """

    line: dict[int, float] = field(default_factory=dict)
    work: dict[int, float] = field(default_factory=dict)
    fates: dict[int, ProviderError] = field(default_factory=dict)
    refuses: dict[int, ProviderError] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    begins: dict[str, float] = field(default_factory=dict)
    addressed: bool = True

    async def submit(self, request: Request) -> Job:
        number = len(self.submitted) + 1
        if number in self.refuses:
            self.submitted.append(request.prompt)
            await trio.lowlevel.checkpoint()
            raise self.refuses[number]
        job = await super().submit(request)
        self.begins[job.id] = trio.current_time() + self.line.get(number, 0)
        return replace(job, addresses={"at": "u"}, in_line=True) if self.addressed else job

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        number = int(job.id.removeprefix("job-"))
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await trio.sleep_until(self.begins[job.id])
            begun()
            for path in into.values():
                path.write_text("half of it")
            await trio.sleep_until(self.begins[job.id] + self.work.get(number, USUAL))
        finally:
            self.running -= 1
        if number in self.fates:
            raise self.fates[number]
        for path in into.values():
            path.write_text(f"made by {job.id}")
        return Produced(value=job.id)

    async def cancel(self, job: Job) -> bool:
        await trio.lowlevel.checkpoint()
        at_work = trio.current_time() >= self.begins[job.id]
        if at_work and not job.unwanted:
            return False
        self.stopped.append(job.id)
        return not at_work


class Filed(FakeKind):
    """Keeps what its provider wrote into a file."""

    async def run(self, work: Work) -> Made:
        final = work.layout.work_of(work.step.video) / f"{work.step.id.replace('/', '-')}.txt"
        part = new_part(final)
        await work.buy(Request(kind=work.step.kind, model=work.step.model, prompt=work.step.id), {"clip": part})
        return Made(artifacts=(commit(part, final, root=work.layout.root),))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, provider=Queue(), kinds={Kind.CLIP: Filed()})


def queue(bench: Bench) -> Queue:
    assert isinstance(bench.provider, Queue)
    return bench.provider


def a_clip(name: str = CLIP, **changes: object) -> Step:
    return a_step(name, **({"estimated_cost_usd": PRICE, "retry": PATIENT} | changes))  # type: ignore[arg-type]


def hedged(bench: Bench, *steps: Step, hedge: Hedge | None = FREELY) -> Batch:
    """A batch whose videos are hedged, and of whose model's jobs something is known."""
    batch = bench.batch(steps)
    videos = tuple(replace(each, video=replace(each.video, hedge=hedge)) for each in batch.plan.videos)
    return replace(
        batch,
        plan=replace(batch.plan, videos=videos),
        durations=known(),
        purse=open_purse(Budget(), fold(bench.records)),
    )


def content(bench: Bench, outcome: Outcome) -> str:
    assert isinstance(outcome, Succeeded)
    return (bench.root / outcome.artifacts[0].path).read_text()


async def test_a_late_job_is_asked_for_once_more_and_the_first_result_is_taken(
    bench: Bench, autojump_clock: MockClock
) -> None:
    queue(bench).work = {1: 200}
    outcomes = await run_batch(hedged(bench, a_clip()))
    assert content(bench, outcomes[CLIP]) == "made by job-2"
    assert bench.records[-1].elapsed == pytest.approx(LATE + USUAL)
    assert [event.seconds for event in bench.events(Straggling)] == [pytest.approx(LATE, abs=1e-3)]
    assert [event.hedge for event in bench.events(SubmitIntended)] == [False, True]
    assert queue(bench).stopped == ["job-1"]
    assert not list(bench.root.rglob("*.part*"))


async def test_both_are_accounted_for(bench: Bench, autojump_clock: MockClock) -> None:
    queue(bench).work = {1: 200}
    batch = hedged(bench, a_clip(params={"seconds": 4}))
    await run_batch(batch)
    first, second = bench.events(SubmitIntended)
    (dropped,) = bench.events(JobDropped)
    assert (dropped.token, dropped.request_id, dropped.cost_usd, dropped.charged) == (first.token, "job-1", PRICE, True)
    assert [event.token for event in bench.events(JobSubmitted)] == [first.token, second.token]
    assert [event.cost_usd for event in bench.events(StepSucceeded)] == [PRICE]
    state = fold(bench.records)
    assert state.spent == batch.purse.spent
    assert (state.spent_usd, state.spent.clip_seconds, state.hedged_usd) == (2 * PRICE, 8, PRICE)
    (step,) = manifest_json(state)["videos"][0]["steps"]
    assert (step["cost_usd"], step["request_id"], step["attempts"][0]["request_id"]) == (0.8, "job-2", "job-2")
    assert not state.open_jobs


async def test_a_second_request_that_was_not_begun_costs_nothing(bench: Bench, autojump_clock: MockClock) -> None:
    queue(bench).work, queue(bench).line = {1: LATE + 5}, {2: 60}
    batch = hedged(bench, a_clip())
    outcomes = await run_batch(batch)
    assert content(bench, outcomes[CLIP]) == "made by job-1"
    assert queue(bench).stopped == ["job-2"]
    assert [event.cost_usd for event in bench.events(JobDropped)] == [0]
    state = fold(bench.records)
    assert (state.spent, state.hedged_usd) == (batch.purse.spent, 0)
    assert state.spent_usd == PRICE
    assert state.steps[CLIP].request_id == "job-1"


async def test_both_that_end_at_the_same_moment_are_paid_and_one_is_taken(
    bench: Bench, autojump_clock: MockClock
) -> None:
    queue(bench).work = {1: LATE + USUAL}
    outcomes = await run_batch(hedged(bench, a_clip()))
    assert content(bench, outcomes[CLIP]) in {"made by job-1", "made by job-2"}
    assert fold(bench.records).spent_usd == 2 * PRICE


async def test_time_in_line_makes_nobody_late(bench: Bench, autojump_clock: MockClock) -> None:
    queue(bench).line = {1: 500}
    await run_batch(hedged(bench, a_clip()))
    assert not bench.events(Straggling)
    assert len(bench.provider.submitted) == 1


@pytest.mark.parametrize("addressed", [True, False], ids=["not wanted", "no queue"])
async def test_without_the_recipes_wish_or_a_queue_nothing_is_sent_twice(
    bench: Bench, autojump_clock: MockClock, addressed: bool
) -> None:
    queue(bench).work, queue(bench).addressed = {1: 200}, addressed
    await run_batch(hedged(bench, a_clip(), hedge=None if addressed else FREELY))
    assert len(bench.provider.submitted) == 1
    assert len(bench.events(Straggling)) == addressed


async def test_the_recipe_says_what_is_late(bench: Bench, autojump_clock: MockClock) -> None:
    queue(bench).work = {1: 200}
    await run_batch(hedged(bench, a_clip(), hedge=replace(FREELY, after=50)))
    assert [event.seconds for event in bench.events(Straggling)] == [
        pytest.approx(known().percentile("fake:m", 50), 1e-3)
    ]


# ---------------------------------------------------------------------- seats


async def test_a_second_request_never_takes_a_seat_that_somebody_wants(bench: Bench, autojump_clock: MockClock) -> None:
    bench.seats, queue(bench).work = {"fake": 2}, {1: 100, 2: 100, 3: 100}
    await run_batch(hedged(bench, *(a_clip(f"v{number}/01/clip") for number in range(3))))
    hedges = [record for record in bench.records if isinstance(record.event, SubmitIntended) and record.event.hedge]
    assert bench.provider.peak == 2
    # Two are late while the third waits for a seat; it is alone from the 100th second on, and late in the 121st.
    assert [round(record.elapsed) for record in hedges] == [round(100 + LATE)]


async def test_a_seat_that_becomes_idle_is_used(bench: Bench, autojump_clock: MockClock) -> None:
    bench.seats, queue(bench).work = {"fake": 2}, {1: 100, 2: 50}
    steps = [a_clip("a/01/clip"), a_clip("b/01/clip")]
    await run_batch(hedged(bench, *steps))
    hedges = [record for record in bench.records if isinstance(record.event, SubmitIntended) and record.event.hedge]
    assert [round(record.elapsed) for record in hedges] == [pytest.approx(50, abs=2)]


async def test_a_pause_sends_no_second_request(bench: Bench, autojump_clock: MockClock) -> None:
    queue(bench).work = {1: 200}
    batch = hedged(bench, a_clip())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_batch, batch)
        await trio.sleep(LATE - 1)
        batch.pause.request()
    assert len(bench.provider.submitted) == 1
    assert isinstance(fold(bench.records).successes[CLIP].key, str), "what was at work has ended well"


# ---------------------------------------------------------------------- money


async def test_second_requests_stay_within_their_share_of_the_batch(bench: Bench, autojump_clock: MockClock) -> None:
    queue(bench).work = dict.fromkeys(range(1, 11), 100.0)
    clips = [a_clip(f"v{number}/01/clip") for number in range(10)]
    await run_batch(hedged(bench, *clips, hedge=Hedge(max_extra_cost=Decimal("0.2"))))
    assert sum(event.hedge for event in bench.events(SubmitIntended)) == 2
    queue(bench).work = dict.fromkeys(range(13, 23), 100.0)
    clips = [structs.replace(clip, key=f"{clip.key} again") for clip in clips]
    await run_batch(hedged(bench, *clips, hedge=Hedge(max_extra_cost=Decimal("0.3"))))
    assert sum(event.hedge for event in bench.events(SubmitIntended)) == 1, "two were sent in the run before"


async def test_a_share_below_one_request_sends_none(bench: Bench, autojump_clock: MockClock) -> None:
    queue(bench).work = {1: 100}
    await run_batch(hedged(bench, a_clip(), hedge=Hedge(max_extra_cost=Decimal("0.05"))))
    assert len(bench.provider.submitted) == 1


async def test_the_budget_is_never_passed_and_a_refused_second_request_stops_nothing(
    bench: Bench, autojump_clock: MockClock
) -> None:
    queue(bench).work = {1: 100}
    batch = hedged(bench, a_clip("a/01/clip"), a_clip("b/01/clip"))
    purse = open_purse(Budget(max_usd=2 * PRICE), fold(bench.records))
    outcomes = await run_batch(replace(batch, purse=purse))
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes.values())
    assert len(bench.provider.submitted) == 2
    assert purse.refused is None


# ---------------------------------------------------------------------- when one of them fails


async def test_a_first_request_that_fails_leaves_it_to_the_second(bench: Bench, autojump_clock: MockClock) -> None:
    queue(bench).work, queue(bench).fates = {1: LATE + 5}, {1: Unavailable("the runner was lost")}
    outcomes = await run_batch(hedged(bench, a_clip()))
    assert content(bench, outcomes[CLIP]) == "made by job-2"
    assert [(event.message, event.cost_usd) for event in bench.events(JobDropped)] == [("the runner was lost", 0)]
    assert not bench.events(AttemptFailed)
    assert fold(bench.records).spent_usd == PRICE


async def test_a_second_request_that_fails_harms_nobody(bench: Bench, autojump_clock: MockClock) -> None:
    queue(bench).work, queue(bench).refuses = {1: 100}, {2: RateLimited("slow down")}
    batch = hedged(bench, a_clip())
    outcomes = await run_batch(batch)
    assert content(bench, outcomes[CLIP]) == "made by job-1"
    assert len(bench.provider.submitted) == 2
    assert fold(bench.records).spent_usd == PRICE
    assert batch.capacity.seats("fake") == 2


async def test_a_second_request_whose_answer_was_lost_is_counted(bench: Bench, autojump_clock: MockClock) -> None:
    queue(bench).work, queue(bench).refuses, queue(bench).found = {1: 100}, {2: lost()}, False
    outcomes = await run_batch(hedged(bench, a_clip()))
    assert content(bench, outcomes[CLIP]) == "made by job-1"
    assert fold(bench.records).spent_usd == 2 * PRICE
    assert not fold(bench.records).open_jobs


async def test_where_both_fail_the_next_attempt_comes(bench: Bench, autojump_clock: MockClock) -> None:
    down = Unavailable("down")
    queue(bench).work, queue(bench).fates = {1: LATE + 5}, {1: down, 2: down}
    outcomes = await run_batch(hedged(bench, a_clip()))
    assert content(bench, outcomes[CLIP]) == "made by job-3"
    assert [event.outcome for event in bench.events(AttemptFailed)] == ["retry"]
    assert fold(bench.records).spent_usd == PRICE


@pytest.mark.parametrize("refused", [1, 2])
async def test_where_both_fail_the_worse_of_it_counts_and_the_books_agree(
    bench: Bench, autojump_clock: MockClock, refused: int
) -> None:
    no = Rejected("not this", maybe_charged=True)
    queue(bench).work = {1: LATE + 5}
    queue(bench).fates = {1: Unavailable("down"), 2: Unavailable("down"), refused: no}
    batch = hedged(bench, a_clip(params={"seconds": 4}))
    outcomes = await run_batch(batch)
    assert outcomes[CLIP] == Failed(attempts=1, error_kind="Rejected", message="not this")
    assert len(bench.provider.submitted) == 2
    state = fold(bench.records)
    assert state.spent == batch.purse.spent
    assert (state.spent_usd, state.spent.clip_seconds) == (PRICE, 4)


async def test_what_the_service_refuses_is_not_sent_again_by_the_second(
    bench: Bench, autojump_clock: MockClock
) -> None:
    """The refusal comes while the second request is made ready: nothing leaves any more."""
    queue(bench).work, queue(bench).fates = {1: LATE + 5}, {1: Rejected("not this", maybe_charged=True)}

    async def prepare(request: Request) -> Request:
        await trio.sleep(10 if bench.provider.submitted else 0)
        return request

    queue(bench).prepare = prepare  # type: ignore[method-assign]
    outcomes = await run_batch(hedged(bench, a_clip()))
    assert isinstance(outcomes[CLIP], Failed)
    assert len(bench.provider.submitted) == 1
    assert fold(bench.records).spent_usd == PRICE


@pytest.mark.parametrize("second", [Unavailable("down"), UnknownOutcome("?", maybe_charged=True)], ids=["down", "lost"])
async def test_what_is_paid_for_and_could_not_be_fetched_is_what_the_next_attempt_asks_for(
    bench: Bench, autojump_clock: MockClock, second: ProviderError
) -> None:
    queue(bench).found = False
    queue(bench).work = {1: LATE + 5}
    queue(bench).fates = {1: Unfetched("not just now", maybe_charged=True), 2: second}
    batch = hedged(bench, a_clip(retry=replace(PATIENT, initial_delay=60)))
    async with trio.open_nursery() as nursery:
        outcomes: dict[str, Outcome] = {}

        async def run() -> None:
            outcomes.update(await run_batch(batch))

        nursery.start_soon(run)
        await trio.sleep(LATE + 20)
        queue(bench).fates = {}
    assert content(bench, outcomes[CLIP]) == "made by job-1"
    assert len(bench.provider.submitted) == 2
    assert [event.request_id for event in bench.events(JobReattached)] == ["job-1"]
    assert not fold(bench.records).open_jobs
    assert fold(bench.records).spent_usd == PRICE * (1 + second.maybe_charged)
    assert fold(bench.records).spent == batch.purse.spent


async def test_where_the_first_could_not_be_fetched_the_second_that_is_at_work_delivers(
    bench: Bench, autojump_clock: MockClock
) -> None:
    queue(bench).work, queue(bench).fates = {1: LATE + 5}, {1: Unfetched("not just now", maybe_charged=True)}
    batch = hedged(bench, a_clip(params={"seconds": 4}))
    outcomes = await run_batch(batch)
    assert content(bench, outcomes[CLIP]) == "made by job-2"
    assert not bench.events(JobReattached, AttemptFailed)
    state = fold(bench.records)
    assert (state.spent_usd, state.spent.clip_seconds) == (2 * PRICE, 8)
    assert state.spent == batch.purse.spent
    assert not state.open_jobs


async def test_a_second_request_that_never_leaves_the_line_keeps_nobody_waiting(
    bench: Bench, autojump_clock: MockClock
) -> None:
    patient = replace(PATIENT, timeout=30, max_attempts=20, multiplier=1)
    queue(bench).work, queue(bench).line = {1: 200}, {2: 10_000}
    batch = hedged(bench, a_clip(retry=patient))
    outcomes = await run_batch(batch)
    assert content(bench, outcomes[CLIP]) == "made by job-1"
    assert bench.records[-1].elapsed < 210
    assert queue(bench).stopped == ["job-2"]
    state = fold(bench.records)
    assert state.spent_usd == 2 * PRICE, "what was counted when the first attempt ended is not given back"
    assert state.spent == batch.purse.spent
    assert not state.open_jobs


async def test_no_deadline_cuts_off_what_is_paid_for(bench: Bench, autojump_clock: MockClock) -> None:
    impatient = replace(PATIENT, timeout=25)
    queue(bench).work, queue(bench).fates = {1: LATE + 1, 2: 24}, {1: Unavailable("the runner was lost")}
    outcomes = await run_batch(hedged(bench, a_clip(retry=impatient)))
    assert content(bench, outcomes[CLIP]) == "made by job-2"
    assert not bench.events(AttemptFailed)


# ---------------------------------------------------------------------- stops


async def _killed_with_two_open(bench: Bench, **changes: object) -> None:
    queue(bench).work = {1: 200, 2: 100}
    with trio.move_on_after(LATE + 5):
        await run_batch(hedged(bench, a_clip(**changes)))
    assert [len(jobs) for jobs in fold(bench.records).open_jobs.values()] == [2]


async def test_a_run_that_was_cut_off_with_two_open_goes_on_with_both_and_pays_for_no_third(
    bench: Bench, autojump_clock: MockClock
) -> None:
    await _killed_with_two_open(bench)
    outcomes = await run_batch(hedged(bench, a_clip()))
    assert content(bench, outcomes[CLIP]) == "made by job-2"
    assert len(bench.provider.submitted) == 2
    assert sorted(event.request_id for event in bench.events(JobReattached)) == ["job-1", "job-2"]
    assert [event.request_id for event in bench.events(JobDropped)] == ["job-1"]
    state = fold(bench.records)
    assert (state.spent_usd, state.hedged_usd) == (2 * PRICE, PRICE)
    assert not state.open_jobs


async def test_with_two_open_the_loss_of_one_sends_no_third(bench: Bench, autojump_clock: MockClock) -> None:
    cheap = Decimal("0.003")
    await _killed_with_two_open(bench, estimated_cost_usd=cheap)
    queue(bench).fates, queue(bench).work = {1: ResultLost("gone", maybe_charged=True)}, {1: 1, 2: 100}
    outcomes = await run_batch(hedged(bench, a_clip(estimated_cost_usd=cheap)))
    assert content(bench, outcomes[CLIP]) == "made by job-2"
    assert len(bench.provider.submitted) == 2
    assert fold(bench.records).spent_usd == 2 * cheap


async def test_an_equal_step_of_another_video_goes_on_with_both(bench: Bench, autojump_clock: MockClock) -> None:
    await _killed_with_two_open(bench, key="same")
    outcomes = await run_batch(hedged(bench, a_clip("w/01/clip", key="same")))
    assert content(bench, outcomes["w/01/clip"]) == "made by job-2"
    assert [event.taken_from for event in bench.events(JobReattached)] == [CLIP, CLIP]
    assert len(bench.provider.submitted) == 2
    assert not fold(bench.records).open_jobs


# ---------------------------------------------------------------------- what is learned


async def test_one_that_was_stopped_for_being_late_counts_as_late(bench: Bench, autojump_clock: MockClock) -> None:
    queue(bench).work = {1: 200}
    batch = hedged(bench, a_clip())
    await run_batch(batch)
    assert batch.durations.percentile("fake:m", 99) > LATE
