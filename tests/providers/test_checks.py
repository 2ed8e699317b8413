"""What is looked at before more money is spent on it: pictures, clips, sound."""

import io
import random
import struct
import wave
from pathlib import Path

import pytest
from PIL import Image

from tests.simulated import a_world
from tiktoker_batch.errors import Unusable
from tiktoker_batch.media.ffmpeg import find_ffmpeg
from tiktoker_batch.providers.checks import check_clip, check_picture, to_wav

FFMPEG = find_ffmpeg({})


def encoded(picture: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, format=form)
    return out.getvalue()


def a_picture(size: tuple[int, int] = (90, 160), level: int = 128, mode: str = "RGB") -> Image.Image:
    return Image.new("L", size, level).convert(mode)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "delivered"
    path.write_bytes(content)
    return path


# ---------------------------------------------------------------------- pictures


@pytest.mark.parametrize(("form", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp")])
def test_a_picture_is_called_by_what_it_is_not_by_what_was_promised(tmp_path: Path, form: str, suffix: str) -> None:
    assert check_picture(written(tmp_path, encoded(a_picture(), form)), provider="x") == suffix


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "RGBA", "LA", "I;16"])
def test_a_picture_of_any_depth_is_looked_at(tmp_path: Path, mode: str) -> None:
    picture = Image.new(mode, (90, 160), 40_000) if mode == "I;16" else a_picture(level=200, mode=mode)
    assert check_picture(written(tmp_path, encoded(picture, "PNG")), provider="x") == ".png"


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "RGBA"])
def test_a_black_picture_is_unusable_in_every_depth(tmp_path: Path, mode: str) -> None:
    black = encoded(a_picture(level=0, mode=mode), "PNG")
    with pytest.raises(Unusable, match="black") as raised:
        check_picture(written(tmp_path, black), provider="x")
    assert raised.value.maybe_charged


def test_black_that_was_compressed_is_black_and_a_dark_picture_is_not(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="black"):
        check_picture(written(tmp_path, encoded(a_picture(level=2), "JPEG")), provider="x")
    night = a_picture((720, 1280), level=1)
    night.paste((40, 40, 60), (300, 300, 340, 340))  # one window with a light
    assert check_picture(written(tmp_path, encoded(night, "JPEG")), provider="x") == ".jpg"


def test_a_tiny_picture_and_one_of_another_form_are_unusable(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="only 63x200"):
        check_picture(written(tmp_path, encoded(a_picture((63, 200)), "PNG")), provider="x")
    with pytest.raises(Unusable, match="a GIF, not"):
        check_picture(written(tmp_path, encoded(a_picture(), "GIF")), provider="x")


@pytest.mark.parametrize("content", [b"", b"<html>Not Found</html>", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_damaged(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match="not a whole picture"):
        check_picture(written(tmp_path, content), provider="x")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_was_cut_off_is_damaged_wherever_it_was_cut(tmp_path: Path, form: str) -> None:
    noise = Image.frombytes("L", (90, 160), random.Random(1).randbytes(90 * 160))
    whole = encoded(noise, form)
    for share in (0.02, 0.3, 0.6, 0.95):
        with pytest.raises(ValueError, match="not a whole picture"):
            check_picture(written(tmp_path, whole[: int(len(whole) * share)]), provider="x")


# ---------------------------------------------------------------------- clips


async def a_clip() -> bytes:
    return await a_world().media.clip(720, 1280, seconds=4, mark="")


async def test_a_whole_clip_passes_and_a_short_one_is_unusable(tmp_path: Path) -> None:
    path = written(tmp_path, await a_clip())
    check_clip(path, provider="x", seconds=4)
    check_clip(path, provider="x", seconds=7)
    check_clip(path, provider="x", seconds=0)
    with pytest.raises(Unusable, match=r"lasts 4.0 s, not 10") as raised:
        check_clip(path, provider="x", seconds=10)
    assert raised.value.maybe_charged


async def test_a_clip_that_was_cut_off_is_damaged_wherever_it_was_cut(tmp_path: Path) -> None:
    whole = await a_clip()
    whole = whole[: whole.rindex(b"free") - 4]
    for end in (0, 4, 20, 36, len(whole) // 2, len(whole) - 1):
        with pytest.raises(ValueError, match=r"not a whole clip|not whole|ends inside"):
            check_clip(written(tmp_path, whole[:end]), provider="x", seconds=4)


async def test_a_clip_with_any_damage_is_told_or_passes_but_never_a_riddle(tmp_path: Path) -> None:
    whole, rng = await a_clip(), random.Random(7)
    told = 0
    for _ in range(150):
        damaged = bytearray(whole)
        start = rng.randrange(1500)
        damaged[start : start + rng.randrange(1, 30)] = rng.randbytes(rng.randrange(30))
        try:
            check_clip(written(tmp_path, bytes(damaged)), provider="x", seconds=4)
        except (ValueError, Unusable):
            told += 1
    assert told > 50


@pytest.mark.parametrize(
    "rest",
    [
        struct.pack(">I4s", 1, b"mdat") + b"\0\0\0",  # the 64-bit length is cut off
        struct.pack(">I4s", 24, b"moov") + b"hdlrvide" + b"....mvhd" + struct.pack(">I4s", 8, b"mdat"),
    ],
)
async def test_a_head_that_breaks_off_in_the_middle_of_a_number_is_damaged(tmp_path: Path, rest: bytes) -> None:
    with pytest.raises(ValueError, match="not a whole clip"):
        check_clip(written(tmp_path, struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + rest), provider="x", seconds=4)


async def test_sound_alone_is_no_clip(tmp_path: Path) -> None:
    sound = await a_world().media.speech(2, form="mp3")
    with pytest.raises(ValueError, match="no pictures"):
        check_clip(written(tmp_path, sound), provider="x", seconds=4)


# ---------------------------------------------------------------------- sound


@pytest.mark.parametrize("form", ["mp3_44100_128", "wav_44100", "opus_48000_64"])
async def test_speech_of_any_form_becomes_a_mono_wav_of_its_length(tmp_path: Path, form: str) -> None:
    sound = await a_world().media.speech(2, form=form)
    seconds = await to_wav(written(tmp_path, sound), tmp_path / "out.wav", ffmpeg=FFMPEG, provider="x")
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        assert file.getnframes() / file.getframerate() == pytest.approx(seconds, abs=0.001)
    assert seconds == pytest.approx(2, abs=0.1)


async def test_what_is_no_sound_is_damaged_and_no_length_is_unusable(tmp_path: Path) -> None:
    for content in (b"", b"<html>"):
        with pytest.raises(ValueError, match="not whole sound"):
            await to_wav(written(tmp_path, content), tmp_path / "out.wav", ffmpeg=FFMPEG, provider="x")
    with pytest.raises(ValueError, match="not whole sound"):
        await to_wav(written(tmp_path, await a_clip()), tmp_path / "out.wav", ffmpeg=FFMPEG, provider="x")
    with wave.open(str(tmp_path / "empty.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(b"\0\0" * 10)
    with pytest.raises(Unusable, match="no speech"):
        await to_wav(tmp_path / "empty.wav", tmp_path / "out.wav", ffmpeg=FFMPEG, provider="x")
