"""What TikToker leaves becomes a recipe: its words as they stand, its settings by our names, and nothing in silence."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.imported import videos
from tests.own_files import a_clip, a_picture
from tiktoker_batch import app
from tiktoker_batch.errors import RecipeError, UsageError
from tiktoker_batch.importing.notes import Imported
from tiktoker_batch.importing.tiktoker import import_tiktoker
from tiktoker_batch.previewing import preview

STYLES = [
    {"name": "Глиняный двор", "prompt": "soft clay figures, warm lamp light"},
    {"name": "Wet neon", "prompt": "neon rain, wet streets, long reflections"},
]
ENV = """\
# the account
FAL_API_KEY="canary-fal-5f1c:77aa"
FAL_IMAGE_MODEL=fal-ai/flux/dev
FAL_VIDEO_MODEL='fal-ai/bytedance/seedance/v1/lite/text-to-video'
FAL_VIDEO_MODEL_FREE="fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video"
OPENROUTER_API_KEY=canary-or-91be
TELEGRAM_BOT_TOKEN=canary-tg-0042
"""
STORY = "Чайник стоял на окне и ждал.\n\n«Жду!» пел чайник: ${ля} и {{ ля }}{# {% всё громче."
METADATA = {
    "sessionId": "session_2027-01-05T10-11-12",
    "createdAt": "2027-01-05T10:15:00.000Z",
    "description": "чайник, который ждал гостей",
    "storyText": STORY,
    "prompts": ["Wide shot: a kettle on a sill, 35mm", "Close-up of steam #2, slow push in"],
    "videoCount": 2,
    "finalVideo": "output/session_2027-01-05T10-11-12/result/final_video_1.mp4",
}
STATE: dict[str, Any] = {
    "sessionId": "session_2027-02-01T08-00-00",
    "createdAt": "2027-02-01T08:00:00.000Z",
    "updatedAt": "2027-02-01T08:09:00.000Z",
    "input": {
        "description": "The keeper climbs the stairs.",
        "duration": 30,
        "aspectRatio": "16:9",
        "voiceId": "3EuKHIEZbSzrHGNmdYsx",
        "stylePrompt": "neon rain, wet streets, long reflections",
        "referenceImages": [],
        "useFreeModels": True,
    },
    "audio": {"storyText": "The keeper climbs the stairs. He counts the ships.", "audioPath": "audio/n.mp3"},
    "steps": [
        {"index": 0, "prompt": "a lighthouse at dusk", "imagePath": None, "videoPath": None, "videoDuration": 4},
        {"index": 1, "prompt": "a spiral staircase", "imagePath": None, "videoPath": None, "videoDuration": 10},
    ],
    "transcription": None,
    "output": {"finalVideoPath": None},
    "completedSteps": ["audio", "prompts"],
}


def project(folder: Path, *sessions: dict[str, Any], env: str = ENV, styles: Any = STYLES) -> Path:
    """A project as TikToker leaves it, with a file of each session by what it holds."""
    (folder / "styles.json").write_text(json.dumps(styles, ensure_ascii=False), encoding="utf-8")
    (folder / ".env").write_text(env, encoding="utf-8")
    for number, session in enumerate(sessions, start=1):
        home = folder / "output" / session.get("sessionId", f"session_{number}")
        home.mkdir(parents=True)
        name = "pipeline-state.json" if "steps" in session else "metadata.json"
        (home / name).write_text(json.dumps(session, ensure_ascii=False, indent=2), encoding="utf-8")
    return folder


def imported(folder: Path) -> Imported:
    return import_tiktoker(folder, app.full_catalog())


def test_the_words_of_a_session_are_spoken_and_shown_as_they_stand(tmp_path: Path) -> None:
    (video,) = videos(imported(project(tmp_path, METADATA)), tmp_path)
    assert video.id == "session_2027-01-05T10-11-12"
    assert video.script == STORY
    assert [shot.prompt for shot in video.shots] == METADATA["prompts"]
    assert (video.language, video.duration) == ("ru", 8.0)


def test_what_a_run_without_screens_does_not_note_is_tiktoker_s_own(tmp_path: Path) -> None:
    (video,) = videos(imported(project(tmp_path, METADATA, env="")), tmp_path)
    assert (video.aspect_ratio, video.voice.name, video.captions) == ("9:16", "george", None)
    assert video.models.image.ref == "fal:fal-ai/flux/schnell"
    assert video.models.clip.ref == "fal:fal-ai/veo3.1/fast/image-to-video"
    assert video.models.narration.ref == "fal:fal-ai/elevenlabs/tts/eleven-v3"
    assert video.style.name == "as_written"


def test_models_come_from_the_env_and_one_that_would_ignore_the_picture_is_replaced(tmp_path: Path) -> None:
    made = imported(project(tmp_path, METADATA))
    (video,) = videos(made, tmp_path)
    assert video.models.image.ref == "fal:fal-ai/flux/dev"
    assert video.models.clip.ref == "fal:fal-ai/bytedance/seedance/v1/lite/image-to-video"
    (told,) = [each for each in made.warnings if "takes its place" in each]
    assert "'fal-ai/bytedance/seedance/v1/lite/text-to-video' makes clips from text alone" in told
    assert "fal-ai/flux/dev" not in told


def test_a_model_that_the_catalog_does_not_know_gives_way_to_the_nearest(tmp_path: Path) -> None:
    made = imported(project(tmp_path, METADATA, env="FAL_VIDEO_MODEL=fal-ai/kling-video/v3/pro/image-to-video"))
    (video,) = videos(made, tmp_path)
    assert video.models.clip.ref == "fal:fal-ai/kling-video/v2.6/pro/image-to-video"
    assert any("'fal-ai/kling-video/v3/pro/image-to-video' is not in the catalog" in each for each in made.warnings)


def test_a_session_with_screens_is_made_as_it_was_chosen(tmp_path: Path) -> None:
    (video,) = videos(imported(project(tmp_path, STATE)), tmp_path)
    assert (video.duration, video.aspect_ratio, video.style.name) == (30.0, "16:9", "Wet neon")
    assert video.style.prompt == STATE["input"]["stylePrompt"]
    assert (video.voice.provider, video.voice.id) == ("fal", "3EuKHIEZbSzrHGNmdYsx")
    assert video.models.image.ref == "fal:fal-ai/flux-lora", "the free one"
    assert video.models.clip.ref == "fal:fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video"
    assert [shot.duration for shot in video.shots] == [None, 10.0], "4 s is what TikToker asks for without being told"
    assert video.captions is not None


def test_all_sessions_of_a_project_become_one_batch_and_what_they_share_its_defaults(tmp_path: Path) -> None:
    second = METADATA | {"sessionId": "session_2027-01-06T10-11-12", "prompts": ["a cup"]}
    made = imported(project(tmp_path, METADATA, second))
    assert [video.id for video in videos(made, tmp_path)] == [METADATA["sessionId"], second["sessionId"]]
    assert made.videos == 2
    assert made.text.count("narration:") == 1


def test_styles_keep_their_names_and_words_and_one_of_nobody_s_becomes_the_recipe_s_own(tmp_path: Path) -> None:
    own = STATE | {"input": STATE["input"] | {"stylePrompt": 'paper cut-outs: blue, "torn"'}}
    made = imported(project(tmp_path, own))
    (video,) = videos(made, tmp_path)
    assert video.style.prompt == own["input"]["stylePrompt"]
    assert "Глиняный двор: soft clay figures, warm lamp light" in made.text


def test_no_key_is_ever_copied_and_the_variables_to_set_are_named(tmp_path: Path) -> None:
    made = imported(project(tmp_path, METADATA, STATE))
    everything = made.text + "\n".join(made.warnings)
    assert "canary" not in everything
    assert "set FAL_KEY and OPENROUTER_API_KEY in the environment" in everything
    assert "TELEGRAM_BOT_TOKEN of .env is not carried over" in everything


def test_a_key_that_was_pasted_where_a_model_belongs_is_not_shown(tmp_path: Path) -> None:
    made = imported(project(tmp_path, METADATA, env="FAL_IMAGE_MODEL='canary key 123'"))
    assert "canary" not in made.text + "\n".join(made.warnings)
    assert any("no name of a model" in each for each in made.warnings)


def test_pictures_and_clips_that_were_paid_for_are_taken_over(tmp_path: Path) -> None:
    project(tmp_path, METADATA)
    home = tmp_path / "output" / str(METADATA["sessionId"])
    pictures = [a_picture(home / "images" / f"image_{number}.png") for number in (1, 2, 9)]
    clip = a_clip(home / "videos" / "video_2.mp4")
    (home / "videos" / "video_1.mp4").write_bytes(clip.read_bytes()[:-40])
    (home / "audio").mkdir()
    (home / "audio" / "narration_17.mp3").touch()
    made = import_tiktoker(tmp_path, app.full_catalog(), tmp_path)
    (video,) = videos(made, tmp_path)
    assert [shot.image for shot in video.shots] == [str(picture) for picture in pictures[:2]]
    assert [shot.clip for shot in video.shots] == [None, str(clip)]
    assert "image: output/session_2027-01-05T10-11-12/images/image_1.png" in made.text
    assert "with what was paid for already: 2 pictures, 1 clip" in made.text
    (told,) = [each for each in made.warnings if "paid for" in each]
    assert "what was paid for (1 picture, 1 clip, 1 narration)" in told
    assert "made, and paid for, again" in told
    planned = preview(tmp_path / "recipe.yaml", app.Options()).opened.plan.steps
    assert [step.id.partition("/")[2] for step in planned if step.model == "file"] == [
        "01/image",
        "02/image",
        "02/clip",
    ]


def test_nothing_is_taken_over_where_nobody_knows_whose_it_is(tmp_path: Path) -> None:
    """TikToker counts a shot that says nothing, and a recipe has none."""
    project(tmp_path, METADATA | {"prompts": ["", *METADATA["prompts"]]})  # type: ignore[misc]
    a_picture(tmp_path / "output" / str(METADATA["sessionId"]) / "images" / "image_2.png")
    made = imported(tmp_path)
    assert "image:" not in made.text.replace('image: "fal:', "")
    assert any("what was paid for (1 picture)" in each for each in made.warnings)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mood": "calm"}, "mood is not carried over"),
        ({"aspectRatio": "4:3"}, "aspect ratio 4:3 is not carried over: 9:16 takes its place"),
    ],
)
def test_what_has_no_place_in_a_recipe_is_a_comment_and_a_warning(
    tmp_path: Path, change: dict[str, str], said: str
) -> None:
    made = imported(project(tmp_path, METADATA | change))
    videos(made, tmp_path)
    assert any(said in each for each in made.warnings)
    assert f"# not carried over: {said.partition(' is not')[0]}" in made.text


def test_a_reference_image_is_kept_where_the_image_model_takes_one(tmp_path: Path) -> None:
    picture = tmp_path / "mascot.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    given = STATE["input"] | {"referenceImages": [{"id": 0, "path": str(picture), "description": "a cat"}]}
    made = imported(project(tmp_path, STATE | {"input": given}))
    assert any("image model 'fal:fal-ai/flux-lora' takes none" in each for each in made.warnings)
    (tmp_path / ".env").write_text("FAL_IMAGE_MODEL_FREE=fal-ai/nano-banana/edit")
    assert f'reference_image: "{picture}"' in imported(tmp_path).text


def test_a_session_whose_story_is_not_noted_gets_a_new_one(tmp_path: Path) -> None:
    made = imported(project(tmp_path, METADATA | {"storyText": "", "prompts": []}))
    (video,) = videos(made, tmp_path)
    assert (video.topic, video.script, video.story.variants) == (METADATA["description"], None, 3)
    assert video.models.text.provider == "openrouter"
    assert any("a new one will be written" in each for each in made.warnings)


def test_a_session_finds_the_styles_and_settings_of_its_project(tmp_path: Path) -> None:
    project(tmp_path, STATE)
    made = imported(tmp_path / "output" / STATE["sessionId"])
    assert "style: Wet neon" in made.text
    assert "the keys in .env are not copied" in "\n".join(made.warnings)


def test_the_same_session_always_gives_the_same_recipe(tmp_path: Path) -> None:
    project(tmp_path, METADATA, STATE)
    assert imported(tmp_path) == imported(tmp_path)


# ---------------------------------------------------------------------- what cannot be imported


def test_a_session_of_which_nothing_was_written_down_is_left_out(tmp_path: Path) -> None:
    project(tmp_path, METADATA)
    (tmp_path / "output" / "session_2027-03-01T00-00-00" / "images").mkdir(parents=True)
    made = imported(tmp_path)
    assert made.videos == 1
    assert any("session_2027-03-01T00-00-00: left out" in each for each in made.warnings)
    with pytest.raises(UsageError, match="nothing was written down"):
        imported(tmp_path / "output" / "session_2027-03-01T00-00-00")


def test_a_folder_without_sessions_is_told_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no session of TikToker"):
        imported(tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        imported(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (
            "metadata.json",
            '{"storyText": "A."\n "prompts": []}',
            "metadata.json:2:2: not JSON: Expecting ','",
        ),
        ("metadata.json", "", "metadata.json:1:1: not JSON"),
        ("metadata.json", "[1]", "metadata.json:1:1: expected an object, as TikToker writes it, got a list"),
        ("metadata.json", '{"storyText": 7}', "metadata.json:1:15: storyText: expected text, got a number"),
        (
            "metadata.json",
            '{\n "storyText": "A.",\n "prompts": ["a",\n  2]}',
            "metadata.json:4:3: prompts[1]: expected text, got a number",
        ),
        ("metadata.json", "{}", "metadata.json:1:1: neither a story nor a description is in it"),
        (
            "pipeline-state.json",
            '{"audio": {"storyText": "A."},\n"steps": [{"prompt": "a"}, {"prompt": null, "videoDuration": "4"}, 5]}',
            "pipeline-state.json:2:68: steps[2]: expected an object, got a number",
        ),
        ("pipeline-state.json", "[" * 100_000, "pipeline-state.json:1:1: this JSON is nested too deeply"),
    ],
)
def test_a_damaged_session_is_told_at_its_place(tmp_path: Path, file: str, content: str, said: str) -> None:
    (tmp_path / file).write_text(content, encoding="utf-8")
    with pytest.raises(RecipeError) as raised:
        imported(tmp_path)
    assert said in raised.value.message


def test_damaged_styles_and_settings_are_told_at_their_places_all_at_once(tmp_path: Path) -> None:
    project(tmp_path, METADATA, env="FAL_IMAGE_MODEL=fal-ai/flux/dev\n\n= nothing\n", styles=[{"name": "a"}, 5])
    with pytest.raises(RecipeError) as raised:
        imported(tmp_path)
    places = [(Path(each.path).name, each.line, each.message) for each in raised.value.problems]
    assert places == [
        ("styles.json", 1, "[0]: this style has no prompt"),
        ("styles.json", 1, "[1]: expected a style with a name and a prompt"),
        (".env", 3, "this is no NAME=value"),
    ]


def test_characters_that_no_recipe_may_hold_do_not_spoil_it(tmp_path: Path) -> None:
    prompts = ["\ufeffa\u2028b", "true", "- no: # x"]
    odd = METADATA | {"storyText": "One\r\ntwo\x00 and \ud83d half.", "prompts": prompts}
    home = tmp_path / "session_odd"
    home.mkdir()
    (home / "metadata.json").write_text(json.dumps(odd), encoding="ascii")
    (video,) = videos(imported(home), tmp_path)
    assert video.script == "One\ntwo and \ufffd half."
    assert [shot.prompt for shot in video.shots] == prompts
