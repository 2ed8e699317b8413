"""The ffmpeg commands, run for real on small generated media."""

import itertools
from pathlib import Path

import av
import pytest
import trio

from tiktoker_batch.errors import MediaError, PreflightError
from tiktoker_batch.media import commands
from tiktoker_batch.media.commands import Canvas, Sound
from tiktoker_batch.media.ffmpeg import bundled_ffmpeg, find_ffmpeg, run_ffmpeg
from tiktoker_batch.media.loudness import level_to_target, parse_ebur128
from tiktoker_batch.media.probe import probe
from tiktoker_batch.media.timing import Fill

FFMPEG = bundled_ffmpeg()
CANVAS = Canvas(width=144, height=256, fps=24)


async def ffmpeg(folder: Path, *arguments: str) -> str:
    with trio.fail_after(60):
        return await run_ffmpeg(FFMPEG, arguments, cwd=folder)


async def a_clip(folder: Path, name: str, *, size: str = "320x240", rate: str = "30", seconds: float = 1.0) -> str:
    await ffmpeg(folder, "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}", name)
    return name


async def speech_like(folder: Path, name: str, seconds: float = 6.0) -> str:
    """Noise in syllables: loudness that rises and falls as speech does."""
    source = f"anoisesrc=d={seconds}:c=pink:r=24000:a=0.3,tremolo=f=4:d=0.9"
    await ffmpeg(folder, "-f", "lavfi", "-i", source, "-ac", "1", name)
    return name


@pytest.mark.parametrize(
    ("size", "rate", "seconds", "frames", "fill"),
    [
        ("320x240", "30", 2.0, 24, Fill(stretch=1.0, hold_seconds=0)),
        ("720x1280", "24", 1.0, 30, Fill(stretch=1.25, hold_seconds=0)),
        ("640x640", "25", 1.0, 60, Fill(stretch=1.25, hold_seconds=1.25)),
        ("130x258", "60", 1.0, 24, Fill(stretch=1.0, hold_seconds=0)),
    ],
)
async def test_whatever_arrives_becomes_canonical_to_the_frame(
    tmp_path: Path, size: str, rate: str, seconds: float, frames: int, fill: Fill
) -> None:
    source = await a_clip(tmp_path, "in.mp4", size=size, rate=rate, seconds=seconds)
    await ffmpeg(
        tmp_path, *commands.normalise(source, "out.mp4.part", canvas=CANVAS, frames=frames, fill=fill, captions=None)
    )
    found = probe(tmp_path / "out.mp4.part")
    assert found.video is not None
    assert (found.video.width, found.video.height, found.video.frames, found.video.rate) == (144, 256, frames, "24")
    with av.open(str(tmp_path / "out.mp4.part")) as opened:
        form = opened.streams.video[0]
        assert (form.codec_context.name, form.profile, form.codec_context.pix_fmt) == ("h264", "High", "yuv420p")
    assert found.audio is None


@pytest.mark.parametrize(("told", "kept"), [("", True), ("smpte170m", False)], ids=["untold", "BT.601"])
async def test_colours_stay_what_players_show(tmp_path: Path, told: str, kept: bool) -> None:
    """What tells no colours is taken for what it is to players, and only what tells others is turned into BT.709."""
    colours = ["-colorspace", told] if told else []
    pattern = "testsrc2=size=144x256:rate=24:duration=0.5"
    await ffmpeg(tmp_path, "-f", "lavfi", "-i", pattern, "-pix_fmt", "yuv420p", "-crf", "1", *colours, "in.mp4")
    fill = Fill(stretch=1, hold_seconds=0)
    arguments = commands.normalise(
        "in.mp4", "out.mp4", canvas=CANVAS, frames=12, fill=fill, captions=None, untold="bt709"
    )
    await ffmpeg(tmp_path, *arguments)
    before, after = planes(tmp_path / "in.mp4"), planes(tmp_path / "out.mp4")
    off = sum(abs(a - b) for a, b in zip(before, after, strict=True)) / len(before)
    assert (off < 3) == kept
    with av.open(str(tmp_path / "out.mp4")) as opened:
        assert opened.streams.video[0].codec_context.colorspace == 1


def planes(path: Path) -> bytes:
    """The first picture as it is coded."""
    with av.open(str(path)) as opened:
        return next(opened.decode(video=0)).to_ndarray().tobytes()


async def test_a_picture_stands_in_for_a_clip_in_the_same_form(tmp_path: Path) -> None:
    await ffmpeg(tmp_path, "-f", "lavfi", "-i", "testsrc2=size=144x256", "-frames:v", "1", "in.png")
    await ffmpeg(tmp_path, *commands.still("in.png", "still.mp4", canvas=CANVAS, frames=30, captions=None))
    clip = await a_clip(tmp_path, "in.mp4")
    fill = Fill(stretch=1, hold_seconds=0)
    await ffmpeg(tmp_path, *commands.normalise(clip, "clip.mp4", canvas=CANVAS, frames=30, fill=fill, captions=None))
    assert probe(tmp_path / "still.mp4").video == probe(tmp_path / "clip.mp4").video


async def test_joining_loses_no_frame_and_changes_no_picture(tmp_path: Path) -> None:
    counts = [19, 24, 31]
    for number, frames in enumerate(counts):
        source = await a_clip(tmp_path, f"in{number}.mp4", size=["320x240", "100x300", "144x256"][number], seconds=2)
        fill = Fill(stretch=1, hold_seconds=0)
        await ffmpeg(
            tmp_path,
            *commands.normalise(source, f"s{number}.mp4", canvas=CANVAS, frames=frames, fill=fill, captions=None),
        )
    seconds = sum(counts) / 24
    await speech_like(tmp_path, "voice.wav", seconds=2.0)
    await ffmpeg(tmp_path, *commands.mix(Sound(narration="voice.wav", tempo=1.0, seconds=seconds), "mix.wav"))
    await ffmpeg(tmp_path, *commands.level("mix.wav", "mix.m4a", 0.0))
    segments = [(f"s{number}.mp4", frames) for number, frames in enumerate(counts)]
    (tmp_path / "list.txt").write_text(commands.concat_listing(segments, 24))
    await ffmpeg(tmp_path, *commands.concat("list.txt", "mix.m4a", "all.mp4.part"))
    joined = await frame_hashes(tmp_path, "all.mp4.part")
    apart = [await frame_hashes(tmp_path, name) for name, _ in segments]
    assert joined == list(itertools.chain.from_iterable(apart))
    found = probe(tmp_path / "all.mp4.part")
    assert found.audio is not None
    assert (found.audio.codec, found.audio.rate, found.audio.channels) == ("aac", 48_000, 2)
    assert found.seconds == pytest.approx(seconds, abs=1 / 24)
    assert faststart(tmp_path / "all.mp4.part")


async def frame_hashes(folder: Path, name: str) -> list[str]:
    await ffmpeg(folder, "-i", name, "-map", "0:v", "-f", "framemd5", "frames.txt")
    lines = (folder / "frames.txt").read_text().splitlines()
    return [line.split(",")[-1].strip() for line in lines if not line.startswith("#")]


def faststart(path: Path) -> bool:
    """Whether the index stands before the pictures, so that playing can begin while loading."""
    content = path.read_bytes()
    return content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize("loudness", ["-30dB", "-3dB", "9dB"])
async def test_sound_comes_out_at_the_loudness_platforms_play(tmp_path: Path, loudness: str) -> None:
    source = f"anoisesrc=d=8:c=pink:r=24000:a=0.2,tremolo=f=3:d=0.95,volume={loudness}"
    await ffmpeg(tmp_path, "-f", "lavfi", "-i", source, "-ac", "1", "voice.wav")
    await ffmpeg(tmp_path, *commands.mix(Sound(narration="voice.wav", tempo=1.0, seconds=8.0), "mix.wav"))
    with trio.fail_after(60):
        await level_to_target(FFMPEG, "mix.wav", "mix.m4a", cwd=tmp_path)
    heard = parse_ebur128(await ffmpeg(tmp_path, *commands.measure("mix.m4a", None)))
    assert heard.integrated == pytest.approx(-14, abs=1)
    assert heard.peak <= -1


async def test_silence_stays_silence(tmp_path: Path) -> None:
    await ffmpeg(tmp_path, "-f", "lavfi", "-i", "anullsrc=d=2", "mix.wav")
    with trio.fail_after(60):
        await level_to_target(FFMPEG, "mix.wav", "mix.m4a", cwd=tmp_path)
    assert parse_ebur128(await ffmpeg(tmp_path, *commands.measure("mix.m4a", None))).integrated <= -69


async def test_music_gives_way_to_the_voice_and_comes_back(tmp_path: Path) -> None:
    await ffmpeg(tmp_path, "-f", "lavfi", "-i", "anoisesrc=d=3:c=pink:a=0.5", "-af", "apad=whole_dur=6", "voice.wav")
    await ffmpeg(tmp_path, "-f", "lavfi", "-i", "sine=f=440:d=2", "tune.wav")
    await ffmpeg(tmp_path, *commands.bed("file:" + str(tmp_path / "tune.wav"), "bed.flac.part"))
    sound = Sound(narration="voice.wav", tempo=1.0, seconds=8.0, music="bed.flac.part", music_gain_db=-12, duck=True)
    await ffmpeg(tmp_path, *commands.mix(sound, "ducked.wav"))
    under, alone = await tone_level(tmp_path, 1.0), await tone_level(tmp_path, 5.0)
    assert alone - under > 6, "the bed is at least 6 dB lower while somebody speaks"
    assert probe(tmp_path / "ducked.wav").seconds == 8.0


async def tone_level(folder: Path, at: float) -> float:
    """RMS in dB of the 440 Hz tone in one second of sound."""
    said = await ffmpeg(
        folder, "-ss", str(at), "-t", "1", "-i", "ducked.wav", "-af",
        "bandpass=f=440:width_type=h:w=4,bandpass=f=440:width_type=h:w=4,astats", "-f", "null", "-",
    )  # fmt: skip
    return float(said.rpartition("RMS level dB:")[2].split()[0])


async def test_a_faster_tempo_keeps_every_word_and_shortens_the_sound(tmp_path: Path) -> None:
    await speech_like(tmp_path, "voice.wav", seconds=5.0)
    await ffmpeg(tmp_path, *commands.mix(Sound(narration="voice.wav", tempo=1.25, seconds=4.0), "fast.wav"))
    assert probe(tmp_path / "fast.wav").seconds == 4.0


async def test_a_failing_ffmpeg_says_why(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="No such file") as caught:
        await ffmpeg(tmp_path, "-i", "absent.mp4", "out.mp4")
    assert caught.value.status not in (0, None)
    assert "absent.mp4" in caught.value.argv


async def test_cancelling_leaves_no_process_behind(tmp_path: Path) -> None:
    with trio.move_on_after(0.5) as scope:
        await run_ffmpeg(
            FFMPEG,
            [
                *["-re", "-f", "lavfi", "-i", "testsrc2=duration=60", "-metadata"],
                f"title={tmp_path}",
                "-f",
                "null",
                "-",
            ],
            cwd=tmp_path,
        )
    assert scope.cancelled_caught
    running = (entry.read_bytes() for entry in Path("/proc").glob("[0-9]*/cmdline") if entry.exists())
    assert not any(str(tmp_path).encode() in line for line in running)


def test_a_named_ffmpeg_that_cannot_run_is_said_so() -> None:
    with pytest.raises(PreflightError, match="TIKTOKER_FFMPEG"):
        find_ffmpeg({"TIKTOKER_FFMPEG": "/nowhere/ffmpeg"})


def test_without_a_system_ffmpeg_the_bundled_one_serves() -> None:
    assert find_ffmpeg({"PATH": "/nowhere"}) == FFMPEG


def test_a_system_ffmpeg_without_captions_is_passed_over(tmp_path: Path) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\necho ' ... scale V->V Scale'\n")
    fake.chmod(0o755)
    assert find_ffmpeg({"PATH": f"{tmp_path}:/bin:/usr/bin"}) == FFMPEG
