"""Refreshed prices: what the platform tells, what is kept of it, and what it changes in the catalog."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.simulated import FLUX, VEO, a_world, simulated
from tiktoker_batch.app import full_catalog
from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.catalog.prices import QUOTES_FILE, Quote, Quotes, quoted, quotes_text, read_quotes, with_quotes
from tiktoker_batch.errors import AuthFailed, PreflightError, TiktokerError, Unavailable
from tiktoker_batch.model import Model, Price
from tiktoker_batch.providers.fal.prices import CHUNK, ask_prices, our_unit

CATALOG = load_catalog()
PRICED = {model.id: model for model in CATALOG.models.values() if model.provider == "fal" and model.price}


def told(name: str, usd: str, unit: str) -> Quotes:
    return Quotes(as_of="2027-02-03", prices={name: Quote(usd=Decimal(usd), unit=unit)})


def price_of(model: Model) -> Price:
    assert model.price is not None
    return model.price


# ---------------------------------------------------------------------- over the catalog


def test_a_quote_dates_a_price_and_names_its_source() -> None:
    price = price_of(with_quotes(CATALOG, told(FLUX, "0.004", "megapixel")).models[f"fal:{FLUX}"])
    assert (price.usd, price.unit) == (Decimal("0.004"), "megapixel")
    assert (price.as_of, price.source, price.uncertain) == ("2027-02-03", "fal platform API", False)


def test_the_catalog_itself_and_all_other_models_stay_as_they_are() -> None:
    before = dict(CATALOG.models)
    refreshed = with_quotes(CATALOG, told(FLUX, "0.004", "megapixel")).models
    assert CATALOG.models == before
    assert {ref for ref, model in refreshed.items() if model != before[ref]} == {f"fal:{FLUX}"}


def test_a_quote_that_agrees_confirms_the_prices_by_resolution() -> None:
    before = price_of(PRICED[VEO])
    price = price_of(quoted(PRICED[VEO], told(VEO, "0.1", "second")))
    assert before.uncertain
    assert price.by_resolution == before.by_resolution
    assert (price.usd, price.uncertain) == (Decimal("0.10"), False)


def test_a_quote_that_differs_takes_the_place_of_prices_by_resolution_and_says_that_it_is_unsure() -> None:
    price = price_of(quoted(PRICED[VEO], told(VEO, "0.12", "second")))
    assert (price.usd, price.by_resolution, price.uncertain) == (Decimal("0.12"), {}, True)


@pytest.mark.parametrize(
    ("usd", "with_sound"),
    [("0.10", Decimal("0.15")), ("0.12", Decimal("0.15")), ("0.15", Decimal("0.15")), ("0.2", None)],
)
def test_what_sound_costs_stays_known_unless_the_silent_price_passed_it(usd: str, with_sound: Decimal | None) -> None:
    price = price_of(quoted(PRICED[VEO], told(VEO, usd, "second")))
    found = price.of({"generate_audio": True})
    assert (found and found.usd) == with_sound
    silent = price.of({"generate_audio": False})
    assert silent is not None
    assert (silent.usd, silent.as_of) == (Decimal(usd), "2027-02-03")


@pytest.mark.parametrize(("name", "unit"), [(VEO, "call"), (VEO, "compute second"), (FLUX, "image")])
def test_a_quote_by_another_unit_changes_nothing(name: str, unit: str) -> None:
    assert quoted(PRICED[name], told(name, "9", unit)) == PRICED[name]


def test_a_quote_for_a_model_that_the_catalog_does_not_have_is_kept_for_nobody() -> None:
    assert with_quotes(CATALOG, told("fal-ai/unheard-of", "1", "image")).models == CATALOG.models


# ---------------------------------------------------------------------- the file


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    quotes = Quotes(
        as_of="2027-02-03",
        prices={
            FLUX: Quote(usd=Decimal("0.0000001"), unit="megapixel"),
            VEO: Quote(usd=Decimal("0.10"), unit="second"),
        },
    )
    path = tmp_path / QUOTES_FILE
    path.write_text(quotes_text(quotes), encoding="utf-8")
    assert read_quotes(path) == quotes
    assert '"usd": "0.0000001"' in path.read_text(encoding="utf-8")


def test_without_a_file_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert read_quotes(tmp_path / QUOTES_FILE) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"as_of": "2027-02-03"}',
        '{"as_of": "2027-02-03", "prices": {"x": {"usd": "cheap", "unit": "image"}}}',
        '{"as_of": "2027-02-03", "prices": {"x": {"usd": "-1", "unit": "image"}}}',
        '{"as_of": "2027-02-03", "prices": {"x": {"usd": "NaN", "unit": "image"}}}',
        '{"as_of": "2027-02-03", "prices": {"x": {"usd": "1"}}}',
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, content: str) -> None:
    path = tmp_path / QUOTES_FILE
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TiktokerError) as raised:
        read_quotes(path)
    assert str(path) in raised.value.message
    assert "--refresh-prices" in (raised.value.hint or "")


def test_the_catalog_of_an_environment_holds_what_is_in_its_cache(tmp_path: Path) -> None:
    (tmp_path / QUOTES_FILE).write_text(quotes_text(told(VEO, "0.5", "second")), encoding="utf-8")
    refreshed = full_catalog({"TIKTOKER_CACHE_DIR": str(tmp_path)}).models[f"fal:{VEO}"]
    assert price_of(refreshed).usd == Decimal("0.5")
    assert full_catalog().models[f"fal:{VEO}"] == CATALOG.models[f"fal:{VEO}"]


# ---------------------------------------------------------------------- the platform


@pytest.mark.parametrize(
    ("word", "unit"),
    [
        ("seconds", "second"),
        ("second", "second"),
        ("Images", "image"),
        ("megapixels", "megapixel"),
        ("videos", "call"),
        ("1000 characters", "1k_characters"),
        ("1000_characters", "1k_characters"),
        ("compute seconds", None),
        ("processed megapixels", None),
        ("tokens", None),
        ("", None),
    ],
)
def test_only_words_that_mean_one_thing_become_units_of_ours(word: str, unit: str | None) -> None:
    assert our_unit(word) == unit


async def test_every_priced_model_is_asked_for_a_few_at_a_time() -> None:
    async with simulated(a_world()) as simulator:
        answer = await ask_prices(simulator.environ, PRICED)
    assert answer.quotes.prices.keys() == PRICED.keys()
    assert answer.quotes.prices[FLUX] == Quote(usd=Decimal("0.003"), unit="megapixel")
    assert simulator.world.ledger.requests == {"GET /v1/models/pricing": -(-len(PRICED) // CHUNK)}


async def test_a_model_that_is_gone_does_not_spoil_the_others() -> None:
    world = a_world()
    world.models = {ref: model for ref, model in world.models.items() if model.id != VEO}
    async with simulated(world) as simulator:
        answer = await ask_prices(simulator.environ, PRICED)
    assert answer.quotes.prices.keys() == PRICED.keys() - {VEO}
    assert answer.unpriced == {VEO: "the platform tells no price of it"}


async def test_a_platform_that_prices_a_model_at_nothing_is_not_believed() -> None:
    free = replace(CATALOG.models[f"fal:{FLUX}"], price=Price(unit="megapixel", usd=Decimal(0)))
    async with simulated(a_world(models={free.ref: free})) as simulator:
        answer = await ask_prices(simulator.environ, [FLUX, VEO])
    assert list(answer.quotes.prices) == [VEO]
    assert answer.unpriced == {FLUX: "0.0 is no price"}


async def test_prices_are_told_to_those_with_an_accepted_key_only() -> None:
    world = a_world()
    world.keys = frozenset({"another"})
    async with simulated(world) as simulator:
        with pytest.raises(AuthFailed):
            await ask_prices(simulator.environ, [FLUX])
        with pytest.raises(PreflightError, match="with a key only"):
            await ask_prices({**simulator.environ, "FAL_KEY": ""}, [FLUX])


async def test_an_answer_without_prices_is_not_understood() -> None:
    async with simulated(a_world()) as simulator:
        elsewhere = {**simulator.environ, "FAL_API_URL": f"{simulator.base}/_simulator/ledger?"}
        with pytest.raises(Unavailable, match="no prices"):
            await ask_prices(elsewhere, [FLUX])
