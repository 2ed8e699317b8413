"""The captions' font: one static file, made once, that draws Latin and Cyrillic."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from PIL import ImageFont

from tiktoker_batch.errors import PreflightError
from tiktoker_batch.media.fonts import Font, caption_font, uncovered


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> Font:
    return caption_font(tmp_path_factory.mktemp("cache"))


def test_the_font_is_static_and_alone_in_its_folder_under_its_own_name(font: Font) -> None:
    assert [path.name for path in font.folder.iterdir()] == [font.file.name]
    assert ImageFont.truetype(str(font.file), 20).getname() == (font.family, "Regular")
    with TTFont(font.file) as drawn:
        assert "fvar" not in drawn


def test_the_font_is_bold(font: Font) -> None:
    stem = ImageFont.truetype(str(font.file), 100).getmask("l").size[0]
    assert stem >= 14  # the thin default of the variable font is about 2


def test_latin_and_cyrillic_are_covered(font: Font) -> None:
    assert uncovered("Coffee, naïve Łódź çağ straße — “quoted” 20 € № 5…", font) == ""
    assert uncovered("Съешь ещё этих мягких булок. Їжак, ґанок, ў", font) == ""


def test_decomposed_letters_count_as_the_letters_they_make(font: Font) -> None:
    assert uncovered("cafe\u0301 и\u0306", font) == ""


def test_what_cannot_be_drawn_is_named_once_and_in_order(font: Font) -> None:
    assert uncovered("go 🎉 日本 🎉\n\tnow", font) == "🎉日本"


def test_a_second_call_takes_what_is_there(font: Font) -> None:
    before = font.file.stat().st_mtime_ns
    assert caption_font(font.folder.parents[1]) == font
    assert font.file.stat().st_mtime_ns == before


def test_simultaneous_first_calls_leave_one_whole_font(font: Font, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        made = set(pool.map(caption_font, [tmp_path] * 2))
    assert len(made) == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [font.file.name]
    assert made.pop().file.read_bytes() == font.file.read_bytes()


def test_a_missing_typeface_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fontpkg_montserrat", None)
    with pytest.raises(PreflightError, match="pip install --force-reinstall fontpkg-montserrat"):
        caption_font(tmp_path)
