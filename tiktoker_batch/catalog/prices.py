"""fal's prices as its platform told them on some day: kept in a file, and laid over those of the catalog."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tiktoker_batch.catalog.loader import Catalog
from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.model import Model

PROVIDER = "fal"
SOURCE = "fal platform API"
QUOTES_FILE = "fal-prices.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What one unit costs in USD; ``unit`` is one of ours where we know the platform's, else the platform's word."""

    usd: Decimal
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """Prices by model id, without the provider; ``as_of`` is the day they were told (``YYYY-MM-DD``)."""

    as_of: str
    prices: Mapping[str, Quote]


def quotes_text(quotes: Quotes) -> str:
    """The file's content."""
    prices = {name: {"usd": f"{quote.usd:f}", "unit": quote.unit} for name, quote in sorted(quotes.prices.items())}
    return json.dumps({"as_of": quotes.as_of, "prices": prices}, indent=2) + "\n"


def read_quotes(path: Path) -> Quotes | None:
    """What a file holds; ``None`` when there is none.

    :raises TiktokerError: it cannot be read; prices are then not guessed at.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, str(error)) from None
    try:
        return _quotes(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise _unreadable(path, f"{type(error).__name__}: {error}") from None


def _quotes(content: Any) -> Quotes:
    prices = {str(name): _quote(told) for name, told in content["prices"].items()}
    return Quotes(as_of=str(content["as_of"]), prices=prices)


def _quote(told: Any) -> Quote:
    usd = Decimal(told["usd"])
    if not usd.is_finite() or usd <= 0:
        raise ValueError(f"{told['usd']!r} is no price")
    return Quote(usd=usd, unit=str(told["unit"]))


def _unreadable(path: Path, why: str) -> TiktokerError:
    mend = "write it anew with 'tiktoker-batch models --refresh-prices', or delete it to use the catalog's prices"
    return TiktokerError(f"the refreshed prices in {path} cannot be read: {why}", hint=mend)


# ---------------------------------------------------------------------- over the catalog


def with_quotes(catalog: Catalog, quotes: Quotes) -> Catalog:
    """The catalog with these prices where they fit; see :func:`quoted`."""
    models = (catalog.models.get(f"{PROVIDER}:{name}") for name in quotes.prices)
    return catalog.extended(quoted(model, quotes) for model in models if model)


def quoted(model: Model, quotes: Quotes) -> Model:
    """The model with its quote, dated and named after its source; as it was where that is by another unit than ours.

    The platform tells one figure a model, whatever the resolution. When it is the catalog's own, the catalog is right
    and its figures by resolution stand. When it is another one, those are as old as the figure that was wrong: they
    go, and the quote counts for every resolution. Whether it is that of the resolution in hand nobody told, so such a
    price is still marked uncertain; without such figures it no longer is. The same goes for what other parameters cost
    (``otherwise``), which stays as long as it is not the cheaper one then.
    """
    quote, price = quotes.prices.get(model.id), model.price
    if quote is None or price is None or quote.unit != price.unit:
        return model
    agrees, other = quote.usd == price.usd, price.otherwise
    fresh = replace(
        price,
        usd=quote.usd,
        by_resolution=price.by_resolution if agrees else {},
        otherwise=other if agrees or (other and other.usd >= quote.usd) else None,
        as_of=quotes.as_of,
        source=SOURCE,
        uncertain=not agrees and bool(price.by_resolution or other),
    )
    return replace(model, price=fresh)
