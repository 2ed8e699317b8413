"""Hour and weather, from the prompt's words: they change the palette and the light before anything is drawn."""

import re
from itertools import pairwise

import numpy as np
from PIL import Image

from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    Pixels,
    blank,
    blurred,
    draw_line,
    draw_oval,
    soft,
    tint,
)  # fmt: skip
from tiktoker_batch.providers.local.painter.noise import clouds
from tiktoker_batch.providers.local.painter.palette import Palette, Rgb, mix
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage

NIGHT = re.compile(
    r"\b(night|midnight|nocturnal|moonlit|moonlight|starlit|dark|darkness|moon|stars"
    r"|tomb|crypt|cave|dungeon|catacombs?)\b"
)
LOW_SUN = re.compile(r"\b(dawn|sunrise|sunset|dusk|morning|evening|golden hour|twilight|first light)\b")
STORM = re.compile(r"\b(storm|stormy|thunder|lightning|tempest|hurricane)\b")
RAIN = re.compile(r"\b(rain|rainy|raining|drizzle|downpour|monsoon)\b")
SNOW = re.compile(r"\b(snow|snowy|snowing|blizzard|winter|frost|arctic|frozen)\b")
FOG = re.compile(r"\b(fog|foggy|mist|misty|haze|smoke|smoky)\b")
DISC = re.compile(r"\b(sun|moon|moonlit|sunrise|sunset|sunlit|moonlight)\b")
AIR = 0.48  # rain and snow belong to the background: over the whole frame they would cost a second full layer
AMBER: Rgb = (1.0, 0.62, 0.34)


def prepare(stage: Stage, prompt: str) -> None:
    """Set the hour: darker at night, warm and low light at dawn, clouded in a storm."""
    text, p = prompt.lower(), stage.palette
    if NIGHT.search(text) and stage.night < 0.7:
        stage.night = 0.8
        stage.palette = _dimmed(p, 0.64)
    elif LOW_SUN.search(text):
        stage.palette = Palette(
            top=mix(p.top, p.ink, 0.12), middle=mix(p.middle, AMBER, 0.16), horizon=mix(p.horizon, AMBER, 0.36),
            far=mix(p.far, AMBER, 0.12), near=p.near, ink=p.ink, accent=p.accent,
        )  # fmt: skip
        stage.light = (stage.light[0], stage.row(0.36))
    if STORM.search(text):
        stage.stormy, stage.disc = True, False
        stage.palette = _dimmed(stage.palette, 0.30)
    elif RAIN.search(text):
        stage.disc = False
    elif not DISC.search(text):
        stage.disc = bool(stage.rng.random() < 0.6)


def _dimmed(p: Palette, share: float) -> Palette:
    return Palette(
        top=mix(p.top, p.ink, share * 1.2),
        middle=mix(p.middle, p.ink, share),
        horizon=mix(p.horizon, p.ink, share * 0.55),
        far=mix(p.far, p.ink, share * 0.8),
        near=mix(p.near, p.ink, share * 0.6),
        ink=p.ink,
        accent=p.accent,
    )


def fallen(stage: Stage, prompt: str) -> list[Layer]:
    """What is in the air: lightning, fog, rain or snow."""
    text = prompt.lower()
    if not stage.outdoors:
        return []
    layers = []
    if stage.stormy:
        layers.append(_lightning(stage))
    if FOG.search(text):
        layers.append(_fog(stage))
    if RAIN.search(text) or STORM.search(text):
        layers.append(_rain(stage))
    if SNOW.search(text):
        layers.append(_snow(stage))
    return layers


def _even(stage: Stage, colour: Rgb) -> Pixels:
    return np.broadcast_to(tint(colour), (stage.height, stage.width, 3))


def _lightning(stage: Stage) -> Layer:
    """One forked stroke out of the clouds."""
    rng, mask = stage.rng, blank(stage.width, stage.height)
    x, y, end = stage.width * (0.5 - 0.26 * stage.side), -10.0, stage.row(stage.horizon)
    path = [(x, y)]
    while y < end:
        x, y = x + float(rng.normal(0, 0.035)) * stage.unit, y + stage.row(float(rng.uniform(0.02, 0.05)))
        path.append((x, min(y, end)))
    _stroke(mask, path, stage.unit * 0.006)
    for _ in range(3):
        at = int(rng.integers(2, max(3, len(path) - 3)))
        fork, way = [path[at]], float(rng.choice([-1, 1]))
        for _ in range(4):
            last = fork[-1]
            fork.append((last[0] + way * stage.unit * float(rng.uniform(0.01, 0.05)), last[1] + stage.row(0.03)))
        _stroke(mask, fork, stage.unit * 0.003)
    core = soft(mask)
    cover = np.clip(core + blurred(core, stage.unit * 0.012) * 1.6 + blurred(core, stage.unit * 0.06) * 1.5, 0, 1)
    return Layer(colour=_even(stage, mix(WHITE, stage.palette.accent, 0.12)), cover=cover, depth=0.02, solid=False)


def _stroke(mask: Image.Image, path: list[tuple[float, float]], wide: float) -> None:
    for start, end in pairwise(path):
        draw_line(mask, [start, end], wide)


def _fog(stage: Stage) -> Layer:
    field = clouds(stage.rng, stage.width, stage.height, stage.unit * 0.5, 4, stretch=3)
    low = np.linspace(0.1, 1, stage.height, dtype=np.float32)[:, None]
    colour = _even(stage, mix(stage.palette.horizon, stage.palette.far, 0.35))
    return Layer(colour=colour, cover=np.clip(field * low * 0.85, 0, 0.75), depth=0.44, solid=False)


def _rain(stage: Stage) -> Layer:
    rng, mask = stage.rng, blank(stage.width, stage.height)
    for _ in range(190):
        x, y = float(rng.random()) * stage.width * 1.1, float(rng.uniform(-0.05, 1)) * stage.height
        long = stage.row(float(rng.uniform(0.02, 0.05)))
        draw_line(mask, [(x, y), (x - long * 0.16, y + long)], float(rng.uniform(0.6, 1.3)))
    colour = _even(stage, mix(WHITE, stage.palette.horizon, 0.35))
    return Layer(colour=colour, cover=blurred(soft(mask), 1) * 0.42, depth=AIR, solid=False)


def _snow(stage: Stage) -> Layer:
    rng, mask = stage.rng, blank(stage.width, stage.height)
    for _ in range(260):
        x, y = float(rng.random()) * stage.width, float(rng.random()) * stage.height
        r = stage.unit * float(rng.gamma(1.6, 0.0016))
        draw_oval(mask, (x - r, y - r, x + r, y + r))
    return Layer(colour=_even(stage, WHITE), cover=blurred(soft(mask), 1) * 0.9, depth=AIR, solid=False)
