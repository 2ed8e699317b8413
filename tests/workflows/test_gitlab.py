"""The pipeline for GitLab that ``init --template calendar`` writes: every command of it is really run."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import pytest

from tests.cli.test_rehearse import simulator
from tests.workflows.conftest import OFFLINE
from tests.workflows.gitlab import Lab
from tests.workflows.test_github import KEYS, VIDEOS, states
from tiktoker_batch.store.journal import read_journal

pytestmark = pytest.mark.thorough


@pytest.fixture
def lab(tmp_path: Path, project: Path, commands: Path) -> Lab:
    return Lab(project=project, root=tmp_path / "lab", path=str(commands), environ=OFFLINE)


@contextmanager
def notes() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """GitLab's API for comments: its address, and the path, token and text of each that was sent."""
    told: list[tuple[str, str, str]] = []

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            told.append((self.path, self.headers["PRIVATE-TOKEN"], parse_qs(body)["body"][0]))
            self.send_response(201)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v4", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_is_made_in_shards_is_put_together_gone_on_with_and_planned_as_done(lab: Lab) -> None:
    first = lab.run("schedule")
    assert {name: job.status for name, job in first.items()} == dict.fromkeys(("make 1/2", "make 2/2", "report"), 0)
    batch = lab.artifacts(1, "report") / "output/calendar"
    assert states(batch) == dict.fromkeys(VIDEOS, "done")
    assert sorted(path.stem for path in batch.glob("videos/*.mp4")) == VIDEOS
    assert "oak-en" in (batch / "calendar.html").read_text(encoding="utf-8")
    for junit in (lab.artifacts(1, "make 1/2") / "shards/1/junit.xml", batch / "junit.xml"):
        assert {suite.attrib["failures"] for suite in ET.parse(junit).getroot()} == {"0"}

    second = lab.run("web")
    assert {job.status for job in second.values()} == {0}
    for number in (1, 2):
        records = read_journal(second[f"make {number}/2"].workspace / f"shards/{number}/journal.jsonl")
        told = [type(record.event).__name__ for record in records if record.run == 2]
        assert "AttemptStarted" not in told
        assert told.count("VideoFinished") == 2
    assert states(lab.artifacts(2, "report") / "output/calendar") == dict.fromkeys(VIDEOS, "done")

    with notes() as (address, told_to_us):
        lab.environ = OFFLINE | {"CI_API_V4_URL": address}
        lab.variables = {"VIDEOS_TOKEN": "a-token"}
        plan = lab.run("merge_request_event")
    assert [*plan] == ["plan"]
    assert plan["plan"].status == 0, plan["plan"].said
    [(path, token, text)] = told_to_us
    assert (path, token) == ("/api/v4/projects/11/merge_requests/7/notes", "a-token")
    assert text == (lab.artifacts(3, "plan") / "plan.md").read_text(encoding="utf-8")
    assert text.startswith("### Plan of `calendar`: nothing to do\n")


def test_a_budget_that_is_spent_is_a_warning_and_only_jobs_that_pay_see_the_keys(lab: Lab, tmp_path: Path) -> None:
    with simulator(tmp_path) as addresses:
        lab.environ, lab.of_environment = OFFLINE | addresses, {"videos": KEYS}
        poor = lab.run("web", {"PROFILE": "studio", "BUDGET": "0.7"})
    assert {name: job.status for name, job in poor.items()} == {"make 1/2": 4, "make 2/2": 4, "report": 0}
    assert all(job.passed for job in poor.values())
    told = json.loads((lab.artifacts(1, "report") / "output/calendar/manifest.json").read_text())
    assert 0 < told["totals"]["cost_usd"]["spent"] <= 0.7
    assert {name for name, job in poor.items() if "FAL_KEY" in job.environ} == {"make 1/2", "make 2/2"}
