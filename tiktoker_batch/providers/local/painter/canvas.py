"""Layers with soft edges: shapes are drawn at twice the size and brought down."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from tiktoker_batch.providers.local.painter.palette import Rgb, vertical

OVER = 2  # supersampling
Pixels = NDArray[np.floating[Any]]
Mask = NDArray[np.floating[Any]]
Points = Sequence[tuple[float, float]]


@dataclass(slots=True)
class Layer:
    """Colour (height x width x 3, in [0, 1]) and coverage (height x width); ``depth`` runs from 0, far, to 1, near."""

    colour: Pixels
    cover: Mask
    depth: float
    solid: bool = True


def tint(colour: Rgb) -> Pixels:
    """A colour as three numbers that pictures can be multiplied with."""
    return np.array(colour, dtype=np.float32)


def blank(width: int, height: int) -> Image.Image:
    """An empty mask at the size that shapes are drawn in."""
    return Image.new("L", (width * OVER, height * OVER), 0)


def soft(mask: Image.Image) -> Mask:
    """A drawn mask, brought down to pixels in [0, 1]."""
    return np.asarray(mask.reduce(OVER), dtype=np.float32) / 255


class Sheet:
    """A layer drawn shape by shape in colours of their own, at twice the size."""

    def __init__(self, width: int, height: int, ground: Rgb) -> None:
        self.size = (width, height)
        self._colour = Image.new("RGB", (width * OVER, height * OVER), _bytes(ground))
        self._cover = Image.new("L", (width * OVER, height * OVER), 0)
        self._on_colour, self._on_cover = ImageDraw.Draw(self._colour), ImageDraw.Draw(self._cover)

    def polygon(self, points: Points, colour: Rgb) -> None:
        """Fill a polygon given in pixels."""
        scaled = [(x * OVER, y * OVER) for x, y in points]
        self._on_colour.polygon(scaled, fill=_bytes(colour))
        self._on_cover.polygon(scaled, fill=255)

    def line(self, points: Points, thickness: float, colour: Rgb) -> None:
        """A line of even thickness through points given in pixels."""
        scaled = [(x * OVER, y * OVER) for x, y in points]
        self._on_colour.line(scaled, fill=_bytes(colour), width=max(1, round(thickness * OVER)), joint="curve")
        self._on_cover.line(scaled, fill=255, width=max(1, round(thickness * OVER)), joint="curve")

    def oval(self, box: tuple[float, float, float, float], colour: Rgb) -> None:
        """Fill an ellipse given in pixels."""
        left, top, right, bottom = (side * OVER for side in box)
        if right > left and bottom > top:
            self._on_colour.ellipse((left, top, right, bottom), fill=_bytes(colour))
            self._on_cover.ellipse((left, top, right, bottom), fill=255)

    def rectangle(self, left: float, top: float, right: float, bottom: float, colour: Rgb) -> None:
        """Fill an upright rectangle given in pixels."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def layer(self, depth: float, *, solid: bool = True) -> Layer:
        """What has been drawn, brought down to pixels; where nothing was, memory is not even touched."""
        width, height = self.size
        colour, cover = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
        drawn = self._cover.getbbox()
        if drawn:
            left, top, right, bottom = drawn[0] // OVER, drawn[1] // OVER, -(-drawn[2] // OVER), -(-drawn[3] // OVER)
            box = (left * OVER, top * OVER, right * OVER, bottom * OVER)
            where = (slice(top, bottom), slice(left, right))
            colour[where] = np.asarray(self._colour.reduce(OVER, box), dtype=np.float32) / 255
            cover[where] = np.asarray(self._cover.reduce(OVER, box), dtype=np.float32) / 255
        return Layer(colour=colour, cover=cover, depth=depth, solid=solid)


def _bytes(colour: Rgb) -> tuple[int, int, int]:
    red, green, blue = (min(255, max(0, round(part * 255))) for part in colour)
    return red, green, blue


def draw_polygon(mask: Image.Image, points: Points, fill: int = 255) -> None:
    """Fill a polygon given in pixels."""
    ImageDraw.Draw(mask).polygon([(x * OVER, y * OVER) for x, y in points], fill=fill)


def ribbon(points: Points, thickness: float, *, taper: bool = False) -> list[Points]:
    """A line through points as outlines to fill: its body and its round ends; a tapering one ends in a tip."""
    path = np.array(smooth_path(points, closed=False, steps=8) if len(points) > 2 else points)
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    half = thickness / 2 * (np.linspace(1, 0.2, len(path)) if taper else np.ones(len(path)))[:, None]
    aside = np.stack([-along[:, 1], along[:, 0]], axis=1) * half
    body = [*map(tuple, path + aside), *map(tuple, (path - aside)[::-1])]
    turns = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    ends = [
        [(float(x + r * np.cos(turn)), float(y + r * np.sin(turn))) for turn in turns]
        for (x, y), r in ((path[0], float(half[0, 0])), (path[-1], float(half[-1, 0])))
    ]
    return [body, *ends]


def draw_oval(mask: Image.Image, box: tuple[float, float, float, float], fill: int = 255) -> None:
    """Fill an ellipse given in pixels."""
    left, top, right, bottom = (side * OVER for side in box)
    if right > left and bottom > top:
        ImageDraw.Draw(mask).ellipse((left, top, right, bottom), fill=fill)


def draw_line(mask: Image.Image, points: Points, thickness: float, *, taper: bool = False) -> None:
    """A round line through points given in pixels; a tapering one ends in a tip."""
    draw = ImageDraw.Draw(mask)
    path = smooth_path(points, closed=False) if len(points) > 2 else list(points)
    for index, ((x, y), (to_x, to_y)) in enumerate(pairwise(path)):
        share = 1 - 0.75 * index / len(path) if taper else 1.0
        thick = thickness * share * OVER
        draw.line((x * OVER, y * OVER, to_x * OVER, to_y * OVER), fill=255, width=max(1, round(thick)))
        for end_x, end_y in ((x, y), (to_x, to_y)):
            box = (
                end_x * OVER - thick / 2,
                end_y * OVER - thick / 2,
                end_x * OVER + thick / 2,
                end_y * OVER + thick / 2,
            )
            draw.ellipse(box, fill=255)


def smooth_path(points: Points, *, closed: bool, steps: int = 24) -> list[tuple[float, float]]:
    """A Catmull-Rom curve through the points."""
    around = [points[-1], *points, points[0], points[1 % len(points)]] if closed else [points[0], *points, points[-1]]
    path = []
    for p0, p1, p2, p3 in zip(around, around[1:], around[2:], around[3:], strict=False):
        for step in range(steps):
            t = step / steps
            path.append((_catmull(p0[0], p1[0], p2[0], p3[0], t), _catmull(p0[1], p1[1], p2[1], p3[1], t)))
    return path if closed else [*path, points[-1]]


def _catmull(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t)


def tinted(cover: Mask, top: Rgb, bottom: Rgb, depth: float) -> Layer:
    """A layer of this coverage, shaded from top to bottom of what is covered."""
    height, width = cover.shape
    rows = np.flatnonzero(cover.max(axis=1) > 0.01)
    first, last = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, height)
    stops = [0.0, first / height, last / height, 1.0]
    shade = vertical([top, top, bottom, bottom], height, stops)
    colour = np.broadcast_to(shade[:, None, :], (height, width, 3)).copy()
    return Layer(colour=colour, cover=cover, depth=depth)


def covered(layer: Layer) -> tuple[slice, slice]:
    """The rows and columns in which a layer covers anything: most lie over a part of the picture only."""
    rows = np.flatnonzero(layer.cover.max(axis=1) > 0.004)
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    across = slice(int(rows[0]), int(rows[-1]) + 1)
    columns = np.flatnonzero(layer.cover[across].max(axis=0) > 0.004)
    return across, slice(int(columns[0]), int(columns[-1]) + 1)


def part_of(layer: Layer, where: tuple[slice, slice]) -> Layer:
    """A part of a layer, sharing its pixels."""
    return Layer(colour=layer.colour[where], cover=layer.cover[where], depth=layer.depth, solid=layer.solid)


def lay(base: Pixels, layer: Layer) -> None:
    """Lay the layer over a picture, in place."""
    where = covered(layer)
    part, under = part_of(layer, where), base[where]
    laid = part.colour - under
    laid *= part.cover[..., None]
    under += laid


def composed(layers: Sequence[Layer]) -> Pixels:
    """The layers laid over each other, the first at the bottom."""
    picture: Pixels = layers[0].colour.copy()
    for layer in layers[1:]:
        lay(picture, layer)
    return picture


def blurred(field: Mask, radius: float) -> Mask:
    """A field blurred by a Gaussian, computed smaller where that cannot be seen."""
    height, width = field.shape
    factor = 4 if radius >= 8 else 2 if radius >= 3 else 1
    image = Image.fromarray((np.clip(field, 0, 1) * 255).astype(np.uint8))
    small = image.resize((max(1, width // factor), max(1, height // factor)), Image.Resampling.BILINEAR)
    small = small.filter(ImageFilter.GaussianBlur(radius / factor))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32) / 255


def glow_at(width: int, height: int, x: float, y: float, radius: float) -> Mask:
    """Light that fades from a point: 1 in its middle, about 0 at ``radius``."""
    ys = (np.arange(height, dtype=np.float32) - y)[:, None]
    xs = (np.arange(width, dtype=np.float32) - x)[None, :]
    return np.exp(-(xs * xs + ys * ys) / (2 * (radius / 2.4) ** 2))


def luma(picture: Pixels) -> Mask:
    """How bright each pixel is (BT.709)."""
    light: Mask = picture @ tint((0.2126, 0.7152, 0.0722))
    return light
