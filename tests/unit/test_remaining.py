"""How long a running batch still takes, told from its records."""

import pytest

from tests.unit.test_console import attempt, planned, record, started, succeeded
from tiktoker_batch.events import (
    AttemptFailed,
    AttemptStarted,
    Event,
    Record,
    RunFinished,
    RunStarted,
    StepBlocked,
    StepFailed,
    StepReused,
    StepsReused,
    VideoPlanned,
)
from tiktoker_batch.planning.likely import Shape
from tiktoker_batch.planning.schedule import Range
from tiktoker_batch.report.remaining import Remaining

IMAGES = [f"{number:02d}/image" for number in range(1, 9)]


def told(records: list[Record], now: float) -> Range | None:
    remaining = Remaining()
    for each in records:
        remaining.apply(each)
    for _ in range(20):
        remaining.refresh(now)
    return remaining.range(now)


def a_run(*plans: VideoPlanned, doubt: float = 0.3) -> list[Record]:
    shape = Shape(knots=(0.9, 1.1), doubt=doubt).to_json()
    begun = RunStarted(
        batch="b", recipe="r", recipe_sha256="0", tool_version="0", options={}, limits={"local": 2},
        shapes={"local:m": shape},
    )  # fmt: skip
    return [record(0, begun), *(record(0, plan) for plan in plans)]


def left(records: list[Record], now: float) -> float:
    found = told(records, now)
    assert found is not None
    assert found.low <= found.seconds <= found.high
    return found.seconds


def test_it_is_known_soon_after_the_start() -> None:
    records = a_run(planned("v", *IMAGES), doubt=0.01)
    assert left([*records, record(0, AttemptStarted(step="v/01/image", attempt=1))], 0) == pytest.approx(4, rel=0.1)


def test_nothing_is_told_before_anybody_thought_about_it() -> None:
    remaining = Remaining()
    assert remaining.range(0) is None
    for each in a_run(planned("v", *IMAGES)):
        remaining.apply(each)
    assert remaining.range(0) is None


@pytest.mark.parametrize(
    "over",
    [
        StepReused(step="v/01/image", key="k", inputs="i", artifacts=()),
        StepsReused(video="v", steps=("v/01/image",)),
        StepFailed(step="v/01/image", attempts=1, error_kind="Rejected", message="no"),
        StepBlocked(step="v/01/image", by="v/story"),
        succeeded("v/01/image"),
    ],
)
def test_what_is_over_takes_no_more_time(over: Event) -> None:
    records = a_run(planned("v", "01/image", "02/image"), doubt=0.01)
    assert left([*records, record(0, over)], 0) == pytest.approx(1, rel=0.15)
    both = [record(0, over), record(0, StepBlocked(step="v/02/image", by="v/story"))]
    assert told([*records, *both], 0) == Range(seconds=0.0, low=0.0, high=0.0)


def test_steps_that_are_not_selected_are_not_waited_for() -> None:
    plan = planned("v", *IMAGES)
    chosen = VideoPlanned(video="v", title="v", steps=plan.steps, left_out=tuple(step.id for step in plan.steps[2:]))
    assert left([*a_run(chosen, doubt=0.01), record(0, AttemptStarted(step="v/01/image", attempt=1))], 0) < 1.5


def test_a_failed_attempt_is_to_be_made_again() -> None:
    records = a_run(planned("v", "01/image"), doubt=0.01)
    failed = AttemptFailed(step="v/01/image", attempt=1, outcome="retry", error_kind="Unavailable", message="busy")
    assert left([*records, *attempt("v/01/image", 0, 0.9, failed)], 0.9) == pytest.approx(1, rel=0.15)


def test_a_model_that_is_slow_today_is_expected_to_stay_so() -> None:
    records = a_run(planned("v", *IMAGES), doubt=0.5)
    before = left([*records, record(0, AttemptStarted(step="v/01/image", attempt=1))], 0)
    slow = [
        *attempt("v/01/image", 0, 3, succeeded("v/01/image")),
        *attempt("v/02/image", 0, 3, succeeded("v/02/image")),
    ]
    assert left([*records, *slow], 3) > 1.5 * before * 6 / 8


def test_an_attempt_that_failed_late_says_nothing_of_what_the_work_takes() -> None:
    records = a_run(planned("v", *IMAGES), doubt=0.5)
    failed = AttemptFailed(step="v/01/image", attempt=1, outcome="retry", error_kind="TimedOut", message="no answer")
    again = record(30, AttemptStarted(step="v/01/image", attempt=2))
    assert left([*records, *attempt("v/01/image", 0, 30, failed), again], 30) < 8


def test_the_quick_ones_prove_nothing_while_slower_ones_that_began_before_are_at_work() -> None:
    records = a_run(planned("v", *IMAGES), doubt=0.5)
    begun = [record(0, AttemptStarted(step="v/01/image", attempt=1))]
    quick = attempt("v/02/image", 0, 0.2, succeeded("v/02/image"))
    assert left([*records, *begun, *quick], 0.2) > 3 * 0.6


def test_a_new_run_begins_anew_and_an_ended_one_has_nothing_left() -> None:
    first = [*a_run(planned("v", *IMAGES)), record(0, AttemptStarted(step="v/01/image", attempt=1))]
    second = [*a_run(planned("w", "01/image"), doubt=0.01), record(0, AttemptStarted(step="w/01/image", attempt=1))]
    assert left([*first, *second], 0) == pytest.approx(1, rel=0.15)
    assert told([*first, record(9, RunFinished(state="done"))], 9) is None


def test_a_journal_from_before_there_were_ranges_does_as_well() -> None:
    records = [*started(planned("v", "01/image")), record(0, AttemptStarted(step="v/01/image", attempt=1))]
    assert 0.8 < left(records, 0) < 1.6
