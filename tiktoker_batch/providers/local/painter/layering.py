"""Treatments of single layers, before they are laid over each other: what belongs to the things in a picture."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    blank,
    blurred,
    draw_oval,
    draw_polygon,
    luma,
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
        rise = np.linspace(0.15, 1.0, stage.height, dtype=np.float32)[:, None, None] * (0.55 * (1 - layer.depth))
        layer.colour = layer.colour * (1 - rise) + air * rise
    return layer


def shade(layer: Layer, stage: Stage) -> Layer:
    """Light from the side it comes from, shadow on the other."""
    if layer.depth > 0:
        x = (np.arange(stage.width, dtype=np.float32) - stage.light[0]) / stage.width
        layer.colour = layer.colour * (1.12 - 0.38 * np.abs(x))[None, :, None]
    return layer


def flatten(layer: Layer, stage: Stage) -> Layer:
    """One colour a layer."""
    if layer.depth > 0 and layer.solid:
        weight = layer.cover[..., None]
        colour = (layer.colour * weight).sum((0, 1)) / max(1.0, float(weight.sum()))
        layer.colour = layer.colour * 0.25 + colour.astype(np.float32) * 0.75
    return layer


def posterise(layer: Layer, stage: Stage) -> Layer:
    """A few tones, as inks have."""
    if not layer.solid:
        return layer
    light = luma(layer.colour)
    steps = np.round(light * 6) / 6
    layer.colour = np.clip(layer.colour * ((steps + 0.06) / (light + 0.06))[..., None], 0, 1)
    return layer


def _outlined(layer: Layer, stage: Stage, radius: int) -> Layer:
    if layer.depth <= 0 or not layer.solid:
        return layer
    # Half covered by its blur where the edge is, fully a radius inside: what lacks is the line.
    edge = np.clip(layer.cover * (1 - blurred(layer.cover, radius)) * 2.6 - 0.35, 0, 1)[..., None] * 0.9
    layer.colour = layer.colour * (1 - edge) + tint(stage.palette.ink) * edge
    return layer


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
    shift = 3 if stage.light[0] > stage.width / 2 else -3
    edge = np.clip(layer.cover - np.roll(layer.cover, (3, -shift), (0, 1)), 0, 1)
    lit = np.clip(blurred(edge, 1.2) * 1.3, 0, 1)[..., None] * 0.8
    layer.colour = layer.colour * (1 - lit) + tint(stage.palette.accent) * lit
    return layer


def brush(layer: Layer, stage: Stage) -> Layer:
    """Strokes: colour dragged along a slowly turning field, coarser in the distance."""
    height, width = layer.cover.shape
    angle = smooth(stage.rng, width // 2, height // 2, 60) * 3.1
    field = stage.rng.random((height // 2, width // 2), dtype=np.float32)
    strokes = np.zeros_like(field)
    ys, xs = np.mgrid[0 : height // 2, 0 : width // 2]
    for step in range(-5, 6):
        at_y = np.clip((ys + np.sin(angle) * step).astype(np.int32), 0, height // 2 - 1)
        at_x = np.clip((xs + np.cos(angle) * step).astype(np.int32), 0, width // 2 - 1)
        strokes += field[at_y, at_x]
    strokes = (strokes - strokes.mean()) / (strokes.std() + 1e-6)
    full = np.asarray(Image.fromarray(strokes.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC))
    layer.colour = np.clip(layer.colour * (1 + 0.085 * full)[..., None], 0, 1).astype(np.float32)
    return layer


def wash(layer: Layer, stage: Stage) -> Layer:
    """Watercolour: uneven pigment, darker where a wash dried at its edge, ragged borders."""
    height, width = layer.cover.shape
    pigment = clouds(stage.rng, width, height, 150, 5)
    if layer.depth > 0 and layer.solid:
        ragged = np.clip(
            layer.cover * 1.0 + (clouds(stage.rng, width, height, 26, 3) - 0.5) * 0.5 * (layer.cover < 0.999), 0, 1
        )
        spread = blurred(ragged, 3)
        layer.cover = np.clip((spread - 0.28) * 2.2, 0, 1) * (0.80 + 0.16 * pigment)
        dried = np.clip(layer.cover - blurred(layer.cover, 5), 0, 1)[..., None]
        layer.colour = layer.colour * (1 - dried * 0.8)
    white = tint(WHITE)
    thin = (pigment * 0.36)[..., None]
    layer.colour = np.clip(layer.colour * (1 - thin) + white * thin, 0, 1).astype(np.float32)
    return layer


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
