"""Before money is spent: who is asked, and what an answer does."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.cli.terminals import at_terminal
from tests.simulated import a_world
from tiktoker_batch.simulator.server import Simulator, simulate_in_thread

PAID = """\
version: 1
name: paid
budget: {max_usd: 2}
defaults: {duration: 4, aspect_ratio: "1:1", resolution: 720p, fps: 4, captions: false}
videos:
  - id: lamp
    script: A small lamp burns.
    models: {image: "fal:fal-ai/flux/schnell", clip: "local:camera"}
    prompts: [a lamp at the end of a pier]
"""
QUESTION = "This will spend about $0.0030 (budget $2.00). Go on? [y/N]"

pytestmark = pytest.mark.slow


@pytest.fixture
def paid(tmp_path: Path) -> Path:
    path = tmp_path / "paid.yaml"
    path.write_text(PAID, encoding="utf-8")
    return path


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with simulate_in_thread(a_world()) as running:
        yield running


def environ_of(simulator: Simulator, folder: Path) -> dict[str, str]:
    return {**simulator.environ, "TIKTOKER_CACHE_DIR": str(folder / "cache")}


@pytest.mark.parametrize("answer", ["\n", "maybe\n", "\x04"])
def test_anything_but_yes_starts_nothing(paid: Path, simulator: Simulator, answer: str) -> None:
    seen = at_terminal(paid.parent, "run", "paid.yaml", type_in=answer, **environ_of(simulator, paid.parent))
    assert seen.returncode == 130
    assert seen.shown.count(QUESTION) == 1
    assert "nothing was started" in seen.shown
    assert seen.stdout == ""
    assert not (paid.parent / "output").exists()
    assert simulator.world.ledger.spent_usd == 0


def test_yes_goes_on_and_what_is_done_is_not_asked_about_again(paid: Path, simulator: Simulator) -> None:
    environ = environ_of(simulator, paid.parent)
    first = at_terminal(paid.parent, "run", "paid.yaml", type_in="y\n", **environ)
    again = at_terminal(paid.parent, "resume", "output/paid", **environ)
    assert (first.returncode, again.returncode) == (0, 0)
    assert QUESTION in first.shown
    assert "Go on?" not in again.shown
    assert first.stdout.startswith("paid: done")


@pytest.mark.thorough
def test_who_said_yes_before_and_a_ci_job_are_not_asked(call: Call, paid: Path, simulator: Simulator) -> None:
    environ = environ_of(simulator, paid.parent)
    runs = [
        at_terminal(paid.parent, "run", "paid.yaml", "--yes", "--output", "a", **environ),
        at_terminal(paid.parent, "run", "paid.yaml", "--output", "b", "--no-cache", CI="true", **environ),
    ]
    assert [(seen.returncode, "Go on?" in seen.shown) for seen in runs] == [(0, False), (0, False)]
    piped = call("run", "paid.yaml", "--output", "c", "--no-cache", **environ)
    assert (piped.returncode, "Go on?" in piped.stderr) == (0, False)


def test_what_costs_nothing_is_not_asked_about(tiny: Path) -> None:
    seen = at_terminal(tiny.parent, "run", "tiny.yaml", "--until", "shots", "--progress", "json")
    assert "Go on?" not in seen.shown
    assert json.loads(seen.shown.splitlines()[0])["event"] == "run_started"
