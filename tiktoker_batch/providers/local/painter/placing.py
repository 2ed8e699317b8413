"""Where figures stand in a scene, how large, and what joins them to it: shadow, reflection, a rock in the sea."""

import re

import numpy as np
from PIL import Image

from tiktoker_batch.providers.local.painter import figures
from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    Pixels,
    blank,
    blurred,
    composed,
    draw_oval,
    draw_polygon,
    glow_at,
    luma,
    part_of,
    soft,
    tint,
    tinted,
)  # fmt: skip
from tiktoker_batch.providers.local.painter.drawing import Pose, draw_figure
from tiktoker_batch.providers.local.painter.noise import ridge
from tiktoker_batch.providers.local.painter.palette import Rgb, mix
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage

CLOSE = re.compile(r"\b(close|closeup|detail|portrait|macro|near)\b")
WIDE = re.compile(r"\b(wide|long|establishing|aerial|panorama|tiny|small in the frame|distant|far)\b")
INDOORS = frozenset(["room", "library", "hall", "laboratory", "sill"])
FIGURE_DEPTH, LANDMARK_DEPTH = 0.62, 0.3

# Widths as shares of the frame's shorter side.
WIDTHS: dict[str, float] = {
    "child": 0.36, "cat": 0.50, "dog": 0.46, "fox": 0.50, "owl": 0.36, "horse": 0.66, "bird": 0.46, "butterfly": 0.36,
    "bee": 0.34, "fish": 0.46, "shark": 0.74, "whale": 0.80, "octopus": 0.70, "jellyfish": 0.46, "anglerfish": 0.66,
    "dragon": 0.74, "robot": 0.50, "lighthouse": 0.36, "castle": 0.80, "tower": 0.36, "house": 0.62, "temple": 0.80,
    "pyramid": 0.86, "bridge": 1.0, "windmill": 0.52, "tree": 0.72, "lamppost": 0.36, "cup": 0.50, "book": 0.58,
    "candle": 0.26, "hourglass": 0.34, "lamp": 0.42, "crown": 0.46, "heart": 0.50, "brain": 0.56, "key": 0.46,
    "ship": 0.66, "car": 0.72, "train": 0.86, "rocket": 0.40, "spaceship": 0.66, "telescope": 0.50, "mushroom": 0.50,
}  # fmt: skip
WARM = frozenset(
    [
        "flower", "mushroom", "butterfly", "heart", "fox", "jar", "coffeepot", "dragon", "bee", "crown", "octopus",
        "jellyfish", "fish", "balloon", "lantern", "horse",
    ]
)  # fmt: skip


def nearness(prompt: str, rng: np.random.Generator) -> float:
    """How large the figure is, from the prompt's words for framing, else by chance."""
    if CLOSE.search(prompt.lower()):
        return 1.34
    return 0.62 if WIDE.search(prompt.lower()) else float(rng.choice([0.78, 0.92, 1.0, 1.08]))


def placed(stage: Stage, scene: list[Layer], prompt: str, place: str) -> list[Layer]:
    """The layers of what the prompt names: one figure, and out of doors one landmark behind it."""
    named = figures.find_all(prompt)
    main = figures.find(prompt)
    if main is None:
        return []
    behind = [name for name in named if name in figures.LANDMARKS and name != main and place not in INDOORS | {"deep"}]
    layers = _landmark(stage, scene, behind[0]) if behind else []
    several = figures.SEVERAL.search(prompt.lower()) is not None
    return layers + _figure(stage, scene + layers, main, place, nearness(prompt, stage.rng), several=several)


def _figure(
    stage: Stage, scene: list[Layer], name: str, place: str, near: float, *, several: bool = False
) -> list[Layer]:
    rng, unit = stage.rng, stage.unit
    width = WIDTHS.get(name, 0.40) * unit * near
    tall = width * figures.extent(name)
    if tall > 0.72 * stage.height:
        width, tall = width * 0.72 * stage.height / tall, 0.72 * stage.height
    aside = 0.05 if width > 0.5 * unit else 0.15
    x = stage.width * (0.5 + stage.side * aside) + float(rng.uniform(-0.02, 0.02)) * stage.width
    floats = name in figures.FLOATING or (place in {"deep", "space"} and name not in figures.LANDMARKS)
    feet = stage.row(stage.ground) + tall * 0.12 * max(0.0, near - 1) * 2
    bottom = stage.row(float(rng.uniform(0.38, 0.43))) + tall / 2 if floats else feet
    pose = Pose(left=x - width / 2, top=bottom - tall, width=width, mirrored=stage.side > 0)
    body = _body(stage, scene, name, pose, tall)
    thing = draw_figure(stage, name, pose, body, FIGURE_DEPTH)
    halo = glow_at(stage.width, stage.height, x, bottom - tall * 0.62, max(width, tall) * 1.1) * 0.30
    air = np.broadcast_to(tint(mix(stage.palette.horizon, WHITE, 0.25)), (stage.height, stage.width, 3))
    # Light in the air belongs to the background: in the foreground it would drag a ghost of the sky along.
    glow = Layer(colour=air, cover=halo.astype(np.float32), depth=0.45, solid=False)
    company = _company(stage, name, pose, body) if several and not floats else []
    return [glow, *company, *_footing(stage, name, place, (x, bottom, width), thing, floats=floats), thing]


def _company(stage: Stage, name: str, pose: Pose, body: Rgb) -> list[Layer]:
    """Two more of a kind, a little behind the first and turned to it."""
    foot, layers = pose.top + pose.width * figures.extent(name), []
    for side, share in ((-stage.side, 0.86), (-2.1 * stage.side, 0.80)):
        width = pose.width * share
        left = pose.left + side * pose.width * 0.74
        top = foot - stage.row(0.012) - width * figures.extent(name)
        own = mix(body, mix(stage.palette.far, stage.palette.near, 0.5), 0.28)
        other = Pose(left=left, top=top, width=width, mirrored=not pose.mirrored)
        layers.append(draw_figure(stage, name, other, own, FIGURE_DEPTH - 0.05))
    return layers


def _footing(
    stage: Stage, name: str, place: str, where: tuple[float, float, float], thing: Layer, *, floats: bool
) -> list[Layer]:
    x, bottom, width = where
    if floats:
        return []
    if place == "sea":
        if name == "ship":
            return [_reflection(stage, thing, bottom, 0.45, FIGURE_DEPTH - 0.01)]
        return [_islet(stage, x, bottom, max(width, 0.3 * stage.unit), FIGURE_DEPTH - 0.01)]
    joined = [_shadow(stage, x, bottom, width, FIGURE_DEPTH - 0.02)]
    if stage.shine > 0:
        joined.append(_reflection(stage, thing, bottom, stage.shine * 0.55, FIGURE_DEPTH - 0.01))
    return joined


def _body(stage: Stage, scene: list[Layer], name: str, pose: Pose, tall: float) -> Rgb:
    """Dark before a bright place, light before a dark one, so that it always stands out."""
    p = stage.palette
    top, left = max(0, int(pose.top)), max(0, int(pose.left))
    rows = slice(top, max(top + 2, min(stage.height, int(pose.top + tall))))
    columns = slice(left, max(left + 2, min(stage.width, int(pose.left + pose.width))))
    behind = composed([part_of(layer, (rows, columns)) for layer in scene])
    bright = float(luma(behind).mean())
    # By day things show their colour; by night they are shapes before a light.
    day = stage.night < 0.3
    warmth = (0.66 if day else 0.5) if name in WARM else 0.34 if day and name not in figures.LANDMARKS else 0.10
    body = mix(mix(p.near, p.ink, 0.45 if bright > 0.25 and not day else 0.1), p.accent, warmth)
    own = float(luma(tint(body)))
    if abs(own - bright) >= (0.16 if day else 0.2):
        return body
    if bright > 0.2:
        return mix(body, p.ink, 0.5 if day else 0.75)
    return mix(body, mix(p.horizon, WHITE, 0.3), 0.28)


def _landmark(stage: Stage, scene: list[Layer], name: str) -> list[Layer]:
    """A building in the distance, on the other side, paled by the air."""
    width = WIDTHS.get(name, 0.5) * stage.unit * float(stage.rng.uniform(0.50, 0.62))
    x = stage.width * (0.5 - stage.side * 0.24)
    bottom = stage.row(min(0.80, stage.horizon + 0.035))
    tall = width * figures.extent(name)
    pose = Pose(left=x - width / 2, top=bottom - tall, width=width, mirrored=stage.side < 0)
    body = mix(mix(stage.palette.far, stage.palette.near, 0.62), stage.palette.ink, 0.25)
    thing = draw_figure(stage, name, pose, body, LANDMARK_DEPTH)
    return [_islet(stage, x, bottom + width * 0.06, max(width, 0.3 * stage.unit), LANDMARK_DEPTH - 0.01), thing]


def _islet(stage: Stage, x: float, bottom: float, size: float, depth: float) -> Layer:
    """A rock to stand on."""
    line = ridge(stage.rng, 60, 0.6, 2.0)
    across = np.linspace(-1, 1, 60)
    tall = (1 - across**2) ** 0.6 * (0.75 + 0.35 * line) * size * 0.30
    base = bottom + size * 0.20
    points = [(x + side * size * 1.05, base - up) for side, up in zip(across, tall, strict=True)]
    mask = blank(stage.width, stage.height)
    draw_polygon(mask, [*points, (x + size * 1.05, base + size * 0.03), (x - size * 1.05, base + size * 0.03)])
    p = stage.palette
    return tinted(soft(mask), mix(mix(p.far, p.near, 0.2 + depth), p.ink, 0.2), mix(p.near, p.ink, 0.5), depth)


def _shadow(stage: Stage, x: float, bottom: float, size: float, depth: float) -> Layer:
    mask = blank(stage.width, stage.height)
    away = -0.14 if stage.light[0] > x else 0.14
    middle = x + away * size
    draw_oval(mask, (middle - size * 0.56, bottom - size * 0.05, middle + size * 0.56, bottom + size * 0.06))
    colour = np.broadcast_to(tint(stage.palette.ink), (stage.height, stage.width, 3))
    return Layer(colour=colour, cover=blurred(soft(mask), 8) * 0.6, depth=depth, solid=False)


def _reflection(stage: Stage, thing: Layer, bottom: float, strength: float, depth: float) -> Layer:
    """The layer upside down below a line, as wet ground or water shows it."""
    foot = min(stage.height - 2, int(bottom))
    deep = min(stage.height - foot, foot)
    colour, cover = np.zeros_like(thing.colour), np.zeros_like(thing.cover)
    colour[foot : foot + deep] = thing.colour[foot - deep : foot][::-1]
    cover[foot : foot + deep] = _smeared(thing.cover[foot - deep : foot][::-1])
    fade = np.linspace(1, 0.15, deep, dtype=np.float32)[:, None]
    cover[foot : foot + deep] *= fade * strength
    return Layer(colour=colour, cover=cover, depth=depth, solid=False)


def _smeared(field: Pixels) -> Pixels:
    """Blurred downwards, as ripples do."""
    height, width = field.shape
    small = Image.fromarray((np.clip(field, 0, 1) * 255).astype(np.uint8)).resize((width // 2, max(2, height // 16)))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32) / 255
