"""The StepKind protocol and what a step may use while it works."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tiktoker_batch.media.detection import Detection
from tiktoker_batch.model import Json, Step, Video
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.planning.build import Draft, Planning
from tiktoker_batch.providers.base import Produced, Request
from tiktoker_batch.store.layout import Layout


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """The artifacts of the steps that were needed, by step id. A need that failed and may lack is absent.

    ``texts`` are those of artifacts that are known without being there yet.
    """

    layout: Layout
    artifacts: Mapping[str, tuple[Artifact, ...]]
    texts: Mapping[str, str] = {}

    def path(self, need: str, index: int = 0) -> Path:
        """The file of a need's main (or ``index``-th) artifact."""
        return self.layout.absolute(self.artifacts[need][index].path)

    def read_json(self, need: str, index: int = 0) -> Any:
        """The JSON that a need's artifact holds."""
        if need in self.texts:
            return json.loads(self.texts[need])
        return _parsed(self.layout, self.artifacts[need][index])

    def digests(self) -> dict[str, Json]:
        """What was consumed, by content; names of videos are left out, so equal work has equal digests."""
        return {need.split("/", 1)[1]: [item.sha256 for item in found] for need, found in self.artifacts.items()}


@lru_cache(maxsize=64)
def _parsed(layout: Layout, artifact: Artifact) -> Any:
    """The JSON in a file with this content; each segment asks for the same shot list."""
    return json.loads(layout.absolute(artifact.path).read_text(encoding="utf-8"))


class Seats(Protocol):
    """Capacity as a working step sees it."""

    def held(self, *names: str, label: str) -> AbstractAsyncContextManager[None]:
        """Hold a seat of each named limit; the wait and the work are told to the journal under ``label``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Programs of this machine: the ffmpeg to run, which encoders it has, and the folder where fonts are kept."""

    ffmpeg: str
    font_cache: Path
    detection: Detection = field(default_factory=Detection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One attempt at a step.

    ``buy`` spends money through the step's provider and records it. ``arrival`` waits for a need and gives its
    artifacts, or ``None`` if it failed: only eager kinds start before all their needs are there.
    """

    step: Step
    video: Video
    layout: Layout
    inputs: Inputs
    buy: Callable[[Request, Mapping[str, Path]], Awaitable[Produced]]
    arrival: Callable[[str], Awaitable[tuple[Artifact, ...] | None]]
    seats: Seats
    tools: Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What an attempt leaves: its artifacts, the most important first.

    ``inputs`` is set by eager kinds only, which learn what they consumed while they work. ``notes`` are what a user
    should know of how it was made.
    """

    artifacts: tuple[Artifact, ...]
    inputs: Inputs | None = None
    notes: tuple[str, ...] = ()


class StepKind(Protocol):
    """How one kind of step is planned and done. An eager kind starts before all its needs are there."""

    eager: bool

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        """Draft the steps of this kind for one video; pure."""
        ...

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        """What exactly the step takes from its inputs: when this is unchanged, its result still holds."""
        ...

    async def run(self, work: Work) -> Made:
        """Do one attempt.

        :raises ProviderError, MediaError, NarrationTooLong: the attempt failed.
        """
        ...
