"""Pictures, clips and speech of the size and length that were asked for; cheap to make, each content its own."""

import io
import random
import struct
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio
from PIL import Image, ImageDraw, ImageOps

FPS = 24


@dataclass(kw_only=True)
class Media:
    """``ffmpeg`` is the program to run. ``shrink`` divides every size, where only the traffic matters."""

    ffmpeg: str
    shrink: int = 1
    _made: dict[Any, bytes] = field(default_factory=dict)
    _busy: trio.Lock = field(default_factory=trio.Lock)

    async def picture(self, width: int, height: int, *, seed: int, words: str, form: str, black: bool) -> bytes:
        """A picture: a gradient with the prompt on it, or black as a safety filter leaves it."""
        size = (max(width // self.shrink, 64), max(height // self.shrink, 64))
        return await trio.to_thread.run_sync(lambda: _picture(size, seed, words, form, black=black))

    async def clip(self, width: int, height: int, *, seconds: float, mark: str) -> bytes:
        """An H.264 clip; ``mark`` makes its bytes its own without changing what is seen."""
        size = _even(max(width // self.shrink, 64)), _even(max(height // self.shrink, 64))
        base = await self._once(("clip", *size, seconds), lambda: self._clip(*size, seconds))
        payload = mark.encode()
        return base + struct.pack(">I4s", len(payload) + 8, b"free") + payload

    async def speech(self, seconds: float, *, form: str) -> bytes:
        """Something that rises and falls like speech, as MP3 or in another form by its ElevenLabs name."""
        lasts = round(max(seconds, 0.3), 1)
        return await self._once(("speech", lasts, form), lambda: self._speech(lasts, form))

    async def _once(self, key: Any, make: Callable[[], bytes]) -> bytes:
        async with self._busy:
            if key not in self._made:
                self._made[key] = await trio.to_thread.run_sync(make)
        return self._made[key]

    def _clip(self, width: int, height: int, seconds: float) -> bytes:
        source = f"testsrc2=size={width}x{height}:rate={FPS}:duration={seconds:g}"
        encoding = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "30", "-pix_fmt", "yuv420p"]
        with tempfile.TemporaryDirectory() as folder:
            # Into a file: in a pipe ffmpeg could not go back to write the head, as services deliver it.
            clip = Path(folder) / "clip.mp4"
            self._run(["-f", "lavfi", "-i", source, *encoding, "-movflags", "+faststart"], clip)
            return clip.read_bytes()

    def _speech(self, seconds: float, form: str) -> bytes:
        # A hum of 140 Hz, four syllables a second, a breath every three seconds.
        wave = "0.3*sin(2*PI*140*t)*(0.55+0.45*sin(2*PI*4*t))*gt(mod(t\\,3)\\,0.25)"
        source = f"aevalsrc='{wave}':sample_rate=44100:duration={seconds:g}"
        encodings = {
            "mp3": ["-c:a", "libmp3lame", "-b:a", "64k", "-f", "mp3"],
            "wav": ["-c:a", "pcm_s16le", "-f", "wav"],
            "opus": ["-ar", "48000", "-c:a", "libopus", "-f", "ogg"],
        }
        return self._run(
            ["-f", "lavfi", "-i", source, *encodings.get(form.split("_", maxsplit=1)[0], encodings["mp3"])]
        )

    def _run(self, arguments: list[str], into: Path | None = None) -> bytes:
        """Run ffmpeg; what it wrote to its standard output, unless it wrote to a file."""
        target = str(into) if into else "pipe:1"
        command = [self.ffmpeg, "-hide_banner", "-loglevel", "error", "-nostdin", *arguments, target]
        return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a picture, ``None`` for what is none."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _picture(size: tuple[int, int], seed: int, words: str, form: str, *, black: bool) -> bytes:
    rng = random.Random(seed)
    if black:
        image = Image.new("RGB", size)
    else:
        dark, light = (tuple(rng.randrange(low, low + 90) for _ in range(3)) for low in (20, 140))
        gradient = Image.linear_gradient("L").rotate(rng.choice((0, 90, 180, 270))).resize(size)
        image = ImageOps.colorize(gradient, dark, light)
        pen = ImageDraw.Draw(image)
        width = max(size[0] // 7, 8)
        lines = [words[start : start + width] for start in range(0, min(len(words), 8 * width), width)]
        pen.multiline_text((size[0] // 20, size[1] // 20), "\n".join([f"#{seed}", *lines]), fill="white")
    out = io.BytesIO()
    image.save(out, format={"png": "PNG", "webp": "WEBP"}.get(form, "JPEG"))
    return out.getvalue()


def _even(value: int) -> int:
    return value - value % 2
