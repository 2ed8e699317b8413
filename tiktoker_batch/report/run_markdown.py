"""How a run ended, for a page of the CI service that ran it."""

from collections import Counter
from decimal import Decimal

from tiktoker_batch.report.markdown import LIMIT, code, fitted, table
from tiktoker_batch.report.quantities import counted, one_line, seconds_text, usd_text
from tiktoker_batch.report.run_text import ADVICE
from tiktoker_batch.report.summary import Failure, summarize
from tiktoker_batch.store.state import BatchState, VideoState

MESSAGE = 600  # characters of an error


def run_markdown(state: BatchState, spent_usd: Decimal) -> str:
    """The newest run, which spent this much: a headline, why steps failed, a table of the videos."""
    counts = Counter(video.state for video in state.videos.values())
    videos = ", ".join(f"{number} {name}" for name, number in counts.items())
    wall = state.wall_by_run.get(state.runs, 0.0)
    head = [
        f"## {code(state.name)}: {state.state}",
        "",
        f"{counted(len(state.videos), 'video')}: {videos}. {seconds_text(wall)}, {usd_text(spent_usd)} spent.",
        "",
    ]
    failures = [line for failure in summarize(state).failures for line in _failure(failure)]
    told = fitted(failures, LIMIT // 2, "- and {} more")
    told = ["### Failures", "", *told, ""] if told else []
    top = table(["video", "state", "length", "cost"], [], right=(2, 3))
    rows = [f"| {' | '.join(_row(video))} |" for video in state.videos.values()]
    room = LIMIT - len("\n".join([*head, *told, *top, ""]).encode()) - 1
    return "\n".join([*head, *told, *top, *fitted(rows, room, "| and {} more | | | |")]) + "\n"


def _failure(failure: Failure) -> list[str]:
    first, *others = failure.steps
    also = f" and {counted(len(others), 'other step')} alike" if others else ""
    blocked = f"; {counted(failure.blocked, 'step')} could not start because of this" if failure.blocked else ""
    advice = f"; {ADVICE[failure.kind]}" if failure.kind in ADVICE else ""
    return [f"- {code(first)}{also}: {code(one_line(failure.message, MESSAGE))}{blocked}{advice}"]


def _row(video: VideoState) -> list[str]:
    finished = video.state in {"done", "partial"} and video.duration_seconds is not None
    length = seconds_text(video.duration_seconds) if finished and video.duration_seconds is not None else ""
    return [code(video.id), video.state, length, usd_text(video.cost_usd)]
