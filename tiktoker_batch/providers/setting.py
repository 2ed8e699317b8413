"""What a provider is opened with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tiktoker_batch.model import Model
from tiktoker_batch.store.durations import Durations


def _nobody(_limit: str, _seats: int) -> None:
    """Nobody asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where and with what a provider works.

    ``workers`` is how many things may be done on this machine at once; ``environ`` holds keys and addresses;
    ``models`` are those that may be asked for, by ``provider:id``; ``cache`` is a folder that outlives the run;
    ``seats`` is how much may be under way at once, by the names of limits; ``known`` are ids of requests that already
    belong to a step. ``tell_limit`` takes what a service says
    of an account's limit: its name, and how much it bears at once. ``durations`` is the memory of how long jobs take;
    whoever learns that of a service notes it there.
    """

    ffmpeg: str
    workers: int
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    models: Mapping[str, Model] = field(default_factory=dict)
    cache: Path = Path(".cache")
    seats: Mapping[str, int] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    tell_limit: Callable[[str, int], None] = _nobody
    durations: Durations = field(default_factory=Durations)
