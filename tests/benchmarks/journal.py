"""What keeping the books costs a batch of 10,000 steps: ``python -m tests.benchmarks.journal``.

The real engine runs them on the real clock, with a provider that follows a script; journal and manifest are written to
the disk under the temporary folder, and the journal is synced in its thread. Then it is read and folded as the next run
would do it. What share of a paying engine's work the journal is, ``tests.benchmarks.in_flight`` measures.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import trio

from tests.fakes import FakeKind, ScriptedProvider
from tests.values import a_plan, a_step
from tiktoker_batch.engine.announce import announce
from tiktoker_batch.engine.batch import Batch
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.supervise import supervise
from tiktoker_batch.engine.syncing import synced_together
from tiktoker_batch.events import Record, RunFinished
from tiktoker_batch.model import Kind, Step
from tiktoker_batch.recording import Recorder
from tiktoker_batch.steps.base import Tools
from tiktoker_batch.store.journal import Journal, read_journal
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.manifest import ManifestWriter
from tiktoker_batch.store.state import fold

JOURNAL_SHARE, EMIT_MS, REPLAY_SECONDS, MANIFEST_SHARE = 0.03, 60.0, 1.0, 0.01
PAID_JOB_MS = (
    10.0  # a little less than the processor time of a paid job, with requests and files (tests.benchmarks.in_flight)
)
SEGMENTS = 9  # pictures and clips of a video, beside its story and its narration


@dataclass
class Meter:
    """How long something took each time, by the wall and by the processor."""

    wall: list[float] = field(default_factory=list)
    cpu: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.thread_time()
        yield
        self.wall.append(time.perf_counter() - wall)
        self.cpu += time.thread_time() - cpu


class MeteredJournal(Journal):
    """A journal that measures what its lines take, and its syncs in their thread."""

    def __init__(self, handle: int, path: Path) -> None:
        super().__init__(handle, path)
        self.lines, self.syncs = Meter(), Meter()

    def __call__(self, record: Record) -> None:
        with self.lines.running():
            super().__call__(record)

    def sync(self) -> None:
        with self.syncs.running():
            super().sync()

    @property
    def cpu(self) -> float:
        """Seconds of processor time."""
        return self.lines.cpu + self.syncs.cpu


@dataclass(frozen=True)
class Measured:
    """One run of all steps."""

    steps: int
    wall: float
    cpu: float
    journal: MeteredJournal
    manifest: Meter


def main() -> None:
    """Run, measure, compare; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=1.0, help="that each step waits for its service")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        found = _run(root, batch_of_steps(given.steps), at_once=given.at_once, seconds=given.seconds)
        lines, *replay = _replay(root)
    sys.exit(0 if _told(found, lines, *replay) else 1)


def batch_of_steps(count: int) -> list[Step]:
    steps: list[Step] = []
    while len(steps) < count:
        video = f"v{len(steps)}"
        steps += [a_step(f"{video}/story"), a_step(f"{video}/narration", f"{video}/story")]
        for number in range(1, SEGMENTS + 1):
            picture = f"{video}/{number:02d}/image"
            steps += [a_step(picture, f"{video}/story"), a_step(f"{video}/{number:02d}/clip", picture)]
    return steps[:count]


def _run(root: Path, steps: list[Step], *, at_once: int, seconds: float) -> Measured:
    layout, plan = Layout(root), a_plan(steps)
    kinds = {kind: FakeKind() for kind in Kind}
    manifest_meter = Meter()
    writer = ManifestWriter(layout)
    flush = writer.flush

    def metered_flush() -> None:
        with manifest_meter.running():
            flush()

    writer.flush = metered_flush  # type: ignore[method-assign]
    with MeteredJournal.open(layout.journal) as journal:
        recorder = Recorder([journal, writer], run=1)
        announce(plan, recorder, options={}, limits={})
        batch = Batch(
            plan=plan,
            kinds=kinds,
            providers={"fake": ScriptedProvider(seconds=seconds)},
            capacity=Capacity({"fake": at_once}),
            recorder=recorder,
            layout=layout,
            reuse=Reuse(kinds, layout, {}),
            tools=Tools(ffmpeg="", font_cache=root),
        )
        wall, cpu = time.perf_counter(), time.process_time()
        trio.run(_supervised, batch, writer, journal)
        recorder.emit(RunFinished(state="done"))
        writer.flush()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(len(steps), wall, cpu, journal, manifest_meter)


async def _supervised(batch: Batch, writer: ManifestWriter, journal: Journal) -> None:
    async with synced_together(journal) as on_disk:
        await supervise(replace(batch, on_disk=on_disk), writer)


def _replay(root: Path) -> tuple[int, float, float]:
    """How many lines there are, and how long it takes to make sense of them: the best of three, on a busy machine."""
    meter = Meter()
    for _ in range(3):
        with meter.running():
            records = read_journal(Layout(root).journal)
            fold(records)
    return len(records), min(meter.wall), meter.cpu / len(meter.wall)


def _told(found: Measured, lines: int, replay: float, replay_cpu: float) -> bool:
    emits, syncs, cpu = found.journal.lines.wall, found.journal.syncs.wall, found.journal.cpu
    p99 = 1000 * statistics.quantiles(emits, n=100)[98]
    each, paid = 1000 * cpu / found.steps, cpu / found.steps / (PAID_JOB_MS / 1000)
    manifest = sum(found.manifest.wall) / found.wall
    times, engine = len(found.manifest.wall), 1000 * found.cpu / found.steps
    print(f"{found.steps} steps, {lines} lines in {found.wall:.1f} s, {found.cpu:.1f} s of processor time")
    print(f"journal: {each:.3f} ms of processor time a step")
    print(f"  of a paid job's {PAID_JOB_MS:g} ms: {paid:.1%} (target {JOURNAL_SHARE:.0%})")
    print(f"  of an engine's whose jobs cost it nothing, {engine:.2f} ms: {cpu / found.cpu:.0%}")
    line, sync = 1e6 * found.journal.lines.cpu / len(emits), 1e6 * found.journal.syncs.cpu / len(syncs)
    print(f"  its {len(emits)} lines {line:.0f} µs each")
    print(f"  its {len(syncs)} syncs {sync:.0f} µs each, in a thread: one {1000 * statistics.median(syncs):.2f} ms")
    print(f"  one emit, of 100 the slowest but one: {p99:.2f} ms (target {EMIT_MS:g})")
    print(
        f"replay: {replay_cpu:.2f} s of processor time (target {REPLAY_SECONDS:g}), {replay:.2f} s on this machine now"
    )
    print(f"manifest: written {times} times, {manifest:.2%} of the run (target {MANIFEST_SHARE:.0%})")
    return paid <= JOURNAL_SHARE and p99 <= EMIT_MS and replay_cpu <= REPLAY_SECONDS and manifest <= MANIFEST_SHARE


if __name__ == "__main__":
    main()
