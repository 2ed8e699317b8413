"""Captions as an ASS document in which every word has a place of its own.

Words are positioned one by one: a highlighted word may grow without moving its neighbours or the baseline. Each state
of a word (waiting, spoken, said) is one event without animation, so that a document can be cut at any time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from tiktoker_batch.media.cues import break_cost, cues, groups, seen_until, wrap
from tiktoker_batch.media.layout import (
    GROWTH,
    MOST_WORDS,
    OUTLINE,
    SHADOW,
    Look,
    Place,
    fitting,
    in_pieces,
    line_heights,
    place,
    places_of_words,
)
from tiktoker_batch.media.words import Word

if TYPE_CHECKING:
    import pysubs2

# Languages in which capitals neither lose a letter (German, Greek) nor need rules of their own (Turkish, Dutch).
_CAPITALS = frozenset({"en", "ru", "uk", "be", "bg", "es", "fr", "it", "pt", "pl", "sv", "da", "nb", "no", "id"})


def document(words: Sequence[Word], look: Look, language: str) -> "pysubs2.SSAFile":
    """All captions of a video."""
    import pysubs2  # noqa: PLC0415

    subs = pysubs2.SSAFile()
    subs.info.update(
        {
            "PlayResX": str(look.width),
            "PlayResY": str(look.height),
            "WrapStyle": "2",
            "ScaledBorderAndShadow": "yes",
            "YCbCr Matrix": "None",
        }
    )
    subs.styles.clear()
    subs.styles.update({"Said": _style(look), "Spoken": _style(look, spoken=True)})
    events = _plain(words, look) if look.preset == "plain" else _grouped(words, look, language)
    subs.extend(event.to_pysubs2() for event in events if event.end > event.start)
    return subs


@dataclass(frozen=True, slots=True)
class _Event:
    text: str
    place: Place
    start: float
    end: float
    spoken: bool = False

    def to_pysubs2(self) -> "pysubs2.SSAEvent":
        import pysubs2  # noqa: PLC0415

        size = f"\\fs{self.place.size:.1f}" if self.place.size else ""
        softness = f"\\blur{self.place.softness:.1f}"
        return pysubs2.SSAEvent(
            start=_milliseconds(self.start),
            end=_milliseconds(self.end),
            layer=int(self.spoken),
            style="Spoken" if self.spoken else "Said",
            text=f"{{\\pos({self.place.x:.1f},{self.place.y:.1f}){size}{softness}}}{escape(self.text)}",
        )


def escape(text: str) -> str:
    """Text that libass shows as it is: braces open no tags, backslashes begin no line break."""
    text = " ".join(text.split()).replace("\\", "\\\u200b")
    return text.replace("{", "\\{").replace("}", "\\}")


def _milliseconds(seconds: float) -> int:
    # ASS counts hundredths: rounded here, the end of one event stays the start of the next.
    return round(seconds * 100) * 10


def _style(look: Look, *, spoken: bool = False) -> "pysubs2.SSAStyle":
    import pysubs2  # noqa: PLC0415

    growth = 100 * GROWTH if spoken else 100
    return pysubs2.SSAStyle(
        fontname=look.font.family,
        fontsize=round(look.size * look.metrics.line, 1),
        primarycolor=pysubs2.Color(255, 220, 40) if spoken else pysubs2.Color(255, 255, 255),
        outlinecolor=pysubs2.Color(12, 12, 16),
        backcolor=pysubs2.Color(0, 0, 0, 110),
        bold=False,
        outline=round(OUTLINE * look.size, 1),
        shadow=round(SHADOW * look.size, 1),
        scalex=growth,
        scaley=growth,
        alignment=pysubs2.Alignment.MIDDLE_CENTER,
        marginl=0,
        marginr=0,
        marginv=0,
    )


def _plain(words: Sequence[Word], look: Look) -> list[_Event]:
    events = []
    for cue in cues(in_pieces(words, look, look.room), look.room, look.text_width):
        size = fitting(cue.lines, look)
        for line, y in zip(cue.lines, line_heights(len(cue.lines), size, look), strict=True):
            events.append(_Event(line, place(look.width / 2, y, size, look), cue.start, cue.end))
    return events


def _grouped(words: Sequence[Word], look: Look, language: str) -> list[_Event]:
    cased = [Word(text=_cased(word.text, look, language), start=word.start, end=word.end) for word in words]
    shown = in_pieces(cased, look, look.room / GROWTH)

    def cost(first: int, end: int) -> float:
        return _group_cost(shown, first, end, look)

    events: list[_Event] = []
    for first, end in groups(shown, most=MOST_WORDS[look.preset], cost=cost):
        events += _group_events(shown[first:end], seen_until(shown, end), look)
    return events


def _cased(text: str, look: Look, language: str) -> str:
    """Capitals for the single big words of ``pop``, except in names like iPhone and where capitals do harm."""
    mixed = any(low.islower() and high.isupper() for low, high in pairwise(text))
    if look.preset != "pop" or mixed or language.lower().split("-", maxsplit=1)[0] not in _CAPITALS:
        return text
    return text.upper()


def _group_cost(words: Sequence[Word], first: int, end: int, look: Look) -> float:
    texts = [word.text for word in words[first:end]]
    lines = wrap(texts, look.room / GROWTH, look.text_width)
    if look.preset == "pop":
        together = len(texts) == 1 or (len(lines) == 1 and sum(map(len, texts)) <= 9)
        inner = break_cost(words, first + 1) if len(texts) > 1 else 1.0
        return 1.0 if together and inner >= 0.6 else float("inf")
    too_wide = len(texts) > 1 and max(map(look.text_width, texts)) > look.room / GROWTH
    if len(lines) > 2 or too_wide:
        return float("inf")
    cost = 0.7 + 1.5 * break_cost(words, end) + 0.15 * (len(lines) - 1)
    if seen_until(words, end) - words[first].start < 0.5:
        cost += 0.6  # too short to be read
    # A group does not reach over the end of a sentence or a pause, and not gladly over a comma.
    return cost + sum(4.0 * (0.6 - min(0.6, break_cost(words, index))) for index in range(first + 1, end))


def _group_events(words: Sequence[Word], until: float, look: Look) -> list[_Event]:
    lines = wrap([word.text for word in words], look.room / GROWTH, look.text_width)
    size = fitting(lines, look, growth=GROWTH)
    places = places_of_words([word.text for word in words], lines, size, look)
    starts = [word.start for word in words]
    events = []
    for index, (word, spot) in enumerate(zip(words, places, strict=True)):
        if look.preset == "pop":
            events.append(_Event(word.text, spot, starts[0], until))
            continue
        stop = starts[index + 1] if index + 1 < len(words) else until
        events.append(_Event(word.text, spot, starts[0], word.start))
        events.append(_Event(word.text, spot, word.start, stop, spoken=True))
        events.append(_Event(word.text, spot, stop, until))
    return events
