"""The catalogs as typed values. The YAML files beside this module are data that changes often; nothing else is code."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar, get_args, get_type_hints

import yaml

from tiktoker_batch.catalog.fields import (
    Fields,
    WrongEntry,
    amounts,
    flag,
    interval,
    mapping,
    number,
    numbers,
    one_of,
    text,
    texts,
    usd,
)
from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.model import Model, Models, Price

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
_FOLDER = Path(__file__).parent
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KINDS: frozenset[str] = frozenset(get_args(get_type_hints(Model)["kind"]))
_UNITS: frozenset[str] = frozenset(get_args(get_type_hints(Price)["unit"]))


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
    """A language that can be narrated; ``script`` is the one it is written in (``latin``, ``cyrillic``, ...)."""

    code: str
    name: str
    words_per_minute: int
    script: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything a recipe may name: models by ``provider:id``, the rest by name or code."""

    models: Mapping[str, Model]
    styles: Mapping[str, CatalogStyle]
    voices: Mapping[str, CatalogVoice]
    languages: Mapping[str, Language]
    default_voices: Mapping[str, str]

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers of the models, each once."""
        return tuple(dict.fromkeys(model.provider for model in self.models.values()))

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
    """The catalog of this installation, read once.

    :raises TiktokerError: a catalog file is broken; names the file and the entry.
    """
    return read_catalog(_FOLDER)


def providers() -> tuple[str, ...]:
    """The providers that the installed catalog knows."""
    return load_catalog().providers


def read_catalog(folder: Path) -> Catalog:
    """The catalog in a folder that holds models, styles, voices and languages as YAML.

    :raises TiktokerError: a file is broken; names the file and the entry.
    """
    voices = _read(folder / "voices.yaml")
    catalog = Catalog(
        models=_each(folder / "models.yaml", _read(folder / "models.yaml"), _model),
        styles=_each(folder / "styles.yaml", _read(folder / "styles.yaml"), _style),
        voices=_each(folder / "voices.yaml", _section(folder / "voices.yaml", voices, "voices"), _voice),
        languages=_each(folder / "languages.yaml", _read(folder / "languages.yaml"), _language),
        default_voices=MappingProxyType(_section(folder / "voices.yaml", voices, "defaults")),
    )
    _check_aliases(folder / "styles.yaml", catalog)
    _check_default_voices(folder / "voices.yaml", catalog)
    return catalog


# --------------------------------------------------------------------------- files


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  (a safe loader, in C)
    except OSError as error:
        raise _broken(path, None, error.strerror or "cannot be read") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _broken(path, None, str(error)) from None
    if not isinstance(content, dict) or not content:
        raise _broken(path, None, "expected entries by name")
    return content


def _section(path: Path, content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = content.get(name)
    if not isinstance(section, dict) or not section:
        raise _broken(path, name, "expected entries by name")
    return section


class _Builder(Protocol[T_co]):
    def __call__(self, name: str, fields: Fields, /) -> T_co: ...


def _each(path: Path, content: Mapping[str, Any], build: _Builder[T]) -> Mapping[str, T]:
    built: dict[str, T] = {}
    for name, values in content.items():
        with _blame(path, name):
            fields = Fields(values)
            built[name] = build(text(name), fields)
            fields.close()
    return MappingProxyType(built)


@contextmanager
def _blame(path: Path, entry: object) -> Iterator[None]:
    try:
        yield
    except WrongEntry as error:
        raise _broken(path, entry, str(error)) from None


def _broken(path: Path, entry: object, what: str) -> TiktokerError:
    at = path.name if entry is None else f"{path.name}: entry {entry!r}"
    return TiktokerError(f"the catalog is broken: {at}: {what}", hint="install tiktoker-batch again")


# --------------------------------------------------------------------------- entries


def _model(ref: str, fields: Fields) -> Model:
    provider, colon, id_ = ref.partition(":")
    if not (provider and colon and id_):
        raise WrongEntry("a model is called provider:id")
    model = Model(
        provider=provider,
        id=id_,
        kind=fields.take("kind", one_of(_KINDS)),
        title=fields.take("title", text),
        durations=fields.take("durations", numbers, ()),
        duration_range=fields.take("duration_range", interval) if "duration_range" in fields.values else None,
        aspect_ratios=fields.take("aspect_ratios", texts, ()),
        resolutions=fields.take("resolutions", texts, ()),
        languages=fields.take("languages", texts, ()),
        parameters=fields.take("parameters", mapping, {}),
        price=fields.take("price", _price) if "price" in fields.values else None,
        typical_seconds=fields.take("typical_seconds", number),
    )
    if (model.kind == "clip") != bool(model.durations or model.duration_range):
        raise WrongEntry("a clip model, and no other, has durations or a duration_range")
    return model


def _price(value: object) -> Price:
    fields = Fields(value)
    price = Price(
        unit=fields.take("unit", one_of(_UNITS)),
        usd=fields.take("usd", usd),
        by_resolution=fields.take("by_resolution", amounts, {}),
        as_of=fields.take("as_of", text),
        source=fields.take("source", text),
        uncertain=fields.take("uncertain", flag, False),
    )
    fields.close()
    return price


def _style(name: str, fields: Fields) -> CatalogStyle:
    return CatalogStyle(
        name=name,
        title=fields.take("title", text),
        prompt=" ".join(fields.take("prompt", text).split()),
        aliases=fields.take("aliases", texts, ()),
    )


def _voice(name: str, fields: Fields) -> CatalogVoice:
    return CatalogVoice(
        name=name,
        title=fields.take("title", text),
        ids=MappingProxyType({key: text(id_) for key, id_ in fields.take("ids", mapping).items()}),
        languages=fields.take("languages", texts, ()),
        gender=fields.take("gender", text, "neutral"),
    )


def _language(code: str, fields: Fields) -> Language:
    return Language(
        code=code,
        name=fields.take("name", text),
        words_per_minute=round(fields.take("words_per_minute", number)),
        script=fields.take("script", text),
    )


# --------------------------------------------------------------------------- across entries


def _check_aliases(path: Path, catalog: Catalog) -> None:
    seen = set(catalog.styles)
    for style in catalog.styles.values():
        for alias in style.aliases:
            if alias in seen:
                raise _broken(path, style.name, f"the alias {alias!r} is taken")
            seen.add(alias)


def _check_default_voices(path: Path, catalog: Catalog) -> None:
    for model in catalog.models.values():
        if model.kind != "narration":
            continue
        name = catalog.default_voices.get(model.ref) or catalog.default_voices.get(model.provider)
        voice = catalog.voices.get(name or "")
        if voice is None or voice.id_for(model) is None:
            raise _broken(path, "defaults", f"no voice for {model.ref}")
