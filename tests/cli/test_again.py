"""The commands that a user is told to go on with."""

import shlex
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cli.conftest import Call
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


@pytest.mark.slow
def test_a_batch_that_has_parts_left_is_gone_on_with_under_its_profile(call: Call, tiny: Path) -> None:
    done = call("run", "tiny.yaml", "--profile", "offline", "--until", "story", "--budget", "1")
    assert done.returncode == 0, done.stderr
    told = call("status", "tiny.yaml").stdout
    assert told.endswith("run again to go on: tiktoker-batch run tiny.yaml --profile offline --budget 1\n")
