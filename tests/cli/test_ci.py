"""What CI jobs ask a run for."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.conftest import Call

pytestmark = pytest.mark.slow


def test_a_run_leaves_the_files_that_report_writes_too(call: Call, tiny: Path, output: Path) -> None:
    done = call("run", "tiny.yaml", "--junit", "results/run.xml", "--trace", "results/run.json")
    again = call("report", output, "--junit", "report.xml", "--trace", "report.json")
    assert (done.returncode, again.returncode) == (0, 0)
    text = (tiny.parent / "results" / "run.xml").read_text(encoding="utf-8")
    assert (tiny.parent / "report.xml").read_text(encoding="utf-8") == text
    [suite] = ET.fromstring(text)
    assert (suite.attrib["name"], suite.attrib["tests"], suite.attrib["failures"]) == ("lamp", "7", "0")
    trace = (tiny.parent / "results" / "run.json").read_text(encoding="utf-8")
    assert (tiny.parent / "report.json").read_text(encoding="utf-8") == trace
    processes = [each["args"]["name"] for each in json.loads(trace)["traceEvents"] if each["name"] == "process_name"]
    assert processes == ["tiny", "lamp (done)"]


def test_a_run_that_fails_leaves_its_junit_file_as_well(call: Call, tiny: Path) -> None:
    (tiny.parent / "music.mp3").write_bytes(b"no sound")
    recipe = tiny.read_text(encoding="utf-8").replace("fps: 4", "fps: 4, music: {file: music.mp3}")
    tiny.write_text(recipe, encoding="utf-8")
    done = call("run", "tiny.yaml", "--junit", "run.xml")
    assert done.returncode == 1
    failed = ET.parse(tiny.parent / "run.xml").find("testsuite/testcase[@name='music']/failure")
    assert failed is not None
    assert failed.attrib["type"] == "MediaError"
    assert "ffmpeg ended with status" in failed.attrib["message"]


def test_a_file_that_cannot_be_written_is_told_after_the_summary(call: Call, tiny: Path, output: Path) -> None:
    (tiny.parent / "taken").write_text("a file", encoding="utf-8")
    done = call("run", "tiny.yaml", "--junit", "taken/run.xml")
    assert done.returncode == 1
    assert "cannot write taken" in done.stderr
    assert done.stdout.startswith("tiny: done in ")


def test_a_github_job_gets_a_summary_on_its_page(call: Call, tiny: Path, output: Path) -> None:
    page = tiny.parent / "summary.md"
    page.write_text("what was there\n", encoding="utf-8")
    done = call("run", "tiny.yaml", GITHUB_STEP_SUMMARY=str(page))
    assert done.returncode == 0
    lines = page.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["what was there", "## `tiny`: done"]
    assert lines[-1].startswith("| `lamp` | done | ")


def test_a_summary_that_cannot_be_written_is_no_failure(call: Call, tiny: Path, output: Path) -> None:
    done = call("run", "tiny.yaml", GITHUB_STEP_SUMMARY=str(tiny.parent))
    assert done.returncode == 0
    assert "warning: the summary of the job: cannot write" in done.stderr
