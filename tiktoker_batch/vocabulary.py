"""What a recipe can name: styles, voices and models, those of the catalog and those it adds itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import trio

from tiktoker_batch.app import cache_folder, full_catalog
from tiktoker_batch.catalog.loader import Catalog, load_catalog
from tiktoker_batch.catalog.prices import PROVIDER, QUOTES_FILE, Quotes, quotes_text, with_quotes
from tiktoker_batch.environment import environment
from tiktoker_batch.model import Model, Price
from tiktoker_batch.providers.registry import providers
from tiktoker_batch.recipe.findings import Findings
from tiktoker_batch.recipe.include import read_recipe
from tiktoker_batch.recipe.own_models import read_own_models
from tiktoker_batch.recipe.schema import check_schema
from tiktoker_batch.store.artifacts import write_atomic

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """A model; ``origin`` is ``built-in`` or the recipe that adds or changes it."""

    model: Model
    origin: str = BUILT_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """A model's price before and after."""

    ref: str
    before: Price
    after: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """Prices that were refreshed: where they are kept, the day, what changed, and by model why one was left alone."""

    path: Path
    as_of: str
    count: int
    changes: tuple[PriceChange, ...]
    left: Mapping[str, str]


def styles(recipe: Path | None = None) -> list[StyleName]:
    """All looks, the recipe's own first. The recipe need not be valid otherwise: it may be looked up while written.

    :raises RecipeError: the recipe cannot be read.
    """
    own = {
        name: StyleName(name=name, title="", prompt=" ".join(prompt.split()), origin=origin)
        for name, (prompt, origin) in _section(recipe, "styles").items()
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
    own = {name: _own_voice(name, *told) for name, told in _section(recipe, "voices").items()}
    built_in = (
        VoiceName(name=voice.name, title=voice.title, ids=voice.ids, languages=voice.languages, gender=voice.gender)
        for voice in load_catalog().voices.values()
    )
    return [*own.values(), *(voice for voice in built_in if voice.name not in own)]


def models(kind: str | None = None, recipe: Path | None = None) -> list[ModelName]:
    """All models, the recipe's own first, or those that make one kind of thing. The recipe need not be valid otherwise.

    :raises RecipeError: the recipe cannot be read.
    """
    environ = environment(recipe or Path("recipe.yaml"))
    catalog = full_catalog(environ)
    own = {model.ref: ModelName(model=model, origin=str(recipe)) for model in _own_models(recipe, catalog, environ)}
    built_in = (ModelName(model=model) for ref, model in catalog.models.items() if ref not in own)
    return [each for each in (*own.values(), *built_in) if kind in {None, each.model.kind}]


def refresh_prices(recipe: Path | None = None) -> Refreshed:
    """Ask fal what the catalog's models cost today, and keep it in the cache folder for every command to come.

    The environment is the recipe's, where one is given.

    :raises PreflightError: there is no key.
    :raises ProviderError: the platform cannot be asked; what was known before stays.
    """
    from tiktoker_batch.providers.fal.prices import ask_prices  # noqa: PLC0415  (loads what speaks to fal)

    environ, catalog = environment(recipe or Path("recipe.yaml")), full_catalog()
    before = {model.id: model.price for model in catalog.models.values() if model.provider == PROVIDER and model.price}
    told = trio.run(ask_prices, environ, before.keys())
    units = {name: price.unit for name, price in before.items()}
    strange = {
        name: f"it is priced by {quote.unit!r}, not by {units[name]!r}"
        for name, quote in told.quotes.prices.items()
        if quote.unit != units[name]
    }
    fitting = {name: quote for name, quote in told.quotes.prices.items() if name not in strange}
    quotes = Quotes(as_of=told.quotes.as_of, prices=fitting)
    path = cache_folder(environ) / QUOTES_FILE
    write_atomic(path, quotes_text(quotes))
    left = {f"{PROVIDER}:{name}": why for name, why in sorted({**told.unpriced, **strange}.items())}
    return Refreshed(path=path, as_of=quotes.as_of, count=len(fitting), changes=_changes(catalog, quotes), left=left)


def _changes(catalog: Catalog, quotes: Quotes) -> tuple[PriceChange, ...]:
    after = with_quotes(catalog, quotes).models
    pairs = ((model.ref, model.price, after[model.ref].price) for model in catalog.models.values())
    return tuple(
        PriceChange(ref=ref, before=old, after=new) for ref, old, new in pairs if old and new and old.usd != new.usd
    )


def _own_models(recipe: Path | None, catalog: Catalog, environ: Mapping[str, str]) -> tuple[Model, ...]:
    """The models that a recipe declares, as far as they are well-formed."""
    if recipe is None:
        return ()
    source = read_recipe(recipe, environ).source
    _, sound = check_schema(source)
    if not isinstance(sound, dict):
        return ()
    return read_own_models(sound, catalog, tuple(providers()), Findings(source)).models


def _own_voice(name: str, ref: str, origin: str) -> VoiceName:
    provider, _, id_ = ref.partition(":")
    return VoiceName(name=name, title="", ids={provider: id_}, origin=origin)


def _section(recipe: Path | None, key: str) -> dict[str, tuple[str, str]]:
    """The recipe's own names of one sort, as far as they are well-formed, each with the file that it stands in."""
    if recipe is None:
        return {}
    source = read_recipe(recipe, environment(recipe)).source
    section = source.data.get(key) if isinstance(source.data, dict) else None
    entries = section.items() if isinstance(section, dict) else ()
    return {
        name: (value, source.locate((key, name)).path)
        for name, value in entries
        if isinstance(value, str) and not name.startswith("x-")
    }
