"""A plan against that of the last run: what is new, gone or changed, which part of it, and because of what. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from tiktoker_batch.events import PlannedStep
from tiktoker_batch.model import Json, Plan, Step
from tiktoker_batch.planning.ingredients import ingredients

FORMAT = "tiktoker-batch/plan-diff"
TO_DO = frozenset({"run", "reattach"})
Change = Literal["added", "removed", "changed", "kept"]
CHANGES: tuple[Change, ...] = ("added", "removed", "changed", "kept")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a step that is not as it was: a parameter, ``prompt``, ``model`` or ``needs`` (the ids that differ).

    Long values stand as digests, as :mod:`ingredients` keeps them; ``None`` where there was or is nothing.
    """

    name: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChange:
    """What became of one step.

    ``parts`` are its own that changed; ``because_of`` the steps before it whose own did. ``unknown``: there may be
    more, as the last run did not write down what its steps are made of. ``action`` is what a run would do now,
    ``again`` why it would do what has not changed; a step that is gone has neither.
    """

    id: str
    kind: str
    change: Change
    action: str | None = None
    parts: tuple[Part, ...] = ()
    because_of: tuple[str, ...] = ()
    unknown: bool = False
    again: str = ""
    usd_before: Decimal | None = None
    usd_after: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoChange:
    """What became of a video: changed if any of its steps is not kept."""

    id: str
    change: Change
    steps: tuple[StepChange, ...]

    @property
    def usd(self) -> Decimal:
        """How much more its steps are estimated to cost than they were."""
        return _sum(step.usd_after for step in self.steps) - _sum(step.usd_before for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the last run planned, and how far it came: its videos with their steps, and each step's state."""

    videos: Mapping[str, Sequence[PlannedStep]] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All videos of both plans: those of the recipe in its order, then those that are gone."""

    videos: tuple[VideoChange, ...]

    @property
    def steps(self) -> tuple[StepChange, ...]:
        """The steps of all videos."""
        return tuple(step for video in self.videos for step in video.steps)

    @property
    def usd_before(self) -> Decimal:
        """What the last run's plan was estimated to cost from nothing."""
        return _sum(step.usd_before for step in self.steps)

    @property
    def usd_after(self) -> Decimal:
        """What this plan is estimated to cost from nothing."""
        return _sum(step.usd_after for step in self.steps)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many videos and steps were added, removed, changed and kept."""
        videos, steps = ([each.change for each in found] for found in (self.videos, self.steps))
        return {
            "videos": {change: videos.count(change) for change in CHANGES},
            "steps": {change: steps.count(change) for change in CHANGES},
        }


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))


def compare(
    before: Before, plan: Plan, action: Callable[[Step], str], forced: frozenset[str] = frozenset()
) -> Difference:
    """What became of each video and step.

    ``action`` says what a run would do with a step; ``forced`` are those that are done again whatever still holds.
    """
    comparison = _Comparison(before, action, forced)
    now = [
        VideoChange(id=planned.video.id, change=_whole(planned.video.id in before.videos, steps), steps=steps)
        for planned in plan.videos
        for steps in [comparison.video(planned.video.id, planned.steps)]
    ]
    there = {planned.video.id for planned in plan.videos}
    gone = [
        VideoChange(id=name, change="removed", steps=tuple(_removed(step) for step in steps))
        for name, steps in before.videos.items()
        if name not in there
    ]
    return Difference(videos=(*now, *gone))


def _whole(was_there: bool, steps: Sequence[StepChange]) -> Change:
    if not was_there:
        return "added"
    return "kept" if all(step.change == "kept" for step in steps) else "changed"


def _removed(step: PlannedStep) -> StepChange:
    return StepChange(id=step.id, kind=step.kind, change="removed", usd_before=step.estimated_cost_usd)


class _Comparison:
    """Goes through the steps in their order, so that what a step needs is known before it."""

    def __init__(self, before: Before, action: Callable[[Step], str], forced: frozenset[str]) -> None:
        self._before = before
        self._action = action
        self._forced = forced
        self._then = {step.id: step for steps in before.videos.values() for step in steps}
        self._roots: dict[str, tuple[str, ...]] = {}  # of each step that is not kept: the steps that it is due to
        self._again: dict[str, str] = {}

    def video(self, name: str, steps: Sequence[Step]) -> tuple[StepChange, ...]:
        self._roots.clear()  # no step needs one of another video
        found = [self._step(step) for step in steps]
        there = {step.id for step in steps}
        return (*found, *(_removed(step) for step in self._before.videos.get(name, ()) if step.id not in there))

    def _step(self, step: Step) -> StepChange:
        then = self._then.get(step.id)
        if then is None:
            self._roots[step.id] = (step.id,)
            return self._told(step, None, "added")
        if then.key == step.key:
            return self._told(step, then, "kept", again=self._why_again(step))
        parts = _parts(then, step)
        roots = {root for need in step.needs for root in self._roots.get(need, ())}
        because = tuple(root for root in self._roots if root in roots)  # in the order of work
        self._roots[step.id] = (step.id,) if parts or not because else because
        unknown = not then.made_of or not (parts or because)
        return self._told(step, then, "changed", parts=parts, because_of=because, unknown=unknown)

    def _told(self, step: Step, then: PlannedStep | None, change: Change, **more: Any) -> StepChange:
        return StepChange(
            id=step.id,
            kind=str(step.kind),
            change=change,
            action=self._action(step),
            usd_before=then.estimated_cost_usd if then else None,
            usd_after=step.estimated_cost_usd,
            **more,
        )

    def _why_again(self, step: Step) -> str:
        """Why a step is to be done although nothing about it has changed; nothing where it is not."""
        if self._action(step) not in TO_DO:
            return ""
        state = self._before.states.get(step.id, "pending")
        due = next((need for need in step.needs if need in self._again), None)
        if step.id in self._forced:
            why = "asked for again"
        elif state in _UNDONE:
            why = _UNDONE[state]
        elif due is not None:
            why = f"{due} is done again"
        else:
            why = "its result is gone or not what it was"
        self._again[step.id] = why
        return why


_UNDONE = {
    "failed": "failed in the last run",
    "skipped": "could not start in the last run",
    "pending": "not done yet",
    "running": "was not finished",
}


def _parts(then: PlannedStep, now: Step) -> tuple[Part, ...]:
    """What is different about the step itself, in the order in which a reader would look for it."""
    models = [f"{step.provider}:{step.model}" for step in (then, now)]
    found = [Part("model", *models)] if models[0] != models[1] else []
    if then.made_of:
        made_of = ingredients(now)
        names = dict.fromkeys([*made_of, *then.made_of])
        own = [
            Part(name, then.made_of.get(name), made_of.get(name))
            for name in names
            if then.made_of.get(name) != made_of.get(name)
        ]
        found += sorted(own, key=lambda part: part.name == "prompt")
    dropped: list[Json] = [need for need in then.needs if need not in now.needs]
    new: list[Json] = [need for need in now.needs if need not in then.needs]
    if dropped or new:
        found.append(Part("needs", dropped, new))
    return tuple(found)


def difference_json(
    difference: Difference, batch: Mapping[str, Json], against: Mapping[str, Json] | None, to_pay_usd: Decimal
) -> Json:
    """The published shape of ``plan --diff --format json``; ``against`` is the last run, if there was one.

    ``to_pay_usd`` is what a run would be expected to cost now.
    """
    counts = difference.counts()
    to_do = sum(step.action in TO_DO for step in difference.steps)
    return {
        "format": FORMAT,
        "version": 1,
        "batch": dict(batch),
        "against": None if against is None else dict(against),
        "videos": [
            {"id": video.id, "change": video.change, "steps": [_step_json(step) for step in video.steps]}
            for video in difference.videos
        ],
        "totals": {
            "videos": dict(counts["videos"]),
            "steps": dict(counts["steps"]),
            "to_do": to_do,
            "to_pay_usd": float(to_pay_usd),
            "estimated_cost_usd": {"before": float(difference.usd_before), "after": float(difference.usd_after)},
        },
    }


def _step_json(step: StepChange) -> Json:
    costs = {"before": step.usd_before, "after": step.usd_after}
    return {
        "id": step.id,
        "kind": step.kind,
        "change": step.change,
        "action": step.action,
        "parts": [{"name": part.name, "before": part.before, "after": part.after} for part in step.parts],
        "because_of": list(step.because_of),
        "unknown": step.unknown,
        "again": step.again or None,
        "estimated_cost_usd": {name: None if usd is None else float(usd) for name, usd in costs.items()},
    }
