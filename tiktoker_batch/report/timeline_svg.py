"""A drawing as SVG: written here because a batch of a thousand videos has twenty thousand bars.

Positions along the time axis are in per cent, so that a drawing fills any width without scaling its letters.
"""

from collections.abc import Iterator

from markupsafe import Markup, escape

from tiktoker_batch.report.drawing import BAR_PX, Bar, Drawing, DrawnRow
from tiktoker_batch.report.step_rows import SIGNS

_IDLE_PX = 3


def timeline_svg(drawing: Drawing, number: int) -> Markup:
    """The picture of a video's timeline; ``number`` tells it from others of the page."""
    return Markup("".join(_lines(drawing, number)))  # noqa: S704 - texts are escaped below


def _lines(drawing: Drawing, number: int) -> Iterator[str]:
    height = drawing.height
    yield (
        f'<svg class="timeline" role="img" width="100%" height="{height + 20}" '
        f'aria-labelledby="t{number} d{number}">\n'
        f'<title id="t{number}">Timeline</title><desc id="d{number}">{escape(drawing.said)}</desc>\n'
    )
    for at, label in drawing.ticks:
        yield f'<line class="grid" x1="{at}%" x2="{at}%" y1="0" y2="{height}"/>'
        yield f'<text class="tick" x="{at}%" y="{height + 14}">{escape(label)}</text>\n'
    for run, at in drawing.runs:
        yield f'<line class="run" x1="{at}%" x2="{at}%" y1="0" y2="{height}"><title>run {run} begins</title></line>\n'
    for row in drawing.rows:
        yield from _row(row)
    yield "</svg>\n"


def _row(row: DrawnRow) -> Iterator[str]:
    yield f'<text class="name {row.state}" x="-8" y="{row.y}">{escape(row.name)} {SIGNS[row.state]}</text>\n'
    for bar in row.bars:
        yield _bar(bar)
    for piece in row.pieces:
        yield f'<text class="piece" x="{piece.x}%" y="{piece.y}" dx="3">{escape(piece.text)}</text>\n'
    if not row.bars:
        yield f'<text class="none" x="4" y="{row.y}">{row.state}</text>\n'


def _bar(bar: Bar) -> str:
    y, height = (bar.y + _IDLE_PX, _IDLE_PX) if bar.look == "idle" else (bar.y, BAR_PX)
    return (
        f'<rect class="{bar.look}" x="{bar.x}%" y="{y}" width="{bar.width}%" height="{height}">'
        f"<title>{escape(bar.title)}</title></rect>\n"
    )
