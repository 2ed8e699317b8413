"""GitHub's part of a workflow, played here: events, jobs, actions, artifacts, caches. The commands are real."""

import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.workflows.expressions import filled, holds

GH = """\
#!/usr/bin/env bash
# What the workflow asks of GitHub's own command: a list of artifacts, through jq, and a comment.
set -euo pipefail
case "$1 $2" in
  "api repos/$GITHUB_REPOSITORY/actions/artifacts?name="*)
    name=${2#*name=}
    jq --arg name "${name%%&*}" '.artifacts |= map(select(.name == $name))' "$HUB/artifacts.json" | jq -r "$4" ;;
  "pr comment") cp "$7" "$HUB/comment-$3.md" ;;
  *) echo "gh is not expected to be asked for: $*" >&2; exit 64 ;;
esac
"""
JOB = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]


@dataclass(kw_only=True)
class StepRan:
    """A step as it went; ``outcome`` is success, failure or skipped."""

    name: str
    outcome: str
    said: str = ""
    status: int = 0
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class JobRan:
    """A job as it went."""

    name: str
    result: str
    workspace: Path
    steps: list[StepRan]

    @property
    def summary(self) -> str:
        """What stands on its page."""
        page = self.workspace.parent / "summary.md"
        return page.read_text(encoding="utf-8") if page.exists() else ""

    def step(self, name: str) -> StepRan:
        """A step by its name."""
        return next(step for step in self.steps if step.name == name)


@dataclass(kw_only=True)
class Hub:
    """A repository with what its runs have left."""

    project: Path
    root: Path
    path: str
    environ: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    runs: int = 0

    def __post_init__(self) -> None:
        gh = self.root / "bin" / "gh"
        gh.parent.mkdir(parents=True)
        gh.write_text(GH)
        gh.chmod(0o755)

    def run(self, event: str, inputs: Mapping[str, str] | None = None, *, fork: bool = False) -> dict[str, JobRan]:
        """Everything that an event sets off; the jobs by their names, those of a matrix with its number."""
        self.runs += 1
        workflow = yaml.safe_load((self.project / ".github/workflows/videos.yml").read_text(encoding="utf-8"))
        assert event in workflow[True], "YAML 1.1 takes the key 'on' for a boolean"
        github = {
            "event_name": event,
            "event": {
                "pull_request": {"number": 7, "head": {"repo": {"full_name": "fork/tea" if fork else "brand/tea"}}}
                if event == "pull_request"
                else {},
                "repository": {"default_branch": "main"},
            },
            "repository": "brand/tea",
            "ref": "refs/heads/main",
            "ref_name": "main",
            "run_id": self.runs,
            "run_attempt": 1,
            "token": "github-token",
        }
        ran: dict[str, JobRan] = {}
        for name, job in workflow["jobs"].items():
            needed = job.get("needs")
            results = [each.result for key, each in ran.items() if needed and key.split()[0] == needed]
            result = "skipped" if set(results) <= {"skipped"} else "failure" if "failure" in results else "success"
            contexts = {
                "github": github,
                "inputs": dict(inputs or {}),
                "vars": self.variables,
                "needs": {needed: {"result": result}},
            }
            if not holds(job.get("if", "success()"), contexts, failed=bool(needed) and result != "success"):
                continue
            axes = job.get("strategy", {}).get("matrix", {})
            combinations = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
            for matrix in combinations:
                title = " ".join([name, *map(str, matrix.values())])
                more = {"matrix": matrix, "strategy": {"job-total": len(combinations)}}
                ran[title] = _Job(self, title, workflow, job, {**contexts, **more}).run()
        return ran

    # ------------------------------------------------------------------ what runs leave

    def artifact(self, run: int, name: str) -> Path:
        """Where an artifact lies."""
        return self.root / "artifacts" / str(run) / name

    def cache(self, key: str) -> Path:
        """Where a cache lies."""
        return self.root / "caches" / key

    def cached(self, prefixes: list[str]) -> Path | None:
        """The newest cache that the first prefix with any finds."""
        for prefix in prefixes:
            found = sorted((self.root / "caches").glob(f"{prefix}*"), key=lambda path: path.stat().st_mtime_ns)
            if found:
                return found[-1]
        return None

    def list_artifacts(self) -> None:
        """GitHub's answer about all artifacts, with some that nobody may take."""
        mine = {"repository_id": 1, "head_repository_id": 1, "head_branch": "main"}
        listed = []
        for path in sorted((self.root / "artifacts").glob("*/*")):
            run = int(path.parent.name)
            at = f"2027-01-01T00:{run:02}:00Z"
            entry = {"name": path.name, "expired": False, "created_at": at, "workflow_run": {**mine, "id": run}}
            later = {**entry, "created_at": "2027-02-01T00:00:00Z"}
            listed += [
                {**later, "expired": True, "workflow_run": {**mine, "id": 901}},
                entry,
                {**later, "workflow_run": {**mine, "id": 902, "head_repository_id": 2}},
                {**later, "workflow_run": {**mine, "id": 903, "head_branch": "other"}},
            ]
        (self.root / "artifacts.json").write_text(json.dumps({"artifacts": listed}))

    def comment(self, number: int) -> str:
        """The comment on a pull request."""
        return (self.root / f"comment-{number}.md").read_text(encoding="utf-8")


class _Job:
    def __init__(
        self, hub: Hub, title: str, workflow: Mapping[str, Any], job: Mapping[str, Any], contexts: Mapping[str, Any]
    ) -> None:
        self.hub, self.title, self.job = hub, title, job
        self.folder = hub.root / "runs" / str(hub.runs) / title.replace(" ", "-")
        self.workspace = self.folder / "workspace"
        self.workspace.mkdir(parents=True)
        self.contexts: dict[str, Any] = {**contexts, "steps": {}}
        self.contexts["github"] = {**contexts["github"], "workspace": str(self.workspace)}
        self.contexts["env"] = self._env(workflow.get("env", {}))
        self.contexts["env"] |= self._env(job.get("env", {}))
        assert workflow["defaults"]["run"]["shell"] == "bash"

    def _env(self, given: Mapping[str, Any]) -> dict[str, str]:
        return {name: filled(str(value), self.contexts) for name, value in given.items()}

    def run(self) -> JobRan:
        self.hub.list_artifacts()
        steps, failed = [], False
        for number, step in enumerate(self.job["steps"]):
            name = step.get("name") or step["uses"].split("@")[0]
            ran = StepRan(name=name, outcome="skipped")
            if holds(step.get("if", "success()"), self.contexts, failed=failed):
                ran = self._command(number, name, step) if "run" in step else self._action(name, step)
            failed |= ran.outcome == "failure"
            steps.append(ran)
            if "id" in step:
                outputs = dict(self._outputs(number))
                self.contexts["steps"][step["id"]] = {"outcome": ran.outcome, "outputs": outputs}
        result = "failure" if failed else "success"
        return JobRan(name=self.title, result=result, workspace=self.workspace, steps=steps)

    def _outputs(self, number: int) -> Iterator[tuple[str, str]]:
        told = self.folder / f"output-{number}"
        for line in told.read_text().splitlines() if told.exists() else ():
            name, _, value = line.partition("=")
            yield name, value

    def _command(self, number: int, name: str, step: Mapping[str, Any]) -> StepRan:
        assert "${{" not in step["run"], "an expression inside a script is an open door: pass it by env"
        script = self.folder / f"step-{number}.sh"
        script.write_text(step["run"])
        secret = {**self.contexts, "secrets": self.hub.secrets}
        own = {key: filled(str(value), secret) for key, value in step.get("env", {}).items()}
        environ = {
            "PATH": f"{self.hub.path}{os.pathsep}{self.hub.root / 'bin'}{os.pathsep}/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "brand/tea",
            "GITHUB_OUTPUT": str(self.folder / f"output-{number}"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "HUB": str(self.hub.root),
            **self.hub.environ,
            **self.contexts["env"],
            **own,
        }
        done = subprocess.run(
            [*JOB, str(script)], cwd=self.workspace, env=environ, capture_output=True, text=True, timeout=300
        )
        outcome = "failure" if done.returncode else "success"
        said = done.stdout + done.stderr
        return StepRan(name=name, outcome=outcome, said=said, status=done.returncode, environ=environ)

    # ------------------------------------------------------------------ actions

    def _action(self, name: str, step: Mapping[str, Any]) -> StepRan:
        given = {key: filled(str(value), self.contexts) for key, value in step.get("with", {}).items()}
        action = step["uses"].split("@")[0].removeprefix("actions/").replace("/", "_").replace("-", "_")
        getattr(self, f"_{action}")(given)
        return StepRan(name=name, outcome="success")

    def _checkout(self, given: Mapping[str, str]) -> None:
        assert given["persist-credentials"].lower() == "false"
        shutil.copytree(self.hub.project, self.workspace, dirs_exist_ok=True)

    def _setup_python(self, given: Mapping[str, str]) -> None:
        assert (self.workspace / given["cache-dependency-path"]).exists()

    def _cache_restore(self, given: Mapping[str, str]) -> None:
        found = self.hub.cached([given["key"], *given["restore-keys"].split()])
        if found is not None:
            shutil.copytree(found, given["path"])

    def _cache_save(self, given: Mapping[str, str]) -> None:
        if Path(given["path"]).exists():
            shutil.copytree(given["path"], self.hub.cache(given["key"]))

    def _upload_artifact(self, given: Mapping[str, str]) -> None:
        target = self.hub.artifact(self.hub.runs, given["name"])
        assert not target.exists() or given["overwrite"] == "true"
        paths = [path for line in given["path"].split() for path in sorted(self.workspace.glob(line))]
        root = Path(os.path.commonpath([path if path.is_dir() else path.parent for path in paths]))
        target.mkdir(parents=True)
        for path in paths:
            for file in [path] if path.is_file() else sorted(path.rglob("*")):
                inside = file.relative_to(root)
                if file.is_file() and not any(part.startswith(".") for part in inside.parts):  # left out by default
                    (target / inside).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target / inside)

    def _download_artifact(self, given: Mapping[str, str]) -> None:
        into = self.workspace / given["path"]
        if "name" in given:
            assert given["github-token"] == "github-token"
            shutil.copytree(self.hub.artifact(int(given["run-id"]), given["name"]), into)
            return
        for found in (self.hub.root / "artifacts" / str(self.hub.runs)).glob(given["pattern"]):
            shutil.copytree(found, into / found.name)
