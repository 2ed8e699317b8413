"""``--set`` on the command line: remembered by a batch, compared with an approved plan, and never a way for secrets."""

import json
from pathlib import Path

import pytest

from tests.cli.canaries import CANARIES, assert_no_canary
from tests.cli.conftest import Call

pytestmark = pytest.mark.slow

QUIET = ("--progress", "none")


def test_a_plan_shows_what_a_value_changes(call: Call, tiny: Path) -> None:
    again = ("plan", "tiny.yaml", "--format", "json")
    plan, usual = (json.loads(call(*again, *more).stdout) for more in (("--set", "videos[lamp].style=anime"), ()))
    changed = [
        new["id"]
        for new, old in zip(plan["videos"][0]["steps"], usual["videos"][0]["steps"], strict=True)
        if new != old
    ]
    assert "lamp/01/image" in changed
    assert "lamp/narration" not in changed


def test_every_command_with_profiles_takes_values_and_tells_mistakes_by_their_option(call: Call, tiny: Path) -> None:
    for command in ("validate", "render", "plan", "run", "calendar", "rehearse", "reconcile"):
        done = call(command, "tiny.yaml", "--set", "defaults.styl=noir")
        assert done.returncode == 2, command
        told = "--set defaults.styl: unknown key 'styl'; did you mean 'style'?\n1 problem; nothing was started\n"
        assert done.stderr == told, command


def test_problems_of_values_have_no_line_in_json(call: Call, tiny: Path) -> None:
    (told,) = json.loads(call("validate", "tiny.yaml", "--format", "json", "--set", "defaults.fps=0").stdout)
    assert told["problems"] == [
        {
            "path": "--set defaults.fps",
            "line": 0,
            "column": 0,
            "message": "fps: must be at least 1 and at most 60, got 0",
        }
    ]


def test_a_resumed_batch_has_the_same_values(call: Call, tiny: Path) -> None:
    options = ("--set", "videos[lamp].style=anime", "--set", "defaults.fps=6", "--until", "shots")
    assert call("run", "tiny.yaml", *options, *QUIET).returncode == 0
    journal = tiny.parent / "output" / "tiny" / "journal.jsonl"
    before = journal.read_text()
    assert call("resume", "output/tiny", *QUIET).returncode == 0
    runs = [line for line in journal.read_text().splitlines() if '"run_started"' in line]
    assert before.count("run_started") == 1
    assert all('"set":["videos[lamp].style=anime","defaults.fps=6"]' in line for line in runs)


def test_a_plan_is_stale_with_other_values_and_says_how_to_run_it(call: Call, tiny: Path) -> None:
    planned = call("plan", "tiny.yaml", "--set", "defaults.fps=6", "--out", "plan.json")
    assert "run tiny.yaml --set defaults.fps=6 --plan plan.json" in planned.stderr
    done = call("run", "tiny.yaml", "--plan", "plan.json")
    assert done.returncode == 2
    assert '  --set: ["defaults.fps=6"] then, none now\n' in done.stderr


def test_a_secret_that_a_shell_put_into_a_value_goes_nowhere(call: Call, tiny: Path) -> None:
    for name, value in CANARIES.items():
        for command in (("plan", "tiny.yaml", "--out", "plan.json"), ("run", "tiny.yaml"), ("render", "tiny.yaml")):
            done = call(*command, "--set", f"videos[0].script={value}", **CANARIES)
            assert done.returncode == 2
            assert_no_canary(tiny.parent, done.stdout + done.stderr, at_least=1)
            assert name in done.stderr
    assert {path.name for path in tiny.parent.iterdir()} == {"tiny.yaml"}
