"""What all simulated services share: the books, the troubles, the media, the models, and their own address."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import trio

from tiktoker_batch.model import Model
from tiktoker_batch.simulator.faults import Faults
from tiktoker_batch.simulator.http import DROPPED, Reply
from tiktoker_batch.simulator.latency import Latency
from tiktoker_batch.simulator.ledger import Entry, Ledger
from tiktoker_batch.simulator.media import Media

# What accounts of middling size bear at once.
ACCOUNT: Mapping[str, int] = {"fal": 20, "elevenlabs": 10}
LATE_SECONDS = 5.0


@dataclass(kw_only=True)
class World:
    """``account`` is how much each provider's account bears at once; ``base`` is known once the server listens."""

    models: Mapping[str, Model]
    media: Media
    faults: Faults = field(default_factory=Faults)
    latency: Latency = field(default_factory=Latency)
    account: Mapping[str, int] = field(default_factory=lambda: dict(ACCOUNT))
    ledger: Ledger = field(default_factory=Ledger)
    base: str = ""
    keys: frozenset[str] = frozenset()
    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)
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

    def keep(self, content: bytes, content_type: str, suffix: str) -> str:
        """Keep a file; its address."""
        name = f"{self.number():06d}{suffix}"
        self.files[name] = (content, content_type)
        return f"{self.base}/files/{name}"

    def file_at(self, address: str) -> bytes | None:
        """The content behind an address of our own."""
        name = address.removeprefix(f"{self.base}/files/")
        return self.files[name][0] if name in self.files else None

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


def price_of(model: Model, given: Mapping[str, Any]) -> Decimal:
    """What a job costs, by the catalog: from what was asked for in the model's own words."""
    price = model.price
    if price is None:
        return Decimal(0)
    resolution = given.get("resolution")
    per_unit = price.by_resolution.get(resolution, price.usd) if isinstance(resolution, str) else price.usd
    units = {
        "second": lambda: Decimal(str(seconds_of(model, given))),
        "image": lambda: Decimal(1),
        "call": lambda: Decimal(1),
        "megapixel": lambda: Decimal(-(-_pixels(given) // 1_000_000)),
        "1k_characters": lambda: Decimal(len(str(given.get("text", "")))) / 1000,
    }[price.unit]()
    return (per_unit * units).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def seconds_of(model: Model, given: Mapping[str, Any]) -> float:
    """The length of the clip that was asked for."""
    named = model.fields.get("seconds")
    told = str(given.get(named.name, "")).removesuffix("s") if named else ""
    try:
        return float(told)
    except ValueError:
        return model.durations[0] if model.durations else 5.0


def size_of(given: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height in pixels that an input asks for: given as such, or by ratio and resolution."""
    size = given.get("image_size")
    if isinstance(size, Mapping):
        return int(size.get("width", 720)), int(size.get("height", 1280))
    ratio = str(given.get("aspect_ratio", "9:16"))
    across, _, down = ratio.partition(":")
    wide, high = (int(across), int(down)) if across.isdecimal() and down.isdecimal() else (9, 16)
    short = {"480p": 480, "1080p": 1080}.get(str(given.get("resolution")), 720)
    long = round(short * max(wide, high) / min(wide, high) / 2) * 2
    return (long, short) if wide > high else (short, long)


def _pixels(given: Mapping[str, Any]) -> int:
    width, height = size_of(given)
    return width * height
