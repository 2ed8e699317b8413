"""Jobs that are asked after because there is no stream for them: who gets the next one, and a list that tells of all.

While they are few, each is looked at when its end is near. Looks are bounded by a rate, so with many of them every
job's turn would come late; then the account's list of requests is asked once a second, one question for a hundred
ends. The list is a help and no more: a job that it does not tell of is looked at in its turn, and so are all while the
list cannot be had.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import trio

from tiktoker_batch.errors import ProviderError
from tiktoker_batch.planning.likely import Likely
from tiktoker_batch.providers.base import Job
from tiktoker_batch.providers.fal.listing import Listing
from tiktoker_batch.providers.fal.polling import Pacer, pause_near_end

LISTED = "listed"  # marks a status that only the list has told
LIST_SECONDS = 1.0  # between two looks at the list
_PAGES = 5  # of a hundred requests each, that one look turns at most
_AWAY_SECONDS = 30.0  # without the list after it could not be had
_FIRST = 0.005  # the share of jobs that end before anybody asks the list
_BACKLOG = 0.5  # seconds that looks at single jobs may take ahead, which the list has to wait for
_LOOKS = 0.5  # the share of the rate that is left to looks at single jobs while the list is asked


@dataclass(eq=False, slots=True, kw_only=True)
class Place:
    """One job in the crowd. ``ended`` is its last status, once the list has told of it; ``called`` wakes it up."""

    job: Job
    number: int
    joined: float
    looked: float
    ended: Mapping[str, Any] | None = None
    has_begun: bool = False
    takes_stream: bool = True
    may_listen: bool = False
    called: trio.Event = field(default_factory=trio.Event)


@dataclass(kw_only=True)
class Crowd:
    """All jobs of one account that are asked after. ``pacer`` bounds all asking together."""

    listing: Listing | None = None
    pacer: Pacer = field(default_factory=Pacer)
    _places: dict[str, Place] = field(default_factory=dict)
    _number: int = 0
    _asked: dict[str, float] = field(default_factory=dict)
    _askers: dict[str, Place] = field(default_factory=dict)
    _away_until: float = -math.inf

    @contextmanager
    def joined(self, job: Job, *, takes_stream: bool) -> Iterator[Place]:
        """A place for a job; ``takes_stream``: it wants to be listened to."""
        self._number += 1
        now = trio.current_time()
        place = Place(job=job, number=self._number, joined=now, looked=now, takes_stream=takes_stream)
        self._places[job.id] = place
        try:
            yield place
        finally:
            del self._places[job.id]
            self._hand_on(place)

    def offer_stream(self) -> None:
        """There is a stream to spare: it goes to the job that has waited longest, as that will end first."""
        wanting = [place for place in self._places.values() if place.takes_stream]
        if wanting:
            first = min(wanting, key=lambda place: place.number)
            first.may_listen = True
            first.called.set()

    def distrust_list(self) -> None:
        """It called a job ended that was not: from now on every job speaks for itself."""
        self._away_until = math.inf

    async def news(self, place: Place, pause: float, expected: Likely) -> None:
        """Wait so many seconds, or until there is something to tell."""
        asker = self._askers.get(place.job.model)
        if asker is place:
            pause = min(pause, LIST_SECONDS)
        elif asker is None and self._is_large(expected):
            # The first of all ends must not go unseen because each job by itself is likely to end later.
            first = place.joined + expected.usual * expected.shape.at(_FIRST) - trio.current_time()
            pause = min(pause, max(first, LIST_SECONDS))
        with trio.move_on_after(pause):
            await place.called.wait()
        place.called = trio.Event()

    async def is_told(self, place: Place, expected: Likely) -> bool:
        """Whether the list is relied on instead of a look at this very job; asks it if nobody has just now."""
        now = trio.current_time()
        if self.listing is None or now < self._away_until or not self._is_large(expected):
            if self._askers.get(place.job.model) is place:
                del self._askers[place.job.model]
            return False
        if now >= place.looked + self._turn / _LOOKS and (self.pacer.backlog < _BACKLOG or place.looked < 0):
            return False
        model = place.job.model
        if now >= self._asked.get(model, -math.inf) + LIST_SECONDS:
            self._asked[model], self._askers[model] = now, place
            await self._ask(self.listing, model)
        return True

    @property
    def _turn(self) -> float:
        """Seconds until all have been looked at once, at the rate that is allowed."""
        return len(self._places) * self.pacer.gap

    def _is_large(self, expected: Likely) -> bool:
        """Whether looks at each job would come later than they should while its end is near."""
        return self._turn > pause_near_end(expected)

    async def _ask(self, listing: Listing, model: str) -> None:
        cursor: str | None = None
        for _ in range(_PAGES):
            await self.pacer.turn()
            try:
                items, cursor = await listing.newest(model, cursor)
            except ProviderError:
                self._away_until = trio.current_time() + _AWAY_SECONDS
                return
            told = sum(self._take(item) for item in items)
            if cursor is None or not told:
                return

    def _take(self, item: Mapping[str, Any]) -> bool:
        """Tell a job what the list says of it; whether it has ended."""
        place = self._places.get(str(item.get("request_id")))
        if place is None:
            return False
        place.has_begun = place.has_begun or item.get("started_at") is not None
        if item.get("ended_at") is None:
            return False
        if item.get("status_code") == 200:
            place.ended = {"status": "COMPLETED", "metrics": {"inference_time": item.get("duration")}, LISTED: True}
        else:
            place.looked = -math.inf  # what became of it, only its own status tells in full
        place.called.set()
        return True

    def _hand_on(self, place: Place) -> None:
        """Somebody else asks the list from now on, and takes the stream that was offered."""
        model = place.job.model
        if place.may_listen:
            self.offer_stream()
        if self._askers.get(model) is place:
            following = next((each for each in self._places.values() if each.job.model == model), None)
            if following is None:
                del self._askers[model]
            else:
                self._askers[model] = following
                following.called.set()
