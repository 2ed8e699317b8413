"""Words and sentences: cleaning, counting, filling templates."""

# ruff: noqa: RUF001 - typographic marks

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

_SENTENCE = re.compile(r"(?<=[.!?…])[\"”»)]*\s+")
_CHOICE = re.compile(r"\[([^|\[\]]*)\|([^|\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_KEPT_MARKS = frozenset(" '’-–—,.:;!?%&+/\"“”«»()$€£°")


def clean(text: str) -> str:
    """Text of letters, digits and common marks only, single spaces between; whatever else it held is dropped."""
    kept = "".join(char if _is_kept(char) else " " for char in unicodedata.normalize("NFKC", text))
    spaced = re.sub(r"([.,:;!?])(?:\s*[.,:;!?])+", r"\1", re.sub(r"\s+", " ", kept))
    return re.sub(r" ([,.:;!?])", r"\1", spaced).strip()


def _is_kept(char: str) -> bool:
    return char in _KEPT_MARKS or unicodedata.category(char)[0] in "LMN"


@lru_cache(maxsize=4096)  # drafts count the same sentences again and again
def count_words(text: str) -> int:
    """The words somebody speaks: runs of letters and digits."""
    return len(re.findall(r"\w[\w'’-]*", text))


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    return [part.strip() for part in _SENTENCE.split(text.strip()) if any(map(str.isalnum, part))]


def script_of(text: str) -> str:
    """``latin``, ``cyrillic`` or ``other``, by the first letters of most words; ``none`` without any letter."""
    letters = [unicodedata.name(char, "?").split()[0] for char in text if char.isalpha()]
    if not letters:
        return "none"
    most = max(sorted(set(letters)), key=letters.count).lower()
    return most if most in {"latin", "cyrillic"} else "other"


def fill(template: str, slots: Mapping[str, str], *, plural: bool) -> str | None:
    """The template with ``{slot}`` filled in and ``[one|many]`` decided; ``None`` where a slot is not known."""
    wanted = _SLOT.findall(template)
    if any(not slots.get(name) for name in wanted):
        return None
    chosen = _CHOICE.sub(lambda match: match[2 if plural else 1], template)
    return tidy(_SLOT.sub(lambda match: slots[match[1]], chosen))


def tidy(text: str) -> str:
    """Single spaces, a capital at the beginning of every sentence, no doubled marks."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"([.!?…])[.,;:]+(?=\s|$)", r"\1", text)
    return re.sub(r"(^|[.!?…] )([^\W\d_])", lambda match: match[1] + match[2].upper(), text)
