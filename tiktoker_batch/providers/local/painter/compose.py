"""A picture out of a prompt and a look: place, subject, treatment."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from tiktoker_batch.catalog.looks import Look, look_for
from tiktoker_batch.providers.local.painter import figures
from tiktoker_batch.providers.local.painter.canvas import Layer, Mask, Pixels, blurred, composed, lay
from tiktoker_batch.providers.local.painter.finishes import FINISHES
from tiktoker_batch.providers.local.painter.layering import LAYERS
from tiktoker_batch.providers.local.painter.palette import Palette, from_words, rgb, shifted
from tiktoker_batch.providers.local.painter.placing import INDOORS, placed
from tiktoker_batch.providers.local.painter.scenes import SCENES, choose
from tiktoker_batch.providers.local.painter.stage import Stage
from tiktoker_batch.providers.local.painter.weather import fallen, prepare

OVERSCAN = 1.14  # how much larger than the frame the layers are painted, so that the camera has room to move
ON_TABLES = frozenset(
    [
        "cup", "coffeepot", "jar", "book", "clock", "hourglass", "candle", "lantern", "lamp", "flower", "crown",
        "telescope", "key", "cat", "owl",
    ]
)  # fmt: skip
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
        if layer.solid:
            layer.colour, layer.cover = (
                layer.colour.astype(np.float32, copy=False),
                layer.cover.astype(np.float32, copy=False),
            )
            for name in look.layers:
                LAYERS[name](layer, stage)
    nearer = [layer for layer in built if layer.depth >= FRONT]
    back = composed([layer for layer in built if layer.depth < FRONT])
    full = back.copy()
    front = np.zeros(back.shape[:2], np.float32)
    for layer in nearer:
        lay(full, layer)
        front += (1 - front) * layer.cover
    halved = _halved(stage)
    finished = _finish(full, stage, look)
    if nearer:
        back = _behind(finished, _finish(back[::2, ::2].copy(), halved, look), front)
    _save(finished, back if nearer else finished, front, (width, height), image, layers)


def _halved(stage: Stage) -> Stage:
    """The same stage at half the size, with chance standing where it stands now."""
    rng = np.random.default_rng()
    rng.bit_generator.state = stage.rng.bit_generator.state
    light = (stage.light[0] / 2, stage.light[1] / 2)
    return replace(stage, width=stage.width // 2, height=stage.height // 2, light=light, rng=rng)


def _behind(full: Pixels, half: Pixels, front: Mask) -> Pixels:
    """What lies behind the foreground, finished at half the size: a camera sees but a narrow strip of it at a time."""
    height, width = front.shape
    hidden = np.clip(blurred(front, max(2.0, width / 240)) * 4, 0, 1)[..., None]
    small = Image.fromarray((np.clip(half, 0, 1) * 255).astype(np.uint8))
    wide = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32) / 255
    result: Pixels = full + (wide - full) * hidden
    return result


def _stage(look: Look, style_prompt: str, seed: int, width: int, height: int) -> Stage:
    rng = np.random.default_rng(seed)
    named = from_words(style_prompt) if look.name not in style_prompt and _is_own(look, style_prompt) else None
    palette = named or Palette(**{name: rgb(colour) for name, colour in look.palette.items()})
    palette = shifted(palette, float(rng.uniform(-0.025, 0.025)), float(rng.uniform(-0.05, 0.06)))
    wide, high = round(width * OVERSCAN / 2) * 2, round(height * OVERSCAN / 2) * 2
    side = int(rng.choice([-1, 1]))
    # Before the figure or behind it: on the other side of the middle, or a little beside its head.
    away = float(rng.choice([-0.24, -0.18, 0.10])) + float(rng.uniform(-0.05, 0.05))
    light = ((0.5 + side * away) * wide, float(rng.uniform(0.14, 0.40)) * high)
    return Stage(width=wide, height=high, rng=rng, palette=palette, night=look.night, light=light, side=side)


def _is_own(look: Look, style_prompt: str) -> bool:
    """Whether these are a user's own words: the built-in ones keep the look's measured colours."""
    from tiktoker_batch.catalog.loader import load_catalog  # noqa: PLC0415  (only asked when a picture is painted)

    built_in = load_catalog().styles.get(look.name)
    return built_in is None or built_in.prompt != style_prompt


def _build(stage: Stage, prompt: str, reference: Path | None) -> list[Layer]:
    place = choose(prompt, stage.rng)
    stage.on_table = place in INDOORS and figures.find(prompt) in ON_TABLES
    stage.indoors = place in INDOORS
    stage.outdoors = place not in INDOORS | {"deep", "space", "abstract"}
    prepare(stage, prompt)
    built = SCENES[place](stage)
    built += [_framed(stage, reference)] if reference is not None else placed(stage, built, prompt, place)
    built += fallen(stage, prompt)
    return sorted(built, key=lambda layer: layer.depth)


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
