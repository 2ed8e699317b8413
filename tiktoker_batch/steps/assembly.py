"""The finished video: sound first, each segment made canonical as it arrives, then a stream copy.

The order is the measured one: the narration is there long before the clips, so mix, loudness and frame counts are
fixed while clips are still being made, and nothing is left for the end but joining. Clips that have the wanted form
already, and no captions burned into them, are joined as they are.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import trio

from tiktoker_batch.errors import MediaError, TooFewSegments
from tiktoker_batch.media import commands
from tiktoker_batch.media.detection import choose, reason_of
from tiktoker_batch.media.encoders import X264, Encoder
from tiktoker_batch.media.fonts import caption_font
from tiktoker_batch.media.loudness import level_to_target
from tiktoker_batch.media.probe import VideoStream, probe
from tiktoker_batch.media.timing import Slot
from tiktoker_batch.model import Json, Kind, Step, Video
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.planning.build import Draft, Planning, step_id
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.recipe.rendering import segment_count, segment_seconds
from tiktoker_batch.steps.base import Inputs, Made, Work
from tiktoker_batch.steps.captions import fit_video
from tiktoker_batch.steps.copying import COPY_FORM, Agreement, copy, may_copy
from tiktoker_batch.steps.image import frame_size
from tiktoker_batch.steps.keeping import keep
from tiktoker_batch.steps.segments import (
    FORM,
    Bench,
    CopyFailed,
    HardwareFailed,
    failed_as,
    forget_stale,
    normalise,
    stand_in,
)
from tiktoker_batch.store.artifacts import new_part

Arrived = dict[str, tuple[Artifact, ...]]


class AssemblyStep:
    """``assembly``: everything in, ``videos/<id>.mp4`` out."""

    eager = True

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        """One step. Where segments may fail, their pictures stand in for lost clips."""
        numbers = range(1, segment_count(video) + 1)
        clips = tuple(step_id(video.id, Kind.CLIP, number) for number in numbers)
        images = tuple(step_id(video.id, Kind.IMAGE, number) for number in numbers)
        tolerant = video.on_segment_failure == "continue"
        yield Draft(
            kind=Kind.ASSEMBLY,
            needs=(*_sound_needs(video), *clips, *(images if tolerant else ())),
            may_lack=(*clips, *images) if tolerant else (),
            tool="ffmpeg",
            params=_params(video),
            seconds=0.5 + 0.3 * video.duration,
        )

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        """Sound, captions and clips; a picture only where the clip is lost."""
        found = inputs.digests()
        clips = {name.split("/")[0] for name in found if name.endswith(f"/{Kind.CLIP}")}
        return {
            name: value
            for name, value in found.items()
            if not (name.endswith(f"/{Kind.IMAGE}") and name.split("/")[0] in clips)
        }

    async def run(self, work: Work) -> Made:
        """Assemble the video while its clips arrive."""
        arrived: Arrived = {}
        bench = await _prepare(work, arrived)
        encoder, note = await _chosen(bench)
        video, notes = await _made(replace(bench, encoder=encoder), arrived)
        subtitles = arrived[step_id(work.step.video, Kind.CAPTIONS)][1]
        inputs = Inputs(layout=work.layout, artifacts=arrived)
        return Made(artifacts=(video, subtitles), inputs=inputs, notes=(*([note] if note else []), *notes))


async def _made(bench: Bench, arrived: Arrived) -> tuple[Artifact, list[str]]:
    """The video, and what was given up on the way: copying, the encoder of a graphics processor."""
    notes: list[str] = []
    video = None
    while video is None:
        try:
            video = await _assembled(bench, arrived)
        except* CopyFailed as copying:
            notes.append(f"the clips could not be joined as they are ({_reason(copying)}); they were encoded")
            bench = replace(bench, copies=False)
        except* HardwareFailed as failed:
            notes.append(_given_up(bench, _reason(failed)))
            bench = replace(bench, encoder=X264)
    return video, notes


async def _chosen(bench: Bench) -> tuple[Encoder, str | None]:
    """The encoder that the recipe wants, if it works here; and why not, if not."""
    wanted, tools = bench.work.video.encoder, bench.work.tools
    if wanted == X264.name:
        return X264, None
    async with bench.work.seats.held("ffmpeg", label="encoders"):
        return choose(wanted, await tools.detection.trials(tools.ffmpeg, tools.font_cache))


def _given_up(bench: Bench, reason: str) -> str:
    """What is said of an encoder that failed; it is not used again before it has been tried anew."""
    tools, encoder = bench.work.tools, bench.encoder
    tools.detection.give_up(tools.ffmpeg, tools.font_cache, encoder.name, reason)
    return f"the encoder {encoder.name} failed ({reason}); x264 was used for the whole video"


def _reason(group: BaseExceptionGroup[MediaError]) -> str:
    failed: BaseException = group
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    return reason_of(failed) if isinstance(failed, MediaError) else str(failed)


async def _assembled(bench: Bench, arrived: Arrived) -> Artifact:
    """The whole video by one encoder or by none, made while its clips arrive.

    :raises HardwareFailed: out of a group, too; the encoder is not x264 and did not deliver.
    :raises CopyFailed: out of a group, too; the clips cannot be joined as they are.
    """
    mixed = _mix_file(bench, arrived)
    segments: dict[int, Path] = {}
    agreement = Agreement(bench)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_mix, bench, arrived, mixed)
        for slot in bench.timing.slots:
            nursery.start_soon(_make_segment, bench, slot, segments, arrived, agreement)
    _require_enough(bench.work.video, len(segments))
    await _fill_gaps(bench, segments, arrived)
    slots = agreement.slots or {slot.number: slot for slot in bench.timing.slots}
    try:
        video = await _join(bench, [(segments[number], slot.frames) for number, slot in slots.items()], mixed)
    except MediaError as error:
        if agreement.slots is None:
            raise
        raise failed_as(CopyFailed, error) from error
    forget_stale(bench, {mixed, *segments.values()})
    return video


def _sound_needs(video: Video) -> tuple[str, ...]:
    kinds = (Kind.NARRATION, Kind.CAPTIONS, *((Kind.MUSIC,) if video.music else ()))
    return tuple(step_id(video.id, kind) for kind in kinds)


def _params(video: Video) -> dict[str, Json]:
    width, height = frame_size(video)
    return {
        "form": FORM,
        "width": width,
        "height": height,
        "fps": video.fps,
        "duration": video.duration,
        "length": video.length,
        "segments": list(segment_seconds(video)),
        **({} if video.encoder == "x264" else {"encoder": video.encoder}),
        "captions": video.captions is not None,
        **({"copies": COPY_FORM} if may_copy(video) else {}),
        "music": {"gain_db": video.music.gain_db, "duck": video.music.duck} if video.music else None,
    }


async def _prepare(work: Work, arrived: Arrived) -> Bench:
    """Wait for sound and captions; with them every frame of the video is fixed."""
    for need in _sound_needs(work.video):
        arrived[need] = await work.arrival(need) or ()
    inputs = Inputs(layout=work.layout, artifacts=arrived)
    narration, captions = _sound_needs(work.video)[:2]
    width, height = frame_size(work.video)
    folder = work.layout.segments(work.step.video)
    font = await trio.to_thread.run_sync(caption_font, work.tools.font_cache)
    # Copied, so that ffmpeg can name it without a path that its filters would have to escape.
    await trio.to_thread.run_sync(partial(shutil.copytree, font.folder, folder / "fonts", dirs_exist_ok=True))
    import pysubs2  # noqa: PLC0415  (loaded with the first video)

    return Bench(
        work=work,
        folder=folder,
        canvas=commands.Canvas(width=width, height=height, fps=work.video.fps),
        timing=await trio.to_thread.run_sync(fit_video, work.video, inputs, narration),
        subtitles=pysubs2.SSAFile.load(str(inputs.path(captions))) if work.video.captions else None,
        copies=may_copy(work.video),
    )


def _sound(bench: Bench, arrived: Arrived) -> commands.Sound:
    inputs = Inputs(layout=bench.work.layout, artifacts=arrived)
    narration, _, *music = _sound_needs(bench.work.video)
    sound = commands.Sound(
        narration=bench.name(inputs.path(narration)), tempo=bench.timing.tempo, seconds=bench.timing.seconds
    )
    wanted = bench.work.video.music
    if not wanted:
        return sound
    return replace(sound, music=bench.name(inputs.path(music[0])), music_gain_db=wanted.gain_db, duck=wanted.duck)


def _mix_file(bench: Bench, arrived: Arrived) -> Path:
    content = [
        arrived[need][0].sha256 for need in _sound_needs(bench.work.video) if need.split("/")[1] != Kind.CAPTIONS
    ]
    identity = digest([FORM, content, asdict(_sound(bench, arrived))])
    return bench.folder / f"mix-{identity[:12]}.m4a"


async def _mix(bench: Bench, arrived: Arrived, final: Path) -> None:
    """Voice and music, at the loudness platforms play, exactly as long as the picture."""
    if final.exists():
        return
    raw, part = new_part(final.with_suffix(".wav")), new_part(final)
    ffmpeg = bench.work.tools.ffmpeg
    await bench.ffmpeg(commands.mix(_sound(bench, arrived), raw.name), label="mix")
    async with bench.work.seats.held("ffmpeg", label="loudness"):
        with trio.fail_after(bench.work.step.retry.timeout):
            await level_to_target(ffmpeg, raw.name, part.name, cwd=bench.folder)
    raw.unlink()
    await keep(part, final, root=bench.work.layout.root)


async def _make_segment(
    bench: Bench, slot: Slot, segments: dict[int, Path], arrived: Arrived, agreement: Agreement
) -> None:
    """Wait for one clip and copy it or make it canonical; a lost clip's picture takes its place."""
    clip = await _arrival(bench, Kind.CLIP, slot.number, arrived)
    if clip is not None:
        place = await agreement.place_of(slot, clip)
        segments[slot.number] = await (copy(bench, *place, clip) if place else normalise(bench, slot, clip))
        return
    agreement.give_up()
    picture = await _arrival(bench, Kind.IMAGE, slot.number, arrived)
    if picture is not None:
        segments[slot.number] = await stand_in(bench, slot, picture)


async def _arrival(bench: Bench, kind: Kind, number: int, arrived: Arrived) -> Artifact | None:
    need = step_id(bench.work.step.video, kind, number)
    found = await bench.work.arrival(need)
    if found is None:
        return None
    arrived[need] = found
    return found[0]


def _require_enough(video: Video, made: int) -> None:
    planned = segment_count(video)
    wanted = min(video.minimum_segments, planned)
    if made < wanted:
        raise TooFewSegments(f"only {made} of {planned} segments could be made, and minimum_segments asks for {wanted}")


async def _fill_gaps(bench: Bench, segments: dict[int, Path], arrived: Arrived) -> None:
    """Segments with neither clip nor picture take the picture of a neighbour, so that nothing spoken is cut."""
    have = sorted(segments)
    for slot in bench.timing.slots:
        if slot.number not in segments:
            nearest = min(have, key=lambda number: abs(number - slot.number))
            picture = await _arrival(bench, Kind.IMAGE, nearest, arrived)
            if picture is not None:
                segments[slot.number] = await stand_in(bench, slot, picture)


async def _join(bench: Bench, segments: Sequence[tuple[Path, int]], mixed: Path) -> Artifact:
    """Stream copy of canonical segments and the finished sound, checked before it gets its name."""
    await trio.to_thread.run_sync(_require_alike, [path for path, _ in segments], bench.encoder)
    final = bench.work.layout.video(bench.work.step.video)
    part, listing = new_part(final), new_part(bench.folder / "list.txt")
    lines = commands.concat_listing([(path.name, frames) for path, frames in segments], bench.timing.fps)
    listing.write_text(lines, encoding="utf-8")
    try:
        await bench.ffmpeg(commands.concat(listing.name, mixed.name, bench.name(part)), label="concat")
    finally:
        listing.unlink(missing_ok=True)
    await trio.to_thread.run_sync(_require_finished, part, bench)
    return await keep(part, final, root=bench.work.layout.root)


def _require_alike(paths: Sequence[Path], encoder: Encoder) -> None:
    """Stream copy of unlike segments ends with status 0 and is garbage, so it is never tried."""
    forms: Mapping[VideoStream | None, Path] = {_form(path): path for path in paths}
    if len(forms) != 1 or None in forms:
        error = MediaError if encoder is X264 else HardwareFailed
        raise error(f"segments differ in form and cannot be joined: {', '.join(p.name for p in forms.values())}")


def _form(path: Path) -> VideoStream | None:
    video = probe(path).video
    return replace(video, frames=0) if video else None


def _require_finished(path: Path, bench: Bench) -> None:
    """The joined file has every frame, the sound, and the planned length within one frame."""
    found = probe(path)
    timing = bench.timing
    if found.video is None or found.video.frames != timing.frames:
        raise MediaError(
            f"the video came out with {found.video.frames if found.video else 0} frames, not {timing.frames}"
        )
    if found.audio is None or (found.audio.codec, found.audio.rate) != ("aac", commands.SAMPLE_RATE):
        raise MediaError("the video came out without its sound")
    if abs(found.seconds - timing.seconds) > 1 / timing.fps:
        raise MediaError(f"the video came out {found.seconds:.3f} s long, not {timing.seconds:.3f} s")
