"""Reading a file's boxes says the same as opening it with a decoder."""

import wave
from pathlib import Path

import pytest

from tiktoker_batch.errors import MediaError
from tiktoker_batch.media import commands
from tiktoker_batch.media.ffmpeg import find_ffmpeg, run_ffmpeg
from tiktoker_batch.media.probe import Probe, _as_mp4, _as_wav, _opened, probe
from tiktoker_batch.media.timing import Fill

CANVAS = commands.Canvas(width=144, height=256, fps=24)
PICTURES = ["-f", "lavfi", "-i", "testsrc2=size=160x284:rate=30:duration=2"]
SOUND = ["-f", "lavfi", "-i", "sine=frequency=300:sample_rate=48000:duration=2.5"]


async def made(folder: Path, name: str, *arguments: str) -> Path:
    await run_ffmpeg(find_ffmpeg({}), [*arguments, name], cwd=folder)
    return folder / name


def same(ours: Probe | None, theirs: Probe) -> None:
    assert ours is not None
    assert ours.audio == theirs.audio
    assert ours.seconds == pytest.approx(theirs.seconds, abs=0.002)
    if ours.video is None or theirs.video is None:
        assert ours.video == theirs.video
        return
    for name in ("codec", "width", "height", "rate", "time_base", "frames"):
        assert getattr(ours.video, name) == getattr(theirs.video, name), name


@pytest.mark.parametrize("sound", [[], [*SOUND, "-c:a", "aac", "-ac", "2"]], ids=["silent", "sound"])
@pytest.mark.parametrize("front", [[], ["-movflags", "+faststart"]], ids=["head last", "head first"])
async def test_an_mp4_s_boxes_say_what_a_decoder_says(tmp_path: Path, sound: list[str], front: list[str]) -> None:
    path = await made(tmp_path, "a.mp4", *PICTURES, *sound, "-c:v", "libx264", "-bf", "2", *front)
    same(_as_mp4(path), _opened(path))


async def test_canonical_segments_are_alike_and_others_are_not(tmp_path: Path) -> None:
    source = await made(tmp_path, "s.mp4", *PICTURES, "-c:v", "libx264")
    fill = Fill(stretch=1.0, hold_seconds=0.0)
    names = []
    for number, frames in enumerate((20, 31)):
        name = f"{number}.mp4"
        command = commands.normalise(source.name, name, canvas=CANVAS, frames=frames, fill=fill, captions=None)
        await run_ffmpeg(find_ffmpeg({}), command, cwd=tmp_path)
        names.append(name)
    first, second = (probe(tmp_path / name).video for name in names)
    assert first is not None
    assert second is not None
    assert (first.frames, second.frames) == (20, 31)
    assert first.header == second.header
    other = probe(source).video
    assert other is not None
    assert other.header != first.header


async def test_speech_and_other_sound_is_read_too(tmp_path: Path) -> None:
    path = await made(tmp_path, "a.wav", *SOUND, "-c:a", "pcm_s16le")
    same(_as_wav(path), _opened(path))
    mixed = await made(tmp_path, "b.wav", *SOUND, "-c:a", "pcm_f32le")
    assert probe(mixed).seconds == pytest.approx(2.5)


async def test_a_file_in_fragments_is_left_to_the_decoder(tmp_path: Path) -> None:
    fragments = ["-movflags", "frag_keyframe+empty_moov"]
    path = await made(tmp_path, "a.mp4", *PICTURES, "-c:v", "libx264", *fragments)
    assert _as_mp4(path) is None
    assert probe(path).video is not None


async def test_what_is_cut_off_or_no_media_is_said_to_be(tmp_path: Path) -> None:
    path = await made(tmp_path, "a.mp4", *PICTURES, "-c:v", "libx264")
    whole = path.read_bytes()
    for content in (b"", b"<html>", whole[:30], whole[: len(whole) // 2], whole[:-10]):
        path.write_bytes(content)
        with pytest.raises(MediaError, match=r"a\.mp4 cannot be read as media"):
            probe(path)
    with wave.open(str(tmp_path / "empty.wav"), "wb") as file:
        file.setparams((1, 2, 24000, 0, "NONE", "not compressed"))
    assert probe(tmp_path / "empty.wav").seconds == 0
