"""``report.html``: one file that needs nothing else, for a browser, a phone or a printer."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tiktoker_batch.report.drawing import draw
from tiktoker_batch.report.quantities import counted, one_line, seconds_text, usd_text
from tiktoker_batch.report.step_rows import SIGNS, step_rows
from tiktoker_batch.report.summary import summarize
from tiktoker_batch.report.timeline import run_offsets, timeline
from tiktoker_batch.report.timeline_svg import timeline_svg
from tiktoker_batch.resources import resource_path
from tiktoker_batch.store.artifacts import write_atomic
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import BatchState

OPEN_VIDEOS = 6  # as many as this are shown unfolded; more would bury the summary
OPEN_STEPS = 300


def write_report(layout: Layout, state: BatchState) -> Path:
    """Write the report of a batch, complete or not at all; gives its path."""
    write_atomic(layout.report, render_report(state))
    return layout.report


def page_environment() -> Environment:
    """What pages are made in: everything is escaped, nothing may be missing."""
    environment = Environment(
        loader=FileSystemLoader(resource_path("templates", "report")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"seconds": seconds_text, "usd": usd_text, "moment": _moment, "one_line": one_line}
    environment.globals |= {"counted": counted, "signs": SIGNS, "timeline_svg": timeline_svg}
    return environment


def render_report(state: BatchState) -> str:
    """The report as HTML."""
    return (
        page_environment()
        .get_template("report.html.j2")
        .render(
            summary=summarize(state),
            videos=_videos(state),
            step_count=len(state.steps),
            step_rows=step_rows(state.steps.values()),
            open_videos=len(state.videos) <= OPEN_VIDEOS,
            open_steps=len(state.steps) <= OPEN_STEPS,
        )
    )


def _videos(state: BatchState) -> Iterator[dict[str, Any]]:
    """Those that need a look first: failed, partial, unfinished, done; each kind in the recipe's order."""
    offsets = run_offsets(state)
    order = {"failed": 0, "partial": 1, "running": 2, "pending": 3, "done": 4}
    for video in sorted(state.videos.values(), key=lambda video: order.get(video.state, 5)):
        found = timeline(video, state, offsets)
        yield {
            "video": video,
            "file": quote(video.output) if video.output else None,
            "drawing": draw(found, video.id) if found else None,
            "ended": sum(step.state not in {"pending", "running"} for step in video.steps),
        }


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""
