"""10,000 steps with 2,000 in flight, in one process: ``python -m tests.benchmarks.scale``.

The real engine runs them on the real clock with journal, manifest and progress; the provider follows a script, and its
jobs take ``--seconds`` on the whole, spread as those of real services are. Beside them a task sleeps 5 ms again and
again: by how much it comes too late is how long anything else that waits for the network would have been kept waiting.
Each size has a process of its own, and the small one is run twice around the large one.
"""

import argparse
import io
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import trio

from tests.benchmarks.journal import batch_of_steps
from tests.fakes import FakeKind, ScriptedProvider
from tests.values import a_plan
from tiktoker_batch.engine.announce import announce
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.collecting import seldom_collected
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.run import Batch
from tiktoker_batch.engine.supervise import supervise
from tiktoker_batch.engine.syncing import synced_together
from tiktoker_batch.events import RunFinished
from tiktoker_batch.model import Kind
from tiktoker_batch.providers.base import Job, Produced
from tiktoker_batch.recording import Recorder
from tiktoker_batch.report.console import following, open_progress
from tiktoker_batch.steps.base import Tools
from tiktoker_batch.store.journal import Journal
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.manifest import ManifestWriter

CPU_MS, RSS_MB, LAG_MS, GROWTH = 2.0, 250.0, 50.0, 1.15
SPREAD = 0.25  # sigma of the logarithm of a latency, as of most models in the catalog
PROBE_SECONDS = 0.005


@dataclass
class SpreadProvider(ScriptedProvider):
    """Its jobs take ``seconds``, some more, some less."""

    rng: random.Random = field(default_factory=lambda: random.Random(1))

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        assert job.request is not None
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await trio.sleep(self.seconds * self.rng.lognormvariate(0, SPREAD))
        finally:
            self.running -= 1
        return Produced(value=f"made {job.request.prompt}")


def main() -> None:
    """Run, measure, compare; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=8.0, help="that a step waits for its service")
    parser.add_argument("--progress", choices=("rich", "plain", "json", "none"), default="plain")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(_measured(given.steps, given.at_once, given.seconds, given.progress)))
        return
    # A tenth of the steps, of those in flight and of their time: both do as many a second.
    before, large, after = (
        _child(given.steps // part, given.at_once // part, given.seconds / part, given.progress) for part in (10, 1, 10)
    )
    sys.exit(0 if _told(large, [before, after]) else 1)


def _child(steps: int, at_once: int, seconds: float, progress: str) -> dict[str, Any]:
    told = {"--steps": steps, "--at-once": at_once, "--seconds": seconds, "--progress": progress}
    arguments = [text for pair in told.items() for text in map(str, pair)]
    command = [sys.executable, "-m", "tests.benchmarks.scale", "--child", *arguments]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def _measured(steps: int, at_once: int, seconds: float, progress: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with Terminal((root / "terminal").open("wb"), encoding="utf-8") as terminal:
            lags, peak, cpu, wall = _run(root, steps, at_once, seconds, progress, terminal)
    return {
        "steps": steps,
        "peak": peak,
        "cpu_ms": 1000 * cpu / steps,
        "wall": wall,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2),
        "p50_ms": 1000 * statistics.median(lags),
        "p99_ms": 1000 * statistics.quantiles(lags, n=100)[98],
        "most_ms": 1000 * max(lags),
    }


class Terminal(io.TextIOWrapper):
    """A file that is drawn on as if somebody watched."""

    def isatty(self) -> bool:
        return True


def _run(
    root: Path, steps: int, at_once: int, seconds: float, progress: str, terminal: IO[str]
) -> tuple[list[float], int, float, float]:
    layout, plan = Layout(root), a_plan(batch_of_steps(steps))
    kinds = {kind: FakeKind(in_thread=True) for kind in Kind}
    provider = SpreadProvider(seconds=seconds)
    writer = ManifestWriter(layout)
    lags: list[float] = []
    with Journal.open(layout.journal) as journal, open_progress(progress, terminal, {}) as shown:  # type: ignore[arg-type]
        recorder = Recorder([journal, writer, following(shown, writer.state)], run=1)
        batch = Batch(
            plan=plan,
            kinds=kinds,
            providers={"fake": provider},
            capacity=Capacity({"fake": at_once}),
            recorder=recorder,
            layout=layout,
            reuse=Reuse(kinds, layout, {}),
            tools=Tools(ffmpeg="", font_cache=root),
        )
        wall, cpu = time.perf_counter(), time.process_time()
        announce(plan, recorder, options={}, limits={})
        with seldom_collected():
            trio.run(_beside_a_probe, batch, journal, writer, lags)
        recorder.emit(RunFinished(state="done"))
        writer.flush()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return lags, provider.peak, cpu, wall


async def _beside_a_probe(batch: Batch, journal: Journal, writer: ManifestWriter, lags: list[float]) -> None:
    async with synced_together(journal) as on_disk, trio.open_nursery() as nursery:
        nursery.start_soon(_probe, lags)
        await supervise(replace(batch, on_disk=on_disk), writer)
        nursery.cancel_scope.cancel()


async def _probe(lags: list[float]) -> None:
    while True:
        due = time.perf_counter() + PROBE_SECONDS
        await trio.sleep(PROBE_SECONDS)
        lags.append(time.perf_counter() - due)


def _told(large: Mapping[str, Any], small: list[dict[str, Any]]) -> bool:
    base = statistics.mean(found["cpu_ms"] for found in small)
    growth = large["cpu_ms"] / base
    print(f"{large['steps']} steps, {large['peak']} in flight at most, in {large['wall']:.1f} s")
    print(f"processor time: {large['cpu_ms']:.2f} ms a step, everything included (target {CPU_MS:g})")
    print(f"  {growth:.2f} times that of {small[0]['steps']} steps, {base:.2f} ms (target {GROWTH:g})")
    print(f"memory: {large['rss_mb']:.0f} MB at most (target {RSS_MB:g})")
    late = f"half of the time {large['p50_ms']:.1f} ms, at most {large['most_ms']:.0f} ms"
    print(f"event loop: 99 times of 100 at most {large['p99_ms']:.1f} ms late (target {LAG_MS:g}), {late}")
    met = (large["cpu_ms"] <= CPU_MS, growth <= GROWTH, large["rss_mb"] <= RSS_MB, large["p99_ms"] <= LAG_MS)
    return all(met)


if __name__ == "__main__":
    main()
