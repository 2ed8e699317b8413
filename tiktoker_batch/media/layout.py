"""Where captions stand in a picture and how large they are, measured with the font that draws them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tiktoker_batch.errors import BadRequest
from tiktoker_batch.media.cues import cut
from tiktoker_batch.media.fonts import Font, Metrics, metrics
from tiktoker_batch.media.words import Word

GROWTH = 1.07  # of the spoken word
_WORD_GAP = 0.38  # em between words: the font's space, and room to grow
_LINE_PITCH = 1.2  # em
_DEPTH = 0.22  # em that accents, descenders and outline reach beyond a line's share
OUTLINE, SHADOW = 0.075, 0.05  # em
_SOFTNESS = 0.02  # em of blur on outline and shadow
_SMALLEST = 0.55  # of the preset's size; words that are too long even so are cut
# Font sizes in parts of the picture's shorter side.
_SIZES = {"karaoke": 0.088, "pop": 0.135, "plain": 0.062}
MOST_WORDS = {"karaoke": 4, "pop": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Where captions may stand: ``left`` to ``right`` and ``top`` to ``bottom`` in parts of the picture."""

    left: float
    right: float
    top: float
    bottom: float


# TikTok lays a column of buttons over the right eighth, caption and progress over the bottom fifth to quarter, tabs
# and search over the top tenth. Centred text keeps the same margin on the left.
TIKTOK_SAFE = Area(left=0.13, right=0.87, top=0.13, bottom=0.75)
# Title-safe margins of ordinary players, with room for their progress bar.
TITLE_SAFE = Area(left=0.08, right=0.92, top=0.08, bottom=0.90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A preset at a place in a picture of a size; lengths in pixels."""

    preset: str
    position: str
    width: int
    height: int
    font: Font
    metrics: Metrics
    size: float
    area: Area

    @property
    def room(self) -> float:
        """The widest that the letters of a line may be, with outline and shadow still in the area."""
        return (self.area.right - self.area.left) * self.width - 2 * (OUTLINE + SHADOW + _SOFTNESS) * self.size

    def text_width(self, text: str, size: float | None = None) -> float:
        """The width of words on one line."""
        words = text.split(" ")
        return (sum(map(self.metrics.width, words)) + _WORD_GAP * (len(words) - 1)) * (size or self.size)


def look(preset: str, position: str, width: int, height: int, font: Font) -> Look:
    """Measure a preset out for a picture.

    :raises BadRequest: there is no such preset or position.
    """
    if preset not in _SIZES:
        raise BadRequest(f"unknown caption preset {preset!r}", hint=f"presets: {', '.join(_SIZES)}")
    if position not in {"lower-third", "center", "top"}:
        raise BadRequest(f"unknown caption position {position!r}", hint="positions: lower-third, center, top")
    return Look(
        preset=preset,
        position=position,
        width=width,
        height=height,
        font=font,
        metrics=metrics(font),
        size=_SIZES[preset] * min(width, height),
        area=TIKTOK_SAFE if width / height < 0.7 else TITLE_SAFE,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """The middle of a text and the blur of its edges, in pixels, and its ASS font size when not the style's."""

    x: float
    y: float
    size: float | None
    softness: float


def in_pieces(words: Sequence[Word], look: Look, room: float) -> list[Word]:
    """The words, those cut that would not fit even in small letters."""
    return [piece for word in words for piece in cut(word, room / _SMALLEST, look.text_width)]


def fitting(lines: Sequence[str], look: Look, growth: float = 1.0) -> float:
    """The look's font size, or a smaller one at which these lines fit in width and height."""
    widest = max(look.text_width(line) for line in lines) * growth
    highest = (look.area.bottom - look.area.top) * look.height / (len(lines) * _LINE_PITCH + 2 * _DEPTH)
    return min(look.size, look.size * look.room / widest if widest else look.size, highest)


def line_heights(count: int, size: float, look: Look) -> list[float]:
    """The middle of every line, in pixels from the top."""
    pitch = _LINE_PITCH * size
    block = pitch * count
    top = {
        "lower-third": look.area.bottom * look.height - block - _DEPTH * size,
        "center": (look.height - block) / 2,
        "top": look.area.top * look.height + _DEPTH * size,
    }[look.position]
    return [top + pitch * (index + 0.5) for index in range(count)]


def places_of_words(texts: Sequence[str], lines: Sequence[str], size: float, look: Look) -> list[Place]:
    """Where every word stands; ``lines`` hold the same words in the same order."""
    places: list[Place] = []
    remaining = list(texts)
    for line, y in zip(lines, line_heights(len(lines), size, look), strict=True):
        x = look.width / 2 - look.text_width(line, size) / 2
        room = len(line) + 1
        while remaining and len(remaining[0]) < room:
            text = remaining.pop(0)
            width = look.text_width(text, size)
            places.append(place(x + width / 2, y, size, look))
            x += width + _WORD_GAP * size
            room -= len(text) + 1
    return places


def place(x: float, y: float, size: float, look: Look) -> Place:
    """A place for a text of this size in em (pixels)."""
    return Place(x, y, size * look.metrics.line if size != look.size else None, _SOFTNESS * size)
