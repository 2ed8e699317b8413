"""Narrations from a topic: hook, beats, ending. Honest templates; nothing is claimed that is not known."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tiktoker_batch.errors import Rejected
from tiktoker_batch.providers.local.writer import english, russian
from tiktoker_batch.providers.local.writer.draft import Outline, compose, widened
from tiktoker_batch.providers.local.writer.lexicon import NUMBERS
from tiktoker_batch.providers.local.writer.themes import THEMES, theme_of
from tiktoker_batch.providers.local.writer.topic import Topic, parse
from tiktoker_batch.providers.local.writer.words import clean, count_words, fill, script_of

MOST_ITEMS = 5
_WORDS_AN_ITEM = 13


def write_story(*, topic: str, words: int, language: str, seed: int, style: str) -> str:
    """The spoken text of about ``words`` words, in English or Russian as the topic is written.

    Very short texts may miss the length, since the topic itself must be named; beyond some 400 words sentences return.

    :raises Rejected: this writer does not know the language, or the topic has no words.
    """
    subject = clean(topic)
    script = script_of(subject)
    if language.lower().split("-")[0] not in {"en", "ru"}:
        raise _unknown(f"language '{language}'")
    if script == "other":
        raise _unknown("the letters of this topic")
    if not count_words(subject):
        raise Rejected("the topic has no words to write about", hint="say in a few words what the video is about")
    if script == "cyrillic" or (script == "none" and language.lower().startswith("ru")):
        return russian.write(subject, words=words, seed=seed)
    return _english(parse(subject), words=words, seed=seed, style=style)


def _unknown(what: str) -> Rejected:
    return Rejected(
        f"the offline writer knows English and Russian, not {what}",
        hint="give the video a 'script' of your own, or name an OpenRouter model: "
        "models: {text: 'openrouter:openai/gpt-4o-mini'}",
    )


def _english(topic: Topic, *, words: int, seed: int, style: str) -> str:
    outline = english.OUTLINES[topic.shape]
    slots = dict(topic.slots)
    if topic.shape == "countdown":
        outline, slots["count"] = _listed(topic, outline, words=words, seed=seed)
    elif topic.shape in {"hero", "thing", "loose"}:
        outline = _staged(topic, outline, style=style)
    others = [phase for phase in (THEMES["anywhere"].spoken, *english.WONDER) if phase not in outline.beats]
    return compose(
        widened(outline, others, words),
        fill=lambda template: _fill(template, slots, plural=topic.plural),
        words=words,
        seed=seed,
        fillers=english.FILLERS,
    )


def _fill(template: str, slots: Mapping[str, str], *, plural: bool) -> str | None:
    """Slots with a capital are those without, at the beginning of a sentence."""
    capitals = {name.capitalize(): text[:1].upper() + text[1:] for name, text in slots.items()}
    return fill(template, {**slots, **capitals}, plural=plural)


def _staged(topic: Topic, outline: Outline, *, style: str) -> Outline:
    """The place of the story sets the scene in its first two phases."""
    theme = theme_of(topic.full, style if topic.shape == "hero" else "")
    if topic.shape != "hero" and theme is THEMES["anywhere"]:
        return outline
    first, second, *rest = outline.beats
    half = len(theme.spoken) // 2
    beats: Sequence[Sequence[str]] = (theme.spoken[:half], first, theme.spoken[half:], second, *rest)
    return replace(outline, beats=beats)


def _listed(topic: Topic, outline: Outline, *, words: int, seed: int) -> tuple[Outline, str]:
    """A countdown of as many items as were asked for and can be told in the time."""
    count = max(1, min(topic.count, MOST_ITEMS, round((words - 20) / _WORDS_AN_ITEM)))
    items = random.Random(seed).sample(english.ITEMS, count)
    numbered = [item.replace("{n}", NUMBERS[number]) for number, item in enumerate(items, start=1)]
    named = NUMBERS[count] if count > 1 else "a few"
    return replace(outline, beats=(outline.beats[0], outline.beats[2]), told=numbered), named
