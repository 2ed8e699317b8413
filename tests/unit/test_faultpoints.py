"""Fault points: nothing at all unless one is armed, and then a death without a word."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.faults.killing import ACCEPTED, CLOCK, HEDGING, POINTS
from tiktoker_batch.faultpoints import VARIABLE, reach

SOURCE = Path(__file__).parents[2] / "tiktoker_batch"
METHODS = ("GET", "POST")
THREE_TIMES = """
import sys
from tiktoker_batch.faultpoints import reach
for number in range(3):
    print(number, flush=True)
    reach("other")
    reach("here", lambda: print("half", flush=True))
"""


def run(armed: str | None) -> "subprocess.CompletedProcess[str]":
    environ = {name: value for name, value in os.environ.items() if name != VARIABLE}
    environ |= {VARIABLE: armed} if armed else {}
    return subprocess.run(
        [sys.executable, "-c", THREE_TIMES], env=environ, cwd=SOURCE.parent, capture_output=True, text=True
    )


def test_a_point_is_passed_when_none_is_armed() -> None:
    reach("here", lambda: 1 / 0)
    assert run(None).returncode == 0


def test_a_process_dies_when_it_reaches_its_point_for_the_nth_time_and_leaves_what_was_half_done() -> None:
    done = run("here:2")
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["0", "1", "half"]


def test_a_point_that_is_not_reached_so_often_kills_nobody() -> None:
    assert run("here:4").returncode == 0
    assert run("elsewhere:1").returncode == 0


def test_the_crash_test_knows_every_fault_point() -> None:
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for name in re.findall(r'\breach\(f?"([^"]+)"', path.read_text(encoding="utf-8")):
            found |= {name.replace("{method}", method) for method in METHODS}
    assert found == {*POINTS, *HEDGING} - {ACCEPTED, CLOCK}
