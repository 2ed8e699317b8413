"""Reading ``mon-*``, ``tag:noir and not state:done``, ``*/03/clip``. Pure.

expression = term {"or" term}        term = factor {"and" factor}
factor     = "not" factor | "(" expression ")" | selector
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase

from tiktoker_batch.errors import UsageError
from tiktoker_batch.model import Kind, Plan, Step, Video
from tiktoker_batch.recipe.suggest import did_you_mean, listed, nearest

STATES = ("failed", "partial", "pending", "done")
_PREFIXES = ("tag", "state", "date")
_WORDS = re.compile(r"[()]|[^\s()]+")
_HINT = "selectors: ID or a glob like 'mon-*', tag:NAME, state:failed, date:FROM..TO, a step like 'mon-*/03/clip'"

# Of a video and its step; the third is None, or what selectors are taken to say whose answer changes by itself.
Chooses = Callable[[Video, Step, bool | None], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """An expression that was understood. ``unmatched`` are its selectors that nothing in the recipe fits, in words."""

    text: str
    chooses: Chooses
    unmatched: tuple[str, ...] = ()

    def steps(self, plan: Plan) -> Iterator[str]:
        """The ids of the steps that it chooses."""
        return self._where(plan, None)

    def can_choose(self, plan: Plan) -> bool:
        """Whether it chooses anything, or would do so if only videos were further, or published on another day."""
        return any(True for _ in self._where(plan, True))

    def _where(self, plan: Plan, changing: bool | None) -> Iterator[str]:
        for planned in plan.videos:
            for step in planned.steps:
                if self.chooses(planned.video, step, changing):
                    yield step.id


def read_expression(text: str, plan: Plan, states: Mapping[str, str]) -> Expression:
    """Understand an expression about the videos of a plan, whose ``states`` are known by their ids.

    :raises UsageError: it cannot be understood, or names a video or a step that is not there.
    """
    return _Parser(text, plan, states).parse()


def wrong(text: str, message: str) -> UsageError:
    """What is said of an expression that cannot be meant."""
    return UsageError(f"in {text!r}: {message}", hint=_HINT)


class _Parser:
    def __init__(self, text: str, plan: Plan, states: Mapping[str, str]) -> None:
        self._text = text
        self._words = _WORDS.findall(text)
        self._at = 0
        self._plan = plan
        self._states = states
        self._unmatched: dict[str, None] = {}

    def parse(self) -> Expression:
        found = self._any()
        if self._next() is not None:
            raise self._wrong(f"{self._next()!r} comes too late: write 'and' or 'or' before it")
        return Expression(text=self._text, chooses=found, unmatched=tuple(self._unmatched))

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
        return terms[0] if len(terms) == 1 else lambda *about: any(term(*about) for term in terms)

    def _all(self) -> Chooses:
        factors = [self._factor()]
        while self._take("and"):
            factors.append(self._factor())
        return factors[0] if len(factors) == 1 else lambda *about: all(factor(*about) for factor in factors)

    def _factor(self) -> Chooses:
        if self._take("not"):
            negated = self._factor()
            return lambda video, step, changing: not negated(video, step, None if changing is None else not changing)
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
                return self._by_tag(value)
            case "state":
                if value not in STATES:
                    raise self._wrong(f"no state is called {value!r}{did_you_mean(value, STATES)}")
                return _changing(lambda video: _state(video, self._states) == value)
            case "date":
                return self._by_date(value)
            case _:
                alone = f"; did you mean {value!r}?" if value in self._videos() else did_you_mean(prefix, _PREFIXES)
                raise self._wrong(f"no selector is called {prefix!r}{alone}")

    # ------------------------------------------------------------------ names

    def _by_name(self, word: str) -> Chooses:
        """A video's id or a step's. One that is written out and names nothing is a mistake; a pattern may fit nothing
        yet.
        """
        fits = _fitting(word)
        if "/" in word:
            if not any(fits(step.id) for step in self._plan.steps):
                self._miss(f"no step matches {word!r}{self._step_meant(word)}", mistake=self._is_written_out(word))
            return lambda _video, step, _changing: fits(step.id)
        if not any(map(fits, self._videos())):
            self._miss(f"no video matches {word!r}{did_you_mean(word, self._videos())}", mistake=not _is_pattern(word))
        return lambda video, _step, _changing: fits(video.id)

    def _is_written_out(self, word: str) -> bool:
        """Whether a step, or the video or the kind of it, is named in full and is not there."""
        (video, *_, kind), kinds = word.split("/"), {str(each) for each in Kind}
        named = (not _is_pattern(video) and video not in self._videos(), not _is_pattern(kind) and kind not in kinds)
        return any(named) or not _is_pattern(word)

    def _miss(self, message: str, *, mistake: bool = False) -> None:
        if mistake:
            raise self._wrong(message)
        self._unmatched[message] = None

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

    # ------------------------------------------------------------------ tags and days

    def _by_tag(self, value: str) -> Chooses:
        tags = dict.fromkeys(tag for planned in self._plan.videos for tag in planned.video.tags)
        if not any(fnmatchcase(tag, value) for tag in tags):
            self._miss(f"no video has the tag {value!r}{_tag_meant(value, tags)}")
        return lambda video, _step, _changing: any(fnmatchcase(tag, value) for tag in video.tags)

    def _by_date(self, value: str) -> Chooses:
        first, last = self._dates(value)
        days = {at.date() for planned in self._plan.videos if (at := _published(planned.video))}
        if not any(first <= day <= last for day in days):
            when = f"{'in' if first < last else 'on'} {value}"
            self._miss(f"nothing is published {when}{_day_meant(first, last, days)}")
        return _changing(lambda video: (at := _published(video)) is not None and first <= at.date() <= last)

    def _dates(self, value: str) -> tuple[date, date]:
        first, dots, last = value.partition("..")
        try:
            began = date.min if dots and not first else date.fromisoformat(first)
            ended = (date.fromisoformat(last) if last else date.max) if dots else began
        except ValueError:
            raise self._wrong(f"{value!r} is no day or range of days (like 2027-03-15..2027-03-21)") from None
        if ended < began:
            raise self._wrong(f"{value!r} ends before it begins; did you mean '{last}..{first}'?")
        return began, ended

    def _wrong(self, message: str) -> UsageError:
        return wrong(self._text, message)


def _fitting(word: str) -> Callable[[str], bool]:
    """Whether a name is this one, or fits it; large batches have 20,000 names, and hundreds may be written out."""
    return (lambda name: fnmatchcase(name, word)) if _is_pattern(word) else (lambda name: name == word)


def _is_pattern(word: str) -> bool:
    return bool(set(word) & set("*?["))


def _changing(chooses: Callable[[Video], bool]) -> Chooses:
    """What is another answer tomorrow, with the same recipe or its next week: nobody has mistyped it."""
    return lambda video, _step, changing: chooses(video) if changing is None else changing


def _state(video: Video, states: Mapping[str, str]) -> str:
    told = states.get(video.id, "pending")
    return told if told in STATES else "pending"


def _published(video: Video) -> datetime | None:
    return video.publish.at if video.publish else None


def _tag_meant(value: str, tags: Iterable[str]) -> str:
    near = nearest(value, tags)
    if near:
        return f"; did you mean {f'tag:{near}'!r}?"
    return f"; there are: {listed(sorted(tags), 'and')}" if tags else "; none has any"


def _day_meant(first: date, last: date, days: Iterable[date]) -> str:
    """The day nearest to a range, before it or after it."""
    near = min(days, key=lambda day: first - day if day < first else day - last, default=None)
    return f"; the nearest day is {near}" if near else ": no video has a day"
