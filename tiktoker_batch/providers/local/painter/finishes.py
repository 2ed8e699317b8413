"""Treatments of the finished picture: lens, light, print and paper.

Each is given the picture and the stage it was built on, and returns it changed. What belongs to paper or screen (grain,
scanlines) lies still over the whole picture.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from tiktoker_batch.providers.local.painter.canvas import (
    Pixels,
    blank,
    blurred,
    draw_line,
    draw_oval,
    draw_polygon,
    glow_at,
    luma,
    soft,
    tint,
)
from tiktoker_batch.providers.local.painter.noise import clouds, smooth
from tiktoker_batch.providers.local.painter.palette import mix
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage

Finish = Callable[[Pixels, Stage], Pixels]


def _image(picture: Pixels) -> Image.Image:
    return Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))


def _pixels(image: Image.Image) -> Pixels:
    return np.asarray(image, dtype=np.float32) / 255


def bloom(picture: Pixels, stage: Stage) -> Pixels:
    """Bright places shine beyond their edges."""
    bright = np.clip(picture - 0.62, 0, 1) * 1.8
    small = _image(bright).resize((stage.width // 4, stage.height // 4), Image.Resampling.BILINEAR)
    spread = _pixels(
        small.filter(ImageFilter.GaussianBlur(9)).resize((stage.width, stage.height), Image.Resampling.BICUBIC)
    )
    return 1 - (1 - picture) * (1 - spread * 0.85)


def grade(picture: Pixels, stage: Stage) -> Pixels:
    """Cool shadows, warm lights."""
    light = luma(picture)[..., None]
    toned = picture + (light - 0.5) * tint((0.09, 0.02, -0.10))
    return np.clip((toned - 0.5) * 1.08 + 0.5, 0, 1)


def grain(picture: Pixels, stage: Stage) -> Pixels:
    """Film grain."""
    noise = stage.rng.normal(0, 1, (stage.height, stage.width)).astype(np.float32)
    return np.clip(picture + (noise * 0.026)[..., None], 0, 1)


def letterbox(picture: Pixels, stage: Stage) -> Pixels:
    """The lens darkens the upper and lower edge a little, as scope films are framed."""
    y = np.abs(np.linspace(-1, 1, stage.height, dtype=np.float32))
    return picture * (1 - np.clip((y - 0.80) * 2.2, 0, 0.5))[:, None, None]


def _vignetted(picture: Pixels, stage: Stage, strength: float) -> Pixels:
    y = np.linspace(-1, 1, stage.height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, stage.width, dtype=np.float32)[None, :]
    return picture * (1 - strength * np.clip(x * x * 0.55 + y * y * 0.6 - 0.25, 0, 1))[..., None]


def vignette(picture: Pixels, stage: Stage) -> Pixels:
    """Darker corners."""
    return _vignetted(picture, stage, 0.6)


def vignette_heavy(picture: Pixels, stage: Stage) -> Pixels:
    """Nearly black corners."""
    return _vignetted(picture, stage, 1.15)


def lift(picture: Pixels, stage: Stage) -> Pixels:
    """Airy: shadows lifted, colours brighter."""
    grey = luma(picture)[..., None]
    return np.clip((grey + (picture - grey) * 1.12) * 0.94 + 0.06, 0, 1)


def mono(picture: Pixels, stage: Stage) -> Pixels:
    """Black and white."""
    return np.repeat(luma(picture)[..., None], 3, axis=2)


def contrast(picture: Pixels, stage: Stage) -> Pixels:
    """Deep blacks."""
    curve = np.clip(picture, 0, 1)
    return curve * curve * (3 - 2 * curve) * 0.72 + curve * 0.28


def mute(picture: Pixels, stage: Stage) -> Pixels:
    """Honest, unsaturated colours."""
    grey = luma(picture)[..., None]
    return np.clip(grey + (picture - grey) * 0.72, 0, 1)


def sepia(picture: Pixels, stage: Stage) -> Pixels:
    """Brown as old photographs."""
    brown = luma(picture)[..., None] * tint((1.12, 0.88, 0.62))
    return np.clip(picture * 0.5 + brown * 0.5, 0, 1)


def fringe(picture: Pixels, stage: Stage) -> Pixels:
    """The lens splits colours: red to one side, blue to the other."""
    split = picture.copy()
    split[..., 0] = np.roll(picture[..., 0], 3, axis=1)
    split[..., 2] = np.roll(picture[..., 2], -3, axis=1)
    return split


def rain(picture: Pixels, stage: Stage) -> Pixels:
    """Slanting rain, caught by the light, where it can rain."""
    if not stage.outdoors:
        return picture
    mask = blank(stage.width, stage.height)
    for _ in range(170):
        x, y = stage.rng.random() * stage.width * 1.1, stage.rng.random() * stage.height
        long = float(stage.rng.uniform(24, 70))
        draw_polygon(mask, [(x, y), (x + 1.3, y), (x + 1.3 - long * 0.16, y + long), (x - long * 0.16, y + long)])
    drops = soft(mask)[..., None] * 0.20
    return picture * (1 - drops) + tint(mix(WHITE, stage.palette.accent, 0.25)) * drops


def rays(picture: Pixels, stage: Stage) -> Pixels:
    """Light fans out from a sun or moon that is seen."""
    if not stage.lit:
        return picture
    x, y = stage.light
    ys, xs = np.mgrid[0 : stage.height : 2, 0 : stage.width : 2].astype(np.float32)
    angle = np.arctan2(ys - y, xs - x)
    fan = smooth(stage.rng, 720, 2, 15)[0]
    beams = np.interp((angle + np.pi) / (2 * np.pi) * 719, np.arange(720), fan)
    far = np.hypot(xs - x, ys - y) / stage.height
    small = np.clip((beams - 0.5) * 2.0, 0, 1) * np.clip(1.05 - far, 0, 1) * np.clip(far * 7 - 0.4, 0, 1)
    full = np.asarray(Image.fromarray(small.astype(np.float32)).resize((stage.width, stage.height)))
    tone = tint(mix(WHITE, stage.palette.horizon, 0.4))
    return np.clip(picture + full[..., None] * tone * 0.26, 0, 1)


def motes(picture: Pixels, stage: Stage) -> Pixels:
    """Floating points of light."""
    return _lights(picture, stage, 60, 1.2, 3.5, 0.9)


def sparkle(picture: Pixels, stage: Stage) -> Pixels:
    """A few stars of light."""
    return _lights(picture, stage, 26, 1.5, 4.0, 0.85)


def _lights(picture: Pixels, stage: Stage, count: int, least: float, most: float, strength: float) -> Pixels:
    mask = blank(stage.width, stage.height)
    for _ in range(count):
        x, y = stage.rng.random() * stage.width, stage.rng.random() * stage.height * 0.95
        r = float(stage.rng.uniform(least, most))
        draw_oval(mask, (x - r, y - r, x + r, y + r))
    dots = soft(mask)
    shine = np.clip(dots + blurred(dots, 6) * 2.2, 0, 1)[..., None] * strength
    return picture * (1 - shine) + tint(mix(stage.palette.accent, WHITE, 0.5)) * shine


def bokeh(picture: Pixels, stage: Stage) -> Pixels:
    """Large soft discs of light out of focus."""
    for _ in range(3):
        mask = blank(stage.width, stage.height)
        for _ in range(9):
            x, y = stage.rng.random() * stage.width, stage.rng.random() * stage.height
            r = float(stage.rng.uniform(18, 70))
            draw_oval(mask, (x - r, y - r, x + r, y + r))
        discs = blurred(soft(mask), 3)[..., None] * 0.16
        tone = tint(mix(stage.palette.accent, WHITE, float(stage.rng.uniform(0.3, 0.9))))
        picture = picture * (1 - discs) + tone * discs
    return picture


def fog(picture: Pixels, stage: Stage) -> Pixels:
    """Banks of fog over the ground."""
    field = clouds(stage.rng, stage.width, stage.height, stage.width * 0.6, 4, stretch=2.5)
    low = np.linspace(0, 1, stage.height, dtype=np.float32)[:, None] ** 1.2
    bank = np.clip(field * low * 0.75, 0, 0.7)[..., None]
    return picture * (1 - bank) + tint(mix(stage.palette.horizon, stage.palette.far, 0.4)) * bank


def flare(picture: Pixels, stage: Stage) -> Pixels:
    """An anamorphic streak through the light."""
    x, y = stage.light
    streak = (
        np.exp(-(((np.arange(stage.height) - y) / 5) ** 2))[:, None]
        * np.exp(-np.abs(np.arange(stage.width) - x) / (stage.width * 0.4))[None, :]
    )
    result: Pixels = np.clip(picture + streak[..., None].astype(np.float32) * tint(stage.palette.accent) * 0.7, 0, 1)
    return result


def blinds(picture: Pixels, stage: Stage) -> Pixels:
    """Hard light: inside the shadow of a venetian blind falls across everything, outside it is a pool on the ground."""
    pool = glow_at(stage.width, stage.height, stage.light[0], stage.height * 0.38, stage.unit * 1.25)
    if not stage.indoors:
        return picture * (0.62 + 0.72 * pool)[..., None]
    ys, xs = np.mgrid[0 : stage.height, 0 : stage.width].astype(np.float32)
    slats = 0.5 + 0.5 * np.sin((ys + xs * 0.22) * (2 * np.pi / (stage.unit * 0.105)))
    shadow = np.clip((slats - 0.42) * 4, 0, 1)
    result: Pixels = np.clip(picture * (0.52 + (0.75 * shadow * pool)[..., None] + 0.2 * (1 - pool)[..., None]), 0, 1)
    return result


def scanlines(picture: Pixels, stage: Stage) -> Pixels:
    """An old screen."""
    lines = 0.90 + 0.10 * np.cos(np.arange(stage.height, dtype=np.float32) * 2 * np.pi / 5)
    return picture * lines[:, None, None]


def grid(picture: Pixels, stage: Stage) -> Pixels:
    """A glowing grid runs to the horizon."""
    mask = blank(stage.width, stage.height)
    top = stage.row(0.80)
    for index in range(-12, 13):
        draw_line(mask, [(stage.width / 2 + index * 16, top), (stage.width / 2 + index * 150, stage.height)], 2)
    for index in range(9):
        y = top + (stage.height - top) * (index / 8) ** 2
        draw_line(mask, [(0, y), (stage.width, y)], 2)
    lines = np.clip(soft(mask) + blurred(soft(mask), 4), 0, 1)[..., None] * 0.7
    return picture * (1 - lines) + tint(stage.palette.horizon) * lines


def pixels(picture: Pixels, stage: Stage) -> Pixels:
    """Square pixels and a small palette."""
    size = max(4, stage.width // 130)
    small = _image(picture).resize((stage.width // size, stage.height // size), Image.Resampling.BOX)
    few = small.quantize(28, dither=Image.Dither.ORDERED if hasattr(Image.Dither, "ORDERED") else Image.Dither.NONE)
    return _pixels(few.convert("RGB").resize((stage.width, stage.height), Image.Resampling.NEAREST))


def halftone(picture: Pixels, stage: Stage) -> Pixels:
    """Printing dots in the shadows."""
    ys, xs = np.mgrid[0 : stage.height, 0 : stage.width].astype(np.float32)
    u, v = (xs + ys) * 0.7071, (xs - ys) * 0.7071
    dots = np.cos(u * 2 * np.pi / 11) * np.cos(v * 2 * np.pi / 11) * 0.5 + 0.5
    light = luma(picture)
    ink = np.clip((dots - light * 1.25) * 5, 0, 1)[..., None] * 0.55
    result: Pixels = picture * (1 - ink) + tint(stage.palette.ink) * ink
    return result


def speed(picture: Pixels, stage: Stage) -> Pixels:
    """Lines that run towards the middle."""
    mask = blank(stage.width, stage.height)
    x, y = stage.width * 0.5, stage.height * 0.45
    for _ in range(54):
        angle = float(stage.rng.uniform(0, 2 * np.pi))
        near, far = stage.height * float(stage.rng.uniform(0.40, 0.5)), stage.height * 0.8
        half = float(stage.rng.uniform(0.002, 0.010))
        tip = (x + np.cos(angle) * near * 0.8, y + np.sin(angle) * near)
        ends = [(x + np.cos(angle + side) * far, y + np.sin(angle + side) * far) for side in (-half, half)]
        draw_polygon(mask, [tip, *ends])
    lines = soft(mask)[..., None] * 0.8
    return picture * (1 - lines) + tint(stage.palette.ink) * lines


def bricks(picture: Pixels, stage: Stage) -> Pixels:
    """Paint on a brick wall."""
    ys, xs = np.mgrid[0 : stage.height, 0 : stage.width].astype(np.float32)
    row = np.floor(ys / 34)
    joint = np.minimum(np.abs(np.mod(ys, 34) - 17) * -1 + 17, np.abs(np.mod(xs + row * 42, 84) - 42) * -1 + 42)
    mortar = np.clip(1 - joint / 2.6, 0, 1)[..., None] * 0.38
    tone = (0.92 + 0.16 * smooth(stage.rng, stage.width, stage.height, 30, stretch=2.2))[..., None]
    result: Pixels = np.clip(picture * tone * (1 - mortar) + 0.25 * mortar, 0, 1)
    return result


def drips(picture: Pixels, stage: Stage) -> Pixels:
    """Paint runs down."""
    mask = blank(stage.width, stage.height)
    for _ in range(12):
        x, y = stage.rng.random() * stage.width, stage.row(float(stage.rng.uniform(0.05, 0.55)))
        draw_line(
            mask, [(x, y), (x, y + stage.row(float(stage.rng.uniform(0.06, 0.22))))], float(stage.rng.uniform(5, 11))
        )
    run = soft(mask)[..., None] * 0.85
    return picture * (1 - run) + tint(stage.palette.accent) * run


def spray(picture: Pixels, stage: Stage) -> Pixels:
    """Overspray: fine dots around fields of colour."""
    cloud = clouds(stage.rng, stage.width, stage.height, 220, 3)
    dots = stage.rng.random((stage.height, stage.width), dtype=np.float32) < np.clip(cloud - 0.62, 0, 1) * 0.5
    return np.where(dots[..., None], tint(stage.palette.horizon), picture).astype(np.float32)


def canvas(picture: Pixels, stage: Stage) -> Pixels:
    """Woven cloth under the paint."""
    x, y = np.arange(stage.width, dtype=np.float32), np.arange(stage.height, dtype=np.float32)
    weave = np.sin(x * 2 * np.pi / 4)[None, :] * np.sin(y * 2 * np.pi / 4)[:, None]
    return np.clip(picture * (1 + 0.045 * weave)[..., None], 0, 1)


def paper(picture: Pixels, stage: Stage) -> Pixels:
    """Cold-pressed paper: its tooth catches the pigment, and it shines through from the borders."""
    tooth = clouds(stage.rng, stage.width, stage.height, 9, 2)
    ys = np.minimum(np.arange(stage.height), np.arange(stage.height)[::-1])[:, None]
    xs = np.minimum(np.arange(stage.width), np.arange(stage.width)[::-1])[None, :]
    edge = (
        np.minimum(ys, xs) / stage.unit
        + (clouds(stage.rng, stage.width, stage.height, stage.unit * 0.12, 4) - 0.5) * 0.07
    )
    bare = np.clip(1 - (edge - 0.06) / 0.05, 0, 1)[..., None]
    sheet = tint((0.985, 0.97, 0.935))
    result: Pixels = np.clip((picture + (sheet - picture) * bare) * (0.955 + 0.06 * tooth)[..., None], 0, 1)
    return result


def hatch(picture: Pixels, stage: Stage) -> Pixels:
    """Engraved: fine lines in the shadows, crossed where it is darkest."""
    ys, xs = np.mgrid[0 : stage.height, 0 : stage.width].astype(np.float32)
    light = blurred(luma(picture), 2)
    pitch = np.float32(2 * np.pi / 8.5)
    one = np.cos((xs * 0.5 + ys * 0.87) * pitch) * 0.5 + 0.5
    two = np.cos((xs * 0.87 - ys * 0.5) * pitch) * 0.5 + 0.5
    lines = np.maximum(np.clip((one - light * 1.5) * 3, 0, 1), np.clip((two - light * 2.6 - 0.15) * 3, 0, 1))
    ink = (lines * 0.5)[..., None]
    lit: Pixels = picture + (np.clip(picture * 1.18 + 0.03, 0, 1) - picture) * (1 - ink)
    return np.asarray(lit + (tint(stage.palette.ink) - lit) * ink)


def misprint(picture: Pixels, stage: Stage) -> Pixels:
    """Inks printed a little beside each other."""
    printed = picture.copy()
    printed[..., 0] = np.roll(picture[..., 0], (2, -3), (0, 1))
    printed[..., 1] = np.roll(picture[..., 1], (-1, 2), (0, 1))
    return printed


def faded(picture: Pixels, stage: Stage) -> Pixels:
    """Yellowed by the sun."""
    tooth = clouds(stage.rng, stage.width, stage.height, 10, 2)
    toned = picture * tint((0.90, 0.86, 0.74)) + tint((0.10, 0.085, 0.045))
    return np.clip(toned * (0.95 + 0.08 * tooth)[..., None], 0, 1)


FINISHES: dict[str, Finish] = {
    "bloom": bloom, "grade": grade, "grain": grain, "letterbox": letterbox, "vignette": vignette,
    "vignette_heavy": vignette_heavy, "lift": lift, "mono": mono, "contrast": contrast, "mute": mute, "sepia": sepia,
    "fringe": fringe, "rain": rain, "rays": rays, "motes": motes, "sparkle": sparkle, "bokeh": bokeh, "fog": fog,
    "flare": flare, "blinds": blinds, "scanlines": scanlines, "grid": grid, "pixels": pixels,
    "halftone": halftone, "speed": speed, "bricks": bricks, "drips": drips, "spray": spray, "canvas": canvas,
    "paper": paper, "misprint": misprint, "faded": faded, "hatch": hatch,
}  # fmt: skip
