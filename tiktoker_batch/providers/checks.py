"""Looking at what was delivered before more money is spent on it; a damaged file is a ``ValueError``."""

import os
from pathlib import Path

import av
import av.error
from PIL import Image, ImageStat, UnidentifiedImageError

from tiktoker_batch.errors import Unusable

DARKEST = 3.0  # of 255: the brightest level of a picture that a safety filter has blacked out
SMALLEST_SIDE = 64


def check_picture(path: Path, *, provider: str) -> None:
    """Decode a picture, and keep it as PNG whatever it came as.

    :raises ValueError: it does not decode.
    :raises Unusable: it is black or tiny.
    """
    try:
        with Image.open(path) as opened:
            opened.load()
            form, picture = (
                opened.format,
                opened.convert("RGB") if opened.mode not in {"RGB", "RGBA"} else opened.copy(),
            )
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"not a whole picture ({error})") from None
    if min(picture.size) < SMALLEST_SIDE:
        raise Unusable(f"{provider}: the picture is only {picture.width}x{picture.height}", maybe_charged=True)
    if max(high for _, high in ImageStat.Stat(picture).extrema) <= DARKEST:
        raise Unusable(f"{provider}: the picture is black, as a safety filter leaves it", maybe_charged=True)
    if form != "PNG":
        part = path.with_name(f"{path.name}.png.part")
        picture.save(part, format="PNG", compress_level=1)
        part.replace(path)


def check_clip(path: Path, *, provider: str, seconds: float) -> None:
    """Open a clip: it has pictures, and lasts about as long as was asked for.

    :raises ValueError: it does not open, or has no picture.
    :raises Unusable: it is much shorter.
    """
    try:
        with av.open(os.fspath(path)) as container:
            stream = container.streams.video[0] if container.streams.video else None
            if stream is None:
                raise ValueError("there are no pictures in it")
            next(container.decode(stream))
            lasts = float(container.duration or 0) / 1_000_000
    except (av.error.FFmpegError, StopIteration) as error:
        raise ValueError(f"not a whole clip ({type(error).__name__})") from None
    if seconds and lasts < seconds * 0.5:
        raise Unusable(f"{provider}: the clip lasts {lasts:.1f} s, not {seconds:g}", maybe_charged=True)


def to_wav(source: Path, into: Path, *, provider: str) -> float:
    """Decode speech of any form into a 16-bit mono WAV; its length in seconds.

    :raises ValueError: it does not decode.
    :raises Unusable: there is nothing in it.
    """
    try:
        with av.open(os.fspath(source)) as container, av.open(os.fspath(into), "w", format="wav") as target:
            if not container.streams.audio:
                raise ValueError("there is no sound in it")
            heard = container.streams.audio[0]
            written = target.add_stream("pcm_s16le", rate=heard.rate, layout="mono")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=heard.rate)
            samples = 0
            for frame in container.decode(heard):
                for piece in resampler.resample(frame):
                    samples += piece.samples
                    target.mux(written.encode(piece))
            for piece in resampler.resample(None):
                samples += piece.samples
                target.mux(written.encode(piece))
            target.mux(written.encode(None))
    except av.error.FFmpegError as error:
        raise ValueError(f"not whole sound ({type(error).__name__})") from None
    seconds = samples / (heard.rate or 1)
    if seconds < 0.05:
        raise Unusable(f"{provider}: there is no speech in what was delivered", maybe_charged=True)
    return seconds
