"""``models``: who can make what, and for how much."""

from pathlib import Path
from typing import Any

import click

from tiktoker_batch import app, vocabulary
from tiktoker_batch.cli.options import OneOf, echo_json, format_option, optional_recipe_argument, say, show, subcommand
from tiktoker_batch.model import Model, Price
from tiktoker_batch.report.quantities import columns, counted

UNITS = {
    "second": "second",
    "image": "image",
    "megapixel": "megapixel",
    "1k_characters": "1000 characters",
    "call": "call",
}


@subcommand("models", example="tiktoker-batch models --kind clip")
@optional_recipe_argument
@click.option("--kind", type=OneOf(["text", "image", "clip", "narration"]), help="Only models that make this.")
@click.option(
    "--refresh-prices", "refresh", is_flag=True, help="First ask fal what its models cost today (needs a key)."
)
@format_option
def command(recipe: Path | None, kind: str | None, refresh: bool, form: str) -> None:
    """List the models a recipe can name, with their prices.

    With a recipe, those that it declares itself and those it uses. A price with ? has no first-hand source.
    """
    if refresh:
        _tell(vocabulary.refresh_prices(recipe))
    used = app.models_of(recipe) if recipe else None
    models = [
        each
        for each in vocabulary.models(kind, recipe)
        if used is None or each.model.ref in used or each.origin != vocabulary.BUILT_IN
    ]
    if form == "json":
        echo_json([{**_as_json(each.model), "origin": each.origin} for each in models])
        return
    for line in columns([_row(each) for each in models], indent=0):
        show(line)


def _tell(refreshed: vocabulary.Refreshed) -> None:
    say(f"{counted(refreshed.count, 'price')} of fal as of {refreshed.as_of}, kept in {refreshed.path}")
    for change in refreshed.changes:
        say(f"  {change.ref}: {price_text(change.before)} -> {price_text(change.after)}")
    for ref, why in refreshed.left.items():
        say(f"  {ref}: left as it was: {why}")


def _row(each: vocabulary.ModelName) -> list[str]:
    model = each.model
    offers = [durations_text(model), ", ".join(model.aspect_ratios), ", ".join(model.resolutions)]
    offers.append("" if each.origin == vocabulary.BUILT_IN else f"({each.origin})")
    unknown = model.price is None and model.provider != "local"
    price = "no price" if unknown else price_text(model.price)
    return [model.ref, model.kind, price, "; ".join(offer for offer in offers if offer)]


def durations_text(model: Model) -> str:
    """``4, 6, 8 s`` or ``1-30 s``."""
    if model.duration_range:
        low, high = model.duration_range
        return f"{low:g}-{high:g} s"
    return f"{', '.join(f'{seconds:g}' for seconds in model.durations)} s" if model.durations else ""


def price_text(price: Price | None) -> str:
    """``$0.10/second``; ``?`` marks a figure without a first-hand source."""
    if price is None:
        return "free"
    amounts = sorted({price.usd, *price.by_resolution.values()})
    span = f"${amounts[0]}" if len(amounts) == 1 else f"${amounts[0]}-{amounts[-1]}"
    return f"{span}/{UNITS[price.unit]}{'?' if price.uncertain else ''}"


def _as_json(model: Model) -> dict[str, Any]:
    return {
        "model": model.ref,
        "kind": model.kind,
        "title": model.title,
        "durations": list(model.durations),
        "duration_range": list(model.duration_range) if model.duration_range else None,
        "aspect_ratios": list(model.aspect_ratios),
        "resolutions": list(model.resolutions),
        "languages": list(model.languages),
        "typical_seconds": model.typical_seconds,
        "price": _price_json(model.price) if model.price else None,
    }


def _price_json(price: Price) -> dict[str, Any]:
    return {
        "unit": price.unit,
        "usd": float(price.usd),
        "by_resolution": {name: float(amount) for name, amount in price.by_resolution.items()},
        "as_of": price.as_of,
        "source": price.source,
        "uncertain": price.uncertain,
    }
