"""Words with their times, and what is made of them: captions burned into the picture, and an .srt beside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tiktoker_batch import model
from tiktoker_batch.media.ass import document
from tiktoker_batch.media.cues import srt_cues
from tiktoker_batch.media.fonts import Font
from tiktoker_batch.media.layout import look
from tiktoker_batch.media.words import Word, scale_words, words_from_json, words_to_json

if TYPE_CHECKING:
    import pysubs2

__all__ = [
    "Word", "build_captions", "build_srt", "scale_words", "slice_captions", "words_from_json", "words_to_json",
]  # fmt: skip


def build_captions(
    words: Sequence[Word], *, captions: model.Captions, width: int, height: int, font: Font, language: str
) -> "pysubs2.SSAFile":
    """Captions to burn into a picture of this size (pixels).

    ``karaoke`` shows up to four words and highlights the spoken one, ``pop`` one or two large words at a time,
    ``plain`` parts of sentences without a highlight. Every line fits the area that the players' buttons leave free.
    """
    return document(words, look(captions.preset, captions.position, width, height, font), language)


def slice_captions(subs: "pysubs2.SSAFile", start: float, end: float) -> "pysubs2.SSAFile":
    """The captions seen in [start, end) seconds, moved to begin at 0.

    Every state of a word is an event of its own without animation: a cut inside a word goes on as it was.
    """
    import pysubs2  # noqa: PLC0415

    first, last = round(start * 1000), round(end * 1000)
    piece = pysubs2.SSAFile()
    piece.info.update(subs.info)
    piece.styles.update({name: style.copy() for name, style in subs.styles.items()})
    for event in subs:
        if event.start < last and event.end > first:
            cut = event.copy()
            cut.start, cut.end = max(event.start, first) - first, min(event.end, last) - first
            piece.append(cut)
    return piece


def build_srt(words: Sequence[Word], *, until: float = float("inf")) -> str:
    """SubRip text: one or two lines of at most 42 characters, broken where sentences and clauses end.

    ``until`` is the length of the video in seconds: nothing stays longer.
    """
    blocks = (
        f"{number}\n{_srt_time(cue.start)} --> {_srt_time(min(cue.end, until))}\n" + "\n".join(cue.lines) + "\n"
        for number, cue in enumerate(srt_cues(words), 1)
    )
    return "\n".join(blocks)


def _srt_time(seconds: float) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d},{milliseconds % 1000:03d}"
