"""What every scene is built from: the stage, the sky over it and the hills on it."""

from dataclasses import dataclass

import numpy as np

from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    Mask,
    Pixels,
    blank,
    blurred,
    draw_oval,
    draw_polygon,
    glow_at,
    soft,
    tint,
    tinted,
)
from tiktoker_batch.providers.local.painter.noise import Field, clouds, ridge, smooth
from tiktoker_batch.providers.local.painter.palette import Palette, Rgb, mix, vertical

WHITE: Rgb = (1.0, 0.99, 0.95)


@dataclass(slots=True)
class Stage:
    """What a scene is built from: ``light`` is where it comes from (x, y in pixels), ``night`` how dark (0 to 1).

    ``side`` is where the figure stands, left (-1) or right (1) of the middle; ``shine`` how much the ground mirrors.
    """

    width: int
    height: int
    rng: np.random.Generator
    palette: Palette
    night: float
    light: tuple[float, float]
    horizon: float = 0.6  # share of the height
    ground: float = 0.84  # where a subject stands
    lit: bool = False  # whether sun or moon is seen
    side: int = 1
    shine: float = 0.0
    disc: bool = True  # whether the sky has its sun or moon
    stormy: bool = False
    outdoors: bool = True  # whether it can rain
    indoors: bool = False
    on_table: bool = False  # whether the figure is of the kind that lies on tables

    @property
    def unit(self) -> float:
        """The length that things are measured in: the width, or what a tall picture of this height would have."""
        return min(self.width, 0.62 * self.height)

    def row(self, share: float) -> float:
        """A height in pixels."""
        return share * self.height


def sky(stage: Stage, *, cloudy: float = 0.5) -> Layer:
    """Gradient, clouds, stars at night, and a sun or moon with its glow."""
    p, (width, height) = stage.palette, (stage.width, stage.height)
    shade = vertical([p.top, p.middle, p.horizon, p.horizon], height, [0, stage.horizon * 0.55, stage.horizon, 1])
    colour: Pixels = np.broadcast_to(shade[:, None, :], (height, width, 3)).copy()
    if stage.night > 0.4 and not stage.stormy:
        colour += stars(stage)[..., None] * tint(mix(WHITE, p.accent, 0.2))
    x, y = stage.light
    halo = glow_at(width, height, x, y, stage.unit * float(stage.rng.uniform(0.7, 1.1)))
    colour += halo[..., None] * (tint(mix(p.horizon, WHITE, 0.3)) * 0.42)
    if stage.disc:
        _disc(stage, colour)
    _clouds(stage, colour, min(1.0, cloudy + 0.45 * stage.stormy))
    return Layer(colour=np.clip(colour, 0, 1), cover=np.ones((height, width), np.float32), depth=0.0)


def _disc(stage: Stage, colour: Pixels) -> None:
    """The sun, or by night the moon with its seas, full or as a crescent."""
    stage.lit = True
    p, (x, y) = stage.palette, stage.light
    radius = stage.unit * float(stage.rng.uniform(0.055, 0.125))
    mask = blank(stage.width, stage.height)
    draw_oval(mask, (x - radius, y - radius, x + radius, y + radius))
    cover = soft(mask)
    if stage.night > 0.4:
        seas = clouds(stage.rng, stage.width, stage.height, radius * 1.1, 3)
        face = tint(mix(WHITE, p.horizon, 0.18)) * (0.80 + 0.22 * seas[..., None])
        if stage.rng.random() < 0.4:
            away = radius * float(stage.rng.uniform(0.5, 0.8))
            dark = blank(stage.width, stage.height)
            draw_oval(dark, (x - radius + away, y - radius - away * 0.4, x + radius + away, y + radius - away * 0.4))
            cover = cover * (1 - soft(dark))
    else:
        # Where the sky is one flat tone, the sun is a disc of the accent.
        flat = max(abs(one - other) for one, other in zip(p.top, p.middle, strict=True)) < 0.02
        face = np.broadcast_to(tint(mix(WHITE, p.accent, 0.85 if flat else 0.25)), colour.shape)
    colour += (face - colour) * cover[..., None]


def _clouds(stage: Stage, colour: Pixels, cloudy: float) -> None:
    """Wisps or banks: lit on top, shaded below, thinner towards the horizon."""
    p, (width, height) = stage.palette, (stage.width, stage.height)
    stretch = float(stage.rng.choice([1.5, 2.4, 3.6]))
    field = clouds(stage.rng, width, height, stage.unit * float(stage.rng.uniform(0.34, 0.6)), 5, stretch=stretch)
    thin = np.linspace(1, 0.25, height, dtype=np.float32)[:, None]
    body = np.clip((field - (1 - cloudy * 0.72)) * 3.4, 0, 1) * thin
    up = np.clip((field - np.roll(field, 14, 0)) * 4 + 0.5, 0, 1)
    lit = tint(mix(p.horizon, WHITE, 0.45 * (1 - stage.night)))
    dark = tint(mix(mix(p.top, p.middle, 0.6), p.ink, 0.55 if stage.stormy else 0.12))
    tone = dark + (lit - dark) * (up * (0.25 if stage.stormy else 0.8) + (0.0 if stage.stormy else 0.2))[..., None]
    colour += (tone - colour) * (body * (0.88 if stage.stormy else 0.62))[..., None]


def stars(stage: Stage) -> Mask:
    field = np.zeros((stage.height, stage.width), np.float32)
    count = int(420 * stage.night)
    ys = (stage.rng.random(count) ** 1.3 * stage.row(stage.horizon)).astype(int)
    xs = stage.rng.integers(0, stage.width, count)
    field[ys, xs] = stage.rng.uniform(0.35, 1.0, count)
    bright = blurred(field, 1.2) * 5
    result: Mask = np.clip(np.maximum(field * 0.8, bright), 0, 1) * 0.9
    return result


def _below(stage: Stage, line: Field) -> Mask:
    mask = blank(stage.width, stage.height)
    points = [(float(x), float(y)) for x, y in zip(np.linspace(0, stage.width, len(line)), line, strict=True)]
    draw_polygon(mask, [*points, (stage.width, stage.height), (0, stage.height)])
    return soft(mask)


def hills(
    stage: Stage, top: float, rise: float, roughness: float, waves: float, share: float, depth: float,
    *, facets: float = 0.0, snow: float = 0.0,
) -> Layer:  # fmt: skip
    """A range whose peaks reach ``rise`` above ``top``; ``share`` of the near colour, the rest is haze.

    ``facets`` lights its slopes from the side of the sun; ``snow`` is how far down it lies, as a share of the rise.
    """
    line = stage.row(top) - ridge(stage.rng, stage.width // 2, roughness, waves) * stage.row(rise)
    p = stage.palette
    body = mix(p.far, p.near, share)
    layer = tinted(
        _below(stage, line), mix(body, p.horizon, 0.22 * (1 - share)), mix(body, p.horizon, 0.5 * (1 - share)), depth
    )
    grain = clouds(stage.rng, stage.width, stage.height, stage.unit * 0.13, 4)
    layer.colour *= (0.88 + 0.24 * grain)[..., None]
    if facets or snow:
        _slopes(stage, layer, line, stage.row(rise), grain, facets, snow)
    return layer


def _slopes(stage: Stage, layer: Layer, line: Field, rise: float, grain: Field, facets: float, snow: float) -> None:
    """Light on the slopes that face it, carried down the mountain along a wavering line, and snow on the heights."""
    full = np.interp(np.arange(stage.width), np.linspace(0, stage.width, len(line)), line).astype(np.float32)
    first = max(0, int(full.min()))
    rows = slice(first, min(stage.height, int(full.max() + rise * 1.2)))
    below = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - full[None, :]
    reach = max(8, stage.width // 14)
    wide = np.pad(full, 2 * reach, mode="edge")
    gentle = np.convolve(np.gradient(wide), np.hanning(reach) / np.hanning(reach).sum(), mode="same")
    slope = gentle[2 * reach : 2 * reach + stage.width]
    bends = smooth(stage.rng, stage.width, rows.stop - rows.start, stage.unit * 0.05) - 0.5
    wander = np.arange(stage.width)[None, :] + bends * (stage.unit * 0.07) + below * 0.22
    faced = slope[np.clip(wander, 0, stage.width - 1).astype(np.int32)]
    side = 1.0 if stage.light[0] > stage.width / 2 else -1.0
    light = np.tanh(faced * side * 3.2) * np.clip(1 - below / (rise * 1.1), 0, 1)
    part = layer.colour[rows]
    part *= (1 + facets * light)[..., None]
    if snow:
        depth = rise * snow * (0.6 + 0.4 * grain[rows]) - below - (full[None, :] - full.min()) * 0.75
        white = np.clip(depth / 3, 0, 1)[..., None] * 0.82
        shade = tint(mix(WHITE, stage.palette.middle, 0.3))
        part += (np.clip(shade * (1 + 0.35 * light)[..., None], 0, 1) - part) * white
