"""Which words are seen together, in how many lines and from when to when."""

# ruff: noqa: RUF001, SIM905 - typographic marks, other alphabets, and a word list that reads as one
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tiktoker_batch.media.words import Word

# Subtitle practice (BBC, Netflix): 42 characters, two lines, a second at least, six at most.
LINE_CHARACTERS = 42
SHORTEST_SECONDS = 1.0
LONGEST_SECONDS = 6.0
HOLD_SECONDS = 0.5  # how long words stay after they were spoken, when nothing follows
BREATH_SECONDS = 0.12  # the least silence between two sentences
PAUSE_SECONDS = 0.35  # a silence that reads as a break

_NEVER = float("inf")
_CLOSERS = "\"'”’»“)]"
_CONNECTIVES = frozenset(
    "and or but nor so because that which who when while where if than then as of in on at to for with from by into"
    " и или но а что чтобы который когда где если как в на с по для из к о от und oder aber dass weil wenn y o pero"
    " que et ou mais qui mr. mrs. ms. dr. prof. st. no.".split()
)

Measure = Callable[[str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """Lines seen together in [start, end) seconds."""

    lines: tuple[str, ...]
    start: float
    end: float


def groups(words: Sequence[Word], most: int, cost: Callable[[int, int], float]) -> list[tuple[int, int]]:
    """The cheapest split of the words into runs [first, end) of at most ``most``; a single word is always allowed."""
    best = [0.0] + [_NEVER] * len(words)
    begun = [0] * (len(words) + 1)
    for end in range(1, len(words) + 1):
        for first in range(max(0, end - most), end):
            price = cost(first, end)
            if price == _NEVER and end - first == 1:
                price = 100.0
            if best[first] + price < best[end]:
                best[end], begun[end] = best[first] + price, first
    runs = []
    end = len(words)
    while end:
        runs.append((begun[end], end))
        end = begun[end]
    return runs[::-1]


def break_cost(words: Sequence[Word], index: int) -> float:
    """How badly a break between ``index - 1`` and ``index`` reads: 0 at a sentence's end, 1 in mid-phrase."""
    if index == len(words) or ends_sentence(words, index - 1):
        return 0.0
    if words[index].start - words[index - 1].end >= PAUSE_SECONDS:
        return 0.05
    if words[index - 1].text.rstrip(_CLOSERS)[-1:] in tuple(",;:—–"):
        return 0.2
    if words[index - 1].text.lower() in _CONNECTIVES:
        return 1.4  # a line that ends in "of" or "and"
    if words[index - 1].text[-1:].isdigit():
        return 1.2  # "5 / km"
    return 0.6 if words[index].text.lower() in _CONNECTIVES else 1.0


def ends_sentence(words: Sequence[Word], index: int) -> bool:
    """Whether this word closes its sentence: a full stop without a silence after it is an abbreviation's."""
    end = words[index].text.rstrip(_CLOSERS)[-1:]
    silent = index + 1 == len(words) or words[index + 1].start - words[index].end >= BREATH_SECONDS
    return end in {"!", "?"} or (end in {".", "…"} and silent)


def seen_until(words: Sequence[Word], end: int, hold: float = HOLD_SECONDS) -> float:
    """When the words before ``end`` leave: with the next word, or ``hold`` seconds after the last one was spoken."""
    last = words[end - 1].end
    if end == len(words):
        return last + hold
    return min(words[end].start, last + hold) if words[end].start - last > 2 * hold else words[end].start


def wrap(texts: Sequence[str], limit: float, measure: Measure) -> tuple[str, ...]:
    """One line where it fits; else two, the break chosen for balance and after punctuation; else as many as needed."""
    whole = " ".join(texts)
    if measure(whole) <= limit:
        return (whole,)
    halves = [(" ".join(texts[:cut]), " ".join(texts[cut:])) for cut in range(1, len(texts))]
    fitting = [pair for pair in halves if max(map(measure, pair)) <= limit]
    if fitting:
        return min(fitting, key=lambda pair: _imbalance(pair, limit, measure))
    return _fill(texts, limit, measure)


def cut(word: Word, limit: float, measure: Measure) -> list[Word]:
    """A word that is wider than a line in pieces that fit, each with its share of the time."""
    text = unicodedata.normalize("NFC", " ".join(word.text.split()))
    count = min(len(text), int(-(-measure(text) // limit)))
    while count < len(text) and max(measure(part) for part in _parts(text, count)) > limit:
        count += 1
    step = (word.end - word.start) / max(1, count)
    return [
        Word(text=part, start=word.start + index * step, end=word.start + (index + 1) * step)
        for index, part in enumerate(_parts(text, count))
    ]


def cues(words: Sequence[Word], limit: float, measure: Measure) -> list[Cue]:
    """Sentences and their parts as cues of at most two lines of this width."""

    def cost(first: int, end: int) -> float:
        return _cue_cost(words, first, end, limit, measure)

    result: list[Cue] = []
    for first, end in groups(words, most=24, cost=cost):
        start = max(words[first].start, result[-1].end if result else 0.0)
        until = max(seen_until(words, end), start + 0.05)
        if end == len(words):
            until = max(until, start + SHORTEST_SECONDS)
        lines = wrap([word.text for word in words[first:end]], limit, measure)
        result.append(Cue(lines=lines, start=start, end=until))
    return result


def srt_cues(words: Sequence[Word]) -> list[Cue]:
    """Cues for an .srt file: lines of at most 42 characters."""
    pieces = [part for word in words for part in cut(word, LINE_CHARACTERS, len)]
    return cues(pieces, LINE_CHARACTERS, len)


def _cue_cost(words: Sequence[Word], first: int, end: int, limit: float, measure: Measure) -> float:
    texts = [word.text for word in words[first:end]]
    if len(wrap(texts, limit, measure)) > 2 or measure(" ".join(texts)) > 2 * limit:
        return _NEVER
    seconds = seen_until(words, end) - words[first].start
    cost = 1.0 + 2 * break_cost(words, end) + max(0.0, seconds - LONGEST_SECONDS)
    if seconds < SHORTEST_SECONDS and end < len(words):
        cost += 4 + 20 * (SHORTEST_SECONDS - seconds)
    # A cue may hold several short sentences, but a long silence in it would give away what comes.
    inner = range(first + 1, end)
    cost += 1.2 * sum(ends_sentence(words, index - 1) for index in inner)
    return cost + 3.0 * sum(words[index].start - words[index - 1].end > 2 * PAUSE_SECONDS for index in inner)


def _imbalance(pair: tuple[str, str], limit: float, measure: Measure) -> float:
    upper, lower = pair
    last = upper.rsplit(" ", 1)[-1].lower()
    dangling = last in _CONNECTIVES or last.isdigit()
    ends_clause = not dangling and upper.rstrip(_CLOSERS)[-1:] in tuple(",;:—.!?…")
    return abs(measure(upper) - measure(lower)) / limit - 0.3 * ends_clause + 0.2 * dangling


def _fill(texts: Sequence[str], limit: float, measure: Measure) -> tuple[str, ...]:
    lines: list[str] = []
    for text in texts:
        if lines and measure(f"{lines[-1]} {text}") <= limit:
            lines[-1] += f" {text}"
        else:
            lines.append(text)
    return tuple(lines)


def _parts(text: str, count: int) -> list[str]:
    size = -(-len(text) // max(1, count))
    return [text[at : at + size] for at in range(0, len(text), size)]
