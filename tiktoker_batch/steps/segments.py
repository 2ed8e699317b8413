"""Canonical segments: every clip in the same form, with its captions, as soon as it arrives."""

import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import trio

from tiktoker_batch.errors import MediaError
from tiktoker_batch.media import commands
from tiktoker_batch.media.captions import slice_captions
from tiktoker_batch.media.encoders import X264, Encoder
from tiktoker_batch.media.ffmpeg import run_ffmpeg
from tiktoker_batch.media.probe import is_high_definition, probe
from tiktoker_batch.media.timing import Slot, Timing, fill
from tiktoker_batch.model import Json
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.steps.base import Work
from tiktoker_batch.steps.keeping import keep
from tiktoker_batch.store.artifacts import new_part

if TYPE_CHECKING:
    import pysubs2

FORM = 3  # raised when the same inputs would give another picture or sound
# A graphics processor that takes longer hangs: the least, and for each second of picture on a machine that is busy.
HARDWARE_SECONDS, HARDWARE_PACE = 60.0, 10.0


Failure = TypeVar("Failure", bound=MediaError)


class HardwareFailed(MediaError):
    """The encoder of a graphics processor did not deliver; x264 may."""


class CopyFailed(MediaError):
    """Clips could not be joined as they are; encoded they can."""


def failed_as(kind: type[Failure], error: MediaError) -> Failure:
    """The same failure, as one of another kind."""
    return kind(error.message, argv=error.argv, status=error.status, stderr=error.stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all pieces of one assembly share: the folder ffmpeg runs in, the frame plan, the captions, the encoder.

    ``copies``: clips that fit are joined as they are.
    """

    work: Work
    folder: Path
    canvas: commands.Canvas
    timing: Timing
    subtitles: "pysubs2.SSAFile | None"
    encoder: Encoder = X264
    copies: bool = False

    def name(self, path: Path) -> str:
        """A path as ffmpeg, running in the folder, may be given it: relative, without a drive or a colon."""
        return os.path.relpath(path, self.folder)

    async def ffmpeg(self, *commands_in_turn: list[str], label: str, seconds: float = math.inf) -> None:
        """Run ffmpeg on a seat of its own, not longer than so many seconds nor than an attempt may last."""
        async with self.work.seats.held("ffmpeg", label=label):
            with trio.fail_after(min(seconds, self.work.step.retry.timeout)):
                for arguments in commands_in_turn:
                    await run_ffmpeg(self.work.tools.ffmpeg, arguments, cwd=self.folder)


async def normalise(bench: Bench, slot: Slot, clip: Artifact) -> Path:
    """Fit a clip into its slot: trimmed, slowed a little or held, scaled, captioned."""
    source = bench.work.layout.absolute(clip.path)
    found = await trio.to_thread.run_sync(probe, source)
    filling = fill(found.seconds, slot.frames / bench.timing.fps)
    return await _segment(
        bench,
        slot,
        {"clip": clip.sha256, "fill": asdict(filling)},
        lambda part, captions: commands.normalise(
            bench.name(source),
            part,
            canvas=bench.canvas,
            frames=slot.frames,
            fill=filling,
            captions=captions,
            encoder=bench.encoder,
            untold="bt709" if found.video and is_high_definition(found.video) else None,
        ),
    )


async def stand_in(bench: Bench, slot: Slot, picture: Artifact) -> Path:
    """Fill a slot whose clip is lost with a picture, slowly nearing."""
    source = bench.work.layout.absolute(picture.path)
    return await _segment(
        bench,
        slot,
        {"picture": picture.sha256},
        lambda part, captions: commands.still(
            bench.name(source),
            part,
            canvas=bench.canvas,
            frames=slot.frames,
            captions=captions,
            encoder=bench.encoder,
        ),
    )


def forget_stale(bench: Bench, current: set[Path]) -> None:
    """Drop what earlier versions of this video left in the folder."""
    for path in bench.folder.glob("*.m*4*"):
        if path not in current:
            path.unlink(missing_ok=True)


async def _segment(bench: Bench, slot: Slot, source: Json, arguments: Callable[[str, str | None], list[str]]) -> Path:
    """Encode one segment, unless the very same one is still there from an earlier run."""
    captions = _captions_of(bench, slot)
    form = [FORM, source, asdict(slot), asdict(bench.canvas), captions]
    identity = digest(form if bench.encoder is X264 else [*form, bench.encoder.name])
    final = bench.folder / f"{slot.number:02d}-{identity[:12]}.mp4"
    if final.exists():
        return final
    part = new_part(final)
    burned = part.with_name(f"{part.name}.ass.part") if captions else None
    if burned and captions:
        burned.write_text(captions, encoding="utf-8")
    try:
        await _encode(bench, slot, arguments(part.name, burned.name if burned else None), part)
    finally:
        if burned:
            burned.unlink(missing_ok=True)
    await keep(part, final, root=bench.work.layout.root)
    return final


async def _encode(bench: Bench, slot: Slot, command: list[str], part: Path) -> None:
    """Run the encoder and look at what it made.

    :raises HardwareFailed: it was not x264 that failed.
    """
    label = f"normalise {slot.number:02d}"
    if bench.encoder is X264:
        await bench.ffmpeg(command, label=label)
        await trio.to_thread.run_sync(require_frames, part, slot)
        return
    seconds = HARDWARE_SECONDS + HARDWARE_PACE * slot.frames / bench.timing.fps
    try:
        await bench.ffmpeg(command, label=f"{label} by {bench.encoder.name}", seconds=seconds)
        await trio.to_thread.run_sync(require_frames, part, slot)
    except trio.TooSlowError:
        raise HardwareFailed(f"no answer within {seconds:g} s") from None
    except MediaError as error:
        raise failed_as(HardwareFailed, error) from error


def _captions_of(bench: Bench, slot: Slot) -> str | None:
    """The captions that are seen in a slot; ``None`` where there are none, which spares ffmpeg the filter."""
    if bench.subtitles is None:
        return None
    fps = bench.timing.fps
    seen = slice_captions(bench.subtitles, slot.start / fps, (slot.start + slot.frames) / fps)
    return seen.to_string("ass") if seen.events else None


def require_frames(path: Path, slot: Slot) -> None:
    """The segment fills its slot.

    :raises MediaError: it does not, or cannot be read.
    """
    video = probe(path).video
    if video is None or video.frames != slot.frames:
        raise MediaError(
            f"segment {slot.number} came out with {video.frames if video else 0} frames, not {slot.frames}"
        )
