"""The catalogs as typed values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.model import Model, Models, Price

T = TypeVar("T")
_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogStyle:
    """A built-in look; ``aliases`` are names that recipes may also use."""

    name: str
    title: str
    prompt: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogVoice:
    """A narrator. ``ids`` gives its name at a model (``local:hibari``) or at a provider (``elevenlabs``).

    Empty ``languages`` mean that the voice speaks what its model speaks.
    """

    name: str
    title: str
    ids: Mapping[str, str]
    languages: tuple[str, ...] = ()
    gender: str = ""

    def id_for(self, model: Model) -> str | None:
        """The voice's id for a narration model, ``None`` where it is not offered."""
        return self.ids.get(model.ref) or self.ids.get(model.provider)


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language that can be narrated; ``script`` is the one it is written in."""

    code: str
    name: str
    words_per_minute: int
    script: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything a recipe may name."""

    models: Mapping[str, Model]
    styles: Mapping[str, CatalogStyle]
    voices: Mapping[str, CatalogVoice]
    languages: Mapping[str, Language]
    default_voices: Mapping[str, str]

    def style(self, name: str) -> CatalogStyle | None:
        """A style by its name or an alias."""
        return self.styles.get(name) or next((s for s in self.styles.values() if name in s.aliases), None)

    def default_models(self, language: str) -> Models:
        """The models of a recipe that names none: all on this machine."""
        narration = "local:hibari" if language in self.models["local:hibari"].languages else "local:espeak-ng"
        return Models(
            text=self.models["local:writer"],
            image=self.models["local:painter"],
            clip=self.models["local:camera"],
            narration=self.models[narration],
        )

    def default_voice(self, model: Model) -> str:
        """The voice of a narration model where the recipe names none."""
        return self.default_voices.get(model.ref) or self.default_voices[model.provider]
