"""Places without people: mountains, dunes, sea, the deep, forest, space. Layers come far to near."""

import numpy as np
from PIL import Image

from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    blank,
    draw_line,
    draw_oval,
    draw_polygon,
    glow_at,
    soft,
    tint,
    tinted,
)
from tiktoker_batch.providers.local.painter.noise import clouds, smooth
from tiktoker_batch.providers.local.painter.palette import mix, vertical
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage, hills, sky, stars


def mountains(stage: Stage) -> list[Layer]:
    """Ranges behind each other, paler with distance."""
    stage.horizon = float(stage.rng.uniform(0.52, 0.66))
    rough = float(stage.rng.uniform(0.42, 0.62))
    return [
        sky(stage, cloudy=0.6),
        hills(stage, stage.horizon + 0.02, 0.26, rough, 2.2, 0.1, 0.15),
        hills(stage, stage.horizon + 0.09, 0.20, rough, 2.8, 0.45, 0.35),
        hills(stage, 0.90, 0.14, 0.5, 2.0, 0.85, 0.65),
    ]


def dunes(stage: Stage) -> list[Layer]:
    """Long soft lines of sand, lit from one side."""
    stage.horizon = float(stage.rng.uniform(0.50, 0.60))
    layers = [sky(stage, cloudy=0.25)]
    for index, (top, rise) in enumerate(((0.04, 0.06), (0.12, 0.10), (0.26, 0.14))):
        layer = hills(
            stage, stage.horizon + top, rise, 0.22, 1.5 + index * 0.4, 0.15 + index * 0.3, 0.15 + index * 0.22
        )
        ripples = smooth(stage.rng, stage.width, stage.height, 9 + index * 5, stretch=9)
        layer.colour *= (0.93 + 0.14 * ripples)[..., None]
        layers.append(layer)
    return layers


def sea(stage: Stage) -> list[Layer]:
    """Water to the horizon, glittering under the light, and a rock or shore to stand on."""
    stage.horizon = float(stage.rng.uniform(0.55, 0.64))
    p, width, height = stage.palette, stage.width, stage.height
    top = stage.row(stage.horizon)
    shade = vertical(
        [mix(p.horizon, p.far, 0.45), mix(p.middle, p.near, 0.55), p.near], height, [stage.horizon, 0.75, 1]
    )
    colour = np.broadcast_to(shade[:, None, :], (height, width, 3)).copy()
    ys = np.arange(height, dtype=np.float32)
    near = np.clip((ys - top) / (height - top), 0, 1)
    waves = np.zeros((height, width), np.float32)
    for cell, weight in ((6, 0.5), (14, 0.9), (30, 1.2)):
        waves += smooth(stage.rng, width, height, cell, stretch=7) * weight
    waves = (waves - waves.mean()) * (0.15 + near)[:, None]
    column = np.exp(-(((np.arange(width) - stage.light[0])[None, :] / (width * (0.06 + 0.25 * near[:, None]))) ** 2))
    glitter = np.clip(waves * 2.4 - 0.18, 0, 1) * column
    colour += (waves * 0.16)[..., None]
    colour += glitter[..., None] * tint(mix(WHITE, p.horizon, 0.3)) * 0.9
    cover = np.clip(ys - top, 0, 1)[:, None].repeat(width, 1).astype(np.float32)
    water = Layer(colour=np.clip(colour, 0, 1).astype(np.float32), cover=cover, depth=0.22)
    coast = hills(stage, stage.horizon + 0.012, 0.06, 0.5, 1.6, 0.12, 0.12)
    rock = hills(stage, 0.97, 0.16, 0.62, 1.7, 0.95, 0.7)
    return [sky(stage, cloudy=0.75), coast, water, rock]


def deep(stage: Stage) -> list[Layer]:
    """Under water: shafts of light, a rocky floor, weeds and rising bubbles."""
    stage.horizon, stage.ground = 0.86, 0.80
    p, width, height = stage.palette, stage.width, stage.height
    shade = vertical(
        [mix(p.middle, WHITE, 0.35), p.middle, mix(p.middle, p.near, 0.6), p.near], height, [0, 0.25, 0.65, 1]
    )
    colour = np.broadcast_to(shade[:, None, :], (height, width, 3)).copy()
    lean = float(stage.rng.uniform(-0.35, 0.35))
    xs = np.arange(width)[None, :] + np.arange(height)[:, None] * lean
    shaft = smooth(stage.rng, width * 2, 2, 46)[0]
    rays = np.interp(np.mod(xs, width * 2), np.arange(width * 2), shaft)
    rays = np.clip((rays - 0.45) * 2, 0, 1) * np.linspace(1, 0, height)[:, None] ** 1.4
    colour += rays[..., None].astype(np.float32) * tint(mix(WHITE, p.horizon, 0.4)) * 0.35
    water = Layer(
        colour=np.clip(colour, 0, 1).astype(np.float32), cover=np.ones((height, width), np.float32), depth=0.0
    )
    floor = [
        hills(stage, 0.84, 0.22, 0.6, 2.5, 0.25, 0.2),
        hills(stage, 0.92, 0.16, 0.55, 2.2, 0.6, 0.4),
    ]
    return [water, *floor, _weeds(stage), _bubbles(stage)]


def _weeds(stage: Stage) -> Layer:
    mask = blank(stage.width, stage.height)
    for _ in range(int(stage.rng.integers(9, 15))):
        side = stage.rng.choice([stage.rng.uniform(0.0, 0.26), stage.rng.uniform(0.74, 1.0)])
        x, y, tall = side * stage.width, stage.row(1.0), stage.row(float(stage.rng.uniform(0.12, 0.34)))
        sway = float(stage.rng.uniform(-0.05, 0.05)) * stage.width
        draw_line(
            mask,
            [(x, y), (x + sway, y - tall * 0.4), (x - sway, y - tall * 0.7), (x + sway * 0.5, y - tall)],
            22,
            taper=True,
        )
    return tinted(soft(mask), mix(stage.palette.near, stage.palette.accent, 0.18), stage.palette.ink, 0.85)


def _bubbles(stage: Stage) -> Layer:
    outer, inner = blank(stage.width, stage.height), blank(stage.width, stage.height)
    for _ in range(46):
        x, y = stage.rng.random() * stage.width, stage.rng.random() * stage.height * 0.9
        r = float(stage.rng.gamma(2.0, 2.6)) + 2
        draw_oval(outer, (x - r, y - r, x + r, y + r))
        draw_oval(inner, (x - r * 0.75, y - r * 0.75, x + r * 0.8, y + r * 0.8))
    cover = np.clip(soft(outer) * 0.7 - soft(inner) * 0.5, 0, 1)
    return Layer(colour=np.full((stage.height, stage.width, 3), 0.97, np.float32), cover=cover, depth=0.95, solid=False)


def forest(stage: Stage) -> list[Layer]:
    """Trees before trees, mist between them."""
    stage.horizon = 0.72
    return [
        sky(stage, cloudy=0.5),
        _trees(stage, 16, 0.34, 0.74, 0.1, 0.12),
        _trees(stage, 11, 0.46, 0.80, 0.45, 0.3),
        hills(stage, 0.88, 0.08, 0.4, 1.5, 0.8, 0.5),
        _trees(stage, 6, 0.72, 0.98, 0.95, 0.75, sides=True),
    ]


def _trees(
    stage: Stage, count: int, tall: float, base: float, share: float, depth: float, *, sides: bool = False
) -> Layer:
    mask = blank(stage.width, stage.height)
    for index in range(count):
        x = (index + float(stage.rng.uniform(0.1, 0.9))) / count
        if sides and 0.22 < x < 0.78:
            continue
        _conifer(stage, mask, x * stage.width, stage.row(base), stage.row(tall) * float(stage.rng.uniform(0.7, 1.0)))
    level = base if sides else base - tall * 0.12
    ground = np.clip(np.arange(stage.height) - stage.row(level) + 2, 0, 1)[:, None]
    cover = np.maximum(soft(mask), ground).astype(np.float32)
    body = mix(stage.palette.far, stage.palette.near, share)
    return tinted(
        cover, mix(body, stage.palette.ink, 0.25 * share), mix(body, stage.palette.horizon, 0.55 * (1 - share)), depth
    )


def _conifer(stage: Stage, mask: Image.Image, x: float, base: float, tall: float) -> None:
    draw_line(mask, [(x, base), (x, base - tall * 0.8)], tall * 0.03)
    tiers = 7
    for tier in range(tiers):
        up, half = base - tall * (0.12 + 0.125 * tier), tall * 0.19 * (1 - tier / (tiers + 0.6))
        droop = float(stage.rng.uniform(0.01, 0.03)) * tall
        draw_polygon(mask, [(x - half, up + droop), (x, up - tall * 0.2), (x + half, up + droop), (x, up - droop)])


def space(stage: Stage) -> list[Layer]:
    """Stars, a nebula, a planet with or without a ring."""
    stage.horizon, stage.night, stage.ground = 1.0, 1.0, 0.74
    p, width, height = stage.palette, stage.width, stage.height
    base = np.broadcast_to(
        vertical([mix(p.top, p.ink, 0.7), mix(p.near, p.ink, 0.6)], height)[:, None, :], (height, width, 3)
    ).copy()
    veil, dust = clouds(stage.rng, width, height, width * 0.6, 5), clouds(stage.rng, width, height, width * 0.3, 5)
    base += (np.clip(veil - 0.42, 0, 1) ** 1.5 * 1.5)[..., None] * tint(p.middle)
    base += (np.clip(dust * veil - 0.38, 0, 1) ** 1.4 * 2.2)[..., None] * tint(p.accent)
    base += stars(stage)[..., None]
    far = Layer(colour=np.clip(base, 0, 1).astype(np.float32), cover=np.ones((height, width), np.float32), depth=0.0)
    return [far, _planet(stage)]


def _planet(stage: Stage) -> Layer:
    rng, p, width = stage.rng, stage.palette, stage.width
    x, y, r = (
        rng.choice([0.2, 0.78]) * width,
        stage.row(float(rng.uniform(0.16, 0.34))),
        width * float(rng.uniform(0.18, 0.32)),
    )
    mask = blank(width, stage.height)
    draw_oval(mask, (x - r, y - r, x + r, y + r))
    cover = soft(mask)
    bands = smooth(rng, width, stage.height, r * 0.16, stretch=12)
    colour = tint(p.far) * (1 - bands[..., None]) + tint(p.horizon) * bands[..., None]
    lit = glow_at(width, stage.height, x - r * 0.5, y - r * 0.5, r * 2.4)
    return Layer(
        colour=np.clip(colour * (0.12 + 1.1 * lit[..., None]), 0, 1).astype(np.float32), cover=cover, depth=0.2
    )
