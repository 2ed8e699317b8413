"""Treatments of single layers, before they are laid over each other: what belongs to the things in a picture."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    blank,
    blurred,
    covered,
    draw_oval,
    draw_polygon,
    luma,
    part_of,
    soft,
    tint,
)
from tiktoker_batch.providers.local.painter.noise import clouds, smooth
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage

LayerTreatment = Callable[[Layer, Stage], Layer]


def haze(layer: Layer, stage: Stage) -> Layer:
    """Air: what is far takes the colour of the horizon."""
    if 0 < layer.depth < 0.9 and layer.solid:
        air = tint(stage.palette.horizon)
        rise = np.linspace(0.15, 1.0, stage.height, dtype=np.float32)[:, None, None] * (0.42 * (1 - layer.depth))
        where = covered(layer)
        part = layer.colour[where]
        part += (air - part) * rise[where[0]]
    return layer


def shade(layer: Layer, stage: Stage) -> Layer:
    """Light from the side it comes from, shadow on the other."""
    if layer.depth > 0:
        x = (np.arange(stage.width, dtype=np.float32) - stage.light[0]) / stage.width
        where = covered(layer)
        layer.colour[where] *= (1.12 - 0.38 * np.abs(x))[None, where[1], None]
    return layer


def flatten(layer: Layer, stage: Stage) -> Layer:
    """One colour a layer."""
    if layer.depth > 0 and layer.solid:
        part = part_of(layer, covered(layer))
        weight = part.cover[::3, ::3, None]
        colour = (part.colour[::3, ::3] * weight).sum((0, 1)) / max(1.0, float(weight.sum()))
        part.colour += (colour.astype(np.float32) - part.colour) * np.float32(0.7)
    return layer


def posterise(layer: Layer, stage: Stage) -> Layer:
    """A few tones, as inks have."""
    if not layer.solid:
        return layer
    whole, layer = layer, part_of(layer, covered(layer))
    # Steps of the form, not of its grain: inks do not know noise.
    light = blurred(luma(layer.colour), stage.unit * 0.012)
    lower = np.floor(light * 7)
    steps = (lower + np.clip((light * 7 - lower - 0.5) * 3 + 0.5, 0, 1)) / 7
    layer.colour *= ((steps + 0.06) / (light + 0.06))[..., None]
    np.clip(layer.colour, 0, 1, out=layer.colour)
    return whole


def _outlined(layer: Layer, stage: Stage, radius: int) -> Layer:
    if layer.depth <= 0 or not layer.solid:
        return layer
    whole, layer = layer, part_of(layer, covered(layer))
    # Half covered by its blur where the edge is, fully a radius inside: what lacks is the line.
    edge = np.clip(layer.cover * (1 - blurred(layer.cover, radius)) * 2.6 - 0.35, 0, 1)[..., None] * 0.9
    layer.colour += (tint(stage.palette.ink) - layer.colour) * edge
    return whole


def outline(layer: Layer, stage: Stage) -> Layer:
    """A fine ink line around what stands out."""
    return _outlined(layer, stage, 2)


def outline_bold(layer: Layer, stage: Stage) -> Layer:
    """A thick ink line."""
    return _outlined(layer, stage, 4)


def rim(layer: Layer, stage: Stage) -> Layer:
    """An edge lit from behind in the accent's colour."""
    if layer.depth <= 0.1 or not layer.solid:
        return layer
    whole, layer = layer, part_of(layer, covered(layer))
    shift = 3 if stage.light[0] > stage.width / 2 else -3
    edge = np.clip(layer.cover - np.roll(layer.cover, (3, -shift), (0, 1)), 0, 1)
    lit = np.clip(blurred(edge, 1.2) * 1.3, 0, 1)[..., None] * 0.8
    layer.colour += (tint(stage.palette.accent) - layer.colour) * lit
    return whole


def brush(layer: Layer, stage: Stage) -> Layer:
    """Strokes: colour dragged along a slowly turning field, coarser in the distance."""
    whole, layer = layer, part_of(layer, covered(layer))
    height, width = layer.cover.shape
    if min(height, width) < 4:
        return whole
    angle = smooth(stage.rng, width // 2, height // 2, 60) * 3.1
    field = stage.rng.random((height // 2, width // 2), dtype=np.float32)
    strokes = np.zeros_like(field)
    ys, xs = np.mgrid[0 : height // 2, 0 : width // 2].astype(np.int32)
    down, across = np.sin(angle), np.cos(angle)
    for step in (-5, -3.5, -2, -1, 0, 1, 2, 3.5, 5):
        at_y = np.clip(ys + (down * step).astype(np.int32), 0, height // 2 - 1)
        at_x = np.clip(xs + (across * step).astype(np.int32), 0, width // 2 - 1)
        strokes += field.ravel()[at_y * (width // 2) + at_x]
    strokes = (strokes - strokes.mean()) / (strokes.std() + 1e-6)
    full = np.asarray(Image.fromarray(strokes.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC))
    layer.colour *= (1 + 0.085 * full)[..., None]
    np.clip(layer.colour, 0, 1, out=layer.colour)
    return whole


def wash(layer: Layer, stage: Stage) -> Layer:
    """Watercolour: pigment that pooled, darker where a wash dried at its edge, wavering borders."""
    whole, layer = layer, part_of(layer, covered(layer))
    height, width = layer.cover.shape
    if min(height, width) < 4:
        return whole
    pools = clouds(stage.rng, width, height, stage.unit * 0.22, 4)
    if layer.depth > 0 and layer.solid:
        waver = (clouds(stage.rng, width, height, stage.unit * 0.03, 2) - 0.5) * 0.9
        spread = blurred(layer.cover, stage.unit * 0.004)
        ragged = np.clip((spread - 0.5 + waver * (spread < 0.98) * (spread > 0.02)) * 3 + 0.5, 0, 1)
        dried = np.clip(ragged - blurred(ragged, stage.unit * 0.008), 0, 1)[..., None]
        layer.colour *= 1 - dried * 0.75
        layer.cover[...] = ragged * (0.86 + 0.10 * pools)
    thin = (np.clip(pools - 0.35, 0, 1) * 0.42)[..., None]
    layer.colour += (tint(WHITE) - layer.colour) * thin
    return whole


def stripes(layer: Layer, stage: Stage) -> Layer:
    """The striped sun of the eighties, low in the sky."""
    if layer.depth > 0:
        return layer
    radius, x, y = stage.width * 0.27, stage.width * 0.5, stage.row(0.36)
    sun, gaps = blank(stage.width, stage.height), blank(stage.width, stage.height)
    draw_oval(sun, (x - radius, y - radius, x + radius, y + radius))
    for index in range(7):
        top = y + radius * (0.02 + 0.14 * index)
        draw_polygon(gaps, [(0, top), (stage.width, top), (stage.width, top + 3 + index * 2), (0, top + 3 + index * 2)])
    cover = np.clip(soft(sun) - soft(gaps), 0, 1)[..., None] * 0.92
    down = np.clip((np.arange(stage.height, dtype=np.float32) - (y - radius)) / (2 * radius), 0, 1)[:, None, None]
    tone = tint(stage.palette.accent) * (1 - down) + tint(stage.palette.horizon) * down
    layer.colour = layer.colour * (1 - cover) + tone * cover
    return layer


LAYERS: dict[str, LayerTreatment] = {
    "haze": haze, "shade": shade, "flatten": flatten, "posterise": posterise, "outline": outline,
    "outline_bold": outline_bold, "rim": rim, "brush": brush, "wash": wash, "stripes": stripes,
}  # fmt: skip
