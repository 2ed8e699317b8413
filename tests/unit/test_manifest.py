"""manifest.json: its published shape, and that writing it never stands in the way of the work."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.journals import MORNING, Run, a_planned_step, golden
from tiktoker_batch.resources import read_resource
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.manifest import (
    INTERVAL_SECONDS,
    LINES_AT_ONCE,
    SHARE_OF_TIME,
    ManifestWriter,
    manifest_json,
    write_manifest,
)
from tiktoker_batch.store.state import BatchState, fold

SCHEMA = json.loads(read_resource("schemas", "manifest.schema.json"))


def read(layout: Layout) -> Any:
    return json.loads(layout.manifest.read_text(encoding="utf-8"))


def write_if_due(writer: ManifestWriter) -> None:
    """One beat, as a run has it."""
    while writer.prepare():
        pass
    text = writer.due()
    if text is not None:
        writer.write(text)


def first_run() -> BatchState:
    return fold(record for record in golden() if record.run == 1)


def step_of(manifest: Any, step_id: str) -> Any:
    return next(step for video in manifest["videos"] for step in video["steps"] if step["id"] == step_id)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_schema_is_a_schema_and_every_key_is_described_or_named_by_its_type() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert all("description" in SCHEMA["$defs"][name] for name in ("batch", "video", "step", "attempt", "artifact"))


@given(cut=st.integers(0, len(golden())))
@settings(deadline=None, max_examples=40)
def test_the_manifest_follows_its_schema_at_every_moment_of_a_batch(cut: int) -> None:
    Draft202012Validator(SCHEMA).validate(manifest_json(fold(golden()[:cut])))


def test_the_schema_refuses_what_is_no_manifest() -> None:
    wrong = manifest_json(first_run())
    wrong["videos"][0]["steps"][0]["state"] = "almost"
    assert not Draft202012Validator(SCHEMA).is_valid(wrong)


def test_the_batch_says_what_ran_and_how_it_ended() -> None:
    batch = manifest_json(first_run())["batch"]
    assert batch == {
        "name": "week12",
        "recipe": "recipes/week12.yaml",
        "recipe_sha256": "cd" * 32,
        "state": "partial",
        "started_at": "2027-03-15T09:00:00.000Z",
        "updated_at": "2027-03-15T09:00:48.000Z",
        "runs": 1,
    }


def test_the_totals_add_up() -> None:
    totals = manifest_json(first_run())["totals"]
    assert totals["videos"] == {"done": 1, "partial": 1, "failed": 1, "pending": 0}
    assert totals["steps"] == {"done": 17, "reused": 0, "failed": 8, "pending": 0}
    assert totals["cost_usd"] == {"estimated": 2.0, "spent": 1.25}
    assert totals["wall_seconds"] == 48
    detective = 2.9 + 1.9 + 3 + 0.2 + 2 + 2 + 15 + 3 + 14 + 1.2 + 1.5 + 1.5 + 0.5
    coffee = 1 + 1 + 3 + 0.2 + 2 + 2 + 15 + 3 + 1.2 + 1 + 2 + 0.5
    assert totals["sequential_seconds"] == pytest.approx(detective + coffee + 1.9)


def test_the_wall_time_of_all_runs_is_summed() -> None:
    assert manifest_json(fold(golden()))["totals"]["wall_seconds"] == 48 + 2.4


def test_a_step_carries_everything_a_script_asks_for() -> None:
    step = step_of(manifest_json(first_run()), "mon-detective/02/clip")
    assert step == {
        "id": "mon-detective/02/clip",
        "kind": "clip",
        "key": "key of mon-detective/02/clip",
        "state": "done",
        "provider": "fal",
        "model": "fal-ai/veo3.1/fast/image-to-video",
        "request_id": "req-3",
        "cost_usd": 0.45,
        "artifact": {"path": "work/mon-detective/02/clip", "sha256": "ab" * 32, "bytes": 1234},
        "also": [],
        "blocked_by": None,
        "error": None,
        "attempts": [
            {
                "n": 1,
                "run": 1,
                "started_at": "2027-03-15T09:00:09.000Z",
                "ended_at": "2027-03-15T09:00:12.000Z",
                "waited_seconds": 0,
                "worked_seconds": 3,
                "outcome": "retry",
                "error": {"kind": "RateLimited", "message": "the provider asks for patience"},
                "request_id": "req-2",
            },
            {
                "n": 2,
                "run": 1,
                "started_at": "2027-03-15T09:00:16.000Z",
                "ended_at": "2027-03-15T09:00:30.000Z",
                "waited_seconds": 1,
                "worked_seconds": 14,
                "outcome": "ok",
                "error": None,
                "request_id": "req-3",
            },
        ],
    }


def test_a_step_without_result_says_so() -> None:
    step = step_of(manifest_json(first_run()), "wed-fog/shots")
    assert (step["state"], step["blocked_by"], step["artifact"], step["also"]) == ("skipped", "wed-fog/story", None, [])


def test_the_file_says_what_the_values_say(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_manifest(fold(golden()), layout)
    assert read(layout) == manifest_json(fold(golden()))


def test_an_empty_batch_has_a_manifest(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_manifest(BatchState(), layout)
    assert read(layout) == manifest_json(BatchState())


@given(cuts=st.lists(st.integers(0, len(golden())), max_size=8).map(sorted))
@settings(deadline=None, max_examples=30)
def test_whenever_it_is_written_nothing_old_stays_in_it(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    layout = Layout(tmp_path_factory.mktemp("out"))
    writer = ManifestWriter(layout)
    done = 0
    for cut in [*cuts, len(golden())]:
        for record in golden()[done:cut]:
            writer(record)
        done = cut
        writer.flush()
        assert read(layout) == manifest_json(fold(golden()[:cut]))


def test_the_writer_goes_on_from_an_earlier_runs_records(tmp_path: Path) -> None:
    records = golden()
    writer = ManifestWriter(Layout(tmp_path), fold(records[:50]))
    for record in records[50:]:
        writer(record)
    assert writer.state == fold(records)


def test_news_is_written_at_most_twice_a_second(tmp_path: Path) -> None:
    layout, clock = Layout(tmp_path), Clock()
    writer = ManifestWriter(layout, clock=clock)
    writer(golden()[0])
    write_if_due(writer)
    writer(golden()[1])
    clock.now += INTERVAL_SECONDS - 0.01
    write_if_due(writer)
    assert read(layout)["videos"] == []
    clock.now += 0.02
    write_if_due(writer)
    assert [video["id"] for video in read(layout)["videos"]] == ["mon-detective"]


def test_what_was_made_ready_meanwhile_is_what_is_written(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    writer = ManifestWriter(layout)
    for number, record in enumerate(golden()):
        writer(record)
        if number % 7 == 0:
            while writer.prepare():
                pass
    writer.flush()
    assert read(layout) == manifest_json(fold(golden()))


def test_a_large_batch_is_made_ready_in_small_pieces(tmp_path: Path) -> None:
    run = Run(number=1, began=MORNING)
    run.start()
    run.plan("v", [a_planned_step(f"v/{number:04d}/clip") for number in range(2 * LINES_AT_ONCE + 1)])
    writer = ManifestWriter(Layout(tmp_path), fold(run.records()))
    assert [writer.prepare() for _ in range(3)] == [True, True, False]


def test_without_news_nothing_is_written(tmp_path: Path) -> None:
    layout, clock = Layout(tmp_path), Clock()
    writer = ManifestWriter(layout, fold(golden()), clock=clock)
    write_if_due(writer)
    assert not layout.manifest.exists()


def test_a_slow_disk_is_asked_less_often(tmp_path: Path) -> None:
    layout, clock = Layout(tmp_path), Clock()

    def slow_clock() -> float:
        clock.now += 1  # every look at the clock finds a second gone: making and writing take one each
        return clock.now

    writer = ManifestWriter(layout, clock=slow_clock)
    writer(golden()[0])
    writer.flush()
    writer(golden()[1])
    clock.now += 1.9 / SHARE_OF_TIME
    write_if_due(writer)
    assert read(layout)["videos"] == []
    clock.now += 0.2 / SHARE_OF_TIME
    write_if_due(writer)
    assert len(read(layout)["videos"]) == 1


def test_thousands_of_steps_are_written_again_in_a_moment(tmp_path: Path) -> None:
    run = Run(number=1, began=MORNING)
    run.start()
    run.plan("v", [a_planned_step(f"v/{number:04d}/clip") for number in range(5000)])
    layout = Layout(tmp_path)
    writer = ManifestWriter(layout, fold(run.records()))
    writer.flush()
    lines = layout.manifest.read_text().splitlines()
    assert sum('"kind":"clip"' in line for line in lines) == 5000, "one line a step: diffs and grep find it"
