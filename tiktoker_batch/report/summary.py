"""What a batch took, in numbers: time, money, the slowest steps, the limits it ran into, and why steps failed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import chain

from tiktoker_batch.model import Kind
from tiktoker_batch.report.timeline import peak
from tiktoker_batch.store.state import BatchState
from tiktoker_batch.store.step_state import Attempt, StepState

SLOWEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """A limit of the newest run and what it meant over all runs: the most seats taken, and seconds waited for one."""

    name: str
    seats: int
    peak: int
    waited_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Steps that failed for the same reason, and how many never started because of them."""

    kind: str
    message: str
    steps: tuple[str, ...]
    blocked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The batch in numbers; ``at_once`` is the work of all attempts over the wall time of all runs."""

    name: str
    recipe: str
    state: str
    runs: int
    started_at: datetime | None
    updated_at: datetime | None
    videos: Mapping[str, int]
    steps: Mapping[str, int]
    finished_seconds: float
    wall_seconds: float
    sequential_seconds: float
    at_once: float | None
    spent_usd: Decimal
    estimated_usd: Decimal
    slowest: tuple[tuple[StepState, float], ...]
    limits: tuple[LimitUse, ...]
    failures: tuple[Failure, ...]
    rehearsed: bool = False


def summarize(state: BatchState) -> Summary:
    """Add a batch up."""
    steps, videos = state.steps.values(), state.videos.values()
    wall = sum(state.wall_by_run.values())
    sequential = sum(attempt.worked_seconds for attempt in state.attempts())
    return Summary(
        name=state.name,
        recipe=state.recipe,
        state=state.state,
        runs=state.runs,
        started_at=state.started_at,
        updated_at=state.updated_at,
        videos=Counter(video.state for video in videos),
        steps=Counter(step.state for step in steps),
        finished_seconds=sum(video.duration_seconds or 0 for video in videos if video.state in {"done", "partial"}),
        wall_seconds=wall,
        sequential_seconds=sequential,
        at_once=sequential / wall if wall > 0 and sequential > 0 else None,
        spent_usd=state.spent_usd,
        estimated_usd=sum((step.planned.estimated_cost_usd for step in steps), Decimal(0)),
        slowest=_slowest(steps),
        limits=tuple(_limit_uses(state.limits, steps)),
        failures=_failures(state),
        rehearsed=state.rehearsed,
    )


def _slowest(steps: Iterable[StepState]) -> tuple[tuple[StepState, float], ...]:
    worked = [(step, sum(attempt.worked_seconds for attempt in step.attempts)) for step in steps]
    ordered = sorted((pair for pair in worked if pair[1] > 0), key=lambda pair: -pair[1])
    return tuple(ordered[:SLOWEST])


def _limit_uses(limits: Mapping[str, int], steps: Iterable[StepState]) -> Iterator[LimitUse]:
    """What each limit meant; the steps are looked at once, as a large batch has many of both."""
    busy: dict[str, list[_Stretch]] = {name: [] for name in limits}
    waited = dict.fromkeys(limits, 0.0)
    for name, seconds, stretch in chain.from_iterable(map(_uses, steps)):
        if name in limits:
            waited[name] += seconds
            busy[name] += [stretch] if stretch else []
    for name, seats in limits.items():
        yield LimitUse(name=name, seats=seats, peak=peak(busy[name]), waited_seconds=waited[name])


_Stretch = tuple[float, float]  # from when to when a seat was taken


def _uses(step: StepState) -> Iterator[tuple[str, float, _Stretch | None]]:
    """The limits that a step was under: how long it waited for a seat, and had it."""
    under = _limits_of(step)
    for attempt in step.attempts:
        if not attempt.by_pieces:
            stretch = None if attempt.started is None else _busy(attempt)
            yield from ((name, attempt.waited_seconds, stretch) for name in under)
        for piece in attempt.pieces:
            yield "ffmpeg", piece.waited, (attempt.run * _APART + piece.began, attempt.run * _APART + piece.ended)


_HEAVY = frozenset({Kind.IMAGE, Kind.CLIP, Kind.NARRATION})
_APART = 1e7  # seconds: no run lasts that long, so those of different runs never overlap


def _busy(attempt: Attempt) -> _Stretch:
    started = attempt.started or 0.0
    ended = attempt.ended if attempt.ended is not None else started
    return attempt.run * _APART + started, attempt.run * _APART + max(started, ended)


def _limits_of(step: StepState) -> tuple[str, ...]:
    """Limits are named after providers, ``provider:model`` or local resources. Our own light work takes no seat."""
    planned = step.planned
    if planned.provider == "local" and planned.kind not in _HEAVY:
        return ()
    return (planned.provider, f"{planned.provider}:{planned.model}")


def _failures(state: BatchState) -> tuple[Failure, ...]:
    """The same trouble of several steps is told once, the most frequent first."""
    alike: dict[tuple[str, str], list[str]] = {}
    for step in state.steps.values():
        if step.state == "failed":
            last = step.attempts[-1].error_message if step.attempts else None
            alike.setdefault((step.error_kind or "", last or step.error_message or "it failed"), []).append(step.id)
    blocked = _blocked(state)
    found = [
        Failure(kind=kind, message=message, steps=tuple(ids), blocked=sum(blocked[step_id] for step_id in ids))
        for (kind, message), ids in alike.items()
    ]
    return tuple(sorted(found, key=lambda failure: -len(failure.steps)))


def _blocked(state: BatchState) -> Counter[str]:
    """How many steps each failed one kept from starting, directly or through others."""
    culprits: Counter[str] = Counter()
    for step in state.steps.values():
        by, seen = step.blocked_by, {step.id}
        while by in state.steps and by not in seen and state.steps[by].blocked_by:
            seen.add(by)
            by = state.steps[by].blocked_by
        if by:
            culprits[by] += 1
    return culprits
