"""A plan that is approved is the plan that is run, or nothing is."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call

pytestmark = pytest.mark.slow


def test_the_same_recipe_and_state_give_the_same_bytes(call: Call, tiny: Path, output: Path) -> None:
    # What other tests teach about how long steps take is state too, and theirs alone.
    alone = {"TIKTOKER_CACHE_DIR": str(tiny.parent / "cache")}
    for out in ("a.json", "b.json"):
        assert call("plan", "tiny.yaml", "--out", out, **alone).returncode == 0
    assert (tiny.parent / "a.json").read_bytes() == (tiny.parent / "b.json").read_bytes()
    printed = json.loads(call("plan", "tiny.yaml", "--format", "json", **alone).stdout)
    written = json.loads((tiny.parent / "a.json").read_text())
    assert written.keys() - printed.keys() == {"recipe_sha256", "options"}
    assert {key: written[key] for key in printed} == printed


def test_a_plan_that_holds_is_run(call: Call, tiny: Path) -> None:
    planned = call("plan", "tiny.yaml", "--until", "shots", "--out", "plan.json")
    assert "tiktoker-batch run tiny.yaml --until shots --plan plan.json\n" in planned.stderr
    done = call("run", "tiny.yaml", "--until", "shots", "--plan", "plan.json", "--progress", "json")
    assert done.returncode == 0
    assert "step_succeeded" in [json.loads(line)["event"] for line in done.stderr.splitlines()]


def test_a_stale_plan_is_refused_with_what_has_changed(call: Call, tiny: Path, output: Path) -> None:
    call("plan", "tiny.yaml", "--out", "plan.json")
    (output / "videos" / "lamp.mp4").unlink()
    state = call("run", "tiny.yaml", "--plan", "plan.json")
    options = call("run", "tiny.yaml", "--plan", "plan.json", "--until", "clip", "--budget", "3")
    tiny.write_text(tiny.read_text().replace("noir", "anime"), encoding="utf-8")
    recipe = call("run", "tiny.yaml", "--plan", "plan.json")
    assert state.stderr.splitlines() == [
        "the plan plan.json is stale:",
        "  lamp/assembly: what is done: reuse then, run now",
        "  nothing was started; look at a new one: tiktoker-batch plan tiny.yaml --out plan.json",
    ]
    assert "  --until: none then, clip now\n" in options.stderr
    assert "  --budget: none then, 3 now\n" in options.stderr
    assert "  the recipe's text, or that of a file which it is made of, has changed\n" in recipe.stderr
    assert "  lamp/01/image: what it is made from has changed\n" in recipe.stderr
    assert {done.returncode for done in (state, options, recipe)} == {2}
    assert {done.stdout for done in (state, options, recipe)} == {""}
    assert not (output / "videos" / "lamp.mp4").exists()


@pytest.mark.parametrize("changed", ["brand.yaml", "rows.csv"])
def test_a_plan_is_stale_when_a_file_has_changed_that_the_recipe_is_made_of(
    call: Call, tmp_path: Path, changed: str
) -> None:
    entry = 'videos: [{foreach: rows.csv, id: "{{ row.slug }}", topic: tea}]'
    (tmp_path / "recipe.yaml").write_text(f"version: 1\nname: tiny\ninclude: brand.yaml\n{entry}\n")
    (tmp_path / "brand.yaml").write_text("defaults: {duration: 4}\n")
    (tmp_path / "rows.csv").write_text("slug,notes\na,none\n")
    call("plan", "recipe.yaml", "--out", "plan.json")
    file = tmp_path / changed
    file.write_text(file.read_text().replace("{duration: 4}", "{duration: 4, x-note: 1}").replace("none", "some"))
    done = call("run", "recipe.yaml", "--plan", "plan.json")
    assert done.returncode == 2
    assert done.stderr.splitlines()[1:-1] == ["  the recipe's text, or that of a file which it is made of, has changed"]


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"format": "tiktoker-batch/manifest", "videos": []}'])
def test_what_is_no_plan_is_refused(call: Call, tiny: Path, text: str) -> None:
    (tiny.parent / "plan.json").write_text(text, encoding="utf-8")
    done = call("run", "tiny.yaml", "--plan", "plan.json")
    assert done.returncode == 2
    assert done.stderr.startswith("plan.json is no plan\n")
