"""Colours: names, mixing, and a palette out of words."""

import colorsys
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[float, float, float]

NAMED: dict[str, str] = {
    "red": "#d63a2f", "crimson": "#a8182d", "scarlet": "#e0331f", "coral": "#ff7f6b", "orange": "#f08a24",
    "amber": "#f6a821", "gold": "#e3b23c", "golden": "#e3b23c", "yellow": "#f7d23e", "lime": "#a6d43a",
    "green": "#3f9a4d", "emerald": "#138a5e", "olive": "#7a7d36", "mint": "#a6e3c8", "teal": "#1a8a8a",
    "turquoise": "#35c4bd", "cyan": "#22c6e8", "blue": "#2b62c9", "navy": "#14213d", "indigo": "#3a2f8f",
    "violet": "#7446c2", "purple": "#6a2fa0", "lavender": "#b9a6e6", "magenta": "#e0279a", "pink": "#f283b6",
    "rose": "#e86a8a", "brown": "#6e4a2f", "sepia": "#8a6a45", "beige": "#e2d2b3", "cream": "#f4ead2",
    "white": "#f5f5f2", "silver": "#c3c9cf", "grey": "#8b9096", "gray": "#8b9096", "black": "#101114",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Seven colours of a picture, from the top of the sky to what lies nearest; ``ink`` draws, ``accent`` glows."""

    top: Rgb
    middle: Rgb
    horizon: Rgb
    far: Rgb
    near: Rgb
    ink: Rgb
    accent: Rgb


def rgb(colour: str) -> Rgb:
    """``#rrggbb`` as three numbers in [0, 1]."""
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """``share`` of the other colour in the one."""
    return (
        one[0] + (other[0] - one[0]) * share,
        one[1] + (other[1] - one[1]) * share,
        one[2] + (other[2] - one[2]) * share,
    )


def shifted(palette: Palette, turn: float, warmth: float) -> Palette:
    """The palette a little turned around the colour wheel, so that two pictures of a look are not dyed alike."""

    def turned(colour: Rgb) -> Rgb:
        hue, light, strength = colorsys.rgb_to_hls(*colour)
        return colorsys.hls_to_rgb((hue + turn) % 1.0, min(1, max(0, light * (1 + warmth))), strength)

    return Palette(
        top=turned(palette.top),
        middle=turned(palette.middle),
        horizon=turned(palette.horizon),
        far=turned(palette.far),
        near=turned(palette.near),
        ink=palette.ink,
        accent=turned(palette.accent),
    )


def from_words(words: str) -> Palette | None:
    """A palette of the colours that a text names; ``None`` if it names none."""
    named = [rgb(NAMED[word]) for word in re.findall(r"[a-z]+", words.lower()) if word in NAMED]
    if not named:
        return None
    main, other = named[0], named[1 % len(named)]
    accent = named[2 % len(named)]
    white, black = rgb("#fdfaf2"), rgb("#0d0e13")
    return Palette(
        top=mix(main, black, 0.45),
        middle=main,
        horizon=mix(other, white, 0.55),
        far=mix(mix(main, other, 0.5), white, 0.15),
        near=mix(other, black, 0.6),
        ink=mix(main, black, 0.85),
        accent=mix(accent, white, 0.15),
    )


def vertical(stops: list[Rgb], height: int, positions: list[float] | None = None) -> NDArray[np.float32]:
    """A gradient of height x 3 through these colours, top to bottom."""
    at = positions or list(np.linspace(0, 1, len(stops)))
    y = np.linspace(0, 1, height)
    return np.stack([np.interp(y, at, [stop[c] for stop in stops]) for c in range(3)], axis=1).astype(np.float32)
