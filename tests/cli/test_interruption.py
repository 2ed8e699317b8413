"""Stopping the real command: gently, hard, and by SIGKILL."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.crashing import broken_files, contents, kill_at_random, run_to_end
from tests.recipes import SMALL_BATCH

pytestmark = pytest.mark.slow


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    assert "fps: 12" in SMALL_BATCH
    file.write_text(SMALL_BATCH.replace("fps: 12", 'fps: 4, aspect_ratio: "1:1"'), encoding="utf-8")
    return file


def start(recipe: Path, output: Path) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "tiktoker_batch", "run", str(recipe), "--output", str(output), "--progress", "json"]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(process: "subprocess.Popen[str]", event: str) -> None:
    """Read the command's own progress until it tells of this event."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("{") and json.loads(line)["event"] == event:
            return
    raise AssertionError(f"{event} never came")


def journal(output: Path) -> list[dict[str, object]]:
    """The events of all runs; the first line names the format."""
    _, *events = (output / "journal.jsonl").read_text().splitlines()
    return [json.loads(line) for line in events]


def children_of_nobody(output: Path) -> list[int]:
    """Processes that still work in the output folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(output).encode() in (entry / "cmdline").read_bytes() or output in (entry / "cwd").readlink().parents:
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)])
def test_the_first_signal_drains_and_the_next_run_goes_on(recipe: Path, tmp_path: Path, number: signal.Signals) -> None:
    output = tmp_path / "out"
    process = start(recipe, output)
    wait_for(process, "attempt_started")
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "run again" in said
    events = journal(output)
    assert events[-1]["event"] == "run_finished"
    assert events[-1]["state"] == "interrupted"
    assert not any(event.get("outcome") == "cancelled" and "clip" in str(event["step"]) for event in events)
    assert json.loads((output / "manifest.json").read_text())["batch"]["state"] == "interrupted"
    assert broken_files(output) == []
    assert run_to_end(recipe, output) == 0
    assert any(event.get("event") == "steps_reused" for event in journal(output))


def test_the_second_signal_aborts_and_leaves_nothing_behind(recipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = start(recipe, output)
    wait_for(process, "step_succeeded")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    wait_for(process, "interrupted")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - began < 20
    assert children_of_nobody(output) == []
    assert broken_files(output) == []
    assert run_to_end(recipe, output) == 0
    assert not list(output.rglob("*.part"))


@pytest.mark.thorough
def test_whenever_it_is_killed_the_next_runs_complete_it_as_if_nothing_had_been(recipe: Path, tmp_path: Path) -> None:
    tally = kill_at_random(recipe, tmp_path, kills=3, seed=7, within=6.0)
    assert tally.broken == []
    assert tally.different == []


@pytest.mark.thorough
def test_a_damaged_artifact_is_found_and_made_again(recipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert run_to_end(recipe, output) == 0
    before = contents(output)
    clip = output / "work" / "tea" / "01.mp4"
    clip.write_bytes(clip.read_bytes()[:-100])
    (output / "videos" / "lamp.mp4").unlink()
    assert run_to_end(recipe, output) == 0
    assert contents(output) == before
    done = {event["step"] for event in journal(output) if event["event"] == "step_succeeded" and event["run"] == 2}
    assert done <= {"tea/01/clip", "tea/assembly", "lamp/assembly"}


def test_a_second_process_on_the_same_batch_is_turned_away(tiny: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = start(tiny, output)
    wait_for(process, "run_started")
    assert run_to_end(tiny, output) == 5
    process.communicate(timeout=120)
    assert process.returncode == 0
