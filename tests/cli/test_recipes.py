"""Commands that look at a recipe and run nothing."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import TINY, Call
from tests.starting import ROOT
from tiktoker_batch.resources import resource_path

BROKEN = TINY.replace("style: noir", "style: nior").replace("fps: 4", "fsp: 12")
CLOUD = TINY.replace(
    "name: tiny\n",
    'name: tiny\nbudget: {max_usd: 0.01}\nstyles: {brand: flat teal shapes}\nvoices: {me: "elevenlabs:abc"}\n',
).replace("fps: 4", 'fps: 4, models: {image: "fal:fal-ai/nano-banana"}')


def test_a_valid_recipe_is_counted(call: Call, tiny: Path) -> None:
    done = call("validate", "tiny.yaml", ROOT / "recipes" / "week12.yaml")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "tiny.yaml: ok (1 video, 7 steps)"
    assert "week12.yaml: ok (7 videos, " in done.stdout
    assert done.stderr == ""


def test_problems_are_all_told_with_their_places_and_hide_no_other_recipe(call: Call, tiny: Path) -> None:
    (tiny.parent / "broken.yaml").write_text(BROKEN)
    done = call("validate", "broken.yaml", "tiny.yaml")
    assert done.returncode == 2
    assert done.stdout == "tiny.yaml: ok (1 video, 7 steps)\n"
    assert "broken.yaml:3:43: " in done.stderr
    assert "did you mean 'fps'?" in done.stderr
    assert "did you mean 'noir'?" in done.stderr
    assert done.stderr.endswith("2 problems; nothing was started\n")


def test_problems_are_data_for_programs(call: Call, tiny: Path) -> None:
    tiny.write_text(BROKEN)
    done = call("validate", "tiny.yaml", "--format", "json")
    assert done.returncode == 2
    (found,) = json.loads(done.stdout)
    assert found["ok"] is False
    assert [(each["path"], each["line"]) for each in found["problems"]] == [("tiny.yaml", 3), ("tiny.yaml", 7)]


@pytest.mark.parametrize("option", ["--select", "--exclude"])
@pytest.mark.parametrize(
    "command", ["render", "plan", "run", "rehearse", "calendar", "validate", "doctor", "reconcile"]
)
def test_whatever_works_on_videos_takes_some_or_leaves_some_out_and_knows_their_names(
    call: Call, tiny: Path, command: str, option: str
) -> None:
    done = call(command, "tiny.yaml", option, "tag:sea or lmap/*")
    assert done.returncode == 2
    assert done.stderr.startswith("in 'tag:sea or lmap/*': no step matches 'lmap/*'; did you mean 'lamp/*'?\n")
    assert not (tiny.parent / "output").exists()


@pytest.mark.parametrize("command", ["validate", "render", "plan", "run", "status", "report", "doctor", "styles"])
def test_a_recipe_that_is_not_there_gets_the_nearest_name(call: Call, tiny: Path, command: str) -> None:
    done = call(command, "tyni.yaml")
    assert done.returncode == 2
    assert "did you mean 'tiny.yaml'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_where_an_error_came_from_wherever_it_is_said(call: Call) -> None:
    assert "Traceback" in call("--debug", "plan", "x.yaml").stderr
    assert "Traceback" in call("plan", "x.yaml", "--debug").stderr


# ---------------------------------------------------------------------- render


def test_prompts_are_printed_as_they_will_be_sent(call: Call, tiny: Path) -> None:
    done = call("render", "tiny.yaml")
    assert done.returncode == 0
    assert "--- lamp/01/image (local:painter)\na lamp at the end of a pier" in done.stdout
    assert "--- lamp/01/clip (local:camera)\n" in done.stdout
    assert done.stderr == ""


def test_words_that_are_not_written_yet_are_marked_and_said_once(call: Call, tmp_path: Path) -> None:
    (tmp_path / "topic.yaml").write_text(
        "version: 1\nname: t\nvideos: [{id: fox, topic: a fox, duration: 8, story: {variants: 2}}]\n"
    )
    done = call("render", "topic.yaml")
    assert "--- fox/story (local:writer, variant 2 of 2)" in done.stdout
    assert "«story»" in done.stdout
    assert "«shot 2»" in done.stdout
    assert done.stderr.count("note:") == 1
    prompts = json.loads(call("render", "topic.yaml", "--format", "json", "--select", "fox/01/*").stdout)
    assert [(each["step"], each["kind"], each["model"], each["deferred"]) for each in prompts] == [
        ("fox/01/image", "image", "local:painter", True),
        ("fox/01/clip", "clip", "local:camera", True),
    ]


def test_what_is_excluded_is_not_rendered(call: Call, tiny: Path) -> None:
    shown = call("render", "tiny.yaml", "--select", "lamp", "--exclude", "*/image").stdout
    assert "--- lamp/01/clip" in shown
    assert "--- lamp/01/image" not in shown
    nothing = call("render", "tiny.yaml", "--exclude", "lamp")
    assert (nothing.returncode, nothing.stderr) == (2, "no step with a prompt is left\n")


def test_a_selection_of_nothing_is_a_mistake(call: Call, tiny: Path) -> None:
    done = call("render", "tiny.yaml", "--select", "lmap")
    assert done.returncode == 2
    assert "did you mean 'lamp'?" in done.stderr


def test_a_terminal_without_unicode_gets_question_marks(call: Call, tmp_path: Path) -> None:
    (tmp_path / "topic.yaml").write_text("version: 1\nname: t\nvideos: [{id: fox, topic: a fox, duration: 8}]\n")
    text = call("render", "topic.yaml", PYTHONIOENCODING="ascii")
    assert text.returncode == 0
    assert "?story?" in text.stdout
    programs = call("render", "topic.yaml", "--format", "json", PYTHONIOENCODING="ascii")
    assert "«story»" in json.loads(programs.stdout)[1]["prompt"]


# ---------------------------------------------------------------------- plan


def test_a_plan_says_what_would_run_and_writes_nothing(call: Call, tiny: Path) -> None:
    done = call("plan", "tiny.yaml")
    assert done.returncode == 0
    assert done.stdout.startswith("tiny: 1 video, 7 steps -> output/tiny\n")
    assert "to do: 7 steps, about " in done.stdout
    assert "critical path: lamp: " in done.stdout
    assert list(tiny.parent.iterdir()) == [tiny]


def test_the_same_recipe_gives_the_same_plan_to_the_byte(call: Call, tiny: Path, tmp_path: Path) -> None:
    alone = {"TIKTOKER_CACHE_DIR": str(tmp_path / "cache")}  # runs of other tests would teach it in between
    first, second = (call("plan", "tiny.yaml", "--format", "json", **alone).stdout for _ in range(2))
    assert first == second
    plan = json.loads(first)
    assert plan["format"] == "tiktoker-batch/plan"
    assert plan["totals"]["run"] == 7


def test_a_plan_warns_of_the_budget_and_of_missing_keys(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cloud.yaml").write_text(CLOUD)
    done = call("plan", "cloud.yaml", "--detailed-exitcode")
    assert done.returncode == 2
    assert "warning: the estimate of $0.0400 is above budget.max_usd ($0.0100)" in done.stderr
    assert "not ready to run: fal: set FAL_KEY" in done.stderr


def test_whoever_is_strict_starts_nothing_with_a_warning(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cloud.yaml").write_text(CLOUD)
    done = call("run", "cloud.yaml", "--strict", FAL_KEY="a:b")
    assert done.returncode == 2
    assert "the estimate of $0.0400 is above budget.max_usd ($0.0100)" in done.stderr
    assert "nothing was started" in done.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "cloud.yaml"]
    assert "warning" not in call("run", "cloud.yaml", "--dry-run", "--strict", "--budget", "1").stderr


@pytest.mark.parametrize("limit", ["fal", "fal=0", "fal=many", "=3"])
def test_a_limit_needs_a_name_and_a_number(call: Call, tiny: Path, limit: str) -> None:
    done = call("plan", "tiny.yaml", "--limit", limit)
    assert done.returncode == 2
    assert "is not NAME=N" in done.stderr


def test_a_limit_that_nothing_is_called_gets_the_nearest_name(call: Call, tiny: Path) -> None:
    done = call("plan", "tiny.yaml", "--limit", "ffmpg=1")
    assert done.returncode == 2
    assert "did you mean 'ffmpeg'?" in done.stderr


# ---------------------------------------------------------------------- lists


def test_the_recipes_own_names_come_first(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cloud.yaml").write_text(CLOUD)
    styles = json.loads(call("styles", "cloud.yaml", "--format", "json").stdout)
    voices = json.loads(call("voices", "cloud.yaml", "--format", "json").stdout)
    assert (styles[0]["name"], styles[0]["prompt"], styles[0]["origin"]) == ("brand", "flat teal shapes", "cloud.yaml")
    assert (voices[0]["name"], voices[0]["ids"]) == ("me", {"elevenlabs": "abc"})
    assert [style["origin"] for style in styles[1:]] == ["built-in"] * 20
    assert call("styles").stdout.splitlines()[0].startswith("realistic_cinematic")


def test_models_show_what_they_offer_and_cost(call: Call, tmp_path: Path) -> None:
    clips = call("models", "--kind", "clip").stdout.splitlines()
    (veo,) = [line for line in clips if "veo3.1/fast" in line]
    assert veo.split(maxsplit=3)[1:3] == ["clip", "$0.10/second?"]
    assert "4, 6, 8 s; 16:9, 9:16; 720p, 1080p" in veo
    assert {line.split()[1] for line in clips} == {"clip"}
    (tmp_path / "cloud.yaml").write_text(CLOUD)
    used = json.loads(call("models", "cloud.yaml", "--format", "json", "--kind", "image").stdout)
    assert [(model["model"], model["price"]["usd"]) for model in used] == [("fal:fal-ai/nano-banana", 0.04)]


def test_the_schema_is_printed_byte_for_byte(call: Call) -> None:
    assert call("schema").stdout.encode() == resource_path("schemas", "recipe.schema.json").read_bytes()


# ---------------------------------------------------------------------- doctor


def test_the_doctor_never_shows_a_key(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cloud.yaml").write_text(CLOUD)
    ill = call("doctor", "cloud.yaml", "--format", "json")
    assert ill.returncode == 3
    by_name = {check["name"]: check for check in json.loads(ill.stdout)}
    assert by_name["fal key"]["verdict"] == "problem"
    assert "FAL_KEY" in by_name["fal key"]["mend"]
    assert by_name["openrouter key"]["verdict"] == "ok"
    keyed = call("doctor", "cloud.yaml", "--offline", FAL_KEY="sk-very-secret")
    assert "sk-very" not in keyed.stdout + keyed.stderr
    assert "very-secret" not in keyed.stdout + keyed.stderr


def test_the_doctor_finds_an_ffmpeg_that_cannot_be_run(call: Call) -> None:
    done = call("doctor", TIKTOKER_FFMPEG="/nowhere/ffmpeg")
    assert done.returncode == 3
    assert "TIKTOKER_FFMPEG is '/nowhere/ffmpeg', which cannot be run" in done.stdout
    assert done.stdout.endswith("1 problem to mend\n")


def test_a_machine_that_can_make_local_videos_is_ready(call: Call, tiny: Path) -> None:
    done = call("doctor", "tiny.yaml")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "ready")


SERIES = """\
version: 1
name: series
defaults: {publish: {every: "weekday 18:00", start: 2027-03-15, timezone: Europe/Berlin}}
videos:
  - {id: one, topic: a lamp, publish: {caption: Über, platforms: [tiktok]}}
  - {id: two, topic: a lamp}
  - {id: far, topic: a lamp, publish: {at: 2007-03-15T18:00:00Z}}
"""


def test_the_calendar_can_be_read_by_people_and_programs(call: Call, tmp_path: Path) -> None:
    (tmp_path / "series.yaml").write_text(SERIES, encoding="utf-8")
    table = call("calendar", "series.yaml")
    assert table.returncode == 0
    assert "Monday 2027-03-15\n  18:00  +01:00  one  pending  tiktok  Über" in table.stdout
    assert "warning: 'far': not made yet, and its moment is past" in table.stderr
    some = call("calendar", "series.yaml", "--format", "json", "--select", "t*")
    assert [entry["publish_at"] for entry in json.loads(some.stdout)] == ["2027-03-16T18:00:00+01:00"]
    made = call("calendar", "series.yaml", "--format", "ics", PYTHONIOENCODING="ascii")
    assert made.stdout.count("BEGIN:VEVENT") == 3
    assert "SUMMARY:Über" in made.stdout
    assert "March 2027" in call("calendar", "series.yaml", "--format", "html").stdout
