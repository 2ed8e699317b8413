"""The Provider protocol: who does a step, and how money is spent on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from tiktoker_batch.model import Json, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a provider is asked for.

    ``files`` are local inputs by role (``image``, ``layers``, ``reference``); ``seed`` has 31 bits and is the same
    for the same work. ``token``, also of 31 bits, is the attempt's own: a service that shows what it was sent is
    found again by it. ``left_at`` is when it left, on Trio's clock, if that was in
    this run. ``uploads`` are the addresses that ``prepare`` put the files under. ``price_usd`` is what it will
    cost where that is known better now than it was when the step was planned.
    """

    kind: Kind
    model: str
    prompt: str
    params: Mapping[str, Json] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    uploads: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    token: int = 0
    left_at: float | None = None
    price_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request that a provider accepted: its name there and where it can be asked after.

    A one-shot service keeps its request here and does the work in ``collect``. ``in_line``: the service may let the job
    wait before it works on it; ``collect`` tells when it does. ``unwanted``: its result is of no use any more, so that
    it may be stopped also while it is worked on.
    """

    id: str
    provider: str
    model: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    request: Request | None = None
    in_line: bool = False
    unwanted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A file as it was written: its sha256 (hex) and, where files of its role come in several forms, its suffix."""

    sha256: str
    suffix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """What a job delivered: ``value`` is its JSON part (texts, word times); files went where ``into`` said.

    ``files`` is what is known of these, by role. ``cost_usd`` is what the service says it cost; ``None`` leaves it at
    the price that was quoted.
    """

    value: Json = None
    files: Mapping[str, Delivered] = field(default_factory=dict)
    cost_usd: Decimal | None = None


class Provider(Protocol):
    """A service that makes texts, pictures, clips or speech.

    A request is prepared, submitted once and collected. Errors are ``ProviderError``s whose type says whether trying
    again can help and whether it could pay twice.
    """

    name: str

    async def prepare(self, request: Request) -> Request:
        """Do what is free and may be repeated before the money is spent: check the input, upload its files."""
        ...

    async def submit(self, request: Request) -> Job:
        """Hand the request in, once. The money is spent here.

        :raises UnknownOutcome: it may have been accepted.
        """
        ...

    async def find(self, request: Request, sent: datetime) -> Job | None:
        """Look for a request whose submit was never answered; ``sent`` is when it left (UTC).

        :returns: the job that it became, ``None`` if there is none.
        :raises UnknownOutcome: this service does not tell.
        """
        ...

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        """Wait for the job and write its files; ``into`` maps a role to a path that may be overwritten.

        ``begun`` is called when the service begins to work on a job that was ``in_line``: from then on its time counts.
        """
        ...

    async def cancel(self, job: Job) -> bool:
        """Ask for a stop of what is not worked on yet, or is ``unwanted``; never raises.

        :returns: whether it is certain that nothing is charged.
        """
        ...
