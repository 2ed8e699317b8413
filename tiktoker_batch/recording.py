"""The only clock of a run: it stamps each event and hands it to whoever listens."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from msgspec.structs import replace

from tiktoker_batch.events import AttemptFailed, Event, JobDropped, OutcomeUnknown, Record, StepFailed, VideoFinished


class Sink(Protocol):
    """Takes each record synchronously; must not block and must not raise for what it does not know."""

    def __call__(self, record: Record) -> None:
        """Take one record."""
        ...


class Recorder:
    """Stamps events and hands them to the sinks, in order. ``emit`` has no checkpoint: nothing can fall in between.

    ``redact`` takes keys out of what others said, whoever passed it on.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        *,
        run: int,
        clock: Callable[[], float] = time.monotonic,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._sinks = tuple(sinks)
        self._clock = clock
        self._redact = redact
        self._origin = clock()
        self.run = run

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._origin

    def emit(self, event: Event) -> None:
        """Stamp the event and hand it to every sink."""
        told = _redacted(event, self._redact)
        record = Record(at=datetime.now(UTC), elapsed=self.elapsed, run=self.run, event=told)
        for sink in self._sinks:
            sink(record)


_WITH_MESSAGE = frozenset({AttemptFailed, StepFailed, OutcomeUnknown, JobDropped})


def _redacted(event: Event, redact: Callable[[str], str]) -> Event:
    if type(event) in _WITH_MESSAGE:
        return replace(event, message=redact(event.message))  # type: ignore[attr-defined]
    if isinstance(event, VideoFinished):
        return replace(event, notes=tuple(map(redact, event.notes)))
    return event
