"""What all simulated services share: the books, the troubles, the media, the models, and their own address."""

import base64
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import trio

from tiktoker_batch.model import Model
from tiktoker_batch.simulator.asked import pictures_in, price_of, size_of
from tiktoker_batch.simulator.faults import Faults
from tiktoker_batch.simulator.http import DROPPED, Reply
from tiktoker_batch.simulator.latency import Latency
from tiktoker_batch.simulator.ledger import Entry, Ledger
from tiktoker_batch.simulator.media import Media, picture_size

# What accounts of middling size bear at once.
ACCOUNT: Mapping[str, int] = {"fal": 20, "elevenlabs": 10}
LATE_SECONDS = 5.0


@dataclass(kw_only=True)
class World:
    """``account`` is how much each provider's account bears at once; ``base`` is known once the server listens.

    ``voices`` are ids that the account has beside the catalog's. ``result_seconds`` is how long the result of a job
    can be fetched after its end, ``None`` for ever. ``subjects`` says of files by name what they were made for.
    """

    models: Mapping[str, Model]
    media: Media
    faults: Faults = field(default_factory=Faults)
    latency: Latency = field(default_factory=Latency)
    account: Mapping[str, int] = field(default_factory=lambda: dict(ACCOUNT))
    ledger: Ledger = field(default_factory=Ledger)
    base: str = ""
    keys: frozenset[str] = frozenset()
    voices: frozenset[str] = frozenset()
    result_seconds: float | None = None
    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)
    in_flight: Counter[str] = field(default_factory=Counter)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def number(self) -> int:
        """The next number; no two things share one."""
        return next(self._numbers)

    def accept(
        self, provider: str, model: Model, name: str, given: Mapping[str, Any], *, ignored: Iterable[str] = ()
    ) -> Entry:
        """Take work on, and into the books."""
        entry = Entry(
            id=name,
            provider=provider,
            model=model,
            input=given,
            accepted_at=datetime.now(UTC),
            price_usd=price_of(model, given),
            ignored=tuple(ignored),
        )
        return self.ledger.accept(entry)

    def keep(self, content: bytes, content_type: str, suffix: str, *, subject: str = "") -> str:
        """Keep a file; its address."""
        name = f"{self.number():06d}{suffix}"
        self.files[name] = (content, content_type)
        if subject:
            self.subjects[name] = subject
        return f"{self.base}/files/{name}"

    def file_at(self, address: Any) -> bytes | None:
        """The content behind an address: one of our own, or one that holds its content itself."""
        if not isinstance(address, str):
            return None
        if address.startswith("data:"):
            return _inside(address)
        name = address.removeprefix(f"{self.base}/files/")
        return self.files[name][0] if name in self.files else None

    def size_of(self, model: Model, given: Mapping[str, Any]) -> tuple[int, int]:
        """Width and height in pixels of what is to be made."""
        content = next(filter(None, map(self.file_at, pictures_in(model, given))), None)
        return size_of(model, given, picture_size(content) if content else None)

    def enter(self, provider: str) -> None:
        """One more request is worked on."""
        self.in_flight[provider] += 1
        self.ledger.peaks[provider] = max(self.ledger.peaks[provider], self.in_flight[provider])

    def leave(self, provider: str) -> None:
        """One less."""
        self.in_flight[provider] -= 1

    async def plain_trouble(self, kind: str | None) -> Reply | None:
        """The reply to a request that meets a trouble of the wire; ``None`` lets it pass, maybe late."""
        match kind:
            case "drop":
                return DROPPED
            case "error_500":
                return Reply(status=500, body={"detail": "Internal Server Error"})
            case "throttled":
                return Reply(status=429, body={"detail": "Too many requests"}, headers={"retry-after": "1"})
            case "unauthorized":
                return Reply(status=401, body={"detail": "Authentication is required to access this application."})
            case "slow" | "late_reply":
                await trio.sleep(LATE_SECONDS)
        return None


def _inside(address: str) -> bytes | None:
    """What a data URI holds, if that is anything."""
    try:
        return base64.b64decode(address.partition(",")[2], validate=True) or None
    except ValueError:
        return None
