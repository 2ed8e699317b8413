"""Word times out of what speech services tell: letters with times, words with times, or nothing at all."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from tiktoker_batch.model import Json

# How both services name the three rows of an alignment: letters, when each begins, and when it ends, in seconds.
LETTER_ROWS = ("characters", "character_start_times_seconds", "character_end_times_seconds")
_SLACK = 0.75  # seconds by which the last letter may miss the end of the sound
_WORD = re.compile(r"\S+")
_LEAD, _TAIL = 0.08, 0.25  # silence that speech services put before and after the words


def timed_words(text: str, told: Any, *, seconds: float) -> Json:
    """The words of a text as ``[{"text", "start", "end"}]``, in seconds of a sound that lasts ``seconds``.

    ``told`` may be an alignment of letters, a list of such, or a list of words; whatever does not rise steadily to
    about the end of the sound is not believed, and the words are then shared out by their lengths.
    """
    letters = _letters(told)
    words = _from_letters(letters) if letters else _from_words(told)
    if not _believable(words, text, seconds):
        words = _shared_out(text, seconds)
    return [{"text": word, "start": round(start, 3), "end": round(end, 3)} for word, start, end in words]


_Timed = tuple[str, float, float]


def _letters(told: Any) -> list[_Timed]:
    """Letters with times, from one alignment or several in a row."""
    parts = told if isinstance(told, list) else [told]
    found: list[_Timed] = []
    for part in parts:
        if not isinstance(part, Mapping):
            return []
        rows = [part.get(row) for row in LETTER_ROWS]
        if not all(isinstance(row, list) for row in rows) or len({len(row or ()) for row in rows}) != 1:
            return []
        for letter, start, end in zip(*rows, strict=True):
            if not isinstance(start, int | float) or not isinstance(end, int | float):
                return []
            found.append((str(letter), float(start), float(end)))
    return found


def _from_letters(letters: Sequence[_Timed]) -> list[_Timed]:
    words: list[_Timed] = []
    word, start, end = "", 0.0, 0.0
    for letter, began, ended in (*letters, (" ", 0.0, 0.0)):
        if letter.strip():
            start = began if not word else start
            word, end = word + letter, ended
        elif word:
            words.append((word, start, end))
            word = ""
    return words


def _from_words(told: Any) -> list[_Timed]:
    words: list[_Timed] = []
    for item in told if isinstance(told, list) else ():
        if not isinstance(item, Mapping):
            return []
        word, start, end = item.get("text") or item.get("word"), item.get("start"), item.get("end")
        if not isinstance(word, str) or not isinstance(start, int | float) or not isinstance(end, int | float):
            return []
        if word.strip():
            words.append((word.strip(), float(start), float(end)))
    return words


def _believable(words: Sequence[_Timed], text: str, seconds: float) -> bool:
    """Whether times rise, end about where the sound ends, and are of this very text."""
    if not words or any(end < start or start < 0 for _, start, end in words):
        return False
    if any(later[1] < earlier[1] for earlier, later in pairwise(words)):
        return False
    last = words[-1][2]
    same = "".join(word for word, _, _ in words) == "".join(text.split())
    return same and last <= seconds + _SLACK and last >= seconds * 0.5


def _shared_out(text: str, seconds: float) -> list[_Timed]:
    found = _WORD.findall(text)
    weights = [len(word) + (3 if word[-1] in ".!?:;" else 1) for word in found]
    lead, whole = min(_LEAD, seconds / 10), sum(weights) or 1
    voiced = max(seconds - lead - min(_TAIL, seconds / 10), 0.0)
    words: list[_Timed] = []
    at = 0.0
    for word, weight in zip(found, weights, strict=True):
        start = lead + voiced * at / whole
        at += weight
        words.append((word, start, lead + voiced * (at - 0.5) / whole))
    return words
