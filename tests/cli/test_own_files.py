"""Pictures and clips that a user has already: taken as they are, known by their content, never paid for."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Call
from tests.own_files import a_clip, a_picture

pytestmark = pytest.mark.slow

RECIPE = """\
version: 1
name: own
defaults: {duration: 9, fps: 4, captions: false}
videos:
  - id: pier
    script: A small lamp burns at the end of the pier, and nobody has seen who lights it every single evening.
    prompts:
      - {prompt: a lamp, image: pictures/lamp.jpg}
      - {prompt: a pier, clip: clips/pier.mp4, duration: 2.5}
      - a fox
"""
FOUR = ("pier/01/image", "pier/01/clip", "pier/02/image", "pier/02/clip")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A recipe of which one picture and one clip are there already."""
    a_picture(tmp_path / "pictures" / "lamp.jpg", "maroon")
    a_clip(tmp_path / "clips" / "pier.mp4")
    (tmp_path / "own.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


def steps(call: Call, *options: str) -> dict[str, dict[str, object]]:
    """The plan's steps by their ids."""
    plan = json.loads(call("plan", "own.yaml", "--format", "json", *options).stdout)
    return {step["id"]: step for step in plan["videos"][0]["steps"]}


def test_what_is_there_already_costs_nothing_and_is_used_as_it_is(call: Call, own: Path) -> None:
    planned = steps(call, "--profile", "standard")
    assert [planned[name]["model"] for name in FOUR] == ["file", "fal-ai/veo3.1/fast/image-to-video", "frame", "file"]
    free = ("pier/01/image", "pier/02/image", "pier/02/clip")
    assert {planned[name]["estimated_cost_usd"] for name in free} == {0}
    assert planned["pier/01/clip"]["needs"] == ["pier/01/image"]
    assert planned["pier/02/clip"]["needs"] == []
    sent = call("render", "own.yaml", "--format", "json").stdout
    assert [each["step"] for each in json.loads(sent)] == ["pier/03/image", "pier/01/clip", "pier/03/clip"]

    done = call("run", "own.yaml")
    assert done.returncode == 0, done.stderr
    work = own / "output" / "own" / "work" / "pier"
    assert (work / "01.jpg").read_bytes() == (own / "pictures" / "lamp.jpg").read_bytes()
    assert (work / "02.mp4").read_bytes() == (own / "clips" / "pier.mp4").read_bytes()
    with Image.open(work / "02.png") as frame:
        assert frame.size == (160, 120)
        red, green, blue = frame.convert("RGB").getpixel((80, 60))  # type: ignore[misc]
        assert red < 40 < min(green, blue)
    assert {step["action"] for step in steps(call).values()} == {"reuse"}


def test_a_file_is_known_by_its_content_wherever_it_lies(call: Call, own: Path) -> None:
    assert call("run", "own.yaml").returncode == 0
    (own / "elsewhere").mkdir()
    (own / "pictures" / "lamp.jpg").rename(own / "elsewhere" / "lamp.jpg")
    (own / "own.yaml").write_text(RECIPE.replace("pictures/lamp", "elsewhere/lamp"), encoding="utf-8")
    assert {step["action"] for step in steps(call).values()} == {"reuse"}
    picture = a_picture(own / "elsewhere" / "lamp.jpg", "navy")
    to_do = {name for name, step in steps(call).items() if step["action"] == "run"}
    assert to_do == {"pier/01/image", "pier/01/clip", "pier/assembly"}
    assert call("run", "own.yaml").returncode == 0
    manifest = json.loads((own / "output" / "own" / "manifest.json").read_text(encoding="utf-8"))
    (image,) = [step for step in manifest["videos"][0]["steps"] if step["id"] == "pier/01/image"]
    assert image["artifact"]["sha256"] == sha256(picture.read_bytes()).hexdigest()


def test_a_damaged_file_fails_its_shot_and_says_which(call: Call, own: Path) -> None:
    whole = (own / "clips" / "pier.mp4").read_bytes()
    (own / "clips" / "pier.mp4").write_bytes(whole[: len(whole) // 2])
    (own / "pictures" / "lamp.jpg").write_bytes((own / "pictures" / "lamp.jpg").read_bytes()[:200])
    done = call("run", "own.yaml")
    assert done.returncode == 1
    assert "pier.mp4 cannot be read as media" in done.stderr
    assert "lamp.jpg: not a whole picture" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_edited_list_of_shots_keeps_its_files_and_can_name_others(call: Call, own: Path) -> None:
    assert call("run", "own.yaml", "--until", "image").returncode == 0
    edit = own / "output" / "own" / "work" / "pier" / "shots.yaml"
    text = edit.read_text(encoding="utf-8")
    assert "    image: pictures/lamp.jpg\n" in text
    assert "    clip: clips/pier.mp4\n" in text
    edit.write_text(text.replace("prompt: a fox", "prompt: a hare\n    image: pictures/hare.png"), encoding="utf-8")
    missing = call("validate", "own.yaml")
    assert missing.returncode == 2
    assert "shots.yaml" in missing.stderr
    assert "there is no file 'hare.png' in 'pictures'" in missing.stderr
    a_picture(own / "pictures" / "hare.png", "olive")
    planned = steps(call)
    assert [planned[f"pier/0{number}/image"]["model"] for number in (1, 2, 3)] == ["file", "frame", "file"]
    assert planned["pier/01/image"]["action"] == "reuse"
    edit.write_text(
        text.replace("    image: pictures/lamp.jpg\n", "    image: own.yaml\n    take: 2\n"), encoding="utf-8"
    )
    wrong = call("validate", "own.yaml").stderr
    assert "'own.yaml' is not a picture (PNG, JPEG or WebP)" in wrong
    assert "take: this shot has a file of its own" in wrong


def test_a_moved_project_finds_its_files(call: Call, own: Path) -> None:
    assert call("run", "own.yaml", "--until", "shots").returncode == 0
    home = own / "moved"
    home.mkdir()
    for name in ("own.yaml", "pictures", "clips", "output"):
        (own / name).rename(home / name)
    edit = home / "output" / "own" / "work" / "pier" / "shots.yaml"
    edit.write_text(edit.read_text(encoding="utf-8").replace("a fox", "a hare"), encoding="utf-8")
    done = call("validate", "moved/own.yaml", "--output", "moved/output/own")
    assert done.returncode == 0, done.stderr
