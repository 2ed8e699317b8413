"""What ``init`` leaves is made and rehearsed, as somebody new would."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tiktoker_batch.starting import TEMPLATES

pytestmark = pytest.mark.slow
RECIPES = {"quickstart": ("first.yaml", "standard"), "weekly": ("week.yaml", "standard")}
RECIPES["calendar"] = ("calendar.yaml", "studio")


def with_few_frames(recipe: Path) -> None:
    """What the steps are stays as it is; only the assembling is over sooner."""
    text = recipe.read_text(encoding="utf-8")
    assert text.count("resolution: 720p") == 1
    recipe.write_text(text.replace("resolution: 720p", "resolution: 720p\n  fps: 2"), encoding="utf-8")


@pytest.mark.parametrize(
    "template", ["quickstart", *(pytest.param(name, marks=pytest.mark.thorough) for name in TEMPLATES[1:])]
)
def test_every_template_is_rehearsed_with_paid_models_for_nothing(call: Call, tmp_path: Path, template: str) -> None:
    recipe, profile = RECIPES[template]
    assert call("init", ".", "--template", template).returncode == 0
    with_few_frames(tmp_path / recipe)
    done = call("rehearse", recipe, "--profile", profile, "--speed", "1000", "--format", "json")
    assert done.returncode == 0, done.stderr
    rehearsed = json.loads(done.stdout)
    assert rehearsed["state"] == "done"
    assert float(rehearsed["paid_usd"]) > 2
    assert rehearsed["makespan_seconds"] > 60


def test_a_post_of_the_calendar_is_really_made(call: Call, tmp_path: Path) -> None:
    assert call("init", "tea", "--template", "calendar").returncode == 0
    with_few_frames(tmp_path / "tea" / "calendar.yaml")
    done = call("run", "tea/calendar.yaml", "--select", "first-infusion-de")
    assert done.returncode == 0, done.stderr
    videos = tmp_path / "output" / "calendar" / "videos"
    assert sorted(path.name for path in videos.glob("*.mp4")) == ["first-infusion-de.mp4"]
    assert "Grüner Tee" in (videos / "first-infusion-de.srt").read_text(encoding="utf-8").replace("\n", " ")
    told = json.loads((videos / "first-infusion-de.json").read_text(encoding="utf-8"))
    assert told["hashtags"] == ["tee", "teezeit", "basics"]
    assert (tmp_path / "output/calendar/work/first-infusion-de/music.flac").stat().st_size > 100_000
