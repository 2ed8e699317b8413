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
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is ten times faster, where libyaml is there


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


@cache
def load_catalog() -> Catalog:
    """Read the catalog files.

    :raises TiktokerError: one of them is broken; names the file and the entry.
    """
    voices = _read("voices.yaml")
    defaults = voices.pop("default")
    models = _entries("models.yaml", _read("models.yaml"), _model)
    return Catalog(
        models={model.ref: model for model in models.values()},
        styles=_entries("styles.yaml", _read("styles.yaml"), _style),
        voices=_entries("voices.yaml", voices, _voice),
        languages=_entries("languages.yaml", _read("languages.yaml"), _language),
        default_voices=defaults,
    )


def _read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((_FOLDER / name).read_text(encoding="utf-8"), Loader=_LOADER)
    return loaded


def _entries(file: str, found: Mapping[str, Any], make: Callable[[str, Any], T]) -> dict[str, T]:
    entries: dict[str, T] = {}
    for name, entry in found.items():
        try:
            entries[name] = make(name, entry)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise TiktokerError(f"catalog file {file}: entry {name!r} is broken: {error!r}") from error
    return entries


def _model(ref: str, entry: dict[str, Any]) -> Model:
    provider, _, id_ = ref.partition(":")
    low_high = entry.pop("duration_range", None)
    price = entry.pop("price", None)
    return Model(
        provider=provider,
        id=id_,
        duration_range=(float(low_high[0]), float(low_high[1])) if low_high else None,
        durations=tuple(float(seconds) for seconds in entry.pop("durations", ())),
        price=_price(price) if price else None,
        **{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()},
    )


def _price(entry: dict[str, Any]) -> Price:
    usd = Decimal(entry.pop("usd"))
    by_resolution = {name: Decimal(amount) for name, amount in entry.pop("by_resolution", {}).items()}
    as_of = str(entry.pop("as_of")) if "as_of" in entry else None
    return Price(usd=usd, by_resolution=by_resolution, as_of=as_of, **entry)


def _style(name: str, entry: dict[str, Any]) -> CatalogStyle:
    aliases = tuple(entry.get("aliases", ()))
    return CatalogStyle(name=name, title=entry["title"], prompt=" ".join(entry["prompt"].split()), aliases=aliases)


def _voice(name: str, entry: dict[str, Any]) -> CatalogVoice:
    languages = tuple(entry.get("languages", ()))
    return CatalogVoice(
        name=name, title=entry["title"], ids=entry["ids"], languages=languages, gender=entry.get("gender", "")
    )


def _language(code: str, entry: dict[str, Any]) -> Language:
    return Language(code=code, **entry)
