"""Ceilings on money and things: never passed, and everything else goes on."""

import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from trio.testing import MockClock

from tests.engine.test_purchase import Line
from tests.engine.test_run import Bench
from tests.fakes import FakeKind, ScriptedProvider
from tests.values import a_step
from tiktoker_batch.app import Options, open_recipe
from tiktoker_batch.engine.budget import Purse, open_purse
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.errors import Rejected, Unavailable, Unfetched, UnknownOutcome, Unusable
from tiktoker_batch.events import AttemptFailed, StepSucceeded, SubmitIntended
from tiktoker_batch.model import Budget, Kind, Retry, Step
from tiktoker_batch.outcomes import Cancelled, Outcome, Succeeded
from tiktoker_batch.planning.selection import Choice, Shard
from tiktoker_batch.providers.base import Job, Produced, Request
from tiktoker_batch.steps.base import Made, Work
from tiktoker_batch.units import Units, things_of

USD = Decimal("0.40")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, provider=ScriptedProvider())


def clip(name: str, usd: Decimal = USD, seconds: float = 4) -> Step:
    retry = Retry(max_attempts=3, initial_delay=1, jitter=0, timeout=60)
    return structs.replace(a_step(name, estimated_cost_usd=usd, retry=retry), params={"seconds": seconds})


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


def test_the_parts_of_a_batch_share_its_ceilings(tmp_path: Path) -> None:
    recipe = tmp_path / "sea.yaml"
    ceilings = "{max_usd: 10, per_video_usd: 3, max_clip_seconds: 50, max_images: 9, max_characters: 1001}"
    recipe.write_text(f"version: 1\nname: sea\nbudget: {ceilings}\nvideos: [{{id: a, script: A word.}}]\n")
    part = Options(choice=Choice(shard=Shard(1, 4)))
    assert open_recipe(recipe, part).recipe.budget == Budget(
        max_usd=Decimal("2.5"), per_video_usd=Decimal(3), max_clip_seconds=12.5, max_images=2, max_characters=250
    )
    assert open_recipe(recipe, replace(part, budget=Decimal(6))).recipe.budget.max_usd == Decimal("1.5")
    assert open_recipe(recipe, Options()).recipe.budget.max_usd == 10


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


# ---------------------------------------------------------------------- whatever happens


FATES = ("well", "refused", "failed", "charged", "unusable", "found", "lost", "never", "unfetched")
KINDS = ("01/image", "01/clip", "narration")


@dataclass
class Till(ScriptedProvider):
    """Charges what it says it costs, as a service does; ``fates`` are what becomes of its jobs in turn."""

    fates: list[str] = field(default_factory=list)
    charged: list[tuple[str, Units]] = field(default_factory=list)
    prices: Mapping[str, Units] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    tokens: dict[int, str] = field(default_factory=dict)

    async def submit(self, request: Request) -> Job:
        await trio.sleep(1)
        fate = self.fates.pop(0) if self.fates else "well"
        if fate == "refused":
            raise Unavailable("down")
        name = f"job-{len(self.jobs)}"
        self.jobs[name] = fate
        if fate not in {"failed", "never"}:
            self.charged.append((request.prompt, self.prices[request.prompt]))
        if fate in {"lost", "found", "never"}:
            self.tokens[request.token] = name
            raise UnknownOutcome("no answer", maybe_charged=True)
        return self._job(name, request)

    async def find(self, request: Request, sent: datetime) -> Job | None:
        await trio.sleep(3)
        name = self.tokens.get(request.token)
        return self._job(name, request) if name and self.jobs[name] == "found" else None

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        await trio.sleep(self.seconds)
        match self.jobs[job.id]:
            case "failed":
                raise Unavailable("its machine was lost")
            case "charged":
                raise Rejected("not this", maybe_charged=True)
            case "unusable":
                raise Unusable("black", maybe_charged=True)
            case "unfetched":
                self.jobs[job.id] = "well"
                raise Unfetched("cut off", maybe_charged=True)
        return Produced(value="made")

    def _job(self, name: str, request: Request) -> Job:
        addresses = {"status_url": name}
        return Job(id=name, provider=self.name, model=request.model, request=request, addresses=addresses)

    def bought(self, video: str = "") -> Units:
        return sum((units for step, units in self.charged if step.startswith(video)), Units())


cents = st.integers(0, 60).map(lambda each: Decimal(each) / 100)
whole_ceilings = st.builds(
    Budget,
    max_usd=st.none() | st.integers(0, 400).map(lambda each: Decimal(each) / 100),
    per_video_usd=st.none() | st.integers(0, 200).map(lambda each: Decimal(each) / 100),
    max_clip_seconds=st.none() | st.integers(0, 30),
    max_images=st.none() | st.integers(0, 6),
    max_characters=st.none() | st.integers(0, 60),
)


@settings(max_examples=60, deadline=None)
@given(
    prices=st.lists(cents, min_size=12, max_size=12),
    ceilings=whole_ceilings,
    seats=st.integers(1, 12),
    fates=st.lists(st.sampled_from(FATES), max_size=40),
    stops=st.lists(st.floats(0.5, 30), max_size=3),
    on_unknown=st.sampled_from([None, "retry", "fail"]),
)
def test_what_the_provider_charges_never_passes_a_ceiling(
    prices: list[Decimal],
    ceilings: Budget,
    seats: int,
    fates: list[str],
    stops: list[float],
    on_unknown: Literal["retry", "fail"] | None,
) -> None:
    retry = Retry(max_attempts=4, initial_delay=1, jitter=0, timeout=60, on_unknown=on_unknown)
    names = [f"v{number}/{kind}" for number in range(4) for kind in KINDS]
    steps = [
        a_step(name, estimated_cost_usd=price, retry=retry, params={"seconds": 4})
        for name, price in zip(names, prices, strict=True)
    ]
    till = Till(
        fates=list(fates),
        seconds=2,
        prices={step.id: things_of(step, step.id).costing(step.estimated_cost_usd) for step in steps},
    )

    async def runs(bench: Bench) -> None:
        for seconds in (*stops, math.inf):
            with trio.move_on_after(seconds):
                await bought(bench, open_purse(ceilings, bench.stopped()), *steps)
            _require_kept(till, ceilings)
            booked = bench.stopped().spent
            assert all(getattr(booked, unit) >= getattr(till.bought(), unit) for unit in ("usd", "clip_seconds"))

    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), provider=till, seats={"fake": seats})
        trio.run(runs, bench, clock=MockClock(autojump_threshold=0))


def _require_kept(till: Till, ceilings: Budget) -> None:
    bought = till.bought()
    pairs = [
        (bought.usd, ceilings.max_usd),
        (bought.clip_seconds, ceilings.max_clip_seconds),
        (bought.images, ceilings.max_images),
        (bought.characters, ceilings.max_characters),
        *((till.bought(f"v{number}/").usd, ceilings.per_video_usd) for number in range(4)),
    ]
    assert all(most is None or gone <= most for gone, most in pairs), pairs
