"""Choosing what is done, doing it again, going on, and asking after what was left open: as a user calls it."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests import starting
from tests.cli.conftest import Call, wait_until_said
from tests.cli.test_rehearse import CANARIES, simulator
from tests.starting import ARGV, clean_environment
from tiktoker_batch.reconciling import resumed

pytestmark = pytest.mark.slow

TWO = """\
version: 1
name: two
defaults: {duration: 4, aspect_ratio: "1:1", resolution: 720p, fps: 4}
videos:
  - {id: lamp, script: A small lamp burns at the end of the pier., style: noir, prompts: [a lamp], tags: [sea]}
  - {id: tea, script: Tea is only leaves and hot water and patience., style: watercolor, prompts: [a cup of tea]}
"""
CLOUD = """\
version: 1
name: cloud
defaults:
  duration: 6
  aspect_ratio: "1:1"
  resolution: 720p
  fps: 4
  retry: {initial_delay: 0.1}
  models:
    image: "fal:fal-ai/flux/schnell"
    clip: "fal:fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video"
    narration: "elevenlabs:eleven_multilingual_v2"
videos:
  - {id: sea, script: The tide takes the sand and brings it back., prompts: [the tide]}
"""


def states(folder: Path, name: str = "two") -> dict[str, str]:
    manifest = json.loads((folder / "output" / name / "manifest.json").read_text())
    return {video["id"]: video["state"] for video in manifest["videos"]}


def test_a_part_of_a_batch_is_made_and_the_rest_is_left_for_later(call: Call, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(TWO)
    plan = json.loads(call("plan", "two.yaml", "--select", "tag:sea", "--format", "json").stdout)
    assert {each["action"] for each in plan["videos"][0]["steps"]} == {"run"}
    assert {each["action"] for each in plan["videos"][1]["steps"]} == {"skip"}
    first = call("run", "two.yaml", "--select", "tag:sea", "--until", "image")
    assert first.returncode == 0, first.stderr
    assert states(tmp_path) == {"lamp": "pending", "tea": "pending"}
    work = tmp_path / "output" / "two" / "work"
    assert (work / "lamp" / "01.png").exists()
    assert not (work / "lamp" / "01.mp4").exists()
    assert not (work / "tea").exists()
    second = call("run", "two.yaml", "--select", "lamp")
    assert second.returncode == 0, second.stderr
    assert states(tmp_path) == {"lamp": "done", "tea": "pending"}
    third = call("run", "two.yaml", "--select", "state:pending")
    assert third.returncode == 0
    assert states(tmp_path) == {"lamp": "done", "tea": "done"}
    nothing = call("run", "two.yaml", "--select", "state:failed")
    assert nothing.returncode == 0
    again = call("run", "two.yaml", "--force", "lamp/01/image", "--progress", "json")
    redone = [json.loads(line) for line in again.stderr.splitlines() if line.startswith("{")]
    assert {event["step"] for event in redone if event["event"] == "step_succeeded"} == {
        "lamp/01/image",
        "lamp/assembly",
    }, "and what is made of it while it arrives"
    wrong = call("run", "two.yaml", "--select", "lump")
    assert wrong.returncode == 2
    assert "did you mean 'lamp'?" in wrong.stderr


def test_a_stopped_batch_goes_on_with_the_options_it_was_run_with(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "two.yaml").write_text(TWO)
    argv = [
        *ARGV,
        "run",
        "two.yaml",
        "--progress",
        "json",
        "--output",
        "elsewhere",
        "--exclude",
        "tea",
        "--strict",
        "--no-cache",
        "--shard",
        "1/1",
    ]
    with starting.Popen(
        argv, cwd=tmp_path, env=clean_environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        wait_until_said(process, '"step_succeeded"')
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    monkeypatch.chdir(tmp_path)
    options = resumed(Path("elsewhere"))[1]
    assert (options.strict, options.cache, str(options.choice.shard)) == (True, False, "1/1")
    done = call("resume", "elsewhere")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "elsewhere" / "manifest.json").read_text())
    assert [video["state"] for video in manifest["videos"]] == ["done", "pending"]
    assert call("resume", "nowhere").returncode == 2


def test_a_batch_at_work_can_be_followed_from_elsewhere(call: Call, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(TWO)
    argv = [*ARGV, "run", "two.yaml", "--progress", "json"]
    with starting.Popen(
        argv, cwd=tmp_path, env=clean_environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        wait_until_said(process, '"run_started"')
        told = call("status", "output/two", "--follow")
        process.communicate()
    assert told.returncode == 0
    headlines = [line for line in told.stdout.splitlines() if line.startswith("two: ")]
    assert headlines[0].startswith("two: running (")
    assert headlines[-1].startswith("two: done (")


def test_requests_that_a_killed_run_left_are_taken_in_and_nothing_is_bought(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cloud.yaml").write_text(CLOUD)
    with simulator(tmp_path, "--speed", "40") as environ:
        _kill_when_clip_is_out(tmp_path, environ)
        found = call("reconcile", "output/cloud", "--format", "json", **environ, **CANARIES)
        assert found.returncode == 0, found.stderr
        told = {each["step"]: each["verdict"] for each in json.loads(found.stdout)}
        assert told["sea/01/clip"] == "fetched"
        assert (tmp_path / "output" / "cloud" / "work" / "sea" / "01.mp4").exists()
        assert "nothing is open" in call("reconcile", "output/cloud", **environ, **CANARIES).stdout
        assert call("run", "cloud.yaml", **environ, **CANARIES).returncode == 0
        assert Counter(job["kind"] for job in _jobs(environ)) == {"image": 1, "clip": 1, "narration": 1}


def _kill_when_clip_is_out(folder: Path, environ: dict[str, str]) -> None:
    argv = [*ARGV, "run", "cloud.yaml", "--progress", "none"]
    process = subprocess.Popen(argv, cwd=folder, env=clean_environment(**environ, **CANARIES))
    journal = folder / "output" / "cloud" / "journal.jsonl"
    ends = time.monotonic() + 30
    while time.monotonic() < ends and not _clip_is_out(journal):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def _clip_is_out(journal: Path) -> bool:
    lines = journal.read_text().splitlines() if journal.exists() else []
    return any('"job_submitted"' in line and "sea/01/clip" in line for line in lines)


def _jobs(environ: dict[str, str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = httpx.get(f"{environ['FAL_QUEUE_URL']}/_simulator/ledger").json()["jobs"]
    return found
