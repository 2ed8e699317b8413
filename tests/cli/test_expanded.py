"""``render --expanded`` on the command line."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call

pytestmark = pytest.mark.slow

RECIPE = """\
version: 1
name: many
include: brand.yaml
videos:
  - {matrix: {style: [noir, anime]}, id: "${SERIES}-{{ style }}", topic: tea, style: "{{ style }}"}
"""


@pytest.fixture
def many(tmp_path: Path) -> Path:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    (tmp_path / "brand.yaml").write_text("defaults: {duration: 4}\nprofiles: {hasty: {defaults: {fps: 4}}}\n")
    return tmp_path


def test_what_is_printed_is_a_recipe_with_the_same_plan(call: Call, many: Path) -> None:
    options = ("--profile", "hasty", "--set", "defaults.resolution=720p")
    printed = call("render", "recipe.yaml", "--expanded", *options, SERIES="tea")
    assert printed.returncode == 0
    (many / "flat.yaml").write_text(printed.stdout)
    plans = [
        json.loads(call("plan", name, "--format", "json", *more, SERIES="tea").stdout)
        for name, more in (("recipe.yaml", options), ("flat.yaml", ()))
    ]
    assert plans[0]["totals"]["steps"] > 0
    assert plans[0] == plans[1]


def test_programs_get_it_as_json(call: Call, many: Path) -> None:
    printed = json.loads(call("render", "recipe.yaml", "--expanded", "--format", "json", SERIES="tea").stdout)
    assert printed == {
        "version": 1,
        "name": "many",
        "defaults": {"duration": 4},
        "videos": [{"id": f"tea-{style}", "topic": "tea", "style": style} for style in ("noir", "anime")],
    }


def test_a_part_of_it_cannot_be_had(call: Call, many: Path) -> None:
    done = call("render", "recipe.yaml", "--expanded", "--select", "tea-*", SERIES="tea")
    assert (done.returncode, done.stderr) == (2, "--expanded prints the whole recipe; --select is for prompts\n")
