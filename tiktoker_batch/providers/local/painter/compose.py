"""A picture out of a prompt and a look: place, subject, treatment."""

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tiktoker_batch.catalog.looks import Look, look_for
from tiktoker_batch.providers.local.painter import subjects
from tiktoker_batch.providers.local.painter.canvas import (
    Layer,
    Mask,
    Pixels,
    blank,
    blurred,
    draw_line,
    draw_oval,
    draw_polygon,
    glow_at,
    over,
    smooth_path,
    soft,
    tint,
    tinted,
)
from tiktoker_batch.providers.local.painter.finishes import FINISHES
from tiktoker_batch.providers.local.painter.layering import LAYERS
from tiktoker_batch.providers.local.painter.noise import ridge
from tiktoker_batch.providers.local.painter.palette import Palette, Rgb, from_words, mix, rgb, shifted
from tiktoker_batch.providers.local.painter.scenes import SCENES, choose
from tiktoker_batch.providers.local.painter.stage import WHITE, Stage

Frame = tuple[float, float, float, float]  # left, top, width, height in pixels

OVERSCAN = 1.14  # how much larger than the frame the layers are painted, so that the camera has room to move
FRONT = 0.5  # layers of this depth and nearer move as the foreground


def paint(
    *,
    prompt: str,
    style: str,
    style_prompt: str,
    seed: int,
    width: int,
    height: int,
    reference: Path | None,
    image: Path,
    layers: Path,
) -> None:
    """Paint ``prompt`` in a style: the picture (PNG, width x height) to ``image``, its two layers to ``layers``.

    The same arguments give the same bytes. ``reference`` is a picture that appears in this one, framed.
    """
    look = look_for(style, style_prompt)
    stage = _stage(look, style_prompt, seed, width, height)
    built = _build(stage, prompt, reference)
    for layer in built:
        for name in look.layers:
            LAYERS[name](layer, stage)
        layer.colour = layer.colour.astype(np.float32, copy=False)
        layer.cover = layer.cover.astype(np.float32, copy=False)
    nearer = [layer for layer in built if layer.depth >= FRONT]
    back = _compose(built[0].colour, [layer for layer in built[1:] if layer.depth < FRONT])
    full = _compose(back, nearer)
    front = 1 - np.prod([1 - layer.cover for layer in nearer] or [np.ones_like(built[0].cover)], axis=0)
    state = stage.rng.bit_generator.state
    back = _finish(back, stage, look)
    stage.rng.bit_generator.state = state  # the same grain, rain and paper on both
    full = _finish(full, stage, look)
    _save(full, back, front.astype(np.float32), (width, height), image, layers)


def _stage(look: Look, style_prompt: str, seed: int, width: int, height: int) -> Stage:
    rng = np.random.default_rng(seed)
    named = from_words(style_prompt) if look.name not in style_prompt and _is_own(look, style_prompt) else None
    palette = named or Palette(**{name: rgb(colour) for name, colour in look.palette.items()})
    palette = shifted(palette, float(rng.uniform(-0.025, 0.025)), float(rng.uniform(-0.05, 0.06)))
    wide, high = round(width * OVERSCAN / 2) * 2, round(height * OVERSCAN / 2) * 2
    side = float(rng.choice([0.28, 0.70])) + float(rng.uniform(-0.06, 0.06))
    light = (side * wide, float(rng.uniform(0.16, 0.34)) * high)
    return Stage(width=wide, height=high, rng=rng, palette=palette, night=look.night, light=light)


def _is_own(look: Look, style_prompt: str) -> bool:
    """Whether these are a user's own words: the built-in ones keep the look's measured colours."""
    from tiktoker_batch.catalog.loader import load_catalog  # noqa: PLC0415  (only asked when a picture is painted)

    built_in = load_catalog().styles.get(look.name)
    return built_in is None or built_in.prompt != style_prompt


def _build(stage: Stage, prompt: str, reference: Path | None) -> list[Layer]:
    place = choose(prompt, stage.rng)
    built = SCENES[place](stage)
    if reference is not None:
        built.append(_framed(stage, reference))
    else:
        subject = subjects.find(prompt)
        if subject:
            built += _placed(stage, subject, place, _nearness(prompt))
    return sorted(built, key=lambda layer: layer.depth)


SIZES = {
    "jellyfish": 0.46,
    "anglerfish": 0.62,
    "octopus": 0.62,
    "castle": 0.62,
    "lighthouse": 0.40,
    "whale": 0.74,
    "cup": 0.44,
    "fish": 0.42,
    "bird": 0.40,
}
DEPTHS = {"lighthouse": 0.6, "castle": 0.5}
FLOATING = {
    "octopus": 0.56,
    "fish": 0.50,
    "whale": 0.46,
    "bird": 0.34,
    "balloon": 0.52,
    "rocket": 0.60,
    "astronaut": 0.60,
}


CLOSE = re.compile(r"\b(close|closeup|detail|portrait|macro|near)\b")
WIDE = re.compile(r"\b(wide|long|establishing|aerial|panorama|tiny|small in the frame|distant|far)\b")


def _nearness(prompt: str) -> float:
    """How large the subject is, from the prompt's words for framing."""
    if CLOSE.search(prompt.lower()):
        return 1.45
    return 0.66 if WIDE.search(prompt.lower()) else 1.0


def _placed(stage: Stage, subject: str, place: str, nearness: float) -> list[Layer]:
    """The subject on its ground, off the middle by a third or so, with light behind it."""
    rng = stage.rng
    across = min(stage.width, stage.height * 0.62)  # an upright frame is filled, a lying one left its air
    size = SIZES.get(subject, 0.40) * across * float(rng.uniform(0.92, 1.15)) * nearness
    bottom = stage.row(FLOATING.get(subject, stage.ground)) + float(rng.uniform(-0.02, 0.02)) * stage.height
    aside = 0.06 if nearness > 1 else 0.15
    x = stage.width * (0.5 + float(rng.choice([-aside, aside])) + float(rng.uniform(-0.03, 0.03)))
    bottom += stage.height * 0.10 * max(0.0, nearness - 1)
    tall = size * {
        "lighthouse": 2.1,
        "person": 1.7,
        "detective": 1.7,
        "king": 1.5,
        "robot": 1.4,
        "rocket": 1.6,
        "lamp": 1.7,
        "astronaut": 1.5,
    }.get(subject, 1.0)
    frame = (x - size / 2, bottom - tall, size, tall)
    body = mix(mix(stage.palette.near, stage.palette.ink, 0.35), stage.palette.accent, 0.10)
    if place in {"deep", "room"} or stage.night < 0.3:
        body = mix(body, stage.palette.accent, 0.42)
    thing = _subject_layer(stage, subject, frame, body)
    halo = glow_at(stage.width, stage.height, x, bottom - tall * 0.6, max(size, tall) * 1.15) * 0.34
    tone = tint(mix(stage.palette.horizon, WHITE, 0.25))
    # Light in the air belongs to the background: in the foreground it would drag a ghost of the sky along.
    air = np.broadcast_to(tone, (stage.height, stage.width, 3)).copy()
    behind = Layer(colour=air, cover=halo.astype(np.float32), depth=FRONT - 0.05, solid=False)
    if subject in FLOATING:
        return [behind, thing]
    if place == "sea":
        return [behind, _islet(stage, x, bottom, size, thing.depth - 0.01), thing]
    return [behind, _shadow(stage, x, bottom, size, thing.depth - 0.01), thing]


def _islet(stage: Stage, x: float, bottom: float, size: float, depth: float) -> Layer:
    """A rock in the sea to stand on."""
    line = ridge(stage.rng, 60, 0.6, 2.0)
    across = np.linspace(-1, 1, 60)
    tall = (1 - across**2) ** 0.6 * (0.7 + 0.5 * line) * size * 0.34
    points = [(x + side * size * 0.95, bottom + size * 0.20 - up) for side, up in zip(across, tall, strict=True)]
    mask = blank(stage.width, stage.height)
    draw_polygon(mask, [*points, (x + size * 0.95, bottom + size * 0.26), (x - size * 0.95, bottom + size * 0.26)])
    return tinted(soft(mask), mix(stage.palette.near, stage.palette.far, 0.2), stage.palette.ink, depth)


def _shadow(stage: Stage, x: float, bottom: float, size: float, depth: float) -> Layer:
    mask = blank(stage.width, stage.height)
    draw_oval(mask, (x - size * 0.55, bottom - size * 0.05, x + size * 0.55, bottom + size * 0.07))
    ink = tint(stage.palette.ink)
    return Layer(
        colour=np.broadcast_to(ink, (stage.height, stage.width, 3)).copy(), cover=blurred(soft(mask), 8) * 0.55,
        depth=depth, solid=False,
    )  # fmt: skip


def _subject_layer(stage: Stage, subject: str, frame: Frame, body: Rgb) -> Layer:
    """The subject's shapes one over the other, drawn on a cut-out of the canvas that holds them with their glow."""
    cut = _cut(stage, frame)
    rows, columns = slice(cut.top, cut.top + cut.height), slice(cut.left, cut.left + cut.width)
    inner = (frame[0] - cut.left, frame[1] - cut.top, frame[2], frame[3])
    small_colour, small_cover = _draw_subject(stage, subject, inner, body, (cut.width, cut.height))
    colour = np.zeros((stage.height, stage.width, 3), np.float32)
    cover = np.zeros((stage.height, stage.width), np.float32)
    colour[rows, columns], cover[rows, columns] = small_colour, small_cover
    return Layer(colour=colour, cover=cover, depth=DEPTHS.get(subject, 0.62))


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of the canvas, in pixels."""

    left: int
    top: int
    width: int
    height: int


def _cut(stage: Stage, frame: Frame) -> Cut:
    left, top, wide, tall = frame
    first_x, first_y = max(0, int(left - wide * 0.1)), max(0, int(top - tall * 0.1))
    last_x, last_y = min(stage.width, int(left + wide * 1.1) + 1), min(stage.height, int(top + tall * 1.05) + 1)
    return Cut(first_x, first_y, max(2, last_x - first_x), max(2, last_y - first_y))


def _draw_subject(stage: Stage, subject: str, frame: Frame, body: Rgb, size: tuple[int, int]) -> tuple[Pixels, Mask]:
    width, height = size
    colour: Pixels = np.broadcast_to(tint(body), (height, width, 3)).copy()
    cover, shine = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for form, tone, numbers in subjects.SUBJECTS[subject]:
        mask = _shape(stage, form, numbers, frame, size)
        own = tint(_toned(stage.palette, body, tone))
        colour = colour * (1 - mask[..., None]) + own * mask[..., None]
        cover = np.maximum(cover, blurred(mask, 6) * 0.55 if form == "steam" else mask)
        if tone == subjects.ACCENT:
            shine = np.maximum(shine, mask)
    # Rounded: lighter towards the light, darker away from it.
    turn = (np.arange(width, dtype=np.float32) - (frame[0] + frame[2] / 2)) / frame[2]
    side = 1.0 if stage.light[0] > stage.width / 2 else -1.0
    colour *= (1.0 + 0.30 * np.clip(turn * side, -1, 1))[None, :, None]
    glow = blurred(shine, 16)[..., None] * 0.7
    colour = colour * (1 - glow) + tint(mix(stage.palette.accent, WHITE, 0.3)) * glow
    return np.clip(colour, 0, 1).astype(np.float32), cover


def _toned(palette: Palette, body: Rgb, tone: float) -> Rgb:
    if tone == subjects.ACCENT:
        return mix(palette.accent, WHITE, 0.3)
    return mix(body, palette.ink, -tone) if tone < 0 else mix(body, mix(palette.horizon, WHITE, 0.25), tone)


def _shape(stage: Stage, form: str, numbers: tuple[float, ...], frame: Frame, size: tuple[int, int]) -> Mask:
    left, top, wide, tall = frame
    mask = blank(*size)
    thick = 0.0
    if form in {"line", "steam"}:
        thick, *rest = (0.05, *numbers) if form == "steam" else numbers
        numbers = tuple(rest)
    points = [(left + x * wide, top + y * tall) for x, y in zip(numbers[::2], numbers[1::2], strict=False)]
    if form == "poly":
        draw_polygon(mask, points)
    elif form == "curve":
        draw_polygon(mask, smooth_path(points, closed=True))
    elif form == "oval":
        draw_oval(mask, (*points[0], *points[1]))
    elif form == "line":
        draw_line(mask, points, thick * wide, taper=len(points) > 3)
    else:
        _steam(stage, mask, frame)
    return soft(mask)


def _steam(stage: Stage, mask: Image.Image, frame: Frame) -> None:
    left, top, wide, tall = frame
    for share in (0.40, 0.52, 0.62):
        x, y, lean = left + share * wide, top + 0.42 * tall, float(stage.rng.uniform(0.05, 0.09)) * wide
        draw_line(
            mask,
            [(x, y), (x + lean, y - 0.16 * tall), (x - lean, y - 0.32 * tall), (x + lean, y - 0.52 * tall)],
            0.045 * wide,
            taper=True,
        )


def _framed(stage: Stage, reference: Path) -> Layer:
    """The reference picture, hung in the middle with a light edge."""
    with Image.open(reference) as opened:
        picture = opened.convert("RGB")
    wide = stage.width * 0.66
    scale = min(wide / picture.width, stage.height * 0.42 / picture.height)
    size = max(2, round(picture.width * scale)), max(2, round(picture.height * scale))
    left, top = (stage.width - size[0]) // 2, round(stage.height * 0.40) - size[1] // 2
    colour = np.full((stage.height, stage.width, 3), 0.96, np.float32)
    cover = np.zeros((stage.height, stage.width), np.float32)
    edge = max(4, stage.width // 60)
    cover[top - edge : top + size[1] + edge, left - edge : left + size[0] + edge] = 1
    inside = picture.resize(size, Image.Resampling.LANCZOS)
    colour[top : top + size[1], left : left + size[0]] = np.asarray(inside, np.float32) / 255
    return Layer(colour=colour, cover=cover, depth=0.62, solid=False)


def _compose(base: Pixels, layers: list[Layer]) -> Pixels:
    picture = base
    for layer in layers:
        picture = over(picture, layer)
    return picture


def _finish(picture: Pixels, stage: Stage, look: Look) -> Pixels:
    for name in look.finish:
        picture = FINISHES[name](picture, stage).astype(np.float32, copy=False)
    return picture


def _save(full: Pixels, back: Pixels, front: Mask, size: tuple[int, int], image: Path, layers: Path) -> None:
    picture = _rgb(full)
    left, top = (picture.width - size[0]) // 2, (picture.height - size[1]) // 2
    flat = picture.crop((left, top, left + size[0], top + size[1]))
    flat.save(image, format="PNG", compress_level=3)
    with zipfile.ZipFile(layers, "w", zipfile.ZIP_STORED) as archive:
        _store(archive, "back.jpg", _rgb(back))
        _store(archive, "front.jpg", picture)
        _store(archive, "cover.png", Image.fromarray((front * 255).astype(np.uint8)))


def _store(archive: zipfile.ZipFile, name: str, picture: Image.Image) -> None:
    encoded = io.BytesIO()
    if name.endswith(".png"):
        picture.save(encoded, format="PNG", compress_level=1)
    else:
        picture.save(encoded, format="JPEG", quality=95, subsampling=0)
    archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), encoded.getvalue())


def _rgb(picture: Pixels) -> Image.Image:
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
