"""Progress on a terminal, in a log and for programs, from records alone."""

import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from tiktoker_batch.events import (
    AttemptFailed,
    AttemptStarted,
    BackedOff,
    CapacityChanged,
    Event,
    Interrupted,
    PlannedStep,
    ProviderPaused,
    Record,
    RunFinished,
    RunStarted,
    StepBlocked,
    StepFailed,
    StepQueued,
    StepReused,
    StepSucceeded,
    VideoFinished,
    VideoPlanned,
    WorkDone,
)
from tiktoker_batch.planning.schedule import Range
from tiktoker_batch.report.console import choose_mode, open_progress
from tiktoker_batch.report.live import live_table, totals_text
from tiktoker_batch.report.quantities import range_text
from tiktoker_batch.report.run_text import failures_text
from tiktoker_batch.report.standing import sequential_seconds
from tiktoker_batch.store.state import BatchState, fold


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def record(elapsed: float, event: Event) -> Record:
    return Record(at=datetime(2027, 3, 15, tzinfo=UTC), elapsed=elapsed, run=1, event=event)


def planned(video: str, *steps: str) -> VideoPlanned:
    """Steps by kind; the assembly needs all the others."""
    ids = [f"{video}/{step}" for step in steps]
    return VideoPlanned(
        video=video,
        title=video,
        steps=tuple(
            PlannedStep(
                id=step,
                kind=step.rsplit("/", 1)[1],
                key="k",
                needs=tuple(ids[:-1]) if step.endswith("assembly") else (),
                provider="local",
                model="m",
                estimated_seconds=1,
                estimated_cost_usd=Decimal(0),
            )
            for step in ids
        ),
    )


def started(*plans: VideoPlanned) -> list[Record]:
    begun = RunStarted(batch="week12", recipe="r.yaml", recipe_sha256="0", tool_version="0", options={}, limits={})
    return [record(0, begun), *(record(0, plan) for plan in plans)]


def succeeded(step: str) -> StepSucceeded:
    return StepSucceeded(step=step, attempt=1, key="k", inputs="i", artifacts=())


def attempt(step: str, start: float, end: float, event: Event) -> Iterator[Record]:
    yield record(start, StepQueued(step=step, attempt=1))
    yield record(start, AttemptStarted(step=step, attempt=1))
    yield record(end, event)


def told(records: list[Record], mode: str = "plain") -> list[str]:
    stream = io.StringIO()
    with open_progress(mode, stream, {}) as sink:  # type: ignore[arg-type]
        for each in records:
            sink(each)
    return stream.getvalue().splitlines()


def test_a_log_tells_when_a_video_starts_and_ends_and_what_each_step_took() -> None:
    finished = VideoFinished(video="lamp", state="done", output="videos/lamp.mp4", duration_seconds=4.0)
    records = [
        *started(planned("lamp", "story", "01/image")),
        *attempt("lamp/story", 0.5, 1.0, succeeded("lamp/story")),
        *attempt("lamp/01/image", 1.0, 63.25, succeeded("lamp/01/image")),
        record(63.5, finished),
        record(63.6, RunFinished(state="done")),
    ]
    assert told(records) == [
        "[00:00.0] week12: run 1",
        "[00:00.5] lamp: started (2 steps)",
        "[00:01.0] lamp/story: done in 0.5 s",
        "[01:03.2] lamp/01/image: done in 1 min 02 s",
        "[01:03.5] lamp: done, 4.0 s of video",
    ]


def test_a_step_that_only_waits_for_others_does_not_start_its_video() -> None:
    begun = [
        record(0, StepQueued(step="v/assembly", attempt=1)),
        record(0, AttemptStarted(step="v/assembly", attempt=1)),
    ]
    assert told([*started(planned("v", "story", "assembly")), *begun]) == ["[00:00.0] week12: run 1"]


def test_a_log_tells_retries_and_failures_in_one_line_each() -> None:
    trouble = AttemptFailed(step="v/story", attempt=1, outcome="retry", error_kind="Unavailable", message="busy\nvery")
    records = [
        *started(planned("v", "story", "shots")),
        *attempt("v/story", 0, 1, trouble),
        record(1, BackedOff(step="v/story", attempt=2, seconds=3.0)),
        record(2, ProviderPaused(provider="fal", seconds=60.0, reason="fal: no\nconnection")),
        record(3, CapacityChanged(limit="fal", seats=7, cause="refused")),
        record(3, CapacityChanged(limit="fal", seats=8, cause="tried")),
        record(4, CapacityChanged(limit="elevenlabs", seats=1, cause="told")),
        record(5, StepFailed(step="v/story", attempts=2, error_kind="Unavailable", message="busy\nvery")),
        record(5, StepBlocked(step="v/shots", by="v/story")),
        record(5, VideoFinished(video="v", state="failed")),
    ]
    assert told(records)[2:] == [
        "[00:01.0] v/story: attempt 1 failed: busy very",
        "[00:01.0] v/story: attempt 2 in 3.0 s",
        "[00:02.0] fal does not answer, next try in 1 min 00 s: fal: no connection",
        "[00:03.0] fal: 7 requests at once from now on, as more were refused",
        "[00:04.0] elevenlabs: 1 request at once from now on, which is what it says it bears",
        "[00:05.0] v/story: failed after 2 attempts: busy very",
        "[00:05.0] v: failed",
    ]


def test_reused_steps_are_counted_not_listed() -> None:
    reused = StepReused(step="v/story", key="k", inputs="i", artifacts=())
    finished = VideoFinished(video="v", state="done", duration_seconds=4.0)
    lines = told([*started(planned("v", "story")), record(0, reused), record(0.1, finished)])
    assert lines[1:] == ["[00:00.1] v: done, 4.0 s of video, 1 of 1 step reused"]


@pytest.mark.parametrize("mode", ["plain", "none"])
def test_the_first_signal_says_how_many_steps_are_let_finish(mode: str) -> None:
    records = [
        *started(planned("v", "story", "01/image", "assembly")),
        *attempt("v/assembly", 0, 1, WorkDone(step="v/assembly", label="x", waited=0, began=0, ended=0)),
        *attempt("v/story", 0, 1, WorkDone(step="v/story", label="x", waited=0, began=0, ended=0)),
        record(2, Interrupted(signal="SIGINT", how="drain")),
        record(3, Interrupted(signal="SIGINT", how="abort")),
    ]
    first, second = told(records, mode)[-2:]
    assert first.endswith("stopping: letting 1 running step finish (Ctrl-C again to abort)")
    assert second.endswith("aborting; whatever is done is kept")


def a_long_run(pictures: int = 40) -> list[Record]:
    """One picture after the other, a second each; the first four are done."""
    records = started(planned("v", *(f"{number:02d}/image" for number in range(1, pictures + 1))))
    for number in range(1, 5):
        step = f"v/{number:02d}/image"
        records += attempt(step, 4.0 * number, 4.0 * number + 1, succeeded(step))
    return records


def test_a_log_tells_now_and_then_what_is_left() -> None:
    (line,) = [line for line in told(a_long_run()) if line.endswith(" left")]
    assert re.fullmatch(r"\[00:1\d\.0\] \d of 40 steps done, about [\d.]+ s \([\d.]+ to [\d.]+\) left", line)


def test_programs_are_told_what_is_left_with_every_record_once_it_is_known() -> None:
    lines = [json.loads(line) for line in told(a_long_run(), "json")]
    assert "remaining" not in lines[0]
    low, high = lines[-1]["remaining"]["range"]
    assert 0 < low <= lines[-1]["remaining"]["seconds"] <= high


def test_a_terminal_shows_what_is_left_beside_the_totals() -> None:
    left = Range(seconds=720.0, low=540.0, high=1200.0)
    assert totals_text(many_videos(2), 12.34, left).endswith("  $0.00  about 12 min (9.0 to 20) left")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ((3.21, 1.0, 8.0), "about 3.2 s (1.0 to 8.0)"),
        ((720, 540, 1200), "about 12 min (9.0 to 20)"),
        ((7200, 5400, 10800), "about 2.0 h (1.5 to 3.0)"),
        ((100, 100, 100), "about 1.7 min"),
    ],
)
def test_an_estimate_has_no_more_digits_than_it_deserves(seconds: tuple[float, float, float], text: str) -> None:
    about, low, high = seconds
    assert range_text(Range(seconds=about, low=low, high=high)) == text


def test_programs_get_every_record_as_the_journal_has_it() -> None:
    lines = told(started(planned("v", "story")), "json")
    assert [json.loads(line)["event"] for line in lines] == ["run_started", "video_planned"]


def test_a_reader_that_goes_away_does_not_end_the_run() -> None:
    with open_progress("plain", Closed(), {}) as sink:
        for each in started(planned("v", "story")):
            sink(each)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, "rich"), ({"NO_COLOR": "1"}, "plain"), ({"CI": "true"}, "plain"), ({"TERM": "dumb"}, "plain")],
)
def test_a_terminal_gets_the_live_table_unless_it_asks_not_to(environ: Mapping[str, str], expected: str) -> None:
    assert choose_mode("auto", Terminal(), environ) == expected


def test_anything_but_a_terminal_gets_plain_lines() -> None:
    assert choose_mode("auto", io.StringIO(), {}) == "plain"
    assert choose_mode("rich", io.StringIO(), {}) == "plain"


# ---------------------------------------------------------------------- the live table


def drawn(state: BatchState, width: int, height: int) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=width, height=height, color_system=None)
    console.print(live_table(state, 12.34, width, height))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def many_videos(count: int) -> BatchState:
    videos = [
        planned(f"video-{number:03d}-with-a-long-name", "story", "01/image", "02/image") for number in range(count)
    ]
    busy = f"{videos[-1].video}/01/image"
    finished = VideoFinished(video=videos[0].video, state="done", duration_seconds=4.0)
    events = [record(1, StepQueued(step=busy, attempt=1)), record(1, AttemptStarted(step=busy, attempt=1))]
    return fold([*started(*videos), *events, record(2, finished)])


def test_a_small_batch_shows_every_video_and_what_it_does() -> None:
    first, second, totals = drawn(many_videos(2), 100, 24)
    assert "0/3" in first
    assert first.endswith("done (4.0 s)")
    assert second.endswith("image")
    assert totals == "00:12  0/6 steps  1 running  $0.00"


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_two_hundred_videos_fit_a_small_terminal_with_those_at_work_on_it(width: int) -> None:
    lines = drawn(many_videos(200), width, 12)
    assert len(lines) <= 11
    assert all(len(line) <= width for line in lines)
    assert any(line.endswith(("image", "ima…", "im…", "i…")) for line in lines)
    assert lines[-2].startswith("and 1")


def test_the_table_is_drawn_and_cleared_on_a_real_terminal() -> None:
    stream = Terminal()
    with open_progress("rich", stream, {}) as sink:
        for each in started(planned("lamp", "story")):
            sink(each)
        sink(record(1, StepFailed(step="lamp/story", attempts=1, error_kind="Rejected", message="[not] this")))
    assert "lamp/story: failed after 1 attempt: [not] this" in stream.getvalue()
    assert "0/1 steps" in stream.getvalue()


# ---------------------------------------------------------------------- after the run


def test_the_time_one_after_another_counts_work_not_waiting() -> None:
    records = [
        *started(planned("v", "story", "assembly")),
        *attempt("v/story", 0, 10, succeeded("v/story")),
        *attempt("v/assembly", 0, 11, WorkDone(step="v/assembly", label="mix", waited=0, began=10, ended=11)),
        record(12, succeeded("v/assembly")),
    ]
    assert sequential_seconds(fold(records)) == pytest.approx(11.0)


def test_the_same_trouble_of_several_steps_is_told_once_with_what_to_do() -> None:
    events: list[Record] = []
    for number in ("01", "02", "03"):
        step = f"v/{number}/image"
        failed = AttemptFailed(step=step, attempt=1, outcome="failed", error_kind="Rejected", message="not this topic")
        events += attempt(step, 0, 1, failed)
        events.append(record(1, StepFailed(step=step, attempts=1, error_kind="Rejected", message="not this topic")))
    events.append(record(1, StepBlocked(step="v/assembly", by="v/01/image")))
    text = failures_text(fold([*started(planned("v", "01/image", "02/image", "03/image", "assembly")), *events]))
    assert text.splitlines() == [
        "v/01/image failed after 1 attempt (and 2 other steps alike): not this topic",
        "  the provider refuses this content: change its topic, script or prompt, and run again",
        "1 step could not start because of this",
    ]
