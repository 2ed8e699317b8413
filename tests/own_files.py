"""Pictures and clips as a user has them."""

import subprocess
from pathlib import Path

from PIL import Image

from tiktoker_batch.media.ffmpeg import find_ffmpeg


def a_picture(path: Path, colour: str = "maroon") -> Path:
    """A small picture of one colour, in the form that its suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (180, 320), colour).save(path)
    return path


def a_clip(path: Path, colour: str = "teal") -> Path:
    """Three seconds of one colour, 160x120."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = f"color={colour}:size=160x120:rate=10:duration=3"
    argv = [find_ffmpeg({}), "-y", "-loglevel", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(argv, check=True, timeout=60)
    return path
