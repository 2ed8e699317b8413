"""A recipe as it is meant, written out: nothing included, no profile to choose, every video by itself."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tiktoker_batch.catalog.loader import Catalog
from tiktoker_batch.errors import UsageError
from tiktoker_batch.model import Model, Video, Voice
from tiktoker_batch.recipe import scalars
from tiktoker_batch.recipe.build import Loaded
from tiktoker_batch.recipe.expressions import is_expression
from tiktoker_batch.recipe.files import is_address
from tiktoker_batch.recipe.interpolate import secret_in
from tiktoker_batch.recipe.nodes import Node, Spot
from tiktoker_batch.recipe.profiles import choose_profiles, overlaid
from tiktoker_batch.recipe.schema import recipe_schema
from tiktoker_batch.recipe.source import plain

_FILES = frozenset({("music", "file"), ("reference_image",), ("script_file",), ("output_dir",)}) | {
    ("prompts", "*", name) for name in ("image", "clip")
}
_OFF = ("captions", "music", "hedge")  # false takes away, for a video, what a layer below it says

_STRING = "tag:yaml.org,2002:str"

Layers = Sequence[Mapping[str, Any]]


def expanded_recipe(loaded: Loaded, profiles: Sequence[str], catalog: Catalog, environ: Mapping[str, str]) -> Any:
    """A recipe's data that asks for the same without files to include, profiles, environment or expressions.

    Relative paths are meant from the recipe's folder.

    :raises UsageError: it holds a secret of the environment.
    """
    data = _Walk(loaded).recipe()
    overlays = choose_profiles(profiles, data, data, catalog, loaded.assigned)
    data.pop("profiles", None)
    if overlays:
        layers = [data.get("defaults", {}), *(overlay.defaults for overlay in overlays)]
        made = {video.id: video for video in loaded.recipe.videos}
        data["videos"] = [_as_made(video, made[video["id"]], layers, catalog) for video in data["videos"]]
        told = {key: overlaid(key, data, overlays) for key in ("limits", "budget")}
        told["defaults"] = _defaults(layers)
        data |= {key: value for key, value in told.items() if value or key in data}
    secret = secret_in(repr(data), environ)
    if secret:
        raise UsageError(f"this recipe holds what {secret} holds, a secret; it is not shown")
    usual = [*recipe_schema()["properties"], *data]
    return {key: data[key] for key in sorted(data, key=usual.index)}


def recipe_text(data: Any) -> str:
    """Data as YAML that is read as what it is."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


# ---------------------------------------------------------------------- what is written


class _Walk:
    """The recipe's nodes as data, with what means something in a recipe's strings escaped."""

    def __init__(self, loaded: Loaded) -> None:
        self.source = loaded.source
        self.home = Path(loaded.source.path).parent

    def recipe(self) -> dict[str, Any]:
        data: dict[str, Any] = self._data(self.source.root, ())
        return data

    def _data(self, node: Node, path: tuple[str, ...]) -> Any:
        match node.content:
            case dict() as entries:
                return {
                    name: plain(entry.node) if name.startswith("x-") else self._data(entry.node, (*path, name))
                    for name, entry in entries.items()
                }
            case tuple() as items:
                return [self._data(item, (*path, "*")) for item in items]
            case str() as text:
                placed = self._from_home(text, node.spot) if _names_a_file(path) else text
                return _escaped(placed, may_be_expression=path[0] == "videos")
            case scalar:
                return scalar

    def _from_home(self, text: str, spot: Spot) -> str:
        folder = self.source.folder_of(spot)
        if folder == self.home or is_address(text) or Path(text).is_absolute():
            return text
        try:
            return (folder / text).relative_to(self.home).as_posix()
        except ValueError:  # it was included by an absolute name
            return os.path.abspath(folder / text)  # noqa: PTH100  (links stay what they are)


def _names_a_file(path: tuple[str, ...]) -> bool:
    """Whether this place of a recipe, a profile or a video holds the name of a file."""
    within = {"videos": 2, "defaults": 1, "profiles": 3}.get(path[0], 0)
    own = path[within:]
    return own in _FILES or (len(own) == 2 and own[0] == "templates")


def _escaped(text: str, *, may_be_expression: bool) -> str:
    if may_be_expression and is_expression(text):
        text = "{{ '" + "".join(_IN_JINJA.get(character, character) for character in text) + "' }}"
    return text.replace("${", "$${")


_IN_JINJA = {each: f"\\x{ord(each):02x}" for each in "{}%#'\\\n\r"}


# ---------------------------------------------------------------------- what profiles leave


def _defaults(layers: Layers) -> dict[str, Any]:
    """The recipe's defaults with those of the profiles over them. Voices stand in the videos then."""
    keys = dict.fromkeys(key for layer in layers for key in layer if key != "voice")
    found = {key: _resolved(key, layers) for key in keys}
    if isinstance(found.get("models"), dict):
        models = {kind: _only(ref) for kind, ref in found["models"].items()}
        found["models"] = {kind: ref for kind, ref in models.items() if ref is not None}
    return {key: value for key, value in found.items() if value not in (None, {})}


def _resolved(key: str, layers: Layers) -> Any:
    """What the layers, the strongest last, come to: mappings key by key, of the rest the last."""
    said = [layer[key] for layer in layers if layer.get(key) is not None]
    if not said or not isinstance(said[-1], dict | bool) or said[-1] is False:
        return said[-1] if said else None
    mappings = [each for each in said if isinstance(each, dict)]
    return {name: value for each in mappings for name, value in each.items()} if mappings else said[-1]


def _only(ref: Any) -> str | None:
    """A profile's model, if it leaves no choice to a video's language."""
    if isinstance(ref, str):
        return ref
    return ref[0] if len(ref) == 1 else None


def _as_made(video: dict[str, Any], made: Video, layers: Layers, catalog: Catalog) -> dict[str, Any]:
    """A video with what followed from its language and from profiles that are not chosen any more."""
    own = dict(video)
    for key in _OFF:
        if isinstance(own.get(key), dict):
            own[key] = _resolved(key, [*layers, video])
    chosen = _resolved("models", layers) or {}
    models = {kind: getattr(made.models, kind).ref for kind, ref in chosen.items() if _left_open(kind, ref)}
    if models:
        own["models"] = {**models, **own.get("models", {})}
    own.pop("voice", None)
    if made.voice != _usual_voice(made.models.narration, catalog):
        own["voice"] = made.voice.name
    return own


def _left_open(kind: str, ref: Any) -> bool:
    return not kind.startswith("x-") and _only(ref) is None


def _usual_voice(model: Model, catalog: Catalog) -> Voice | None:
    name = catalog.default_voice(model)
    id_ = catalog.voices[name].id_for(model) if name else None
    return Voice(name=name, provider=model.provider, id=id_) if name and id_ else None


# ---------------------------------------------------------------------- YAML


class _Dumper(yaml.SafeDumper):
    """Writes every repetition out, texts of several lines as such, and quotes what would not be read as text."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text:
        style = "|"
    elif not _is_read_as_text(text):
        style = "'"
    return dumper.represent_scalar(_STRING, text, style=style)


def _is_read_as_text(text: str) -> bool:
    """PyYAML sees to what YAML 1.1 takes for something else; ``1e3`` and ``0o7`` are numbers for YAML 1.2 alone."""
    try:
        return isinstance(scalars.resolve(text), str)
    except ValueError:
        return False


_Dumper.add_representer(str, _text)
