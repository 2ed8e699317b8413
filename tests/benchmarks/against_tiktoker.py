"""Ours beside TikToker's way on the same services: a lone video, a batch of twenty, and the physical limit.

    python -m tests.benchmarks.against_tiktoker [--only lone|batch|limit] [--seed N] [--videos N] [--segments N]

Both sides ask the same simulator over real sockets, and the same shot takes as long for both: what a service takes
is drawn from the seed and the shot alone. The account bears 40 jobs. All waiting, also TikToker's 2 s between two
looks, is sped up and counted in full; while ffmpeg works, on either side, time is real and counts what it takes. So
neither side's work shrinks or grows beside its waiting.

``lone`` and ``batch``: one video of ten segments, and twenty. The services take what the catalog says of them, with its
spread, and one job in twenty three times as long. ``lone`` has more cases with ``quick`` services: 1 to 1.3 s for a
picture, 8 to 10.4 s for a clip and 1 s for a narration, where 2 s between looks and the tail weigh most.

TikToker is as it is: one video after another, clips only joined; no captions, no scaling, no loudness, and speech
longer than the pictures cut. Ours does all of that. ``like for like`` is without captions on either side: then ours
joins its clips as they are too, and what differs is the waiting. With quick services two lines decide nothing: ours
with captions, and TikToker when it must bring its clips into one form as ours does, still without captions and
loudness. Stories and shots are given to both, and TikToker's ffprobe after the join is left out, which is to its good.

``limit``: three videos, picture 1 s, clip 8 s, narration 1 s. The limit is the slowest chain (picture, clip) plus the
tail: what is left to do on this machine once the last clip could be there, were its processors never idle. The same
work is ours, one video after another, asked after every 2 s.
"""

import argparse
import math
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import trio

from tests.benchmarks.tiktoker import POLL_SECONDS, TikToker, Wanted
from tests.simulated import FLUX, MULTILINGUAL, VEO
from tiktoker_batch.app import Options
from tiktoker_batch.events import StepQueued, StepSucceeded, WorkDone
from tiktoker_batch.media.commands import Canvas, normalise
from tiktoker_batch.media.ffmpeg import find_ffmpeg
from tiktoker_batch.media.timing import Fill
from tiktoker_batch.model import Model
from tiktoker_batch.providers import fal
from tiktoker_batch.rehearsal import Rehearsal, make_world, open_rehearsal, rehearse
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.latency import OUTLIER_FACTOR, OUTLIERS, Latency
from tiktoker_batch.simulator.server import KEY, open_simulator
from tiktoker_batch.store.journal import read_journal

LATENCIES = {"image": 1.0, "clip": 8.0, "narration": 1.0, "text": 1.0}
CHAIN = LATENCIES["image"] + LATENCIES["clip"]
ACCOUNT = {"fal": 40, "elevenlabs": 10}
TARGET = 1.10
BATCH_TIMES, LONE_SHORTER = 5.0, 0.15
QUICK = {"image": (1.0, 1.3), "clip": (8.0, 10.4), "narration": (1.0, 1.0)}
SHOT = re.compile(r"picture \d+\.\d+|video number \d+")
SCRIPT = "This is video number {number}. It has as many pictures as it needs, and each of them moves a little."
RECIPE = """\
version: 1
name: three
limits: {{fal: 40, elevenlabs: 10}}
defaults:
  duration: {duration}
  captions: {captions}
  models:
    image: "fal:{image}"
    clip: "fal:{clip}"
    narration: "elevenlabs:{speech}"
videos:
"""


def main() -> None:
    """Measure, compare; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["lone", "batch", "limit"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--videos", type=int, default=20, help="of the batch")
    parser.add_argument("--segments", type=int, default=10)
    given = parser.parse_args()
    parts: dict[str, Callable[[Path], bool]] = {
        "lone": lambda folder: _lone(_wanted(1, given.segments), folder, given.seed),
        "batch": lambda folder: _batch(_wanted(given.videos, given.segments), folder, given.seed),
        "limit": lambda folder: _limit(_wanted(3, given.segments), folder),
    }
    reached = []
    for name, part in parts.items():
        if given.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                reached.append(part(Path(folder)))
    sys.exit(0 if all(reached) else 1)


def _wanted(videos: int, segments: int) -> list[Wanted]:
    return [
        Wanted(script=SCRIPT.format(number=number), shots=[f"picture {number}.{s}" for s in range(segments)])
        for number in range(videos)
    ]


# ---------------------------------------------------------------------- the parts


def _batch(videos: list[Wanted], folder: Path, seed: int) -> bool:
    how = Rehearsal(speed=1000, account=ACCOUNT)
    with _the_same_for_both(_as_catalog(seed)):
        ours, theirs = _ours(videos, folder / "ours", how), _theirs(videos, folder / "theirs", how)
    times = theirs.makespan / ours.makespan
    print(
        f"{len(videos)} videos, services as in the catalog: ours {ours.makespan:.1f} s, TikToker {theirs.makespan:.1f}"
    )
    print(f"  {times:.2f}x shorter (target {BATCH_TIMES:g})")
    return times >= BATCH_TIMES


def _lone(videos: list[Wanted], folder: Path, seed: int) -> bool:
    how = Rehearsal(speed=1000, account=ACCOUNT)
    reached = True
    cases: tuple[tuple[str, Draw, bool, float | None], ...] = (
        ("catalog services", _as_catalog(seed), True, 0.0),
        ("quick services", _as_quick(seed), True, None),
        ("quick services, like for like", _as_quick(seed), False, LONE_SHORTER),
    )
    for title, draw, captions, target in cases:
        with _the_same_for_both(draw):
            ours = _ours(videos, folder / f"{title}-ours", how, captions=captions)
            theirs = _theirs(videos, folder / f"{title}-theirs", how)
        saved = 1 - ours.makespan / theirs.makespan
        looks, tail = theirs.last_clip - ours.last_clip, theirs.after_clips - ours.after_clips
        print(f"one video, {title}: ours {ours.makespan:.1f} s, TikToker {theirs.makespan:.1f}")
        print(f"  {saved:.1%} shorter ({'no target: ours does more' if target is None else f'target {target:.0%}'})")
        print(
            f"  until the last clip: ours {ours.last_clip:.1f}, TikToker {theirs.last_clip:.1f}: {looks:+.1f} s saved"
        )
        print(f"  after it: ours {ours.after_clips:.1f}, TikToker {theirs.after_clips:.1f}: {tail:+.1f} s saved")
        reached = reached and (target is None or saved >= target)
    with _the_same_for_both(_as_quick(seed)):
        formed = _theirs(videos, folder / "formed", how, form=_one_form)
    print(f"  TikToker with clips in one form, no captions: {formed.makespan:.1f} s")
    return reached


def _limit(videos: list[Wanted], folder: Path) -> bool:
    how = Rehearsal(speed=1000, latencies=LATENCIES, account=ACCOUNT)
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
    print(f"TikToker as it is (clips only joined): {theirs.makespan:.1f} s")
    return ratio <= TARGET


# ---------------------------------------------------------------------- what services take

Draw = Callable[[Latency, Model, str], float]


def _as_catalog(seed: int) -> Draw:
    def seconds(model: Model, rng: random.Random) -> float:
        slow = OUTLIER_FACTOR if rng.random() < OUTLIERS else 1.0
        return model.typical_seconds * math.exp(rng.gauss(0, model.latency_spread)) * slow

    return _drawn(seed, seconds)


def _as_quick(seed: int) -> Draw:
    return _drawn(seed, lambda model, rng: rng.uniform(*QUICK[model.kind]))


def _drawn(seed: int, seconds: Callable[[Model, random.Random], float]) -> Draw:
    """By the shot alone: the two sides word the rest of a request differently."""

    def draw(_: Latency, model: Model, subject: str) -> float:
        shot = SHOT.search(subject)
        assert shot, subject
        return seconds(model, random.Random(f"{seed}/{model.kind}/{shot[0]}"))

    return draw


@contextmanager
def _the_same_for_both(draw: Draw) -> Iterator[None]:
    usual = Latency.draw
    Latency.draw = draw  # type: ignore[method-assign]
    try:
        yield
    finally:
        Latency.draw = usual  # type: ignore[method-assign]


# ---------------------------------------------------------------------- the two sides


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Seconds after start-up: to the end, to the last clip, and the least time for what had to wait for the clips."""

    makespan: float
    last_clip: float
    tail: float = 0.0

    @property
    def after_clips(self) -> float:
        return self.makespan - self.last_clip

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


def _ours(videos: list[Wanted], folder: Path, how: Rehearsal, *, captions: bool = True) -> Measured:
    folder.mkdir()
    recipe = folder / "recipe.yaml"
    duration = 4 * len(videos[0].shots)
    told = "true" if captions else "false"
    text = RECIPE.format(duration=duration, captions=told, image=FLUX, clip=VEO, speech=MULTILINGUAL)
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


def _one_form(source: str, into: str) -> list[str]:
    """The product's own encoding of a clip of 4 s, which needs no captions, no cut and no slowing."""
    canvas = Canvas(width=720, height=1280, fps=24)
    return normalise(
        source, into, canvas=canvas, frames=4 * canvas.fps, fill=Fill(stretch=1.0, hold_seconds=0.0), captions=None
    )


def _theirs(
    videos: list[Wanted], folder: Path, how: Rehearsal, form: Callable[[str, str], list[str]] | None = None
) -> Measured:
    clock, world = FlyingClock(how.speed), make_world({}, how)
    began: list[float] = []
    clips: list[float] = []
    ffmpeg = find_ffmpeg({})

    async def main() -> None:
        headers = {"Authorization": f"Key {KEY}", "xi-api-key": KEY}
        async with open_simulator(world) as simulator, httpx.AsyncClient(headers=headers, timeout=60) as client:
            began.append(trio.current_time())
            maker = TikToker(
                client=client,
                base=simulator.base,
                ffmpeg=ffmpeg,
                image=FLUX,
                clip=VEO,
                speech=MULTILINGUAL,
                normalise=form,
            )
            clock.is_working = lambda: maker.encoding
            await maker.make(videos, folder)
            clips.append(maker.last_clip)

    trio.run(main, clock=clock)
    return Measured(makespan=clock.current_time() - began[0], last_clip=clips[0] - began[0])


if __name__ == "__main__":
    main()
