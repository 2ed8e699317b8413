"""The catalogs as typed values. The YAML files beside this module are data that changes often; nothing else is code."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import yaml

from tiktoker_batch.catalog.fields import Fields, WrongEntry, flag, mapping, number, text, texts, whole
from tiktoker_batch.catalog.models import KINDS, catalog_model
from tiktoker_batch.catalog.profiles import Profile, build_profile
from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.model import Model, Models

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
_FOLDER = Path(__file__).parent
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_USUAL_PROFILE = "offline"


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
    """A language that can be narrated; ``script`` is the one it is written in (``latin``, ``cyrillic``, ...).

    One that is written without spaces is measured in ``characters_per_minute``, all others in words.
    """

    code: str
    name: str
    words_per_minute: int
    script: str
    characters_per_minute: int | None = None

    @property
    def unit(self) -> str:
        """What its texts are measured in."""
        return "characters" if self.characters_per_minute else "words"

    @property
    def pace(self) -> int:
        """How many of its units are spoken in a minute."""
        return self.characters_per_minute or self.words_per_minute

    def seconds(self, text: str) -> float:
        """How long it takes to speak a text."""
        return self.count(text) / self.pace * 60

    def count(self, text: str) -> int:
        """The units of a text."""
        return sum(each.isalnum() for each in text) if self.characters_per_minute else len(text.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Where videos are published and the most that one post may have there; ``None``: nobody says.

    ``caption_characters`` are those of the caption with its hashtags, as ``utf16`` units or as characters.
    """

    name: str
    title: str
    caption_characters: int | None = None
    utf16: bool = False
    hashtags: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """A model that exists and is of no use here: why, in words that follow its name, and which to use ``instead``."""

    ref: str
    why: str
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything a recipe may name: models by ``provider:id``, the rest by name or code; and ``unfit`` models."""

    models: Mapping[str, Model]
    styles: Mapping[str, CatalogStyle]
    voices: Mapping[str, CatalogVoice]
    languages: Mapping[str, Language]
    default_voices: Mapping[str, str]
    profiles: Mapping[str, Profile]
    unfit: Mapping[str, Unfit]
    platforms: Mapping[str, Platform]

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers of the models, each once."""
        return tuple(dict.fromkeys(model.provider for model in self.models.values()))

    def style(self, name: str) -> CatalogStyle | None:
        """A style by its name or an alias."""
        return self.styles.get(name) or next((s for s in self.styles.values() if name in s.aliases), None)

    def default_models(self, language: str) -> Models:
        """The models of a recipe that names none: all on this machine."""
        profile = self.profiles[_USUAL_PROFILE]
        return Models(**{kind: self.models[self.first_speaking(profile.models[kind], language)] for kind in KINDS})

    def first_speaking(self, refs: Iterable[str], language: str) -> str:
        """The first of several models that knows a language; the last one when none does."""
        ref = ""
        for ref in refs:
            if self.models[ref].knows(language):
                break
        return ref

    def default_voice(self, model: Model) -> str | None:
        """The voice of a narration model where the recipe names none; ``None`` for one that has no such voice."""
        return self.default_voices.get(model.ref) or self.default_voices.get(model.provider)

    def extended(self, models: Iterable[Model]) -> "Catalog":
        """The same catalog with more models; one of the same ``provider:id`` takes the place of what was there."""
        return replace(self, models=MappingProxyType({**self.models, **{model.ref: model for model in models}}))


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
    """The catalog in a folder that holds models, unfit ones, styles, voices, languages, profiles and platforms as YAML.

    :raises TiktokerError: a file is broken; names the file and the entry.
    """
    voices = read_yaml(folder / "voices.yaml")
    catalog = Catalog(
        models=_each(folder / "models.yaml", read_yaml(folder / "models.yaml"), catalog_model),
        styles=_each(folder / "styles.yaml", read_yaml(folder / "styles.yaml"), _style),
        voices=_each(folder / "voices.yaml", _section(folder / "voices.yaml", voices, "voices"), _voice),
        languages=_each(folder / "languages.yaml", read_yaml(folder / "languages.yaml"), _language),
        default_voices=MappingProxyType(_section(folder / "voices.yaml", voices, "defaults")),
        profiles=_each(folder / "profiles.yaml", read_yaml(folder / "profiles.yaml"), build_profile),
        unfit=_each(folder / "unfit.yaml", read_yaml(folder / "unfit.yaml"), _unfit),
        platforms=_each(folder / "platforms.yaml", read_yaml(folder / "platforms.yaml"), _platform),
    )
    _check_aliases(folder / "styles.yaml", catalog)
    _check_default_voices(folder / "voices.yaml", catalog)
    _check_profiles(folder / "profiles.yaml", catalog)
    _check_unfit(folder / "unfit.yaml", catalog)
    return catalog


# --------------------------------------------------------------------------- files


def read_yaml(path: Path) -> Mapping[str, Any]:
    """The entries of a catalog file by their names.

    :raises TiktokerError: it cannot be read, or is no mapping.
    """
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
        characters_per_minute=fields.take("characters_per_minute", whole, 0) or None,
    )


def _unfit(ref: str, fields: Fields) -> Unfit:
    return Unfit(ref=ref, why=fields.take("why", text), instead=fields.take("instead", text))


def _platform(name: str, fields: Fields) -> Platform:
    fields.take("as_of", text)
    fields.take("source", text)
    return Platform(
        name=name,
        title=fields.take("title", text),
        caption_characters=fields.take("caption_characters", whole, 0) or None,
        utf16=fields.take("utf16", flag, False),
        hashtags=fields.take("hashtags", whole, 0) or None,
        seconds=fields.take("seconds", number, 0.0) or None,
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
        voice = catalog.voices.get(catalog.default_voice(model) or "")
        if voice is None or voice.id_for(model) is None:
            raise _broken(path, "defaults", f"no voice for {model.ref}")


def _check_profiles(path: Path, catalog: Catalog) -> None:
    if _USUAL_PROFILE not in catalog.profiles:
        raise _broken(path, _USUAL_PROFILE, "it is missing, and what a recipe leaves out comes from it")
    for profile in catalog.profiles.values():
        for kind, refs in profile.models.items():
            for ref in refs:
                if ref not in catalog.models or catalog.models[ref].kind != kind:
                    raise _broken(path, profile.name, f"there is no model {ref!r} for {kind}")


def _check_unfit(path: Path, catalog: Catalog) -> None:
    for unfit in catalog.unfit.values():
        if unfit.ref in catalog.models:
            raise _broken(path, unfit.ref, "it is a model of the catalog too")
        if unfit.instead not in catalog.models:
            raise _broken(path, unfit.ref, f"there is no model {unfit.instead!r}")
