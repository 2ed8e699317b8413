"""Three videos of ten segments: ours beside TikToker's way, and beside the physical limit, on the same services.

    python -m tests.benchmarks.against_tiktoker [--videos N] [--segments N]

A picture takes 1 s, a clip 8 s, a narration 1 s; the account bears 40 jobs. Waiting is sped up and counted in full,
work on this machine is real and counts what it takes. The limit is the slowest chain (picture, clip) plus the tail:
what is left to do on this machine once the last clip could be there, were its processors never idle.

There are two baselines. TikToker as it is joins the clips as they come: no captions, no scaling, no loudness, and
speech that is longer than the pictures is cut. The same work is ours, one video after another, asked after every 2 s.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import trio

from tests.benchmarks.tiktoker import POLL_SECONDS, TikToker, Wanted
from tests.simulated import FLUX, MULTILINGUAL, VEO
from tiktoker_batch.app import Options
from tiktoker_batch.events import StepQueued, StepSucceeded, WorkDone
from tiktoker_batch.media.ffmpeg import find_ffmpeg
from tiktoker_batch.providers import fal
from tiktoker_batch.rehearsal import Rehearsal, make_world, open_rehearsal, rehearse
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.server import KEY, open_simulator
from tiktoker_batch.store.journal import read_journal

LATENCIES = {"image": 1.0, "clip": 8.0, "narration": 1.0, "text": 1.0}
CHAIN = LATENCIES["image"] + LATENCIES["clip"]
ACCOUNT = {"fal": 40, "elevenlabs": 10}
TARGET = 1.10
SCRIPT = "This is video number {number}. It has as many pictures as it needs, and each of them moves a little."
RECIPE = """\
version: 1
name: three
limits: {{fal: 40, elevenlabs: 10}}
defaults:
  duration: {duration}
  models:
    image: "fal:{image}"
    clip: "fal:{clip}"
    narration: "elevenlabs:{speech}"
videos:
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=3)
    parser.add_argument("--segments", type=int, default=10)
    given = parser.parse_args()
    videos = [
        Wanted(script=SCRIPT.format(number=number), shots=[f"picture {number}.{s}" for s in range(given.segments)])
        for number in range(given.videos)
    ]
    how = Rehearsal(speed=1000, latencies=LATENCIES, account=ACCOUNT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = _ours(videos, folder / "ours", how)
        theirs = _theirs(videos, folder / "theirs", how)
        with _two_seconds_between_looks():
            singly = [_ours([wanted], folder / f"single-{n}", how) for n, wanted in enumerate(videos)]
    same = sum(each.makespan for each in singly)
    ratio = ours.makespan / ours.limit
    print(f"ours: {ours.makespan:.1f} s; slowest chain {CHAIN:g} s + tail {ours.tail:.1f} s: {ratio:.2f}x the limit")
    print(f"the same work one video after another, asked every 2 s: {same:.1f} s, {same / ours.makespan:.2f}x ours")
    paid = sum(each.last_clip for each in singly)
    print(f"until the last clip: {ours.last_clip:.1f} s, one after another {paid:.1f} s, {paid / ours.last_clip:.2f}x")
    print(f"TikToker as it is (clips only joined): {theirs:.1f} s")
    sys.exit(0 if ratio <= TARGET else 1)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Seconds after start-up: to the end, to the last clip, and the least time for what had to wait for the clips."""

    makespan: float
    last_clip: float
    tail: float

    @property
    def limit(self) -> float:
        return CHAIN + self.tail


@contextmanager
def _two_seconds_between_looks() -> Iterator[None]:
    """No streams, no list of all jobs, and a fixed interval."""
    streams, rate, pause = fal.provider.STREAMS, fal.provider.REQUESTS_A_SECOND, fal.queue.pause_before_poll
    fal.provider.STREAMS, fal.provider.REQUESTS_A_SECOND = 0, 1000
    fal.queue.pause_before_poll = lambda *_, **__: POLL_SECONDS
    try:
        yield
    finally:
        fal.provider.STREAMS, fal.provider.REQUESTS_A_SECOND = streams, rate
        fal.queue.pause_before_poll = pause


def _ours(videos: list[Wanted], folder: Path, how: Rehearsal) -> Measured:
    folder.mkdir()
    recipe = folder / "recipe.yaml"
    duration = 4 * len(videos[0].shots)
    text = RECIPE.format(duration=duration, image=FLUX, clip=VEO, speech=MULTILINGUAL)
    for number, wanted in enumerate(videos):
        text += f"  - id: v{number}\n    script: {wanted.script}\n    prompts: [{', '.join(wanted.shots)}]\n"
    recipe.write_text(text, encoding="utf-8")
    options = Options(output=folder / "out")
    opened = open_rehearsal(recipe, options)
    done = rehearse(opened, options, how)
    assert done.ended.state.state == "done"
    records = read_journal(opened.layout.journal)
    began = min(r.elapsed for r in records if isinstance(r.event, StepQueued))
    # All clips come at the same moment, so everything that is made of them is work after the chain.
    pieces = [r.event for r in records if isinstance(r.event, WorkDone)]
    late = sum(each.ended - max(each.began, began + CHAIN) for each in pieces if each.ended > began + CHAIN)
    last = max(r.elapsed for r in records if isinstance(r.event, StepSucceeded) and r.event.step.endswith("/clip"))
    return Measured(
        makespan=done.makespan_seconds - began, last_clip=last - began, tail=late / opened.capacity["ffmpeg"]
    )


def _theirs(videos: list[Wanted], folder: Path, how: Rehearsal) -> float:
    clock, world = FlyingClock(how.speed), make_world({}, how)
    began: list[float] = []
    ffmpeg = find_ffmpeg({})

    async def main() -> None:
        headers = {"Authorization": f"Key {KEY}", "xi-api-key": KEY}
        async with open_simulator(world) as simulator, httpx.AsyncClient(headers=headers, timeout=60) as client:
            began.append(trio.current_time())
            maker = TikToker(
                client=client, base=simulator.base, ffmpeg=ffmpeg, image=FLUX, clip=VEO, speech=MULTILINGUAL
            )
            clock.is_working = lambda: maker.encoding
            await maker.make(videos, folder)

    trio.run(main, clock=clock)
    return clock.current_time() - began[0]


if __name__ == "__main__":
    main()
