"""Progress as it happens: sinks that tell people or programs what a run does.

A terminal that goes away (a closed pipe) silences a sink; it never ends the run.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import IO, TYPE_CHECKING, Literal

from tiktoker_batch.events import (
    AttemptFailed,
    AttemptStarted,
    BackedOff,
    CapacityChanged,
    Interrupted,
    ProviderPaused,
    Record,
    RunStarted,
    StepFailed,
    StepSucceeded,
    VideoFinished,
)
from tiktoker_batch.planning.schedule import Range
from tiktoker_batch.recording import Sink
from tiktoker_batch.records import record_to_json
from tiktoker_batch.report.quantities import clock_text, counted, one_line, range_text, seconds_text
from tiktoker_batch.report.remaining import Remaining
from tiktoker_batch.report.standing import at_work, settled
from tiktoker_batch.store.state import BatchState

if TYPE_CHECKING:
    from rich.console import Console

Mode = Literal["auto", "rich", "plain", "json", "none"]
Say = Callable[[str], None]
REFRESH_SECONDS = 0.25  # between two thoughts about what is left
FIRST_WORD_SECONDS, WORD_SECONDS, WORD_SHARE = 10.0, 30.0, 0.05  # when a log tells it: less often as a run goes on


def choose_mode(mode: Mode, stream: IO[str], environ: Mapping[str, str]) -> Mode:
    """What ``auto`` means here: ``rich`` on a terminal that can and may be drawn on, else ``plain``."""
    quiet = environ.get("NO_COLOR") or environ.get("CI") or environ.get("TERM") == "dumb"
    if mode == "auto":
        return "rich" if stream.isatty() and not quiet else "plain"
    return "plain" if mode == "rich" and not stream.isatty() else mode


def open_progress(mode: Mode, stream: IO[str], environ: Mapping[str, str]) -> AbstractContextManager[Sink]:
    """The sink for a mode, writing to ``stream``; what it draws is cleared when the context ends."""
    say = _speaker(stream)
    match choose_mode(mode, stream, environ):
        case "rich":
            return _open_rich(stream)
        case "json":
            return nullcontext(JsonProgress(say))
        case "none":
            return nullcontext(QuietProgress(say))
        case _:
            return nullcontext(PlainProgress(say))


def _speaker(stream: IO[str]) -> Say:
    gone = False

    def say(line: str) -> None:
        nonlocal gone
        if gone:
            return
        try:
            stream.write(line + "\n")
            stream.flush()
        except (OSError, ValueError):
            gone = True

    return say


class _Thinking:
    """What is left of a run, thought about with its records as they come, a moment at a time."""

    def __init__(self) -> None:
        self._remaining = Remaining()
        self._thought = -REFRESH_SECONDS
        self._left: Range | None = None

    def take(self, record: Record) -> Range | None:
        self._remaining.apply(record)
        if record.elapsed >= self._thought + REFRESH_SECONDS:
            self._thought = record.elapsed
            self._remaining.refresh(record.elapsed)
            self._left = self._remaining.range(record.elapsed)
        return self._left


class JsonProgress:
    """Every record as a line of JSON, as the journal has it, with the seconds ``remaining`` once they are known."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._thinking = _Thinking()

    def __call__(self, record: Record) -> None:
        """Print one record."""
        left = self._thinking.take(record)
        told = {"remaining": {"seconds": left.seconds, "range": [left.low, left.high]}} if left else {}
        self._say(json.dumps({**record_to_json(record), **told}, separators=(",", ":")))


class Following:
    """What a sink tells of needs the state of the run: its own, unless it follows one that is folded before it."""

    def __init__(self) -> None:
        self._state, self._folds = BatchState(), True

    def follow(self, state: BatchState) -> None:
        """Look at this one, to which each record was applied before it comes here."""
        self._state, self._folds = state, False

    def _take(self, record: Record) -> None:
        if self._folds:
            self._state.apply(record)


def following(sink: Sink, state: BatchState) -> Sink:
    """The sink, which follows this state if it can: a batch is folded once."""
    if isinstance(sink, Following):
        sink.follow(state)
    return sink


class QuietProgress(Following):
    """Nothing but the answer to a signal: whoever presses Ctrl-C wants to know that it was heard."""

    def __init__(self, say: Say) -> None:
        super().__init__()
        self._say = say

    def __call__(self, record: Record) -> None:
        """Take one record."""
        self._take(record)
        if isinstance(record.event, Interrupted):
            self._say(interruption_text(record.event, self._state))


class PlainProgress(Following):
    """A line with the time since the start for everything worth reading in a log, and now and then what is left."""

    def __init__(self, say: Say) -> None:
        super().__init__()
        self._say = say
        self._begun: set[str] = set()
        self._thinking = _Thinking()
        self._next_word = FIRST_WORD_SECONDS

    def __call__(self, record: Record) -> None:
        """Take one record."""
        self._take(record)
        left = self._thinking.take(record)
        for line in self._lines(record):
            self._say(f"[{clock_text(record.elapsed)}] {line}")
        if left and left.high >= 1 and record.elapsed >= self._next_word:
            self._next_word = record.elapsed + max(WORD_SECONDS, WORD_SHARE * record.elapsed)
            self._say(f"[{clock_text(record.elapsed)}] {self._standing()}, {range_text(left)} left")

    def _standing(self) -> str:
        done = sum(settled(video) for video in self._state.videos.values())
        return f"{done} of {counted(len(self._state.steps), 'step')} done"

    def _lines(self, record: Record) -> Iterator[str]:
        match record.event:
            case RunStarted(batch=batch):
                yield f"{batch}: run {record.run}"
            case AttemptStarted(step=step):
                yield from self._first_of_video(step)
            case StepSucceeded(step=step):
                attempt = self._state.steps[step].attempts[-1]
                yield f"{step}: done in {seconds_text(attempt.worked_seconds)}"
            case event:
                yield from notice_lines(event, self._state)

    def _first_of_video(self, step: str) -> Iterator[str]:
        video = self._state.videos[self._state.steps[step].video]
        if video.id not in self._begun and at_work(self._state, video.steps):
            self._begun.add(video.id)
            yield f"{video.id}: started ({counted(len(video.steps), 'step')})"


_CAUSES = {"refused": "as more were refused", "told": "which is what it says it bears"}


def notice_lines(event: object, state: BatchState) -> Iterator[str]:
    """What deserves a line of its own in every kind of progress: ends of videos, trouble, interruptions."""
    match event:
        case AttemptFailed(step=step, attempt=attempt, outcome="retry", message=message):
            yield f"{step}: attempt {attempt} failed: {one_line(message)}"
        case BackedOff(step=step, attempt=attempt, seconds=seconds):
            yield f"{step}: attempt {attempt} in {seconds_text(seconds)}"
        case ProviderPaused(provider=provider, seconds=seconds, reason=reason):
            yield f"{provider} does not answer, next try in {seconds_text(seconds)}: {one_line(reason)}"
        case CapacityChanged(limit=limit, seats=seats, cause="refused" | "told" as cause):
            yield f"{limit}: {counted(seats, 'request')} at once from now on, {_CAUSES[cause]}"
        case StepFailed(step=step, attempts=attempts, message=message):
            yield f"{step}: failed after {counted(attempts, 'attempt')}: {one_line(message)}"
        case VideoFinished() as finished:
            yield _video_text(finished, state)
        case Interrupted() as interrupted:
            yield interruption_text(interrupted, state)
        case _:
            pass


def _video_text(event: VideoFinished, state: BatchState) -> str:
    steps = state.videos[event.video].steps
    reused = sum(step.state == "reused" for step in steps)
    length = f", {seconds_text(event.duration_seconds)} of video" if event.duration_seconds is not None else ""
    again = f", {reused} of {counted(len(steps), 'step')} reused" if reused else ""
    return f"{event.video}: {event.state}{length}{again}"


def interruption_text(event: Interrupted, state: BatchState) -> str:
    """The answer to the first and to the second signal."""
    if event.how == "abort":
        return "aborting; whatever is done is kept"
    running = len(at_work(state, state.steps.values()))
    return f"stopping: letting {counted(running, 'running step')} finish (Ctrl-C again to abort)"


# ---------------------------------------------------------------------- a live table


class RichProgress:
    """Keeps the state that the live table shows; notices scroll past above it.

    Rich draws from a thread of its own, so the state is shared under a lock.
    """

    def __init__(self, print_line: Say, clock: Callable[[], float] = time.monotonic) -> None:
        self._print = print_line
        self._clock = clock
        self._state = BatchState()
        self._remaining = Remaining()
        self._origin = clock()
        self._lock = threading.Lock()

    def __call__(self, record: Record) -> None:
        """Take one record."""
        with self._lock:
            self._origin = self._clock() - record.elapsed
            self._state.apply(record)
            self._remaining.apply(record)
            lines = list(notice_lines(record.event, self._state))
        for line in lines:
            self._print(line)

    def draw(self, console: "Console") -> object:
        """The table as it is now, for a console of this size."""
        from tiktoker_batch.report.live import live_table  # noqa: PLC0415  (Rich only where it draws)

        with self._lock:
            elapsed = self._clock() - self._origin
            self._remaining.refresh(elapsed)
            left = self._remaining.range(elapsed)
            return live_table(self._state, elapsed, console.width, console.height, left)


@contextmanager
def _open_rich(stream: IO[str]) -> Iterator[Sink]:
    from rich.console import Console  # noqa: PLC0415  (Rich only where it draws)
    from rich.live import Live  # noqa: PLC0415

    console = Console(file=stream)

    def print_line(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    progress = RichProgress(print_line)
    with Live(
        get_renderable=lambda: progress.draw(console),  # type: ignore[arg-type, return-value]
        console=console,
        transient=True,
        refresh_per_second=4,
        redirect_stdout=False,
    ):
        yield progress
