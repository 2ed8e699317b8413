"""Places in and on the water: the sea, and the deep below it. Layers come far to near."""

import numpy as np

from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    Sheet,
    blank,
    draw_oval,
    ribbon,
    soft,
    tint,
)  # fmt: skip
from tiktoker_batch.providers.local.painter.noise import ridge, smooth
from tiktoker_batch.providers.local.painter.palette import mix, vertical
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage, hills, sky


def sea(stage: Stage) -> list[Layer]:
    """Water to the horizon, glittering under the light; swell before it, higher in a storm."""
    stage.horizon = float(stage.rng.uniform(0.50, 0.62))
    layers = [sky(stage, cloudy=0.75)]
    if stage.rng.random() < 0.7:
        layers.append(hills(stage, stage.horizon + 0.012, 0.07, 0.5, 1.6, 0.15, 0.12, facets=0.3))
    layers.append(_water(stage))
    for index, at in enumerate((0.06, 0.13, 0.22) if stage.stormy else (0.16,)):
        layers.append(_swell(stage, stage.horizon + at, 0.020 + 0.014 * index, 0.24 + 0.05 * index))
    layers.append(_swell(stage, 0.93, 0.035 if stage.stormy else 0.02, 0.75))
    return layers


def _water(stage: Stage) -> Layer:
    p, width, height = stage.palette, stage.width, stage.height
    top = int(stage.row(stage.horizon))
    rows = height - top
    shade = vertical([mix(p.horizon, p.far, 0.45), mix(p.middle, p.near, 0.55), p.near], rows, [0, 0.35, 1])
    part = np.broadcast_to(shade[:, None, :], (rows, width, 3)).copy()
    near = np.linspace(0, 1, rows, dtype=np.float32)
    waves = np.zeros((rows, width), np.float32)
    for cell, weight in ((6, 0.5), (14, 0.9), (30, 1.2)):
        waves += smooth(stage.rng, width, rows, cell, stretch=7) * weight
    waves = (waves - waves.mean()) * (0.15 + near)[:, None]
    spread = width * (0.06 + 0.25 * near[:, None])
    column = np.exp(-(((np.arange(width, dtype=np.float32) - stage.light[0])[None, :] / spread) ** 2))
    glitter = np.clip(waves * 2.4 - 0.16, 0, 1) * column * (0.35 if stage.stormy else 0.9)
    part += (waves * 0.16)[..., None]
    part += glitter[..., None] * tint(mix(WHITE, p.horizon, 0.3))
    colour = np.zeros((height, width, 3), np.float32)
    cover = np.zeros((height, width), np.float32)
    colour[top:], cover[top:] = np.clip(part, 0, 1), 1
    return Layer(colour=colour, cover=cover, depth=0.22)


def _swell(stage: Stage, at: float, rise: float, depth: float) -> Layer:
    """One wave across the picture with foam along its crest."""
    p, rng, width = stage.palette, stage.rng, stage.width
    x = np.linspace(0, width, 160)
    phase, count = float(rng.uniform(0, 6.3)), float(rng.uniform(2.0, 4.0))
    peak = np.abs(np.sin(x / width * count * np.pi + phase)) ** 0.7 + 0.35 * ridge(rng, 160, 0.6, 6)
    y = stage.row(at) - peak * stage.row(rise)
    line = [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
    share = min(1.0, (at - stage.horizon) / (1 - stage.horizon))
    body = mix(mix(p.middle, p.near, 0.35 + 0.55 * share), p.ink, 0.25 * stage.stormy)
    sheet = Sheet(width, stage.height, body)
    sheet.polygon([*line, (width, stage.height), (0, stage.height)], body)
    layer = sheet.layer(depth)
    first, last = (
        max(0, int(y.min()) - 2),
        min(stage.height, int(y.max() + stage.row(0.12)) if depth < 0.5 else stage.height),
    )
    part = layer.colour[first:last]
    below = np.arange(first, last, dtype=np.float32)[:, None] - np.interp(np.arange(width), x, y).astype(np.float32)
    ripple = smooth(rng, width, last - first, 12, stretch=6)
    foam = np.clip(1 - below / stage.row(0.010), 0, 1) * (below > -2) * np.clip(ripple * 2 - 0.5, 0, 1)
    part += (tint(mix(p.near, p.ink, 0.25)) - part) * (np.clip(below / stage.row(0.05), 0, 1) * 0.55)[..., None]
    part *= (0.90 + 0.2 * ripple)[..., None]
    part += (tint(mix(WHITE, p.horizon, 0.35)) - part) * (foam * 0.8)[..., None]
    if depth < 0.5:
        layer.cover[first:last] *= np.clip(1 - (below - stage.row(0.06)) / stage.row(0.05), 0, 1)
        layer.cover[last:] = 0
    return layer


def deep(stage: Stage) -> list[Layer]:
    """Under water: shafts of light, rocks fading into the blue, weeds and rising bubbles."""
    stage.horizon, stage.ground, stage.disc = 0.86, 0.80, False
    p, width, height = stage.palette, stage.width, stage.height
    bottom = mix(p.near, p.ink, float(stage.rng.uniform(0.0, 0.5)))
    shade = vertical(
        [mix(p.middle, WHITE, 0.35), p.middle, mix(p.middle, p.near, 0.6), bottom], height, [0, 0.25, 0.65, 1]
    )
    colour = np.broadcast_to(shade[:, None, :], (height, width, 3)).copy()
    lean = float(stage.rng.uniform(-0.45, 0.45))
    xs = np.arange(width, dtype=np.float32)[None, :] + np.arange(height, dtype=np.float32)[:, None] * lean
    shaft = smooth(stage.rng, width * 2, 2, 46)[0] * 0.6 + smooth(stage.rng, width * 2, 2, 150)[0] * 0.6
    rays = shaft[np.mod(xs, width * 2).astype(np.int32)]
    source = np.exp(-(((xs - stage.light[0]) / (width * 0.5)) ** 2))
    rays = np.clip((rays - 0.42) * 2.2, 0, 1) * np.linspace(1, 0, height, dtype=np.float32)[:, None] ** 1.4 * source
    colour += rays[..., None] * (tint(mix(WHITE, p.horizon, 0.4)) * 0.45)
    water = Layer(colour=np.clip(colour, 0, 1), cover=np.ones((height, width), np.float32), depth=0.0)
    rocks = [
        _rocks(stage, 0.74, 0.30, 0.16, 0.75),
        _rocks(stage, 0.84, 0.18, 0.3, 0.45),
        _rocks(stage, 0.95, 0.10, 0.45, 0.1),
    ]
    return [water, *rocks, _weeds(stage), _bubbles(stage)]


def _rocks(stage: Stage, top: float, rise: float, depth: float, haze: float) -> Layer:
    """Rounded rocks at both sides, a valley between, the farther the bluer."""
    rng, p = stage.rng, stage.palette
    sheet = Sheet(stage.width, stage.height, mix(mix(p.near, p.ink, 0.3), p.middle, haze))
    body = mix(mix(p.near, p.ink, 0.3), p.middle, haze)
    sheet.rectangle(0, stage.row(top + 0.05), stage.width, stage.height, body)
    for _ in range(26):
        x = float(rng.beta(0.45, 0.45))
        size = stage.unit * float(rng.uniform(0.06, 0.17))
        lift = stage.row(rise) * abs(x - 0.5) * 2 * float(rng.uniform(0.2, 1.0))
        middle_x, middle_y = x * stage.width, stage.row(top + 0.05) - lift
        while middle_y < stage.height + size:
            sheet.oval((middle_x - size, middle_y - size * 0.8, middle_x + size, middle_y + size), body)
            middle_y += size * 0.9
            middle_x += float(rng.normal(0, 0.2)) * size
    layer = sheet.layer(depth)
    down = np.clip((np.arange(stage.height, dtype=np.float32) / stage.height - top + rise) / 0.4, 0, 1)
    layer.colour *= (1.12 - 0.35 * down)[:, None, None]
    rough = smooth(rng, stage.width, stage.height, 24)
    layer.colour *= (0.90 + 0.2 * rough)[..., None]
    return layer


def _weeds(stage: Stage) -> Layer:
    rng, p = stage.rng, stage.palette
    sheet = Sheet(stage.width, stage.height, mix(p.near, p.ink, 0.6))
    for _ in range(int(rng.integers(12, 20))):
        side = float(rng.choice([rng.uniform(-0.02, 0.2), rng.uniform(0.8, 1.02)]))
        x, tall = side * stage.width, stage.row(float(rng.uniform(0.10, 0.34)))
        sway = float(rng.uniform(-0.05, 0.05)) * stage.unit
        stem = [(x + sway * np.sin(step * 1.3) * step / 5, stage.height + 8 - tall * step / 5) for step in range(6)]
        tone = mix(mix(p.near, p.accent, 0.12 * float(rng.random())), p.ink, float(rng.uniform(0.4, 0.8)))
        for outline in ribbon([(float(a), float(b)) for a, b in stem], stage.unit * 0.024, taper=True):
            sheet.polygon(outline, tone)
    return sheet.layer(0.85)


def _bubbles(stage: Stage) -> Layer:
    outer, inner, shine = (blank(stage.width, stage.height) for _ in range(3))
    x, y = stage.rng.uniform(0.1, 0.9, 2) * (stage.width, stage.height * 0.8)
    for _ in range(30):
        x = float(np.clip(x + stage.rng.normal(0, 0.10) * stage.width, 0, stage.width))
        y = float(stage.rng.uniform(0.02, 0.92)) * stage.height
        r = float(stage.rng.gamma(1.6, 2.2)) + 1.5
        draw_oval(outer, (x - r, y - r, x + r, y + r))
        draw_oval(inner, (x - r * 0.82, y - r * 0.82, x + r * 0.82, y + r * 0.82))
        draw_oval(shine, (x - r * 0.5, y - r * 0.6, x - r * 0.1, y - r * 0.2))
    cover = np.clip(soft(outer) * 0.62 - soft(inner) * 0.48 + soft(shine) * 0.6, 0, 1)
    return Layer(colour=np.full((stage.height, stage.width, 3), 0.97, np.float32), cover=cover, depth=0.47, solid=False)
