"""The memory of how long work took, over runs and processes, and what it leads one to expect."""

import itertools
import json
import multiprocessing
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace as but

from tests.values import a_model, a_plan, a_step
from tiktoker_batch.engine.announce import announce
from tiktoker_batch.events import (
    AttemptFailed,
    AttemptStarted,
    Event,
    JobReattached,
    StepQueued,
    StepReused,
    StepSucceeded,
    WorkDone,
)
from tiktoker_batch.model import Kind
from tiktoker_batch.planning.likely import History, Taken, expected_shape, likely, shape_from_json, size_of
from tiktoker_batch.recording import Recorder
from tiktoker_batch.store.durations import MOST_MODELS, REMEMBERED, Durations, Learner
from tiktoker_batch.store.state import BatchState

CLIP = "fal:clip"
MODELS = {CLIP: replace(a_model("clip", "clip", typical_seconds=75.0, durations=(4.0,)), provider="fal")}


def taken(*seconds: float, size: float = 0.0) -> list[Taken]:
    return [Taken(seconds=each, size=size) for each in seconds]


def steps_of(memory: Path, ref: str = CLIP) -> Iterable[float]:
    return [each.seconds for each in Durations(MODELS, memory).history().steps.get(ref, ())]


# ---------------------------------------------------------------------- what is expected


def test_the_catalog_is_believed_until_there_is_history() -> None:
    assert likely(75.0, 0.25).usual == 75.0
    one, many = likely(75.0, 0.25, taken(30)), likely(75.0, 0.25, taken(*[30] * 64))
    assert 30 < one.usual < 75
    assert many.usual == pytest.approx(30, rel=0.02)
    assert many.shape.doubt < one.shape.doubt < likely(75.0, 0.25).shape.doubt


def test_an_outlier_hardly_moves_what_is_usual_but_is_a_straggler() -> None:
    steady = [10.0, 11, 12] * 10
    assert likely(11, 0.25, taken(*steady, 300)).usual == pytest.approx(likely(11, 0.25, taken(*steady)).usual, rel=0.1)
    assert likely(11, 0.25, taken(*steady)).late < 300


def test_the_spread_becomes_the_one_that_was_seen() -> None:
    rng = random.Random(1)
    narrow = likely(75, 0.25, taken(*(75 * rng.uniform(0.98, 1.02) for _ in range(64)))).shape
    before = expected_shape(0.25)
    assert narrow.at(0.9) / narrow.at(0.1) < 1.1
    assert before.at(0.9) / before.at(0.1) > 1.5


def test_shares_and_multiples_are_each_others_inverse() -> None:
    shape = expected_shape(0.25)
    for share in (0.03, 0.5, 0.81, 0.97):
        assert shape.share_below(shape.at(share)) == pytest.approx(share)
    assert (shape.share_below(0.0), shape.share_below(1e9)) == (0.0, 1.0)


def test_longer_clips_are_expected_to_take_longer_as_far_as_history_shows_it() -> None:
    proportional = [*taken(*[4.0] * 20, size=4), *taken(*[8.0] * 20, size=8)]
    assert likely(5, 0.25, proportional, size=12).usual == pytest.approx(12, rel=0.15)
    constant = [*taken(*[6.0] * 20, size=4), *taken(*[6.0] * 20, size=8)]
    assert likely(5, 0.25, constant, size=12).usual == pytest.approx(6, rel=0.1)


@pytest.mark.parametrize(
    ("kind", "size"), [(Kind.CLIP, 4.0), (Kind.ASSEMBLY, 30.0), (Kind.NARRATION, 80.0), (Kind.IMAGE, 0.0)]
)
def test_what_the_time_of_a_step_goes_by(kind: Kind, size: float) -> None:
    assert size_of(kind, {"seconds": 4, "duration": 30.0}, 80) == size


@pytest.mark.parametrize("told", [None, {}, {"knots": [1]}, {"knots": [2, 1], "doubt": 1}, {"knots": "ab", "doubt": 0}])
def test_a_shape_that_is_none_is_the_usual_one(told: object) -> None:
    assert shape_from_json(told) == expected_shape(0.25)


def test_a_shape_comes_back_from_the_journal() -> None:
    shape = likely(75, 0.25, taken(70, 80, 90)).shape
    assert shape_from_json(json.loads(json.dumps(shape.to_json()))).knots == pytest.approx(shape.knots, abs=0.001)


# ---------------------------------------------------------------------- the memory


def test_what_was_learned_is_known_in_the_next_run(tmp_path: Path) -> None:
    memory = tmp_path / "cache" / "durations.json"
    durations = Durations(MODELS, memory)
    for seconds in range(10, 20):
        durations.note(CLIP, seconds)
        durations.note_step(CLIP, Taken(seconds=seconds + 2, size=4.0))
    durations.save()
    again = Durations(MODELS, memory)
    assert again.job(CLIP) == durations.job(CLIP)
    assert again.percentile(CLIP, 95) == durations.job(CLIP).late
    assert again.history() == durations.history()


def test_a_straggler_is_slower_than_its_models_own_jobs() -> None:
    durations = Durations(MODELS)
    assert durations.percentile(CLIP, 95) > 75
    for _ in range(64):
        durations.note(CLIP, 10)
    assert 10 <= durations.percentile(CLIP, 95) < 20


def test_where_no_service_tells_of_its_jobs_their_steps_do() -> None:
    durations = Durations(MODELS)
    for seconds in range(1, 65):
        durations.note_step(CLIP, Taken(seconds=seconds))
    assert durations.percentile(CLIP, 50) == pytest.approx(32, rel=0.1)
    durations.note(CLIP, 10)
    assert durations.job(CLIP).usual < 25, "a job's own time, as soon as there is one"


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    memory = tmp_path / "durations.json"
    for run in range(3):
        durations = Durations(MODELS, memory)
        for number in range(REMEMBERED // 2 + 10):
            durations.note_step(CLIP, Taken(seconds=100 * run + number + 1))
        durations.save()
    kept = list(steps_of(memory))
    assert len(kept) == REMEMBERED
    assert kept[-1] == 200 + REMEMBERED // 2 + 10
    assert min(kept) > 100


def test_models_that_nobody_uses_are_forgotten(tmp_path: Path) -> None:
    memory = tmp_path / "durations.json"
    for batch in range(2):
        durations = Durations({}, memory)
        for number in range(MOST_MODELS):
            durations.note_step(f"fal:{batch}-{number}", Taken(seconds=1))
        durations.save()
    assert len(Durations({}, memory).history().steps) == MOST_MODELS
    assert list(steps_of(memory, "fal:0-7")) == []


def _learn(memory: Path, process: int) -> None:
    for number in range(5):
        durations = Durations(MODELS, memory)
        durations.note_step(f"fal:{process}", Taken(seconds=number + 1))
        durations.note_step(CLIP, Taken(seconds=10 * process + number + 1))
        durations.save()


def test_several_processes_may_learn_at_once(tmp_path: Path) -> None:
    memory = tmp_path / "durations.json"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_learn, args=(memory, process)) for process in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    for number in range(3):
        assert list(steps_of(memory, f"fal:{number}")) == [1, 2, 3, 4, 5]
    assert sorted(steps_of(memory)) == [10 * process + number + 1 for process in range(3) for number in range(5)]


def test_services_at_other_addresses_are_remembered_apart(tmp_path: Path) -> None:
    memory = tmp_path / "durations.json"
    elsewhere = Durations(MODELS, memory, {"fal": "at-abc"})
    elsewhere.note_step(CLIP, Taken(seconds=1))
    elsewhere.note(CLIP, 1)
    elsewhere.save()
    assert list(steps_of(memory)) == []
    assert Durations(MODELS, memory).job(CLIP).usual == 75
    assert Durations(MODELS, memory, {"fal": "at-abc"}).history() == History(steps={CLIP: (Taken(seconds=1.0),)})


OURS = '{"format": "tiktoker-batch/durations", "version": 1, '
DAMAGED = [
    "",
    "[1]",
    "{}",
    OURS.replace("1", "9") + '"jobs": {"fal:clip": [1, 1, 1]}, "steps": {}}',
    OURS + '"jobs": 3, "steps": {"fal:clip": [[1, 0]]}}',
    OURS + '"jobs": {"fal:clip": [null, "x", -1, true, 1e999]}, "steps": {"fal:clip": [3, [1], [0, 0], [1, -1]]}}',
]


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_damaged_memory_is_an_empty_one(tmp_path: Path, damaged: str) -> None:
    memory = tmp_path / "durations.json"
    memory.write_text(damaged)
    durations = Durations(MODELS, memory)
    assert durations.job(CLIP).usual == 75
    assert not any(durations.history().steps.values())
    durations.note(CLIP, 10)
    durations.save()
    assert Durations(MODELS, memory).job(CLIP).usual < 75


def test_a_memory_that_cannot_be_written_is_let_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    durations = Durations(MODELS, tmp_path / "file" / "durations.json")
    durations.note(CLIP, 10)
    durations.save()


# ---------------------------------------------------------------------- what teaches


def learned(*events: Event, kind: str = "01/clip") -> list[Taken]:
    """What a run of one step teaches, of which a second passes between any two of these events."""
    step = a_step(f"v/{kind}", provider="fal", model="clip", params={"seconds": 4, "duration": 30})
    durations, state, plan = Durations(MODELS), BatchState(), a_plan([step])
    clock = itertools.count()
    recorder = Recorder([state.apply, Learner(durations, plan, state)], run=1, clock=lambda: float(next(clock)))
    announce(plan, recorder, options={}, limits={})
    for event in events:
        recorder.emit(event)
    return list(durations.history().steps.get(CLIP, ()))


QUEUED, STARTED = StepQueued(step="v/01/clip", attempt=1), AttemptStarted(step="v/01/clip", attempt=1)
DONE = StepSucceeded(step="v/01/clip", attempt=1, key="k", inputs="i", artifacts=())
BUSY = AttemptFailed(step="v/01/clip", attempt=1, outcome="retry", error_kind="Unavailable", message="busy")
TAKEN_UP = JobReattached(
    step="v/01/clip", attempt=1, provider="fal", model="clip", price_usd=Decimal(0), token=1, key="k", work="w",
    sent_at=datetime(2027, 3, 15, tzinfo=UTC),
)  # fmt: skip


def test_a_step_teaches_what_it_took_on_its_seats_and_how_long_its_clip_is() -> None:
    assert learned(QUEUED, QUEUED, STARTED, DONE) == [Taken(seconds=1.0, size=4.0)]


def test_a_failed_attempt_teaches_nothing_and_the_next_one_its_own_time() -> None:
    again = [StepQueued(step="v/01/clip", attempt=2), AttemptStarted(step="v/01/clip", attempt=2)]
    assert learned(QUEUED, STARTED, BUSY) == []
    assert learned(QUEUED, STARTED, BUSY, *again, but(DONE, attempt=2)) == [Taken(seconds=1.0, size=4.0)]


def test_what_was_reused_or_gone_on_with_teaches_nothing() -> None:
    assert learned(StepReused(step="v/01/clip", key="k", inputs="i", artifacts=())) == []
    assert learned(QUEUED, STARTED, TAKEN_UP, DONE) == []


def test_an_assembly_teaches_the_work_of_its_pieces_unless_it_found_some_of_them_done() -> None:
    name = "v/assembly"
    pieces = [WorkDone(step=name, label="mix", waited=0, began=1, ended=3)] * 2
    done = but(DONE, step=name)
    first = [but(QUEUED, step=name), but(STARTED, step=name), *pieces]
    assert learned(*first, done, kind="assembly") == [Taken(seconds=4.0, size=30.0)]
    again = [but(each, attempt=2) for each in (first[0], first[1])]
    assert learned(*first, but(BUSY, step=name), *again, pieces[0], but(done, attempt=2), kind="assembly") == []
