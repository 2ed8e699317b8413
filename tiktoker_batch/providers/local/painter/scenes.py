"""Places: each gives the layers of its picture, far to near. Words choose the place; chance places things in it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    Mask,
    blank,
    blurred,
    draw_line,
    draw_oval,
    draw_polygon,
    glow_at,
    soft,
    tinted,
)
from tiktoker_batch.providers.local.painter.noise import clouds, ridge, smooth
from tiktoker_batch.providers.local.painter.palette import Palette, Rgb, mix, vertical

WHITE: Rgb = (1.0, 0.99, 0.95)


@dataclass(slots=True)
class Stage:
    """What a scene is built from. ``light`` is where it comes from (x, y in pixels), ``night`` how dark it is (0 to 1)."""

    width: int
    height: int
    rng: np.random.Generator
    palette: Palette
    night: float
    light: tuple[float, float]
    horizon: float = 0.6  # share of the height
    ground: float = 0.84  # where a subject stands

    def row(self, share: float) -> float:
        """A height in pixels."""
        return share * self.height


def sky(stage: Stage, *, cloudy: float = 0.5, disc: bool = True) -> Layer:
    """Gradient, clouds, stars at night, and a sun or moon with its glow."""
    p, (width, height) = stage.palette, (stage.width, stage.height)
    shade = vertical([p.top, p.middle, p.horizon, p.horizon], height, [0, stage.horizon * 0.55, stage.horizon, 1])
    colour = np.broadcast_to(shade[:, None, :], (height, width, 3)).copy()
    if stage.night > 0.4:
        colour += _stars(stage)[..., None] * np.array(mix(WHITE, p.accent, 0.2), dtype=np.float32)
    x, y = stage.light
    halo = glow_at(width, height, x, y, width * 0.75)
    colour += halo[..., None] * np.array(mix(p.horizon, WHITE, 0.3), dtype=np.float32) * 0.42
    if cloudy:
        field = clouds(stage.rng, width, height, width * 0.45, stretch=2.2)
        body = np.clip((field - (1 - cloudy * 0.75)) * 3.2, 0, 1) * np.linspace(1, 0.35, height)[:, None]
        tone = np.array(mix(p.horizon, WHITE, 0.35 * (1 - stage.night)), dtype=np.float32)
        colour = colour * (1 - body[..., None] * 0.55) + tone * (body[..., None] * 0.55)
    if disc:
        radius = width * float(stage.rng.uniform(0.07, 0.12))
        mask = blank(width, height)
        draw_oval(mask, (x - radius, y - radius, x + radius, y + radius))
        cover = soft(mask)[..., None]
        face = np.array(mix(WHITE, p.horizon if stage.night > 0.4 else p.accent, 0.25), dtype=np.float32)
        colour = colour * (1 - cover) + face * cover
    return Layer(colour=np.clip(colour, 0, 1), cover=np.ones((height, width), np.float32), depth=0.0)


def _stars(stage: Stage) -> Mask:
    field = np.zeros((stage.height, stage.width), np.float32)
    count = int(420 * stage.night)
    ys = (stage.rng.random(count) ** 1.3 * stage.row(stage.horizon)).astype(int)
    xs = stage.rng.integers(0, stage.width, count)
    field[ys, xs] = stage.rng.uniform(0.35, 1.0, count)
    bright = blurred(field, 1.2) * 5
    return np.clip(np.maximum(field * 0.8, bright), 0, 1) * 0.9


def _below(stage: Stage, line: np.ndarray) -> Mask:
    mask = blank(stage.width, stage.height)
    points = [(float(x), float(y)) for x, y in zip(np.linspace(0, stage.width, len(line)), line, strict=True)]
    draw_polygon(mask, [*points, (stage.width, stage.height), (0, stage.height)])
    return soft(mask)


def hills(stage: Stage, top: float, rise: float, roughness: float, waves: float, share: float, depth: float) -> Layer:
    """A range whose peaks reach ``rise`` above ``top``; ``share`` of the near colour, the rest is haze."""
    line = stage.row(top) - ridge(stage.rng, stage.width // 2, roughness, waves) * stage.row(rise)
    p = stage.palette
    body = mix(p.far, p.near, share)
    layer = tinted(_below(stage, line), mix(body, p.horizon, 0.25 * (1 - share)), mix(body, p.horizon, 0.5 * (1 - share)), depth)
    grain = clouds(stage.rng, stage.width, stage.height, stage.width * 0.12, 4)
    layer.colour *= (0.86 + 0.28 * grain)[..., None]
    return layer


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
        layer = hills(stage, stage.horizon + top, rise, 0.22, 1.5 + index * 0.4, 0.15 + index * 0.3, 0.15 + index * 0.22)
        ripples = smooth(stage.rng, stage.width, stage.height, 9 + index * 5, stretch=9)
        layer.colour *= (0.93 + 0.14 * ripples)[..., None]
        layers.append(layer)
    return layers


def sea(stage: Stage) -> list[Layer]:
    """Water to the horizon, glittering under the light, and a rock or shore to stand on."""
    stage.horizon = float(stage.rng.uniform(0.55, 0.64))
    p, width, height = stage.palette, stage.width, stage.height
    top = stage.row(stage.horizon)
    shade = vertical([mix(p.horizon, p.far, 0.45), mix(p.middle, p.near, 0.55), p.near], height, [stage.horizon, 0.75, 1])
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
    colour += glitter[..., None] * np.array(mix(WHITE, p.horizon, 0.3), np.float32) * 0.9
    cover = np.clip(ys - top, 0, 1)[:, None].repeat(width, 1).astype(np.float32)
    water = Layer(colour=np.clip(colour, 0, 1).astype(np.float32), cover=cover, depth=0.22)
    coast = hills(stage, stage.horizon + 0.012, 0.06, 0.5, 1.6, 0.12, 0.12)
    rock = hills(stage, 0.97, 0.16, 0.62, 1.7, 0.95, 0.7)
    return [sky(stage, cloudy=0.75), coast, water, rock]


def deep(stage: Stage) -> list[Layer]:
    """Under water: shafts of light, a rocky floor, weeds and rising bubbles."""
    stage.horizon, stage.ground = 0.86, 0.80
    p, width, height = stage.palette, stage.width, stage.height
    shade = vertical([mix(p.middle, WHITE, 0.35), p.middle, mix(p.middle, p.near, 0.6), p.near], height, [0, 0.25, 0.65, 1])
    colour = np.broadcast_to(shade[:, None, :], (height, width, 3)).copy()
    lean = float(stage.rng.uniform(-0.35, 0.35))
    xs = np.arange(width)[None, :] + np.arange(height)[:, None] * lean
    shaft = smooth(stage.rng, width * 2, 2, 46)[0]
    rays = np.interp(np.mod(xs, width * 2), np.arange(width * 2), shaft)
    rays = np.clip((rays - 0.45) * 2, 0, 1) * np.linspace(1, 0, height)[:, None] ** 1.4
    colour += rays[..., None].astype(np.float32) * np.array(mix(WHITE, p.horizon, 0.4), np.float32) * 0.35
    water = Layer(colour=np.clip(colour, 0, 1).astype(np.float32), cover=np.ones((height, width), np.float32), depth=0.0)
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
        draw_line(mask, [(x, y), (x + sway, y - tall * 0.4), (x - sway, y - tall * 0.7), (x + sway * 0.5, y - tall)], 22, taper=True)
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


def city(stage: Stage) -> list[Layer]:
    """Rows of buildings with lit windows, and their light on a wet street."""
    stage.horizon = 0.78
    rows = [_skyline(stage, 0.40, 0.10, 0.05, 0.2, 0.12), _skyline(stage, 0.34, 0.13, 0.08, 0.55, 0.3)]
    return [sky(stage, cloudy=0.6), *rows, _street(stage), _skyline(stage, 0.62, 0.20, 0.14, 0.95, 0.6, sides=True)]


def _skyline(stage: Stage, rise: float, wide: float, least: float, share: float, depth: float, *, sides: bool = False) -> Layer:
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
    layer = tinted(cover, mix(mix(p.far, p.near, share), p.ink, 0.2 * share), mix(mix(p.far, p.near, share), p.horizon, 0.35 * (1 - share)), depth)
    light = soft(lit) * cover
    warm = np.array(mix(p.accent, WHITE, 0.35), np.float32)
    glow = np.clip(light * (0.35 + 0.6 * share) + blurred(light, 14) * 0.5, 0, 1)[..., None]
    layer.colour = layer.colour * (1 - glow) + warm * glow
    return layer


def _building(stage: Stage, body: "object", lit: "object", x: float, base: float, w: float, tall: float) -> None:
    rng = stage.rng
    top = base - tall
    draw_polygon(body, [(x, base), (x, top), (x + w, top), (x + w, base)])  # type: ignore[arg-type]
    roof = rng.random()
    if roof < 0.25:
        draw_polygon(body, [(x, top), (x + w / 2, top - w * 0.3), (x + w, top)])  # type: ignore[arg-type]
    elif roof < 0.5:
        draw_line(body, [(x + w / 2, top), (x + w / 2, top - tall * 0.16)], 3)  # type: ignore[arg-type]
    columns = max(2, int(w / 17))
    step = w / columns
    for column in range(columns):
        for row in range(int(tall / 22)):
            if rng.random() < 0.30 + 0.25 * stage.night:
                left, up = x + step * (column + 0.28), top + 10 + row * 22
                draw_polygon(lit, [(left, up), (left + step * 0.44, up), (left + step * 0.44, up + 10), (left, up + 10)])  # type: ignore[arg-type]


def _street(stage: Stage) -> Layer:
    p, width, height = stage.palette, stage.width, stage.height
    ys = np.arange(height, dtype=np.float32)
    near = np.clip((ys - stage.row(0.78)) / stage.row(0.22), 0, 1)
    shade = vertical([mix(p.near, p.horizon, 0.35), p.near, p.ink], height, [0.78, 0.86, 1])
    colour = np.broadcast_to(shade[:, None, :], (height, width, 3)).copy()
    streaks = smooth(stage.rng, width, height, 26, stretch=0.25) * smooth(stage.rng, width, height, 5, stretch=6)
    wet = np.clip(streaks * 2.2 - 0.55, 0, 1) * (1 - near[:, None] * 0.5)
    colour += wet[..., None] * np.array(mix(p.accent, WHITE, 0.2), np.float32) * 0.55
    cover = np.clip(ys - stage.row(0.78), 0, 1)[:, None].repeat(width, 1).astype(np.float32)
    return Layer(colour=np.clip(colour, 0, 1).astype(np.float32), cover=cover, depth=0.4)


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


def _trees(stage: Stage, count: int, tall: float, base: float, share: float, depth: float, *, sides: bool = False) -> Layer:
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
    return tinted(cover, mix(body, stage.palette.ink, 0.25 * share), mix(body, stage.palette.horizon, 0.55 * (1 - share)), depth)


def _conifer(stage: Stage, mask: "object", x: float, base: float, tall: float) -> None:
    draw_line(mask, [(x, base), (x, base - tall * 0.8)], tall * 0.03)  # type: ignore[arg-type]
    tiers = 7
    for tier in range(tiers):
        up, half = base - tall * (0.12 + 0.125 * tier), tall * 0.19 * (1 - tier / (tiers + 0.6))
        droop = float(stage.rng.uniform(0.01, 0.03)) * tall
        draw_polygon(mask, [(x - half, up + droop), (x, up - tall * 0.2), (x + half, up + droop), (x, up - droop)])  # type: ignore[arg-type]


def space(stage: Stage) -> list[Layer]:
    """Stars, a nebula, a planet with or without a ring."""
    stage.horizon, stage.night, stage.ground = 1.0, 1.0, 0.74
    p, width, height = stage.palette, stage.width, stage.height
    base = np.broadcast_to(vertical([mix(p.top, p.ink, 0.7), mix(p.near, p.ink, 0.6)], height)[:, None, :], (height, width, 3)).copy()
    veil, dust = clouds(stage.rng, width, height, width * 0.6, 5), clouds(stage.rng, width, height, width * 0.3, 5)
    base += (np.clip(veil - 0.42, 0, 1) ** 1.5 * 1.5)[..., None] * np.array(p.middle, np.float32)
    base += (np.clip(dust * veil - 0.38, 0, 1) ** 1.4 * 2.2)[..., None] * np.array(p.accent, np.float32)
    base += _stars(stage)[..., None]
    far = Layer(colour=np.clip(base, 0, 1).astype(np.float32), cover=np.ones((height, width), np.float32), depth=0.0)
    return [far, _planet(stage)]


def _planet(stage: Stage) -> Layer:
    rng, p, width = stage.rng, stage.palette, stage.width
    x, y, r = rng.choice([0.2, 0.78]) * width, stage.row(float(rng.uniform(0.16, 0.34))), width * float(rng.uniform(0.18, 0.32))
    mask = blank(width, stage.height)
    draw_oval(mask, (x - r, y - r, x + r, y + r))
    cover = soft(mask)
    bands = smooth(rng, width, stage.height, r * 0.16, stretch=12)
    colour = np.array(p.far, np.float32) * (1 - bands[..., None]) + np.array(p.horizon, np.float32) * bands[..., None]
    lit = glow_at(width, stage.height, x - r * 0.5, y - r * 0.5, r * 2.4)
    layer = Layer(colour=np.clip(colour * (0.12 + 1.1 * lit[..., None]), 0, 1).astype(np.float32), cover=cover, depth=0.2)
    return layer


def room(stage: Stage) -> list[Layer]:
    """A room with a window and a table, for things that stand on tables."""
    stage.horizon, stage.ground = 0.70, 0.80
    p, rng, width, height = stage.palette, stage.rng, stage.width, stage.height
    wall = tinted(np.ones((height, width), np.float32), mix(p.far, p.near, 0.45), mix(p.far, p.near, 0.75), 0.1)
    wall.colour *= (0.9 + 0.2 * clouds(rng, width, height, width * 0.5, 3))[..., None]
    left = width * float(rng.choice([0.12, 0.46]))
    box = (left, stage.row(0.12), left + width * 0.42, stage.row(0.52))
    outside = sky(stage, cloudy=0.7)
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
    wall.colour = wall.colour * (1 - rim) + np.array(mix(p.near, p.ink, 0.4), np.float32) * rim
    fall = glow_at(width, height, middle_x, stage.row(0.62), width * 0.9)[..., None]
    wall.colour = np.clip(wall.colour + fall * np.array(p.horizon, np.float32) * 0.30, 0, 1).astype(np.float32)
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


SCENES: dict[str, Callable[[Stage], list[Layer]]] = {
    "mountains": mountains, "dunes": dunes, "sea": sea, "deep": deep, "city": city, "forest": forest, "space": space,
    "room": room,
}  # fmt: skip

WORDS: dict[str, str] = {
    "underwater": "deep", "octopus": "deep", "coral": "deep", "corals": "deep", "reef": "deep", "whale": "deep",
    "fish": "deep", "sea floor": "deep", "under the sea": "deep", "deep sea": "deep", "sea": "sea", "ocean": "sea",
    "harbour": "sea", "harbor": "sea", "lighthouse": "sea", "ship": "sea", "pier": "sea", "coast": "sea", "beach": "sea",
    "storm": "sea", "waves": "sea", "sailor": "sea", "city": "city", "street": "city", "neon": "city", "market": "city",
    "detective": "city", "alley": "city", "town": "city", "rooftop": "city", "traffic": "city", "tower": "city",
    "desert": "dunes", "dune": "dunes", "dunes": "dunes", "sand": "dunes", "camel": "dunes", "pyramid": "dunes",
    "forest": "forest", "woods": "forest", "tree": "forest", "trees": "forest", "jungle": "forest", "fox": "forest",
    "space": "space", "planet": "space", "star": "space", "stars": "space", "galaxy": "space", "astronaut": "space",
    "nebula": "space", "rocket": "space", "orbit": "space", "moon": "space", "table": "room", "window": "room",
    "windowsill": "room", "room": "room", "kitchen": "room", "library": "room", "cup": "room", "tea": "room",
    "desk": "room", "workshop": "room", "laboratory": "room", "clock": "room", "clockmaker": "room", "coffee": "room",
    "jar": "room", "tomb": "room", "book": "room", "robot": "room", "cat": "room", "palace": "room", "lamp": "room",
    "mountain": "mountains", "mountains": "mountains", "valley": "mountains", "castle": "mountains", "cliff": "mountains",
}  # fmt: skip


def choose(prompt: str, rng: np.random.Generator) -> str:
    """The place that the prompt speaks of: longest name first; an open landscape where it names none."""
    text = prompt.lower()
    for phrase in sorted(WORDS, key=lambda word: (-word.count(" "), _position(text, word))):
        if _position(text, phrase) < len(text):
            return WORDS[phrase]
    return str(rng.choice(["mountains", "dunes", "sea", "forest"]))


def _position(text: str, word: str) -> int:
    found = re.search(rf"\b{re.escape(word)}\b", text)
    return found.start() if found else len(text)
