"""The assembly step on real media: what arrives in whatever form becomes one exact video."""

from pathlib import Path

import pytest

from tests.media.studio import Studio, small_video
from tiktoker_batch.errors import NarrationTooLong, TooFewSegments
from tiktoker_batch.media import commands
from tiktoker_batch.media.loudness import parse_ebur128
from tiktoker_batch.media.probe import probe
from tiktoker_batch.model import Kind


async def test_a_video_is_as_long_as_its_narration_and_its_tail_to_the_frame(tmp_path: Path) -> None:
    studio = Studio(tmp_path, small_video(fps=24))
    await studio.narrate(3.9)
    await studio.caption()
    await studio.film(1, size="640x360", rate=25)
    await studio.film(2, size="400x500", rate=30)
    made = await studio.assemble()
    found = probe(tmp_path / made.artifacts[0].path)
    assert made.artifacts[0].path == "videos/clip.mp4"
    assert found.video is not None
    assert found.audio is not None
    assert (found.video.frames, found.video.width, found.video.height) == (106, 720, 720)  # ceil((3.9 + 0.5) * 24)
    assert found.seconds == pytest.approx(106 / 24, abs=1 / 24)
    heard = parse_ebur128(
        await studio.ffmpeg("-i", "../../videos/clip.mp4", "-af", "ebur128=peak=true", "-f", "null", "-")
    )
    assert heard.integrated == pytest.approx(commands.TARGET_LUFS, abs=1)
    assert heard.peak <= -1


async def test_joining_comes_last_and_everything_else_before_it(tmp_path: Path) -> None:
    studio = Studio(tmp_path, small_video())
    await studio.narrate(3.5)
    await studio.caption()
    await studio.film(1)
    await studio.film(2)
    await studio.assemble()
    assert studio.labels[-1] == "concat"
    assert sorted(studio.labels[:-1]) == ["loudness", "mix", "normalise 01", "normalise 02"]


async def test_assembling_again_does_again_only_what_changed(tmp_path: Path) -> None:
    studio = Studio(tmp_path, small_video())
    await studio.narrate(3.5)
    await studio.caption()
    await studio.film(1)
    await studio.film(2)
    first = await studio.assemble()
    studio.records.clear()
    again = await studio.assemble()
    assert studio.labels == ["concat"]
    assert again.artifacts == first.artifacts, "the same inputs give the same bytes"
    await studio.film(2, size="500x500")
    studio.records.clear()
    await studio.assemble()
    assert studio.labels == ["normalise 02", "concat"]
    segments = studio.layout.segments("clip")
    assert len(list(segments.glob("02-*.mp4"))) == 1, "what is not used any more is gone"


async def test_a_lost_clips_picture_stands_in_and_nothing_spoken_is_cut(tmp_path: Path) -> None:
    studio = Studio(tmp_path, small_video())
    await studio.narrate(3.9)
    await studio.caption()
    await studio.film(1)
    await studio.paint(1)
    await studio.paint(2)
    studio.lost = {studio.id(Kind.CLIP, 2)}
    made = await studio.assemble()
    found = probe(tmp_path / made.artifacts[0].path)
    assert found.video is not None
    assert found.video.frames == 27
    assert made.inputs is not None
    assert studio.id(Kind.IMAGE, 2) in made.inputs.artifacts


async def test_a_segment_of_which_nothing_came_takes_its_neighbours_picture(tmp_path: Path) -> None:
    studio = Studio(tmp_path, small_video())
    await studio.narrate(3.9)
    await studio.caption()
    await studio.film(1)
    await studio.paint(1)
    studio.lost = {studio.id(Kind.CLIP, 2), studio.id(Kind.IMAGE, 2)}
    found = probe(tmp_path / (await studio.assemble()).artifacts[0].path)
    assert found.video is not None
    assert found.video.frames == 27


async def test_a_video_without_any_segment_is_no_video(tmp_path: Path) -> None:
    studio = Studio(tmp_path, small_video())
    await studio.narrate(3.9)
    await studio.caption()
    studio.lost = {studio.id(kind, number) for kind in (Kind.CLIP, Kind.IMAGE) for number in (1, 2)}
    with pytest.raises(TooFewSegments, match="only 0 of 2 segments could be made, and minimum_segments asks for 1"):
        await studio.assemble()
    assert not studio.layout.video("clip").exists()


@pytest.mark.parametrize("minimum", [2, 9])
async def test_a_video_with_fewer_segments_than_wanted_is_given_up(tmp_path: Path, minimum: int) -> None:
    studio = Studio(tmp_path, small_video(minimum_segments=minimum))
    await studio.narrate(3.9)
    await studio.caption()
    await studio.film(1)
    studio.lost = {studio.id(Kind.CLIP, 2), studio.id(Kind.IMAGE, 2)}
    with pytest.raises(TooFewSegments, match="only 1 of 2 segments could be made, and minimum_segments asks for 2"):
        await studio.assemble()
    assert not studio.layout.video("clip").exists()
    await studio.paint(2)
    studio.lost = {studio.id(Kind.CLIP, 2)}
    await studio.assemble()
    assert studio.layout.video("clip").exists(), "a picture is as good as a clip"


async def test_exact_length_is_kept_by_speaking_faster(tmp_path: Path) -> None:
    studio = Studio(tmp_path, small_video(length="exact"))
    await studio.narrate(4.6)
    await studio.caption()
    await studio.film(1)
    await studio.film(2)
    found = probe(tmp_path / (await studio.assemble()).artifacts[0].path)
    assert found.video is not None
    assert found.video.frames == 24
    last_cue = studio.layout.srt("clip").read_text().strip().split("\n\n")[-1]
    assert "00:00:04,000" in last_cue, "captions follow the tempo"


async def test_an_exact_length_that_cannot_hold_the_words_is_refused(tmp_path: Path) -> None:
    studio = Studio(tmp_path, small_video(length="exact"))
    await studio.narrate(6.0)
    with pytest.raises(NarrationTooLong):
        await studio.caption()


async def test_a_short_clip_is_slowed_and_held_until_its_words_are_spoken(tmp_path: Path) -> None:
    studio = Studio(tmp_path, small_video(captions=None))
    await studio.narrate(7.9)
    await studio.caption()
    await studio.film(1, seconds=2.0)
    await studio.film(2, seconds=2.0)
    found = probe(tmp_path / (await studio.assemble()).artifacts[0].path)
    assert found.video is not None
    assert found.video.frames == 51


async def test_a_shot_without_a_word_is_encoded_as_if_no_captions_were_wanted(tmp_path: Path) -> None:
    async def segments(folder: Path, **changes: object) -> list[bytes]:
        studio = Studio(folder, small_video(**changes))
        await studio.narrate(1.5)
        await studio.caption()
        await studio.film(1)
        await studio.film(2)
        await studio.assemble()
        return [path.read_bytes() for path in sorted(studio.layout.segments("clip").glob("0*.mp4"))]

    spoken, silent = await segments(tmp_path / "with")
    plain, also_silent = await segments(tmp_path / "without", captions=None)
    assert spoken != plain
    assert silent == also_silent


async def test_captions_are_burned_where_they_are_wanted(tmp_path: Path) -> None:
    async def last_picture(folder: Path, **changes: object) -> bytes:
        studio = Studio(folder, small_video(**changes))
        await studio.narrate(3.9)
        await studio.caption()
        await studio.film(1)
        await studio.film(2)
        await studio.assemble()
        await studio.ffmpeg("-ss", "1", "-i", "../../videos/clip.mp4", "-frames:v", "1", "-f", "rawvideo", "frame.raw")
        return (studio.layout.work_of("clip") / "frame.raw").read_bytes()

    assert await last_picture(tmp_path / "with") != await last_picture(tmp_path / "without", captions=None)
