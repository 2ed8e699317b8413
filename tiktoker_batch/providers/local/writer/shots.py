"""Shot lists: English prompts that follow the words of a story, in order."""

# ruff: noqa: SIM905 - paragraphs of words

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count as count_up

from tiktoker_batch.providers.local.writer import lexicon
from tiktoker_batch.providers.local.writer.themes import THEMES, Theme, theme_of, themes_of
from tiktoker_batch.providers.local.writer.topic import Topic, parse
from tiktoker_batch.providers.local.writer.visible import seen_in_russian, visible_words
from tiktoker_batch.providers.local.writer.words import clean, count_words, script_of, sentences

# How a thing is shown, and how a whole moment is: neighbours in these lists look different.
_FRAMINGS = (
    ("Wide shot", "Wide shot of {place} with {subject} small in the frame"),
    ("Close-up", "Close-up of {subject}, {place} blurred behind"),
    ("Low angle", "Low angle on {subject}, {place} rising behind"),
    ("View from above", "View from above on {subject}, {place} all around"),
    ("Medium shot", "Medium shot of {subject}, {place} behind"),
    ("Silhouettes against the light", "Silhouette of {subject} against the light, {place}"),
    ("Detail with shallow focus", "Detail view of {subject} with shallow focus, {place} behind"),
    ("Long view", "Long view across {place} towards {subject}"),
)
_ANYBODY = "a lone figure"
_THOUGHT = re.compile(
    r"\b(?:you|your|we|us|our|i|me|my|let|number|would|could|should|perhaps|maybe|nobody|somebody|everybody|everyone|nothing"
    r"|more than|more to|question|questions|answer|answers|story|stories)\b|\?"
    r"|^(?:look|think|stop|forget|start|imagine|picture|remember|ask|keep|tell|change|write|hold|take|close|come|enjoy|give"
    r"|pull|stay|wait|listen|go|see|watch|try|read|find|say|do|don't|never|always)\b",
    re.IGNORECASE,
)
_LINKS = re.compile(r"^(?:and|but|so|then|or|yet|now|still|first)\b,?\s+(?:so\s+)?", re.IGNORECASE)
_OPENERS = frozenset(
    "somewhere most two three every each both here there below above outside behind far step these those".split()
)
_COMMON = frozenset(
    """
    the a an of and to in is it on that for with was are at by from as but be has have had this they its not or one
    all
    """.split()
)
MOST_WORDS = 18  # of a sentence in a prompt; image models lose the thread beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """What one segment shows: a whole ``scene`` in words of the story, or else its ``subject``."""

    subject: str
    scene: str
    theme: Theme


def write_shots(*, story: str, topic: str | None, count: int, seed: int, style: str) -> tuple[str, ...]:
    """``count`` different English prompts that follow the story from its first words to its last.

    A sentence that shows something is taken as it stands; a thought is shown by the subject of the story in a fitting
    place. A Russian story gives the things it names, in English; of other languages only the mood of the style is left.
    """
    told = sentences(clean(story)) or [clean(story)]
    subject, whole = _subject(clean(topic or ""), told), theme_of(f"{topic or ''} {story}", style)
    first = random.Random(seed).randrange(1000)
    shots: dict[str, None] = {}
    for number, sentence in enumerate(_shared_out(told, count)):
        moment = _moment(sentence, subject, whole)
        shot = next(text for text in _ways(moment, first + number) if text not in shots)
        shots[shot] = None
    return tuple(shots)


def _shared_out(told: list[str], count: int) -> Iterator[str]:
    """The sentence that is being spoken in the middle of each of ``count`` equally long segments.

    A sentence that lasts for several segments is divided at its commas.
    """
    spoken = [sentence for sentence in told for _ in range(max(1, count_words(sentence)))]
    middles = [spoken[int((number + 0.5) * len(spoken) / count)] for number in range(count)]
    for number, sentence in enumerate(middles):
        before = next((n for n in range(number) if middles[number - 1 - n] != sentence), number)
        times = middles.count(sentence)
        clauses = re.split(r"(?<=\w\w\w),\s+(?=\w+ \w+ \w+)", sentence)
        yield clauses[before * len(clauses) // times % len(clauses)] if times > 1 else sentence


def _moment(sentence: str, subject: str, whole: Theme) -> _Moment:
    if script_of(sentence) == "cyrillic":
        seen = [thing for thing in seen_in_russian(sentence) if thing != subject][:2]
        if subject == _ANYBODY:
            return _Moment(subject=" and ".join(seen) or subject, scene="", theme=whole)
        return _Moment(subject=" with ".join(filter(None, [subject, " and ".join(seen)])), scene="", theme=whole)
    if not _is_english(sentence):
        return _Moment(subject=subject, scene="", theme=whole)
    named = themes_of(sentence)
    theme = THEMES[named[0]] if named and whole is THEMES["anywhere"] else whole
    if not visible_words(sentence) or _THOUGHT.search(sentence) or count_words(sentence) < 4:
        return _Moment(subject=subject, scene="", theme=whole)
    return _Moment(subject=subject, scene=_scene(sentence, subject), theme=theme)


def _is_english(sentence: str) -> bool:
    words = re.findall(r"[a-z]+", sentence.lower())
    return script_of(sentence) == "latin" and (any(word in _COMMON for word in words) or len(words) < 4)


def _scene(sentence: str, subject: str) -> str:
    """A sentence as the words of a picture: without its links and marks, the subject with all its qualities."""
    text = _LINKS.sub("", sentence).strip(' .!…,;:"“”«»')
    name = subject.rsplit(maxsplit=1)[-1]
    if subject != _ANYBODY:
        text = re.sub(r"^(?:it|they|he|she)\b", f"the {name}", text, flags=re.IGNORECASE)
    if name in lexicon.HEROES:
        text = re.sub(
            rf"\bthe {re.escape(name)}\b", f"the {re.sub(r'^(an?|the) ', '', subject)}", text, flags=re.IGNORECASE
        )
    words = text.split()
    if len(words) > MOST_WORDS:
        text = re.split(r"[,;:]\s", text)[0]
        text = " ".join(text.split()[:MOST_WORDS])
    first = text.split()[0]
    low = first.lower()
    lowered = low in _COMMON | _OPENERS | lexicon.DETERMINERS | lexicon.CONNECTORS or bool(visible_words(low))
    return (low if lowered else first) + text[len(first) :]


def _subject(topic: str, told: list[str]) -> str:
    """Who or what the story is about, in a few English words."""
    if script_of(topic or " ".join(told)) == "cyrillic":
        return next(iter(seen_in_russian(topic or " ".join(told))), _ANYBODY)
    if topic and _is_english_topic(topic):
        return _named(parse(topic))
    story = " ".join(told)
    if not _is_english(story):
        return _ANYBODY
    return _most_named(story)


def _is_english_topic(topic: str) -> bool:
    return script_of(topic) == "latin" and topic.isascii()


def _named(topic: Topic) -> str:
    text = topic.phrase or topic.full
    if topic.shape in {"question", "what_if", "loose"}:
        words = [word for word in text.split() if word.strip(",")]
        while words and words[0].lower() in lexicon.FINITE | {
            "what",
            "why",
            "how",
            "when",
            "where",
            "who",
            "which",
            "if",
            "to",
        }:
            words.pop(0)
        stop = next((i for i, word in enumerate(words) if word.lower() in lexicon.FINITE), len(words))
        text = " ".join(words[: stop or 1]).rstrip("?")
    return " ".join(text.split()[:8]).strip(" ,") or _ANYBODY


def _most_named(story: str) -> str:
    """The visible word that a story says most, its opening and living things first, with its article if it has one."""
    words = [word.lower() for word in visible_words(story)]
    if not words:
        return _ANYBODY
    opening = {word.lower() for word in visible_words(" ".join(sentences(story)[:1]))}

    def weight(word: str) -> tuple[int, int]:
        telling = word in lexicon.HEROES or bool(themes_of(word))
        return words.count(word) + 2 * (word in opening) + 3 * telling, -words.index(word)

    most = max(words, key=weight)
    found = re.search(rf"\b(?:an?|the) (?:[a-z]+ )?{re.escape(most)}\b", story, re.IGNORECASE)
    return found.group().lower() if found else most


def _ways(moment: _Moment, number: int) -> Iterator[str]:
    """Ever other ways to show a moment, the most fitting one first; neighbours differ in framing, place and light."""
    places, lights = moment.theme.places, moment.theme.lights
    bare = len(visible_words(moment.scene)) < 2
    for turn in count_up():
        framing, still = _FRAMINGS[(number + turn // (len(places) * len(lights))) % len(_FRAMINGS)]
        place, light = places[(number + turn) % len(places)], lights[(number + turn // len(places)) % len(lights)]
        text = still.format(place=place, subject=moment.subject)
        if moment.scene:
            text = f"{framing}, {moment.scene}, {place} behind" if bare else f"{framing}, {moment.scene}"
        taken = turn - len(places) * len(lights) * len(_FRAMINGS)
        yield f"{text}, {light}" + (f", another moment, number {taken + 2}" if taken >= 0 else "")
