"""From a script to sentences of words: as they are shown, and as a voice is to say them."""

# ruff: noqa: RUF001, SIM905 - typographic marks, other alphabets, and word lists that read as lists of words
import re
import unicodedata
from dataclasses import dataclass

_LINK = re.compile(r"\[([^\]\n]+)\]\([^)\s]*\)")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"”»)\]]*[^\s<>\"”»)\].,;:!?…]", re.IGNORECASE)
_CLOSING_TAGS = re.compile(r"(?:(?<=\s)|^)(?:#\w+[\s,]*)+$", re.MULTILINE)
_TAG = re.compile(r"#(?=[^\W\d_])")
_EMPHASIS = re.compile(r"(?<!\w)([*_]{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)")
_BULLET = re.compile(r"^\s*(?:[-*•–—]|\d+[.)])\s+", re.MULTILINE)
_HEADING = re.compile(r"^\s*#{1,6}\s+", re.MULTILINE)
# A shorter line before a capital is a line of verse or of a list; longer ones are wrapped prose.
_SHORT_LINE = 40

# Symbols that voices read out, unlike quotes, dashes and dots.
_SPOKEN_SYMBOLS = frozenset("&@+=%$€£¥₹₽°<>~×÷±½¼¾§©")
_OPENERS = "\"'“”‘«„(["
_CLOSERS = "\"'”’»“)]"
_TITLES = frozenset("Mr Mrs Ms Dr Prof St Mt Ft Gen Gov Sen Rep Capt Lt Col Sgt Rev Hon Pres No Nos vs Fig Vol".split())
_ABBREVIATIONS = frozenset(
    "e.g i.e a.m p.m etc approx est Jr Sr Inc Ltd Co Corp Bros Ave Blvd Rd Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct"
    " Nov Dec cf al т.е т.д т.п др г им ул".split()
)
_ACRONYM = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]$|^[A-ZА-ЯЁ]$")
# After an abbreviation only these begin a new sentence with some certainty.
_STARTERS = frozenset(
    "The A An He She It They We I You In On At But And So Then This That These Those There When While If His Her Its"
    " Their Our My What Who Why How No Yes After Before For From With As By".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Words in order as they are shown; ``ends_paragraph`` asks for a longer pause after it."""

    words: tuple[str, ...]
    ends_paragraph: bool = False


def sentences(text: str) -> tuple[Sentence, ...]:
    """Split a script into sentences.

    Addresses, a closing run of #tags, emoji and Markdown's marks are dropped; a #tag within a sentence is a word.
    A mark that stands alone (a dash, a row of dots) joins the word before it, so that every word has a sound.
    """
    result: list[Sentence] = []
    for paragraph in _paragraphs(_clean(text)):
        parts = [part for line in paragraph for part in _split(_words(line))]
        result += [Sentence(words=part) for part in parts[:-1]]
        result += [Sentence(words=part, ends_paragraph=True) for part in parts[-1:]]
    return tuple(result)


def has_sound(text: str) -> bool:
    """Whether there is anything in it that a voice reads out."""
    return any(char.isalnum() or char in _SPOKEN_SYMBOLS for char in text)


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    text = _URL.sub(" ", _LINK.sub(r"\1", text))
    text = "".join(" " if _is_pictorial(char) else char for char in text if not _is_invisible(char))
    text = _HEADING.sub("", _BULLET.sub("\n", text))
    text = _CLOSING_TAGS.sub("", text)
    return _EMPHASIS.sub(r"\2", _TAG.sub("", text)).replace("`", "")


def _is_pictorial(char: str) -> bool:
    """Emoji and dingbats, and the joiners and tints of emoji."""
    code = ord(char)
    return code >= 0x1F000 or 0x2600 <= code <= 0x27BF or 0x2B00 <= code <= 0x2BFF or code in {0x20E3, 0xFE0F}


def _is_invisible(char: str) -> bool:
    return char not in "\n\t" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"}


def _paragraphs(text: str) -> list[list[str]]:
    """Paragraphs as lists of lines; a wrapped line of prose goes on in the next one."""
    paragraphs: list[list[str]] = []
    for block in re.split(r"\n\s*\n", text):
        lines: list[str] = []
        previous = ""
        for line in filter(None, map(str.strip, block.split("\n"))):
            if lines and not (len(previous) < _SHORT_LINE and line[0].isupper()):
                lines[-1] += " " + line
            else:
                lines.append(line)
            previous = line
        if lines:
            paragraphs.append(lines)
    return paragraphs


def _words(line: str) -> list[str]:
    words: list[str] = []
    held = ""  # marks before the first word
    for token in line.split():
        if has_sound(token):
            words.append(f"{held} {token}".strip())
            held = ""
        elif words:
            words[-1] += f" {token}" if token[0].isalnum() or token[0] in "-–—" else token
        else:
            held = f"{held} {token}".strip()
    return words


def _split(words: list[str]) -> list[tuple[str, ...]]:
    parts: list[tuple[str, ...]] = []
    first = 0
    for index in range(1, len(words) + 1):
        if index == len(words) or _ends_sentence(words[index - 1], words[index]):
            parts.append(tuple(words[first:index]))
            first = index
    return [part for part in parts if part]


def _ends_sentence(word: str, following: str) -> bool:
    bare = word.rstrip(_CLOSERS + "-–— ")
    if not bare or bare[-1] not in ".!?…。！？":
        return False
    start = following.lstrip(_OPENERS)
    if start[:1].islower():
        return False
    if not bare.endswith(".") or bare.endswith(".."):
        return True
    core = bare[:-1].lstrip(_OPENERS)
    if core in _TITLES:
        return False
    if core in _ABBREVIATIONS or _ACRONYM.search(core):
        return start.rstrip(",.!?'’s") in _STARTERS
    return True
