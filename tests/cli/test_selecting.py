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
    assert nothing.stderr.endswith("nothing is selected, so nothing was done\n")
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
        none = call("reconcile", "output/cloud", "--select", "sea/assembly", **environ, **CANARIES)
        assert (none.returncode, none.stdout[:24]) == (0, "nothing of this is open;")
        found = call("reconcile", "output/cloud", "--select", "sea/*/clip", "--format", "json", **environ, **CANARIES)
        assert {each["step"] for each in json.loads(found.stdout)} == {"sea/01/clip"}
        assert found.returncode == 0, found.stderr
        told = {each["step"]: each["verdict"] for each in json.loads(found.stdout)}
        assert told["sea/01/clip"] == "fetched"
        assert (tmp_path / "output" / "cloud" / "work" / "sea" / "01.mp4").exists()
        rest = call("reconcile", "output/cloud", **environ, **CANARIES)
        assert "clip" not in rest.stdout
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


MIXED = """\
version: 1
name: mixed
videos:
  - {id: mon, topic: a fox, duration: 4, prompts: [ein Fuchs im Wald], tags: [weekly]}
  - {id: tue, topic: an owl, duration: 4, prompts: [eine Eule im Baum], tags: [extra]}
"""


def test_a_mistyped_selector_is_told_by_every_command_that_has_one(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mixed.yaml").write_text(MIXED)
    for command in ("validate", "plan", "run", "render", "calendar"):
        wrong = call(command, "mixed.yaml", "--select", "tag:wekly")
        assert wrong.returncode == 2, command
        assert "no video has the tag 'wekly'; did you mean 'tag:weekly'?" in wrong.stderr
        assert not wrong.stdout
    assert not (tmp_path / "output").exists()
    beside = call("plan", "mixed.yaml", "--select", "tag:wekly or tue", "--exclude", "tag:wip")
    assert beside.returncode == 0
    assert "warning: --select 'tag:wekly or tue': no video has the tag 'wekly'" in beside.stderr
    assert "warning: --exclude tag:wip: no video has the tag 'wip'; there are: extra and weekly" in beside.stderr
    strict = call("run", "mixed.yaml", "--select", "tue", "--exclude", "tag:wekly", "--strict")
    assert strict.returncode == 2
    assert "no video has the tag 'wekly'" in strict.stderr
    nothing = call("plan", "mixed.yaml", "--select", "state:failed", "--detailed-exitcode")
    assert (nothing.returncode, nothing.stderr) == (0, "")


def test_recipes_are_checked_for_the_selected_videos(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mixed.yaml").write_text(MIXED)
    whole, part = (call("validate", "mixed.yaml", *chosen) for chosen in ((), ("--select", "tue")))
    assert ("'mon': shot 1: it looks like German" in whole.stderr, "'mon'" in part.stderr) == (True, False)
    assert "'tue': shot 1: it looks like German" in part.stderr
    assert part.stdout == "mixed.yaml: ok (1 of 2 videos looked at)\n"
    told = json.loads(call("validate", "mixed.yaml", "--exclude", "tag:extra", "--format", "json").stdout)
    assert (told[0]["videos"], len(told[0]["warnings"])) == (1, 1)
    assert call("validate", "mixed.yaml", "--exclude", "mon or tue", "--strict").returncode == 0
    (tmp_path / "other.yaml").write_text(MIXED.replace("weekly", "daily"))
    both = call("validate", "mixed.yaml", "other.yaml", "--select", "tag:weekly")
    assert both.returncode == 0
    assert "other.yaml: ok (0 of 2 videos looked at)" in both.stdout
    assert "other.yaml: warning: in 'tag:weekly': no video has the tag 'weekly'" in both.stderr
    (tmp_path / "mixed.yaml").write_text(MIXED.replace("duration: 4, prompts: [ein", "duration: x, prompts: [ein"))
    wrong = call("validate", "mixed.yaml", "--select", "tue")
    assert wrong.returncode == 2
    assert "mixed.yaml:4:" in wrong.stderr


def test_a_status_lists_the_selected_videos(call: Call, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(TWO)
    assert call("run", "two.yaml", "--select", "tag:sea", "--until", "shots").returncode == 0
    for target in ("two.yaml", "output/two"):
        told = call("status", target, "--exclude", "tag:sea")
        assert told.returncode == 0
        listed = [line.split()[0] for line in told.stdout.splitlines()[1:-2]]
        assert listed == ["tea"]
    manifest = json.loads(call("status", "output/two", "--select", "lamp/*", "--format", "json").stdout)
    assert [video["id"] for video in manifest["videos"]] == ["lamp"]
    assert manifest["totals"]["videos"]["pending"] == 2
    assert call("status", "output/two", "--select", "state:failed", "--format", "json").returncode == 0
    (tmp_path / "two.yaml").unlink()
    gone = call("status", "output/two", "--select", "lamp")
    assert gone.returncode == 2
    assert "the recipe two.yaml of the batch in output/two is not there" in gone.stderr
