"""What an English topic is: its kind, and the forms of it that sentences can be built with."""

# ruff: noqa: RUF001 - typographic marks

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tiktoker_batch.providers.local.writer import lexicon

Shape = Literal["hero", "thing", "question", "what_if", "origin", "countdown", "loose"]

LONGEST = 16  # words of a topic that a sentence can carry
_ASKED = (
    r"(?:please )?(?:tell|write|make|give|show)(?: me| us)?(?: an?| the)? (?:short )?(?:story|tale|video|film|clip)"
)
_ABOUT = re.compile(
    rf"^(?:{_ASKED}|(?:an?|the) (?:short )?(?:story|tale|video|film|clip|legend|adventures?)|explain|describe|"
    r"(?:interesting |fun |amazing |curious |surprising )?facts)(?: about| of|:)?\s+",
    re.IGNORECASE,
)
_ORIGIN = re.compile(
    r"^(?:(?:an? |the )?(?:short |brief )?(?:history|origins?|invention|birth|beginnings?|discovery) of\s+(.+)"
    r"|how (.+?) (?:began|started|was invented|were invented|came to be|was born))$",
    re.IGNORECASE,
)
_COUNTDOWN = re.compile(
    r"^(?:top )?(\d{1,2}|two|three|four|five|six|seven|eight|nine|ten) "
    r"(?:(?:\w+ )?(?:facts|things|reasons|secrets|mysteries|lessons|ways|tips|ideas|thoughts|myths)\b"
    r"(?: (?:to know |you should know )?(?:about|of|on|behind|from))?\s+)(.+)$",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"^(?:why|how|what|when|where|who|whose|which|whether)\b", re.IGNORECASE)
_INVERTED = re.compile(
    r"^(?:(?:why|how|what|when|where|who|whom)(?: \w+)? )?"
    r"(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|had)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic, understood. ``full`` is all of it; the other forms are empty where it has none.

    ``phrase`` names the subject with its article, ``bare`` does so for one somebody without further qualities,
    ``short`` and ``pronoun`` refer back to it, ``act`` is what it is busy with,
    ``ask`` is a question on its own and ``asked`` the same as an object ("why honey never spoils").
    """

    shape: Shape
    full: str
    phrase: str = ""
    bare: str = ""
    pronoun: str = "it"
    short: str = ""
    act: str = ""
    ask: str = ""
    asked: str = ""
    count: int = 0
    plural: bool = False

    @property
    def slots(self) -> dict[str, str]:
        """The words that templates may use, by name."""
        single = self.phrase.startswith(("a ", "an ", "one "))
        return {
            "full": self.full,
            "np": self.phrase,
            "the": self.short,
            "act": self.act,
            "ask": self.ask,
            "q": self.asked,
            "it": self.pronoun,
            "bare": self.bare,
            "tale": self.phrase and self.full,
            "one": self.phrase if single else "",
            "any": "" if single else self.phrase,
        }


def parse(text: str) -> Topic:
    """Understand a cleaned topic; what is not understood becomes ``loose``, which any words survive."""
    text = _shorten(_stripped(text))
    if re.match(r"what if\b", text, re.IGNORECASE):
        return Topic(shape="what_if", full=_lower_first(text), ask=f"{text}?")
    if found := _COUNTDOWN.match(text):
        if found[2].lower().startswith("to "):  # reasons for something are no thoughts about a thing
            return Topic(shape="loose", full=_lower_first(text))
        return _about("countdown", found[2], count=_number(found[1]))
    if found := _ORIGIN.match(text):
        return _about("origin", found[1] or found[2])
    if _QUESTION.match(text) or _INVERTED.match(text):
        return _question(text)
    return _hero(text) or _thing(text)


def _stripped(text: str) -> str:
    text = text.strip(" \"“”«»'.,;:-–—!?()")
    shorter = re.sub(r"^top (?=\d)", "", _ABOUT.sub("", text), flags=re.IGNORECASE)
    return shorter.strip(" ,;:") or text


def _shorten(text: str) -> str:
    """As much of a long topic as one sentence can carry: its first clauses, or its first words."""
    first = re.split(r"[.!?;]\s|\s[–—-]\s", text)[0].strip()
    words = first.split()
    if len(words) <= LONGEST:
        return first
    clauses = re.split(r",\s", first)
    kept = clauses[0]
    for clause in clauses[1:]:
        if len(f"{kept} {clause}".split()) > LONGEST:
            break
        kept = f"{kept}, {clause}"
    words = kept.split()[:LONGEST]
    while len(words) > 1 and words[-1].lower().strip(",") in lexicon.CONNECTORS | lexicon.DETERMINERS:
        words.pop()
    return " ".join(words).strip(" ,")


def _question(text: str) -> Topic:
    if _INVERTED.match(text):
        return Topic(shape="question", full=_lower_first(text), ask=f"{text}?")
    asked = _lower_first(text)
    return Topic(shape="question", full=asked, ask=f"Have you ever wondered {asked}?", asked=asked)


def _hero(text: str) -> Topic | None:
    words = text.split()
    at = next((i for i in range(min(len(words), 8)) if _is_hero(words, i)), None)
    if at is None:
        return None
    head, rest = words[: at + 1], words[at + 1 :]
    if _is_a_class(head, rest):
        return None
    both = bool(rest) and rest[0] == "and" and any(_is_hero(words, i) for i in range(at + 2, min(len(words), at + 6)))
    plural = both or _is_plural(head)
    if not both and _is_finite(rest, plural=plural):
        # A whole sentence: it can be quoted after a colon, and its subject is still somebody.
        return Topic(shape="hero", full=_with_article(text, plural=plural), short=_definite(head), plural=plural)
    full = _with_article(text, plural=plural)
    act = " ".join(rest) if rest and _is_gerund(rest[0]) else ""
    phrase = full if both or not act else _with_article(" ".join(head), plural=plural)
    short = "the two" if both else _definite(head)
    bare = phrase if phrase.startswith(("a ", "an ")) and (act or not rest) else ""
    return Topic(shape="hero", full=full, phrase=phrase, bare=bare, short=short, act=act, plural=plural)


def _is_a_class(head: Sequence[str], rest: Sequence[str]) -> bool:
    """Whether this is not somebody but a kind ("octopuses") or a compound ("dog training tips")."""
    if head[0].lower() in lexicon.DETERMINERS:
        return False
    if _is_plural(head):
        return not rest or (rest[0].lower() in lexicon.CONNECTORS - lexicon.RELATIVES)
    clear = lexicon.DETERMINERS | lexicon.CONNECTORS
    return len(rest) > 1 and _is_gerund(rest[0]) and rest[1].lower() not in clear


def _thing(text: str) -> Topic:
    words = text.split()
    low = [word.lower().strip(",") for word in words]
    before_relative = low[: next((i for i, word in enumerate(low) if word in lexicon.RELATIVES), len(low))]
    if low[0] in lexicon.IMPERATIVES | {"top"} or ":" in text or _has_verb(before_relative):
        return Topic(shape="loose", full=_lower_first(text))
    return _about("thing", text)


def _has_verb(low: Sequence[str]) -> bool:
    if any(word in lexicon.FINITE for word in low):
        return True
    # "cats rule the world", "robot washing dishes": a noun phrase has neither of them
    after_verb = any(
        word in lexicon.DETERMINERS and low[i - 1] not in lexicon.CONNECTORS and not _is_gerund(low[i - 1])
        for i, word in enumerate(low)
        if i > 1
    )
    return after_verb or (len(low) > 2 and low[0] in lexicon.HEROES and _is_gerund(low[1]))


def _about(shape: Shape, text: str, *, count: int = 0) -> Topic:
    words = text.split()
    head = words[: next((i for i, word in enumerate(words) if i and word.lower() in lexicon.CONNECTORS), len(words))]
    plural = _is_plural(head) or " and " in f" {text} ".split(" of ")[0]
    phrase = _lower_first(text)
    named = phrase[0].isupper() and all(word[0].isupper() or len(word) < 4 for word in words)
    pronoun = "" if named else "them" if plural else "it"
    return Topic(shape=shape, full=phrase, phrase=phrase, short=phrase, pronoun=pronoun, count=count, plural=plural)


def _is_hero(words: Sequence[str], at: int) -> bool:
    """Whether a word is somebody, and not the first half of something else ("robot vacuum")."""
    word = _singular(words[at].lower())
    if word not in lexicon.HEROES and not word.endswith(lexicon.HERO_ENDINGS):
        return False
    follower = words[at + 1].lower().strip(",") if at + 1 < len(words) else ""
    known = not follower or follower in lexicon.CONNECTORS | lexicon.FINITE or words[at].endswith(",")
    return known or _is_gerund(follower) or _is_finite(words[at + 1 :], plural=_is_plural(words[: at + 1]))


def _is_finite(rest: Sequence[str], *, plural: bool) -> bool:
    if not rest:
        return False
    word = rest[0].lower()
    # "a knight guards the bridge": an s after one person is a verb if an object or a place follows
    follows = len(rest) > 1 and rest[1].lower() in lexicon.DETERMINERS | lexicon.CONNECTORS
    if plural:
        return word in lexicon.FINITE or (
            len(rest) > 1
            and rest[1].lower() in lexicon.DETERMINERS
            and word.isalpha()
            and word not in lexicon.CONNECTORS
            and not _is_gerund(word)
        )
    return word in lexicon.FINITE or (follows and bool(re.search(r"[a-z]{2}[^s'’]s$", word)))


def _is_gerund(word: str) -> bool:
    word = word.lower()
    return len(word) > 4 and word.endswith("ing") and word not in lexicon.NOT_GERUNDS


def _is_plural(head: Sequence[str]) -> bool:
    low = [word.lower().strip(",") for word in head]
    if not low or low[0] in lexicon.SINGULAR_DETERMINERS:
        return False
    if low[0] in lexicon.PLURAL_DETERMINERS or (low[0].isdigit() and low[0] != "1" and len(low) > 1):
        return True
    last = low[-1]
    if last in lexicon.IRREGULAR_PLURALS:
        return True
    return last.endswith("s") and not last.endswith(("ss", "us", "is", "ics", "'s", "’s")) and _countable(last)


def _countable(word: str) -> bool:
    return word not in lexicon.SINGULAR_IN_S and word not in lexicon.HEROES and len(word) > 3


def _singular(word: str) -> str:
    word = word.strip(",")
    if word in lexicon.HEROES or word in lexicon.IRREGULAR_PLURALS:
        return lexicon.IRREGULAR_PLURALS.get(word, word)
    if word.endswith("ies"):
        return word[:-3] + "y"
    stem = word.removesuffix("s")
    return stem if stem in lexicon.HEROES else word.removesuffix("es")


def _with_article(text: str, *, plural: bool) -> str:
    first = text.split(maxsplit=1)[0]
    low = first.lower()
    named = first[0].isupper() and low not in lexicon.DETERMINERS and low not in lexicon.HEROES
    if plural or named or low in lexicon.DETERMINERS or low.endswith(("'s", "’s")) or low[0].isdigit():
        return _lower_first(text)
    vowel = low[0] in "aeiou" and not low.startswith(("uni", "use", "eu", "one", "once"))
    article = "an" if vowel or low.startswith(("hour", "honest", "heir")) else "a"
    return f"{article} {_lower_first(text)}"


def _definite(head: Sequence[str]) -> str:
    first, last = head[0].lower(), head[-1].strip(",")
    if first in {"my", "your", "our", "his", "her", "their"}:
        return f"{first} {last}"
    return f"the {last.lower()}"


def _lower_first(text: str) -> str:
    """Without the capital of a sentence, unless it may be a name's."""
    first = text.split(maxsplit=1)[0]
    low = first.lower()
    common = low in lexicon.DETERMINERS | lexicon.HEROES | lexicon.IMPERATIVES or low == "top" or _QUESTION.match(low)
    plural = len(first) > 4 and low.endswith("s") and not low.endswith(("ss", "us", "is"))
    return low + text[len(first) :] if common or (plural and first[1:].islower()) else text


def _number(text: str) -> int:
    return int(text) if text.isdigit() else lexicon.NUMBERS.index(text.lower())
