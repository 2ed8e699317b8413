"""What ``init`` leaves: folders that run, for every template."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tiktoker_batch import __version__, app, publishing
from tiktoker_batch.errors import UsageError
from tiktoker_batch.planning.selection import Choice, Shard
from tiktoker_batch.previewing import preview
from tiktoker_batch.recipe.schema import check_schema
from tiktoker_batch.recipe.source import load_source
from tiktoker_batch.starting import TEMPLATES, start
from tiktoker_batch.validating import validate

WEDNESDAY = date(2027, 3, 17)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_is_valid_and_plans(tmp_path: Path, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = start(Path(), template, WEDNESDAY)[0]
    assert check_schema(load_source(recipe))[0] == []
    (checked,) = validate([recipe], app.Options())
    assert (checked.problems, checked.warnings) == ((), ())
    plan = preview(recipe, app.Options()).opened.plan
    assert plan.videos
    assert {step.provider for step in plan.steps} == {"local"}, "a newcomer has no keys"
    assert recipe.read_text().startswith("# yaml-language-server: $schema=.tiktoker-batch/recipe.schema.json\n")


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_plans_with_cloud_models_too_within_its_budget(tmp_path: Path, template: str) -> None:
    recipe = start(tmp_path, template, WEDNESDAY)[0]
    found = preview(recipe, app.Options(profiles=("standard",)))
    assert found.estimate.cost_usd > 0
    assert found.warnings == []


def test_a_week_begins_on_the_next_monday(tmp_path: Path) -> None:
    recipe = start(tmp_path, "weekly", WEDNESDAY)[0]
    found = publishing.content_calendar(recipe, app.Options())
    assert found.entries[0].at.date() == date(2027, 3, 22)
    assert found.entries[0].at.strftime("%A") == "Monday"
    assert len(found.entries) == 7


def test_nothing_that_is_there_is_overwritten_or_added_to(tmp_path: Path) -> None:
    (tmp_path / "week.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"week\.yaml is there already"):
        start(tmp_path, "weekly", WEDNESDAY)
    assert [path.name for path in tmp_path.iterdir()] == ["week.yaml"]
    assert (tmp_path / "week.yaml").read_text() == "mine"


def test_keys_and_results_are_kept_out_of_git(tmp_path: Path) -> None:
    start(tmp_path / "new", "weekly", WEDNESDAY)
    assert {"/output/", ".env"} <= set((tmp_path / "new" / ".gitignore").read_text().split())
    assert (tmp_path / "new" / ".env.example").exists()


def test_what_a_calendar_s_jobs_install_is_this_version(tmp_path: Path) -> None:
    start(tmp_path, "calendar", WEDNESDAY)
    assert (tmp_path / "requirements.txt").read_text() == f"tiktoker-batch[espeak]=={__version__}\n"
    assert (tmp_path / ".github" / "workflows" / "videos.yml").exists()
    assert (tmp_path / ".gitlab-ci.yml").exists()
    assert {"/output/", "/shards/", ".env"} <= set((tmp_path / ".gitignore").read_text().split())


def test_a_post_goes_out_in_every_language_at_six_in_the_evening_of_its_people(tmp_path: Path) -> None:
    recipe = start(tmp_path, "calendar", WEDNESDAY)[0]
    entries = publishing.content_calendar(recipe, app.Options()).entries
    assert len(entries) == 8
    assert {(entry.at.strftime("%H:%M"), entry.at.strftime("%A")) for entry in entries} == {
        ("18:00", "Monday"),
        ("18:00", "Thursday"),
    }
    zones = {(entry.video.language, str(entry.at.tzinfo)) for entry in entries}
    assert zones == {("de", "Europe/Berlin"), ("en", "America/New_York")}


def test_the_pictures_of_a_post_are_bought_once_for_both_languages(tmp_path: Path) -> None:
    recipe = start(tmp_path, "calendar", WEDNESDAY)[0]
    alone = preview(recipe, app.Options(profiles=("studio",), choice=Choice(select=("*-en",)))).estimate.cost_usd
    found = preview(recipe, app.Options(profiles=("studio",)))
    assert alone < found.estimate.cost_usd < alone * Decimal("1.1")
    assert found.warnings == []
    halves = [Choice(shard=Shard(number, 2)) for number in (1, 2)]
    shared = [preview(recipe, app.Options(profiles=("studio",), choice=half)).estimate.cost_usd for half in halves]
    assert sum(shared) == found.estimate.cost_usd, "two machines buy nothing twice"
    assert min(shared) > 0
