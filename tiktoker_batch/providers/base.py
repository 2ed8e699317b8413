"""The Provider protocol: who does a step, and how money is spent on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from tiktoker_batch.model import Json, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a provider is asked for.

    ``files`` are local inputs by role (``image``, ``layers``, ``reference``); ``seed`` has 31 bits.
    """

    kind: Kind
    model: str
    prompt: str
    params: Mapping[str, Json] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request that a provider accepted: its name there and where it can be asked after.

    A one-shot service keeps its request here and does the work in ``collect``.
    """

    id: str
    provider: str
    model: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    request: Request | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """What a job delivered: ``value`` is its JSON part (texts, word times); files went where ``into`` said."""

    value: Json = None
    cost_usd: Decimal = Decimal(0)


class Provider(Protocol):
    """A service that makes texts, pictures, clips or speech."""

    name: str

    async def submit(self, request: Request) -> Job:
        """Hand the request in, once. The money is spent here."""
        ...

    async def collect(self, job: Job, into: Mapping[str, Path]) -> Produced:
        """Wait for the job and write its files; ``into`` maps a role to a path that may be overwritten.

        :raises ProviderError: of a type that tells whether trying again can help.
        """
        ...

    async def cancel(self, job: Job) -> None:
        """Ask the provider to stop; best effort, never raises for a job that is gone."""
        ...
