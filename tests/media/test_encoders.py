"""Encoders of graphics processors: found by encoding, and left for x264 when they fail."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.media.studio import FFMPEG, Studio, small_video
from tiktoker_batch.media.commands import Canvas, video_settings
from tiktoker_batch.media.detection import Detection, Trial, choose, try_encoders
from tiktoker_batch.media.encoders import HARDWARE_NAMES, X264, hardware
from tiktoker_batch.media.probe import VideoStream, probe
from tiktoker_batch.model import Kind
from tiktoker_batch.planning.build import Planning
from tiktoker_batch.steps.base import Tools
from tiktoker_batch.steps.registry import STEP_KINDS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the pretended ffmpeg is a script")

# Pretends to have an encoder, made of x264; says so in a log, and fails from the given call with it on.
PRETENDER = """\
#!{python}
import os, subprocess, sys
arguments, log = sys.argv[1:], {log!r}
if "-encoders" in arguments:
    print(" V....D h264_nvenc           pretended")
    sys.exit(0)
if "h264_nvenc" in arguments:
    with open(log, "a") as file:
        file.write("x")
    if os.path.getsize(log) >= {fails_from}:
        print("[h264_nvenc @ 0x1] the device is gone", file=sys.stderr)
        sys.exit(171)
    for option in ("-rc", "-cq", "-b:v", "-spatial-aq", "-tune", "-preset"):
        at = arguments.index(option)
        del arguments[at : at + 2]
    arguments[arguments.index("h264_nvenc")] = "libx264"
    arguments[-1:-1] = ["-preset", "ultrafast", "-bf", str({b_frames})]
sys.exit(subprocess.run([{ffmpeg!r}, *arguments]).returncode)
"""
TRIALS = 2  # calls that finding out takes


def a_pretender(folder: Path, *, fails_from: int = 10**9, b_frames: str = "2") -> str:
    folder.mkdir(exist_ok=True)
    script = folder / "ffmpeg"
    text = PRETENDER.format(
        python=sys.executable, log=str(folder / "calls"), fails_from=fails_from, ffmpeg=FFMPEG, b_frames=b_frames
    )
    script.write_text(text, encoding="utf-8")
    script.chmod(0o755)
    return str(script)


def calls(pretender: str) -> int:
    log = Path(pretender).with_name("calls")
    return log.stat().st_size if log.exists() else 0


def forms(studio: Studio) -> list[VideoStream | None]:
    """What was made of each segment, for the last time."""
    return [probe(path).video for path in sorted(studio.layout.segments("clip").glob("0*.mp4"))]


async def a_studio(folder: Path, pretender: str, encoder: str) -> Studio:
    tools = Tools(ffmpeg=pretender, font_cache=folder / "cache")
    studio = Studio(folder / "out", small_video(encoder=encoder, captions=None), tools=tools)
    await studio.narrate(3.9)
    await studio.caption()
    await studio.film(1, size="640x360", rate=25)
    await studio.film(2, size="400x500", rate=30)
    return studio


async def test_encoders_without_their_devices_are_found_not_to_work(tmp_path: Path) -> None:
    if Path("/dev/dri").exists() or Path("/dev/nvidia0").exists() or sys.platform == "darwin":
        pytest.skip("this machine has devices")
    trials = await try_encoders(FFMPEG, tmp_path)
    assert [trial.name for trial in trials] == list(HARDWARE_NAMES)
    assert [trial.seconds for trial in trials] == [None] * 4
    assert all(trial.reason for trial in trials)
    assert choose("auto", trials) == (X264, None)


async def test_one_that_encodes_is_found_and_remembered(tmp_path: Path) -> None:
    pretender = a_pretender(tmp_path / "bin")
    found = {trial.name: trial for trial in await Detection().trials(pretender, tmp_path)}
    assert found["nvenc"].seconds is not None
    assert found["x264"].seconds is not None, "there is something to compare with"
    assert found["vaapi"].reason == "this ffmpeg has no h264_vaapi"
    assert calls(pretender) == TRIALS
    again = await Detection().trials(pretender, tmp_path)
    assert {trial.name: trial for trial in again} == found
    assert calls(pretender) == TRIALS, "another process need not try again"
    a_pretender(tmp_path / "bin", fails_from=1, b_frames="1")
    assert {trial.name: trial.seconds for trial in await Detection().trials(pretender, tmp_path)}["nvenc"] is None


@pytest.mark.thorough
async def test_spoilt_memories_are_not_believed(tmp_path: Path) -> None:
    pretender = a_pretender(tmp_path / "bin")
    await Detection().trials(pretender, tmp_path)
    [memory] = (tmp_path / "encoders").glob("*.json")
    for spoilt in ("", "{", "[]", json.dumps([{"nmae": "nvenc"}])):
        memory.write_text(spoilt, encoding="utf-8")
        assert any(trial.seconds for trial in await Detection().trials(pretender, tmp_path))


async def test_one_whose_segments_could_not_be_joined_does_not_work(tmp_path: Path) -> None:
    unsteady = "2 if os.path.getsize(log) % 2 else 0"
    pretender = a_pretender(tmp_path / "bin", b_frames=unsteady)
    trials = {trial.name: trial for trial in await Detection().trials(pretender, tmp_path)}
    assert trials["nvenc"].reason == "what it makes cannot be joined"


def test_auto_takes_the_quickest_only_where_it_is_worth_it() -> None:
    usual, close = Trial(name="x264", seconds=1.0), Trial(name="vaapi", seconds=0.7)
    quick, quickest = Trial(name="qsv", seconds=0.6), Trial(name="nvenc", seconds=0.2)
    assert choose("auto", [usual, close])[0] is X264
    assert choose("auto", [usual, close, quick, quickest])[0].name == "nvenc"
    assert choose("auto", [])[0] is X264
    assert choose("vaapi", [usual, close])[0].name == "vaapi", "who names one gets it"


def test_one_that_does_not_work_is_replaced_and_that_is_said() -> None:
    encoder, note = choose("qsv", [Trial(name="qsv", reason="Error creating a MFX session: -9")])
    assert encoder is X264
    assert note == "the encoder qsv does not work here (Error creating a MFX session: -9); x264 was used"


async def test_a_video_is_encoded_by_what_its_recipe_names(tmp_path: Path) -> None:
    pretender = a_pretender(tmp_path / "bin")
    studio = await a_studio(tmp_path, pretender, "nvenc")
    made = await studio.assemble()
    assert made.notes == ()
    assert calls(pretender) == TRIALS + 2
    assert sorted(label for label in studio.labels if "normalise" in label) == [
        "normalise 01 by nvenc",
        "normalise 02 by nvenc",
    ]


@pytest.mark.thorough
async def test_when_it_fails_midway_the_whole_video_is_made_by_x264(tmp_path: Path) -> None:
    pretender = a_pretender(tmp_path / "bin", fails_from=TRIALS + 2)
    studio = await a_studio(tmp_path, pretender, "nvenc")
    made = await studio.assemble()
    assert made.notes == ("the encoder nvenc failed (the device is gone); x264 was used for the whole video",)
    found = probe(studio.root / made.artifacts[0].path)
    assert found.video is not None
    assert found.video.frames == 27
    assert {"normalise 01", "normalise 02"} <= set(studio.labels), "all of its segments"
    plain = await a_studio(tmp_path / "plain", FFMPEG, "x264")
    await plain.assemble()
    assert forms(studio) == forms(plain), "as if it had been asked for"
    before = calls(pretender)
    (studio.root / "videos" / "clip.mp4").unlink()
    await studio.assemble()
    assert calls(pretender) == before, "it is left alone from then on"


@pytest.mark.thorough
async def test_segments_of_another_driver_are_not_joined_but_made_anew_by_x264(tmp_path: Path) -> None:
    pretender = a_pretender(tmp_path / "bin")
    studio = await a_studio(tmp_path, pretender, "nvenc")
    await studio.assemble()
    next(studio.layout.segments("clip").glob("02-*.mp4")).unlink()
    a_pretender(tmp_path / "bin", b_frames="0")
    made = await studio.assemble()
    assert made.notes[0].startswith("the encoder nvenc failed (segments differ in form")


def test_the_encoder_is_part_of_the_key_where_it_is_not_x264() -> None:
    planning = Planning(languages={}, file_sha256={})

    def told(**changes: object) -> object:
        [draft] = STEP_KINDS[Kind.ASSEMBLY].plan(small_video(**changes), planning)
        return draft.params.get("encoder")

    assert told() is None, "the keys of batches that were made before stay as they are"
    assert told(encoder="x264") is None
    assert (told(encoder="auto"), told(encoder="nvenc")) == ("auto", "nvenc")


@pytest.mark.parametrize("name", HARDWARE_NAMES)
def test_settings_of_all_encoders_agree_in_what_joining_needs(name: str) -> None:
    canvas = Canvas(width=720, height=1280, fps=24)
    ours, usual = video_settings(canvas, hardware(name)), video_settings(canvas)
    for option in ("profile:v", "g", "bf", "video_track_timescale", "colorspace", "color_range"):
        assert ours[option] == usual[option]
    assert ours["level:v"] in {"4.0", "40"}
