"""Places that people built: a city street, a room. Layers come far to near."""

import numpy as np
from PIL import Image

from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    blank,
    blurred,
    draw_line,
    draw_polygon,
    glow_at,
    soft,
    tint,
    tinted,
)
from tiktoker_batch.providers.local.painter.noise import clouds, smooth
from tiktoker_batch.providers.local.painter.palette import mix, vertical
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage, sky


def city(stage: Stage) -> list[Layer]:
    """Rows of buildings with lit windows, and their light on a wet street."""
    stage.horizon = 0.78
    rows = [_skyline(stage, 0.40, 0.10, 0.05, 0.2, 0.12), _skyline(stage, 0.34, 0.13, 0.08, 0.55, 0.3)]
    return [sky(stage, cloudy=0.6), *rows, _street(stage), _skyline(stage, 0.62, 0.20, 0.14, 0.95, 0.6, sides=True)]


def _skyline(
    stage: Stage, rise: float, wide: float, least: float, share: float, depth: float, *, sides: bool = False
) -> Layer:
    rng, p, width = stage.rng, stage.palette, stage.width
    body, lit = blank(width, stage.height), blank(width, stage.height)
    base = stage.row(1.0 if sides else 0.80)
    x = -0.03 * width
    while x < width * 1.03:
        w = float(rng.uniform(least, wide)) * width
        middle = (x + w / 2) / width
        tall = stage.row(rise) * float(rng.uniform(0.45, 1.0))
        if sides:
            tall *= 0.0 if 0.2 < middle < 0.8 else 1.0 + 0.35 * abs(middle - 0.5)
        if tall > 0:
            _building(stage, body, lit, x, base, w * (0.98 if sides else 0.93), tall)
        x += w
    cover = soft(body)
    layer = tinted(
        cover,
        mix(mix(p.far, p.near, share), p.ink, 0.2 * share),
        mix(mix(p.far, p.near, share), p.horizon, 0.35 * (1 - share)),
        depth,
    )
    light = soft(lit) * cover
    warm = tint(mix(p.accent, WHITE, 0.35))
    glow = np.clip(light * (0.35 + 0.6 * share) + blurred(light, 14) * 0.5, 0, 1)[..., None]
    layer.colour = layer.colour * (1 - glow) + warm * glow
    return layer


def _building(stage: Stage, body: Image.Image, lit: Image.Image, x: float, base: float, w: float, tall: float) -> None:
    rng = stage.rng
    top = base - tall
    draw_polygon(body, [(x, base), (x, top), (x + w, top), (x + w, base)])
    roof = rng.random()
    if roof < 0.25:
        draw_polygon(body, [(x, top), (x + w / 2, top - w * 0.3), (x + w, top)])
    elif roof < 0.5:
        draw_line(body, [(x + w / 2, top), (x + w / 2, top - tall * 0.16)], 3)
    columns = max(2, int(w / 17))
    step = w / columns
    for column in range(columns):
        for row in range(int(tall / 22)):
            if rng.random() < 0.30 + 0.25 * stage.night:
                left, up = x + step * (column + 0.28), top + 10 + row * 22
                draw_polygon(
                    lit, [(left, up), (left + step * 0.44, up), (left + step * 0.44, up + 10), (left, up + 10)]
                )


def _street(stage: Stage) -> Layer:
    p, width, height = stage.palette, stage.width, stage.height
    ys = np.arange(height, dtype=np.float32)
    near = np.clip((ys - stage.row(0.78)) / stage.row(0.22), 0, 1)
    shade = vertical([mix(p.near, p.horizon, 0.35), p.near, p.ink], height, [0.78, 0.86, 1])
    colour = np.broadcast_to(shade[:, None, :], (height, width, 3)).copy()
    streaks = smooth(stage.rng, width, height, 26, stretch=0.25) * smooth(stage.rng, width, height, 5, stretch=6)
    wet = np.clip(streaks * 2.2 - 0.55, 0, 1) * (1 - near[:, None] * 0.5)
    colour += wet[..., None] * tint(mix(p.accent, WHITE, 0.2)) * 0.55
    cover = np.clip(ys - stage.row(0.78), 0, 1)[:, None].repeat(width, 1).astype(np.float32)
    return Layer(colour=np.clip(colour, 0, 1).astype(np.float32), cover=cover, depth=0.4)


def room(stage: Stage) -> list[Layer]:
    """A room with a window and a table, for things that stand on tables."""
    stage.horizon, stage.ground = 0.70, 0.80
    p, rng, width, height = stage.palette, stage.rng, stage.width, stage.height
    wall = tinted(np.ones((height, width), np.float32), mix(p.far, p.near, 0.45), mix(p.far, p.near, 0.75), 0.1)
    wall.colour *= (0.9 + 0.2 * clouds(rng, width, height, width * 0.5, 3))[..., None]
    left = width * float(rng.choice([0.12, 0.46]))
    box = (left, stage.row(0.12), left + width * 0.42, stage.row(0.52))
    outside = sky(stage, cloudy=0.7)
    stage.lit = False
    frame, pane = blank(width, height), blank(width, height)
    draw_polygon(frame, _box(box, 14))
    draw_polygon(pane, _box(box, 0))
    middle_x, middle_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    bars = blank(width, height)
    draw_polygon(bars, _box((middle_x - 4, box[1], middle_x + 4, box[3]), 0))
    draw_polygon(bars, _box((box[0], middle_y - 4, box[2], middle_y + 4), 0))
    glass = np.clip(soft(pane) - soft(bars), 0, 1)
    outside.cover, outside.depth = np.ones_like(glass), 0.0
    wall.cover = 1 - glass
    rim = np.clip(soft(frame) - glass, 0, 1)[..., None]
    wall.colour = wall.colour * (1 - rim) + tint(mix(p.near, p.ink, 0.4)) * rim
    fall = glow_at(width, height, middle_x, stage.row(0.62), width * 0.9)[..., None]
    wall.colour = np.clip(wall.colour + fall * tint(p.horizon) * 0.30, 0, 1).astype(np.float32)
    return [outside, wall, _table(stage)]


def _table(stage: Stage) -> Layer:
    width, height = stage.width, stage.height
    mask = blank(width, height)
    draw_polygon(mask, [(-20, stage.row(0.72)), (width + 20, stage.row(0.72)), (width + 20, height), (-20, height)])
    layer = tinted(soft(mask), mix(stage.palette.near, stage.palette.horizon, 0.28), stage.palette.ink, 0.35)
    wood = smooth(stage.rng, width, height, 7, stretch=26)
    layer.colour *= (0.85 + 0.3 * wood)[..., None]
    shine = glow_at(width, height, stage.light[0], stage.row(0.74), width * 0.8)[..., None]
    layer.colour = np.clip(layer.colour + shine * 0.16, 0, 1).astype(np.float32)
    return layer


def _box(box: tuple[float, float, float, float], more: float) -> list[tuple[float, float]]:
    left, top, right, bottom = box[0] - more, box[1] - more, box[2] + more, box[3] + more
    return [(left, top), (right, top), (right, bottom), (left, bottom)]
