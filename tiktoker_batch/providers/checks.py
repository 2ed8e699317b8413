"""Looking at what was delivered before more money is spent on it; a damaged file is a ``ValueError``."""

import os
import struct
import wave
from pathlib import Path
from typing import Any

from tiktoker_batch.errors import MediaError, Unusable
from tiktoker_batch.media.ffmpeg import run_ffmpeg
from tiktoker_batch.media.mp4 import mp4_seconds

DARKEST = 3.0  # of 255: the brightest level of a picture that a safety filter has blacked out
SMALLEST_SIDE = 64


_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
_GLANCE = (160, 160)  # a JPEG may be decoded at an eighth of its size: enough to see that it is whole, and not black


def check_picture(path: Path, *, provider: str) -> str:
    """Decode a picture; the suffix of its form.

    :raises ValueError: it does not decode.
    :raises Unusable: it is black, tiny, or of a form that video tools do not read.
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  (loaded with the first picture)

    try:
        with Image.open(path) as picture:
            form, size = picture.format or "", picture.size
            picture.draft("RGB", _GLANCE)
            picture.load()
            levels = picture.convert("RGB").getextrema() if picture.mode in {"P", "1"} else picture.getextrema()
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"not a whole picture ({error})") from None
    if form not in _SUFFIXES:
        raise Unusable(f"{provider}: the picture is a {form}, not a JPEG, PNG or WebP", maybe_charged=True)
    if min(size) < SMALLEST_SIDE:
        raise Unusable(f"{provider}: the picture is only {size[0]}x{size[1]}", maybe_charged=True)
    if _brightest(levels) <= DARKEST:
        raise Unusable(f"{provider}: the picture is black, as a safety filter leaves it", maybe_charged=True)
    return _SUFFIXES[form]


def _brightest(levels: Any) -> float:
    """The highest level of any colour; a fourth band is transparency."""
    bands = levels if isinstance(levels[0], tuple) else (levels,)
    return float(max(high for _, high in bands[:3]))


def check_clip(path: Path, *, provider: str, seconds: float) -> None:
    """Look at a clip: it is whole, has pictures, and lasts about as long as was asked for.

    :raises ValueError: it is not whole, or has no picture.
    :raises Unusable: it is much shorter.
    """
    try:
        lasts = mp4_seconds(path)
    except (struct.error, IndexError):
        raise ValueError("not a whole clip (its head is cut off)") from None
    if lasts is None:
        lasts = _opened_seconds(path)
    if seconds and lasts < seconds * 0.5:
        raise Unusable(f"{provider}: the clip lasts {lasts:.1f} s, not {seconds:g}", maybe_charged=True)


def _opened_seconds(path: Path) -> float:
    """The length of a clip of any form, by opening it."""
    import av  # noqa: PLC0415  (17 MB that most batches never need here)
    import av.error  # noqa: PLC0415

    try:
        with av.open(os.fspath(path)) as container:
            if not container.streams.video:
                raise ValueError("there are no pictures in it")
            next(container.demux(container.streams.video[0]))
            return float(container.duration or 0) / 1_000_000
    except (av.error.FFmpegError, StopIteration) as error:
        raise ValueError(f"not a whole clip ({type(error).__name__})") from None


async def to_wav(source: Path, into: Path, *, ffmpeg: str, provider: str) -> float:
    """Decode speech of any form into a 16-bit mono WAV; its length in seconds.

    :raises ValueError: it does not decode.
    :raises Unusable: there is nothing in it.
    """
    form = "-vn -map 0:a:0 -ac 1 -c:a pcm_s16le -map_metadata -1 -fflags +bitexact -f wav"
    try:
        # Absolute, and named as files: what a service delivered must not be taken for an option or an address.
        await run_ffmpeg(ffmpeg, ["-i", f"file:{source.absolute()}", *form.split(), f"file:{into.absolute()}"])
    except MediaError as error:
        said = error.stderr.strip().splitlines() or [error.message]
        raise ValueError(f"not whole sound ({said[-1]})") from None
    with wave.open(os.fspath(into)) as written:
        seconds: float = written.getnframes() / (written.getframerate() or 1)
    if seconds < 0.05:
        raise Unusable(f"{provider}: there is no speech in what was delivered", maybe_charged=True)
    return seconds
