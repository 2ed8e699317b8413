"""The trace: the rules of the Trace Event Format, on the batch's own axis."""

import json
from collections import defaultdict
from typing import Any

import pytest

from tests.journals import MORNING, Run, golden, steps_of
from tiktoker_batch.events import Record
from tiktoker_batch.report.trace import trace_json
from tiktoker_batch.store.state import fold

Event = dict[str, Any]


def traced(records: tuple[Record, ...] | None = None) -> list[Event]:
    events: list[Event] = json.loads(trace_json(golden() if records is None else records))["traceEvents"]
    return events


def first_run() -> list[Event]:
    return traced(tuple(record for record in golden() if record.run == 1))


def names(events: list[Event], kind: str) -> dict[int, str]:
    """What processes or threads are called, by their number."""
    number = "pid" if kind == "process" else "tid"
    return {event[number]: event["args"]["name"] for event in events if event["name"] == f"{kind}_name"}


def slices(events: list[Event], step: str) -> list[tuple[str, float, float]]:
    found = [event for event in events if event["ph"] == "X" and event["args"]["step"] == step]
    return [(event["name"], event["ts"] / 1e6, event["dur"] / 1e6) for event in found]


def counted(events: list[Event], name: str) -> list[tuple[float, float]]:
    found = [event for event in events if event["ph"] == "C" and event["name"] == name]
    return [(event["ts"] / 1e6, *event["args"].values()) for event in found]


def test_a_video_is_a_process_and_a_step_a_thread() -> None:
    events = first_run()
    processes, threads = names(events, "process"), names(events, "thread")
    assert list(processes.values()) == ["week12", "mon-detective (done)", "tue-coffee (partial)", "wed-fog (failed)"]
    assert list(threads.values())[:9] == [
        "story", "shots", "01/image", "01/clip", "02/image", "02/clip", "narration", "captions", "assembly",
    ]  # fmt: skip
    assert len(threads) == 9 + 9 + 1  # of the third video only its story ever began


def test_waiting_working_failing_and_backing_off_follow_each_other() -> None:
    events = first_run()
    assert slices(events, "mon-detective/02/clip") == [
        ("failed attempt", 9, 3),
        ("backing off", 12, 3),
        ("waiting for a seat", 15, 1),
        ("clip", 16, 14),
    ]
    assert slices(events, "mon-detective/assembly")[0] == ("waiting for needs", 0, 32)
    assert ("normalise 01", 24.5, 1.5) in slices(events, "mon-detective/assembly")


def test_a_second_run_lies_behind_the_first() -> None:
    events = traced()
    assert [event["ts"] for event in events if event["ph"] == "i"] == [0, 48_000_000]
    assert slices(events, "tue-coffee/02/clip")[-1][:2] == ("clip", 48.4)


def test_every_event_has_what_its_phase_asks_for() -> None:
    for event in traced():
        assert {"ph", "name", "pid", "tid"} <= event.keys()
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        match event["ph"]:
            case "M":
                assert event["name"] in {
                    f"{what}_{key}" for what in ("process", "thread") for key in ("name", "sort_index")
                }
            case "X":
                assert event["ts"] >= 0
                assert event["dur"] >= 0
            case "C":
                assert all(isinstance(value, int | float) for value in event["args"].values())
            case "i":
                assert event["s"] == "g"
            case "s" | "f":
                assert "id" in event
            case other:
                raise AssertionError(other)


def test_slices_of_a_thread_never_cross() -> None:
    by_thread = defaultdict(list)
    for event in traced():
        if event["ph"] == "X":
            by_thread[event["pid"], event["tid"]].append((event["ts"], -event["dur"]))
    for found in by_thread.values():
        ends: list[int] = []
        for ts, minus in sorted(found):
            while ends and ends[-1] <= ts:
                ends.pop()
            assert not ends or ts - minus <= ends[-1]
            ends.append(ts - minus)


def test_pieces_that_overlap_get_threads_of_their_own() -> None:
    run = Run(number=1, began=MORNING)
    run.start()
    run.plan("v", steps_of("v", 1))
    run.begin("v/assembly", 0, 0)
    run.piece("v/assembly", "mix", 0, 1, 4)
    run.piece("v/assembly", "normalise 01", 0, 2, 3)
    run.succeed("v/assembly", 5)
    events = traced(tuple(run.records()))
    assert list(names(events, "thread").values()) == ["assembly", "assembly (2)"]
    tids = {event["name"]: event["tid"] for event in events if event["ph"] == "X"}
    assert tids["mix"] != tids["normalise 01"]


def test_arrows_begin_inside_what_was_needed_and_end_where_the_next_begins() -> None:
    events = first_run()
    parts = [event for event in events if event["ph"] == "X"]
    begun = {event["id"]: event for event in events if event["ph"] == "s"}
    ended = {event["id"]: event for event in events if event["ph"] == "f"}
    assert begun
    assert begun.keys() == ended.keys()
    for number, start in begun.items():
        assert start["ts"] < ended[number]["ts"]
        assert any(_encloses(part, start) and part["args"]["step"] == start["args"]["need"] for part in parts)
        assert any(_encloses(part, ended[number]) for part in parts)
    arrows = {(start["args"]["need"], ended[number]["ts"]) for number, start in begun.items()}
    assert ("mon-detective/02/clip", 30_000_000) in arrows  # to the piece of the assembly that took it


def _encloses(part: Event, event: Event) -> bool:
    same = (part["pid"], part["tid"]) == (event["pid"], event["tid"])
    return same and part["ts"] <= event["ts"] <= part["ts"] + part["dur"]


def test_counters_tell_what_was_in_flight_and_spent() -> None:
    events = first_run()
    elevenlabs = counted(events, "in flight: elevenlabs")
    assert elevenlabs == [(3, 1), (6, 1), (9, 0)]
    assert max(steps for _, steps in counted(events, "in flight: fal")) == 2
    assert counted(events, "spent USD") == [
        (0, 0), (12, pytest.approx(0.05)), (24, 0.45), (30, 0.85), (45, 1.25),
    ]  # fmt: skip
    assert counted(traced(), "spent USD")[-1][1] == pytest.approx(float(fold(golden()).spent_usd))


def test_whatever_a_video_is_called_it_is_json() -> None:
    evil = 'a"b\\</script>\ud800\x00'
    assert f"{evil} (running)" in names(traced(golden(evil)), "process").values()
    assert names(traced(()), "process") == {1: "batch"}
