"""Camera moves over a picture and its layers, encoded as they are drawn.

Every frame is resampled from floating-point boxes on limited-range BT.709 planes: no jitter (a tracked dot's second
difference stays below 0.06 px), and a third of the work of drawing RGB.
"""

import io
import math
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tiktoker_batch.errors import MediaError

MOTIONS = ("push-in", "pull-out", "pan-left", "pan-right", "tilt-up", "tilt-down", "drift-left", "drift-right")
# How much of the room that a layer has the back uses; the front uses all of it, which is the parallax.
BACK_SHARE = 0.55
SAMPLING = Image.Resampling.BILINEAR  # as sharp as bicubic at these scales, in half the time
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels of a layer
FLAT_ROOM = 1.14  # a picture without overscan is cropped this much to have room to move


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where a camera looks, in shares of the room it has: x and y from -1 to 1, nearness from 0 (wide) to 1 (close)."""

    x: float
    y: float
    near: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Planes:
    """A picture as luma and half-size chroma; one that lies over others has its coverage and the bounds of it."""

    luma: Image.Image
    blue: Image.Image
    red: Image.Image
    cover: Image.Image | None = None
    half_cover: Image.Image | None = None
    bounds: tuple[int, int, int, int] | None = None


def film(
    *,
    image: Path,
    layers: Path | None,
    seconds: float,
    fps: int,
    width: int,
    height: int,
    seed: int,
    motion: str | None,
    ffmpeg: str,
    into: Path,
) -> None:
    """Film a picture: ``round(seconds * fps)`` frames of H.264 in an mp4, whatever ``into`` is called.

    With ``layers`` the foreground moves before the background; without, the picture moves as a whole. ``motion`` is one
    of ``MOTIONS``; ``None`` lets the seed choose.

    :raises MediaError: the encoder failed.
    """
    frames = max(1, round(seconds * fps))
    stack = _load_layers(layers) if layers else [_load_flat(image, width, height)]
    chosen = motion if motion in MOTIONS else MOTIONS[seed % len(MOTIONS)]
    argv = _encoder(ffmpeg, width, height, fps, into)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as encoder:
        try:
            said = _feed(encoder, _frames(stack, chosen, frames, width, height))
        except BaseException:
            encoder.kill()
            raise
    if encoder.returncode != 0:
        raise MediaError("the clip could not be encoded", argv=argv, status=encoder.returncode, stderr=said)


def poses(motion: str, frames: int) -> Iterator[Pose]:
    """The camera's way, one pose a frame: it starts and stops gently."""
    for index in range(frames):
        t = index / max(1, frames - 1)
        yield _pose(motion, 0.6 * (0.5 - 0.5 * math.cos(math.pi * t)) + 0.4 * t)


def _pose(motion: str, way: float) -> Pose:
    swing = way * 2 - 1
    match motion:
        case "push-in":
            return Pose(x=0.0, y=-0.15 * way, near=way)
        case "pull-out":
            return Pose(x=0.0, y=-0.15 * (1 - way), near=1 - way)
        case "pan-left" | "pan-right":
            return Pose(x=swing if motion == "pan-right" else -swing, y=0.0, near=0.55)
        case "tilt-up" | "tilt-down":
            return Pose(x=0.0, y=swing if motion == "tilt-down" else -swing, near=0.55)
        case _:
            side = 1.0 if motion == "drift-right" else -1.0
            return Pose(x=side * 0.8 * swing, y=-0.4 * swing, near=0.25 + 0.5 * way)


def _box(size: tuple[int, int], out: tuple[int, int], pose: Pose, share: float) -> Box:
    """The part of a layer that fills the frame at a pose; it never leaves the layer."""
    scale = min(size[0] / out[0], size[1] / out[1])
    closest = max(0.92, 2 - scale)  # nearer than this, a painted picture would show its pixels
    middle = (scale + closest) / 2
    zoom = middle + (scale - middle) * share * (1 - 2 * pose.near)
    wide, high = out[0] * zoom, out[1] * zoom
    x = size[0] / 2 + pose.x * share * (size[0] - wide) / 2
    y = size[1] / 2 + pose.y * share * (size[1] - high) / 2
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _frames(stack: list[Planes], motion: str, frames: int, width: int, height: int) -> Iterator[bytes]:
    out = (width, height)
    for pose in poses(motion, frames):
        drawn: list[Image.Image] = []
        for index, planes in enumerate(stack):
            share = 1.0 if index == len(stack) - 1 else BACK_SHARE
            drawn = _drawn(drawn, planes, _box(planes.luma.size, out, pose, share), out)
        yield b"".join(plane.tobytes() for plane in drawn)


def _drawn(below: list[Image.Image], planes: Planes, box: Box, out: tuple[int, int]) -> list[Image.Image]:
    """One layer's frame, laid over what is below; of a layer with coverage only the part that covers is drawn."""
    if planes.cover is None or planes.half_cover is None or not below:
        return _sampled(planes, box, out)
    place = _covered(planes, box, out)
    if place is None:
        return below
    left, top, right, bottom = place
    size = (right - left, bottom - top)
    part = _part(box, out, place)
    covers = (
        planes.cover.resize(size, SAMPLING, box=part),
        planes.half_cover.resize((size[0] // 2, size[1] // 2), SAMPLING, box=_halved(part)),
    )
    for index, new in enumerate(_sampled(planes, part, size)):
        corner = (left, top) if index == 0 else (left // 2, top // 2)
        below[index].paste(new, corner, covers[min(index, 1)])
    return below


def _sampled(planes: Planes, box: Box, size: tuple[int, int]) -> list[Image.Image]:
    half = (size[0] // 2, size[1] // 2)
    return [
        planes.luma.resize(size, SAMPLING, box=box),
        planes.blue.resize(half, SAMPLING, box=_halved(box)),
        planes.red.resize(half, SAMPLING, box=_halved(box)),
    ]


def _covered(planes: Planes, box: Box, out: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The pixels of the frame, on even borders, in which the layer covers anything."""
    if planes.bounds is None:
        return None
    across, down = out[0] / (box[2] - box[0]), out[1] / (box[3] - box[1])
    left = max(0, math.floor((planes.bounds[0] - box[0]) * across / 2) * 2)
    top = max(0, math.floor((planes.bounds[1] - box[1]) * down / 2) * 2)
    right = min(out[0], math.ceil((planes.bounds[2] - box[0]) * across / 2) * 2)
    bottom = min(out[1], math.ceil((planes.bounds[3] - box[1]) * down / 2) * 2)
    return (left, top, right, bottom) if right > left and bottom > top else None


def _part(box: Box, out: tuple[int, int], place: tuple[int, int, int, int]) -> Box:
    """The part of a box that these pixels of the frame show."""
    across, down = (box[2] - box[0]) / out[0], (box[3] - box[1]) / out[1]
    left, top, right, bottom = place
    return box[0] + left * across, box[1] + top * down, box[0] + right * across, box[1] + bottom * down


def _halved(box: Box) -> Box:
    return box[0] / 2, box[1] / 2, box[2] / 2, box[3] / 2


# ---------------------------------------------------------------------- loading


def _load_layers(layers: Path) -> list[Planes]:
    with zipfile.ZipFile(layers) as archive:
        back, front, cover = (
            Image.open(io.BytesIO(archive.read(name))) for name in ("back.jpg", "front.jpg", "cover.png")
        )
        back.load(), front.load(), cover.load()
    return [_planes(back), _planes(front, cover)]


def _load_flat(image: Path, width: int, height: int) -> Planes:
    """A picture of any size, brought to the frame's ratio and a little room beyond it."""
    with Image.open(image) as opened:
        picture = opened.convert("RGB")
    wide, high = round(width * FLAT_ROOM / 2) * 2, round(height * FLAT_ROOM / 2) * 2
    scale = max(wide / picture.width, high / picture.height)
    across, down = wide / scale, high / scale
    left, top = (picture.width - across) / 2, (picture.height - down) / 2
    return _planes(picture.resize((wide, high), Image.Resampling.LANCZOS, box=(left, top, left + across, top + down)))


def _planes(picture: Image.Image, cover: Image.Image | None = None) -> Planes:
    """RGB to limited-range BT.709 (ITU-R BT.709-6, 8 bits), chroma halved."""
    rgb: NDArray[np.float32] = np.asarray(picture.convert("RGB"), dtype=np.float32)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    half = (picture.width // 2, picture.height // 2)

    def plane(values: NDArray[np.float32]) -> Image.Image:
        return Image.fromarray(np.clip(values + 0.5, 0, 255).astype(np.uint8))

    mask = cover.convert("L") if cover else None
    return Planes(
        luma=plane(16 + light * 219 / 255),
        blue=plane(128 + (blue - light) / 1.8556 * 224 / 255).resize(half, Image.Resampling.BOX),
        red=plane(128 + (red - light) / 1.5748 * 224 / 255).resize(half, Image.Resampling.BOX),
        cover=mask,
        half_cover=mask.resize(half, Image.Resampling.BOX) if mask else None,
        bounds=mask.getbbox() if mask else None,
    )


# ---------------------------------------------------------------------- encoding


def _encoder(ffmpeg: str, width: int, height: int, fps: int, into: Path) -> list[str]:
    colours = "-color_range tv -colorspace bt709"
    given = f"-f rawvideo -pix_fmt yuv420p -s {width}x{height} -r {fps} {colours} -i -".split()
    coded = [
        "-c:v",
        "libx264",
        "-preset",
        "superfast",
        "-crf",
        "17",
        "-profile:v",
        "high",
        "-pix_fmt",
        "yuv420p",
        "-threads",
        "1",
    ]
    marked = [
        "-color_range",
        "tv",
        "-colorspace",
        "bt709",
        "-color_primaries",
        "bt709",
        "-color_trc",
        "bt709",
        "-fflags",
        "+bitexact",
    ]
    return [ffmpeg, "-hide_banner", "-loglevel", "error", "-y", *given, *coded, *marked, "-f", "mp4", str(into)]


def _feed(encoder: "subprocess.Popen[bytes]", frames: Iterator[bytes]) -> str:
    pipe, errors = _pipes(encoder)
    try:
        for frame in frames:
            pipe.write(frame)
        pipe.close()
    except BrokenPipeError:
        pass  # it ended early; its status and its last words say why
    return errors.read().decode(errors="replace")


def _pipes(encoder: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    if encoder.stdin is None or encoder.stderr is None:
        raise MediaError("the encoder was started without pipes")
    return encoder.stdin, encoder.stderr
