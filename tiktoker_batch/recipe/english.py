"""Whether a shot is described in English, which picture models know best. A guess that would rather keep silent."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from tiktoker_batch.catalog.words import Words, load_words

LETTERS: Mapping[str, str] = {"cjk": "Chinese", "hiragana": "Japanese", "katakana": "Japanese", "hangul": "Korean"}
"""What a script's letters are called, where that is not its own name."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")  # noqa: RUF001  (the apostrophe that editors set)


def not_english(text: str) -> str | None:
    """What a text looks that is hardly English (``like German``); ``None`` for one that may be."""
    names = [unicodedata.name(letter, "?").split()[0].casefold() for letter in text if letter.isalpha()]
    others = [name for name in names if name != "latin"]
    if len(others) > len(names) / 2:
        script = max(dict.fromkeys(others), key=others.count)
        return f"to be in {LETTERS.get(script, script.capitalize())} letters"
    known = load_words()
    words = [word.casefold() for word in _WORD.findall(text)]
    english = sum(word in known.english for word in words) + sum(word in known.shared for word in words) / 2
    guesses = ((name, *_told(words, small, known)) for name, small in known.foreign.items())
    name, told, sure = max(guesses, key=lambda guess: guess[1:])
    if sure and told > english and (told > 1 or (english == 0 and len(words) > 2)):
        return f"like {name}"
    marked = sum(not word.isascii() for word in words)
    return "to be in another language" if english == 0 and marked > 2 and marked > len(words) * 0.3 else None


def _told(words: Sequence[str], small: frozenset[str], known: Words) -> tuple[int, int]:
    """How many of the words are a language's small words, and how many of these stand in no name."""
    found = [word for word in words if word in small and word not in known.shared]
    return len(found), sum(word not in known.in_names for word in found)
