"""What somebody new does, from an empty folder on: scripts that can be read, and called, by themselves."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
JOURNEYS = sorted(path.stem for path in HERE.glob("*.sh") if path.stem != "journey")


def travelled(name: str, environ: Mapping[str, str]) -> str:
    argv = ["bash", str(HERE / f"{name}.sh")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=550, env={**os.environ, **environ})
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


def test_there_is_one_for_each_kind_of_people() -> None:
    assert JOURNEYS == ["agency", "ci", "creator"]


@pytest.mark.thorough
@pytest.mark.parametrize("name", JOURNEYS)
def test_it_leads_to_its_end(name: str, commands: Path) -> None:
    assert travelled(name, {"JOURNEY_BIN": str(commands)}).endswith("== done\n")


@pytest.mark.thorough
def test_it_begins_with_nothing_installed_too() -> None:
    assert travelled("creator", {"JOURNEY_BIN": ""}).endswith("== done\n")
