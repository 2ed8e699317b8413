"""What was accepted, delivered and paid: the other side of the books."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tiktoker_batch.model import Model


@dataclass(eq=False, slots=True, kw_only=True)
class Entry:
    """One job or call. ``state`` is queued, running, done, failed or cancelled; times are UTC.

    ``paid`` as soon as the work was done, whether or not its answer ever arrived; ``delivered`` when it did.
    """

    id: str
    provider: str
    model: Model
    input: Mapping[str, Any]
    accepted_at: datetime
    state: str = "queued"
    price_usd: Decimal = Decimal(0)
    paid: bool = False
    delivered: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    ignored: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The line of the books."""
        return {
            "id": self.id,
            "provider": self.provider,
            "model": self.model.id,
            "kind": self.model.kind,
            "state": self.state,
            "paid": self.paid,
            "delivered": self.delivered,
            "price_usd": str(self.price_usd),
            "accepted_at": self.accepted_at.isoformat(),
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
            "ignored": list(self.ignored),
        }


@dataclass(kw_only=True)
class Ledger:
    """Every entry in order of acceptance, and how often each kind of request came."""

    entries: list[Entry] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    peaks: Counter[str] = field(default_factory=Counter)

    def accept(self, entry: Entry) -> Entry:
        """Write down that work was taken on."""
        self.entries.append(entry)
        return entry

    def paid(self, provider: str | None = None) -> int:
        """How many jobs were paid for."""
        return sum(entry.paid for entry in self.entries if provider in {None, entry.provider})

    @property
    def spent_usd(self) -> Decimal:
        """What they cost together."""
        return sum((entry.price_usd for entry in self.entries if entry.paid), Decimal(0))

    def to_json(self) -> dict[str, Any]:
        """The books as a client may read them."""
        by_model: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for entry in self.entries:
            counts = by_model[entry.model.ref]
            counts["accepted"] += 1
            counts["paid"] += entry.paid
            counts["delivered"] += entry.delivered > 0
        return {
            "totals": {
                "accepted": len(self.entries),
                "paid": self.paid(),
                "delivered": sum(entry.delivered > 0 for entry in self.entries),
                "spent_usd": str(self.spent_usd),
            },
            "models": {name: dict(counts) for name, counts in sorted(by_model.items())},
            "requests": dict(sorted(self.requests.items())),
            "at_once": dict(sorted(self.peaks.items())),
            "jobs": [entry.to_json() for entry in self.entries],
        }
