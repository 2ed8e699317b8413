"""What an input asks for: its subject, and the length, size and price of what is to be made. Pure."""

import json
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tiktoker_batch.model import Model

# The names that fal's FLUX models have for sizes; the last one is what they make unless they are told.
PRESETS: Mapping[str, tuple[int, int]] = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_16_9": (1024, 576),
    "landscape_4_3": (1024, 768),
}
PICTURES = ("image", "reference")  # our names for the fields that hold addresses of pictures
_USUAL_RATIO = {"image": (1, 1), "clip": (16, 9)}
_SHORT_SIDE = 720
_STEEPEST = 4.0  # of the ratios that a picture may pass on to its clip


def subject_of(model: Model, given: Any) -> str:
    """What is asked for, in words that are the same in every run: without seed, and without addresses."""
    asked = dict(given) if isinstance(given, Mapping) else {}
    told = [f"{name}: {_plain(asked[name])}" for name in sorted(asked) if name != "seed" and not _leads(asked[name])]
    return " ".join([model.id, *told])


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _leads(value: Any) -> bool:
    """Whether a value is an address, or several."""
    return any(isinstance(each, str) and each.startswith(("http://", "https://", "data:")) for each in as_list(value))


def pictures_in(model: Model, given: Mapping[str, Any]) -> list[Any]:
    """The addresses of the pictures that an input comes with."""
    named = [model.fields[ours].name for ours in PICTURES if ours in model.fields]
    return [each for name in named if name in given for each in as_list(given[name])]


def as_list(value: Any) -> list[Any]:
    """One value or several, as several."""
    return value if isinstance(value, list) else [value]


def price_of(model: Model, given: Mapping[str, Any]) -> Decimal:
    """What a job costs, by the catalog: from what was asked for in the model's own words."""
    price = model.price
    if price is None:
        return Decimal(0)
    units = {
        "second": lambda: Decimal(str(seconds_of(model, given))),
        "image": lambda: Decimal(1),
        "call": lambda: Decimal(1),
        "megapixel": lambda: Decimal(-(-_pixels(model, given) // 1_000_000)),
        "1k_characters": lambda: Decimal(len(str(given.get("text", "")))) / 1000,
    }[price.unit]()
    return (price.per_unit(given) * units).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def seconds_of(model: Model, given: Mapping[str, Any]) -> float:
    """The length of the clip that was asked for."""
    named = model.fields.get("seconds")
    told = str(given.get(named.name, "")).removesuffix("s") if named else ""
    try:
        return float(told)
    except ValueError:
        return model.durations[0] if model.durations else 5.0


def size_of(model: Model, given: Mapping[str, Any], picture: tuple[int, int] | None = None) -> tuple[int, int]:
    """Width and height in pixels: as told, else by resolution and a ratio, which may be that of a given picture."""
    sized = model.fields.get("size")
    if sized is not None:
        return _told_size(given.get(sized.name))
    across, down = _ratio(_told(model, given, "aspect_ratio")) or picture or _USUAL_RATIO.get(model.kind, (16, 9))
    resolution = str(_told(model, given, "resolution")).removesuffix("p")
    short = int(resolution) if resolution.isdecimal() and len(resolution) <= 4 else _SHORT_SIDE
    long = round(short * min(max(across, down) / min(across, down), _STEEPEST) / 2) * 2
    return (long, short) if across > down else (short, long)


def _told_size(size: Any) -> tuple[int, int]:
    usual = PRESETS["landscape_4_3"]
    if isinstance(size, Mapping):
        return int(size.get("width", usual[0])), int(size.get("height", usual[1]))
    return PRESETS.get(str(size), usual)


def _told(model: Model, given: Mapping[str, Any], ours: str) -> Any:
    """What was told under a name of ours, if the model listens to that at all."""
    if ours in model.fields:
        return given.get(model.fields[ours].name)
    return given.get(ours) if ours in model.parameters else None


def _ratio(told: Any) -> tuple[int, int] | None:
    """A ratio such as ``9:16``; none for ``auto``."""
    across, _, down = str(told).partition(":")
    if not (across.isdecimal() and down.isdecimal()):
        return None
    return (int(across), int(down)) if int(across) and int(down) else None


def _pixels(model: Model, given: Mapping[str, Any]) -> int:
    width, height = size_of(model, given)
    return width * height
