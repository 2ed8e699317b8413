"""The workflow for GitHub that ``init --template calendar`` writes: every command of it is really run."""

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.test_rehearse import simulator
from tests.workflows.conftest import OFFLINE
from tests.workflows.github import Hub, JobRan
from tiktoker_batch.store.journal import read_journal

pytestmark = [pytest.mark.thorough, pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq (apt install jq)")]

VIDEOS = ["oak-de", "oak-en", "sea-de", "sea-en"]
KEYS = {"FAL_KEY": "id:secret", "ELEVENLABS_API_KEY": "sk_eleven"}


@pytest.fixture
def hub(tmp_path: Path, project: Path, commands: Path) -> Hub:
    return Hub(project=project, root=tmp_path / "hub", path=str(commands), environ=OFFLINE)


def events(job: JobRan, run: int) -> list[str]:
    """What a run of a shard told."""
    records = read_journal(job.workspace / "output/calendar/journal.jsonl")
    return [type(record.event).__name__ for record in records if record.run == run]


def states(folder: Path) -> dict[str, str]:
    return {each["id"]: each["state"] for each in json.loads((folder / "manifest.json").read_text())["videos"]}


def test_what_is_planned_is_made_in_shards_put_together_and_gone_on_with(hub: Hub) -> None:
    # A pull request is told what would be done: all of it.
    proposed = hub.run("pull_request")
    assert {name: job.result for name, job in proposed.items()} == {"plan": "success"}
    comment = hub.comment(7)
    assert comment.startswith("### Plan of `calendar`: 32 steps")
    assert proposed["plan"].summary == comment

    # By schedule, two runners make half of the videos each, and a third one puts them together.
    first = hub.run("schedule")
    assert {name: job.result for name, job in first.items()} == dict.fromkeys(("make 1", "make 2", "report"), "success")
    for number, mine in ((1, "oak"), (2, "sea")):
        made = hub.artifact(2, f"output-{number}-of-2")
        assert sorted(name for name, state in states(made).items() if state == "done") == [f"{mine}-de", f"{mine}-en"]
        assert f"| `{mine}-en` | done |" in first[f"make {number}"].summary
    batch = hub.artifact(2, "batch")
    assert states(batch) == dict.fromkeys(VIDEOS, "done")
    assert sorted(path.name for path in hub.artifact(2, "videos").glob("videos/*.mp4")) == [f"{v}.mp4" for v in VIDEOS]
    suites = ET.parse(hub.artifact(2, "videos") / "junit.xml").getroot()
    assert {suite.attrib["name"]: suite.attrib["failures"] for suite in suites} == dict.fromkeys(VIDEOS, "0")
    assert all(f"| `{name}` | done |" in first["report"].summary for name in VIDEOS)
    assert "oak-en" in (batch / "calendar.html").read_text(encoding="utf-8")

    # The next run finds all of it done, and so does the next pull request.
    second = hub.run("workflow_dispatch", {"profile": "offline", "budget": "5"})
    assert {job.result for job in second.values()} == {"success"}
    for number in (1, 2):
        job = second[f"make {number}"]
        assert job.step("actions/download-artifact").outcome == "success"
        told = events(job, run=2)
        assert "AttemptStarted" not in told
        assert told.count("VideoFinished") == 2
    assert states(hub.artifact(3, "batch")) == dict.fromkeys(VIDEOS, "done")
    hub.run("pull_request")
    assert hub.comment(7).startswith("### Plan of `calendar`: nothing to do\n")

    # A mistake is told where it is, and nothing after it is done.
    recipe = hub.project / "calendar.yaml"
    recipe.write_text(recipe.read_text().replace("style: brand", "style: brnad", 1))
    wrong = hub.run("pull_request")["plan"]
    assert wrong.result == "failure"
    check = wrong.step("Check the recipe")
    assert check.status == 2
    matcher = json.loads((hub.project / ".github/problems.json").read_text())["problemMatcher"][0]["pattern"][0]
    [problem] = [found for line in check.said.splitlines() if (found := re.match(matcher["regexp"], line))]
    assert problem[matcher["file"]] == "calendar.yaml"
    assert recipe.read_text().splitlines()[int(problem[matcher["line"]]) - 1].strip() == "style: brnad"
    assert "did you mean 'brand'" in problem[matcher["message"]]
    assert {step.outcome for step in wrong.steps[4:]} == {"skipped"}


def test_a_pull_request_of_a_fork_gets_its_plan_on_the_page_of_the_job(hub: Hub) -> None:
    job = hub.run("pull_request", fork=True)["plan"]
    assert job.result == "success"
    assert job.step("Comment on the pull request").outcome == "skipped"
    assert "oak-en" in job.summary


def test_a_budget_that_is_spent_is_a_notice_and_the_rest_is_made_when_there_is_more(hub: Hub, tmp_path: Path) -> None:
    with simulator(tmp_path) as addresses:
        hub.environ, hub.secrets = OFFLINE | addresses, KEYS
        poor = hub.run("workflow_dispatch", {"profile": "studio", "budget": "0.7"})
        assert {job.result for job in poor.values()} == {"success"}
        for number in (1, 2):
            made = poor[f"make {number}"].step("Make the videos")
            assert made.status == 0
            assert "::notice title=Stopped by the budget" in made.said
        spent = json.loads((hub.artifact(1, "batch") / "manifest.json").read_text())["totals"]["cost_usd"]["spent"]
        assert 0 < spent <= 0.7

        rich = hub.run("workflow_dispatch", {"profile": "studio", "budget": "9"})
        assert {job.result for job in rich.values()} == {"success"}
        whole = hub.artifact(2, "batch")
        assert states(whole) == dict.fromkeys(VIDEOS, "done")
        requests = [
            attempt["request_id"]
            for video in json.loads((whole / "manifest.json").read_text())["videos"]
            for step in video["steps"]
            for attempt in step["attempts"]
            if attempt["request_id"]
        ]
        assert len(set(requests)) == len(requests)

    # Only the step that pays has seen the keys.
    seen = [step for job in [*poor.values(), *rich.values()] for step in job.steps if "FAL_KEY" in step.environ]
    assert {step.name for step in seen} == {"Make the videos"}


def test_a_shard_that_fails_fails_its_job_and_keeps_what_it_has(hub: Hub) -> None:
    (hub.project / "brand" / "bed.ogg").write_bytes(b"no sound")
    failed = hub.run("schedule")
    assert {name: job.result for name, job in failed.items()} == {
        "make 1": "failure",
        "make 2": "failure",
        "report": "success",
    }
    assert failed["make 1"].step("Make the videos").status == 1
    assert "::error title=Not every video is done" in failed["make 1"].step("Make the videos").said
    assert hub.artifact(1, "output-1-of-2").exists()
    assert set(states(hub.artifact(1, "batch")).values()) == {"failed"}
