"""What a recipe can name: styles, voices and models, those of the catalog and those it adds itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.model import Model
from tiktoker_batch.recipe.source import load_source

BUILT_IN = "built-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleName:
    """A look; ``origin`` is ``built-in`` or the recipe that adds or replaces it."""

    name: str
    title: str
    prompt: str
    aliases: tuple[str, ...] = ()
    origin: str = BUILT_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceName:
    """A narrator; ``ids`` gives its name at a model or at a provider. No languages: whatever the model speaks."""

    name: str
    title: str
    ids: Mapping[str, str]
    languages: tuple[str, ...] = ()
    gender: str = ""
    origin: str = BUILT_IN


def styles(recipe: Path | None = None) -> list[StyleName]:
    """All looks, the recipe's own first. The recipe need not be valid otherwise: it may be looked up while written.

    :raises RecipeError: the recipe cannot be read.
    """
    own = {
        name: StyleName(name=name, title="", prompt=" ".join(prompt.split()), origin=str(recipe))
        for name, prompt in _section(recipe, "styles").items()
    }
    built_in = (
        StyleName(name=style.name, title=style.title, prompt=style.prompt, aliases=style.aliases)
        for style in load_catalog().styles.values()
    )
    return [*own.values(), *(style for style in built_in if style.name not in own)]


def voices(recipe: Path | None = None) -> list[VoiceName]:
    """All narrators, the recipe's own first.

    :raises RecipeError: the recipe cannot be read.
    """
    own = {name: _own_voice(name, ref, str(recipe)) for name, ref in _section(recipe, "voices").items()}
    built_in = (
        VoiceName(name=voice.name, title=voice.title, ids=voice.ids, languages=voice.languages, gender=voice.gender)
        for voice in load_catalog().voices.values()
    )
    return [*own.values(), *(voice for voice in built_in if voice.name not in own)]


def models(kind: str | None = None) -> list[Model]:
    """All models, or those that make one kind of thing."""
    return [model for model in load_catalog().models.values() if kind in {None, model.kind}]


def _own_voice(name: str, ref: str, origin: str) -> VoiceName:
    provider, _, id_ = ref.partition(":")
    return VoiceName(name=name, title="", ids={provider: id_}, origin=origin)


def _section(recipe: Path | None, key: str) -> dict[str, str]:
    """The recipe's own names of one sort, as far as they are well-formed."""
    data: Any = load_source(recipe).data if recipe else {}
    section = data.get(key) if isinstance(data, dict) else None
    entries = section.items() if isinstance(section, dict) else ()
    return {name: value for name, value in entries if isinstance(value, str) and not name.startswith("x-")}
