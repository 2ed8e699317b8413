"""What a model's schema objects to in an input."""

from collections.abc import Callable, Mapping
from typing import Any

from tiktoker_batch.model import Field, Model
from tiktoker_batch.simulator.asked import PICTURES, PRESETS, as_list
from tiktoker_batch.simulator.fal_answers import detail

FORMS = ("jpeg", "png", "webp")
_LONGEST_SIDE = 14142  # of a picture that a FLUX model makes, in pixels
Problem = dict[str, Any]


def objection(model: Model, given: Any, is_there: Callable[[Any], bool]) -> Problem | None:
    """The body of a 422, ``None`` for a good input; ``is_there`` tells whether a file can be fetched."""
    if not isinstance(given, dict):
        return detail("", "dict_type", "Input should be a valid dictionary")
    for ours, named in model.fields.items():
        value = given.get(named.name)
        found = _missing(ours, named) if value is None else _wrong(model, ours, named, value, is_there)
        if found is not None:
            return found
    form = given.get("output_format", FORMS[0])
    return None if form in FORMS else _no_choice("output_format", list(FORMS))


def _missing(ours: str, named: Field) -> Problem | None:
    return detail(named.name, "missing", "Field required") if ours in {"prompt", "image"} else None


def _wrong(model: Model, ours: str, named: Field, value: Any, is_there: Callable[[Any], bool]) -> Problem | None:
    if ours == "prompt":
        return _wrong_text(named.name, value, model.prompt_characters)
    if ours == "size":
        return _wrong_size(named.name, value)
    choices = _choices(model, ours, named)
    if choices and value not in choices:
        return _no_choice(named.name, choices)
    if ours in PICTURES and not all(map(is_there, as_list(value))):
        return detail(named.name, "file_download_error", "Failed to download the file. Please check the URL.")
    return None


def _wrong_text(name: str, value: Any, most: int | None) -> Problem | None:
    if not isinstance(value, str):
        return detail(name, "string_type", "Input should be a valid string")
    if most is not None and len(value) > most:
        return detail(name, "string_too_long", f"String should have at most {most} characters", max_length=most)
    return None


def _wrong_size(name: str, value: Any) -> Problem | None:
    if not isinstance(value, Mapping):
        return None if value in PRESETS else _no_choice(name, list(PRESETS))
    for side in ("width", "height"):
        told = value.get(side, 1)
        if not isinstance(told, int) or isinstance(told, bool):
            return detail(name, "int_parsing", f"{side} should be a valid integer")
        if not 0 < told <= _LONGEST_SIDE:
            return detail(name, "less_than_equal", f"{side} should be from 1 to {_LONGEST_SIDE}", le=_LONGEST_SIDE)
    return None


def _no_choice(name: str, choices: list[Any]) -> Problem:
    return detail(name, "literal_error", f"Input should be one of {choices}")


def _choices(model: Model, ours: str, named: Field) -> list[Any]:
    """The values that a model's schema lists for a field, in its own words."""
    if ours == "seconds":
        return [_as_written(named.form, each) for each in model.durations]
    if ours == "aspect_ratio":
        return [*model.aspect_ratios, "auto"] if model.aspect_ratios else []
    return list(model.resolutions) if ours == "resolution" else []


def _as_written(form: str, seconds: float) -> Any:
    match form:
        case "seconds":
            return f"{seconds:g}s"
        case "text":
            return f"{seconds:g}"
        case _:
            return seconds
