"""Choosing videos and steps of a plan: ``mon-*``, ``tag:noir and not state:done``, ``*/03/clip``. Pure.

expression = term {"or" term}        term = factor {"and" factor}
factor     = "not" factor | "(" expression ")" | selector
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from tiktoker_batch.errors import UsageError
from tiktoker_batch.model import Kind, Plan, PlannedVideo, Step, Video
from tiktoker_batch.recipe.suggest import did_you_mean

STATES = ("failed", "partial", "pending", "done")
_AFTER_TEXT = frozenset({Kind.SHOTS, Kind.IMAGE, Kind.CLIP})
_PREFIXES = ("tag", "state", "date")
_WORDS = re.compile(r"[()]|[^\s()]+")
_HINT = "selectors: ID or a glob like 'mon-*', tag:NAME, state:failed, date:FROM..TO, a step like 'mon-*/03/clip'"

Chooses = Callable[[Video, Step], bool]


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``of`` parts of a batch, counted from 1."""

    number: int
    of: int

    def members(self, video_ids: Iterable[str]) -> frozenset[str]:
        """Every ``of``-th of the videos, in an order that has nothing to do with that of the recipe.

        Parts differ by one video at most, and neighbours, which are often alike, are spread over them.
        """
        ranked = sorted(video_ids, key=lambda name: hashlib.sha256(name.encode()).digest())
        return frozenset(ranked[self.number - 1 :: self.of])

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse_shard(text: str) -> Shard:
    """Read ``I/N``.

    :raises ValueError: it is no part of anything.
    """
    number, slash, of = text.partition("/")
    if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise ValueError(f"{text!r} is not I/N, the I-th of N parts (for example 1/4)")
    return Shard(int(number), int(of))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a command is about: expressions to take, to leave out, the last kind of step to do, a part of the videos."""

    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    until: Kind | None = None
    shard: Shard | None = None

    def __bool__(self) -> bool:
        """Whether anything is chosen at all; else everything is meant."""
        return bool(self.select or self.exclude or self.until or self.shard)


def chosen_steps(plan: Plan, choice: Choice, states: Mapping[str, str]) -> frozenset[str] | None:
    """The ids of the steps that are meant, with all that they need; ``None`` for all of them.

    ``states`` are those of the videos after the last run, by id; a video without one is pending.

    :raises UsageError: an expression cannot be understood, or names what is not there.
    """
    if not choice:
        return None
    wanted = _matching(plan, choice.select, states) if choice.select else {step.id for step in plan.steps}
    if choice.until is not None:
        wanted = {step.id for step in plan.steps if step.id in wanted and _is_due(step, choice.until)}
    if choice.shard is not None:
        ours = choice.shard.members(planned.video.id for planned in plan.videos)
        wanted = {step.id for step in plan.steps if step.id in wanted and step.video in ours}
    without = _matching(plan, choice.exclude, states)
    return frozenset(_with_needs(plan.steps, wanted - without, without))


def matching_steps(plan: Plan, expressions: Sequence[str], states: Mapping[str, str]) -> frozenset[str]:
    """The ids of the steps that one of these expressions matches.

    :raises UsageError: an expression cannot be understood, or names what is not there.
    """
    return frozenset(_matching(plan, expressions, states))


def _is_due(step: Step, until: Kind) -> bool:
    """Steps of that kind, and all text from the shots on: it belongs together, also where no step needs it."""
    return step.kind is until or (until in _AFTER_TEXT and step.kind in {Kind.STORY, Kind.SHOTS})


def _matching(plan: Plan, expressions: Iterable[str], states: Mapping[str, str]) -> set[str]:
    found: set[str] = set()
    for text in expressions:
        chooses = _Parser(text, plan, states).parse()
        found |= {step.id for planned in plan.videos for step in planned.steps if chooses(planned.video, step)}
    return found


def _with_needs(steps: Sequence[Step], wanted: set[str], without: set[str]) -> set[str]:
    """The wanted steps and what they need, as far as it is not left out. Steps come in an order that respects needs."""
    found = set(wanted)
    for step in reversed(steps):
        if step.id in found:
            found |= set(step.needs) - without
    return found


# ---------------------------------------------------------------------- expressions


class _Parser:
    def __init__(self, text: str, plan: Plan, states: Mapping[str, str]) -> None:
        self._text = text
        self._words = _WORDS.findall(text)
        self._at = 0
        self._plan = plan
        self._states = states

    def parse(self) -> Chooses:
        found = self._any()
        if self._next() is not None:
            raise self._wrong(f"{self._next()!r} comes too late: write 'and' or 'or' before it")
        return found

    def _next(self) -> str | None:
        return self._words[self._at] if self._at < len(self._words) else None

    def _take(self, word: str) -> bool:
        if self._next() != word:
            return False
        self._at += 1
        return True

    def _any(self) -> Chooses:
        terms = [self._all()]
        while self._take("or"):
            terms.append(self._all())
        return lambda video, step: any(term(video, step) for term in terms)

    def _all(self) -> Chooses:
        factors = [self._factor()]
        while self._take("and"):
            factors.append(self._factor())
        return lambda video, step: all(factor(video, step) for factor in factors)

    def _factor(self) -> Chooses:
        if self._take("not"):
            negated = self._factor()
            return lambda video, step: not negated(video, step)
        if self._take("("):
            inner = self._any()
            if not self._take(")"):
                raise self._wrong("a closing bracket is missing")
            return inner
        word = self._next()
        if word is None or word in {"and", "or", ")"}:
            raise self._wrong("a selector is missing" + (f" before {word!r}" if word else " at the end"))
        self._at += 1
        return self._selector(word)

    def _selector(self, word: str) -> Chooses:
        prefix, colon, value = word.partition(":")
        if not colon:
            return self._by_name(word)
        match prefix:
            case "tag":
                return lambda video, _step: any(fnmatchcase(tag, value) for tag in video.tags)
            case "state":
                if value not in STATES:
                    raise self._wrong(f"no state is called {value!r}{did_you_mean(value, STATES)}")
                return lambda video, _step: _state(video, self._states) == value
            case "date":
                first, last = self._dates(value)
                return lambda video, _step: _is_published(video, first, last)
            case _:
                raise self._wrong(f"no selector is called {prefix!r}{did_you_mean(prefix, _PREFIXES)}")

    def _by_name(self, word: str) -> Chooses:
        """A video's id or a step's; one that names nothing is a mistake, as nothing else could make it true."""
        if "/" in word:
            self._require(word, [step.id for step in self._plan.steps], "step")
            return lambda _video, step: fnmatchcase(step.id, word)
        self._require(word, [planned.video.id for planned in self._plan.videos], "video")
        return lambda video, _step: fnmatchcase(video.id, word)

    def _require(self, word: str, names: Sequence[str], what: str) -> None:
        if not any(fnmatchcase(name, word) for name in names):
            raise self._wrong(f"no {what} matches {word!r}{did_you_mean(word, names)}")

    def _dates(self, value: str) -> tuple[date, date]:
        first, dots, last = value.partition("..")
        try:
            began = date.fromisoformat(first) if first else date.min
            ended = (date.fromisoformat(last) if last else date.max) if dots else began
        except ValueError:
            raise self._wrong(f"{value!r} is no day or range of days (like 2027-03-15..2027-03-21)") from None
        return began, ended

    def _wrong(self, message: str) -> UsageError:
        return UsageError(f"in {self._text!r}: {message}", hint=_HINT)


def _state(video: Video, states: Mapping[str, str]) -> str:
    told = states.get(video.id, "pending")
    return told if told in STATES else "pending"


def _is_published(video: Video, first: date, last: date) -> bool:
    at = video.publish.at if video.publish else None
    return at is not None and first <= at.date() <= last


def touched(plan: Plan, steps: frozenset[str] | None) -> list[PlannedVideo]:
    """The videos of which something is meant."""
    return [planned for planned in plan.videos if steps is None or any(step.id in steps for step in planned.steps)]
