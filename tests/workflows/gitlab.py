"""GitLab's part of a pipeline, played here: rules, parallel jobs, caches, artifacts. The commands are real."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import yaml

KEYWORDS = {"stages", "variables", "default", "workflow", "include"}
CONDITION = re.compile(r'\$CI_PIPELINE_SOURCE == "(\w+)"')


@dataclass(kw_only=True)
class JobRan:
    """A job as it went; ``warned`` if it failed in a way that it may."""

    name: str
    status: int
    warned: bool
    said: str
    workspace: Path
    environ: Mapping[str, str]

    @property
    def passed(self) -> bool:
        """Whether the pipeline goes on as if nothing had been."""
        return self.status == 0 or self.warned


@dataclass(kw_only=True)
class Lab:
    """A project with what its pipelines have left."""

    project: Path
    root: Path
    path: str
    environ: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    of_environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pipelines: int = 0

    def run(self, source: str, variables: Mapping[str, str] | None = None) -> dict[str, JobRan]:
        """Everything that an event sets off, stage by stage."""
        self.pipelines += 1
        described = yaml.safe_load((self.project / ".gitlab-ci.yml").read_text(encoding="utf-8"))
        jobs = {name: job for name, job in described.items() if name not in KEYWORDS}
        ran: dict[str, JobRan] = {}
        for stage in described["stages"]:
            failed = not all(job.passed for job in ran.values())
            for name, job in jobs.items():
                rule = next((rule for rule in job["rules"] if source in CONDITION.findall(rule["if"])), None)
                if job["stage"] != stage or rule is None or (failed and rule.get("when") != "always"):
                    continue
                parts = job.get("parallel", 1)
                for number in range(1, parts + 1):
                    title = f"{name} {number}/{parts}" if parts > 1 else name
                    node = {"CI_NODE_INDEX": str(number), "CI_NODE_TOTAL": str(parts)}
                    ran[title] = self._job(title, described, job, {**(variables or {}), **node}, list(ran))
        return ran

    def artifacts(self, pipeline: int, title: str) -> Path:
        """What a job left for people."""
        return self.root / "artifacts" / str(pipeline) / title.replace("/", "-of-")

    def _job(
        self,
        title: str,
        described: Mapping[str, Any],
        job: Mapping[str, Any],
        more: Mapping[str, str],
        earlier: list[str],
    ) -> JobRan:
        folder = self.root / "jobs" / str(self.pipelines) / title.replace("/", "-of-")
        workspace = folder / "workspace"
        shutil.copytree(self.project, workspace)
        environ = {
            "PATH": f"{self.path}{os.pathsep}/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder),
            "CI": "true",
            "CI_PROJECT_DIR": str(workspace),
            "CI_PROJECT_ID": "11",
            "CI_MERGE_REQUEST_IID": "7",
            **self.environ,
        }
        told = {**described["variables"], **self.variables, **more}
        environ |= {name: Template(str(value)).safe_substitute(environ) for name, value in told.items()}
        environ |= self.of_environment.get(job.get("environment", {}).get("name", ""), {})
        cache = job["cache"]
        kept = self.root / "caches" / Template(cache["key"]).substitute(environ)
        if cache.get("policy") != "push" and kept.exists():
            shutil.copytree(kept, workspace, dirs_exist_ok=True)
        for title_before in earlier if "needs" in job else ():
            self._hand_over(title_before, workspace)
        script = "\n".join([*described["default"]["before_script"], *job["script"]])
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=workspace,
            env=environ,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if cache.get("policy") != "pull" and (done.returncode == 0 or cache.get("when") == "always"):
            shutil.rmtree(kept, ignore_errors=True)
            _copy(cache["paths"], workspace, kept, environ)
        if done.returncode == 0 or job["artifacts"].get("when") == "always":
            _copy(job["artifacts"]["paths"], workspace, self.artifacts(self.pipelines, title), environ)
        may = job.get("allow_failure", {}).get("exit_codes")
        return JobRan(
            name=title,
            status=done.returncode,
            warned=done.returncode == may,
            said=done.stdout + done.stderr,
            workspace=workspace,
            environ=environ,
        )

    def _hand_over(self, title: str, workspace: Path) -> None:
        left = self.artifacts(self.pipelines, title)
        if left.exists():
            shutil.copytree(left, workspace, dirs_exist_ok=True)


def _copy(paths: list[str], workspace: Path, into: Path, environ: Mapping[str, str]) -> None:
    for path in paths:
        name = Template(path).substitute(environ)
        found = workspace / name
        if found.is_dir():
            shutil.copytree(found, into / name, dirs_exist_ok=True)
        elif found.exists():
            into.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, into / name)
