"""Runs of a tiny local batch, and what can be said about them afterwards."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.starting import ARGV, ROOT, clean_environment
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.lock import batch_lock

Finished = tuple[Path, "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.slow


def test_a_run_makes_the_video_and_sums_up(finished: Finished) -> None:
    folder, done = finished
    assert (done.returncode, (folder / "output/tiny/videos/lamp.mp4").is_file()) == (0, True)
    headline, video, report = done.stdout.splitlines()
    assert headline.startswith("tiny: done in ")
    assert headline.endswith(", $0.00")
    assert video.split()[:3] == ["lamp", "done", "output/tiny/videos/lamp.mp4"]
    assert report == "report: output/tiny/report.html"


def test_a_log_tells_each_step_once(finished: Finished) -> None:
    _, done = finished
    lines = [line.split("] ", 1)[1] for line in done.stderr.splitlines()]
    assert lines[0] == "tiny: run 1"
    assert lines[1] == "lamp: started (7 steps)"
    assert lines[-1].startswith("lamp: done, ")
    assert sum(": done in " in line for line in lines) == 7


def test_running_again_reuses_everything(call: Call, tiny: Path, output: Path) -> None:
    assert call("plan", "tiny.yaml", "--detailed-exitcode").returncode == 0
    done = call("run", "tiny.yaml", "--progress", "json")
    assert done.returncode == 0
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in told][2:] == ["steps_reused", "video_finished", "run_finished"]
    assert len(told[2]["steps"]) == 7


def test_a_dry_run_only_plans(call: Call, tiny: Path) -> None:
    done = call("run", "tiny.yaml", "--dry-run")
    assert (done.returncode, (tiny.parent / "output").exists()) == (0, False)
    assert "to do: 7 steps" in done.stdout


def test_status_reads_the_journal_alone(call: Call, output: Path) -> None:
    (output / "manifest.json").unlink()
    text, programs = call("status", output), call("status", "output/tiny", "--format", "json")
    assert text.stdout.splitlines()[0].startswith("tiny: done (1 run, ")
    assert "lamp  done  7/7" in text.stdout
    manifest = json.loads(programs.stdout)
    assert manifest["totals"]["steps"] == {"done": 7, "reused": 0, "failed": 0, "pending": 0}


def test_status_tells_a_run_at_work_from_one_that_was_killed(call: Call, tiny: Path, output: Path) -> None:
    layout = Layout(output)
    lines = layout.journal.read_text().splitlines(keepends=True)
    begun = next(n for n, line in enumerate(lines) if '"attempt_started"' in line and "narration" in line)
    layout.journal.write_text("".join(lines[: begun + 1]))
    with batch_lock(layout):
        running = call("status", "tiny.yaml").stdout
    killed = call("status", "tiny.yaml").stdout
    assert running.startswith("tiny: running (")
    assert "narration" in running
    assert killed.startswith("tiny: not finished; no process is at work (")
    assert killed.endswith("run again to go on: tiktoker-batch run tiny.yaml\n")
    told = json.loads(call("status", "tiny.yaml", "--format", "json").stdout)
    assert told["batch"]["state"] == "interrupted"
    assert "running" not in {step["state"] for video in told["videos"] for step in video["steps"]}


def test_the_report_is_written_again(call: Call, output: Path) -> None:
    (output / "report.html").unlink()
    done = call("report", "output/tiny")
    assert done.stdout == "output/tiny/report.html\n"
    assert (output / "report.html").is_file()


def test_a_folder_without_a_batch_says_how_to_get_one(call: Call, tiny: Path) -> None:
    done = call("status", "tiny.yaml")
    assert done.returncode == 2
    assert "no batch was run in output/tiny" in done.stderr
    assert "tiktoker-batch run tiny.yaml" in done.stderr


def test_a_second_process_is_refused(call: Call, tiny: Path, output: Path) -> None:
    with batch_lock(Layout(output)):
        done = call("run", "tiny.yaml")
    assert done.returncode == 5
    assert "another process is at work in output/tiny" in done.stderr


def test_missing_keys_are_all_named_and_nothing_is_started(call: Call, tmp_path: Path) -> None:
    done = call("run", ROOT / "recipes" / "week12.yaml")
    assert done.returncode == 3
    assert all(name in done.stderr for name in ("FAL_KEY", "ELEVENLABS_API_KEY", "OPENROUTER_API_KEY"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("FAL_QUEUE_URL", "http://proxy.example", "FAL_QUEUE_URL is plain http to proxy.example"),
        ("FAL_API_URL", "proxy", "FAL_API_URL is not an address: 'proxy'"),
        ("TIKTOKER_RECONCILE_SECONDS", "soon", "TIKTOKER_RECONCILE_SECONDS is not a whole number: 'soon'"),
        ("TIKTOKER_FFMPEG", "/nowhere/ffmpeg", "TIKTOKER_FFMPEG is '/nowhere/ffmpeg', which cannot be run"),
        ("TIKTOKER_FFMPEG", "/bin/true", "TIKTOKER_FFMPEG is '/bin/true', which does not answer as ffmpeg does"),
        (
            "TIKTOKER_CACHE_DIR",
            "tiny.yaml/cache",
            "the cache folder tiny.yaml/cache cannot be written to: Not a directory",
        ),
        ("TIKTOKER_FFMPEG", "./plain-ffmpeg", "plain-ffmpeg', which cannot burn captions"),
    ],
)
def test_what_the_environment_gets_wrong_is_said_before_anything_is_started(
    call: Call, tiny: Path, name: str, value: str, says: str
) -> None:
    plain = tiny.parent / "plain-ffmpeg"
    plain.write_text("#!/bin/sh\necho ' ... scale            V->V       Scale the input video.'\n", encoding="utf-8")
    plain.chmod(0o755)
    recipe = tiny.read_text(encoding="utf-8")
    tiny.write_text(recipe.replace("fps: 4", 'fps: 4, models: {image: "fal:fal-ai/flux/schnell"}'), encoding="utf-8")
    done = call("run", "tiny.yaml", FAL_KEY="a:b", **{name: value})
    assert (done.returncode, done.stdout) == (3, "")
    assert says in done.stderr
    assert not (tiny.parent / "output").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_so_that_it_can_go_on(tiny: Path, number: signal.Signals) -> None:
    argv = [*ARGV, "run", "tiny.yaml", "--progress", "plain"]
    with subprocess.Popen(
        argv, cwd=tiny.parent, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        assert process.stdout
        while "lamp/story: done" not in (line := process.stderr.readline()):
            assert line
        process.send_signal(number)
        told, summary = process.stderr.read(), process.stdout.read()
    assert process.returncode == 130
    assert "stopping: letting " in told
    assert told.endswith("interrupted; run again to go on: tiktoker-batch run tiny.yaml\n")
    assert summary.startswith("tiny: interrupted after ")


def test_a_failed_step_says_why_and_what_to_do(call: Call, tiny: Path) -> None:
    long = "Extraordinarily uncharacteristic organisms systematically counterbalance environmental transformations. "
    tiny.write_text(
        tiny.read_text().replace("A small lamp burns at the end of the pier.", long + "\n    length: exact")
    )
    done = call("run", "tiny.yaml", "--progress", "none")
    assert done.returncode == 1
    assert done.stdout.startswith("tiny: failed in ")
    assert " failed after 1 attempt: " in done.stderr
    assert "shorten the script" in done.stderr
