"""The machine's clock is set, and the machine sleeps: neither costs a job, and times are what they were."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import cycle
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.engine.test_purchase import Line
from tests.engine.test_run import Bench
from tests.simulated import a_world, an_image, open_provider, simulated, troubles
from tests.values import a_step
from tiktoker_batch import recording
from tiktoker_batch.engine import purchase
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.errors import UnknownOutcome
from tiktoker_batch.events import AttemptStarted, StepSucceeded
from tiktoker_batch.model import Retry
from tiktoker_batch.outcomes import Outcome, Succeeded
from tiktoker_batch.providers import http
from tiktoker_batch.report.standing import sequential_seconds
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.store.journal import Journal, read_journal
from tiktoker_batch.store.state import fold

PATIENT = Retry(max_attempts=3, initial_delay=3, jitter=0, timeout=600)


def jumping(hours: Iterator[float]) -> type[datetime]:
    """A wall clock that is set anew before each glance."""

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(hours=next(hours))

    return Jumping


@pytest.fixture
def jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock goes back and forth by hours."""
    clock = jumping(cycle([0, 7, -5, 30, -100]))
    for module in (recording, purchase, http):
        monkeypatch.setattr(module, "datetime", clock)


async def ran(bench: Bench) -> Mapping[str, Outcome]:
    bench.provider = Line(line_seconds=20, work_seconds=30)
    steps = [a_step(f"v{n}/01/clip", retry=PATIENT) for n in range(4)]
    return await bench.run(*steps, *(a_step(f"v{n}/assembly", f"v{n}/01/clip", retry=PATIENT) for n in range(4)))


@pytest.mark.usefixtures("jumps")
async def test_times_are_measured_by_a_clock_that_nobody_sets(tmp_path: Path, autojump_clock: MockClock) -> None:
    bench = Bench(tmp_path)
    outcomes = await ran(bench)
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes.values())
    moments = [record.at for record in bench.records]
    assert moments != sorted(moments), "the wall clock did jump"
    elapsed = [record.elapsed for record in bench.records]
    assert elapsed == sorted(elapsed)
    state = fold(bench.records)
    clips = [step for name, step in state.steps.items() if name.endswith("clip")]
    assert {round(step.attempts[0].worked_seconds, 3) for step in clips} == {50.0}
    assert 0 < sequential_seconds(state) < 1000


@pytest.mark.usefixtures("jumps")
async def test_the_journal_is_in_order_whatever_the_clock_says(tmp_path: Path, autojump_clock: MockClock) -> None:
    bench = Bench(tmp_path)
    await ran(bench)
    with Journal.open(tmp_path / "journal.jsonl") as journal:
        for record in bench.records:
            journal(record)
    read = read_journal(tmp_path / "journal.jsonl")
    assert [record.event for record in read] == [record.event for record in bench.records]
    assert fold(read).successes == fold(bench.records).successes


def test_a_lost_request_is_looked_for_as_long_as_ever(
    tmp_path: Path, flying_clock: FlyingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that was set forth must not make a minute of looking out of fifteen."""

    async def main() -> None:
        async with (
            simulated(a_world(*troubles("submit", "lost_reply"))) as simulator,
            open_provider("fal", simulator, tmp_path) as provider,
        ):
            sent, began = datetime.now(UTC), trio.current_time()
            request = replace(await provider.prepare(an_image()), left_at=began)
            with pytest.raises(UnknownOutcome):
                await provider.submit(request)
            monkeypatch.setattr(http, "datetime", jumping(cycle([9.0])))
            assert await provider.find(request, sent) is not None
            stranger = replace(an_image("nobody sent this", token=99), left_at=began)
            assert await provider.find(stranger, sent) is None
            assert trio.current_time() - began > 800

    trio.run(main, clock=flying_clock)


@pytest.mark.parametrize("hours", [0.5, 9])
async def test_a_machine_that_sleeps_while_a_job_is_out_collects_it(
    tmp_path: Path, mock_clock: MockClock, hours: float
) -> None:
    mock_clock.autojump_threshold = 0.01
    bench = Bench(tmp_path, provider=Line(line_seconds=5, work_seconds=60))
    batch = bench.batch([a_step(f"v{n}/01/clip", retry=PATIENT) for n in range(3)])
    outcomes: dict[str, Outcome] = {}
    async with trio.open_nursery() as nursery:

        async def sleep_well() -> None:
            await trio.sleep(30)
            mock_clock.jump(hours * 3600)

        nursery.start_soon(sleep_well)
        outcomes.update(await run_batch(batch))
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes.values())
    assert len(bench.provider.submitted) == 3
    assert len(bench.events(StepSucceeded)) == 3
    assert len(bench.events(AttemptStarted)) <= 6
