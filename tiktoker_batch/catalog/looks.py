"""The looks of the local painter as typed values."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Colours by their place (``#rrggbb``), darkness from 0 to 1, and treatments in order."""

    name: str
    palette: Mapping[str, str]
    night: float
    layers: tuple[str, ...]
    finish: tuple[str, ...]


@cache
def load_looks() -> Mapping[str, Look]:
    """All looks by the name of their style."""
    text = Path(__file__).with_name("looks.yaml").read_text(encoding="utf-8")
    return {
        name: Look(
            name=name,
            palette=entry["palette"],
            night=float(entry["night"]),
            layers=tuple(entry["layers"]),
            finish=tuple(entry["finish"]),
        )
        for name, entry in yaml.safe_load(text).items()
    }


# What people write when they describe a look of their own.
HINTS: Mapping[str, str] = {
    "vector": "minimalism", "flat": "minimalism", "minimal": "minimalism", "simple": "minimalism", "neon": "cyberpunk",
    "cyber": "cyberpunk", "oil": "oil_painting", "canvas": "oil_painting", "painting": "oil_painting",
    "ink": "comic_book",
    "comic": "comic_book", "outlines": "comic_book", "cartoon": "storybook_classic", "storybook": "storybook_classic",
    "watercolour": "watercolor", "watercolor": "watercolor", "gouache": "watercolor", "pixel": "pixel_art",
    "retro": "retro_80s", "synthwave": "retro_80s", "vintage": "vintage_postcard", "postcard": "vintage_postcard",
    "photo": "realistic_cinematic", "photorealistic": "realistic_cinematic", "cinematic": "realistic_cinematic",
    "film": "realistic_cinematic", "noir": "noir", "monochrome": "noir", "dark": "horror", "horror": "horror",
    "brass": "steampunk", "steam": "steampunk", "fantasy": "fantasy", "magic": "fantasy", "dream": "pastel_dream",
    "pastel": "pastel_dream", "soft": "pastel_dream", "graffiti": "graffiti", "street": "graffiti", "spray": "graffiti",
    "anime": "anime", "manga": "anime", "science": "sci_fi", "futuristic": "sci_fi", "documentary": "documentary",
}  # fmt: skip


def look_for(style: str, words: str) -> Look:
    """The look of a style; for a style of the user's own, the one its words come closest to."""
    looks = load_looks()
    if style in looks:
        return looks[style]
    near = difflib.get_close_matches(style.replace("-", "_"), looks, n=1, cutoff=0.8)
    if near:
        return looks[near[0]]
    hints = [HINTS[word] for word in re.findall(r"[a-z]+", f"{words} {style}".lower()) if word in HINTS]
    return looks[max(hints, key=hints.count)] if hints else looks["realistic_cinematic"]
