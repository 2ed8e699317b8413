"""Camera moves over a picture and its layers, encoded as they are drawn.

Every frame is resampled from floating-point boxes on limited-range BT.709 planes: no jitter (a tracked dot's second
difference stays below 0.06 px), and half the work of drawing RGB.
"""

import io
import math
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tiktoker_batch.errors import MediaError

MOTIONS = ("push-in", "pull-out", "pan-left", "pan-right", "tilt-up", "tilt-down", "drift-left", "drift-right", "orbit")
# How much of the room that a layer has the back uses; the front uses all of it, which is the parallax.
BACK_SHARE = 0.55
SAMPLING = Image.Resampling.BILINEAR  # as sharp as bicubic at these scales, in half the time
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels of a layer
Plane = NDArray[np.uint8]
Area = tuple[int, int, int, int]  # the same, whole pixels
BANDS = 10  # how many strips a foreground is cut into when looking for what it leaves free
MARGIN = 4  # pixels around what a layer covers
FLAT_ROOM = 1.14  # a picture without overscan is cropped this much to have room to move


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where a camera looks, in shares of the room it has: x and y from -1 to 1, nearness from 0 (wide) to 1 (close)."""

    x: float
    y: float
    near: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Planes:
    """A picture as luma and half-size chroma; one that lies over others has its coverage and the parts it covers.

    ``parts`` are left, top, right, bottom in pixels of the layer: what stands at both sides leaves the middle free.
    """

    luma: Plane
    blue: Plane
    red: Plane
    cover: Plane | None = None
    half_cover: Plane | None = None
    parts: tuple[Area, ...] = ()


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
        case "orbit":  # a quarter of an arc around the subject: aside and nearer, then on and away again
            return Pose(
                x=0.6 * swing, y=-0.12 * math.cos(math.pi * swing / 2), near=0.4 + 0.18 * math.cos(math.pi * swing / 2)
            )
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
            drawn = _drawn(drawn, planes, _box((planes.luma.shape[1], planes.luma.shape[0]), out, pose, share), out)
        yield b"".join(plane.tobytes() for plane in drawn)


def _drawn(below: list[Image.Image], planes: Planes, box: Box, out: tuple[int, int]) -> list[Image.Image]:
    """One layer's frame, laid over what is below; of a layer with coverage only the parts that cover are drawn."""
    if planes.cover is None or planes.half_cover is None or not below:
        return _sampled(planes, box, out)
    for area in planes.parts:
        place = _in_frame(area, box, out)
        if place is None:
            continue
        left, top, right, bottom = place
        size, part = (right - left, bottom - top), _part(box, out, place)
        half = (size[0] // 2, size[1] // 2)
        covers = (_resampled(planes.cover, part, size), _resampled(planes.half_cover, _halved(part), half))
        for index, new in enumerate(_sampled(planes, part, size)):
            corner = (left, top) if index == 0 else (left // 2, top // 2)
            below[index].paste(new, corner, covers[min(index, 1)])
    return below


def _sampled(planes: Planes, box: Box, size: tuple[int, int]) -> list[Image.Image]:
    half = (size[0] // 2, size[1] // 2)
    return [
        _resampled(planes.luma, box, size),
        _resampled(planes.blue, _halved(box), half),
        _resampled(planes.red, _halved(box), half),
    ]


def _resampled(plane: Plane, box: Box, size: tuple[int, int]) -> Image.Image:
    """The box of a plane at this size: rows by numpy, which halves their cost, columns by Pillow."""
    (left, top, right, bottom), high = box, size[1]
    first, last = max(0, math.floor(left) - 2), min(plane.shape[1], math.ceil(right) + 2)
    down = np.clip(top - 0.5 + (np.arange(high) + 0.5) * ((bottom - top) / high), 0, plane.shape[0] - 1)
    upper = np.minimum(down.astype(np.intp), plane.shape[0] - 2)
    part = ((down - upper) * 256).astype(np.uint16)[:, None]
    view = plane[:, first:last]
    rows = view[upper] * (256 - part)  # at most 255 * 256: it fits
    rows += view[upper + 1] * part
    rows += 128
    rows >>= 8
    return Image.fromarray(rows.astype(np.uint8)).resize(size, SAMPLING, box=(left - first, 0, right - first, high))


def _in_frame(area: Area, box: Box, out: tuple[int, int]) -> Area | None:
    """The pixels of the frame, on even borders, that show this area of a layer.

    Two areas that touch share their border's pixels out between them: both round the same number the same way.
    """
    across, down = out[0] / (box[2] - box[0]), out[1] / (box[3] - box[1])
    left = max(0, math.floor((area[0] - box[0]) * across / 2) * 2)
    top = max(0, math.floor((area[1] - box[1]) * down / 2) * 2)
    right = min(out[0], math.floor((area[2] - box[0]) * across / 2) * 2)
    bottom = min(out[1], math.floor((area[3] - box[1]) * down / 2) * 2)
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


# Rows of RGB to limited-range Y, Cb and Cr (ITU-R BT.709-6, 8 bits), each with its offset.
LUMA = (0.2126 * 219 / 255, 0.7152 * 219 / 255, 0.0722 * 219 / 255, 16.0)
BLUE = (-0.2126 / 1.8556 * 224 / 255, -0.7152 / 1.8556 * 224 / 255, 0.9278 / 1.8556 * 224 / 255, 128.0)
RED = (0.7874 / 1.5748 * 224 / 255, -0.7152 / 1.5748 * 224 / 255, -0.0722 / 1.5748 * 224 / 255, 128.0)


def _planes(picture: Image.Image, cover: Image.Image | None = None) -> Planes:
    """A picture as planes, chroma at half the size."""
    half = (picture.width // 2, picture.height // 2)
    whole = picture.convert("RGB")
    small = whole.resize(half, Image.Resampling.BOX)
    mask = cover.convert("L") if cover else None
    return Planes(
        luma=np.asarray(whole.convert("L", LUMA)),
        blue=np.asarray(small.convert("L", BLUE)),
        red=np.asarray(small.convert("L", RED)),
        cover=np.asarray(mask) if mask else None,
        half_cover=np.asarray(mask.resize(half, Image.Resampling.BOX)) if mask else None,
        parts=_parts(np.asarray(mask)) if mask else (),
    )


def _parts(cover: Plane) -> tuple[Area, ...]:
    """The areas a layer covers: strips across it, each without the free middle and sides that it has.

    A margin of a few pixels keeps soft edges, and what a box filter sees of them, inside.
    """
    height, width = cover.shape
    edges = [round(height * band / BANDS) for band in range(BANDS)] + [height + MARGIN]
    found: list[Area] = []
    for top, bottom in pairwise(edges):
        columns = np.flatnonzero(cover[max(0, top - MARGIN) : bottom + MARGIN].max(axis=0))
        if not len(columns):
            continue
        gaps = np.diff(columns)
        widest = int(gaps.argmax()) if len(gaps) else 0
        runs = [columns]
        if len(gaps) and gaps[widest] > width // 6:
            runs = [columns[: widest + 1], columns[widest + 1 :]]
        found += [(int(run[0]) - MARGIN, top, int(run[-1]) + 1 + MARGIN, bottom) for run in runs]
    return tuple(found)


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
