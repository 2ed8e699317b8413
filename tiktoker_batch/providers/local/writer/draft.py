"""From an outline to a text of the wanted length: many seeded drafts, the closest one kept."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from tiktoker_batch.providers.local.writer.words import count_words

DRAFTS = 60
LONGEST = 30  # more words than any sentence has: where so many are missing, all sentences have been used
TOLERANCE = 0.07  # of the words asked for: nobody hears it

Fill = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A story's parts: one hook, sentences of every phase in turn, one ending.

    ``told`` are sentences that must all come, in order, after the first phase.
    """

    hooks: Sequence[str]
    beats: Sequence[Sequence[str]]
    endings: Sequence[str]
    told: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    text: str
    missing_phases: int
    has_turn: bool
    padding: int

    def faults(self, words: int) -> float:
        """How much there is to dislike: a wrong length above all, then patched sentences and missing parts."""
        off = abs(count_words(self.text) - words)
        beyond = max(0.0, off - TOLERANCE * words)
        return 100 * beyond + 0.3 * off + 4 * self.padding + self.missing_phases + 2 * (not self.has_turn)


def compose(outline: Outline, *, fill: Fill, words: int, seed: int, fillers: Sequence[str]) -> str:
    """The best of many drafts of about ``words`` words. The same arguments give the same text."""
    ready = Outline(
        hooks=_filled(outline.hooks, fill),
        beats=[_filled(phase, fill) for phase in outline.beats],
        told=_filled(outline.told, fill),
        endings=_filled(outline.endings, fill),
    )
    drafts = (_draft(random.Random(f"{seed}-{n}"), ready, fillers, words) for n in range(DRAFTS))
    return min(drafts, key=lambda draft: draft.faults(words)).text


def _filled(templates: Sequence[str], fill: Fill) -> list[str]:
    return [text for text in map(fill, templates) if text]


def _draft(rng: random.Random, outline: Outline, fillers: Sequence[str], words: int) -> _Draft:
    hook = rng.choice(_fitting(outline.hooks, words))
    left = words - count_words(hook) - sum(map(count_words, outline.told))
    ending = rng.choice(_fitting(outline.endings, left)) if left > 2 else ""
    left -= count_words(ending)
    before, after = outline.beats[:1] if outline.told else (), outline.beats[1:] if outline.told else outline.beats
    opening, unused = _pass(rng, before, left // 2)
    left -= left // 2 - unused
    told: list[list[str]] = []
    while left > (LONGEST if told else 0):
        middle, left = _pass(rng, after, left)
        told += middle
    padding = _padding(rng, fillers, left) if left > TOLERANCE * words else []
    sentences = [hook, *chain(*opening), *outline.told, *chain(*told), *padding, ending]
    first = told[: len(after)]
    return _Draft(
        text=" ".join(filter(None, sentences)),
        missing_phases=sum(not phase for phase in first) if first else len(after),
        has_turn=bool(first and first[-1]),
        padding=len(padding),
    )


def _fitting(texts: Sequence[str], words: int) -> list[str]:
    """Those that leave room for others, else the shortest."""
    short = [text for text in texts if count_words(text) <= max(words * 0.5, words - 12)]
    return short or [min(texts, key=count_words)]


def _pass(rng: random.Random, phases: Sequence[Sequence[str]], left: int) -> tuple[list[list[str]], int]:
    """Sentences of every phase that fit, spread over the phases; and the words still missing."""
    waiting = [rng.sample(phase, len(phase)) for phase in phases]
    taken: list[list[str]] = [[] for _ in phases]
    open_phases = rng.sample(range(len(phases)), len(phases))
    while open_phases:
        for index in tuple(open_phases):
            at = next((i for i, text in enumerate(waiting[index]) if count_words(text) <= left), None)
            if at is None:
                open_phases.remove(index)
                continue
            taken[index].append(waiting[index].pop(at))
            left -= count_words(taken[index][-1])
    return taken, left


def _padding(rng: random.Random, fillers: Sequence[str], left: int) -> list[str]:
    """A very short sentence or two for the words that nothing else fits."""
    padding: list[str] = []
    for text in rng.sample(fillers, len(fillers)):
        if len(padding) < 2 and count_words(text) <= left:
            padding.append(text)
            left -= count_words(text)
    return padding


def widened(outline: Outline, phases: Sequence[Sequence[str]], words: int) -> Outline:
    """The outline with these phases before its last one, where its own sentences are too few for so many words."""
    own = sum(count_words(text) for phase in outline.beats for text in phase)
    if own > words:
        return outline
    return replace(outline, beats=(*outline.beats[:-1], *phases, outline.beats[-1]))
