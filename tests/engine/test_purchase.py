"""What an attempt pays for, and when it may pay again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.engine.test_run import Bench
from tests.fakes import ScriptedProvider
from tests.values import a_step
from tiktoker_batch.engine.breaker import REFUSALS
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.errors import (
    AuthFailed,
    Crowded,
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
    BackedOff,
    CapacityChanged,
    JobReattached,
    JobSubmitted,
    OutcomeUnknown,
    StepSucceeded,
    SubmitIntended,
)
from tiktoker_batch.model import Retry
from tiktoker_batch.outcomes import Cancelled, Failed, Succeeded
from tiktoker_batch.providers.base import Job, Produced, Request
from tiktoker_batch.providers.policy import LOCKED
from tiktoker_batch.store.state import fold

PATIENT = Retry(max_attempts=3, initial_delay=3, multiplier=2, jitter=0, timeout=60)
DEAR, CHEAP = Decimal("0.40"), Decimal("0.003")


@dataclass
class LossyProvider(ScriptedProvider):
    """Its submits fail with ``losses`` in turn; ``found`` says whether a lost one shows up when it is looked for."""

    losses: list[ProviderError] = field(default_factory=list)
    found: bool = True
    tells: bool = True
    looked: int = 0
    stops: bool = True

    async def submit(self, request: Request) -> Job:
        job = await super().submit(request)
        if self.losses:
            raise self.losses.pop(0)
        return job

    async def find(self, request: Request, sent: datetime) -> Job | None:
        await trio.sleep(30)
        self.looked += 1
        if not self.tells:
            raise UnknownOutcome("the list does not tell")
        return Job(id="found", provider=self.name, model=request.model, request=request) if self.found else None

    async def cancel(self, job: Job) -> bool:
        await trio.lowlevel.checkpoint()
        return self.stops


def lost(*, answered: bool = False) -> UnknownOutcome:
    error = UnknownOutcome("no answer", maybe_charged=True)
    error.answered = answered
    return error


def a_clip_step(price: Decimal = DEAR, **retry: object) -> object:
    values = {"max_attempts": 3, "initial_delay": 3, "multiplier": 2, "jitter": 0, "timeout": 60, **retry}
    return a_step("v/01/clip", estimated_cost_usd=price, retry=Retry(**values))  # type: ignore[arg-type]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, provider=LossyProvider())


def lossy(bench: Bench) -> LossyProvider:
    assert isinstance(bench.provider, LossyProvider)
    return bench.provider


async def test_a_submit_whose_answer_was_lost_is_looked_for_and_adopted(
    bench: Bench, autojump_clock: MockClock
) -> None:
    lossy(bench).losses = [lost()]
    outcome = (await bench.run(a_clip_step()))["v/01/clip"]
    assert isinstance(outcome, Succeeded)
    assert len(bench.provider.submitted) == 1
    assert [event.request_id for event in bench.events(JobSubmitted)] == ["found"]
    assert outcome.cost_usd == DEAR


async def test_the_intent_is_on_record_before_the_request_leaves(bench: Bench, autojump_clock: MockClock) -> None:
    await bench.run(a_clip_step())
    names = [type(record.event) for record in bench.records]
    assert names.index(SubmitIntended) < names.index(JobSubmitted)


async def test_each_attempt_can_be_told_apart_by_its_token(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.script = {"v/01/clip": [Unavailable("busy"), Unavailable("busy")]}
    await bench.run(a_clip_step())
    tokens = [event.token for event in bench.events(SubmitIntended)]
    assert len(set(tokens)) == 3
    assert all(0 <= token < 2**31 for token in tokens)


async def test_a_dear_request_that_is_nowhere_to_be_found_is_not_sent_again(
    bench: Bench, autojump_clock: MockClock
) -> None:
    lossy(bench).losses, lossy(bench).found = [lost()], False
    outcome = (await bench.run(a_clip_step()))["v/01/clip"]
    assert isinstance(outcome, Failed)
    assert outcome.error_kind == "UnknownOutcome"
    assert len(bench.provider.submitted) == 1
    assert [event.outcome for event in bench.events(AttemptFailed)] == ["unknown"]
    assert [event.cost_usd for event in bench.events(AttemptFailed)] == [DEAR]


async def test_a_cheap_one_is_sent_again_and_both_are_counted(bench: Bench, autojump_clock: MockClock) -> None:
    lossy(bench).losses, lossy(bench).found = [lost()], False
    outcome = (await bench.run(a_clip_step(CHEAP)))["v/01/clip"]
    assert isinstance(outcome, Succeeded)
    assert len(bench.provider.submitted) == 2
    assert sum(event.cost_usd for event in bench.events(AttemptFailed, StepSucceeded)) == 2 * CHEAP


@pytest.mark.parametrize(("choice", "price", "sent"), [("retry", DEAR, 2), ("fail", CHEAP, 1)])
async def test_the_recipe_may_decide_otherwise(
    bench: Bench, autojump_clock: MockClock, choice: str, price: Decimal, sent: int
) -> None:
    lossy(bench).losses, lossy(bench).tells = [lost()], False
    await bench.run(a_clip_step(price, on_unknown=choice))
    assert len(bench.provider.submitted) == sent


async def test_what_the_provider_refused_and_does_not_list_was_never_bought(
    bench: Bench, autojump_clock: MockClock
) -> None:
    lossy(bench).losses, lossy(bench).found = [lost(answered=True)], False
    outcome = (await bench.run(a_clip_step()))["v/01/clip"]
    assert isinstance(outcome, Succeeded)
    assert outcome.cost_usd == DEAR
    assert [event.cost_usd for event in bench.events(AttemptFailed)] == [0]


async def test_an_answer_lost_while_the_work_was_done_is_looked_for_too(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.provider.script = {"v/01/clip": [lost()]}

    @dataclass
    class OneShot(LossyProvider):
        async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
            return Produced(value="recalled") if job.id == "found" else await super().collect(job, into, begun)

    bench.provider = OneShot(script=bench.provider.script)
    outcome = (await bench.run(a_clip_step()))["v/01/clip"]
    assert isinstance(outcome, Succeeded)
    assert len(bench.provider.submitted) == 1
    assert bench.events(OutcomeUnknown)


async def test_looking_for_a_request_may_take_longer_than_an_attempt(bench: Bench, autojump_clock: MockClock) -> None:
    lossy(bench).losses = [lost()]
    outcome = (await bench.run(a_clip_step(timeout=5)))["v/01/clip"]
    assert isinstance(outcome, Succeeded)


async def test_a_job_stopped_in_line_at_its_deadline_may_be_bought_anew(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.provider.seconds = 90
    outcome = (await bench.run(a_clip_step()))["v/01/clip"]
    assert isinstance(outcome, Failed)
    assert outcome.error_kind == "TimedOut"
    assert len(bench.provider.submitted) == 3
    assert sum(event.cost_usd for event in bench.events(AttemptFailed)) == 0


async def test_a_job_that_may_still_be_charged_is_not(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.seconds, lossy(bench).stops, lossy(bench).tells = 90, False, False
    outcome = (await bench.run(a_clip_step()))["v/01/clip"]
    assert isinstance(outcome, Failed)
    assert outcome.error_kind == "UnknownOutcome"
    assert len(bench.provider.submitted) == 1
    assert [event.cost_usd for event in bench.events(AttemptFailed)] == [DEAR]


@dataclass
class Line(LossyProvider):
    """Lets a job wait in line before it works on it; ``asked_to_stop`` are the jobs that it was asked to let go."""

    line_seconds: float = 0.0
    work_seconds: float = 1.0
    asked_to_stop: list[str] = field(default_factory=list)
    taken_at: dict[str, float] = field(default_factory=dict)

    async def submit(self, request: Request) -> Job:
        job = replace(await super().submit(request), addresses={"status_url": "u"}, in_line=True)
        self.taken_at[job.id] = trio.current_time()
        return job

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        begins = self.taken_at[job.id] + self.line_seconds
        await trio.sleep_until(begins)
        begun()
        await trio.sleep_until(begins + self.work_seconds)
        return Produced(value=job.id)

    async def cancel(self, job: Job) -> bool:
        await trio.lowlevel.checkpoint()
        self.asked_to_stop.append(job.id)
        return True


async def test_time_in_line_is_no_time_at_work(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider = Line(line_seconds=300, work_seconds=50)
    outcome = (await bench.run(a_clip_step(timeout=60)))["v/01/clip"]
    assert isinstance(outcome, Succeeded)
    assert len(bench.provider.submitted) == 1
    assert not bench.events(AttemptFailed)


async def test_a_job_at_work_is_never_stopped_but_asked_for_again(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider = Line(line_seconds=10, work_seconds=150)
    outcome = (await bench.run(a_clip_step(timeout=60)))["v/01/clip"]
    assert isinstance(outcome, Succeeded)
    assert bench.provider.asked_to_stop == []
    assert len(bench.provider.submitted) == 1
    assert sum(event.cost_usd for event in bench.events(AttemptFailed, StepSucceeded)) == DEAR


async def test_a_line_that_does_not_move_is_left(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider = Line(line_seconds=10_000)
    outcome = (await bench.run(a_clip_step(timeout=60)))["v/01/clip"]
    assert isinstance(outcome, Failed)
    assert outcome.error_kind == "TimedOut"
    assert len(bench.provider.asked_to_stop) == 3
    assert sum(event.cost_usd for event in bench.events(AttemptFailed)) == 0


# ---------------------------------------------------------------------- results that are gone


def gone() -> ResultLost:
    return ResultLost("the file is not there any more", maybe_charged=True)


async def test_a_dear_result_that_is_gone_is_reported_not_bought_again(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider = LossyProvider(script={"v/01/clip": [gone(), gone()]})
    lossy(bench).tells = False
    for _ in range(2):
        outcome = (await bench.run(a_clip_step()))["v/01/clip"]
        assert isinstance(outcome, Failed)
        assert outcome.error_kind in {"ResultLost", "UnknownOutcome"}
    assert len(bench.provider.submitted) == 1
    costs = [record.event.cost_usd for record in bench.records if isinstance(record.event, AttemptFailed)]
    assert sum(costs) == DEAR


@pytest.mark.parametrize(("price", "choice"), [(CHEAP, None), (DEAR, "retry")])
async def test_one_that_is_cheap_or_may_be_bought_twice_is_and_both_are_counted(
    bench: Bench, autojump_clock: MockClock, price: Decimal, choice: str | None
) -> None:
    bench.provider.script = {"v/01/clip": [gone()]}
    outcome = (await bench.run(a_clip_step(price, on_unknown=choice)))["v/01/clip"]
    assert isinstance(outcome, Succeeded)
    assert len(bench.provider.submitted) == 2
    assert sum(event.cost_usd for event in bench.events(AttemptFailed, StepSucceeded)) == 2 * price


# ---------------------------------------------------------------------- being stopped


async def _paused_after(bench: Bench, seconds: float, *steps: object) -> Mapping[str, object]:
    batch = bench.batch(steps)  # type: ignore[arg-type]
    outcomes: dict[str, object] = {}

    async def stop() -> None:
        await trio.sleep(seconds)
        batch.pause.request()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop)
        outcomes.update(await run_batch(batch))
    return outcomes


async def test_whoever_stops_a_look_for_a_lost_request_sends_no_second_one(
    bench: Bench, autojump_clock: MockClock
) -> None:
    lossy(bench).losses = [lost()]
    outcomes = await _paused_after(bench, 5, a_clip_step(CHEAP))
    assert isinstance(outcomes["v/01/clip"], Cancelled)
    again = await _paused_after(bench, 5, a_clip_step(CHEAP))
    assert isinstance(again["v/01/clip"], Cancelled)
    assert len(bench.provider.submitted) == 1
    assert lossy(bench).looked == 0
    outcome = (await bench.run(a_clip_step(CHEAP)))["v/01/clip"]
    assert isinstance(outcome, Succeeded)
    assert len(bench.provider.submitted) == 1
    assert fold(bench.records).spent_usd == CHEAP


async def test_whoever_is_still_preparing_when_the_run_is_stopped_sends_nothing(
    bench: Bench, autojump_clock: MockClock
) -> None:
    @dataclass
    class Uploading(LossyProvider):
        async def prepare(self, request: Request) -> Request:
            await trio.sleep(20)
            return request

    bench.provider = Uploading()
    outcomes = await _paused_after(bench, 5, a_clip_step())
    assert isinstance(outcomes["v/01/clip"], Cancelled)
    assert bench.provider.submitted == []
    assert not bench.events(SubmitIntended)


async def test_a_failed_purchase_that_may_be_charged_is_counted(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.script = {"v/01/clip": [Rejected("not allowed", maybe_charged=True)]}
    await bench.run(a_clip_step())
    assert [event.cost_usd for event in bench.events(AttemptFailed)] == [DEAR]


async def test_what_a_service_says_it_cost_is_what_it_cost(bench: Bench, autojump_clock: MockClock) -> None:
    @dataclass
    class Metered(ScriptedProvider):
        async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
            await trio.lowlevel.checkpoint()
            return Produced(value="made", cost_usd=Decimal("0.123"))

    bench.provider = Metered()
    outcome = (await bench.run(a_clip_step()))["v/01/clip"]
    assert isinstance(outcome, Succeeded)
    assert outcome.cost_usd == Decimal("0.123")


async def test_what_could_not_be_fetched_is_asked_for_again_not_bought_again(
    bench: Bench, autojump_clock: MockClock
) -> None:
    lost_way = Unfetched("the file never came whole", maybe_charged=True)
    bench.provider.script = {"v/01/clip": [lost_way]}

    @dataclass
    class Queued(LossyProvider):
        collected: int = 0

        async def submit(self, request: Request) -> Job:
            return replace(await super().submit(request), addresses={"status_url": "u"})

        async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
            self.collected += 1
            await trio.sleep(1)
            if self.collected < 3:
                raise lost_way
            return Produced(value=job.id)

    bench.provider = Queued()
    outcome = (await bench.run(a_clip_step()))["v/01/clip"]
    assert isinstance(outcome, Succeeded)
    assert len(bench.provider.submitted) == 1
    assert [event.request_id for event in bench.events(JobReattached)] == ["job-1", "job-1"]
    assert sum(event.cost_usd for event in bench.events(AttemptFailed, StepSucceeded)) == DEAR


async def test_a_refusal_while_asking_after_a_job_never_buys_it_again(bench: Bench, autojump_clock: MockClock) -> None:
    @dataclass
    class Queued(LossyProvider):
        async def submit(self, request: Request) -> Job:
            return replace(await super().submit(request), addresses={"status_url": "u"})

    bench.provider = Queued(script={"v/01/clip": [AuthFailed("fake: 401")]})
    outcome = (await bench.run(a_clip_step()))["v/01/clip"]
    assert isinstance(outcome, Failed)
    assert len(bench.provider.submitted) == 1


# ---------------------------------------------------------------------- accounts that do not work


async def test_an_account_that_refuses_again_and_again_is_asked_for_nothing_more(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.seats = {"fake": 1}
    lossy(bench).losses = [AuthFailed("fake: 401 no such key") for _ in range(99)]
    outcomes = await bench.run(*(a_step(f"v{n}/01/clip", retry=PATIENT) for n in range(20)))
    assert len(bench.provider.submitted) == REFUSALS
    assert {outcome.message for outcome in outcomes.values() if isinstance(outcome, Failed)} == {
        "fake: 401 no such key"
    }


async def test_a_locked_account_is_believed_at_once_and_what_was_paid_is_still_fetched(
    bench: Bench, autojump_clock: MockClock
) -> None:
    locked = AuthFailed("fake: 403 User is locked")
    locked.code = LOCKED

    @dataclass
    class LockedLater(LossyProvider):
        asked: int = 0

        async def submit(self, request: Request) -> Job:
            self.asked += 1
            if self.asked > 2:
                await trio.lowlevel.checkpoint()
                raise locked
            return await super().submit(request)

    bench.provider, bench.seats = LockedLater(seconds=10), {"fake": 3}
    outcomes = await bench.run(*(a_step(f"v{n}/01/clip", retry=PATIENT) for n in range(9)))
    done = [name for name, outcome in outcomes.items() if isinstance(outcome, Succeeded)]
    assert len(done) == len(bench.provider.submitted) == 2
    assert bench.provider.asked == 3


async def test_a_single_refusal_is_forgiven(bench: Bench, autojump_clock: MockClock) -> None:
    lossy(bench).losses = [AuthFailed("fake: 401")]
    outcome = (await bench.run(a_clip_step()))["v/01/clip"]
    assert isinstance(outcome, Succeeded)


# ---------------------------------------------------------------------- being asked to wait


async def test_being_asked_to_wait_is_not_a_failed_try(bench: Bench, autojump_clock: MockClock) -> None:
    lossy(bench).losses = [RateLimited("slow down", retry_after=20) for _ in range(10)]
    outcome = (await bench.run(a_clip_step()))["v/01/clip"]
    assert isinstance(outcome, Succeeded)
    assert all(event.seconds >= 20 for event in bench.events(BackedOff))


async def test_a_crowded_account_waits_for_its_own_requests_not_for_time(
    bench: Bench, autojump_clock: MockClock
) -> None:
    @dataclass
    class Crowdable(ScriptedProvider):
        async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
            if self.running >= 2:
                await trio.lowlevel.checkpoint()
                raise Crowded("too many at once")
            return await super().collect(job, into, begun)

    bench.provider, bench.seats = Crowdable(seconds=10), {"fake": 4}
    outcomes = await bench.run(*(a_step(f"v{n}/narration", retry=PATIENT) for n in range(8)))
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes.values())
    assert not bench.events(BackedOff)
    assert bench.records[-1].elapsed == pytest.approx(40.0)


async def test_an_account_that_somebody_else_crowds_is_waited_for(bench: Bench, autojump_clock: MockClock) -> None:
    @dataclass
    class CrowdedByOthers(ScriptedProvider):
        async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
            if trio.current_time() < began + 120:
                await trio.lowlevel.checkpoint()
                raise Crowded("too many at once")
            return await super().collect(job, into, begun)

    began = trio.current_time()
    bench.provider, bench.seats = CrowdedByOthers(), {"fake": 4}
    outcome = (await bench.run(a_step("v/narration", retry=PATIENT)))["v/narration"]
    assert isinstance(outcome, Succeeded)
    assert bench.events(BackedOff)
    assert len(bench.provider.submitted) < 50


async def test_a_throttled_provider_is_asked_for_less_at_once_and_slowly_for_more(
    bench: Bench, autojump_clock: MockClock
) -> None:
    lossy(bench).losses, bench.seats = [RateLimited("slow down", retry_after=1)], {"fake": 8}
    batch = bench.batch([a_step(f"v{n}/01/image", retry=PATIENT) for n in range(60)])
    seen: list[int | None] = []

    async def watch() -> None:
        while True:
            seen.append(batch.capacity.seats("fake"))
            await trio.sleep(0.5)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await run_batch(batch)
        nursery.cancel_scope.cancel()
    assert [seats for seats, _ in groupby(seen)] == [8, 7, 8]
    changes = [(event.limit, event.seats, event.cause) for event in bench.events(CapacityChanged)]  # type: ignore[attr-defined]
    assert changes == [("fake", 7, "refused"), ("fake", 8, "tried")]


async def test_a_refusal_that_is_a_models_own_leaves_the_providers_other_models_alone(
    bench: Bench, autojump_clock: MockClock
) -> None:
    refusal = RateLimited("busy", retry_after=1)
    refusal.of_model = True
    lossy(bench).losses, bench.seats = [refusal], {"fake": 8}
    limits = ("fake", "fake:m")
    await bench.run(*(a_step(f"v{n}/01/image", retry=PATIENT, capacity=limits) for n in range(20)))
    changes = [(event.limit, event.cause) for event in bench.events(CapacityChanged)]  # type: ignore[attr-defined]
    assert changes[0] == ("fake:m", "refused")
    assert {limit for limit, _ in changes} == {"fake:m"}


def test_a_provider_may_raise_a_default_but_never_what_the_user_chose() -> None:
    from tiktoker_batch.engine.capacity import Capacity

    capacity = Capacity({"elevenlabs": 4, "fal": 10}, chosen={"fal"})
    capacity.bear("elevenlabs", 10)
    capacity.bear("fal", 40)
    assert (capacity.seats("elevenlabs"), capacity.seats("fal")) == (10, 10)
    capacity.bear("fal", 2)
    assert capacity.seats("fal") == 2
