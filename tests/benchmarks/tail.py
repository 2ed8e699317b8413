"""How long a video takes after its last clip: ``python -m tests.benchmarks.tail``.

Twelve 5 s segments and a narration become 60 s of captioned 720x1280. Sound and eleven segments are ready when the
last clip comes: one of 720x1280 or 1920x1080 that has to be made canonical first, or one that was in an earlier run.
The times are the journal's: from the success of the last clip to that of the assembly.
"""

import argparse
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import trio
import trio.testing

from tests.media.studio import MINUTE_SEGMENTS as SEGMENTS
from tests.media.studio import Studio, a_minute
from tiktoker_batch.events import StepSucceeded
from tiktoker_batch.model import Kind
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.recording import Recorder
from tiktoker_batch.steps.registry import STEP_KINDS
from tiktoker_batch.store.journal import Journal, read_journal

# Seconds, by what is left to do when the last segment comes.
TARGETS = {"nothing": 0.5, "720x1280": 2.5, "1920x1080": 2.5}


def main() -> None:
    """Measure, compare; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    found: dict[str, list[float]] = {left: [] for left in TARGETS}
    with tempfile.TemporaryDirectory() as folder:
        studio = trio.run(_studio, Path(folder))
        for _ in range(rounds):
            for left, tails in found.items():
                tails.append(trio.run(_measured, studio, left))
    print(f"60 s of video from {SEGMENTS} segments; from the last one's arrival to the end, {rounds} rounds")
    medians = {left: statistics.median(tails) for left, tails in found.items()}
    for left, seconds in medians.items():
        print(f"  left to make canonical: {left:9}  {seconds:5.2f} s (target {TARGETS[left]:g})")
    sys.exit(0 if all(seconds <= TARGETS[left] for left, seconds in medians.items()) else 1)


async def _studio(folder: Path) -> Studio:
    """Everything there, and made canonical once."""
    studio = await a_minute(folder, [("720x1280", 24)])
    # A last clip unlike those that are to come: none of them may be there already when it is measured.
    await studio.film(SEGMENTS, seconds=5.0, size="640x640", rate=30)
    await studio.assemble()
    return studio


async def _measured(studio: Studio, left: str) -> float:
    """Seconds from the last clip's success to the assembly's, as the journal tells them."""
    if left != "nothing":
        await studio.film(SEGMENTS, seconds=5.0, size=left, rate=24)
    last, assembly = studio.id(Kind.CLIP, SEGMENTS), studio.id(Kind.ASSEMBLY)
    studio.layout.journal.unlink(missing_ok=True)
    with Journal.open(studio.layout.journal) as journal:
        studio.recorder = Recorder([journal], run=1)
        work, came = studio.work(assembly), trio.Event()

        async def arrival(need: str) -> tuple[Artifact, ...] | None:
            if need == last:
                await came.wait()
            return await work.arrival(need)

        async def assemble() -> None:
            made = await STEP_KINDS[Kind.ASSEMBLY].run(replace(work, arrival=arrival))
            _succeeded(studio, assembly, made.artifacts)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(assemble)
            await trio.testing.wait_all_tasks_blocked(1.0)  # all else was done in an earlier run
            _succeeded(studio, last, studio.arrived[last])
            came.set()
    ended = {
        record.event.step: record.elapsed
        for record in read_journal(studio.layout.journal)
        if isinstance(record.event, StepSucceeded)
    }
    return ended[assembly] - ended[last]


def _succeeded(studio: Studio, step: str, artifacts: tuple[Artifact, ...]) -> None:
    studio.recorder.emit(
        StepSucceeded(step=step, attempt=1, key=studio.steps[step].key, inputs="", artifacts=artifacts)
    )


if __name__ == "__main__":
    main()
