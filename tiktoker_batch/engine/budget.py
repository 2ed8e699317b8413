"""Ceilings on money and on clip seconds: reserved before a request leaves, settled when its cost is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tiktoker_batch.errors import BudgetExceeded
from tiktoker_batch.model import Budget, Kind, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Money and clip seconds held back for one request."""

    video: str
    usd: Decimal
    clip_seconds: float


@dataclass(kw_only=True)
class Purse:
    """What may still be spent: spent + reserved + next never passes a ceiling.

    ``spent`` is what all runs of the batch have spent so far, ``by_video`` what each video has, ``clip_seconds`` those
    of the clips that are there or on their way. ``refused`` is why something could not be bought, once it could not.
    ``barred`` is why nothing is bought at all, if nothing is.
    """

    ceilings: Budget
    spent: Decimal = Decimal(0)
    by_video: Mapping[str, Decimal] = field(default_factory=dict)
    clip_seconds: float = 0.0
    refused: str | None = None
    barred: str | None = None

    def __post_init__(self) -> None:
        self._by_video = dict(self.by_video)
        self._closed: str | None = None

    def reserve(self, step: Step, usd: Decimal) -> Reservation:
        """Hold back what a request for this step will cost.

        :raises BudgetExceeded: a ceiling would be passed.
        """
        if self.barred is not None:
            raise BudgetExceeded(self.barred)
        wanted = Reservation(video=step.video, usd=usd, clip_seconds=paid_clip_seconds(step))
        if wanted.usd or wanted.clip_seconds:
            reason = self._closed or self._objection(wanted)
            if reason is not None:
                self.refused = self.refused or reason
                raise BudgetExceeded(reason, hint="raise the budget and run again: what is done is reused")
        self._add(wanted, wanted.usd, wanted.clip_seconds)
        return wanted

    def hold(self, step: Step) -> Reservation:
        """What was bought before and is counted already: it is held, whatever the ceilings say."""
        return Reservation(video=step.video, usd=Decimal(0), clip_seconds=paid_clip_seconds(step))

    def settle(self, reservation: Reservation, cost: Decimal, *, made: bool) -> None:
        """The request has ended and cost this much; ``made``: its clip is there, or may be."""
        self._add(reservation, cost - reservation.usd, 0.0 if made else -reservation.clip_seconds)

    def _add(self, reservation: Reservation, usd: Decimal, clip_seconds: float) -> None:
        self.spent += usd
        self._by_video[reservation.video] = self._by_video.get(reservation.video, Decimal(0)) + usd
        self.clip_seconds += clip_seconds

    def _objection(self, wanted: Reservation) -> str | None:
        """Why a request may not be made. A ceiling of the batch stays closed, so that no smaller one slips below it."""
        most, each, seconds = self.ceilings.max_usd, self.ceilings.per_video_usd, self.ceilings.max_clip_seconds
        of_video = self._by_video.get(wanted.video, Decimal(0))
        next_one = f"the next request of ${wanted.usd:f}"
        if most is not None and self.spent + wanted.usd > most:
            self._closed = f"{next_one} would pass budget.max_usd: ${self.spent:f} of ${most:f} are spent or promised"
        elif seconds is not None and self.clip_seconds + wanted.clip_seconds > seconds:
            made = f"{self.clip_seconds:g} of {seconds:g} s are made or promised"
            self._closed = f"the next clip of {wanted.clip_seconds:g} s would pass budget.max_clip_seconds: {made}"
        elif each is not None and of_video + wanted.usd > each:
            gone = f"${of_video:f} of ${each:f} are spent or promised"
            return f"{next_one} for {wanted.video!r} would pass budget.per_video_usd: {gone}"
        return self._closed


def paid_clip_seconds(step: Step) -> float:
    """The seconds of clip that are bought for a step."""
    seconds = step.params.get("seconds") if step.kind is Kind.CLIP and step.provider != "local" else None
    return float(seconds) if isinstance(seconds, int | float) else 0.0
