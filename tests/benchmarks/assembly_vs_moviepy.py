"""Our assembly beside moviepy 2 on the same segments: ``python -m tests.benchmarks.assembly_vs_moviepy``.

Twelve mixed 5 s segments and a narration become a 60 s video of 720x1280 at 24 frames a second, with the same x264
settings on both sides. Ours burns captions and levels the sound; moviepy does neither, which favours it. *Total*: every
segment is there at the start. *Tail*: from the arrival of the last segment to the finished file; moviepy can only begin
then, so its tail is its whole work. Targets: total at least 3x shorter, tail at least 10x.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import trio

from tests.media.studio import MINUTE_SEGMENTS as SEGMENTS
from tests.media.studio import Studio, a_minute
from tiktoker_batch.model import Kind
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.steps.registry import STEP_KINDS

# As different clouds deliver them.
FORMS = [("1280x720", 30), ("720x1280", 24), ("1080x1920", 25), ("640x640", 30)]


async def ours(studio: Studio) -> tuple[float, float]:
    """Seconds of the whole assembly, and of its tail when the last segment comes after all others are done."""
    forget(studio)
    began = time.perf_counter()
    await studio.assemble()
    total = time.perf_counter() - began
    forget(studio)
    return total, await tail(studio)


async def tail(studio: Studio) -> float:
    """Hold the last clip back until everything else is done."""
    last, came = studio.id(Kind.CLIP, SEGMENTS), trio.Event()
    work = studio.work(studio.id(Kind.ASSEMBLY))
    studio.records.clear()

    async def arrival(need: str) -> tuple[Artifact, ...] | None:
        if need == last:
            await came.wait()
        return await work.arrival(need)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(STEP_KINDS[Kind.ASSEMBLY].run, replace(work, arrival=arrival))
        while len(studio.labels) < SEGMENTS - 1 + 2:  # noqa: ASYNC110  (the other segments, the mix and its loudness)
            await trio.sleep(0.02)
        began = time.perf_counter()
        came.set()
    return time.perf_counter() - began


def forget(studio: Studio) -> None:
    """No segment of an earlier round is left to reuse."""
    for path in studio.layout.segments(studio.video.id).glob("*.m*"):
        path.unlink()


def moviepy(studio: Studio) -> float:
    """Seconds that moviepy takes for picture and narration alone."""
    from moviepy import AudioFileClip, VideoFileClip, concatenate_videoclips

    began = time.perf_counter()
    clips = []
    for number in range(1, SEGMENTS + 1):
        clip = VideoFileClip(str(studio.layout.clip(studio.video.id, number))).subclipped(0, 5)
        scale = max(720 / clip.w, 1280 / clip.h)
        clip = clip.resized((round(clip.w * scale), round(clip.h * scale)))
        clips.append(clip.cropped(width=720, height=1280, x_center=clip.w / 2, y_center=clip.h / 2))
    joined = concatenate_videoclips(clips, method="chain")
    joined = joined.with_audio(AudioFileClip(str(studio.layout.narration(studio.video.id))))
    joined.write_videofile(
        str(studio.root / "moviepy.mp4"),
        fps=24,
        codec="libx264",
        audio_codec="aac",
        preset="veryfast",
        ffmpeg_params=["-crf", "20", "-pix_fmt", "yuv420p"],
        threads=2,
        logger=None,
    )
    return time.perf_counter() - began


def main() -> None:
    """Interleave both and print medians as ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    seconds: Mapping[str, list[float]] = {"total": [], "tail": [], "moviepy": []}
    with tempfile.TemporaryDirectory() as folder:
        studio = trio.run(a_minute, Path(folder), FORMS)
        for _ in range(rounds):
            total, last = trio.run(ours, studio)
            seconds["total"].append(total)
            seconds["tail"].append(last)
            seconds["moviepy"].append(moviepy(studio))
    median = {name: statistics.median(found) for name, found in seconds.items()}
    print(f"60 s of video from {SEGMENTS} segments, medians of {rounds} interleaved rounds")
    print(f"  moviepy, no captions, no levelling: {median['moviepy']:6.1f} s")
    for name, target in (("total", 3), ("tail", 10)):
        ratio = median["moviepy"] / median[name]
        word = "pass" if ratio >= target else "FALLS SHORT"
        print(f"  ours, {name:5}: {median[name]:6.2f} s   {ratio:5.1f}x shorter  (>= {target}x: {word})")


if __name__ == "__main__":
    main()
