"""Which of several stories is told."""

from collections.abc import Sequence
from statistics import median
from typing import Literal

from tiktoker_batch.providers.local.writer.words import count_words, sentences


def choose_story(stories: Sequence[str], how: Literal["first", "best", "longest"], *, words: int | None = None) -> int:
    """The index of the story to tell; the earliest of equals.

    ``best`` adds up four things between 0 and 1: a length close to ``words`` (without it: to the middle of all), varied
    words, sentences that do not repeat each other, and a hook of at most 14 words (a question counts most).
    """
    if how == "first" or len(stories) == 1:
        return 0
    lengths = [count_words(story) for story in stories]
    if how == "longest":
        return lengths.index(max(lengths))
    wanted = words or median(lengths)
    scores = [_score(story, length, wanted) for story, length in zip(stories, lengths, strict=True)]
    return scores.index(max(scores))


def _score(story: str, length: int, wanted: float) -> float:
    told = sentences(story)
    if not told:
        return 0.0
    closeness = max(0.0, 1 - abs(length - wanted) / max(wanted, 1))
    spoken = story.lower().split()
    variety = len(set(spoken)) / len(spoken)
    unrepeated = len(set(told)) / len(told)
    hook = 0.0 if count_words(told[0]) > 14 else 1.0 if told[0].endswith("?") else 0.6
    return round(closeness + variety + unrepeated + hook, 6)
