"""Captions: what is seen at every moment, where it stands, and what libass makes of it."""

import re
import shutil
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont

from tiktoker_batch.errors import BadRequest
from tiktoker_batch.media.captions import (
    Word,
    build_captions,
    build_srt,
    scale_words,
    slice_captions,
    words_from_json,
    words_to_json,
)
from tiktoker_batch.media.fonts import Font, caption_font
from tiktoker_batch.media.layout import TIKTOK_SAFE, TITLE_SAFE
from tiktoker_batch.model import Captions

TEXT = (
    "Coffee was banned five times, but nobody really stopped drinking it. The U.S. paid $3.2 billion! Why? Because"
    " extraordinarily international communication matters, and Donaudampfschifffahrtsgesellschaftskapitän too."
)


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> Font:
    return caption_font(tmp_path_factory.mktemp("cache"))


def spoken(text: str, each: float = 0.35, pause: float = 0.4) -> tuple[Word, ...]:
    """Words at an even pace with a pause after every sentence."""
    words, at = [], 0.1
    for token in text.split():
        words.append(Word(text=token, start=at, end=at + each))
        at += each + (pause if token[-1] in ".!?" else 0.0)
    return tuple(words)


def captions(
    words: tuple[Word, ...],
    font: Font,
    *,
    preset: str = "karaoke",
    position: str = "lower-third",
    size: tuple[int, int] = (720, 1280),
    language: str = "en",
) -> pysubs2.SSAFile:
    look = Captions(preset=preset, position=position)
    return build_captions(words, captions=look, width=size[0], height=size[1], font=font, language=language)


def seen(subs: pysubs2.SSAFile, at: float) -> set[tuple[str, str]]:
    """(style, text with its tags) of everything on the screen at a time in seconds."""
    return {(event.style, event.text) for event in subs if event.start <= round(at * 1000) < event.end}


def shown(text: str) -> str:
    """The text of an event as a viewer reads it."""
    return re.sub(r"\\([{}])", r"\1", re.sub(r"^\{[^}]*\}", "", text)).replace("\u200b", "")


def spoken_at(subs: pysubs2.SSAFile, at: float) -> list[str]:
    return [shown(text) for style, text in seen(subs, at) if style == "Spoken"]


def boxes(subs: pysubs2.SSAFile, font: Font) -> list[tuple[float, float, float, float]]:
    """(left, top, right, bottom) in pixels of every event, its outline included, measured with the real font."""
    ruler = ImageFont.truetype(str(font.file), 1000)
    result = []
    for event in subs:
        style = subs.styles[event.style]
        x, y = map(float, re.search(r"\\pos\(([\d.]+),([\d.]+)\)", event.text).groups())  # type: ignore[union-attr]
        own = re.search(r"\\fs([\d.]+)", event.text)
        em = (float(own[1]) if own else style.fontsize) / 1.562 * style.scalex / 100
        half = ruler.getlength(shown(event.text)) / 1000 * em / 2 + style.outline
        result.append((x - half, y - 0.5 * em, x + half, y + 0.5 * em))
    return result


# --------------------------------------------------------------------------- words


def test_words_survive_json_and_scale_with_the_tempo() -> None:
    words = spoken("Hello there.")
    assert words_from_json(words_to_json(words)) == words
    faster = scale_words(words, 1.25)
    assert faster[1].start == pytest.approx(words[1].start / 1.25)
    assert [word.text for word in faster] == ["Hello", "there."]


# --------------------------------------------------------------------------- karaoke


def test_each_word_lights_up_while_it_is_spoken(font: Font) -> None:
    words = spoken("Coffee was banned five times in history.")
    subs = captions(words, font)
    for word in words:
        assert spoken_at(subs, (word.start + word.end) / 2) == [word.text]


def test_one_to_four_words_are_seen_and_never_words_of_two_sentences(font: Font) -> None:
    words = spoken("One two three four five six. Seven eight. Nine ten eleven twelve thirteen fourteen fifteen!")
    subs = captions(words, font)
    sentences = [{"One", "two", "three", "four", "five", "six."}, {"Seven", "eight."}]
    for word in words:
        group = {shown(text) for _, text in seen(subs, word.start + 0.1)}
        assert 1 <= len(group) <= 4
        assert group <= sentences[0] or group <= sentences[1] or not group & set.union(*sentences)


def test_nothing_flickers_between_words_of_a_sentence(font: Font) -> None:
    words = spoken("Coffee was banned five times but nobody really stopped drinking it")
    subs = captions(words, font)
    for hundredth in range(int(words[0].start * 100) + 1, int(words[-1].end * 100)):
        assert len(spoken_at(subs, hundredth / 100)) == 1


def test_a_growing_word_moves_neither_itself_nor_its_neighbours(font: Font) -> None:
    subs = captions(spoken("Coffee was banned."), font)
    tags = {}
    for event in subs:
        tags.setdefault(shown(event.text), set()).add(event.text.split("}")[0])
    assert all(len(places) == 1 for places in tags.values())


def test_the_last_words_stay_a_moment_and_then_leave(font: Font) -> None:
    words = spoken("The end.")
    subs = captions(words, font)
    assert seen(subs, words[-1].end + 0.3)
    assert not seen(subs, words[-1].end + 1.0)


# --------------------------------------------------------------------------- other presets


def test_pop_shows_one_or_two_big_words_in_capitals(font: Font) -> None:
    subs = captions(spoken("So it is a truly big iPhone day."), font, preset="pop")
    assert {shown(event.text) for event in subs} >= {"TRULY", "iPhone", "DAY."}
    assert max(len(seen(subs, at / 10)) for at in range(40)) <= 2
    assert subs.styles["Said"].fontsize > captions(spoken("So"), font).styles["Said"].fontsize


def test_capitals_are_left_alone_where_they_would_do_harm(font: Font) -> None:
    subs = captions(spoken("Die Straße ist heiß"), font, preset="pop", language="de")
    assert "Straße" in {shown(event.text) for event in subs}


def test_plain_shows_parts_of_sentences_without_a_highlight(font: Font) -> None:
    subs = captions(spoken("Coffee was banned five times. Nobody cared."), font, preset="plain")
    assert {event.style for event in subs} == {"Said"}
    assert " ".join(shown(event.text) for event in subs) == "Coffee was banned five times. Nobody cared."


def test_an_unknown_look_is_refused_by_name(font: Font) -> None:
    with pytest.raises(BadRequest, match="karaoke, pop, plain"):
        captions(spoken("x"), font, preset="sparkle")
    with pytest.raises(BadRequest, match="lower-third"):
        captions(spoken("x"), font, position="left")


def test_no_words_make_no_events(font: Font) -> None:
    assert len(captions((), font)) == 0
    assert build_srt(()) == ""


# --------------------------------------------------------------------------- place


@pytest.mark.parametrize("size", [(720, 1280), (1080, 1920), (1280, 720), (720, 720), (720, 900)])
@pytest.mark.parametrize("position", ["lower-third", "center", "top"])
@pytest.mark.parametrize("preset", ["karaoke", "pop", "plain"])
def test_every_word_stands_within_the_safe_area(preset: str, position: str, size: tuple[int, int], font: Font) -> None:
    subs = captions(spoken(TEXT), font, preset=preset, position=position, size=size)
    area = TIKTOK_SAFE if size[1] > 1.5 * size[0] else TITLE_SAFE
    left, top, right, bottom = map(list, zip(*boxes(subs, font), strict=True))
    assert min(left) >= area.left * size[0]
    assert max(right) <= area.right * size[0]
    assert min(top) >= area.top * size[1]
    assert max(bottom) <= area.bottom * size[1] + 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("abcdefgWMщЖ.,!?{}\\", min_size=1, max_size=60), min_size=1, max_size=12))
def test_any_words_fit_and_each_is_shown(font: Font, texts: list[str]) -> None:
    words = tuple(Word(text=text, start=i * 0.4, end=i * 0.4 + 0.4) for i, text in enumerate(texts))
    subs = captions(words, font)
    for left, _, right, _ in boxes(subs, font):
        assert left >= 0.12 * 720
        assert right <= 0.88 * 720
    lit = sorted((event.start, shown(event.text)) for event in subs if event.style == "Spoken")
    assert "".join(text for _, text in lit) == "".join(texts)


# --------------------------------------------------------------------------- cutting


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(0, 1200), after=st.integers(0, 400))
def test_a_slice_shows_what_the_whole_shows(font: Font, cut: int, after: int) -> None:
    subs = captions(spoken(TEXT), font)
    start, at = cut / 100, after / 100
    piece = slice_captions(subs, start, start + 4.01)
    assert seen(piece, at) == seen(subs, (cut + after) / 100)


def test_a_slice_begins_at_zero_ends_with_its_segment_and_keeps_the_looks(font: Font) -> None:
    subs = captions(spoken(TEXT), font)
    piece = pysubs2.SSAFile.from_string(slice_captions(subs, 2.0, 5.0).to_string("ass"))
    assert min(event.start for event in piece) == 0
    assert max(event.end for event in piece) == 3000
    assert piece.styles["Spoken"] == subs.styles["Spoken"]
    assert piece.info["PlayResX"] == "720"


# --------------------------------------------------------------------------- what libass draws


def drawn(subs: pysubs2.SSAFile, at: float, font: Font, folder: Path) -> tuple[np.ndarray, str]:
    """One frame of grey (720x1280, RGB) with the captions burned in, and libass's log."""
    shutil.copytree(font.folder, folder / "fonts", dirs_exist_ok=True)
    (folder / "x.ass").write_text(subs.to_string("ass"), encoding="utf-8")
    source = ["-f", "lavfi", "-i", "color=0x808080:s=720x1280:r=25"]
    burn = ["-vf", f"setpts=PTS+{at}/TB,subtitles=x.ass:fontsdir=fonts", "-frames:v", "1"]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "verbose", *source, *burn, *raw]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(1280, 720, 3), done.stderr.decode(errors="replace")


def extent(frame: np.ndarray) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of what differs from the grey."""
    touched = np.abs(frame.astype(int) - 128).max(axis=2) > 24
    rows, columns = np.flatnonzero(touched.any(axis=1)), np.flatnonzero(touched.any(axis=0))
    return columns[0], rows[0], columns[-1], rows[-1]


@pytest.mark.parametrize("text", ["Coffee was banned.", "Кофе запрещали, ёжик съел щи."])
def test_libass_draws_our_font_and_nothing_else(text: str, font: Font, tmp_path: Path) -> None:
    frame, log = drawn(captions(spoken(text), font), 0.2, font, tmp_path)
    chosen = re.findall(r"fontselect: \(Tiktoker Captions[^)]*\) -> (\S+)", log)
    assert chosen
    assert all("TiktokerCaptions" in name for name in chosen)
    yellow = (frame[..., 0] > 220) & (frame[..., 1] > 180) & (frame[..., 2] < 110)
    assert yellow.sum() > 500


@pytest.mark.parametrize("position", ["lower-third", "top"])
def test_drawn_words_are_as_wide_as_measured_and_in_the_safe_area(position: str, font: Font, tmp_path: Path) -> None:
    subs = captions(spoken("ÅÉxtraordinarily"), font, position=position)
    left, top, right, bottom = extent(drawn(subs, 0.2, font, tmp_path)[0])
    expected = boxes(subs, font)[0]
    assert (left, right) == (pytest.approx(expected[0], abs=8), pytest.approx(expected[2], abs=8))
    assert left >= TIKTOK_SAFE.left * 720
    assert right <= TIKTOK_SAFE.right * 720
    assert top >= TIKTOK_SAFE.top * 1280
    assert bottom <= TIKTOK_SAFE.bottom * 1280


@pytest.mark.parametrize("text", ["a\\Nb", "a\\nb", "{\\b1}ab", "a\\hb", "{ab}"])
def test_special_characters_are_drawn_not_obeyed(text: str, font: Font, tmp_path: Path) -> None:
    _, top, _, bottom = extent(drawn(captions(spoken(text), font), 0.2, font, tmp_path)[0])
    assert bottom - top < 1.45 * 0.088 * 720 * 1.07  # one line
    left, _, right, _ = extent(drawn(captions(spoken(text), font), 0.2, font, tmp_path)[0])
    plain = ImageFont.truetype(str(font.file), 1000).getlength(text) / 1000 * 0.088 * 720
    assert right - left > 0.95 * plain  # nothing swallowed


# --------------------------------------------------------------------------- srt


def test_an_srt_breaks_at_the_ends_of_sentences_and_clauses() -> None:
    srt = build_srt(spoken("Coffee was banned five times, but nobody really stopped drinking it. It was too good."))
    texts = [event.plaintext.replace("\n", " ") for event in pysubs2.SSAFile.from_string(srt, format_="srt")]
    assert [text[-1] for text in texts] == [*("," * (len(texts) - 2)), ".", "."]


def test_an_abbreviation_ends_no_line() -> None:
    assert "Dr.\n" not in build_srt(spoken("We met with our old friend Dr. Smith at his home.", pause=0.0))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.text("abcdeщ.,!?->{}", min_size=1, max_size=70), st.floats(0.05, 1.5), st.floats(0, 1.5)),
        min_size=1,
        max_size=30,
    )
)
def test_any_srt_is_well_formed(spec: list[tuple[str, float, float]]) -> None:
    words, at = [], 0.0
    for text, length, pause in spec:
        words.append(Word(text=text, start=at, end=at + length))
        at += length + pause
    blocks = build_srt(words).split("\n\n")
    previous = 0
    for number, block in enumerate(blocks, 1):
        head, times, *lines = block.rstrip("\n").split("\n")
        start, end = (pysubs2.time.timestamp_to_ms(t.groups()) for t in pysubs2.time.TIMESTAMP.finditer(times))
        assert int(head) == number
        assert previous <= start < end
        assert 1 <= len(lines) <= 2
        assert all(0 < len(line) <= 42 for line in lines)
        previous = end
    assert len(blocks) <= len("".join(word.text for word in words))


def test_cues_of_ordinary_speech_stay_a_second_at_least() -> None:
    srt = build_srt(spoken("No. Yes. Go! He ran. She laughed, and then they all went home to sleep. The end.", 0.3))
    cues = pysubs2.SSAFile.from_string(srt, format_="srt")
    assert min(cue.duration for cue in cues) >= 1000
