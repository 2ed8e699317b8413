"""Spoken words with their times, as narration.json keeps them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word as shown, with its punctuation; ``start`` and ``end`` in seconds from the start of the audio."""

    text: str
    start: float
    end: float


def scale_words(words: Iterable[Word], tempo: float) -> tuple[Word, ...]:
    """The words of a narration that is played ``tempo`` times as fast."""
    return tuple(Word(text=word.text, start=word.start / tempo, end=word.end / tempo) for word in words)


def words_to_json(words: Iterable[Word]) -> list[dict[str, Any]]:
    """Words as plain JSON values."""
    return [asdict(word) for word in words]


def words_from_json(values: Iterable[Mapping[str, Any]]) -> tuple[Word, ...]:
    """The words of :func:`words_to_json`; other keys are passed over.

    :raises KeyError, ValueError: these are not words.
    """
    return tuple(
        Word(text=str(value["text"]), start=float(value["start"]), end=float(value["end"])) for value in values
    )
