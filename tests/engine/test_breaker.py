"""A provider that does not answer is left alone for a while; steps that wait for it lose nothing by that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.engine.test_run import Bench
from tests.fakes import ScriptedProvider
from tests.values import a_step
from tiktoker_batch.engine.breaker import PATIENCE, SILENT_STEPS
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.errors import AuthFailed, Rejected, Unavailable, Unfetched
from tiktoker_batch.events import AttemptFailed, AttemptStarted, ProviderPaused, StepQueued
from tiktoker_batch.model import Retry
from tiktoker_batch.outcomes import Cancelled, Failed, Outcome, Succeeded
from tiktoker_batch.providers.base import Job, Produced, Request


@dataclass
class Away(ScriptedProvider):
    """Answers nobody between two moments of the run: ``unreachable``, or with 5xx. ``asked`` are the moments."""

    since: float = 0.0
    until: float = 0.0
    unreachable: bool = True
    queues: bool = False
    retry_after: float | None = None
    asked: list[float] = field(default_factory=list)
    began: float = field(default_factory=trio.current_time)

    async def submit(self, request: Request) -> Job:
        await trio.lowlevel.checkpoint()
        self.asked.append(self.now)
        self._require_there(Unavailable)
        job = await super().submit(request)
        return Job(
            id=job.id,
            provider=job.provider,
            model=job.model,
            request=request,
            addresses={"status_url": job.id} if self.queues else {},
        )

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        found = await super().collect(job, into, begun)
        self._require_there(Unfetched)
        return found

    @property
    def now(self) -> float:
        return round(trio.current_time() - self.began, 3)

    def _require_there(self, kind: type[Unavailable | Unfetched]) -> None:
        if self.since <= self.now < self.until:
            error = kind("fake: no connection", retry_after=self.retry_after)
            error.unreachable = self.unreachable
            raise error


class Busy(Away):
    """Takes nothing new, but hands out what is done."""

    def _require_there(self, kind: type[Unavailable | Unfetched]) -> None:
        if kind is Unavailable:
            super()._require_there(kind)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def clips(count: int) -> list[object]:
    return [a_step(f"v{number}/01/clip") for number in range(count)]


def succeeded(outcomes: Mapping[str, Outcome]) -> int:
    return sum(isinstance(outcome, Succeeded) for outcome in outcomes.values())


@pytest.mark.parametrize("count", [1, 3, 40])
async def test_a_network_that_is_gone_for_ten_minutes_costs_no_step(
    bench: Bench, autojump_clock: MockClock, count: int
) -> None:
    bench.provider = Away(until=600)
    outcomes = await bench.run(*clips(count))
    assert succeeded(outcomes) == count
    assert len(bench.provider.submitted) == count
    assert bench.records[-1].elapsed < 600 + 300 + 30


async def test_many_steps_that_meet_5xx_pause_their_provider_too(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider = Away(until=600, unreachable=False)
    assert succeeded(await bench.run(*clips(SILENT_STEPS))) == SILENT_STEPS


async def test_pauses_grow_and_a_single_request_ends_each(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider = Away(until=600)
    await bench.run(*clips(40))
    assert [event.seconds for event in bench.events(ProviderPaused)] == [30, 60, 120, 240, 300]  # type: ignore[attr-defined]
    probes = [moment for moment in bench.provider.asked if 0 < moment < 750]
    assert probes == [30, 90, 210, 450]
    assert bench.provider.asked.count(750) == 1
    assert bench.provider.asked.count(751) == 39


async def test_a_provider_that_says_how_long_is_taken_at_its_word(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider = Away(until=200, retry_after=200)
    await bench.run(*clips(6))
    assert [event.seconds for event in bench.events(ProviderPaused)] == [200]  # type: ignore[attr-defined]


async def test_whoever_waits_for_a_provider_holds_no_seat(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider, bench.seats = Away(until=600), {"fake": 2, "shared": 2}
    waiting = [a_step(f"v{n}/01/clip", capacity=("fake", "shared")) for n in range(8)]
    other = a_step("w/story", capacity=("shared",), provider="local")
    batch = bench.batch([*waiting, other])
    calm = ScriptedProvider(name="local")
    outcomes = await run_batch(replace(batch, providers={"fake": bench.provider, "local": calm}))
    assert succeeded(outcomes) == 9
    started = {e.step: r.elapsed for r in bench.records if isinstance(e := r.event, AttemptStarted)}
    assert started["w/story"] < 30
    assert {e.step for e in bench.events(StepQueued)} >= {"v7/01/clip"}  # type: ignore[attr-defined]


async def test_what_is_out_when_the_network_goes_is_collected_not_bought_again(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.provider = Away(since=5, until=605, seconds=10, queues=True)
    assert succeeded(await bench.run(*clips(8))) == 8
    assert len(bench.provider.submitted) == 8


async def test_what_an_earlier_run_left_out_is_asked_for_although_nothing_new_is(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.provider = Away(seconds=50, queues=True)
    with trio.move_on_after(10):
        await bench.run(*clips(1))
    bench.provider = Busy(until=100, seconds=1, queues=True, unreachable=False, submitted=bench.provider.submitted)
    outcomes = await bench.run(*clips(1), *(a_step(f"w{n}/01/clip") for n in range(9)))
    assert succeeded(outcomes) == 10
    assert bench.provider.submitted.count("v0/01/clip") == 1


async def test_there_is_an_end_to_it_and_it_is_told_in_a_sentence(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider = Away(until=1e9)
    dependent = a_step("v0/assembly", "v0/01/clip", provider="local")
    outcomes = await bench.run(*clips(9), dependent, a_step("late/story"), a_step("late/shots", "late/story"))
    said = {outcome.message for outcome in outcomes.values() if isinstance(outcome, Failed)}
    assert said <= {"fake has not answered for 30 minutes: fake: no connection", "fake: no connection"}
    assert len(said) == 2
    assert all(isinstance(outcomes[f"v{n}/01/clip"], Failed) for n in range(9))
    assert PATIENCE <= bench.records[-1].elapsed < PATIENCE + 400
    ends = [event.outcome for event in bench.events(AttemptFailed)]  # type: ignore[attr-defined]
    assert ends.count("failed") == 10


async def test_a_refusal_of_one_request_is_an_answer(bench: Bench, autojump_clock: MockClock) -> None:
    @dataclass
    class Choosy(ScriptedProvider):
        async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
            await trio.lowlevel.checkpoint()
            raise Rejected("no") if len(self.submitted) % SILENT_STEPS == 0 else Unavailable("503")

    bench.provider, bench.seats = Choosy(), {"fake": 1}
    await bench.run(*(a_step(f"v{n}/01/clip", retry=Retry(max_attempts=1)) for n in range(4 * SILENT_STEPS)))
    assert len(bench.provider.submitted) == 4 * SILENT_STEPS
    assert not bench.events(ProviderPaused)


async def test_an_account_that_is_refused_by_the_probe_is_refused_as_ever(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.provider.script = {
        f"v{n}/01/clip": [Unavailable("503"), *[AuthFailed("fake: 401")] * 5] for n in range(SILENT_STEPS)
    }
    outcomes = await bench.run(*clips(SILENT_STEPS))
    assert {outcome.message for outcome in outcomes.values() if isinstance(outcome, Failed)} == {"fake: 401"}


async def test_a_stop_lets_go_of_those_who_wait_for_a_provider(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider = Away(until=1e9)
    batch = bench.batch(clips(8))  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:

        async def stop() -> None:
            await trio.sleep(100)
            batch.pause.request()

        nursery.start_soon(stop)
        outcomes = await run_batch(batch)
    assert set(outcomes.values()) == {Cancelled()}
    assert bench.records[-1].elapsed <= 100


async def test_a_recipe_with_less_patience_than_that_keeps_it(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider = Away(until=600)
    outcomes = await bench.run(a_step("v/01/clip", retry=Retry(max_attempts=1)))
    assert isinstance(outcomes["v/01/clip"], Failed)
