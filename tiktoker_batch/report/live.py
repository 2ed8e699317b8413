"""The table that a terminal shows while a batch runs. A pure function of the state and the terminal's size."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tiktoker_batch.planning.schedule import Range
from tiktoker_batch.report.quantities import clock_text, range_text, seconds_text, usd_text
from tiktoker_batch.report.standing import at_work, kinds_text, settled
from tiktoker_batch.store.state import BatchState, VideoState

NARROW = 64  # columns below which a row says only what matters most
_COLOURS = {"done": "green", "partial": "yellow", "failed": "red"}


def live_table(state: BatchState, elapsed: float, width: int, height: int, left: Range | None = None) -> RenderableType:
    """A bar per video as far as the height allows, those at work first, and a line of totals.

    ``left`` is the time that the rest takes, where that is known.
    """
    videos = list(state.videos.values())
    room = max(1, height - 4)
    shown = videos if len(videos) <= room else _most_interesting(videos, room - 1)
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(8, width // 4))
    table.add_column(width=max(6, min(24, width // 5)))
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, overflow="ellipsis")
    for video in shown:
        table.add_row(*_row(video, state, narrow=width < NARROW))
    rest = len(videos) - len(shown)
    lines: list[RenderableType] = [table]
    if rest:
        lines.append(Text(_rest(videos, shown), style="dim", no_wrap=True, overflow="ellipsis"))
    lines.append(Text(totals_text(state, elapsed, left), style="bold", no_wrap=True, overflow="ellipsis"))
    return Group(*lines)


def _most_interesting(videos: Sequence[VideoState], room: int) -> list[VideoState]:
    rank = {"running": 0, "pending": 1, "failed": 2, "partial": 3, "done": 4}
    chosen = sorted(range(len(videos)), key=lambda index: (rank.get(videos[index].state, 5), index))[:room]
    return [videos[index] for index in sorted(chosen)]


def _row(video: VideoState, state: BatchState, *, narrow: bool) -> tuple[RenderableType, ...]:
    ended, steps = settled(video), len(video.steps)
    style = _COLOURS.get(video.state, "")
    colour = style or "cyan"
    bar = ProgressBar(total=max(1, steps), completed=ended, complete_style=colour, finished_style=colour)
    return Text(video.id), bar, Text(f"{ended}/{steps}"), Text(_standing(video, state, narrow=narrow), style=style)


def _standing(video: VideoState, state: BatchState, *, narrow: bool) -> str:
    """What the video does, or how it ended."""
    if video.state in _COLOURS:
        if narrow or video.duration_seconds is None:
            return video.state
        return f"{video.state} ({seconds_text(video.duration_seconds)})"
    working = at_work(state, video.steps)
    if working:
        return str(working[0].planned.kind) if narrow else kinds_text(working)
    return "waiting"


def _rest(videos: Sequence[VideoState], shown: Sequence[VideoState]) -> str:
    names = {video.id for video in shown}
    states = Counter(
        "waiting" if video.state == "pending" else video.state for video in videos if video.id not in names
    )
    return "and " + ", ".join(f"{count} {state}" for state, count in states.items())


def totals_text(state: BatchState, elapsed: float, left: Range | None = None) -> str:
    """The line below the table."""
    steps = state.steps.values()
    counts = Counter(step.state for step in steps)
    done = f"{counts['done'] + counts['reused']}/{len(steps)} steps"
    parts = [clock_text(elapsed)[:-2], done, f"{len(at_work(state, steps))} running"]
    parts += [f"{counts['reused']} reused"] if counts["reused"] else []
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    parts += [usd_text(state.spent_usd)]
    return "  ".join([*parts, f"{range_text(left)} left"] if left and left.high >= 1 else parts)
