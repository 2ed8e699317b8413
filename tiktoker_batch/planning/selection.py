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
from tiktoker_batch.recipe.suggest import did_you_mean, nearest

STATES = ("failed", "partial", "pending", "done")
_PREFIXES = ("tag", "state", "date")
_WORDS = re.compile(r"[()]|[^\s()]+")
_HINT = "selectors: ID or a glob like 'mon-*', tag:NAME, state:failed, date:FROM..TO, a step like 'mon-*/03/clip'"

Chooses = Callable[[Video, Step], bool]


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``of`` parts of a batch, counted from 1."""

    number: int
    of: int

    def has(self, name: str) -> bool:
        """Whether what goes by this name belongs to this part: always to the same one, whatever else the batch has."""
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % self.of == self.number - 1

    def members(self, plan: Plan) -> frozenset[str]:
        """The videos of this part.

        A video stays in its part when others come and go, so that whoever made it finds it again. The parts are of
        about the same size only where videos are many.
        """
        return frozenset(video for video, family in _families(plan, self.of).items() if self.has(family))

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
        ours = choice.shard.members(plan)
        wanted = {step.id for step in plan.steps if step.id in wanted and step.video in ours}
    without = _matching(plan, choice.exclude, states)
    return frozenset(_with_needs(plan.steps, wanted - without, without))


def matching_steps(plan: Plan, expressions: Sequence[str], states: Mapping[str, str]) -> frozenset[str]:
    """The ids of the steps that one of these expressions matches.

    :raises UsageError: an expression cannot be understood, or names what is not there.
    """
    return frozenset(_matching(plan, expressions, states))


def _families(plan: Plan, parts: int) -> Mapping[str, str]:
    """The family of each video, named after its first member by id.

    Videos that need the same of a service, which is bought once where they are made together, are one family. What more
    of them need than a part has videos holds nobody together: that would be one family, and the other parts empty.
    """
    users: dict[tuple[str, int | None], set[str]] = {}
    for step in plan.steps:
        if step.provider != "local":
            users.setdefault((step.key, step.segment), set()).add(step.video)
    families = {planned.video.id: {planned.video.id} for planned in plan.videos}
    for alike in users.values():
        if 1 < len(alike) <= len(families) // parts:
            joined = set().union(*(families[video] for video in alike))
            families.update(dict.fromkeys(joined, joined))
    return {video: min(family) for video, family in families.items()}


def _is_due(step: Step, until: Kind) -> bool:
    return step.kind is until


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
            if not any(fnmatchcase(step.id, word) for step in self._plan.steps):
                raise self._wrong(f"no step matches {word!r}{self._step_meant(word)}")
            return lambda _video, step: fnmatchcase(step.id, word)
        if not any(fnmatchcase(video, word) for video in self._videos()):
            raise self._wrong(f"no video matches {word!r}{did_you_mean(word, self._videos())}")
        return lambda video, _step: fnmatchcase(video.id, word)

    def _videos(self) -> list[str]:
        return [planned.video.id for planned in self._plan.videos]

    def _step_meant(self, word: str) -> str:
        """The nearest step's id; of a pattern, the same one with the part put right that names nothing."""
        video, _, rest = word.partition("/")
        before, _, kind = word.rpartition("/")
        if not any(fnmatchcase(name, video) for name in self._videos()):
            near = nearest(video, self._videos())
            return f"; did you mean {f'{near}/{rest}'!r}?" if near else ""
        near = nearest(kind, [str(each) for each in Kind])
        if near and near != kind:
            return f"; did you mean {f'{before}/{near}'!r}?"
        return did_you_mean(word, [step.id for step in self._plan.steps])

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
