"""Ceilings on money and things: never passed, and everything else goes on."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.engine.test_purchase import Line
from tests.engine.test_run import Bench
from tests.fakes import FakeKind, ScriptedProvider
from tests.values import a_step
from tiktoker_batch.engine.budget import Purse, open_purse
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.errors import Rejected, Unavailable
from tiktoker_batch.events import AttemptFailed, StepSucceeded, SubmitIntended
from tiktoker_batch.model import Budget, Cancelled, Kind, Outcome, Retry, Step, Succeeded
from tiktoker_batch.providers.base import Request
from tiktoker_batch.steps.base import Made, Work
from tiktoker_batch.units import Units, things_of

USD = Decimal("0.40")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, provider=ScriptedProvider())


def clip(name: str, usd: Decimal = USD, seconds: float = 4) -> Step:
    retry = Retry(max_attempts=3, initial_delay=1, jitter=0, timeout=60)
    return replace(a_step(name, estimated_cost_usd=usd, retry=retry), params={"seconds": seconds})


async def bought(bench: Bench, purse: Purse, *steps: Step) -> Mapping[str, Outcome]:
    return await run_batch(replace(bench.batch(steps), purse=purse))


def spent(bench: Bench) -> Decimal:
    return sum((event.cost_usd for event in bench.events(StepSucceeded, AttemptFailed)), Decimal(0))


async def test_no_request_leaves_that_would_pass_the_ceiling(bench: Bench, autojump_clock: MockClock) -> None:
    purse = Purse(ceilings=Budget(max_usd=Decimal("1.00")))
    outcomes = await bought(bench, purse, *(clip(f"v{n}/01/clip") for n in range(10)))
    assert sum(isinstance(outcome, Succeeded) for outcome in outcomes.values()) == 2
    assert sum(isinstance(outcome, Cancelled) for outcome in outcomes.values()) == 8
    assert len(bench.events(SubmitIntended)) == 2
    assert spent(bench) == Decimal("0.80") == purse.spent.usd
    assert purse.refused is not None
    assert "budget.max_usd" in purse.refused


async def test_it_holds_for_requests_that_are_under_way_at_once(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.seconds = 100
    purse = Purse(ceilings=Budget(max_usd=Decimal("2.00")))
    retry = Retry(timeout=600)
    await bought(bench, purse, *(a_step(f"v{n}/01/clip", estimated_cost_usd=USD, retry=retry) for n in range(50)))
    assert bench.provider.peak == 5


async def test_a_retry_is_paid_from_the_same_purse(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider.script = {"v/01/clip": [Rejected("no", maybe_charged=True)], "w/01/clip": [Unavailable("free")]}
    purse = Purse(ceilings=Budget(max_usd=Decimal("0.80")))
    outcomes = await bought(bench, purse, clip("v/01/clip"), clip("w/01/clip"))
    assert isinstance(outcomes["w/01/clip"], Succeeded)
    assert purse.spent.usd == Decimal("0.80")


async def test_what_earlier_runs_have_spent_is_gone(bench: Bench, autojump_clock: MockClock) -> None:
    purse = Purse(ceilings=Budget(max_usd=Decimal("1.00")), spent=Units(usd=Decimal("0.70")))
    outcomes = await bought(bench, purse, clip("v/01/clip"))
    assert isinstance(outcomes["v/01/clip"], Cancelled)
    assert bench.provider.submitted == []


async def test_one_video_s_ceiling_holds_up_no_other_video(bench: Bench, autojump_clock: MockClock) -> None:
    purse = Purse(ceilings=Budget(per_video_usd=Decimal("0.50")))
    steps = [clip("v/01/clip"), clip("v/02/clip"), clip("w/01/clip")]
    outcomes = await bought(bench, purse, *steps)
    assert isinstance(outcomes["w/01/clip"], Succeeded)
    assert sum(isinstance(outcomes[f"v/0{n}/clip"], Succeeded) for n in (1, 2)) == 1


async def test_clip_seconds_have_a_ceiling_of_their_own(bench: Bench, autojump_clock: MockClock) -> None:
    purse = Purse(ceilings=Budget(max_clip_seconds=10))
    outcomes = await bought(bench, purse, *(clip(f"v{n}/01/clip", seconds=4) for n in range(5)))
    assert sum(isinstance(outcome, Succeeded) for outcome in outcomes.values()) == 2
    assert purse.spent.clip_seconds == 8


async def test_clips_that_are_on_their_way_count_also_in_the_next_run(bench: Bench, autojump_clock: MockClock) -> None:
    bench.provider = Line(line_seconds=20, work_seconds=20)
    steps = [clip(f"v{n}/01/clip") for n in range(4)]
    purse = Purse(ceilings=Budget(max_clip_seconds=8))
    with trio.move_on_after(30):
        await bought(bench, purse, *steps)
    assert len(bench.provider.submitted) == 2
    again = open_purse(Budget(max_clip_seconds=8), bench.stopped())
    outcomes = await bought(bench, again, *steps)
    assert sum(isinstance(outcome, Succeeded) for outcome in outcomes.values()) == 2
    assert len(bench.provider.submitted) == 2
    assert again.spent.clip_seconds == 8


@pytest.mark.parametrize(
    ("kind", "ceilings", "spent"),
    [
        ("01/image", Budget(max_images=3), Units(images=3)),
        ("narration", Budget(max_characters=37), Units(characters=3 * len("v0/narration"))),
    ],
)
async def test_pictures_and_spoken_characters_have_ceilings_too(
    bench: Bench, autojump_clock: MockClock, kind: str, ceilings: Budget, spent: Units
) -> None:
    bench.provider.seconds = 5
    bench.provider.script = {f"v0/{kind}": [Unavailable("not charged")]}
    steps = [a_step(f"v{n}/{kind}", retry=Retry(timeout=60, jitter=0)) for n in range(5)]
    first, second = steps[:2], steps[2:]
    await bought(bench, Purse(ceilings=ceilings), *first)
    purse = open_purse(ceilings, bench.stopped())
    outcomes = await bought(bench, purse, *steps)
    assert sum(isinstance(outcome, Succeeded) for outcome in outcomes.values()) == 1
    assert sum(isinstance(outcomes[step.id], Cancelled) for step in second) == 2
    assert purse.spent.things == spent
    assert purse.refused is not None
    assert f"budget.max_{'images' if kind.endswith('image') else 'characters'}" in purse.refused


def test_what_this_machine_makes_has_no_ceiling() -> None:
    assert not things_of(a_step("v/01/image", provider="local"))
    assert things_of(a_step("v/01/image")) == Units(images=1)
    assert things_of(a_step("v/narration", estimated_characters=90)) == Units(characters=90)
    assert not things_of(a_step("v/story"))


async def test_what_is_known_of_a_price_at_last_is_what_is_reserved(bench: Bench, autojump_clock: MockClock) -> None:
    class Talkative(FakeKind):
        async def run(self, work: Work) -> Made:
            request = Request(kind=work.step.kind, model="m", prompt=work.step.id, price_usd=Decimal("0.90"))
            await work.buy(request, {})
            return Made(artifacts=())

    bench.kinds[Kind.NARRATION] = Talkative()
    purse = Purse(ceilings=Budget(max_usd=Decimal("0.50")))
    step = a_step("v/narration", estimated_cost_usd=Decimal("0.20"), retry=Retry(timeout=60))
    outcomes = await bought(bench, purse, step)
    assert isinstance(outcomes["v/narration"], Cancelled)
    assert bench.provider.submitted == []


async def test_what_costs_nothing_goes_on(bench: Bench, autojump_clock: MockClock) -> None:
    purse = Purse(ceilings=Budget(max_usd=Decimal(0)))
    outcomes = await bought(bench, purse, clip("v/01/clip"), a_step("w/story"), a_step("w/shots", "w/story"))
    assert isinstance(outcomes["w/shots"], Succeeded)
    assert isinstance(outcomes["v/01/clip"], Cancelled)
