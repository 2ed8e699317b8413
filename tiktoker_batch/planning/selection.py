"""Choosing videos and steps of a plan: by expressions, up to a kind of step, by shards. Pure."""

import hashlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tiktoker_batch.errors import UsageError
from tiktoker_batch.model import Kind, Plan, PlannedVideo, Step
from tiktoker_batch.planning.expressions import Expression, read_expression, wrong

_AFTER_TEXT = frozenset({Kind.SHOTS, Kind.IMAGE, Kind.CLIP})


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

    :raises UsageError: an expression cannot be understood, names what is not there, or can never select anything.
    """
    if not choice:
        return None
    wanted, without = _selected(plan, choice, states)
    if choice.until is not None:
        wanted = {step.id for step in plan.steps if step.id in wanted and _is_due(step, choice.until)}
    if choice.shard is not None:
        ours = choice.shard.members(plan)
        wanted = {step.id for step in plan.steps if step.id in wanted and step.video in ours}
    return frozenset(_with_needs(plan.steps, wanted - without, without))


def named_steps(plan: Plan, choice: Choice, states: Mapping[str, str]) -> frozenset[str] | None:
    """The ids of the steps that are selected and not excluded, without what they need; ``None`` for all of them.

    :raises UsageError: an expression cannot be understood, names what is not there, or can never select anything.
    """
    if not (choice.select or choice.exclude):
        return None
    wanted, without = _selected(plan, choice, states)
    return frozenset(wanted - without)


def matching_steps(plan: Plan, expressions: Sequence[str], states: Mapping[str, str]) -> frozenset[str]:
    """The ids of the steps that one of these expressions matches.

    That none does is a mistake unless it is for the states or the days of videos, which change by themselves.

    :raises UsageError: an expression cannot be understood, names what is not there, or none can ever match anything.
    """
    return frozenset(_matching(plan, expressions, states))


def selection_warnings(plan: Plan, choice: Choice, force: Sequence[str] = ()) -> list[str]:
    """A sentence for each selector that nothing in the recipe fits, where others do: it may be mistyped.

    :raises UsageError: an expression cannot be understood, names what is not there, or can never select anything.
    """
    told = {
        "--select": _hopeful(plan, choice.select),
        "--exclude": _read(plan, choice.exclude),
        "--force": _hopeful(plan, force),
    }
    return [
        f"{option} {shlex.quote(each.text)}: {message}"
        for option, expressions in told.items()
        for each in expressions
        for message in each.unmatched
    ]


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
    """Steps of that kind, and all text from the shots on: it belongs together, also where no step needs it."""
    return step.kind is until or (until in _AFTER_TEXT and step.kind in {Kind.STORY, Kind.SHOTS})


def _selected(plan: Plan, choice: Choice, states: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """The steps that are selected, and those that are excluded."""
    wanted = _matching(plan, choice.select, states) if choice.select else {step.id for step in plan.steps}
    return wanted, _chosen(plan, _read(plan, choice.exclude, states))


def _matching(plan: Plan, expressions: Sequence[str], states: Mapping[str, str]) -> set[str]:
    return _chosen(plan, _hopeful(plan, expressions, states))


def _read(plan: Plan, expressions: Iterable[str], states: Mapping[str, str] | None = None) -> list[Expression]:
    return [read_expression(text, plan, states or {}) for text in expressions]


def _hopeful(plan: Plan, expressions: Iterable[str], states: Mapping[str, str] | None = None) -> list[Expression]:
    """Expressions of which one at least may choose something; where there are no videos yet, all may."""
    read = _read(plan, expressions, states)
    if read and plan.videos and not any(each.can_choose(plan) for each in read):
        raise _hopeless(read)
    return read


def _chosen(plan: Plan, expressions: Iterable[Expression]) -> set[str]:
    return {step for each in expressions for step in each.steps(plan)}


def _hopeless(expressions: Sequence[Expression]) -> UsageError:
    first = next((each for each in expressions if each.unmatched), None)
    if first is None:
        return wrong(expressions[0].text, "nothing in the recipe is all of this")
    return wrong(first.text, " ".join(first.unmatched))


def _with_needs(steps: Sequence[Step], wanted: set[str], without: set[str]) -> set[str]:
    """The wanted steps and what they need, as far as it is not left out. Steps come in an order that respects needs."""
    found = set(wanted)
    for step in reversed(steps):
        if step.id in found:
            found |= set(step.needs) - without
    return found


def touched(plan: Plan, steps: frozenset[str] | None) -> list[PlannedVideo]:
    """The videos of which something is meant."""
    return [planned for planned in plan.videos if steps is None or any(step.id in steps for step in planned.steps)]
