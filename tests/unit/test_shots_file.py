"""shots.yaml: written so that it reads back as what it was, and known as edited by what it says alone."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.values import a_model, a_video
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.model import Models, Video
from tiktoker_batch.recipe.prompts import builtin_templates
from tiktoker_batch.recipe.shots_file import ShotsFile, as_edit, read_shots_file
from tiktoker_batch.recipe.shots_text import Written, appended, shots_text
from tiktoker_batch.shots import Shot, Style

NOIR = Style(name="noir", prompt="black and white")
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), min_size=1).filter(
    lambda text: bool(text.strip())
)


def written(*shots: Shot, narration: str = "A light.\n\nIt goes out.") -> Written:
    seen = shots or (Shot(prompt="a lamp"),)
    return Written(video="one", narration=narration, story_key="5" * 64, shots=seen, shots_key="c" * 64)


def read(folder: Path, text: str, video: Video | None = None) -> ShotsFile:
    path = folder / "shots.yaml"
    path.write_text(text, encoding="utf-8")
    return read_shots_file(path, video or a_video(templates=dict(builtin_templates())), {"noir": NOIR}.get, folder)  # type: ignore[arg-type]


def faults(folder: Path, text: str, video: Video | None = None) -> list[str]:
    with pytest.raises(RecipeError) as raised:
        read(folder, text, video)
    return [f"{each.line}:{each.column}: {each.message}" for each in raised.value.problems]


@settings(max_examples=150, deadline=None)
@given(TEXT, TEXT, TEXT)
def test_whatever_was_written_reads_back_and_is_no_edit(
    tmp_path_factory: pytest.TempPathFactory, narration: str, prompt: str, motion: str
) -> None:
    shot = Shot(prompt=prompt.strip(), motion=motion.strip(), duration=4.5, style=NOIR, take=3, state="locked")
    found = read(tmp_path_factory.getbasetemp(), shots_text(written(shot, narration=narration.strip())))
    assert found.shots == (shot,)
    assert found.narration == narration.strip()
    assert not found.is_edited
    assert (found.story_key, found.shots_key) == ("5" * 64, "c" * 64)


@pytest.mark.parametrize("prompt", ["yes", "12", "a: b", "# none", "'", '"', "- a", "x  y", "{a}", "null", "a #b"])
def test_words_that_mean_something_in_yaml_are_put_in_quotes(tmp_path: Path, prompt: str) -> None:
    found = read(tmp_path, shots_text(written(Shot(prompt=prompt))))
    assert found.shots == (Shot(prompt=prompt),)


def test_long_prompts_are_folded_and_stay_one_line(tmp_path: Path) -> None:
    prompt = "a lamp at the end of a pier in the rain " * 6
    text = shots_text(written(Shot(prompt=prompt.strip())))
    assert "prompt: >-\n" in text
    assert max(map(len, text.splitlines())) <= 130
    assert read(tmp_path, text).shots == (Shot(prompt=prompt.strip()),)


def test_layout_and_comments_are_no_edit_and_every_value_is(tmp_path: Path) -> None:
    text = shots_text(written(Shot(prompt="a lamp", motion="slow", duration=4)))
    assert not read(tmp_path, text.replace("# 01", "# the first one")).is_edited
    assert not read(tmp_path, text.replace("prompt: a lamp", 'prompt: "a lamp"   # nice')).is_edited
    for before, after in (
        ("a lamp", "a candle"),
        ("slow", "fast"),
        ("duration: 4", "duration: 5"),
        ("state: draft", "state: approved"),
        ("A light.", "The light."),
        ("    duration: 4\n", "    duration: 4\n    take: 2\n"),
        ("    duration: 4\n", "    duration: 4\n  - prompt: another\n"),
    ):
        assert read(tmp_path, text.replace(before, after)).is_edited, after


def test_what_a_person_writes_is_linted_like_a_recipe(tmp_path: Path) -> None:
    video = a_video(templates=dict(builtin_templates()))
    text = (
        "version: 1\nvideo: one\nnarration: x\nshots:\n  - prompt: ein Leuchtturm im Sturm\n  - prompt: wide shot, 8k\n"
    )
    found = read(tmp_path, text, video)
    assert [str(warning).removeprefix(f"{tmp_path / 'shots.yaml'}:") for warning in found.warnings] == [
        "5:13: shot 1: it looks like German; picture models understand English best",
        "6:13: shot 2: it says how something is seen, and not what; name a subject",
    ]
    assert read(tmp_path, text.replace("  - ", "  - state: approved\n    "), video).warnings == ()


def test_a_file_of_ones_own_needs_no_keys(tmp_path: Path) -> None:
    found = read(tmp_path, "version: 1\nvideo: one\nnarration: Words.\nshots: [{prompt: a lamp}]\n")
    assert found.is_edited
    assert (found.story_key, found.shots_key) == (None, None)


def test_what_is_as_the_video_says_counts_as_not_said() -> None:
    video = a_video(templates=dict(builtin_templates()), style=NOIR)
    shot = Shot(prompt="a lamp", motion="slow push in", duration=4.0, style=NOIR)
    edit = as_edit(ShotsFile(narration="x", shots=(shot, replace(shot, motion="tilt up"))), video, "f", Path())
    assert edit.shots == (Shot(prompt="a lamp"), Shot(prompt="a lamp", motion="tilt up"))


def test_shots_are_added_behind_what_a_person_wrote(tmp_path: Path) -> None:
    mine = "# mine\nversion: 1\nvideo: one\nnarration: Words."
    whole = appended(mine, written(Shot(prompt="a lamp", motion="slow", duration=4)))
    assert whole.startswith(mine + "\n")
    found = read(tmp_path, whole)
    assert found.shots == (Shot(prompt="a lamp", motion="slow", duration=4),)
    assert found.shots_key == "c" * 64
    assert found.is_edited


def test_every_mistake_is_told_at_its_place(tmp_path: Path) -> None:
    text = """\
version: 2
video: two
narration:
shotz: []
shots:
  - state: lokced
    prompt: 12
    motoin: slow
  - {prompt: a lamp, take: 0, style: noit, duration: yes}
  - just words
"""
    video = a_video()
    clip = replace(video.models.clip, durations=(4.0, 6.0), duration_range=None)
    strict = replace(video, models=replace(video.models, clip=clip))

    def style_of(name: str) -> Style | str:
        return f"unknown style {name!r}"

    path = tmp_path / "shots.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as raised:
        read_shots_file(path, strict, style_of, tmp_path)
    assert [f"{each.line}:{each.column}: {each.message}" for each in raised.value.problems] == [
        "1:10: version: expected 1, got 2",
        "2:8: video: this is the folder of 'one', and the file is about 'two'",
        "3:11: narration: expected text, got nothing",
        "4:1: unknown key 'shotz'; did you mean 'shots'?",
        "6:12: state: 'lokced' is none of draft, approved, locked, rejected; did you mean 'locked'?",
        "7:13: prompt: expected text, got 12; put it in quotes",
        "8:5: unknown key 'motoin'; did you mean 'motion'?",
        "9:28: take: expected a whole number from 1, got 0",
        "9:38: unknown style 'noit'",
        "9:54: duration: expected seconds from 1 to 600, got 'yes'",
        "10:5: expected a shot with 'state' and 'prompt', got 'just words'",
    ]
    fine = "version: 1\nvideo: one\nnarration: x\nshots:\n  - prompt: a\n    duration: 5\n"
    assert faults(tmp_path, fine, strict) == ["6:15: clip model 'local:camera' offers 4, 6 s segments, not 5"]
    assert "2:2" in faults(tmp_path, "version: 1\n  x: 2: 3\n")[0] or faults(tmp_path, "version: 1\n  x: 2: 3\n")


def test_a_prompt_that_the_models_do_not_take_is_told_before_anything_is_bought(tmp_path: Path) -> None:
    video = a_video(templates=dict(builtin_templates()))
    image = a_model("image", "painter", prompt_characters=40)
    models = video.models
    tight = replace(video, models=Models(text=models.text, image=image, clip=models.clip, narration=models.narration))
    text = f"version: 1\nvideo: one\nnarration: x\nshots:\n  - prompt: {'a' * 50}\n"
    (found,) = faults(tmp_path, text, tight)
    assert found.startswith("5:13: the image prompt would be 67 characters with style; image model")
    assert found.endswith("shorten this shot by 27")
