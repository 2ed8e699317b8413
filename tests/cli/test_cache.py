"""``cache``: what was bought for one batch, used by another, looked at and cleared up."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.simulated import a_world, paid
from tiktoker_batch.simulator.server import Simulator, simulate_in_thread

RECIPE = """\
version: 1
name: paid
defaults:
  {duration: 4, aspect_ratio: "1:1", resolution: 720p, fps: 4, models: {image: "fal:fal-ai/flux/schnell"}}
videos:
  - id: lamp
    script: A small lamp burns at the end of the pier.
    prompts: [a lamp at the end of a pier]
"""


TWINS = """\
version: 1
name: twins
defaults:
  duration: 4
  aspect_ratio: "1:1"
  resolution: 720p
  fps: 4
  models: {image: "fal:fal-ai/flux/schnell", narration: "elevenlabs:eleven_multilingual_v2"}
videos:
  - id: plain
    script: A small lamp burns at the end of the pier.
    prompts: [a lamp at the end of a pier]
  - id: bare
    script: A small lamp burns at the end of the pier.
    prompts: [a lamp at the end of a pier]
    captions: false
"""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with simulate_in_thread(a_world(latencies={"image": 0.05})) as running:
        yield running


@pytest.fixture
def environ(simulator: Simulator, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "paid.yaml").write_text(RECIPE, encoding="utf-8")
    return {**simulator.environ, "TIKTOKER_CACHE_DIR": str(tmp_path / "cache"), "TIKTOKER_CACHE_GB": "1"}


@pytest.mark.slow
def test_what_one_batch_bought_serves_the_next(
    call: Call, tmp_path: Path, simulator: Simulator, environ: dict[str, str]
) -> None:
    def run(output: str, *more: str) -> list[dict[str, object]]:
        done = call("run", "paid.yaml", "--output", output, "--progress", "json", *more, **environ)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stderr.splitlines()]

    run("one", "--no-cache")
    assert (paid(simulator), call("cache", "info", **environ).stdout.splitlines()[1].split()) == (1, ["entries", "0"])
    run("two")
    assert paid(simulator) == 2
    told = run("three")
    assert paid(simulator) == 2
    (cached,) = [line for line in told if line["event"] == "step_reused"]
    assert (cached["step"], cached["from_cache"]) == ("lamp/01/image", True)
    assert (tmp_path / "three" / "work/lamp/01.png").exists() or (tmp_path / "three" / "work/lamp/01.jpg").exists()

    held = json.loads(call("cache", "info", "--format", "json", **environ).stdout)
    assert held["entries"] == 1
    assert 0 < held["bytes"] < held["limit_bytes"] == 10**9
    assert held["folder"] == str(tmp_path / "cache" / "artifacts")
    assert held["oldest_use"] == held["newest_use"] is not None
    tight = call("cache", "gc", "--format", "json", **{**environ, "TIKTOKER_CACHE_GB": "0.000001"})
    assert json.loads(tight.stdout)["removed_entries"] == 1


@pytest.mark.thorough
@pytest.mark.slow
def test_what_two_videos_of_a_batch_need_alike_is_bought_once(
    call: Call, tmp_path: Path, simulator: Simulator, environ: dict[str, str]
) -> None:
    (tmp_path / "twins.yaml").write_text(TWINS, encoding="utf-8")
    planned = call("plan", "twins.yaml", **environ).stdout
    assert "what several videos need alike is bought once: $0.0" in planned
    done = call("run", "twins.yaml", "--no-cache", "--progress", "json", **environ)
    assert done.returncode == 0, done.stderr
    assert (paid(simulator, "fal"), paid(simulator, "elevenlabs")) == (1, 1)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    taken = {line["step"].split("/", 1)[1]: line["from_step"] for line in told if line["event"] == "step_reused"}
    assert sorted(taken) == ["01/image", "narration"]
    pictures = [next((tmp_path / "output/twins/work" / name).glob("01.[jp]*")) for name in ("plain", "bare")]
    assert pictures[0].read_bytes() == pictures[1].read_bytes()


def test_an_empty_cache_is_told(call: Call, environ: dict[str, str], tmp_path: Path) -> None:
    shown = call("cache", "info", **environ)
    assert shown.returncode == 0
    assert shown.stdout.splitlines()[1:3] == ["entries     0", "size        0.0 MB of at most 1.00 GB"]
    assert call("cache", "gc", **environ).stdout == "removed 0 results (0.0 MB); 0 results left (0.0 MB)\n"
    assert not (tmp_path / "cache").exists()


def test_clearing_asks_and_takes_silence_for_no(call: Call, environ: dict[str, str], tmp_path: Path) -> None:
    entry = tmp_path / "cache" / "artifacts" / "entries" / "real" / "ab" / "abcd.json"
    entry.parent.mkdir(parents=True)
    entry.write_text("{}")
    asked = call("cache", "clear", **environ)
    assert (asked.returncode, entry.exists()) == (2, True)
    assert "Remove 1 result (0.0 MB)?" in asked.stderr
    assert "cache clear --yes" in asked.stderr
    told = call("cache", "clear", "--yes", "--format", "json", **environ)
    assert json.loads(told.stdout)["removed_entries"] == 1
    assert not entry.exists()


def test_a_limit_that_is_none_is_told_before_anything_starts(
    call: Call, environ: dict[str, str], tmp_path: Path
) -> None:
    done = call("run", "paid.yaml", **{**environ, "TIKTOKER_CACHE_GB": "lots"})
    assert (done.returncode, (tmp_path / "output").exists()) == (2, False)
    assert "TIKTOKER_CACHE_GB is 'lots', expected gigabytes like 10 or 0.5" in done.stderr
