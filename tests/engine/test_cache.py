"""The engine with a cache: what another batch has bought is not bought again, and only what is whole is reused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import trio

from tests.fakes import FakeKind, ScriptedProvider
from tests.values import a_plan, a_step
from tiktoker_batch.engine.announce import announce
from tiktoker_batch.engine.batch import Batch
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.engine.shelf import Shelf
from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.events import Record, StepReused
from tiktoker_batch.model import Kind, Step
from tiktoker_batch.outcomes import Failed, Outcome, Reused, Succeeded
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.recording import Recorder
from tiktoker_batch.steps.base import Tools
from tiktoker_batch.store.cache import Cache
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.seen import Seen
from tiktoker_batch.store.state import fold


@dataclass
class House:
    """Output folders that share one cache."""

    root: Path
    world: str = "real"
    provider: ScriptedProvider = field(default_factory=lambda: ScriptedProvider(seconds=0.0))
    records: dict[str, list[Record]] = field(default_factory=dict)
    cache: Cache = field(init=False)

    def __post_init__(self) -> None:
        self.cache = Cache(self.root / "cache", limit_bytes=10**6)

    async def run(
        self, folder: str, steps: Iterable[Step], *, cached: bool = True, forced: frozenset[str] = frozenset()
    ) -> Mapping[str, Outcome]:
        """Run in this folder, again if it was run there before; the jobs that were bought are counted anew."""
        told = self.records.setdefault(folder, [])
        before, layout, plan = fold(told), Layout(self.root / folder), a_plan(steps)
        kinds = {kind: FakeKind(eager=kind is Kind.ASSEMBLY) for kind in Kind}
        self.provider.submitted.clear()
        layout.root.mkdir(exist_ok=True)
        recorder = Recorder([told.append], run=before.runs + 1)
        announce(plan, recorder, options={}, limits={})
        shelf = Shelf(cache=self.cache, worlds={"fake": self.world}, kinds=kinds, layout=layout)
        batch = Batch(
            plan=plan,
            kinds=kinds,
            providers={"fake": self.provider, "local": self.provider},
            capacity=Capacity({"fake": 10}),
            recorder=recorder,
            layout=layout,
            reuse=Reuse(kinds, layout, before.successes, forced, Seen(layout, writable=True)),
            open_jobs=before.open_jobs,
            shelf=shelf if cached else None,
            tools=Tools(ffmpeg="", font_cache=self.root),
        )
        return await run_batch(batch)

    @property
    def bought(self) -> list[str]:
        return sorted(self.provider.submitted)


def work(step_id: str, *needs: str, text: str = "", **changes: object) -> Step:
    """A step whose key does not depend on the name of its video, as real ones."""
    return a_step(step_id, *needs, key=digest([step_id.split("/", 1)[1], text]), **changes)


def video(name: str, shot: str = "a lamp", *, provider: str = "fake") -> list[Step]:
    return [
        work(f"{name}/story", provider=provider),
        work(f"{name}/01/image", f"{name}/story", text=shot, segment=1, provider=provider),
        work(f"{name}/02/image", f"{name}/story", text="a ship", segment=2, provider=provider),
        work(f"{name}/01/clip", f"{name}/01/image", segment=1, provider=provider),
    ]


async def test_a_second_batch_buys_nothing_and_has_files_of_its_own(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.run("one", video("mon"))
    assert len(house.bought) == 4
    outcomes = await house.run("two", video("tue"))
    assert house.bought == []
    assert all(isinstance(outcome, Reused) and outcome.from_cache for outcome in outcomes.values())
    for outcome in outcomes.values():
        assert isinstance(outcome, Reused)
        assert outcome.artifacts[0].path.startswith("work/tue/")
        assert (tmp_path / "two" / outcome.artifacts[0].path).is_file()
    told = [record.event for record in house.records["two"] if isinstance(record.event, StepReused)]
    assert [event.from_cache for event in told] == [True] * 4


async def test_in_the_batch_itself_it_is_then_reused_without_the_cache(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.run("one", video("mon"))
    await house.run("two", video("tue"))
    house.cache.clear()
    outcomes = await house.run("two", video("tue"))
    assert house.bought == []
    assert all(outcome == Reused(artifacts=outcome.artifacts, inputs=outcome.inputs) for outcome in outcomes.values())  # type: ignore[union-attr]


async def test_an_edited_prompt_buys_exactly_what_depends_on_it(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.run("one", video("mon"))
    await house.run("two", video("tue", shot="a candle"))
    assert house.bought == ["tue/01/clip", "tue/01/image"]
    await house.run("one", video("mon", shot="a candle"))
    assert house.bought == []
    await house.run("one", video("mon", shot="a lamp"))
    assert house.bought == []


async def test_work_on_this_machine_is_not_kept(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.run("one", video("mon", provider="local"))
    assert house.cache.holdings().entries == 0
    await house.run("two", video("mon", provider="local"))
    assert len(house.bought) == 4


async def test_what_a_simulated_service_made_never_passes_for_bought(tmp_path: Path) -> None:
    house = House(tmp_path, world="at-0123")
    await house.run("one", video("mon"))
    house.world = "real"
    await house.run("two", video("mon"))
    assert len(house.bought) == 4


async def test_without_the_cache_nothing_is_taken_and_nothing_kept(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.run("one", video("mon"), cached=False)
    assert house.cache.holdings().entries == 0
    await house.run("one", video("mon"))
    await house.run("two", video("mon"), cached=False)
    assert len(house.bought) == 4


async def test_a_forced_step_is_bought_again_and_its_new_result_kept(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.run("one", video("mon"))
    await house.run("two", video("mon"), forced=frozenset({"mon/02/image"}))
    assert house.bought == ["mon/02/image"]


async def test_equal_prompts_of_one_video_stay_different_pictures(tmp_path: Path) -> None:
    house = House(tmp_path)
    first = work("mon/01/image", segment=1)
    await house.run("one", [first])
    await house.run("one", [first, a_step("mon/02/image", key=first.key, segment=2)])
    assert house.bought == ["mon/02/image"]


async def test_a_spoilt_cache_only_costs_what_it_would_have_saved(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.run("one", video("mon"))
    for path in (house.cache.folder / "contents").rglob("*"):
        if path.is_file():
            path.write_bytes(b"x" * path.stat().st_size)
    outcomes = await house.run("two", video("mon"))
    assert len(house.bought) == 4
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes.values())
    await house.run("three", video("mon"))
    assert house.bought == []


async def test_where_there_is_no_room_nothing_is_bought_either(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.run("one", [work("mon/story")])

    def full(*_: object) -> None:
        raise TiktokerError("cannot write work/mon/story.txt: No space left on device")

    house.cache.bring = full  # type: ignore[method-assign,assignment]
    outcomes = await house.run("two", [work("mon/story")])
    assert isinstance(outcomes["mon/story"], Failed)
    assert house.bought == []


async def test_a_file_that_looks_untouched_is_hashed_before_something_is_made_from_it(tmp_path: Path) -> None:
    house = House(tmp_path)
    steps = [work("mon/story"), work("mon/shots", "mon/story")]
    await house.run("one", steps[:1])
    rot(house, "one", "mon/story")
    outcomes = await house.run("one", steps)
    assert isinstance(outcomes["mon/shots"], Failed)
    assert "run again" not in outcomes["mon/shots"].message
    assert house.bought == []
    outcomes = await house.run("one", steps, cached=False)
    assert house.bought == ["mon/shots", "mon/story"]


def rot(house: House, folder: str, step: str) -> None:
    """Change a file and note its new looks, as if the disk had changed it beneath the file system."""
    success = fold(house.records[folder]).successes[step]
    layout = Layout(house.root / folder)
    path = layout.absolute(success.artifacts[0].path)
    path.write_bytes(b"#" * path.stat().st_size)
    Seen(layout, writable=True).note(success.artifacts)


async def test_many_steps_are_fetched_at_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    steps = [work(f"mon/{n:02d}/image", segment=n, text=str(n)) for n in range(1, 60)]
    await house.run("one", steps)
    with trio.fail_after(20):
        outcomes = await house.run("two", steps)
    assert house.bought == []
    assert len({outcome.artifacts[0].sha256 for outcome in outcomes.values() if isinstance(outcome, Reused)}) == 59
