"""Any prefix of any journal: what a killed run leaves is gone on with to the end, and nothing is paid twice."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from trio.testing import MockClock

from tests.fakes import FakeKind
from tests.values import a_plan, a_step
from tiktoker_batch.engine.announce import announce
from tiktoker_batch.engine.batch import Batch
from tiktoker_batch.engine.budget import open_purse
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.run import run_batch
from tiktoker_batch.errors import Unavailable, Unfetched, UnknownOutcome
from tiktoker_batch.events import JobSubmitted, Record, RunFinished, StepReused, StepSucceeded, SubmitIntended
from tiktoker_batch.model import Budget, Hedge, Kind, Retry, Step
from tiktoker_batch.outcomes import Outcome, Reused, Succeeded
from tiktoker_batch.providers.base import Job, Produced, Request
from tiktoker_batch.recording import Recorder
from tiktoker_batch.steps.base import Tools
from tiktoker_batch.store.compaction import compact
from tiktoker_batch.store.durations import Durations
from tiktoker_batch.store.jobs import each_open
from tiktoker_batch.store.journal import Journal, last_run, read_journal, read_lines, rewrite
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import BatchState, fold

PRICE = Decimal("0.40")
FATES = ("good", "refused", "lost", "unfetched", "failed")
RETRY = Retry(max_attempts=20, initial_delay=1, multiplier=1, jitter=0, timeout=60, on_unknown="retry")


@dataclass
class Bought:
    """A job that the service has accepted."""

    step: str
    token: int
    fate: str
    asked: int = 0

    @property
    def paid(self) -> bool:
        return self.fate != "failed"


@dataclass
class Service:
    """Remembers what it accepted, whatever became of its client. ``fates`` are those of a step's submits in turn."""

    fates: Mapping[str, Sequence[str]]
    name: str = "fake"
    jobs: dict[str, Bought] = field(default_factory=dict)
    submits: Counter[str] = field(default_factory=Counter)

    async def prepare(self, request: Request) -> Request:
        await trio.lowlevel.checkpoint()
        return request

    async def submit(self, request: Request) -> Job:
        await trio.sleep(0.1)
        fate = dict(enumerate(self.fates.get(request.prompt, ()))).get(self.submits[request.prompt], "good")
        self.submits[request.prompt] += 1
        if fate == "refused":
            raise Unavailable("not now")
        name = f"job-{self.submits.total()}"
        self.jobs[name] = Bought(request.prompt, request.token, fate)
        await trio.sleep(0.1)
        if fate == "lost":
            raise UnknownOutcome("no answer", maybe_charged=True)
        return self._job(name, request)

    async def find(self, request: Request, sent: datetime) -> Job | None:
        await trio.sleep(1)
        names = [name for name, job in self.jobs.items() if job.token == request.token]
        return self._job(names[0], request) if names else None

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        begun()
        await trio.sleep(1)
        bought = self.jobs[job.id]
        bought.asked += 1
        if bought.fate == "failed":
            raise Unavailable("the runner was lost, and nothing is charged")
        if bought.fate == "unfetched" and bought.asked == 1:
            raise Unfetched("not to be had just now", maybe_charged=True)
        return Produced(value=f"made {bought.step}")

    async def cancel(self, job: Job) -> bool:
        await trio.lowlevel.checkpoint()
        return False

    def _job(self, name: str, request: Request) -> Job:
        return Job(id=name, provider=self.name, model=request.model, addresses={"at": name}, request=request)

    def paid(self) -> Counter[str]:
        return Counter(job.step for job in self.jobs.values() if job.paid)


HASTE = Hedge(max_extra_cost=Decimal(10))


def steps_of(videos: int, segments: int, on_unknown: str, *, equal: bool = False) -> list[Step]:
    """Stories, pictures, clips and an assembly that begins before its clips are there; ``equal`` in all videos."""
    retry = replace(RETRY, on_unknown=on_unknown)
    found: list[Step] = []
    for video in (f"v{number}" for number in range(videos)):
        found.append(a_step(f"{video}/story", retry=retry, estimated_cost_usd=PRICE))
        clips = [f"{video}/{number:02d}/clip" for number in range(1, segments + 1)]
        for clip in clips:
            picture = clip.replace("clip", "image")
            found.append(a_step(picture, f"{video}/story", retry=retry, estimated_cost_usd=PRICE))
            found.append(a_step(clip, picture, retry=retry, estimated_cost_usd=PRICE))
        found.append(a_step(f"{video}/assembly", *clips, retry=retry, estimated_cost_usd=PRICE))
    return [structs.replace(step, key=work_of(step.id)) for step in found] if equal else found


def work_of(step_id: str) -> str:
    """What equal videos need only once: a step without its video. Each has its own assembly."""
    return step_id if step_id.endswith("assembly") else step_id.split("/", 1)[1]


@dataclass
class House:
    """An output folder with its journal, and the service that outlives every run."""

    root: Path
    service: Service
    hedge: Hedge | None = None
    hedges: set[int] = field(default_factory=set)

    @property
    def journal(self) -> Path:
        return self.root / "journal.jsonl"

    @property
    def records(self) -> tuple[Record, ...]:
        return read_journal(self.journal) if self.journal.exists() else ()

    @property
    def state(self) -> BatchState:
        return fold(self.records)

    def run(self, steps: Sequence[Step], budget: Budget | None = None) -> Mapping[str, Outcome]:
        """A run as the command makes it, from the journal alone."""
        before = self.state
        with Journal.open(self.journal) as journal:

            async def main() -> Mapping[str, Outcome]:
                recorder = Recorder([journal], run=last_run(self.records) + 1, clock=trio.current_time)
                plan, layout = a_plan(steps), Layout(self.root)
                videos = [replace(each, video=replace(each.video, hedge=self.hedge)) for each in plan.videos]
                plan = replace(plan, videos=tuple(videos))
                announce(plan, recorder, options={}, limits={})
                kinds = {kind: FakeKind(eager=kind is Kind.ASSEMBLY) for kind in Kind}
                outcomes = await run_batch(
                    Batch(
                        plan=plan,
                        kinds=kinds,
                        providers={"fake": self.service},
                        capacity=Capacity({"fake": 4}),
                        durations=impatience(),
                        recorder=recorder,
                        layout=layout,
                        reuse=Reuse(kinds, layout, before.successes),
                        open_jobs=self.state.open_jobs,
                        purse=open_purse(budget or Budget(), self.state),
                        tools=Tools(ffmpeg="", font_cache=self.root),
                    )
                )
                recorder.emit(RunFinished(state="done"))
                return outcomes

            outcomes = trio.run(main, clock=MockClock(autojump_threshold=0))
        intents = [record.event for record in self.records if isinstance(record.event, SubmitIntended)]
        self.hedges |= {intent.token for intent in intents if intent.hedge}
        return outcomes

    def die(self, place: int, tail: bytes, *, accepted: bool, kept: bool, since: int) -> None:
        """Go back to when only so many bytes after ``since`` were written, in journal, files and service.

        ``accepted``: what was intended just before had reached the service. ``kept``: a file of a step that was not
        recorded yet is there already.
        """
        content = self.journal.read_bytes()
        there = since + place % (len(content) - since + 1)
        self.journal.write_bytes(content[:there] + tail)
        with Journal.open(self.journal):
            pass  # which cuts off what is torn
        told = self.records
        named = {record.event.request_id for record in told if isinstance(record.event, JobSubmitted)}
        tokens = {record.event.token for record in told if isinstance(record.event, SubmitIntended)}
        self.service.jobs = {
            name: job for name, job in self.service.jobs.items() if name in named or (accepted and job.token in tokens)
        }
        if not kept:
            made = (record.event for record in told if isinstance(record.event, StepSucceeded | StepReused))
            there_are = {artifact.path for event in made for artifact in event.artifacts}
            for path in (self.root / "work").rglob("*.txt"):
                if path.relative_to(self.root).as_posix() not in there_are:
                    path.unlink()


deaths = st.fixed_dictionaries(
    {
        "place": st.integers(0, 2**20),
        "tail": st.sampled_from([b"", b'{"event":"step_suc', b"\0" * 40, b"\0\0\n", b'{"a":1}\n']),
        "accepted": st.booleans(),
        "kept": st.booleans(),
    }
)
fates = st.dictionaries(
    st.sampled_from([step.id for step in steps_of(2, 2, "retry")]), st.lists(st.sampled_from(FATES), max_size=3)
)


@pytest.fixture(autouse=True)
def no_syncing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be lost in a power failure is not what these tests are about, and syncing is slow."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@settings(max_examples=int(os.environ.get("REPLAY_EXAMPLES", "40")), deadline=None)
@given(
    fates=fates,
    deaths=st.lists(deaths, min_size=1, max_size=4),
    segments=st.integers(1, 2),
    compacted=st.booleans(),
    on_unknown=st.sampled_from(["retry", "fail"]),
    affordable=st.none() | st.integers(0, 12),
    equal=st.booleans(),
    hedge=st.sampled_from([None, HASTE]),
)
def test_any_prefix_of_a_journal_leads_to_the_end_and_nothing_is_paid_twice(
    fates: Mapping[str, Sequence[str]],
    deaths: Sequence[Mapping[str, object]],
    segments: int,
    compacted: bool,
    on_unknown: str,
    affordable: int | None,
    equal: bool,
    hedge: Hedge | None,
) -> None:
    budget = Budget(max_usd=None if affordable is None else affordable * PRICE)
    steps = steps_of(2, segments, on_unknown, equal=equal)
    patient = steps_of(2, segments, "retry", equal=equal)
    folder = Path(tempfile.mkdtemp())
    try:
        house = House(folder, Service(fates), hedge)
        for death in deaths:
            since = house.journal.stat().st_size if house.journal.exists() else 0
            house.run(steps, budget)
            assert affordable is None or house.service.paid().total() <= affordable
            house.die(**death, since=since)  # type: ignore[arg-type]
            if compacted:
                rewrite(house.journal, [text for text, _ in compact(read_lines(house.journal))])
            assert max(paid(house, equal=equal).values(), default=0) <= 1
            assert max(paid(house, equal=equal, hedges=True).values(), default=0) <= 1
            assert house.state.spent_usd + open_usd(house.state) >= PRICE * house.service.paid().total()
        outcomes = house.run(patient)
        assert all(isinstance(outcome, Succeeded | Reused) for outcome in outcomes.values())
        works = {work_of(name) if equal else name for name in outcomes}
        firsts, seconds = paid(house, equal=equal), paid(house, equal=equal, hedges=True)
        assert firsts.keys() | seconds.keys() == works
        assert set(firsts.values()) | set(seconds.values()) == {1}
        assert hedge or not seconds
        assert house.state.spent_usd >= PRICE * (firsts.total() + seconds.total())
        assert not house.state.open_jobs
        submits = house.service.submits.total()
        assert all(isinstance(each, Reused) for each in house.run(patient).values())
        assert house.service.submits.total() == submits
    finally:
        shutil.rmtree(folder)


def impatience() -> Durations:
    """Whatever takes longer than half a second is late: every second job or so."""
    durations = Durations({})
    for _ in range(64):
        durations.note("fake:m", 0.5)
    return durations


def paid(house: House, *, equal: bool, hedges: bool = False) -> Counter[str]:
    """How often each work was paid for, by first requests or by the second ones beside them."""
    jobs = [job for job in house.service.jobs.values() if job.paid and (job.token in house.hedges) == hedges]
    return Counter(work_of(job.step) if equal else job.step for job in jobs)


def open_usd(state: BatchState) -> Decimal:
    """What requests may have cost of which nothing more is known yet."""
    return sum((job.price_usd for _, job in each_open(state.open_jobs) if not job.counted), Decimal(0))
