"""The real command, killed at chosen points and moments while it pays simulated services, and the books afterwards.

A batch is killed several times, run to its end, and compared with one that nobody disturbed.
"""

import itertools
import json
import random
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests import starting
from tests.crashing import contents, is_whole
from tests.simulated import a_world
from tests.starting import ARGV, clean_environment
from tiktoker_batch.events import BackedOff, Record
from tiktoker_batch.faultpoints import VARIABLE
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.ledger import Entry, Ledger
from tiktoker_batch.simulator.media import Media
from tiktoker_batch.simulator.server import Simulator, simulate_in_thread
from tiktoker_batch.simulator.world import World
from tiktoker_batch.store.compaction import WORTHWHILE_LINES
from tiktoker_batch.store.jobs import each_open
from tiktoker_batch.store.journal import _line, read_journal, read_lines, rewrite
from tiktoker_batch.store.state import BatchState, fold

RECIPE = """\
version: 1
name: torn
defaults:
  duration: 8
  resolution: 720p
  fps: 4
  retry: {{initial_delay: 0.1, max_delay: 1{on_unknown}}}
  models:
    text: "openrouter:openai/gpt-4o-mini"
    image: "fal:fal-ai/flux/schnell"
    clip: "fal:fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video"
    narration: "elevenlabs:eleven_multilingual_v2"
videos:
  - {{id: one, topic: a lamp at the end of a pier, aspect_ratio: "1:1"}}
  - id: two
    script: The tide takes the sand and brings it back.
    prompts: [the tide, the sand]
    models: {{clip: "fal:fal-ai/veo3.1/fast/image-to-video"}}
"""
PLANNED = {"fal": 8, "elevenlabs": 2}
# What a lost answer is looked for in real seconds is much longer than any job lasts, of which time flies.
RECONCILE_SECONDS, SPEED = 2, 400.0
PATIENCE = 240.0
KILLS_A_BATCH = 10

ACCEPTED, CLOCK = "service.accepted", "clock"
# How often a fault point may be passed before it kills, by the part of a run in which it lies.
EARLY: Mapping[str, int] = {
    "run.before_start": 1,
    "run.announced": 1,
    "compaction.before_sync": 1,
    "compaction.before_rename": 1,
    "compaction.after_rename": 1,
}
SPEAKING: Mapping[str, int] = {"speech.before": 2, "speech.answered": 2, "speech.received": 2}
PAYING: Mapping[str, int] = {
    ACCEPTED: 8,
    "submit.before": 8,
    "submit.before_record": 8,
    "submit.after_record": 8,
    "POST.before": 6,
    "POST.answered": 6,
    "GET.before": 6,
    "GET.answered": 6,
    "reattached": 2,
    "found.before_record": 1,
    "found.after_record": 1,
    "result.known": 5,
    "download.piece": 5,
    "download.written": 5,
    "download.whole": 5,
    "journal.before_write": 60,
    "journal.torn": 60,
    "journal.before_sync": 25,
    "journal.after_sync": 25,
    "commit.before_rename": 10,
    "commit.before_folder_sync": 10,
    "commit.after_folder_sync": 8,
    "step.before_success": 8,
    "manifest.before_write": 2,
    "manifest.after_write": 2,
    "cache.before_content": 8,
    "cache.before_entry": 8,
    "cache.before_rename": 8,
    "cache.after_rename": 8,
    CLOCK: 30,
}
LATE: Mapping[str, int] = {
    "cache.copied_out": 1,
    "work.before_record": 3,
    "video.before_finished": 2,
    "video.after_finished": 2,
    "run.before_finished": 1,
    "run.after_finished": 1,
    "run.end": 1,
}
# Only reached where late jobs are hedged: see test_hedge.py.
HEDGING: Mapping[str, int] = {"hedge.before_drop": 1, "hedge.after_drop": 1}
POINTS = {**EARLY, **SPEAKING, **PAYING, **LATE}
# Reached also where nothing is left to be done.
_ALWAYS = (
    "journal.torn", "journal.before_sync", "commit.before_rename", "video.after_finished", "manifest.after_write",
    "journal.before_write", "video.before_finished", "run.before_finished", "run.after_finished", "run.end",
    "journal.after_sync", "commit.after_folder_sync", "commit.before_folder_sync", "run.before_start", "run.announced",
    "manifest.before_write", "compaction.before_sync", "compaction.before_rename", "compaction.after_rename",
    "cache.copied_out",
)  # fmt: skip
# Some points are only reached after a death of a certain kind.
_AFTER = {
    "found.before_record": ("submit.before_record", ACCEPTED),
    "found.after_record": ("submit.before_record", ACCEPTED),
    "reattached": ("submit.after_record", "result.known", "download.piece"),
}


CLIPS = ("--select", "*/*/clip")


@dataclass(frozen=True)
class Moment:
    """A fault point and how often it is reached, an acceptance by a service, or tenths of a second."""

    name: str
    number: int


@dataclass
class Tally:
    """What a series of kills showed."""

    kills: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.kills += other.kills
        self.missed += other.missed
        self.batches += other.batches
        self.wrong += other.wrong

    def table(self) -> str:
        lines = [f"{name:28}{self.kills[name]:5} kills {self.missed[name]:5} not reached" for name in POINTS]
        return "\n".join([*lines, f"{self.kills.total()} kills in {self.batches} batches"])


# ---------------------------------------------------------------------- drawing moments


@dataclass
class Deck:
    """All points, shuffled, again and again: a long series of kills meets every one of them."""

    rng: random.Random
    _left: list[str] = field(default_factory=list)

    def draw(self, count: int) -> list[Moment]:
        """Moments in about the order in which they come in a batch; runs that die soon leave more to be killed."""
        place = {name: part for part, names in enumerate((EARLY, SPEAKING, PAYING, LATE)) for name in names}
        drawn = [Moment(name, self._number(name)) for name in (self._next() for _ in range(count))]
        moments: list[Moment] = []
        for moment in sorted(drawn, key=lambda each: (place[each.name], each.number)):
            if moment.name in _AFTER:
                moments.append(Moment(self.rng.choice(_AFTER[moment.name]), 1))
            moments.append(moment)
        return moments

    def _number(self, name: str) -> int:
        soon = not name.startswith("journal") and self.rng.random() < 0.6  # the journal's lines are many enough
        return 1 if soon else self.rng.randint(1, POINTS[name])

    def _next(self) -> str:
        if not self._left:
            self._left = list(POINTS)
            self.rng.shuffle(self._left)
        return self._left.pop()


# ---------------------------------------------------------------------- the services


@dataclass(kw_only=True)
class _Watched(World):
    """Services that have their client killed the moment they have accepted work from it."""

    victim: "subprocess.Popen[bytes] | None" = None
    spared: int = 0

    def accept(self, *args: Any, **more: Any) -> Entry:
        entry = super().accept(*args, **more)
        if self.victim is not None:
            self.spared -= 1
            if self.spared == 0:
                self.victim.kill()
        return entry


_MADE: dict[Any, bytes] = {}


@contextmanager
def services() -> Iterator[Simulator]:
    """Services of their own for one batch; clips and sounds are made once for all."""
    usual = a_world(latencies={})
    world = _Watched(
        models=usual.models,
        media=Media(ffmpeg=usual.media.ffmpeg, shrink=usual.media.shrink, _made=_MADE),
        latency=usual.latency,
        account=usual.account,
    )
    with simulate_in_thread(world, clock=FlyingClock(SPEED)) as simulator:
        yield simulator


# ---------------------------------------------------------------------- one batch


@dataclass
class Batch:
    """A recipe in a folder, run at these services as often as it takes."""

    folder: Path
    simulator: Simulator
    tally: Tally = field(default_factory=Tally)
    lost_calls: int = 0
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def output(self) -> Path:
        return self.folder / "output" / "torn"

    @property
    def _cache(self) -> Path:
        return self.folder / "cache"

    @property
    def state(self) -> BatchState:
        journal = self.output / "journal.jsonl"
        return fold(read_journal(journal) if journal.exists() else ())

    @property
    def ledger(self) -> Ledger:
        return self.simulator.world.ledger

    def run(self, moment: Moment | None = None, *options: str) -> int:
        """Run until it ends by itself or dies at this moment; the exit code."""
        armed = {VARIABLE: f"{moment.name}:{moment.number}"} if moment else {}
        world = self.simulator.world
        assert isinstance(world, _Watched)
        with (self.folder / "said.txt").open("ab") as said, self._start(armed, said, *options) as process:
            if moment and moment.name == ACCEPTED:
                world.victim, world.spared = process, moment.number
            try:
                return process.wait(moment.number / 10 if moment and moment.name == CLOCK else PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                return process.wait()
            finally:
                world.victim = None

    def reconcile(self) -> tuple[int, list[dict[str, Any]]]:
        """Ask after what is open; the exit code, and what is told of each request."""
        argv = [*ARGV, "reconcile", "torn.yaml", "--progress", "none", "--format", "json"]
        environ = clean_environment(**self.simulator.environ, TIKTOKER_RECONCILE_SECONDS=str(RECONCILE_SECONDS))
        done = starting.run(argv, cwd=self.folder, env=environ, capture_output=True, text=True)
        return done.returncode, json.loads(done.stdout)

    def _start(self, armed: Mapping[str, str], said: Any, *options: str) -> "subprocess.Popen[bytes]":
        environ = clean_environment(
            **self.simulator.environ,
            **armed,
            TIKTOKER_RECONCILE_SECONDS=str(RECONCILE_SECONDS),
            TIKTOKER_CACHE_DIR=str(self._cache),
            TIKTOKER_CACHE_GB="1",
        )
        argv = [*ARGV, "run", "torn.yaml", "--progress", "none", *options]
        return starting.Popen(argv, cwd=self.folder, env=environ, stdout=said, stderr=said)

    def torment(self, moments: Sequence[Moment]) -> None:
        """Kill it at each of these moments, or at others once it is done; then run it to its end."""
        done = False
        for moment in moments:
            if done and moment.name not in _ALWAYS:
                self.tally.missed[moment.name] += 1
            else:
                done = not self.kill(moment) or done
        for name in itertools.islice(itertools.cycle(_ALWAYS), len(moments) - self.tally.kills.total()):
            self.kill(Moment(name, 1))
        self.tally.batches += 1
        code = self.run()
        self._note(code == 0, f"exit code {code}")

    def kill(self, moment: Moment, *options: str) -> bool:
        """Kill it at this moment and look at what it leaves; false if it ended before."""
        if moment.name.startswith("compaction"):
            self._fatten()
        if moment.name == "cache.copied_out":
            self._bereave()
        if self.run(moment, *options) != -signal.SIGKILL:
            self.tally.missed[moment.name] += 1
            return False
        self.tally.kills[moment.name] += 1
        self._look(moment)
        return True

    def _fatten(self) -> None:
        """Make the journal so long that it is worth compacting."""
        journal = self.output / "journal.jsonl"
        for _ in range(2):
            if not journal.exists() or self.state.runs < 2:
                self.run(Moment("run.announced", 1))
        lines = read_lines(journal)
        first = next(number for number, (_, record) in enumerate(lines) if record is not None)
        record = lines[first][1]
        assert record is not None
        idle = _line(
            Record(at=record.at, elapsed=0.0, run=1, event=BackedOff(step="one/story", attempt=1, seconds=1.0))
        ).rstrip(b"\n")
        texts = [text for text, _ in lines]
        rewrite(journal, [*texts[: first + 1], *[idle] * (2 * WORTHWHILE_LINES), *texts[first + 1 :]])

    def _bereave(self) -> None:
        """Take a picture or clip away of which the cache has another."""
        entries = "".join(path.read_text() for path in (self._cache / "artifacts" / "entries").rglob("*.json"))
        for step in self.state.steps.values():
            if step.planned.kind in {"image", "clip"} and step.artifacts and step.artifacts[0].sha256 in entries:
                (self.output / step.artifacts[0].path).unlink(missing_ok=True)
                return

    # ------------------------------------------------------------------ after a kill

    def _look(self, moment: Moment) -> None:
        """No file is torn, and no money is out that the journal does not know of."""
        self._note(not (torn := self._torn()), f"after {moment}: torn {torn}")
        charged = self.ledger.spent_usd
        state = self.state
        counted = state.spent_usd + sum(
            (job.price_usd for _, job in each_open(state.open_jobs) if not job.counted), Decimal(0)
        )
        self._note(counted > charged - Decimal("0.001"), f"after {moment}: ${charged} charged, ${counted} counted")
        self.lost_calls += any(job.provider == "openrouter" for _, job in each_open(state.open_jobs))

    def _torn(self) -> list[str]:
        found: list[str] = []
        for path in sorted(self.output.rglob("*")):
            if path.is_file() and path.suffix != ".part":
                stat = path.stat()
                known = self._seen.get(str(path)) == (stat.st_mtime_ns, stat.st_size)
                self._seen[str(path)] = (stat.st_mtime_ns, stat.st_size)
                if not known and not is_whole(path):
                    found.append(path.name)
        return found

    # ------------------------------------------------------------------ after the end

    def judge(self, wanted: Mapping[str, str]) -> None:
        """Everything is there, and paid once."""
        self._note(not (torn := self._torn()), f"at the end: torn {torn}")
        left = [path.name for path in self.output.rglob("*.part*")]
        self._note(not left, f"left behind: {left}")
        self._judge_books()
        state = self.state
        undone = [step.id for step in state.steps.values() if step.state not in {"done", "reused"}]
        self._note(not undone and state.state == "done", f"undone: {undone} {state.state}")
        found = contents(self.output)
        self._note(found == wanted, f"unlike an undisturbed run: {[n for n in wanted if found.get(n) != wanted[n]]}")
        manifest = json.loads((self.output / "manifest.json").read_text(encoding="utf-8"))
        spent = Decimal(str(manifest["totals"]["cost_usd"]["spent"]))
        charged = self.ledger.spent_usd
        self._note(spent > charged - Decimal("0.001"), f"${charged} charged, the manifest says {spent}")

    def _judge_books(self) -> None:
        for provider, planned in PLANNED.items():
            entries = [entry for entry in self.ledger.entries if entry.provider == provider]
            twice = {work: count for work, count in Counter(map(_work, entries)).items() if count > 1}
            self._note(len(entries) == planned and not twice, f"{provider}: {len(entries)} accepted, twice: {twice}")
        calls = self.ledger.paid("openrouter")
        self._note(2 <= calls <= 2 + self.lost_calls, f"{calls} calls paid, {self.lost_calls} kills may have lost one")

    def _note(self, good: bool, what: str) -> None:
        if not good:
            self.tally.wrong.append(f"{self.folder.name}: {what}")


def _work(entry: Entry) -> str:
    """What was asked for, whatever the seed."""
    return repr(sorted((name, value) for name, value in entry.input.items() if name != "seed"))


# ---------------------------------------------------------------------- a series


def write_recipe(folder: Path, *, on_unknown: str | None = "retry") -> Path:
    """The recipe in a folder that is made for it."""
    folder.mkdir(parents=True, exist_ok=True)
    told = f", on_unknown: {on_unknown}" if on_unknown else ""
    (folder / "torn.yaml").write_text(RECIPE.format(on_unknown=told), encoding="utf-8")
    return folder


def undisturbed(folder: Path) -> Mapping[str, str]:
    """What a batch gives that nobody kills."""
    with services() as simulator:
        batch = Batch(write_recipe(folder), simulator)
        assert batch.run() == 0, (folder / "said.txt").read_text(encoding="utf-8")
        wanted = contents(batch.output)
        batch.judge(wanted)
    assert not batch.tally.wrong, batch.tally.wrong
    assert sorted(wanted) == ["one.mp4", "one.srt", "two.mp4", "two.srt"]
    return wanted


def kill_many(folder: Path, wanted: Mapping[str, str], *, kills: int, seed: int, workers: int = 1) -> Tally:
    """Kill batches until so many kills are done, ``workers`` of them at once."""
    deck, tally, lock = Deck(random.Random(seed)), Tally(), threading.Lock()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while True:
                with lock:
                    number = tally.batches
                    if number * KILLS_A_BATCH >= kills:
                        return
                    tally.batches += 1
                    moments = deck.draw(KILLS_A_BATCH)
                found = _one_batch(folder / f"{seed}-{number}", moments, wanted)
                with lock:
                    found.batches = 0
                    tally.add(found)
        except BaseException as error:  # noqa: ASYNC103  (raised in the caller's thread)
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return tally


def _one_batch(folder: Path, moments: Sequence[Moment], wanted: Mapping[str, str]) -> Tally:
    with services() as simulator:
        batch = Batch(write_recipe(folder), simulator)
        batch.torment(moments)
        batch.judge(wanted)
    if batch.tally.wrong:
        batch.tally.wrong.append(f"{folder.name}: {[f'{each.name}:{each.number}' for each in moments]}")
    return batch.tally
