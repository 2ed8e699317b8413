"""Whether an engine can say a text, decided from the text alone: cheap enough for a recipe's validation."""

import unicodedata
from typing import Literal

from tiktoker_batch.providers.local.speech.text import has_sound, sentences

Engine = Literal["hibari", "espeak-ng"]

ESPEAK_HINT = (
    "use the model 'local:espeak-ng' for it (pip install 'tiktoker-batch[espeak]'), or a cloud narration model"
)


def check_text(text: str, engine: Engine, language: str) -> str | None:
    """Why this engine cannot speak this text and what to do about it; ``None`` when it can."""
    words = [word for sentence in sentences(text) for word in sentence.words]
    if not any(has_sound(word) for word in words):
        return "there is nothing to say: the text has no words (addresses, #tags and emoji are not spoken)"
    if engine == "espeak-ng":
        return None
    if language.lower().split("-")[0] != "en":
        return f"hibari speaks English only, not language '{language}'; {ESPEAK_HINT}"
    foreign = next((char for word in words for char in word if char.isalpha() and not _is_latin(char)), None)
    if foreign:
        return f"hibari cannot read {foreign!r} ({unicodedata.name(foreign, 'unnamed').lower()}); {ESPEAK_HINT}"
    return None


def _is_latin(char: str) -> bool:
    return char.isascii() or unicodedata.name(char, "").startswith(("LATIN", "FEMININE", "MASCULINE", "MICRO"))
