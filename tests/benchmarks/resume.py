"""Going on with a batch of 1,000 videos, nearly done: how long until its first request leaves.

    python -m tests.benchmarks.resume [--videos N] [--kilobytes K] [--rounds R]

Journal, files and notes are those that a run leaves. The last twenty videos lack a clip. The clock runs from the start
of the process to the first connection to the service. ``--verify``, which hashes every file, is measured beside it.
"""

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median

from tiktoker_batch.app import Opened, Options, open_recipe
from tiktoker_batch.engine.announce import announce
from tiktoker_batch.engine.reuse import inputs_digest
from tiktoker_batch.events import (
    AttemptStarted,
    JobSubmitted,
    RunFinished,
    StepQueued,
    StepSucceeded,
    SubmitIntended,
    VideoFinished,
)
from tiktoker_batch.model import Kind, PlannedVideo, Step
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.recording import Recorder
from tiktoker_batch.steps.base import Inputs
from tiktoker_batch.steps.registry import STEP_KINDS
from tiktoker_batch.store.artifacts import write_artifact
from tiktoker_batch.store.journal import Journal
from tiktoker_batch.store.manifest import ManifestWriter
from tiktoker_batch.store.seen import Seen

TARGET_SECONDS = 3.0
UNFINISHED = 20
HEAD = """\
version: 1
name: thousand
defaults:
  duration: 32
  segment_duration: 4
  models:
    text: "openrouter:openai/gpt-4o-mini"
    image: "fal:fal-ai/flux/schnell"
    clip: "fal:fal-ai/veo3.1/fast/image-to-video"
    narration: "fal:fal-ai/elevenlabs/tts/eleven-v3"
videos:
"""
KEYS = {"FAL_KEY": "benchmark:benchmark", "OPENROUTER_API_KEY": "sk-or-benchmark"}
SHOTS = '["' + '", "'.join(f"shot {number} of a lighthouse in a storm" for number in range(1, 9)) + '"]\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--kilobytes", type=int, default=16, help="of each picture, clip and sound")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recipe = write_recipe(Path(folder), given.videos)
        output = Path(folder) / "out"
        steps, files, size = build(open_recipe(recipe, Options(output=output)), given.kilobytes, unfinished=UNFINISHED)
        print(f"{given.videos} videos, {steps} steps, {files} files, {size / 1e6:.0f} MB, journal", end=" ")
        print(f"{(output / 'journal.jsonl').stat().st_size / 1e6:.0f} MB")
        looked, hashed = [], []
        for _ in range(given.rounds):
            looked.append(to_first_request(recipe, output))
            hashed.append(to_first_request(recipe, output, "--verify"))
    _tell("to the first request", looked)
    _tell("with --verify", hashed)
    print(f"target {TARGET_SECONDS:g} s; load while measuring {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(0 if median(start.wall for start in looked) <= TARGET_SECONDS else 1)


def write_recipe(folder: Path, count: int) -> Path:
    """A recipe of so many videos of eight segments, whose shots the services write."""
    recipe = folder / "thousand.yaml"
    videos = (f"  - {{id: v{number:04d}, topic: lighthouse {number} in a storm}}\n" for number in range(count))
    recipe.write_text(HEAD + "".join(videos), encoding="utf-8")
    return recipe


@dataclass(frozen=True, kw_only=True)
class Start:
    """Seconds by the clock on the wall, and of processor time."""

    wall: float
    cpu: float


def _tell(what: str, starts: Sequence[Start]) -> None:
    walls, cpus = [start.wall for start in starts], [start.cpu for start in starts]
    print(f"{what}: {median(walls):.2f} s ({min(walls):.2f} to {max(walls):.2f}),", end=" ")
    print(f"{median(cpus):.2f} s of processor time")


def _cpu_seconds(pid: int) -> float:
    """Processor time of a process that lives; 0 where the system does not tell."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def to_first_request(recipe: Path, output: Path, *more: str) -> "Start":
    """From the start of ``run`` to its first connection; the run is killed then."""
    journal = (output / "journal.jsonl").read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(300)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        names = ("FAL_QUEUE_URL", "FAL_STORAGE_URL", "FAL_API_URL", "OPENROUTER_BASE_URL")
        environ = {**os.environ, **KEYS, **dict.fromkeys(names, address)}
        argv = [sys.executable, "-m", "tiktoker_batch", "run", str(recipe), "--output", str(output), *more]
        began = time.monotonic()
        process = subprocess.Popen([*argv, "--progress", "none"], env=environ, stdout=subprocess.DEVNULL)
        try:
            server.accept()[0].close()
            return Start(wall=time.monotonic() - began, cpu=_cpu_seconds(process.pid))
        finally:
            process.kill()
            process.wait()
            (output / "journal.jsonl").write_bytes(journal)  # each round meets the same past


def build(opened: Opened, kilobytes: int, *, unfinished: int) -> tuple[int, int, int]:
    """Leave what a run leaves whose last videos lack a clip; numbers of steps, files and bytes."""
    layout, rng = opened.layout, random.Random(0)
    filler = rng.randbytes(1024 * kilobytes)
    seen = Seen(layout, writable=True)
    done: dict[str, tuple[Artifact, ...]] = {}
    with Journal.open(layout.journal) as journal:
        writer = ManifestWriter(layout)
        recorder = Recorder([_unsynced(journal), writer], run=1)
        announce(opened.plan, recorder, options={}, limits=opened.capacity)
        for number, planned in enumerate(opened.plan.videos):
            complete = number < len(opened.plan.videos) - unfinished
            for step in planned.steps:
                if complete or not (step.kind is Kind.ASSEMBLY or (step.kind is Kind.CLIP and step.segment == 8)):
                    done[step.id] = _do(opened, step, done, recorder, filler)
                    seen.note(done[step.id])
            if complete:
                recorder.emit(_finished(planned, done))
        recorder.emit(RunFinished(state="interrupted" if unfinished else "done"))
        writer.flush()
    found = {artifact for artifacts in done.values() for artifact in artifacts}
    return len(opened.plan.steps), len(found), sum(artifact.bytes for artifact in found)


def _unsynced(journal: Journal) -> Journal:
    """The same journal without an fsync a line: only the building is in a hurry."""
    os.fsync = lambda _handle: None  # type: ignore[assignment]
    return journal


def _do(
    opened: Opened, step: Step, done: Mapping[str, tuple[Artifact, ...]], recorder: Recorder, filler: bytes
) -> tuple[Artifact, ...]:
    layout, root = opened.layout, opened.layout.root
    inputs = Inputs(layout=layout, artifacts={need: done[need] for need in step.needs})
    recorder.emit(StepQueued(step=step.id, attempt=1))
    recorder.emit(AttemptStarted(step=step.id, attempt=1))
    if step.provider != "local":
        told = {"step": step.id, "attempt": 1, "provider": step.provider, "model": step.model}
        recorder.emit(SubmitIntended(**told, price_usd=step.estimated_cost_usd, key=step.key))  # type: ignore[arg-type]
        recorder.emit(JobSubmitted(step=step.id, attempt=1, request_id=f"request of {step.id}"))
    video, number = step.video, step.segment or 0
    match step.kind:
        case Kind.STORY:
            named = {layout.story(video): b"A storm. "}
        case Kind.SHOTS:
            named = {layout.shots(video): SHOTS.encode()}
        case Kind.IMAGE:
            named = {layout.image(video, number): filler}
        case Kind.CLIP:
            named = {layout.clip(video, number): filler}
        case Kind.NARRATION:
            named = {layout.narration(video): filler, layout.words(video): b"[]"}
        case Kind.CAPTIONS:
            named = {layout.captions(video): b"captions", layout.srt(video): b"subtitles"}
        case _:
            named = {layout.video(video): filler}
    tagged = {path: content + (b"" if step.kind is Kind.SHOTS else step.id.encode()) for path, content in named.items()}
    made = tuple(write_artifact(path, content, root=root) for path, content in tagged.items())
    consumed = inputs_digest(STEP_KINDS[step.kind], step, inputs)
    cost = step.estimated_cost_usd or Decimal(0)
    told_end = StepSucceeded(step=step.id, attempt=1, key=step.key, inputs=consumed, artifacts=made, cost_usd=cost)
    recorder.emit(told_end)
    return made


def _finished(planned: PlannedVideo, done: Mapping[str, tuple[Artifact, ...]]) -> VideoFinished:
    video = done[planned.steps[-1].id][0]
    return VideoFinished(
        video=planned.video.id, state="done", output=video.path, sha256=video.sha256, duration_seconds=32.0
    )


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
