"""Ceilings on money and on things: reserved before a request leaves, settled when its cost is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tiktoker_batch.errors import BudgetExceeded
from tiktoker_batch.model import Budget
from tiktoker_batch.store.state import BatchState
from tiktoker_batch.units import NOTHING, Units


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What is held back for one request."""

    video: str
    units: Units
    hedge: bool = False


@dataclass(kw_only=True)
class Purse:
    """What may still be bought: spent + reserved + next never passes a ceiling.

    ``spent`` is what all runs of the batch have bought so far, or may have; ``by_video`` the money of each video.
    ``refused`` is why something could not be bought, once it could not.
    ``barred`` is why nothing is bought at all, if nothing is. ``hedged_usd`` is what second requests beside late ones
    have cost, or may.
    """

    ceilings: Budget
    spent: Units = NOTHING
    by_video: Mapping[str, Decimal] = field(default_factory=dict)
    refused: str | None = None
    barred: str | None = None
    hedged_usd: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        self._by_video = dict(self.by_video)
        self._closed: str | None = None

    def reserve(self, video: str, wanted: Units, *, hedge: Decimal | None = None) -> Reservation:
        """Hold back what a request for this video will take.

        ``hedge``: it is a second one beside a late first, and all such requests may cost so much. The batch can do
        without it, so its refusal closes nothing.

        :raises BudgetExceeded: a ceiling would be passed.
        """
        if self.barred is not None:
            raise BudgetExceeded(self.barred)
        if hedge is not None:
            self._require_spare(video, wanted, hedge)
        elif wanted:
            reason = self._closed or self._objection(video, wanted)
            if reason is not None:
                self.refused = self.refused or reason
                raise BudgetExceeded(reason, hint="raise the budget and run again: what is done is reused")
        self._add(video, wanted)
        self.hedged_usd += wanted.usd if hedge is not None else 0
        return Reservation(video=video, units=wanted, hedge=hedge is not None)

    def hold(self, video: str) -> Reservation:
        """What was bought before is gone on with, whatever the ceilings say."""
        return Reservation(video=video, units=NOTHING)

    def settle(self, reservation: Reservation, bought: Units) -> None:
        """The request has ended and this is what it took, or may have."""
        self._add(reservation.video, bought - reservation.units)
        self.hedged_usd += bought.usd - reservation.units.usd if reservation.hedge else 0

    def _require_spare(self, video: str, wanted: Units, most: Decimal) -> None:
        closed = self._closed
        try:
            if self.hedged_usd + wanted.usd > most or closed or self._objection(video, wanted):
                raise BudgetExceeded(f"${self.hedged_usd:f} of ${most:f} are spent on second requests or promised")
        finally:
            self._closed = closed

    def _add(self, video: str, units: Units) -> None:
        self.spent += units
        self._by_video[video] = self._by_video.get(video, Decimal(0)) + units.usd

    def _objection(self, video: str, wanted: Units) -> str | None:
        """Why a request may not be made. A ceiling of the batch stays closed, so that no smaller one slips below it."""
        for ceiling in _CEILINGS:
            self._closed = self._closed or ceiling.objection(self.ceilings, self.spent, wanted)
        each, gone = self.ceilings.per_video_usd, self._by_video.get(video, Decimal(0))
        if self._closed is None and each is not None and wanted.usd and gone + wanted.usd > each:
            spent = f"${gone:f} of ${each:f} are spent or promised"
            return f"the next request of ${wanted.usd:f} for {video!r} would pass budget.per_video_usd: {spent}"
        return self._closed


def open_purse(ceilings: Budget, state: BatchState, *, barred: str | None = None) -> Purse:
    """A purse out of which earlier runs have bought already."""
    spent = {video.id: video.cost_usd for video in state.videos.values()}
    return Purse(ceilings=ceilings, spent=state.spent, by_video=spent, barred=barred, hedged_usd=state.hedged_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ceiling:
    """One ceiling of the batch: its key in a recipe, what of ``Units`` it is about, and the words for that."""

    key: str
    unit: str
    next_one: str
    amount: str

    def objection(self, ceilings: Budget, spent: Units, wanted: Units) -> str | None:
        most, gone, more = getattr(ceilings, self.key), getattr(spent, self.unit), getattr(wanted, self.unit)
        if most is None or not more or gone + more <= most:
            return None
        left = self.amount.format(gone=gone, most=most)
        return f"the next {self.next_one.format(more)} would pass budget.{self.key}: {left}"


_CEILINGS = (
    _Ceiling(
        key="max_usd",
        unit="usd",
        next_one="request of ${:f}",
        amount="${gone:f} of ${most:f} are spent or promised",
    ),
    _Ceiling(
        key="max_clip_seconds",
        unit="clip_seconds",
        next_one="clip of {:g} s",
        amount="{gone:g} of {most:g} s are made or promised",
    ),
    _Ceiling(
        key="max_images",
        unit="images",
        next_one="picture",
        amount="{gone} of {most} are made or promised",
    ),
    _Ceiling(
        key="max_characters",
        unit="characters",
        next_one="narration of {} characters",
        amount="{gone} of {most} are spoken or promised",
    ),
)
