"""The font of the captions: a static bold cut of Montserrat (OFL), made once into the cache.

libass draws a variable font at its default instance (Thin) and does not find it by a style's name, so captions
need a static instance under a family name of its own, in a folder that is given to libass as ``fontsdir``.
"""

import os
import tempfile
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tiktoker_batch.errors import PreflightError

FAMILY = "Tiktoker Captions"
WEIGHT = 800
# Part of the file's name: whoever changes what is cut out below changes it, and old caches are left behind.
EDITION = 1

# Latin with Vietnamese, Cyrillic, punctuation, currency, arrows and the commoner mathematics.
_BLOCKS = (
    (0x20, 0x24F), (0x2BC, 0x2BC), (0x200B, 0x200B), (0x400, 0x4FF), (0x1E80, 0x1EF9), (0x2010, 0x203A),
    (0x2070, 0x209F), (0x20A0, 0x20BF), (0x2116, 0x2122), (0x2190, 0x2193), (0x2212, 0x2265),
)  # fmt: skip
_NAME_IDS = (1, 4, 6, 16)  # family, full name, PostScript name, typographic family


@dataclass(frozen=True, slots=True, kw_only=True)
class Font:
    """A font family alone in its ``folder``, as libass wants it (``fontsdir``)."""

    family: str
    folder: Path

    @property
    def file(self) -> Path:
        """The font file."""
        return self.folder / f"{self.family.replace(' ', '')}.ttf"


def caption_font(cache_dir: Path) -> Font:
    """The captions' font, made at first use in about a second; several processes may ask at once.

    :raises PreflightError: the package with the typeface is missing or damaged.
    """
    font = Font(family=FAMILY, folder=cache_dir / "fonts" / f"montserrat-{WEIGHT}-{EDITION}")
    if not font.file.exists():
        _make(font)
    return font


def uncovered(text: str, font: Font) -> str:
    """The characters of a text, each once and in order, that the font cannot draw; white space aside."""
    known = metrics(font).advances
    wanted = (char for char in unicodedata.normalize("NFC", text) if not char.isspace())
    return "".join(dict.fromkeys(char for char in wanted if char not in known))


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Sizes in em. ``advances`` by character; ``line`` is the height of a line box as libass reckons font sizes."""

    advances: Mapping[str, float]
    line: float

    def width(self, text: str) -> float:
        """The width of a text on one line; an unknown character counts as one em."""
        return sum(self.advances.get(char, 1.0) for char in text)


@cache
def metrics(font: Font) -> Metrics:
    """Read the sizes of a font's characters."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - slow to import, rarely needed

    with TTFont(font.file, lazy=True) as source:
        em = source["head"].unitsPerEm
        widths = source["hmtx"].metrics
        advances = {chr(code): widths[glyph][0] / em for code, glyph in source.getBestCmap().items()}
        os2 = source["OS/2"]
        return Metrics(advances=advances, line=(os2.usWinAscent + os2.usWinDescent) / em)


def _make(font: Font) -> None:
    cut = _static_instance(_typeface())
    font.folder.mkdir(parents=True, exist_ok=True)
    # A name of its own per process and a rename: others see no font or a whole one. libass would also load a
    # half-written font from the folder, so that the temporary file lives beside it.
    handle, name = tempfile.mkstemp(dir=font.folder.parent, suffix=".part")
    os.close(handle)
    try:
        cut.save(name)
        Path(name).chmod(0o644)  # a cache may be shared
        Path(name).replace(font.file)
    finally:
        Path(name).unlink(missing_ok=True)


def _typeface() -> Path:
    try:
        import fontpkg_montserrat  # noqa: PLC0415

        return next(Path(fontpkg_montserrat.__file__).parent.glob("files/Montserrat[[]wght].ttf"))
    except (ImportError, StopIteration):
        raise PreflightError(
            "the captions' typeface is missing: package 'fontpkg-montserrat' is not installed or damaged",
            hint="pip install --force-reinstall fontpkg-montserrat",
        ) from None


def _static_instance(typeface: Path) -> Any:
    from fontTools import subset  # noqa: PLC0415
    from fontTools.ttLib import TTFont  # noqa: PLC0415
    from fontTools.varLib import instancer  # noqa: PLC0415

    source = TTFont(typeface, recalcTimestamp=False)
    # Without kerning and ligatures the instance is made in 0.4 s, with them in 2.7 s; and a text's width is then
    # the sum of its characters' widths, in libass as in Metrics.
    options = subset.Options(layout_features=[], name_IDs=_NAME_IDS, hinting=False, notdef_outline=True)
    options.drop_tables += ["GPOS", "GSUB", "GDEF", "DSIG"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for code in source.getBestCmap() if _is_wanted(code)])
    subsetter.subset(source)
    cut = instancer.instantiateVariableFont(source, {"wght": WEIGHT}, inplace=True, optimize=False)
    _rename(cut)
    return cut


def _is_wanted(code: int) -> bool:
    return any(first <= code <= last for first, last in _BLOCKS)


def _rename(cut: Any) -> None:
    for name_id in _NAME_IDS:
        spelled = FAMILY.replace(" ", "") if name_id == 6 else FAMILY
        cut["name"].setName(spelled, name_id, 3, 1, 0x409)
    cut["name"].setName("Regular", 2, 3, 1, 0x409)
    # Declared as a regular weight: libass would otherwise embolden or pass it over by weight.
    cut["OS/2"].usWeightClass = 400
    cut["OS/2"].fsSelection = 0x40
    cut["head"].macStyle = 0
