"""When each step of a video waited, worked and tried again: times only, no picture.

The time axis is the batch's: seconds at work, the runs laid end to end without the pauses between them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from tiktoker_batch.report.quantities import seconds_text
from tiktoker_batch.store.state import BatchState, VideoState
from tiktoker_batch.store.step_state import Attempt, StepState

Look = Literal["wait", "work", "lost", "backoff", "idle"]

SHORTEST_WAIT_SECONDS = 0.02  # seats that were free are no wait worth a mark
TICK_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


class Span(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stretch of a step's time, in seconds of the batch.

    ``wait`` for seats, ``work``, work that was ``lost`` to a failure, ``backoff`` before another attempt; ``idle``:
    begun, but what it needs is not there yet. Spans that overlap lie in different lanes. ``piece`` names work inside
    an attempt.
    """

    look: Look
    began: float
    ended: float
    label: str
    lane: int = 0
    piece: str | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A step and its spans."""

    step: StepState
    spans: tuple[Span, ...]

    @property
    def name(self) -> str:
        """The step's id without its video."""
        return self.step.id.removeprefix(f"{self.step.video}/")

    @property
    def lanes(self) -> int:
        """How many spans lie above one another at most."""
        return 1 + max((span.lane for span in self.spans), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A video's rows in plan order, from its first span to its last; ``runs`` are the starts of runs in between."""

    began: float
    ended: float
    rows: tuple[Row, ...]
    runs: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark of the time axis."""

    second: float
    label: str


def run_offsets(state: BatchState) -> dict[int, float]:
    """At which second of the batch each run begins."""
    offsets, total = {}, 0.0
    for run in sorted(state.wall_by_run):
        offsets[run] = total
        total += state.wall_by_run[run]
    return offsets


def timeline(video: VideoState, state: BatchState, offsets: Mapping[int, float]) -> Timeline | None:
    """The timeline of a video; ``None`` if none of its steps was ever tried."""
    rows = tuple(Row(step=step, spans=tuple(_spans(step, state, offsets))) for step in video.steps)
    spans = [span for row in rows for span in row.spans]
    if not spans:
        return None
    began, ended = min(span.began for span in spans), max(span.ended for span in spans)
    runs = tuple((run, offset) for run, offset in offsets.items() if began < offset < ended)
    return Timeline(began=began, ended=max(ended, began + 0.001), rows=rows, runs=runs)


def ticks(began: float, ended: float, *, at_most: int = 8) -> tuple[Tick, ...]:
    """Marks at round seconds, not more than ``at_most``."""
    step = next((step for step in TICK_STEPS if (ended - began) / step < at_most), TICK_STEPS[-1])
    first = math.ceil(began / step - 1e-9)
    last = math.floor(ended / step + 1e-9)
    every = max(1, math.ceil((last - first + 1) / at_most))
    return tuple(
        Tick(second=number * step, label=_tick_label(number * step, step)) for number in range(first, last + 1, every)
    )


def _tick_label(second: float, step: float) -> str:
    if second < 60:
        return f"{second:.1f} s" if step < 1 else f"{second:.0f} s"
    minutes, seconds = divmod(second, 60)
    if step >= 60 and minutes < 60:
        return f"{minutes:.0f} min"
    tail = f"{seconds:04.1f}" if step < 1 else f"{seconds:02.0f}"
    if minutes < 60:
        return f"{minutes:.0f}:{tail}"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:.0f} h {minutes:02.0f}" if step >= 60 else f"{hours:.0f}:{minutes:02.0f}:{tail}"


# ---------------------------------------------------------------------- one step


def _spans(step: StepState, state: BatchState, offsets: Mapping[int, float]) -> Iterator[Span]:
    before: Attempt | None = None
    for attempt in step.attempts:
        origin = offsets.get(attempt.run, 0.0)
        if before is not None and before.run == attempt.run and before.ended is not None:
            yield _span("backoff", origin, before.ended, attempt.queued, "backing off")
        yield from _attempt_spans(attempt, origin, now=state.wall_by_run.get(attempt.run, attempt.queued))
        before = attempt


def _attempt_spans(attempt: Attempt, origin: float, *, now: float) -> Iterator[Span]:
    ended = attempt.ended if attempt.ended is not None else now
    started = attempt.started if attempt.started is not None else ended
    if started - attempt.queued >= SHORTEST_WAIT_SECONDS:
        yield _span("wait", origin, attempt.queued, started, "waiting for a seat")
    if attempt.started is None:
        return
    if attempt.by_pieces:
        yield _span("idle", origin, started, ended, "waiting for what it needs")
        yield from _piece_spans(attempt, origin)
    elif attempt.outcome in {"ok", None}:
        yield _span("work", origin, started, ended, "working")
    else:
        what = f"attempt {attempt.n} {attempt.outcome}: {attempt.error_kind}"
        yield _span("lost", origin, started, ended, what)


def _piece_spans(attempt: Attempt, origin: float) -> Iterator[Span]:
    free: list[float] = []  # when each lane is free again
    for piece in sorted(attempt.pieces, key=lambda piece: piece.began):
        lane = next((lane for lane, until in enumerate(free) if until <= piece.began), len(free))
        free[lane : lane + 1] = [piece.ended]
        waited = f", waited {seconds_text(piece.waited)}" if piece.waited >= SHORTEST_WAIT_SECONDS else ""
        yield _span("work", origin, piece.began, piece.ended, piece.label, waited, lane=lane, piece=piece.label)


def _span(
    look: Look,
    origin: float,
    began: float,
    ended: float,
    label: str,
    waited: str = "",
    *,
    lane: int = 0,
    piece: str | None = None,
) -> Span:
    ended = max(ended, began)
    text = f"{label}, {seconds_text(ended - began)}{waited}"
    return Span(look=look, began=origin + began, ended=origin + ended, label=text, lane=lane, piece=piece)


def peak(spans: Sequence[tuple[float, float]]) -> int:
    """How many of these (began, ended) were under way at once at most."""
    changes = sorted([(began, 1) for began, _ in spans] + [(ended, -1) for _, ended in spans])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most
