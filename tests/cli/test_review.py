"""Text and pictures are looked at before they cost more: the whole way of a review, as a user goes it."""

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests import starting
from tests.cli.conftest import Call
from tests.cli.test_rehearse import CANARIES, simulator
from tests.cli.test_selecting import _jobs
from tests.starting import ARGV, clean_environment

pytestmark = pytest.mark.slow

TWO = """\
version: 1
name: two
defaults: {duration: 8, aspect_ratio: "1:1", resolution: 720p, fps: 4}
videos:
  - {id: lamp, topic: a lighthouse keeper in a storm, style: noir}
  - {id: tea, script: Tea is hot and the cup is cold., style: watercolor, prompts: [a cup of tea, a kettle]}
"""
CLOUD = """\
version: 1
name: cloud
defaults:
  duration: 12
  aspect_ratio: "1:1"
  resolution: 720p
  fps: 4
  retry: {initial_delay: 0.1}
  models:
    text: "openrouter:openai/gpt-4o-mini"
    image: "fal:fal-ai/flux/schnell"
    clip: "fal:fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video"
    narration: "elevenlabs:eleven_multilingual_v2"
videos:
  - {id: sea, topic: the tide}
"""


def made(done: "subprocess.CompletedProcess[str]") -> set[str]:
    """The steps that a run with --progress json has done."""
    assert done.returncode in {0, 1}, done.stderr
    events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return {event["step"] for event in events if event["event"] == "step_succeeded"}


def edit(path: Path, before: str, after: str, shot: int | None = None) -> None:
    """Change a shots.yaml as a person would: the first such words, or those of one shot."""
    text = path.read_text(encoding="utf-8")
    start = text.index(f"# {shot:02d}") if shot else 0
    assert before in text[start:]
    path.write_text(text[:start] + text[start:].replace(before, after, 1), encoding="utf-8")


def tell(call: Call, *arguments: object) -> set[str]:
    return made(call("run", "two.yaml", "--progress", "json", *arguments))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recipe, after a run that stopped at the pictures."""
    folder = tmp_path_factory.mktemp("stopped")
    (folder / "two.yaml").write_text(TWO, encoding="utf-8")
    argv = [*ARGV, "run", "two.yaml", "--until", "image"]
    starting.run(argv, cwd=folder, env=clean_environment(), check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture
def shots(stopped: Path, tmp_path: Path) -> Path:
    """The file of a video whose shots were written, in a copy of that folder."""
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    return tmp_path / "output" / "two" / "work" / "lamp" / "shots.yaml"


def test_a_run_that_stops_after_the_text_leaves_it_to_be_edited_and_an_untouched_file_changes_nothing(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "two.yaml").write_text(TWO, encoding="utf-8")
    done = call("run", "two.yaml", "--until", "shots")
    assert done.returncode == 0, done.stderr
    work = tmp_path / "output" / "two" / "work"
    for video in ("lamp", "tea"):
        assert str(Path("output/two/work") / video / "shots.yaml") in done.stdout
        text = (work / video / "shots.yaml").read_text(encoding="utf-8")
        assert (work / video / "story.txt").read_text(encoding="utf-8").strip() in text
        assert text.count("state: draft") == 2
        assert not list((work / video).glob("*.png"))
    assert "prompt: a cup of tea\n    motion: slow push in\n    duration: 4\n" in text
    before = (work / "lamp" / "shots.yaml").read_bytes()
    assert tell(call, "--until", "shots") == set()
    plan = json.loads(call("plan", "two.yaml", "--format", "json").stdout)
    assert [step["action"] for step in plan["videos"][0]["steps"][:2]] == ["reuse", "reuse"]
    assert (work / "lamp" / "shots.yaml").read_bytes() == before
    # A layout of one's own and a comment are no edit.
    (work / "lamp" / "shots.yaml").write_bytes(before + b"# looks good\n")
    assert tell(call, "--until", "shots") == set()
    assert (work / "lamp" / "shots.yaml").read_bytes() == before + b"# looks good\n"
    # Whoever has edited nothing gets what a changed recipe makes of it.
    (tmp_path / "two.yaml").write_text(TWO.replace("a cup of tea", "a pot of tea"), encoding="utf-8")
    assert tell(call, "--until", "shots") == {"tea/shots"}
    assert "a pot of tea" in (work / "tea" / "shots.yaml").read_text(encoding="utf-8")


def test_an_edited_prompt_makes_again_what_depends_on_it_and_nothing_else(call: Call, shots: Path) -> None:
    assert tell(call) >= {"lamp/assembly", "tea/assembly"}
    edit(shots, "prompt: ", "prompt: a red boat\n    x-was: ", shot=2)
    plan = json.loads(call("plan", "two.yaml", "--format", "json").stdout)
    to_run = {step["id"] for video in plan["videos"] for step in video["steps"] if step["action"] == "run"}
    depends = {"lamp/02/image", "lamp/02/clip", "lamp/assembly"}
    # The edit itself is written down by the two steps whose results it replaces; they ask nobody.
    assert to_run == depends | {"lamp/story", "lamp/shots"}
    told = call("plan", "two.yaml").stdout
    assert "edited text and shots: output/two/work/lamp/shots.yaml" in told
    assert "local:review" in told
    assert tell(call) == to_run
    assert "a red boat" in (shots.parent / "prompts" / "02-image.txt").read_text(encoding="utf-8")
    assert "a red boat" in call("render", "two.yaml", "--select", "lamp/02/image").stdout
    assert tell(call) == set()


@pytest.mark.thorough
def test_shots_of_the_recipe_are_edited_the_same_way(call: Call, shots: Path) -> None:
    tell(call)
    tea = shots.parents[1] / "tea" / "shots.yaml"
    edit(tea, "a kettle", "a copper kettle")
    assert tell(call) - {"tea/story", "tea/shots"} == {"tea/02/image", "tea/02/clip", "tea/assembly"}
    edit(tea, "motion: slow push in", "motion: whip pan to the left")
    assert tell(call) == {"tea/01/clip", "tea/assembly"}
    edit(tea, "narration: |-\n  Tea is hot", "narration: |-\n  Our tea is hot")
    assert tell(call) == {"tea/story", "tea/narration", "tea/captions", "tea/assembly"}


@pytest.mark.thorough
def test_an_edit_outlives_the_recipe_and_force_and_both_say_so(call: Call, tmp_path: Path, shots: Path) -> None:
    tell(call)
    edit(shots, "prompt: ", "prompt: a red boat\n    x-was: ", shot=2)
    kept = shots.read_bytes()
    recipe = tmp_path / "two.yaml"
    recipe.write_text(TWO.replace("a lighthouse keeper in a storm", "a baker at dawn"), encoding="utf-8")
    for command in ("validate", "plan"):
        said = call(command, "two.yaml").stderr
        assert "output/two/work/lamp/shots.yaml: the recipe has changed since this was written" in said
        assert "delete or rename the file to have story and shots written again" in said
    forced = call("run", "two.yaml", "--force", "lamp/story", "--until", "image", "--progress", "json")
    assert made(forced) == {"lamp/story", "lamp/shots", "lamp/02/image"}
    assert "it holds lamp/story, which --force does not write again" in forced.stderr
    assert shots.read_bytes() == kept
    assert "--force does not write again" in call("plan", "two.yaml", "--force", "lamp/story").stderr
    assert call("run", "two.yaml", "--strict").returncode == 2
    shots.unlink()
    assert tell(call, "--until", "shots") == {"lamp/story", "lamp/shots"}
    assert "baker" in shots.read_text(encoding="utf-8")


def test_only_approved_shots_get_clips_and_a_video_waits_for_all_of_its_shots(call: Call, shots: Path) -> None:
    edit(shots, "state: draft", "state: approved", shot=1)
    planned = call("plan", "two.yaml")
    assert re.search(r"clip x2 .* run 1, review 1", planned.stdout)
    assert "3 waiting for review" not in planned.stdout
    assert "2 waiting for review" in planned.stdout
    assert (
        "| video | run | reattach | reuse | skip | review | cost |"
        in call("plan", "two.yaml", "--format", "markdown").stdout
    )
    found = json.loads(call("plan", "two.yaml", "--format", "json").stdout)
    waits = [step["id"] for video in found["videos"] for step in video["steps"] if "waits_for" in step]
    assert waits == ["lamp/02/clip", "lamp/assembly"]
    done = call("run", "two.yaml", "--progress", "json")
    assert made(done) >= {"lamp/01/clip", "tea/assembly"}
    assert made(done).isdisjoint(waits)
    assert done.returncode == 1, "a video that was asked for is not there yet"
    assert "1 shot waiting for review" in done.stderr
    status = call("status", "output/two").stdout
    assert "waiting for review: 1 shot in work/lamp/shots.yaml" in status
    manifest = json.loads((shots.parents[2] / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["videos"][0]["waits_for_review"] == waits
    assert manifest["videos"][0]["edited"] == "work/lamp/shots.yaml"
    # Who rejects it has decided all the same: nothing is made of it.
    edit(shots, "state: draft", "state: rejected", shot=2)
    assert tell(call) == set()
    edit(shots, "state: rejected", "state: approved\n    take: 2", shot=2)
    picture = (shots.parent / "02.png").read_bytes()
    last = call("run", "two.yaml", "--progress", "json")
    assert (last.returncode, made(last)) == (0, {"lamp/02/image", "lamp/02/clip", "lamp/assembly"})
    assert (shots.parent / "02.png").read_bytes() != picture, "another take is another picture"


@pytest.mark.thorough
def test_a_locked_picture_stays_whatever_changes(call: Call, tmp_path: Path, shots: Path) -> None:
    edit(shots, "state: draft", "state: locked", shot=1)
    edit(shots, "state: draft", "state: approved", shot=2)
    first, second = ((shots.parent / f"0{number}.png").read_bytes() for number in (1, 2))
    recipe = tmp_path / "two.yaml"
    recipe.write_text(TWO.replace("style: noir", "style: anime"), encoding="utf-8")
    told = tell(call, "--force", "lamp/01/image")
    assert "lamp/01/image" not in told
    assert {"lamp/02/image", "lamp/01/clip", "lamp/assembly"} <= told
    assert (shots.parent / "01.png").read_bytes() == first
    assert (shots.parent / "02.png").read_bytes() != second
    assert tell(call) == set()
    (shots.parent / "01.png").write_bytes(b"painted over")
    spoiled = call("run", "two.yaml")
    assert spoiled.returncode == 1
    assert "work/lamp/01.png is gone or was changed, and shot 1 is locked" in spoiled.stderr
    assert (shots.parent / "01.png").read_bytes() == b"painted over"
    edit(shots, "state: locked", "state: approved", shot=1)
    assert "lamp/01/image" in tell(call), "unlocked, it is made in the style of today"
    assert (shots.parent / "01.png").read_bytes() != first


@pytest.mark.thorough
def test_a_recipe_can_ask_for_approval_before_any_clip(call: Call, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(TWO.replace("fps: 4}", "fps: 4, review: required}"), encoding="utf-8")
    done = call("run", "two.yaml", "--progress", "json")
    assert done.returncode == 1
    assert not {step for step in made(done) if step.endswith(("/clip", "/assembly"))}
    root = tmp_path / "output" / "two"
    assert (root / "review.html").exists()
    for video in ("lamp", "tea"):
        path = root / "work" / video / "shots.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("state: draft", "state: approved"), encoding="utf-8")
    assert call("run", "two.yaml").returncode == 0


def test_mistakes_are_told_at_their_place_and_nothing_is_started(call: Call, shots: Path) -> None:
    edit(shots, "state: draft", "state: aproved", shot=1)
    edit(shots, "duration: 4", "duration: soon", shot=2)
    edit(shots, "video: lamp", "video: lamb")
    for arguments in (("validate", "two.yaml"), ("run", "two.yaml")):
        said = call(*arguments)
        assert said.returncode == 2
        assert re.search(
            r"output/two/work/lamp/shots\.yaml:\d+:12: state: 'aproved' is none of .*; did you mean 'approved'\?",
            said.stderr,
        )
        assert re.search(
            r"shots\.yaml:\d+:15: duration: expected seconds from 1 to 600, got 'soon'\n.*\n?", said.stderr
        )
        assert "shots.yaml:5:8: video: this is the folder of 'lamp', and the file is about 'lamb'" in said.stderr
        assert "3 problems; nothing was started" in said.stderr


@pytest.mark.thorough
def test_another_story_is_chosen_and_its_shots_are_written_anew(call: Call, tmp_path: Path) -> None:
    told = "topic: a lighthouse keeper in a storm, duration: 24, story: {variants: 3}"
    recipe = TWO.replace("topic: a lighthouse keeper in a storm", told)
    (tmp_path / "two.yaml").write_text(recipe, encoding="utf-8")
    assert call("run", "two.yaml", "--until", "story").returncode == 0
    work = tmp_path / "output" / "two" / "work" / "lamp"
    path, stories = work / "shots.yaml", json.loads((work / "stories.json").read_text(encoding="utf-8"))
    text = path.read_text(encoding="utf-8")
    assert len(stories) == 3
    assert "# Not chosen (1 of " in text
    assert "\nshots:" not in text
    other = next(story for story in stories if story != stories[0])
    mine = text.replace(f"|-\n  {stories[0]}", json.dumps(other))
    path.write_text(mine, encoding="utf-8")
    assert tell(call, "--until", "shots") == {"lamp/story", "lamp/shots", "tea/shots"}
    assert (work / "story.txt").read_text(encoding="utf-8").strip() == other
    whole = path.read_text(encoding="utf-8")
    assert whole.startswith(mine), "what a person wrote stands as it stood"
    assert whole.count("state: draft") == 6
    # With its shots in the file it is one edit like any other.
    pictures = tell(call, "--until", "image")
    assert {f"lamp/0{number}/image" for number in range(1, 7)} <= pictures
    edit(path, "prompt: ", "prompt: a red boat\n    x-was: ", shot=3)
    assert tell(call, "--until", "image") == {"lamp/shots", "lamp/03/image"}


def test_nothing_is_paid_twice_after_an_edit(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cloud.yaml").write_text(CLOUD, encoding="utf-8")
    path = tmp_path / "output" / "cloud" / "work" / "sea" / "shots.yaml"
    with simulator(tmp_path) as services:
        environ = {**services, **CANARIES}

        def paid(*arguments: str) -> Counter[str]:
            done = call("run", "cloud.yaml", "--no-cache", *arguments, **environ)
            assert done.returncode in {0, 1}, done.stderr
            return Counter(str(job["kind"]) for job in _jobs(services) if job["paid"])

        text = paid("--until", "shots")
        assert set(text) == {"text"}
        assert paid("--until", "image") == {**text, "image": 2}
        edit(path, "prompt: ", "prompt: a red boat\n    x-was: ", shot=2)
        edit(path, "state: draft", "state: approved", shot=1)
        assert paid("--until", "image") == {**text, "image": 3}
        assert paid() == {**text, "image": 3, "clip": 1, "narration": 1}
        edit(path, "state: draft", "state: approved", shot=2)
        done = {**text, "image": 3, "clip": 2, "narration": 1}
        assert paid() == done
        assert paid() == done
        edit(path, "narration: ", "narration: The tide takes the sand.\nx-was: ")
        assert paid() == {**done, "narration": 2}


def test_a_rehearsal_waits_for_nobody(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cloud.yaml").write_text(CLOUD.replace("fps: 4", "fps: 4\n  review: required"), encoding="utf-8")
    done = call("rehearse", "cloud.yaml", "--speed", "1000", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "done"
