"""Clips that have the wanted form already: joined as they are, every picture the very one that came; else encoded."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import av
import pytest
import trio

from tests.media.studio import FFMPEG, Studio, small_video
from tiktoker_batch.events import Record, WorkDone
from tiktoker_batch.media.commands import Canvas
from tiktoker_batch.media.copying import examine
from tiktoker_batch.media.probe import probe
from tiktoker_batch.model import Captions, Kind, Video
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.planning.build import Planning
from tiktoker_batch.recording import Recorder
from tiktoker_batch.steps.base import Tools
from tiktoker_batch.steps.registry import STEP_KINDS

CANVAS = Canvas(width=720, height=720, fps=24)
FITTING: dict[str, Any] = {"size": "720x720", "rate": 24}
QUICK = "-preset ultrafast"  # no B-frames: it may be cut anywhere
REORDERED = "-preset veryfast -x264-params bframes=3:b-pyramid=normal:b-adapt=0:keyint=24"


def a_filmed_video(**changes: object) -> Video:
    """Without captions, and with clips of a service."""
    video = small_video(fps=24, **{"captions": None, **changes})
    clip = replace(video.models.clip, provider="fal")
    return replace(video, models=replace(video.models, clip=clip))


async def a_studio(folder: Path, *, spoken: float = 3.37, **changes: object) -> Studio:
    """Two clips of 2 s are wanted, 48 frames each; 3.37 s of speech and its tail take 93 frames."""
    studio = Studio(folder, a_filmed_video(**changes))
    await studio.narrate(spoken)
    await studio.caption()
    return studio


async def pictures(studio: Studio, path: Path) -> list[str]:
    """A digest of each picture, in the order they are shown."""
    await studio.ffmpeg("-i", str(path), "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "frames.txt")
    lines = (studio.layout.work_of("clip") / "frames.txt").read_text().splitlines()
    return [line.split(",")[-1].strip() for line in lines if not line.startswith("#")]


def worked(studio: Studio) -> list[str]:
    """What was done to the pictures."""
    return sorted(label for label in studio.labels if label not in {"mix", "loudness"})


COPIED = ["concat", "copy 01", "copy 02"]
ENCODED = ["concat", "normalise 01", "normalise 02"]


async def held_exactly(studio: Studio, video: Path, lengths: Sequence[int]) -> None:
    """The video shows the first pictures of each clip, so many of each, evenly, and nothing else."""
    came = [await pictures(studio, studio.layout.clip("clip", number)) for number in (1, 2)]
    wanted = [own[:length] for own, length in zip(came, lengths, strict=True)]
    assert await pictures(studio, video) == list(chain(*wanted))
    with av.open(str(video)) as opened:
        film, sound = opened.streams.video[0], opened.streams.audio[0]
        times = [float(picture.pts * film.time_base) for picture in opened.decode(film) if picture.pts is not None]
        assert times == pytest.approx([number / 24 for number in range(sum(lengths))])
        assert float((sound.start_time or 0) * sound.time_base) == pytest.approx(0, abs=1e-3)
        assert float((sound.duration or 0) * sound.time_base) == pytest.approx(sum(lengths) / 24, abs=1024 / 48_000)


@pytest.mark.parametrize(
    ("options", "lengths"),
    [
        (QUICK, (46, 47)),
        (f"{QUICK} -profile:v high -x264-params slices=3:aud=1 -bsf:v dump_extra -movflags +faststart", (46, 47)),
        (f"{QUICK} -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv", (46, 47)),
        (REORDERED, (45, 48)),
        (f"{REORDERED}:open-gop=1", (45, 48)),
    ],
    ids=["plain", "several units a picture", "colours told", "reordered", "reordered across key frames"],
)
async def test_every_picture_is_the_very_one_that_came(tmp_path: Path, options: str, lengths: tuple[int, int]) -> None:
    studio = await a_studio(tmp_path)
    for number in (1, 2):
        await studio.film(number, **FITTING, options=options)
    made = await studio.assemble()
    assert worked(studio) == COPIED
    assert made.notes == ()
    video = tmp_path / made.artifacts[0].path
    await held_exactly(studio, video, lengths)
    content = video.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "it plays while it loads"
    with av.open(str(video)) as opened:
        context = opened.streams.video[0].codec_context
        told = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
    assert told == (1, 1, 1, 1), "as an encode tells it: BT.709 in limited range"


async def test_whole_clips_are_taken_where_the_narration_leaves_them_room(tmp_path: Path) -> None:
    studio = await a_studio(tmp_path, spoken=1.0)
    for number in (1, 2):
        await studio.film(number, **FITTING, options=REORDERED)
    made = await studio.assemble()
    assert worked(studio) == COPIED
    await held_exactly(studio, tmp_path / made.artifacts[0].path, (48, 48))


async def test_it_can_be_sought_to_any_picture(tmp_path: Path) -> None:
    studio = await a_studio(tmp_path)
    for number in (1, 2):
        await studio.film(number, **FITTING, options=REORDERED)
    video = tmp_path / (await studio.assemble()).artifacts[0].path
    with av.open(str(video)) as opened:
        film = opened.streams.video[0]
        whole = {picture.pts: picture.to_ndarray() for picture in opened.decode(film)}
        for wanted in (0, 23, 44, 45, 46, 70, 92):
            at = round(wanted / 24 / film.time_base)
            opened.seek(at, stream=film)
            found = next(picture for picture in opened.decode(film) if picture.pts is not None and picture.pts >= at)
            assert found.pts == at
            assert (found.to_ndarray() == whole[at]).all()


async def test_a_clips_own_sound_is_left_out(tmp_path: Path) -> None:
    studio = await a_studio(tmp_path)
    for number in (1, 2):
        await studio.film(number, **FITTING, options=QUICK)
        clip = studio.layout.clip("clip", number)
        loud = clip.with_name("loud.mp4")
        tone = ["-f", "lavfi", "-i", "sine=frequency=400:sample_rate=44100:duration=2"]
        await studio.ffmpeg(*tone, "-i", clip.name, "-c:v", "copy", "-c:a", "aac", loud.name)
        studio.retake(number, loud)
    made = await studio.assemble()
    assert worked(studio) == COPIED
    await held_exactly(studio, tmp_path / made.artifacts[0].path, (46, 47))
    with av.open(str(tmp_path / made.artifacts[0].path)) as opened:
        assert [(stream.type, stream.codec_context.name) for stream in opened.streams] == [
            ("video", "h264"),
            ("audio", "aac"),
        ]


async def test_copying_again_does_nothing_again(tmp_path: Path) -> None:
    studio = await a_studio(tmp_path)
    for number in (1, 2):
        await studio.film(number, **FITTING, options=QUICK)
    first = await studio.assemble()
    studio.records.clear()
    assert (await studio.assemble()).artifacts == first.artifacts
    assert studio.labels == ["concat"]
    next(studio.layout.segments("clip").glob("02-*.mp4")).unlink()
    studio.records.clear()
    assert (await studio.assemble()).artifacts == first.artifacts, "also by a run that goes on with half of it"
    assert studio.labels == ["copy 02", "concat"]


# ---------------------------------------------------------------------- what has to be encoded

UNFIT = {
    "another size": ({"size": "360x360", "rate": 24}, QUICK, "it is 360x360"),
    "another rate": ({"size": "720x720", "rate": "24000/1001"}, QUICK, "frames a second"),
    "oblong pixels": (FITTING, f"{QUICK} -aspect 2:1", "pixels are not square"),
    "another codec": (FITTING, "-c:v mpeg4", "not H.264"),
    "full range": (FITTING, f"{QUICK} -vf scale=out_range=pc -color_range pc", "colours"),
    "other colours": (FITTING, f"{QUICK} -colorspace smpte170m", "colours"),
    "ten bits": (FITTING, f"{QUICK} -pix_fmt yuv420p10le", "profile 110"),
    "too many bytes": (FITTING, f"{QUICK} -crf 2", "too large"),
    "interlaced": (FITTING, f"{QUICK} -flags +ildct+ilme -x264-params tff=1", "interlaced"),
    "uneven": (FITTING, f"{QUICK} -vf select=not(eq(n\\,7)) -fps_mode vfr", "evenly|last alike"),
    "in fragments": (FITTING, f"{QUICK} -movflags frag_keyframe+empty_moov", "last alike"),
}


@pytest.mark.parametrize(("form", "options", "reason"), UNFIT.values(), ids=UNFIT)
async def test_what_would_have_to_be_changed_is_told(
    tmp_path: Path, form: dict[str, Any], options: str, reason: str
) -> None:
    studio = Studio(tmp_path, small_video(fps=24, captions=None))
    await studio.film(1, **form, options=options)
    with pytest.raises(ValueError, match=reason):
        examine(studio.layout.clip("clip", 1), CANVAS)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (["-display_rotation:v", "90", "-i", "01.mp4", "-c", "copy"], "turned"),
        (["-ss", "0.5", "-i", "01.mp4", "-c", "copy"], "edited|evenly|late"),
        (["-i", "01.mp4", "-map", "0:v", "-map", "0:v", "-c", "copy"], "2 tracks of pictures"),
        (["-itsoffset", "0.5", "-i", "01.mp4", "-c", "copy"], "edited|late"),
    ],
    ids=["turned", "begins in the middle", "two films", "begins late"],
)
async def test_what_a_file_makes_of_its_stream_is_minded(tmp_path: Path, how: Sequence[str], reason: str) -> None:
    studio = Studio(tmp_path, small_video(fps=24, captions=None))
    await studio.film(1, **FITTING, options=QUICK)
    await studio.ffmpeg(*how, "other.mp4")
    with pytest.raises(ValueError, match=reason):
        examine(studio.layout.work_of("clip") / "other.mp4", CANVAS)


async def test_a_stream_that_begins_without_a_key_frame_or_brings_another_header_is_not_copied(tmp_path: Path) -> None:
    studio = Studio(tmp_path, small_video(fps=24, captions=None))
    await studio.film(1, **FITTING, options=QUICK)
    whole = studio.layout.clip("clip", 1)
    content = whole.read_bytes()
    with av.open(str(whole)) as opened:
        header = opened.streams.video[0].codec_context.extradata or b""
        sizes = [packet.size for packet in opened.demux(opened.streams.video[0])]
    sequence = header[8 : 8 + int.from_bytes(header[6:8])]
    first = content.index(b"mdat") + 4
    # The first picture's units: x264's own words (6), then the picture (5), each behind four bytes of length.
    words = int.from_bytes(content[first : first + 4])
    kind = first + 4 + words + 4
    assert (content[first + 4] & 31, content[kind] & 31) == (6, 5)
    assert sizes[0] > words + 8
    spoilt = {
        "does not begin anew": content[:kind] + bytes([content[kind] & 0xE0 | 1]) + content[kind + 1 :],
        "more than pictures": content[: first + 4] + bytes([0x6E]) + content[first + 5 :],
        "header changes": content[: first + 4] + bytes([sequence[0]]) + content[first + 5 :],
        "not whole": content[:-10],
    }
    for reason, changed in spoilt.items():
        whole.write_bytes(changed)
        with pytest.raises(ValueError, match=reason if reason != "not whole" else "ends inside"):
            examine(whole, CANVAS)
    whole.write_bytes(content)
    assert examine(whole, CANVAS).cuts == frozenset(range(2, 49))


async def test_one_clip_that_does_not_fit_has_all_of_them_encoded(tmp_path: Path) -> None:
    studio = await a_studio(tmp_path)
    await studio.film(1, **FITTING, options=QUICK)
    await studio.film(2, size="720x720", rate=30, options=QUICK)
    made = await studio.assemble()
    assert worked(studio) == ENCODED
    found = probe(tmp_path / made.artifacts[0].path)
    assert found.video is not None
    assert found.video.frames == 93


async def test_clips_that_fit_but_are_unlike_are_encoded(tmp_path: Path) -> None:
    studio = await a_studio(tmp_path)
    await studio.film(1, **FITTING, options=QUICK)
    await studio.film(2, **FITTING, options=REORDERED)
    await studio.assemble()
    assert worked(studio) == ENCODED


async def test_a_length_that_the_clips_cannot_be_cut_to_is_encoded(tmp_path: Path) -> None:
    studio = await a_studio(tmp_path, spoken=3.3)  # 92 frames; each may have 24, 29, 33, 37, 41, 45, 48, ...
    for number in (1, 2):
        await studio.film(number, **FITTING, options=REORDERED)
    found = probe(tmp_path / (await studio.assemble()).artifacts[0].path)
    assert worked(studio) == ENCODED
    assert found.video is not None
    assert found.video.frames == 92


async def test_a_lost_clip_has_the_others_encoded(tmp_path: Path) -> None:
    studio = await a_studio(tmp_path)
    await studio.film(1, **FITTING, options=QUICK)
    await studio.paint(2)
    studio.lost = {studio.id(Kind.CLIP, 2)}
    await studio.assemble()
    assert worked(studio) == ENCODED


async def test_words_on_the_picture_have_it_encoded(tmp_path: Path) -> None:
    studio = await a_studio(tmp_path, captions=Captions())
    for number in (1, 2):
        await studio.film(number, **FITTING, options=QUICK)
    await studio.assemble()
    assert worked(studio) == ENCODED


async def test_clips_that_were_made_here_are_encoded(tmp_path: Path) -> None:
    """They are made for that: at five times the bytes."""
    studio = Studio(tmp_path, small_video(fps=24, captions=None))
    await studio.narrate(3.37)
    await studio.caption()
    for number in (1, 2):
        await studio.film(number, **FITTING, options=QUICK)
    await studio.assemble()
    assert worked(studio) == ENCODED


@pytest.mark.parametrize(
    ("form", "spoken"),
    [({"size": "640x640", "rate": 24}, 3.37), (FITTING, 4.2)],
    ids=["another size", "more is said than the clips show"],
)
async def test_what_cannot_be_copied_is_encoded_before_the_others_are_there(
    tmp_path: Path, form: dict[str, Any], spoken: float
) -> None:
    studio = await a_studio(tmp_path, spoken=spoken)
    for number in (1, 2):
        await studio.film(number, **form, options=QUICK)
    encoded = trio.Event()

    def listen(record: Record) -> None:
        if isinstance(record.event, WorkDone) and record.event.label == "normalise 01":
            encoded.set()

    studio.recorder = Recorder([studio.records.append, listen], run=1)
    work = studio.work(studio.id(Kind.ASSEMBLY))

    async def arrival(need: str) -> tuple[Artifact, ...] | None:
        if need == studio.id(Kind.CLIP, 2):
            await encoded.wait()
        return await work.arrival(need)

    with trio.fail_after(60):
        await STEP_KINDS[Kind.ASSEMBLY].run(replace(work, arrival=arrival))
    assert worked(studio) == ENCODED


@pytest.mark.skipif(os.name != "posix", reason="the pretended ffmpeg is a script")
@pytest.mark.parametrize("spoils", ["sys.exit(1)", "arguments[arguments.index('-frames:v') + 1] = '3'"])
async def test_an_ffmpeg_that_cannot_cut_has_the_clips_encoded_and_that_is_said(tmp_path: Path, spoils: str) -> None:
    script = tmp_path / "ffmpeg"
    script.write_text(
        f"#!{sys.executable}\nimport subprocess, sys\narguments = sys.argv[1:]\n"
        f"if 'copy' in arguments and '-frames:v' in arguments:\n    {spoils}\n"
        f"sys.exit(subprocess.run([{FFMPEG!r}, *arguments]).returncode)\n"
    )
    script.chmod(0o755)
    studio = await a_studio(tmp_path / "out")
    studio.tools = Tools(ffmpeg=str(script), font_cache=studio.tools.font_cache)
    for number in (1, 2):
        await studio.film(number, **FITTING, options=QUICK)
    made = await studio.assemble()
    assert {"normalise 01", "normalise 02"} <= set(studio.labels)
    assert len(made.notes) == 1
    assert made.notes[0].startswith("the clips could not be joined as they are (")
    found = probe(studio.root / made.artifacts[0].path)
    assert found.video is not None
    assert found.video.frames == 93
    left = {path.name for path in studio.layout.segments("clip").glob("*.mp4*")}
    assert len(left) == 2, "nothing of the attempt is left"


def test_how_clips_are_copied_is_part_of_the_key_where_nothing_is_burned() -> None:
    planning = Planning(languages={}, file_sha256={})

    def told(**changes: object) -> object:
        [draft] = STEP_KINDS[Kind.ASSEMBLY].plan(a_filmed_video(**changes), planning)
        return draft.params.get("copies")

    assert told(captions=Captions()) is None
    assert told() == 1
