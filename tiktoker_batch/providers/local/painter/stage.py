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
from tiktoker_batch.providers.local.painter.noise import Field, clouds, ridge
from tiktoker_batch.providers.local.painter.palette import Palette, Rgb, mix, vertical

WHITE: Rgb = (1.0, 0.99, 0.95)


@dataclass(slots=True)
class Stage:
    """What a scene is built from: ``light`` is where it comes from (x, y in pixels), ``night`` how dark (0 to 1)."""

    width: int
    height: int
    rng: np.random.Generator
    palette: Palette
    night: float
    light: tuple[float, float]
    horizon: float = 0.6  # share of the height
    ground: float = 0.84  # where a subject stands
    lit: bool = False  # whether sun or moon is seen

    def row(self, share: float) -> float:
        """A height in pixels."""
        return share * self.height


def sky(stage: Stage, *, cloudy: float = 0.5, disc: bool = True) -> Layer:
    """Gradient, clouds, stars at night, and a sun or moon with its glow."""
    p, (width, height) = stage.palette, (stage.width, stage.height)
    shade = vertical([p.top, p.middle, p.horizon, p.horizon], height, [0, stage.horizon * 0.55, stage.horizon, 1])
    colour: Pixels = np.broadcast_to(shade[:, None, :], (height, width, 3)).copy()
    if stage.night > 0.4:
        colour += stars(stage)[..., None] * tint(mix(WHITE, p.accent, 0.2))
    x, y = stage.light
    halo = glow_at(width, height, x, y, width * 0.75)
    colour += halo[..., None] * tint(mix(p.horizon, WHITE, 0.3)) * 0.42
    if cloudy:
        field = clouds(stage.rng, width, height, width * 0.45, stretch=2.2)
        body = np.clip((field - (1 - cloudy * 0.75)) * 3.2, 0, 1) * np.linspace(1, 0.35, height)[:, None]
        tone = tint(mix(p.horizon, WHITE, 0.35 * (1 - stage.night)))
        colour = colour * (1 - body[..., None] * 0.55) + tone * (body[..., None] * 0.55)
    if disc:
        stage.lit = True
        radius = width * float(stage.rng.uniform(0.07, 0.12))
        mask = blank(width, height)
        draw_oval(mask, (x - radius, y - radius, x + radius, y + radius))
        cover = soft(mask)[..., None]
        face = tint(mix(WHITE, p.horizon if stage.night > 0.4 else p.accent, 0.25))
        colour = colour * (1 - cover) + face * cover
    return Layer(colour=np.clip(colour, 0, 1), cover=np.ones((height, width), np.float32), depth=0.0)


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


def hills(stage: Stage, top: float, rise: float, roughness: float, waves: float, share: float, depth: float) -> Layer:
    """A range whose peaks reach ``rise`` above ``top``; ``share`` of the near colour, the rest is haze."""
    line = stage.row(top) - ridge(stage.rng, stage.width // 2, roughness, waves) * stage.row(rise)
    p = stage.palette
    body = mix(p.far, p.near, share)
    layer = tinted(
        _below(stage, line), mix(body, p.horizon, 0.25 * (1 - share)), mix(body, p.horizon, 0.5 * (1 - share)), depth
    )
    grain = clouds(stage.rng, stage.width, stage.height, stage.width * 0.12, 4)
    layer.colour *= (0.86 + 0.28 * grain)[..., None]
    return layer
