"""What became of open requests, as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tiktoker_batch.report.quantities import columns, counted, one_line, usd_text

_WORDS = {"fetched": "fetched", "settled": "there is no result", "open": "still open"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRequest:
    """What became of one open request.

    ``verdict`` is ``fetched``, ``settled`` (it is certain that there is no result, ``message`` says why) or ``open``.
    """

    step: str
    provider: str
    model: str
    sent_at: datetime
    price_usd: Decimal
    request_id: str | None
    verdict: str
    message: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "step": self.step,
            "provider": self.provider,
            "model": self.model,
            "sent_at": self.sent_at.isoformat(),
            "price_usd": float(self.price_usd),
            "request_id": self.request_id,
            "verdict": self.verdict,
            "message": self.message,
        }


def reconcile_text(found: Sequence[FoundRequest], others: int = 0) -> str:
    """A line for each request, and what is left open; ``others`` are open ones that nobody asked for."""
    if others:
        told = reconcile_text(found) if found else "nothing of this is open"
        return f"{told}; {counted(others, 'request')} of other steps {'is' if others == 1 else 'are'} open"
    if not found:
        return "nothing is open: every request that was paid for is accounted for"
    left = [each for each in found if each.verdict == "open"]
    most = usd_text(sum((each.price_usd for each in left), Decimal(0)))
    closing = (
        f"{counted(len(left), 'request')} left open, which may have cost {most}" if left else "nothing is left open"
    )
    return "\n".join([*columns([_row(each) for each in found]), closing])


def _row(each: FoundRequest) -> list[str]:
    what = _WORDS[each.verdict] + (f": {one_line(each.message, 200)}" if each.message else "")
    return [each.step, f"{each.provider}:{each.model}", each.request_id or "no id", what]
