"""The commands that a user is told to go on with."""

import json
import shlex
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests import starting
from tests.cli.conftest import Call
from tests.starting import ARGV, clean_environment
from tiktoker_batch.app import Options
from tiktoker_batch.cli.again import run_again, run_on
from tiktoker_batch.cli.run import command as run_command
from tiktoker_batch.model import Kind
from tiktoker_batch.planning.selection import Choice, parse_shard

OPTIONS = Options(
    output=Path("my videos"),
    limits={"fal": 3, "ffmpeg": 1},
    profiles=("standard", "draft"),
    budget=Decimal("2.50"),
    choice=Choice(select=("mon-*", "tag:a b"), exclude=("x",), until=Kind.IMAGE, shard=parse_shard("1/2")),
    fail_fast=True,
    allow_partial=True,
    strict=True,
    cache=False,
)


def test_a_run_is_told_again_with_all_that_it_was_told() -> None:
    program, name, *arguments = shlex.split(run_again(Path("re cipe.yaml"), OPTIONS))
    assert (program, name) == ("tiktoker-batch", "run")
    parsed = run_command.make_context("run", arguments).params
    assert {name: value for name, value in parsed.items() if value} == {
        "recipe": Path("re cipe.yaml"),
        "output": Path("my videos"),
        "limits": {"fal": 3, "ffmpeg": 1},
        "profiles": ("standard", "draft"),
        "budget": Decimal("2.50"),
        "select": ("mon-*", "tag:a b"),
        "exclude": ("x",),
        "until": "image",
        "shard": parse_shard("1/2"),
        "fail_fast": True,
        "allow_partial": True,
        "strict": True,
        "progress": "auto",
    }
    assert parsed["cache"] is False


def test_going_on_after_a_kind_of_step_leaves_only_that_out() -> None:
    on = replace(OPTIONS, choice=replace(OPTIONS.choice, until=None))
    assert run_on(Path("r.yaml"), OPTIONS) == run_again(Path("r.yaml"), on)


def test_nothing_is_added_to_a_plain_run() -> None:
    assert run_again(Path("r.yaml"), Options()) == "tiktoker-batch run r.yaml"


def run_in(folder: Path, *arguments: str) -> str:
    """Call the command in a folder; what it prints."""
    done = starting.run(
        [*ARGV, *arguments],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_batch_that_has_parts_left_is_gone_on_with_under_its_profile(call: Call, tiny: Path) -> None:
    done = call("run", "tiny.yaml", "--profile", "offline", "--until", "story", "--budget", "1")
    assert done.returncode == 0, done.stderr
    told = call("status", "tiny.yaml").stdout
    assert told.endswith("run again to go on: tiktoker-batch run tiny.yaml --profile offline --budget 1\n")


@pytest.mark.slow
def test_a_batch_is_resumed_from_any_folder_and_after_its_project_was_moved(call: Call, tiny: Path) -> None:
    """Also where a recipe of another project has the name that this one was called by."""
    home = tiny.parent
    project, other = home / "pro ject", home / "other"
    for folder in (project, other):
        (folder / "recipes").mkdir(parents=True)
    tiny.rename(project / "recipes" / "tiny.yaml")
    (other / "recipes" / "tiny.yaml").write_text("version: 1\nname: another\n", encoding="utf-8")
    run_in(project, "run", "recipes/tiny.yaml", "--until", "shots")
    moved = project.rename(home / "moved")
    done = run_in(other, "resume", "../moved/output/tiny")
    assert done.startswith("tiny: ")
    manifest = json.loads((moved / "output" / "tiny" / "manifest.json").read_text(encoding="utf-8"))
    steps = manifest["videos"][0]["steps"]
    assert [step["id"] for step in steps if step["state"] == "reused"] == ["lamp/story", "lamp/shots"]
    assert manifest["batch"]["recipe"] == "../moved/recipes/tiny.yaml"
    assert run_in(other, "status", "../moved/output/tiny").endswith(
        "run again to go on: tiktoker-batch run ../moved/recipes/tiny.yaml --output ../moved/output/tiny\n"
    )
    (moved / "recipes" / "tiny.yaml").rename(moved / "tiny.yaml")
    gone = call("resume", moved / "output" / "tiny")
    assert gone.returncode == 2
    assert "the recipe ../moved/recipes/tiny.yaml of the batch in " in gone.stderr
