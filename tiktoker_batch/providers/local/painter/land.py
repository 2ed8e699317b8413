"""Places on land: mountains, dunes, meadow, forest. Layers come far to near."""

import numpy as np

from tiktoker_batch.providers.local.painter.canvas import Layer, Sheet, blank, blurred, draw_polygon, ribbon, soft, tint
from tiktoker_batch.providers.local.painter.noise import smooth
from tiktoker_batch.providers.local.painter.palette import mix
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage, hills, sky

FRONT = 0.8  # depth of what frames the picture at its lower corners


def mountains(stage: Stage) -> list[Layer]:
    """Ranges behind each other, paler with distance; the highest carries snow."""
    stage.horizon = float(stage.rng.uniform(0.54, 0.66))
    rough, snow = float(stage.rng.uniform(0.44, 0.58)), float(stage.rng.choice([0.0, 0.45, 0.7]))
    steep = float(stage.rng.uniform(0.20, 0.36))
    return [
        sky(stage, cloudy=0.6),
        hills(stage, stage.horizon + 0.02, steep, rough, 2.2, 0.12, 0.15, facets=0.5, snow=snow),
        hills(stage, stage.horizon + 0.10, 0.16, rough, 2.8, 0.48, 0.3, facets=0.4),
        hills(stage, 0.90, 0.10, 0.42, 1.7, 0.85, 0.45, facets=0.25),
    ]


def dunes(stage: Stage) -> list[Layer]:
    """Long soft lines of sand, one slope in light and one in shade."""
    stage.horizon = float(stage.rng.uniform(0.50, 0.62))
    layers = [sky(stage, cloudy=0.25)]
    for index, (top, rise) in enumerate(((0.04, 0.06), (0.12, 0.10), (0.28, 0.13))):
        layer = hills(
            stage, stage.horizon + top, rise, 0.16, 1.4 + index * 0.5, 0.12 + index * 0.26, 0.15 + index * 0.14,
            facets=0.55,
        )  # fmt: skip
        ripples = smooth(stage.rng, stage.width, stage.height, 7 + index * 5, stretch=11)
        layer.colour *= (0.94 + 0.12 * ripples)[..., None]
        layers.append(layer)
    return layers


def meadow(stage: Stage) -> list[Layer]:
    """Rolling fields with a path between them, and grass before the lens."""
    stage.horizon = float(stage.rng.uniform(0.54, 0.64))
    return [
        sky(stage, cloudy=0.75),
        hills(stage, stage.horizon + 0.02, 0.08, 0.3, 1.8, 0.2, 0.12, facets=0.3),
        hills(stage, stage.horizon + 0.08, 0.06, 0.2, 1.4, 0.45, 0.22, facets=0.4),
        _field(stage),
        _grass(stage),
    ]


def _field(stage: Stage) -> Layer:
    layer = hills(stage, stage.horizon + 0.13, 0.035, 0.15, 1.2, 0.66, 0.35)
    p, far, low = stage.palette, stage.row(stage.horizon + 0.12), stage.height
    way = stage.width * (0.5 - 0.22 * stage.side)
    bend = stage.unit * float(stage.rng.uniform(0.1, 0.22)) * stage.side
    mask = blank(stage.width, stage.height)
    steps = np.linspace(0, 1, 24)
    middle = way + bend * np.sin(steps * 2.6) * (1 - 0.2 * steps)
    half = stage.unit * (0.008 + 0.17 * steps**1.8)
    down = far + (low - far) * steps**1.25
    left = [(float(x), float(y)) for x, y in zip(middle - half, down, strict=True)]
    right = [(float(x), float(y)) for x, y in zip(middle + half, down, strict=True)]
    draw_polygon(mask, [*left, *right[::-1]])
    path = (blurred(soft(mask), 3) * 0.5)[..., None]
    layer.colour += (tint(mix(p.far, p.horizon, 0.65)) - layer.colour) * path
    tufts = smooth(stage.rng, stage.width, stage.height, 10, stretch=0.4)
    layer.colour *= (0.92 + 0.16 * tufts)[..., None]
    return layer


def _grass(stage: Stage) -> Layer:
    """Blades at the lower edge, highest in the corners."""
    p, rng = stage.palette, stage.rng
    sheet = Sheet(stage.width, stage.height, mix(p.near, p.ink, 0.4))
    for _ in range(230):
        x = float(rng.random())
        tall = stage.row(0.035 + 0.13 * abs(x - 0.5) * 2 * float(rng.uniform(0.4, 1.0)))
        foot, lean = (x * stage.width, stage.height + 4.0), float(rng.normal(0, 0.35)) * tall
        wide = stage.unit * 0.007
        tip = (foot[0] + lean, foot[1] - tall)
        bow = (foot[0] + lean * 0.25, foot[1] - tall * 0.6)
        tone = mix(mix(p.near, p.far, 0.25 * float(rng.random())), p.ink, 0.45 * float(rng.random()))
        sheet.polygon([(foot[0] - wide, foot[1]), bow, tip, (bow[0] + wide, bow[1]), (foot[0] + wide, foot[1])], tone)
    return sheet.layer(FRONT)


def forest(stage: Stage) -> list[Layer]:
    """Firs before firs with mist between them, or tall trunks with light falling through."""
    stage.horizon = 0.72
    return _firs(stage) if stage.rng.random() < 0.5 else _trunks(stage)


def _firs(stage: Stage) -> list[Layer]:
    return [
        sky(stage, cloudy=0.5),
        _fir_row(stage, 19, 0.30, 0.72, 0.08, 0.12),
        _fir_row(stage, 13, 0.40, 0.77, 0.36, 0.22),
        hills(stage, 0.88, 0.06, 0.3, 1.5, 0.75, 0.4),
        _fir_row(stage, 7, 0.66, 0.99, 0.92, 0.75, sides=True),
    ]


def _fir_row(
    stage: Stage, count: int, tall: float, base: float, share: float, depth: float, *, sides: bool = False
) -> Layer:
    p, rng = stage.palette, stage.rng
    body = mix(p.far, p.near, share)
    low, high = mix(body, p.horizon, 0.55 * (1 - share)), mix(body, p.ink, 0.25 * share)
    sheet = Sheet(stage.width, stage.height, low)
    for index in range(count):
        x = (index + float(rng.uniform(0.1, 0.9))) / count
        if sides and 0.2 < x < 0.8:
            continue
        size = stage.row(tall) * float(rng.uniform(0.62, 1.0))
        _fir(stage, sheet, x * stage.width, stage.row(base), size, mix(high, low, float(rng.uniform(0, 0.3))))
    if not sides:
        sheet.rectangle(0, stage.row(base - tall * 0.1), stage.width, stage.height, low)
    layer = sheet.layer(depth)
    rise = np.clip((np.arange(stage.height) / stage.height - (base - tall)) / tall, 0, 1).astype(np.float32)
    mist = (rise**1.6 * 0.75 * (1 - share))[:, None, None]
    layer.colour += (tint(mix(p.horizon, WHITE, 0.1)) - layer.colour) * mist
    return layer


def _fir(stage: Stage, sheet: Sheet, x: float, base: float, tall: float, tone: tuple[float, float, float]) -> None:
    """Boughs that hang and overlap; the outline is one polygon, ragged by chance."""
    tiers, left, right = 11, [], []
    for tier in range(tiers):
        up = tier / tiers
        half = tall * 0.17 * (1 - up) ** 0.85 * float(stage.rng.uniform(0.8, 1.1))
        y = base - tall * (0.08 + 0.92 * up)
        hang = tall * 0.035
        left += [(x - half, y + hang), (x - half * 0.42, y - hang * 0.6)]
        right += [(x + half, y + hang), (x + half * 0.42, y - hang * 0.6)]
    sheet.rectangle(x - tall * 0.012, base - tall * 0.12, x + tall * 0.012, base, tone)
    sheet.polygon([*left, (x, base - tall * 1.03), *right[::-1]], tone)


def _trunks(stage: Stage) -> list[Layer]:
    stage.disc = False
    layers = [sky(stage, cloudy=0.3)]
    layers[0].colour *= 0.92
    for count, wide, share, depth in ((17, 0.016, 0.05, 0.1), (11, 0.03, 0.32, 0.2), (7, 0.055, 0.62, 0.3)):
        layers.append(_trunk_row(stage, count, wide, share, depth))
    ground = hills(stage, 0.86, 0.04, 0.3, 1.5, 0.75, 0.4)
    return [*layers, _shafts(stage), ground, _trunk_row(stage, 4, 0.13, 0.95, FRONT, sides=True)]


def _trunk_row(stage: Stage, count: int, wide: float, share: float, depth: float, *, sides: bool = False) -> Layer:
    p, rng = stage.palette, stage.rng
    tone = mix(mix(p.far, p.near, share), p.horizon, 0.55 * (1 - share) ** 2)
    sheet, foot = Sheet(stage.width, stage.height, tone), stage.row(1.02 if sides else 0.74 + 0.14 * share)
    for index in range(count):
        x = (index + float(rng.uniform(0.15, 0.85))) / count * stage.width
        if sides:
            x = stage.width * (0.02 if index % 2 else 0.98) + float(rng.normal(0, 0.02)) * stage.width
            if index > 1:
                continue
        half, lean = wide * stage.unit * float(rng.uniform(0.35, 0.6)), float(rng.normal(0, 0.02)) * stage.width
        own = mix(tone, p.ink, 0.2 * float(rng.random()))
        flare = [(x - half * 2.0, foot), (x - half, foot - half * 3), (x + lean - half * 0.7, -4)]
        sheet.polygon([*flare, (x + lean + half * 0.7, -4), (x + half, foot - half * 3), (x + half * 2.0, foot)], own)
        for _ in range(int(rng.integers(1, 4))):
            y, way = stage.row(float(rng.uniform(0.02, 0.42))), float(rng.choice([-1, 1]))
            reach = stage.unit * float(rng.uniform(0.06, 0.16)) * (0.6 + share)
            bough = [(x, y), (x + way * reach * 0.5, y - reach * 0.16), (x + way * reach, y - reach * 0.42),
                     (x + way * reach * 1.3, y - reach * 0.8)]  # fmt: skip
            for outline in ribbon(bough, half * 0.6, taper=True):
                sheet.polygon(outline, own)
    return sheet.layer(depth)


def _shafts(stage: Stage) -> Layer:
    """Light that falls aslant between the trunks."""
    mask, rng = blank(stage.width, stage.height), stage.rng
    x, slant = stage.light[0], float(rng.uniform(0.35, 0.6)) * (1 if stage.light[0] < stage.width / 2 else -1)
    for _ in range(7):
        start, wide = x + float(rng.normal(0, 0.22)) * stage.width, stage.unit * float(rng.uniform(0.02, 0.07))
        end = start + slant * stage.row(0.9)
        draw_polygon(mask, [(start, -10), (start + wide, -10), (end + wide * 3, stage.row(0.9)), (end, stage.row(0.9))])
    fade = np.linspace(1.0, 0.1, stage.height, dtype=np.float32)[:, None]
    cover = blurred(soft(mask), stage.unit * 0.012) * fade * 0.42
    colour = np.broadcast_to(tint(mix(stage.palette.horizon, WHITE, 0.5)), (stage.height, stage.width, 3))
    return Layer(colour=colour, cover=cover, depth=0.33, solid=False)
