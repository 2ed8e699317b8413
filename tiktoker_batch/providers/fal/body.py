"""A request in a model's own words, and an answer in ours. Pure."""

from collections.abc import Mapping
from typing import Any

from tiktoker_batch.errors import BadRequest
from tiktoker_batch.model import Field, Json, Kind, Model
from tiktoker_batch.providers.base import Request
from tiktoker_batch.providers.text import well_formed

# Where a model of each kind puts its file.
_PLACES: dict[Kind, tuple[tuple[str | int, ...], ...]] = {
    Kind.IMAGE: (("images", 0, "url"), ("image", "url")),
    Kind.CLIP: (("video", "url"), ("videos", 0, "url")),
    Kind.NARRATION: (("audio", "url"), ("audio_file", "url")),
}


def key_headers(key: str) -> dict[str, str]:
    """What every request to fal carries."""
    return {"Authorization": f"Key {key}"}


def build_body(model: Model, request: Request) -> dict[str, Json]:
    """What is posted: the model's parameters and those of our values that its ``fields`` name."""
    ours = _values(request)
    mapped = {
        field.name: _written(field, ours[name]) for name, field in model.fields.items() if ours.get(name) is not None
    }
    return {**model.parameters, **mapped}


def _values(request: Request) -> dict[str, Json]:
    params = request.params
    width, height = params.get("width"), params.get("height")
    return {
        "prompt": well_formed(request.prompt),
        "seed": request.token,
        "size": {"width": width, "height": height} if width and height else None,
        **{name: params.get(name) for name in ("seconds", "aspect_ratio", "resolution", "voice", "language")},
        **request.uploads,
    }


def _written(field: Field, value: Json) -> Json:
    match field.form, value:
        case "plain", _:
            return value
        case "list", _:
            return [value]
        case "number", int() | float():
            return round(value) if float(value).is_integer() else value
        case "text", int() | float():
            return f"{value:g}"
        case "seconds", int() | float():
            return f"{value:g}s"
        case _:
            return str(value)


def media_address(kind: Kind, result: Any) -> str | None:
    """Where the file of a result lies."""
    for place in _PLACES[kind]:
        found = _dig(result, place)
        if isinstance(found, str) and found.startswith(("https://", "http://")):
            return found
    return None


def is_flagged(result: Any) -> bool:
    """Whether the safety checker objected to the picture; its file is then black."""
    return _dig(result, ("has_nsfw_concepts", 0)) is True


def _dig(value: Any, place: tuple[str | int, ...]) -> Any:
    for step in place:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and len(value) > step else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def queue_path(model: str) -> str:
    """``owner/app``, which every verb but submit addresses; two namespaces have a part before it.

    :raises BadRequest: that is not the id of a fal model.
    """
    parts = model.split("/")
    count = 3 if parts[0] in {"workflows", "comfy"} else 2
    if len(parts) < count or not all(parts):
        raise BadRequest(f"fal: {model!r} is not the id of a model (owner/app)")
    return "/".join(parts[:count])
