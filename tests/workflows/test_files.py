"""The workflows as files: valid by the services' own schemas, and careful with what they trust."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.workflows.expressions import evaluate, filled, holds
from tiktoker_batch.resources import resource_path

FOLDER = resource_path("templates", "init/calendar")
GITHUB = FOLDER / "github" / "workflows" / "videos.yml"
DOCS = Path(__file__).parents[2] / "docs" / "ci.md"
GITLAB = FOLDER / "gitlab-ci.yml"


@pytest.mark.parametrize(("schema", "file"), [("github-workflows", GITHUB), ("gitlab-ci", GITLAB)])
def test_the_service_s_own_schema_takes_it(schema: str, file: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(file)]
    checked = subprocess.run(argv, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_actions_are_github_s_own_and_pinned_to_a_commit_that_is_named() -> None:
    used = re.findall(r"uses: (.+)", GITHUB.read_text(encoding="utf-8"))
    assert len(used) > 10
    assert [each for each in used if not re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []
    versions = {tuple(each.split(" # ")) for each in used}
    assert len({name for name, _ in versions}) == len(versions), "one commit has one name"


def test_jobs_may_do_little_and_end_some_day() -> None:
    github = yaml.safe_load(GITHUB.read_text(encoding="utf-8"))
    assert github["permissions"] == {"contents": "read"}
    written = {
        name for job in github["jobs"].values() for name, may in job.get("permissions", {}).items() if may == "write"
    }
    assert written == {"pull-requests"}
    assert all(job["timeout-minutes"] <= 350 for job in github["jobs"].values())
    gitlab = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
    assert all("timeout" in gitlab[name] for name in gitlab["stages"])


def test_keys_are_seen_by_the_step_that_pays_and_never_on_a_pull_request() -> None:
    github = yaml.safe_load(GITHUB.read_text(encoding="utf-8"))
    seeing = [
        (name, step["name"]) for name, job in github["jobs"].items() for step in job["steps"] if "secrets." in str(step)
    ]
    assert seeing == [("make", "Make the videos")]
    assert github["jobs"]["make"]["if"] == "github.event_name != 'pull_request'"
    assert "pull_request_target" not in GITHUB.read_text(encoding="utf-8")


@pytest.mark.skipif(not DOCS.exists(), reason="only a checkout has it")
def test_what_the_documentation_shows_of_them_is_what_they_say() -> None:
    section = DOCS.read_text(encoding="utf-8").split("## Ready workflows")[1].split("\n## ")[0]
    shown = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert len(shown) == 2
    for block, file in zip(shown, (GITHUB, GITLAB), strict=True):
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        assert "\n".join(line.strip() for line in block.splitlines()) in "\n".join(lines)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("inputs.budget || vars.VIDEOS_BUDGET || '20'", "20"),
        ("github.event_name == 'pull_request'", True),
        ("matrix.shard", 2),
        ("always() && steps.make.outcome != 'skipped'", True),
        ("!cancelled() && github.event_name != 'pull_request'", False),
        ("'it''s'", "it's"),
    ],
)
def test_expressions_mean_what_they_mean_at_github(expression: str, value: object) -> None:
    contexts = {"github": {"event_name": "pull_request"}, "matrix": {"shard": 2}, "inputs": {"budget": ""}}
    assert evaluate(expression, contexts, {"always": lambda: True, "cancelled": lambda: False}) == value


def test_a_step_without_a_word_about_it_does_not_run_after_a_failure() -> None:
    assert not holds("matrix.shard", {"matrix": {"shard": 1}}, failed=True)
    assert holds("${{ always() }}", {}, failed=True)
    assert filled("output-${{ matrix.shard }}-of-${{ nothing.there }}", {"matrix": {"shard": 1}}) == "output-1-of-"
