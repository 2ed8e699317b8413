"""A timeline laid out for a drawing: per cent along the time axis, pixels down the rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from tiktoker_batch.report.quantities import counted, seconds_text
from tiktoker_batch.report.timeline import Row, Span, Timeline, ticks

LANE_PX = 13
BAR_PX = 9
GAP_PX = 5
LEAST_PERCENT = 0.25  # narrower bars would vanish
LETTER_PERCENT = 0.9  # what a letter of a piece's name takes on a screen of usual width


class Bar(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A span as drawn; ``x`` and ``width`` in per cent."""

    look: str
    x: str
    y: int
    width: str
    title: str


class PieceName(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The name of a piece of work beside its bar."""

    x: str
    y: int
    text: str


class DrawnRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step's row: its name on the base line ``y``, its bars, and the names of its pieces that have room."""

    name: str
    state: str
    y: int
    bars: tuple[Bar, ...]
    pieces: tuple[PieceName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A timeline, ``height`` pixels high without its axis; ticks as (per cent, label), runs as (number, per cent).

    ``said`` describes it to those who cannot see it.
    """

    rows: tuple[DrawnRow, ...]
    height: int
    ticks: tuple[tuple[str, str], ...]
    runs: tuple[tuple[int, str], ...]
    said: str


def draw(found: Timeline, name: str) -> Drawing:
    """Lay out the timeline of the video with this name: a row per step, a lane per span that overlaps another."""
    rows, top = [], 0
    for row in found.rows:
        height = row.lanes * LANE_PX + GAP_PX
        rows.append(_row(row, found, top, height))
        top += height
    return Drawing(
        rows=tuple(rows),
        height=top,
        ticks=tuple((_percent(tick.second, found), tick.label) for tick in ticks(found.began, found.ended, at_most=6)),
        runs=tuple((run, _percent(second, found)) for run, second in found.runs),
        said=f"{counted(len(rows), 'step')} of {name}, from {seconds_text(found.began)} to "
        f"{seconds_text(found.ended)} of the batch; the table of steps has the numbers.",
    )


def _row(row: Row, found: Timeline, top: int, height: int) -> DrawnRow:
    return DrawnRow(
        name=row.name,
        state=row.step.state,
        y=top + height // 2 + 3,
        bars=tuple([_bar(span, found, top) for span in row.spans]),
        pieces=tuple(_piece_names(row.spans, found, top)),
    )


def _bar(span: Span, found: Timeline, top: int) -> Bar:
    return Bar(
        look=span.look,
        x=_percent(span.began, found),
        y=_lane_top(span, top),
        width=f"{max(_share(span.ended - span.began, found), LEAST_PERCENT):.2f}",
        title=span.label,
    )


def _piece_names(spans: Sequence[Span], found: Timeline, top: int) -> Iterator[PieceName]:
    pieces = [span for span in spans if span.piece]
    for number, span in enumerate(pieces):
        after = (other.began for other in pieces[number + 1 :] if other.lane == span.lane)
        room = _share(next(after, found.ended) - span.ended, found)
        if span.piece and room >= LETTER_PERCENT * (len(span.piece) + 1):
            yield PieceName(x=_percent(span.ended, found), y=_lane_top(span, top) + BAR_PX - 1, text=span.piece)


def _lane_top(span: Span, top: int) -> int:
    return top + GAP_PX // 2 + 1 + span.lane * LANE_PX


def _share(seconds: float, found: Timeline) -> float:
    return 100 * seconds / (found.ended - found.began)


def _percent(second: float, found: Timeline) -> str:
    return f"{_share(second - found.began, found):.2f}"
