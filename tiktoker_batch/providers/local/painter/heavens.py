"""Space, and pictures of no place at all. Layers come far to near."""

import numpy as np

from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    Pixels,
    Sheet,
    blank,
    blurred,
    draw_oval,
    glow_at,
    ribbon,
    soft,
    tint,
)  # fmt: skip
from tiktoker_batch.providers.local.painter.noise import clouds, smooth
from tiktoker_batch.providers.local.painter.palette import mix, vertical
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage, stars


def space(stage: Stage) -> list[Layer]:
    """Stars, a nebula, and a planet: far off, ringed, or so near that only its edge is seen."""
    stage.horizon, stage.night, stage.ground, stage.disc = 1.0, 1.0, 0.80, False
    p, width, height = stage.palette, stage.width, stage.height
    base = np.broadcast_to(
        vertical([mix(p.top, p.ink, 0.7), mix(p.near, p.ink, 0.6)], height)[:, None, :], (height, width, 3)
    ).copy()
    _nebula(stage, base)
    base += stars(stage)[..., None]
    far = Layer(colour=np.clip(base, 0, 1), cover=np.ones((height, width), np.float32), depth=0.0)
    return [far, _limb(stage) if stage.rng.random() < 0.45 else _planet(stage)]


def _nebula(stage: Stage, base: Pixels) -> None:
    """Gas in two colours along a band across the picture, with dark dust before it."""
    p, rng, width, height = stage.palette, stage.rng, stage.width, stage.height
    unit = stage.unit
    gas, dust, veil = (clouds(rng, width, height, unit * cell, 5) for cell in (0.55, 0.30, 0.8))
    angle, shift = float(rng.uniform(-0.9, 0.9)), float(rng.uniform(-0.15, 0.15))
    ys, xs = np.linspace(-0.8, 0.8, height, dtype=np.float32)[:, None], np.linspace(-0.5, 0.5, width, dtype=np.float32)
    away = (xs[None, :] * np.sin(angle) + ys * np.cos(angle) + shift) + (veil - 0.5) * 0.5
    band = np.exp(-((away / 0.34) ** 2))
    base += (np.clip(gas - 0.30, 0, 1) * band * 1.1)[..., None] * tint(mix(p.middle, p.horizon, 0.35))
    base += (np.clip(dust * gas - 0.26, 0, 1) ** 1.2 * band * 2.4)[..., None] * tint(p.accent)
    base += (np.clip(gas * band - 0.62, 0, 1) * 1.8)[..., None]
    base *= (1 - 0.55 * np.clip(dust - 0.62, 0, 1) * 2 * band)[..., None]


def _planet(stage: Stage) -> Layer:
    rng, p, width, height = stage.rng, stage.palette, stage.width, stage.height
    x = width * (0.5 - stage.side * float(rng.uniform(0.2, 0.34)))
    y, r = stage.row(float(rng.uniform(0.14, 0.30))), stage.unit * float(rng.uniform(0.14, 0.34))
    body, ring = blank(width, height), rng.random() < 0.45
    draw_oval(body, (x - r, y - r, x + r, y + r))
    cover = soft(body)
    tilt = float(rng.uniform(-0.5, 0.5))
    colour = _banded(stage, x, y, r, tilt)
    if ring:
        cover, colour = _ringed(stage, cover, colour, (x, y, r, tilt))
    air = glow_at(width, height, x - r * 0.3, y - r * 0.3, r * 3.0) * 0.30 * (1 - cover)
    colour += (tint(mix(p.horizon, p.accent, 0.3)) - colour) * (1 - cover)[..., None]
    return Layer(colour=np.clip(colour, 0, 1), cover=np.clip(cover + air, 0, 1), depth=0.2, solid=False)


def _banded(stage: Stage, x: float, y: float, r: float, tilt: float) -> Pixels:
    """Bands of cloud over a lit and a dark side."""
    p, height, width = stage.palette, stage.height, stage.width
    ys, xs = np.arange(height, dtype=np.float32)[:, None] - y, np.arange(width, dtype=np.float32)[None, :] - x
    wave = smooth(stage.rng, width, height, r * 0.5, stretch=2) * r * 0.22
    along = (ys - xs * np.float32(tilt) + wave) / r
    profile = smooth(stage.rng, 512, 2, 26)[0]
    bands = profile[np.clip((along * 0.25 + 0.5) * 511, 0, 511).astype(np.int32)][..., None]
    colour = tint(p.far) * (1 - bands) + tint(mix(p.horizon, WHITE, 0.15)) * bands
    side = 1.0 if stage.light[0] > width / 2 else -1.0
    lit = np.clip(0.62 + 0.75 * (xs * side - ys * 0.7) / (1.25 * r) - 0.25 * (xs**2 + ys**2) / (r * r), 0.04, 1.15)
    result: Pixels = np.clip(colour * lit[..., None], 0, 1)
    return result


def _ringed(
    stage: Stage, cover: Pixels, colour: Pixels, planet: tuple[float, float, float, float]
) -> tuple[Pixels, Pixels]:
    x, y, r, tilt = planet
    ys, xs = np.arange(stage.height, dtype=np.float32)[:, None] - y, np.arange(stage.width, dtype=np.float32) - x
    turn = np.float32(np.arctan(tilt))
    u, v = xs[None, :] * np.cos(turn) + ys * np.sin(turn), -xs[None, :] * np.sin(turn) + ys * np.cos(turn)
    away = np.sqrt(u * u + (v * 4.2) ** 2) / r
    gaps = 0.75 + 0.25 * np.cos(away * 34)
    band = np.clip((away - 1.32) * 14, 0, 1) * np.clip((2.05 - away) * 14, 0, 1) * gaps
    band = band * np.where((v < 0) & (cover > 0.5), 0, 0.8)
    tone = tint(mix(stage.palette.horizon, WHITE, 0.2))
    return np.maximum(cover, band), colour * (1 - band[..., None]) + tone * band[..., None]


def _limb(stage: Stage) -> Layer:
    """The edge of a near planet below, its air alight."""
    p, width, height = stage.palette, stage.width, stage.height
    r, x = stage.unit * float(stage.rng.uniform(1.3, 2.0)), width * float(stage.rng.uniform(0.3, 0.7))
    y = stage.row(float(stage.rng.uniform(0.66, 0.74))) + r
    ys, xs = np.arange(height, dtype=np.float32)[:, None] - y, np.arange(width, dtype=np.float32)[None, :] - x
    inside = r - np.sqrt(xs * xs + ys * ys)
    land = clouds(stage.rng, width, height, stage.unit * 0.4, 5, stretch=1.8)
    shade = np.exp(-np.clip(inside, 0, None) / (stage.unit * 0.22))
    ground = tint(mix(p.near, p.ink, 0.3)) * (1 - land[..., None]) + tint(p.far) * land[..., None]
    air = tint(mix(p.horizon, p.accent, 0.35))
    colour = ground * (0.25 + 0.75 * shade[..., None]) + air * (shade**2 * 0.6)[..., None]
    cover = np.clip(inside / 1.5 + 0.5, 0, 1)
    halo = np.exp(np.clip(inside, None, 0) / (stage.unit * 0.05)) * 0.7
    colour = np.where(inside[..., None] < 0, air, colour)
    return Layer(colour=np.clip(colour, 0, 1), cover=np.maximum(cover, halo), depth=0.25, solid=False)


def abstract(stage: Stage) -> list[Layer]:
    """No place: ribbons of colour in a wind, and soft orbs of light."""
    stage.horizon, stage.disc, stage.ground = 0.7, False, 0.80
    p, width, height, rng = stage.palette, stage.width, stage.height, stage.rng
    shade = vertical([p.top, p.middle, mix(p.near, p.middle, 0.4), mix(p.near, p.ink, 0.4)], height, [0, 0.35, 0.75, 1])
    colour = np.broadcast_to(shade[:, None, :], (height, width, 3)).copy()
    x, y = stage.light
    colour += glow_at(width, height, x, y, stage.unit * 1.1)[..., None] * (tint(p.horizon) * 0.6)
    colour += (clouds(rng, width, height, stage.unit * 0.7, 3) - 0.5)[..., None] * (tint(p.accent) * 0.16)
    ground = Layer(colour=np.clip(colour, 0, 1), cover=np.ones((height, width), np.float32), depth=0.0)
    layers = [ground, _orbs(stage)]
    slope, wave = float(rng.uniform(-0.35, 0.35)), float(rng.uniform(0.06, 0.15))
    return layers + [_ribbons(stage, 0.22 + 0.2 * i, slope, wave, 0.14 + 0.12 * i, i / 3) for i in range(3)]


def _ribbons(stage: Stage, at: float, slope: float, wave: float, depth: float, share: float) -> Layer:
    p, rng, width = stage.palette, stage.rng, stage.width
    tone = mix(mix(p.accent, p.horizon, float(rng.random())), mix(p.near, p.ink, 0.3), 0.15 + 0.6 * share)
    sheet = Sheet(width, stage.height, tone)
    phase, turns = float(rng.uniform(0, 6.3)), float(rng.uniform(0.8, 1.6))
    for strand in range(7):
        u = np.linspace(-0.08, 1.08, 14)
        down = at + slope * (u - 0.5) * 0.5 + wave * np.sin(u * turns * 6.28 + phase + strand * 0.16) + strand * 0.011
        line = [(float(a) * width, float(b) * stage.height) for a, b in zip(u, down, strict=True)]
        own = mix(tone, WHITE if strand % 2 else p.ink, 0.05 + 0.035 * strand)
        for outline in ribbon(line, stage.unit * (0.045 - 0.005 * strand)):
            sheet.polygon(outline, own)
    layer = sheet.layer(depth)
    across = np.linspace(0, 1, width, dtype=np.float32)
    layer.cover = layer.cover * (0.55 + 0.45 * np.sin(across * 3.14) ** 0.5)[None, :]
    return layer


def _orbs(stage: Stage) -> Layer:
    mask, rng = blank(stage.width, stage.height), stage.rng
    for _ in range(9):
        x, y = float(rng.random()) * stage.width, float(rng.random()) * stage.height
        r = stage.unit * float(rng.uniform(0.02, 0.14))
        draw_oval(mask, (x - r, y - r, x + r, y + r), 150 if r > 0.08 * stage.unit else 230)
    cover = blurred(soft(mask), stage.unit * 0.012) * 0.5
    colour = np.broadcast_to(tint(mix(stage.palette.horizon, WHITE, 0.35)), (stage.height, stage.width, 3))
    return Layer(colour=colour, cover=cover, depth=0.1, solid=False)
