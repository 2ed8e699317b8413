"""``plan --diff`` after a real run: what an edit changes, and nothing else."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call

pytestmark = pytest.mark.slow


def test_an_edit_is_told_with_its_consequences_and_nothing_is_changed(call: Call, tiny: Path, output: Path) -> None:
    journal = (output / "journal.jsonl").read_bytes()
    same = call("plan", "tiny.yaml", "--diff")
    assert same.returncode == 0
    assert "tiny against run 1 of " in same.stdout
    assert "videos 1 kept\n" in same.stdout
    assert "steps: 7 kept; 0 to do" in same.stdout
    tiny.write_text(tiny.read_text().replace("a lamp at the end of a pier]", "a lamp in fog]"), encoding="utf-8")
    told = call("plan", "tiny.yaml", "--diff").stdout
    assert "~ lamp  changed 4 of 7 steps\n" in told
    assert "~  01/image  prompt changed\n" in told
    assert "~  01/clip   prompt changed; because of 01/image\n" in told
    assert "kept; 4 to do" in told
    found = json.loads(call("plan", "tiny.yaml", "--diff", "--format", "json").stdout)
    steps = {step["id"]: step for step in found["videos"][0]["steps"]}
    assert steps["lamp/narration"]["change"] == "kept"
    assert steps["lamp/assembly"]["because_of"] == ["lamp/01/image", "lamp/01/clip"]
    assert found["against"]["run"] == 1
    assert call("plan", "tiny.yaml", "--diff", "--format", "markdown").stdout.startswith("### `tiny against run 1")
    assert (output / "journal.jsonl").read_bytes() == journal


def test_the_exit_code_is_that_of_the_plan(call: Call, tiny: Path, output: Path) -> None:
    assert call("plan", "tiny.yaml", "--diff", "--detailed-exitcode").returncode == 0
    tiny.write_text(tiny.read_text().replace("noir", "anime"), encoding="utf-8")
    assert call("plan", "tiny.yaml", "--diff").returncode == 0
    assert call("plan", "tiny.yaml", "--diff", "--detailed-exitcode").returncode == 2


def test_lost_files_and_forced_steps_are_told_apart_from_changes(call: Call, tiny: Path, output: Path) -> None:
    (output / "videos" / "lamp.mp4").unlink()
    told = call("plan", "tiny.yaml", "--diff", "--force", "lamp/01/image").stdout
    assert "=  01/image  asked for again\n" in told
    assert "=  01/clip   lamp/01/image is done again\n" in told
    assert "steps: 7 kept; 3 to do" in told
