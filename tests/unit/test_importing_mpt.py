"""A MoneyPrinterTurbo batch becomes a recipe: its subjects and scripts as they stand, and nothing in silence."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.imported import videos
from tiktoker_batch import app
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.importing.mpt import import_mpt
from tiktoker_batch.importing.mpt_fields import ALIKE, LEFT
from tiktoker_batch.importing.notes import Imported
from tiktoker_batch.model import Video

Task = dict[str, Any]
HONEY: Task = {"video_subject": "Why honey keeps", "video_script": "Honey never spoils.\nIt was found in tombs."}


def imported(folder: Path, *tasks: Task) -> Imported:
    file = folder / "tasks.json"
    file.write_text(json.dumps(list(tasks), ensure_ascii=False, indent=1), encoding="utf-8")
    return import_mpt(file, app.full_catalog())


def video(folder: Path, task: Task) -> Video:
    (found,) = videos(imported(folder, task), folder)
    return found


# ---------------------------------------------------------------------- what is carried over


def test_a_script_is_spoken_as_it_stands_and_the_video_is_about_as_long_as_it(tmp_path: Path) -> None:
    found = video(tmp_path, HONEY | {"video_script": "Honey never spoils. " * 30})
    assert (found.id, found.topic) == ("why-honey-keeps", None)
    assert found.script == ("Honey never spoils. " * 30).strip()
    assert found.duration == 32, "90 words at 170 a minute"


def test_a_subject_alone_is_a_topic(tmp_path: Path) -> None:
    found = video(tmp_path, {"video_subject": "Why honey keeps", "video_script": ""})
    assert (found.topic, found.script) == ("Why honey keeps", None)


def test_a_batch_without_cloud_voices_runs_on_this_machine(tmp_path: Path) -> None:
    found = video(tmp_path, HONEY)
    assert {found.models.image.provider, found.models.clip.provider, found.models.narration.provider} == {"local"}


def test_an_array_lines_of_json_and_one_object_say_the_same(tmp_path: Path) -> None:
    other = {"video_subject": "Bees"}
    array = videos(imported(tmp_path, HONEY, other), tmp_path)
    lines = tmp_path / "tasks.jsonl"
    lines.write_text(f"{json.dumps(HONEY)}\n\n{json.dumps(other)}\n", encoding="utf-8-sig")
    assert videos(import_mpt(lines, app.full_catalog()), tmp_path) == array
    alone = tmp_path / "task.json"
    alone.write_text(json.dumps(HONEY, indent=2))
    assert videos(import_mpt(alone, app.full_catalog()), tmp_path) == array[:1]


def test_a_finished_task_brings_the_script_that_was_written_for_it(tmp_path: Path) -> None:
    params = {"video_subject": "Why honey keeps", "video_script": "", "video_aspect": "16:9"}
    done = {"script": "Honey never spoils.", "search_terms": ["honey jar"], "params": params}
    found = video(tmp_path, done)
    assert (found.script, found.aspect_ratio) == ("Honey never spoils.", "16:9")
    assert found.vars["video_terms"] == ["honey jar"]


def test_entries_of_one_subject_get_ids_of_their_own(tmp_path: Path) -> None:
    found = videos(imported(tmp_path, HONEY, HONEY, {"video_script": "Only words."}), tmp_path)
    assert [each.id for each in found] == ["why-honey-keeps", "why-honey-keeps-2", "video-03"]


@pytest.mark.parametrize(
    ("task", "language"),
    [
        ({"video_language": "de-DE"}, "de"),
        ({"video_language": "German"}, "de"),
        ({"voice_name": "es-MX-DaliaNeural-Female"}, "es"),
        ({"video_language": "fr", "voice_name": "es-MX-DaliaNeural-Female"}, "fr"),
        ({"video_script": "Мёд не портится."}, "ru"),
        ({}, "en"),
    ],
)
def test_the_language_is_the_one_named_or_that_of_the_voice_or_of_the_letters(
    tmp_path: Path, task: Task, language: str
) -> None:
    assert video(tmp_path, HONEY | task).language == language


def test_a_language_that_nothing_here_writes_is_given_to_a_cloud_model_and_told(tmp_path: Path) -> None:
    made = imported(tmp_path, {"video_subject": "春天的花海", "video_language": "zh-CN"})
    (found,) = videos(made, tmp_path)
    assert (found.id, found.topic, found.captions) == ("video-01", "春天的花海", None)
    assert found.models.text.ref == "openrouter:openai/gpt-4o-mini"
    assert any("nothing on this machine writes 'zh'" in each for each in made.warnings)
    assert any("captions cannot be drawn in Han script" in each for each in made.warnings)


def test_a_voice_of_elevenlabs_keeps_speaking(tmp_path: Path) -> None:
    known = video(tmp_path, HONEY | {"voice_name": "elevenlabs:21m00Tcm4TlvDq8ikWAM:Rachel"})
    assert (known.voice.name, known.models.narration.ref) == ("rachel", "elevenlabs:eleven_multilingual_v2")
    own = video(tmp_path, HONEY | {"voice_name": "elevenlabs:Zx9a8b7c6d5e4f3g2h1i:Aunt May - warm"})
    assert (own.voice.name, own.voice.id) == ("mpt-aunt-may", "Zx9a8b7c6d5e4f3g2h1i")


@pytest.mark.parametrize(
    ("task", "position"),
    [
        ({"subtitle_enabled": True}, "lower-third"),
        ({"subtitle_position": "top"}, "top"),
        ({"subtitle_position": "custom", "custom_position": 50.0}, "center"),
        ({"subtitle_enabled": False, "subtitle_position": "top"}, None),
    ],
)
def test_subtitles_stand_where_they_stood(tmp_path: Path, task: Task, position: str | None) -> None:
    captions = video(tmp_path, HONEY | task).captions
    assert (captions.position if captions else None) == position


def test_music_of_a_file_is_as_loud_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "resource" / "songs").mkdir(parents=True)
    bed = tmp_path / "resource" / "songs" / "bed.mp3"
    bed.write_bytes(b"ID3" + b"\0" * 2000)
    music = video(tmp_path, HONEY | {"bgm_type": "custom", "bgm_file": "bed.mp3", "bgm_volume": 0.5}).music
    assert music is not None
    assert (music.file, music.gain_db, music.duck) == (str(bed.resolve()), -6.0, False)


# ---------------------------------------------------------------------- what is not


@pytest.mark.parametrize("field", [*LEFT, "a_field_of_tomorrow"])
def test_a_field_without_a_counterpart_is_a_comment_and_a_warning(tmp_path: Path, field: str) -> None:
    made = imported(tmp_path, HONEY | {field: ["anything else"]})
    videos(made, tmp_path)
    assert any(f"{field} is not carried over" in each for each in made.warnings)
    assert f"# not carried over: {field}" in made.text


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in ALIKE.items() for value in values])
def test_what_means_what_is_done_anyway_needs_no_words(tmp_path: Path, field: str, value: object) -> None:
    assert imported(tmp_path, HONEY | {field: value}) == imported(tmp_path, HONEY)


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"bgm_type": "random"}, "bgm_type is not carried over: music is a file here"),
        ({"bgm_type": "custom", "bgm_file": "gone.mp3"}, "bgm_file is not carried over: the file is not there"),
        ({"video_aspect": "3:4"}, "video_aspect is not carried over: 4:5 takes its place"),
        ({"voice_name": "en-US-JennyNeural-Female"}, "voice_name is not carried over: the usual narrator speaks"),
        ({"voice_name": "no-voice"}, "every video here is narrated"),
        ({"video_language": "Germn"}, "unknown video_language 'Germn'; that of the voice or letters is taken"),
        ({"video_terms": "bees, honey"}, "searching by video_terms is not carried over"),
    ],
)
def test_what_is_carried_over_in_part_is_told(tmp_path: Path, task: Task, said: str) -> None:
    made = imported(tmp_path, HONEY | task)
    videos(made, tmp_path)
    assert any(said in each for each in made.warnings), made.warnings


def test_the_same_about_many_videos_is_said_once(tmp_path: Path) -> None:
    made = imported(tmp_path, *[{"video_subject": f"Bee {number}", "font_size": 40} for number in range(9)])
    (told,) = made.warnings
    assert told.startswith("bee-0, bee-1, bee-2, bee-3 and 5 others: font_size is not carried over")


def test_what_nobody_knows_is_named_and_not_shown(tmp_path: Path) -> None:
    made = imported(tmp_path, HONEY | {"pexels_key": "canary-77"})
    assert "pexels_key" in made.text
    assert "canary" not in made.text + "\n".join(made.warnings)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "tasks.jsonl:1:1: the file is empty"),
        ("{}\n{]", "tasks.jsonl:2:2: not JSON"),
        (
            '{"video_subject": "a"}\n{"video_subject": 4}',
            "tasks.jsonl:2:19: video_subject: expected text, got a",
        ),
        (
            '[{"video_subject": "a"},\n  {"subtitle_enabled": "no", "video_subject": "b"}]',
            "tasks.jsonl:2:24: subtitle_",
        ),
        ('["a"]', "tasks.jsonl:1:2: expected an object with video_subject or video_script, got text"),
        ('[{"video_subject": " "}]', "tasks.jsonl:1:2: neither video_subject nor video_script says anything"),
        ('{"video_subject": "a", "bgm_volume": NaN}', "tasks.jsonl:1:38: bgm_volume: expected a number"),
    ],
)
def test_a_damaged_batch_is_told_at_its_place(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text(content)
    with pytest.raises(RecipeError) as raised:
        import_mpt(file, app.full_catalog())
    assert said in raised.value.message


def test_all_that_is_wrong_with_a_batch_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as raised:
        imported(tmp_path, {"video_subject": 1}, HONEY, {"video_script": []}, {"bgm_volume": "x", "video_script": "a"})
    assert [(each.line, each.message.partition(":")[0]) for each in raised.value.problems] == [
        (3, "video_subject"),
        (10, "video_script"),
        (13, "bgm_volume"),
    ]
