"""What a run teaches the plans that come after it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Call


@pytest.mark.thorough
def test_a_run_teaches_what_its_steps_take_and_a_rehearsal_does_not(call: Call, tiny: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    memory = cache / "durations.json"

    def planned() -> dict[str, Any]:
        first, second = (
            call("plan", tiny, "--output", "new", "--format", "json", TIKTOKER_CACHE_DIR=str(cache)).stdout
            for _ in range(2)
        )
        assert first == second, "the same recipe and state give the same plan, to the byte"
        return dict(json.loads(first))

    before = planned()
    assert call("run", tiny, TIKTOKER_CACHE_DIR=str(cache)).returncode == 0
    told = json.loads(memory.read_text())
    assert {"local:painter", "local:camera", "local:hibari", "local:ffmpeg"} <= told["steps"].keys()
    after = planned()
    assert seconds_of(after, "lamp/01/clip") != seconds_of(before, "lamp/01/clip")
    low, high = after["totals"]["estimated_seconds_range"]
    assert 0 < low <= after["totals"]["estimated_seconds"] <= high

    call("run", tiny, TIKTOKER_CACHE_DIR=str(cache))
    assert json.loads(memory.read_text()) == told, "what was reused took no time"
    assert call("rehearse", tiny, TIKTOKER_CACHE_DIR=str(cache)).returncode == 0
    assert json.loads(memory.read_text()) == told, "what was pretended teaches nothing"


def seconds_of(plan: dict[str, Any], step_id: str) -> float:
    """What the plan expects of a step."""
    steps = {step["id"]: step for video in plan["videos"] for step in video["steps"]}
    return float(steps[step_id]["estimated_seconds"])
