"""Towns: a street in perspective, a skyline over water. Layers come far to near."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from tiktoker_batch.providers.local.painter.canvas import Layer, Pixels, Sheet, composed, part_of, tint
from tiktoker_batch.providers.local.painter.noise import smooth
from tiktoker_batch.providers.local.painter.palette import Rgb, mix
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage, sky


@dataclass(frozen=True, slots=True)
class View:
    """A vanishing point in pixels, and how far from it walls, roofs and ground are at distance 1."""

    x: float
    y: float
    wall: float
    roof: float
    ground: float

    def at(self, side: int, z: float, up: float) -> tuple[float, float]:
        """The point on a wall at distance ``z``; ``up`` runs from 0, the ground, to 1, the roof's measure."""
        return self.x + side * self.wall / z, self.y + (self.ground - up * (self.ground + self.roof)) / z


def street(stage: Stage) -> list[Layer]:
    """House fronts running to a vanishing point, lit windows, and all of it again in the wet ground."""
    rng, p = stage.rng, stage.palette
    stage.horizon, stage.ground, stage.shine = float(rng.uniform(0.50, 0.58)), 0.85, 0.3 + 0.6 * stage.night
    x = stage.width * (0.5 - 0.13 * stage.side * float(rng.uniform(0.3, 1.0)))
    stage.light = (x + stage.unit * 0.1 * stage.side, min(stage.light[1], stage.row(0.34)))
    view = View(x, stage.row(stage.horizon), stage.width * 0.62, stage.row(0.80), stage.row(0.40))
    far = _skyline(stage, 0.20, 0.05, 0.3, 0.12, stage.horizon + 0.01)
    walls = Sheet(stage.width, stage.height, mix(p.near, p.ink, 0.3))
    for side in (-1, 1):
        _fronts(stage, walls, view, side)
    layers = [sky(stage, cloudy=0.6), far, walls.layer(0.25)]
    return [*layers, _wet_ground(stage, layers, view)]


def _fronts(stage: Stage, sheet: Sheet, view: View, side: int) -> None:
    """The houses of one side, the farthest first."""
    p, rng, edges = stage.palette, stage.rng, [0.86]
    while edges[-1] < 9:
        edges.append(edges[-1] * float(rng.uniform(1.22, 1.5)))
    for far, near in zip(edges[:0:-1], edges[-2::-1], strict=True):
        top = float(rng.uniform(0.42, 0.95))
        share = min(1.0, 1.15 / near)
        tone = mix(mix(p.far, p.horizon, 0.32), mix(p.near, p.ink, 0.35), share)
        tone = mix(tone, p.accent, 0.07 * float(rng.random()))
        corner = [view.at(side, near, 0), view.at(side, near, top), view.at(side, far, top), view.at(side, far, 0)]
        sheet.polygon(corner, tone)
        sheet.line([corner[1], corner[2]], 1.5, mix(tone, p.horizon, 0.35))
        sheet.line([corner[0], corner[1]], 1.5, mix(tone, p.ink, 0.35))
        _windows(stage, sheet, view, (side, near, far, top), tone)
        if stage.night > 0.5 and near < 4 and rng.random() < 0.65:
            _sign(stage, sheet, view, (side, near, far, top))


def _windows(stage: Stage, sheet: Sheet, view: View, front: tuple[int, float, float, float], tone: Rgb) -> None:
    side, near, far, top = front
    p, rng = stage.palette, stage.rng
    columns, rows = int(rng.integers(3, 6)), max(3, round(top * float(rng.uniform(10, 14))))
    warm = mix(p.accent, WHITE, 0.4)
    dull, chance = mix(tone, p.horizon, 0.20), 0.14 + 0.30 * stage.night
    for column in range(columns):
        # Equal steps along the street are equal steps of 1 / z across the picture.
        z0, z1 = (near + (far - near) * (column + part) / columns for part in (0.22, 0.76))
        for row in range(rows):
            low, high = top * (row + 0.34) / rows + 0.02, top * (row + 0.82) / rows + 0.02
            if high > top * 0.97:
                continue
            lit = rng.random() < chance
            colour = mix(tone, warm, float(rng.uniform(0.5, 1.0))) if lit else dull
            sheet.polygon(
                [view.at(side, z0, low), view.at(side, z0, high), view.at(side, z1, high), view.at(side, z1, low)],
                colour,
            )


def _sign(stage: Stage, sheet: Sheet, view: View, front: tuple[int, float, float, float]) -> None:
    """A lit board that stands out from a front; it bears no letters."""
    side, near, far, top = front
    p, rng = stage.palette, stage.rng
    z = near + (far - near) * float(rng.uniform(0.2, 0.7))
    low = float(rng.uniform(0.30, 0.5)) * top
    high = min(top * 0.95, low + float(rng.uniform(0.08, 0.22)))
    (x, bottom), (_, up) = view.at(side, z, low), view.at(side, z, high)
    out = -side * view.wall / z * float(rng.uniform(0.05, 0.09))
    left, right = min(x, x + out), max(x, x + out)
    glow = p.accent if rng.random() < 0.55 else mix(p.horizon, WHITE, 0.15)
    edge = max(1.0, (right - left) * 0.14)
    sheet.rectangle(left, up, right, bottom, mix(glow, WHITE, 0.25))
    sheet.rectangle(left + edge, up + edge, right - edge, bottom - edge, mix(glow, p.ink, 0.55))
    bars = int(rng.integers(2, 5))
    for bar in range(bars):
        y = up + (bottom - up) * (bar + 0.3) / bars
        sheet.rectangle(left + edge * 2, y, right - edge * 2, y + (bottom - up) * 0.35 / bars, mix(glow, WHITE, 0.45))


def skyline(stage: Stage) -> list[Layer]:
    """Towers across the water, and their lights in it."""
    rng = stage.rng
    stage.horizon, stage.ground, stage.shine = float(rng.uniform(0.60, 0.68)), 0.86, 0.5
    shore = stage.horizon + 0.01
    layers = [
        sky(stage, cloudy=0.6),
        _skyline(stage, 0.40, 0.08, 0.15, 0.1, shore),
        _skyline(stage, 0.30, 0.11, 0.55, 0.22, shore),
    ]
    view = View(stage.width / 2, stage.row(shore), stage.width, 1, stage.row(1 - shore))
    return [*layers, _wet_ground(stage, layers, view)]


def _skyline(stage: Stage, rise: float, wide: float, share: float, depth: float, base: float) -> Layer:
    rng, p, width = stage.rng, stage.palette, stage.width
    body = mix(mix(mix(p.far, p.near, share), p.horizon, 0.30 * (1 - share)), p.ink, 0.25 * share)
    sheet, x = Sheet(width, stage.height, body), -0.03 * width
    while x < width * 1.03:
        w = float(rng.uniform(0.45, 1.0)) * wide * stage.unit
        tall = stage.row(rise) * float(rng.beta(2, 2.4)) * 1.25 + stage.row(0.03)
        _tower(stage, sheet, (x, stage.row(base), w * 0.96, tall), mix(body, p.ink, 0.12 * float(rng.random())), share)
        x += w * float(rng.uniform(0.9, 1.1))
    return sheet.layer(depth)


def _tower(stage: Stage, sheet: Sheet, box: tuple[float, float, float, float], tone: Rgb, share: float) -> None:
    x, base, w, tall = box
    rng, p, top = stage.rng, stage.palette, base - tall
    sheet.rectangle(x, top, x + w, base + 2, tone)
    kind = float(rng.random())
    if kind < 0.2:
        sheet.polygon([(x, top), (x + w / 2, top - w * 0.45), (x + w, top)], tone)
    elif kind < 0.4:
        sheet.rectangle(x + w * 0.2, top - tall * 0.10, x + w * 0.8, top, tone)
        sheet.line([(x + w / 2, top), (x + w / 2, top - tall * 0.26)], 2, tone)
    elif kind < 0.55:
        sheet.polygon([(x, top), (x + w, top - w * 0.5), (x + w, top)], tone)
    side = 1.0 if stage.light[0] > x + w / 2 else 0.0
    edge = w * 0.16
    sheet.rectangle(x + (w - edge) * side, top, x + (w - edge) * side + edge, base, mix(tone, p.horizon, 0.16))
    step = max(7.0, stage.unit * 0.016)
    warm = mix(p.accent, WHITE, 0.35)
    for across in range(1, max(2, int(w / step))):
        for up in range(1, int(tall / (step * 1.25))):
            if rng.random() < (0.12 + 0.32 * stage.night) * (0.5 + 0.5 * share):
                left, high = x + across * step - step * 0.25, top + up * step * 1.25
                colour = mix(tone, warm, float(rng.uniform(0.35, 0.6 + 0.4 * share)))
                sheet.rectangle(left, high, left + step * 0.5, high + step * 0.6, colour)


def _wet_ground(stage: Stage, layers: list[Layer], view: View) -> Layer:
    """Ground or water that mirrors what is above it, smeared downwards."""
    p, width, height = stage.palette, stage.width, stage.height
    top = int(view.y)
    rows = height - top
    rows_of = (slice(max(0, top - rows), top), slice(None))
    above = composed([part_of(layer, rows_of) for layer in layers])
    mirror = np.asarray(
        Image.fromarray((np.clip(above[::-1], 0, 1) * 255).astype(np.uint8))
        .resize((width // 3, max(2, rows // 26)), Image.Resampling.BOX)
        .resize((width, rows), Image.Resampling.BICUBIC),
        dtype=np.float32,
    ) / 255  # fmt: skip
    ripple = smooth(stage.rng, width, rows, 5, stretch=9) * 0.6 + smooth(stage.rng, width, rows, 26, stretch=4) * 0.7
    wet = np.clip(ripple * 1.6 - 0.45, 0, 1) * stage.shine
    near = np.linspace(0, 1, rows, dtype=np.float32)[:, None, None]
    dry = tint(mix(p.near, p.horizon, 0.22)) * (1 - near) + tint(mix(p.near, p.ink, 0.55)) * near
    part = dry * (0.9 + 0.2 * ripple[..., None])
    part += (mirror * 1.12 - part) * (wet * 0.95)[..., None]
    colour, cover = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    colour[top:], cover[top:] = np.clip(part, 0, 1), 1
    _keep_walls(cover, layers[-1].cover, view, height)
    return Layer(colour=colour, cover=cover, depth=0.3)


def _keep_walls(cover: Pixels, walls: Pixels, view: View, height: int) -> None:
    """The ground begins where a wall ends, not at the horizon."""
    top = int(view.y)
    cover[top:height] *= 1 - walls[top:height]
