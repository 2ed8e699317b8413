"""A figure's shapes as a layer: shaded towards the light, edged by it, glowing where they glow."""

import math
from dataclasses import dataclass

import numpy as np

from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    Mask,
    Pixels,
    Points,
    Sheet,
    blank,
    blurred,
    draw_polygon,
    glow_at,
    ribbon,
    smooth_path,
    soft,
    tint,
)  # fmt: skip
from tiktoker_batch.providers.local.painter.figures import Shape, extent, shapes
from tiktoker_batch.providers.local.painter.palette import Palette, Rgb, mix
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where a figure is: its left and top edge and its width in pixels, and whether it looks the other way."""

    left: float
    top: float
    width: float
    mirrored: bool = False

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point of the figure in pixels."""
        across = 100 - x if self.mirrored else x
        return self.left + across / 100 * self.width, self.top + y / 100 * self.width


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of the canvas, in pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def where(self) -> tuple[slice, slice]:
        """The rows and columns it takes of a full picture."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def cut_around(stage: Stage, name: str, pose: Pose) -> Cut:
    """The part of the canvas that holds a figure with its glow."""
    room = pose.width * (1.9 if any(shape.form == "beam" for shape in shapes(name)) else 0.22)
    left, top = max(0, int(pose.left - room)), max(0, int(pose.top - room))
    right = min(stage.width, int(pose.left + pose.width + room))
    bottom = min(stage.height, int(pose.top + pose.width * extent(name) + room))
    return Cut(left, top, max(2, right - left), max(2, bottom - top))


def draw_figure(stage: Stage, name: str, pose: Pose, body: Rgb, depth: float) -> Layer:
    """The figure on an otherwise empty layer; ``body`` is its colour before light falls on it."""
    cut = cut_around(stage, name, pose)
    inner = Pose(left=pose.left - cut.left, top=pose.top - cut.top, width=pose.width, mirrored=pose.mirrored)
    sheet, shine = Sheet(cut.width, cut.height, body), blank(cut.width, cut.height)
    light = np.zeros((cut.height, cut.width), np.float32)
    for shape in shapes(name):
        outlines = _outlines(shape, inner)
        if shape.form in {"beam", "steam"}:
            light = np.maximum(light, _soft_light(shape, inner, (cut.width, cut.height)))
            continue
        for outline in outlines:
            sheet.polygon(outline, _toned(stage.palette, body, shape.tone))
            draw_polygon(shine, outline, 255 if shape.tone is None else 0)
    small = sheet.layer(depth)
    _light_up(stage, small, soft(shine), light, inner, extent(name))
    colour = np.zeros((stage.height, stage.width, 3), np.float32)
    cover = np.zeros((stage.height, stage.width), np.float32)
    colour[cut.where], cover[cut.where] = small.colour, small.cover
    return Layer(colour=colour, cover=cover, depth=depth)


def _outlines(shape: Shape, pose: Pose) -> list[Points]:
    points = [pose.at(x, y) for x, y in shape.points]
    match shape.form:
        case "poly":
            return [points]
        case "curve":
            return [smooth_path(points, closed=True, steps=10)]
        case "oval":
            (x, y), (wide, tall) = points[0], shape.points[1]
            wide, tall = wide / 100 * pose.width, tall / 100 * pose.width
            turns = [index * math.tau / 40 for index in range(40)]
            return [[(x + wide * math.cos(turn), y + tall * math.sin(turn)) for turn in turns]]
        case "line":
            return ribbon(points, shape.width / 100 * pose.width, taper=len(points) > 3)
        case _:
            return []


def _toned(palette: Palette, body: Rgb, tone: float | None) -> Rgb:
    if tone is None:
        return mix(palette.accent, WHITE, 0.25)
    return mix(body, palette.ink, -tone) if tone < 0 else mix(body, mix(palette.horizon, WHITE, 0.25), tone * 0.85)


def _soft_light(shape: Shape, pose: Pose, size: tuple[int, int]) -> Mask:
    width, height = size
    mask = blank(width, height)
    x, y = pose.at(*shape.points[0])
    if shape.form == "beam":
        draw_polygon(mask, [pose.at(*point) for point in shape.points])
        far = max(abs(pose.at(*point)[0] - x) + abs(pose.at(*point)[1] - y) for point in shape.points)
        return blurred(soft(mask), pose.width * 0.03) * glow_at(width, height, x, y, far * 1.7) * 0.62
    reach, sway = pose.width * 0.42, pose.width * 0.06
    rise = [(x + sway * math.sin(step * 1.9), y - reach * step / 5) for step in range(6)]
    for outline in ribbon(rise, shape.width / 100 * pose.width * 2.2, taper=True):
        draw_polygon(mask, outline)
    return blurred(soft(mask), pose.width * 0.022) * 0.62


def _light_up(stage: Stage, layer: Layer, shine: Mask, light: Mask, pose: Pose, tall: float) -> None:
    """Lit from its side and from above, with a bright edge there; what glows shines beyond its own edge."""
    height, width = layer.cover.shape
    side = 1.0 if stage.light[0] > stage.width / 2 else -1.0
    across = (np.arange(width, dtype=np.float32) - pose.left) / pose.width - 0.5
    down = (np.arange(height, dtype=np.float32) - pose.top) / (pose.width * tall)
    lit = (1.02 + 0.34 * side * np.clip(across, -0.6, 0.6))[None, :] * (1.10 - 0.24 * np.clip(down, 0, 1))[:, None]
    layer.colour *= (lit * (1 - shine) + shine)[..., None]
    step = max(2, round(pose.width * 0.012))
    edge = np.clip(layer.cover - np.roll(layer.cover, (step, -round(side) * step), (0, 1)), 0, 1) * (1 - shine)
    edge = np.clip(blurred(edge, step * 0.6) * 1.2, 0, 1)[..., None] * 0.62
    layer.colour += (tint(mix(stage.palette.horizon, WHITE, 0.45)) - layer.colour) * edge
    halo = blurred(shine, pose.width * 0.05) * 0.75
    soft_cover = np.maximum(halo * (1 - layer.cover), light * (1 - layer.cover))
    spread: Pixels = np.clip(halo[..., None] + (1 - layer.cover[..., None]), 0, 1)
    layer.colour += (tint(mix(stage.palette.accent, WHITE, 0.45)) - layer.colour) * (spread * (1 - shine[..., None]))
    layer.cover = np.clip(layer.cover + soft_cover, 0, 1)
    np.clip(layer.colour, 0, 1, out=layer.colour)
