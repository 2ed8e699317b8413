"""How far a batch is, as text."""

from collections import Counter
from collections.abc import Collection

from tiktoker_batch.report.quantities import columns, counted, one_line, seconds_text, usd_text
from tiktoker_batch.report.standing import GOOD, at_work, kinds_text, settled
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import BatchState, VideoState


def status_text(
    state: BatchState,
    layout: Layout,
    *,
    abandoned: bool,
    again: str | None,
    videos: Collection[str] | None = None,
) -> str:
    """A headline, a line for each video, totals, and what to do next (``again`` is the command that goes on).

    Of all videos, or of some by their ids; the other lines are about the whole batch.

    ``abandoned`` says that the last run has no end and that no process is at work.
    """
    headline = "not finished; no process is at work" if abandoned else state.state
    runs = f"{counted(state.runs, 'run')}, {seconds_text(sum(state.wall_by_run.values()))}"
    listed = [video for video in state.videos.values() if videos is None or video.id in videos]
    rows = [_video_row(video, state, layout) for video in listed]
    lines = [f"{state.name}: {headline} ({runs})", *columns(rows, right=(2,)), _totals(state)]
    if again:
        lines.append(f"run again to go on: {again}")
    return "\n".join(lines)


def _video_row(video: VideoState, state: BatchState, layout: Layout) -> list[str]:
    row = [video.id, video.state, f"{settled(video)}/{len(video.steps)}"]
    if video.state in {"done", "partial"} and video.output:
        length = f" ({seconds_text(video.duration_seconds)})" if video.duration_seconds is not None else ""
        return [*row, f"{layout.absolute(video.output)}{length}"]
    failed = next((step for step in video.steps if step.state == "failed"), None)
    if failed:
        return [*row, f"{failed.id.split('/', 1)[1]}: {one_line(failed.error_message or 'failed', 100)}"]
    return [*row, kinds_text(at_work(state, video.steps)) or _waiting(video)]


def _waiting(video: VideoState) -> str:
    """Which shots a person has to decide on, if any."""
    if not video.waiting or video.state == "running":
        return ""
    shots = sum(step.endswith("/clip") for step in video.waiting)
    return f"waiting for review: {counted(shots, 'shot')} in work/{video.id}/shots.yaml"


def _totals(state: BatchState) -> str:
    steps = state.steps.values()
    videos = Counter(video.state for video in state.videos.values())
    reused = sum(step.state == "reused" for step in steps)
    done = sum(step.state in GOOD for step in steps)
    parts = [f"{count} {name}" for name, count in videos.items()]
    again = f" ({reused} reused)" if reused else ""
    return f"videos: {', '.join(parts)}; steps: {done} of {len(steps)} done{again}; spent {usd_text(state.spent_usd)}"
