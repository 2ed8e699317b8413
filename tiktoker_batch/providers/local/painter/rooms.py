"""Inside: a room with a window, a sill, a library, a laboratory, a hall of arches. Layers come far to near."""

import math
from collections.abc import Callable

import numpy as np

from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    Points,
    Sheet,
    blank,
    blurred,
    draw_oval,
    draw_polygon,
    glow_at,
    soft,
    tint,
)  # fmt: skip
from tiktoker_batch.providers.local.painter.noise import clouds, smooth
from tiktoker_batch.providers.local.painter.palette import Rgb, mix
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage, hills, sky

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


def room(stage: Stage) -> list[Layer]:
    """A wall, a window whose light falls across it, and a table or a floor."""
    _set(stage)
    box = _window_box(stage, arched=False)
    wall = _wall(stage, box, arched=stage.rng.random() < 0.35, bars=int(stage.rng.integers(1, 3)))
    return [_outside(stage), wall, _beam(stage, box), _surface(stage)]


def sill(stage: Stage) -> list[Layer]:
    """A wide window over its sill, the land outside, and curtains."""
    stage.horizon, stage.ground, stage.light = 0.46, 0.655, (stage.light[0], stage.row(0.26))
    outside = _outside(stage)
    far = hills(stage, 0.50, 0.08, 0.4, 1.8, 0.3, 0.06, facets=0.3)
    box = (stage.width * 0.10, stage.row(0.07), stage.width * 0.90, stage.row(0.645))
    wall = _wall(stage, box, arched=False, bars=1)
    stage.horizon = 0.645
    return [outside, far, wall, _curtains(stage, box), _surface(stage, top=0.645)]


def library(stage: Stage) -> list[Layer]:
    """Shelves full of spines on both sides of a tall window."""
    _set(stage)
    wide = stage.unit * 0.30
    middle = stage.width * (0.5 - 0.10 * stage.side)
    box = (middle - wide / 2, stage.row(0.10), middle + wide / 2, stage.row(0.52))
    wall = _wall(stage, box, arched=True, bars=1)
    shelves = _shelves(stage, [(-20, box[0] - wide * 0.22), (box[2] + wide * 0.22, stage.width + 20.0)], _spines)
    return [_outside(stage), wall, shelves, _beam(stage, box), _surface(stage)]


def laboratory(stage: Stage) -> list[Layer]:
    """Shelves with glowing glassware beside a window."""
    _set(stage)
    box = _window_box(stage, arched=False)
    wall = _wall(stage, box, arched=False, bars=2)
    free = (box[2] + 40, stage.width + 20.0) if box[0] < stage.width - box[2] else (-20.0, box[0] - 40)
    return [_outside(stage), wall, _shelves(stage, [free], _flasks), _beam(stage, box), _surface(stage)]


def hall(stage: Stage) -> list[Layer]:
    """Columns and arches leading to a bright end."""
    stage.horizon, stage.shine = 0.56, 0.35
    stage.ground = 0.66 if stage.on_table else 0.85
    p, width, rng = stage.palette, stage.width, stage.rng
    x = width * (0.5 - 0.10 * stage.side)
    stage.light = (x, stage.row(0.36))
    layers = [_outside(stage)]
    steps = 4
    for index in range(steps):
        share = (index + 1) / steps
        half = stage.unit * (0.13 + 0.36 * share**1.7)
        foot, spring = stage.row(0.56 + 0.34 * share**1.6), stage.row(0.40 - 0.20 * share)
        tone = mix(_plaster(stage), p.horizon, 0.45 * (1 - share) ** 1.5)
        tone = mix(tone, mix(p.near, p.ink, 0.5), share * (0.25 + 0.5 * stage.night))
        drift = (0.5 - 0.10 * stage.side * (1 - share)) * width
        layers.append(_arch(stage, (drift, spring, half, foot), tone, 0.08 + 0.09 * index))
    glow = glow_at(width, stage.height, x, stage.row(0.46), stage.unit * float(rng.uniform(0.75, 1.0))) * 0.4
    air = np.broadcast_to(tint(mix(p.horizon, WHITE, 0.35)), (stage.height, width, 3))
    layers.append(Layer(colour=air, cover=glow.astype(np.float32), depth=0.40, solid=False))
    return layers if not stage.on_table else [*layers, _surface(stage, top=0.60)]


def _set(stage: Stage) -> None:
    stage.horizon = 0.56 if stage.on_table else 0.74
    stage.ground = 0.655 if stage.on_table else 0.86


def _outside(stage: Stage) -> Layer:
    """What is seen through an opening: the sky."""
    view = sky(stage, cloudy=0.7)
    stage.lit = False  # the light comes through a window: no rays across the wall
    return view


def _window_box(stage: Stage, *, arched: bool) -> Box:
    wide = stage.unit * float(stage.rng.uniform(0.34, 0.48))
    middle = stage.width * (0.5 - stage.side * float(stage.rng.uniform(0.12, 0.22)))
    top = stage.row(float(stage.rng.uniform(0.07, 0.13)))
    return middle - wide / 2, top, middle + wide / 2, top + min(wide * 1.45, stage.row(0.36))


def _plaster(stage: Stage) -> Rgb:
    """Light and warm by day, dim by night."""
    p = stage.palette
    day = max(0.0, 1 - stage.night * 1.6)
    return mix(mix(mix(p.far, p.near, 0.62 - 0.3 * day), p.horizon, 0.06 + 0.26 * day), p.accent, 0.10 * day)


def _opening(box: Box, more: float, *, arched: bool) -> Points:
    left, top, right, bottom = box[0] - more, box[1] - more, box[2] + more, box[3] + more
    if not arched:
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    r, middle = (right - left) / 2, (left + right) / 2
    round_top = [
        (middle - r * math.cos(step * math.pi / 24), top + r - r * math.sin(step * math.pi / 24)) for step in range(25)
    ]
    return [*round_top, (right, bottom), (left, bottom)]


def _wall(stage: Stage, box: Box, *, arched: bool, bars: int) -> Layer:
    """A wall with a window in it; light pools around the window."""
    p, width, height = stage.palette, stage.width, stage.height
    sheet = Sheet(width, height, mix(p.far, p.near, 0.6))
    sheet.rectangle(-4, -4, width + 4, height + 4, _plaster(stage))
    frame = mix(mix(p.near, p.ink, 0.35), p.horizon, 0.12)
    edge = stage.unit * 0.022
    sheet.polygon(_opening(box, edge, arched=arched), frame)
    layer = sheet.layer(0.12)
    pane, cross = blank(width, height), blank(width, height)
    draw_polygon(pane, _opening(box, 0, arched=arched))
    for bar in range(1, bars + 1):
        x = box[0] + (box[2] - box[0]) * bar / (bars + 1)
        draw_polygon(cross, [(x - 4, box[1]), (x + 4, box[1]), (x + 4, box[3]), (x - 4, box[3])])
    for y in (box[1] + (box[3] - box[1]) * 0.5,):
        draw_polygon(cross, [(box[0], y - 4), (box[2], y - 4), (box[2], y + 4), (box[0], y + 4)])
    glass = np.clip(soft(pane) - soft(cross), 0, 1)
    barred = np.minimum(soft(pane), soft(cross))[..., None]
    layer.colour += (tint(frame) - layer.colour) * barred
    rough = clouds(stage.rng, width, height, stage.unit * 0.4, 3)
    layer.colour *= (0.90 + 0.18 * rough)[..., None]
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    pool = glow_at(width, height, *middle, stage.unit * 1.15)
    layer.colour *= (0.52 + 0.62 * pool)[..., None]
    layer.colour += pool[..., None] * (tint(p.horizon) * 0.13)
    layer.cover = 1 - glass
    np.clip(layer.colour, 0, 1, out=layer.colour)
    return layer


def _beam(stage: Stage, box: Box) -> Layer:
    """Light from the window, slanting towards where the figure is, with the shadow of the bars in it."""
    mask = blank(stage.width, stage.height)
    shift = stage.side * stage.unit * 0.42
    down = stage.row(0.44)
    middle, gap = (box[0] + box[2]) / 2, (box[2] - box[0]) * 0.04
    for left, right in ((box[0], middle - gap), (middle + gap, box[2])):
        draw_polygon(
            mask, [(left, box[1]), (right, box[1]), (right + shift, box[3] + down), (left + shift, box[3] + down)]
        )
    fade = np.clip(1.1 - np.arange(stage.height, dtype=np.float32) / (box[3] + down), 0, 1)[:, None] ** 0.8
    cover = blurred(soft(mask), stage.unit * 0.02) * fade * 0.30
    colour = np.broadcast_to(tint(mix(stage.palette.horizon, WHITE, 0.35)), (stage.height, stage.width, 3))
    return Layer(colour=colour, cover=cover, depth=0.38, solid=False)


def _surface(stage: Stage, top: float | None = None) -> Layer:
    """A table top or a floor: grained, light where the window shines on it, calm enough to read on."""
    p, width, height = stage.palette, stage.width, stage.height
    edge = stage.row(top if top is not None else stage.horizon)
    body = mix(mix(mix(p.near, p.far, 0.28), p.horizon, 0.12), p.accent, 0.16 * max(0.0, 1 - 2 * stage.night))
    sheet = Sheet(width, height, body)
    sheet.rectangle(-4, edge, width + 4, height + 4, body)
    sheet.rectangle(-4, edge, width + 4, edge + stage.row(0.006), mix(body, p.horizon, 0.45))
    layer = sheet.layer(0.35)
    down = np.clip((np.arange(height, dtype=np.float32) - edge) / (height - edge), 0, 1)
    layer.colour *= (1.06 - 0.62 * down**0.8)[:, None, None]
    grain = (
        smooth(stage.rng, width, height, 5, stretch=30) * 0.6 + smooth(stage.rng, width, height, 19, stretch=16) * 0.6
    )
    layer.colour *= (0.84 + 0.28 * grain)[..., None]
    shine = glow_at(width, height, width * (0.5 + 0.16 * stage.side), edge, stage.unit * 0.7)[..., None]
    layer.colour += shine * (tint(mix(p.horizon, WHITE, 0.2)) * 0.26)
    np.clip(layer.colour, 0, 1, out=layer.colour)
    stage.shine = max(stage.shine, 0.22)
    return layer


def _curtains(stage: Stage, box: Box) -> Layer:
    """Two curtains, drawn aside."""
    p = stage.palette
    tone = mix(mix(p.far, p.accent, 0.25), p.near, 0.3)
    sheet = Sheet(stage.width, stage.height, tone)
    for side in (-1, 1):
        outer = stage.width * (0.5 + side * 0.56)
        for fold in range(7):
            x0, x1 = (outer - side * stage.unit * 0.035 * (fold + part) for part in (0.0, 1.15))
            pinch = stage.unit * 0.010 * fold * side
            own = mix(tone, p.ink if fold % 2 else p.horizon, 0.14)
            sheet.polygon(
                [(x0, -4), (x1, -4), (x1 + pinch, stage.row(0.4)), (x1 - pinch * 0.3, box[3]), (x0, box[3])], own
            )
    return sheet.layer(0.3)


def _shelves(
    stage: Stage, spans: list[tuple[float, float]], fill: Callable[[Stage, Sheet, float, float, float, float], None]
) -> Layer:
    p = stage.palette
    wood = mix(p.near, p.ink, 0.25)
    sheet = Sheet(stage.width, stage.height, wood)
    bottom = stage.row(stage.horizon)
    high = stage.unit * 0.155
    for left, right in spans:
        sheet.rectangle(left, -4, right, bottom, mix(wood, p.ink, 0.45))
        y = bottom - high * 0.2
        while y > 0:
            fill(stage, sheet, left, right, y, high)
            sheet.rectangle(left, y, right, y + high * 0.09, mix(wood, p.horizon, 0.14))
            y -= high
        for edge in (left, right):
            sheet.rectangle(edge - 5, -4, edge + 5, bottom, wood)
    layer = sheet.layer(0.2)
    pool = glow_at(stage.width, stage.height, stage.width * 0.5, stage.row(0.34), stage.unit * 1.2)
    layer.colour *= (0.55 + 0.6 * pool)[..., None]
    return layer


def _spines(stage: Stage, sheet: Sheet, left: float, right: float, y: float, high: float) -> None:
    """Books side by side, some leaning, gaps between."""
    p, rng, x = stage.palette, stage.rng, left + 6
    hues: list[Rgb] = [p.accent, p.far, p.middle, p.horizon, mix(p.near, p.accent, 0.5), mix(p.near, p.middle, 0.4)]
    while x < right - 8:
        w, tall = high * float(rng.uniform(0.09, 0.20)), high * float(rng.uniform(0.55, 0.84))
        if rng.random() < 0.9:
            tone = mix(hues[int(rng.integers(len(hues)))], p.ink, float(rng.uniform(0.35, 0.6)))
            lean = w * float(rng.choice([0, 0, 0, 0.5]))
            sheet.polygon([(x, y), (x + w, y), (x + w + lean, y - tall), (x + lean, y - tall)], tone)
            sheet.rectangle(x + w * 0.1, y - tall * 0.8, x + w * 0.9, y - tall * 0.74, mix(tone, p.horizon, 0.4))
        x += w * 1.06


def _flasks(stage: Stage, sheet: Sheet, left: float, right: float, y: float, high: float) -> None:
    """Round and pointed glasses, some with something bright in them."""
    p, rng, x = stage.palette, stage.rng, left + high * 0.3
    while x < right - high * 0.2:
        r = high * float(rng.uniform(0.16, 0.27))
        glass, drink = mix(p.far, WHITE, 0.25), mix(p.accent, WHITE, float(rng.uniform(0, 0.4)))
        neck = y - r * float(rng.uniform(2.4, 3.0))
        sheet.rectangle(x - r * 0.28, neck, x + r * 0.28, y - r, glass)
        if rng.random() < 0.5:
            sheet.oval((x - r, y - 2 * r, x + r, y), glass)
            sheet.oval((x - r * 0.82, y - 1.3 * r, x + r * 0.82, y - 0.08 * r), drink)
        else:
            sheet.polygon([(x - r * 0.28, y - r * 1.8), (x + r * 0.28, y - r * 1.8), (x + r, y), (x - r, y)], glass)
            sheet.polygon(
                [(x - r * 0.6, y - r * 0.9), (x + r * 0.6, y - r * 0.9), (x + r * 0.9, y), (x - r * 0.9, y)], drink
            )
        x += r * float(rng.uniform(2.4, 3.6))


def _arch(stage: Stage, form: tuple[float, float, float, float], tone: Rgb, depth: float) -> Layer:
    """A wall with one arch through it, and the floor before it."""
    x, spring, half, foot = form
    p, width, height = stage.palette, stage.width, stage.height
    sheet = Sheet(width, height, tone)
    sheet.rectangle(-4, -4, width + 4, height + 4, tone)
    floor = mix(mix(tone, p.near, 0.4), p.horizon, 0.10)
    sheet.rectangle(-4, foot, width + 4, height + 4, floor)
    sheet.rectangle(-4, foot, width + 4, foot + height * 0.004, mix(floor, p.horizon, 0.3))
    for side in (-1, 1):
        inner = x + side * half
        wide = half * 0.22
        sheet.rectangle(
            min(inner, inner + side * wide), spring, max(inner, inner + side * wide), foot, mix(tone, p.horizon, 0.12)
        )
        sheet.rectangle(
            min(inner, inner + side * wide * 1.4) - 2, spring - half * 0.07,
            max(inner, inner + side * wide * 1.4) + 2, spring + half * 0.05, mix(tone, p.horizon, 0.2),
        )  # fmt: skip
    hole = blank(width, height)
    draw_polygon(hole, [(x - half, spring), (x + half, spring), (x + half, foot), (x - half, foot)])
    draw_oval(hole, (x - half, spring - half, x + half, spring + half))
    layer = sheet.layer(depth)
    rough = clouds(stage.rng, width, height, stage.unit * 0.2, 4)
    layer.colour *= (0.86 + 0.26 * rough)[..., None]
    layer.cover = 1 - soft(hole)
    return layer
