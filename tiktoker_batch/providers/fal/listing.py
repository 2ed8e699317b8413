"""Finding a request again in the account's own list, when its submit was never answered."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import trio

from tiktoker_batch.errors import ProviderError, UnknownOutcome
from tiktoker_batch.model import Json, Model
from tiktoker_batch.providers.http import RECONCILE_SECONDS, Wire, body_of
from tiktoker_batch.providers.policy import Verb
from tiktoker_batch.store.durations import Durations

_EARLIER = timedelta(seconds=60)  # the service's clock may be behind ours
_PAGES = 20
# The list may show finished requests only, and late: looks go on until well after the job must have ended.
_LOOKS = (60.0, 300.0)
NOT_TOLD = "the account's list of requests does not tell what became of one whose submit was never answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The request that is looked for: its model, the body that was sent, and when: for the list, and on
    Trio's clock."""

    model: Model
    body: Mapping[str, Json]
    sent: datetime
    left_at: float

    def matches(self, given: Mapping[str, Any]) -> bool:
        """Whether this input is ours: by its own seed, or as a whole where the model takes none."""
        seed = self.model.fields.get("seed")
        if seed is not None:
            return given.get(seed.name) == self.body[seed.name]
        return all(given.get(name) == value for name, value in self.body.items())


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The platform's list of an account's requests. ``base`` is its address; looking ends after the patience."""

    wire: Wire
    base: str
    durations: Durations
    patience_seconds: float = RECONCILE_SECONDS

    async def find(self, wanted: Wanted, is_known: Callable[[str], bool]) -> str | None:
        """The id of a request, looked for until it must have shown up; ``is_known`` are ids that are somebody else's.

        :raises UnknownOutcome: the list cannot be had, or does not show what was sent.
        """
        told = False
        for after in self._looks(wanted.model):
            await trio.sleep_until(wanted.left_at + after)
            try:
                found, told = await self._look(wanted, is_known)
            except ProviderError:
                told = False  # only the last look is late enough to say no
                continue
            if found:
                return found
        if not told:
            raise UnknownOutcome(f"{self.wire.provider}: {NOT_TOLD}", maybe_charged=True)
        return None

    async def output(self, model: str, request_id: str) -> Mapping[str, Any] | None:
        """What a request made, as the list remembers it; ``None`` if it does not."""
        query: dict[str, str | int] = {"endpoint_id": model, "request_id": request_id, "expand": "payloads"}
        try:
            items = await self._page(query)
        except ProviderError:
            return None
        made = [item.get("json_output") for item in items[0] if item.get("request_id") == request_id]
        return made[0] if made and isinstance(made[0], Mapping) else None

    async def newest(self, model: str, cursor: str | None) -> tuple[list[Mapping[str, Any]], str | None]:
        """A page of the newest requests of a model, and where the next one begins.

        :raises ProviderError: the list cannot be had.
        """
        query: dict[str, str | int] = {"endpoint_id": model, "limit": 100}
        return await self._page({**query, "cursor": cursor} if cursor else query)

    def _looks(self, model: Model) -> tuple[float, ...]:
        expected = self.durations.job(model.ref)
        soon = (expected.usual + 1.0, expected.late + 5.0, 2 * expected.late + 10.0, *_LOOKS)
        return (*sorted(each for each in soon if each < self.patience_seconds), self.patience_seconds)

    async def _look(self, wanted: Wanted, is_known: Callable[[str], bool]) -> tuple[str | None, bool]:
        """The id if it is listed, and whether the list shows inputs at all."""
        shown = True
        for item in await self._items(wanted):
            given = item.get("json_input")
            if not isinstance(given, Mapping):
                shown = False
            elif wanted.matches(given) and not is_known(str(item.get("request_id"))):
                return str(item["request_id"]), True
        return None, shown

    async def _items(self, wanted: Wanted) -> list[Mapping[str, Any]]:
        query: dict[str, str | int] = {
            "endpoint_id": wanted.model.id,
            "start": (wanted.sent - _EARLIER).isoformat(),
            "expand": "payloads",
            "limit": 100,
        }
        found: list[Mapping[str, Any]] = []
        for _ in range(_PAGES):
            items, cursor = await self._page(query)
            found += items
            if cursor is None:
                break
            query["cursor"] = cursor
        return found

    async def _page(self, query: Mapping[str, str | int]) -> tuple[list[Mapping[str, Any]], str | None]:
        """One page of the list, and where the next one begins."""
        response = await self.wire.send(Verb.LOOKUP, "GET", f"{self.base}/v1/models/requests/by-endpoint", params=query)
        page = body_of(response)
        items = page.get("items") if isinstance(page, Mapping) else None
        if not isinstance(page, Mapping) or not isinstance(items, list):
            raise self.wire.unreadable(Verb.LOOKUP, response, "no items")
        cursor = page.get("next_cursor")
        return [item for item in items if isinstance(item, Mapping)], cursor if isinstance(
            cursor, str
        ) and cursor else None


class Known:
    """Ids of requests that already belong to a step."""

    def __init__(self, ids: Collection[str] = ()) -> None:
        self._ids = set(ids)

    def add(self, request_id: str) -> None:
        """This one has an owner now."""
        self._ids.add(request_id)

    def __call__(self, request_id: str) -> bool:
        """Whether it has one."""
        return request_id in self._ids
