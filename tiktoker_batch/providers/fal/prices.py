"""What fal's models cost, asked of its platform."""

import datetime
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tiktoker_batch.catalog.prices import Quote, Quotes
from tiktoker_batch.errors import PreflightError, ProviderError
from tiktoker_batch.providers.fal.answers import read_answer
from tiktoker_batch.providers.fal.body import key_headers
from tiktoker_batch.providers.fal.provider import API
from tiktoker_batch.providers.http import Wire, answer_of, base_url, body_of, open_client
from tiktoker_batch.providers.policy import Verb
from tiktoker_batch.providers.registry import PROVIDERS
from tiktoker_batch.redaction import Secrets

CHUNK = 20  # ids a request; the platform takes 50, but addresses grow long
_NOT_FOUND = 404
# Words that can only mean one thing. Seconds of computing, say, are no seconds of clip.
_UNITS = {
    "second": "second",
    "image": "image",
    "megapixel": "megapixel",
    "video": "call",
    "1000 character": "1k_characters",
    "1k character": "1k_characters",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the platform told; ``unpriced`` are models that it did not price, each with the reason."""

    quotes: Quotes
    unpriced: Mapping[str, str]


async def ask_prices(environ: Mapping[str, str], ids: Collection[str]) -> Told:
    """Ask for the prices of these models (ids without the provider), today's.

    :raises PreflightError: no key, one that cannot be sent, or an address to which none may be sent.
    :raises ProviderError: the platform cannot be asked.
    """
    key = PROVIDERS["fal"].key(environ)
    if not key:
        raise PreflightError(
            "fal tells its prices to those with a key only", hint="set FAL_KEY; keys: https://fal.ai/dashboard/keys"
        )
    address = base_url(environ, "FAL_API_URL", API)
    headers = key_headers(key)
    async with open_client(headers=headers) as client:
        wire = Wire(provider="fal", client=client, read=read_answer, secrets=Secrets((key,)))
        listed = [item for chunk in _chunks(sorted(ids)) for item in await _listed(wire, address, chunk)]
    return _told(listed, ids)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


async def _listed(wire: Wire, address: str, ids: Sequence[str]) -> list[Mapping[str, Any]]:
    """The prices of a few models; one that is gone makes the platform refuse them all, so it is then left out."""
    try:
        answer = await wire.send(
            Verb.LOOKUP, "GET", f"{address}/v1/models/pricing", params={"endpoint_id": ",".join(ids)}
        )
    except ProviderError as error:
        refused = answer_of(error)
        if refused is None or refused.status_code != _NOT_FOUND:
            raise
        return [item for name in ids for item in await _listed(wire, address, [name])] if len(ids) > 1 else []
    page = body_of(answer)
    prices = page.get("prices") if isinstance(page, Mapping) else None
    if not isinstance(prices, list):
        raise wire.unreadable(Verb.LOOKUP, answer, "no prices")
    return [item for item in prices if isinstance(item, Mapping)]


# ---------------------------------------------------------------------- reading


def _told(listed: Collection[Mapping[str, Any]], ids: Collection[str]) -> Told:
    prices: dict[str, Quote] = {}
    unpriced = dict.fromkeys(sorted(ids), "the platform tells no price of it")
    for item in listed:
        name = str(item.get("endpoint_id"))
        if name not in unpriced:
            continue
        found = _quote(item)
        if isinstance(found, Quote):
            prices[name] = found
            del unpriced[name]
        else:
            unpriced[name] = found
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return Told(quotes=Quotes(as_of=today, prices=prices), unpriced=unpriced)


def _quote(item: Mapping[str, Any]) -> Quote | str:
    """The quote of an item, or what is wrong with it. Nothing is free there: budgets would never end."""
    amount, currency = item.get("unit_price"), item.get("currency", "USD")
    if currency != "USD":
        return f"it is priced in {currency}"
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 < amount < float("inf"):
        return f"{amount!r} is no price"
    unit = str(item.get("unit", ""))
    return Quote(usd=Decimal(str(amount)), unit=our_unit(unit) or unit)


def our_unit(word: str) -> str | None:
    """Our name of a unit of the platform's; ``None`` for one that we do not know."""
    return _UNITS.get(word.strip().lower().replace("_", " ").removesuffix("s"))
