"""The house's memory of how long work took: what polls, stragglers and estimates all go by.

``jobs`` are times that a service was at work on a job, ``steps`` those that a step held its seats: with uploads, the
service's line and the download. A file in the cache folder keeps the newest of each for the runs to come. Any number of
processes may add to it, each under its lock; a damaged one is an empty one, and one that cannot be written is let be.
"""

import contextlib
import json
import math
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import filelock

from tiktoker_batch.events import JobReattached, Record, StepSucceeded
from tiktoker_batch.model import Kind, Model, Plan
from tiktoker_batch.planning.likely import History, Likely, Taken, likely, size_of
from tiktoker_batch.store.state import BatchState

DURATIONS_FILE = "durations.json"
FORMAT, VERSION = "tiktoker-batch/durations", 1
REMEMBERED = 64  # times of each model
MOST_MODELS = 500  # beyond which those are forgotten that were not used for longest
_LOCK_SECONDS = 2.0
_UNKNOWN_SECONDS, _UNKNOWN_SPREAD = 30.0, 0.5

Value = TypeVar("Value")


class _Column(Generic[Value]):
    """The newest times of each model: what was read, and what came since."""

    def __init__(self, told: Mapping[str, list[Value]]) -> None:
        self.taken = {name: deque(values, maxlen=REMEMBERED) for name, values in told.items()}
        self.fresh: dict[str, deque[Value]] = {}

    def note(self, name: str, value: Value) -> None:
        self.taken.setdefault(name, deque(maxlen=REMEMBERED)).append(value)
        self.fresh.setdefault(name, deque(maxlen=REMEMBERED)).append(value)

    def after(self, told: Mapping[str, list[Value]]) -> dict[str, list[Value]]:
        """What there is now that this was told by others: ours is the newest, and comes last."""
        merged = {name: values for name, values in told.items() if name not in self.fresh}
        merged |= {name: [*told.get(name, ()), *values][-REMEMBERED:] for name, values in self.fresh.items()}
        return dict(list(merged.items())[-MOST_MODELS:])


class Durations:
    """What jobs and steps of each model (``provider:id``) took, in this run and in those before.

    ``models`` are those of the catalog that may be asked about. ``memory`` is the file; without one, only this run is
    remembered. ``worlds`` say which services a provider speaks to, if not the real ones: times of those are kept apart.
    """

    def __init__(
        self,
        models: Mapping[str, Model] | None = None,
        memory: Path | None = None,
        worlds: Mapping[str, str] | None = None,
    ) -> None:
        self._models = models or {}
        self._memory = memory
        self._worlds = {name: world for name, world in (worlds or {}).items() if world != "real"}
        jobs, steps = _read(memory)
        self._jobs, self._steps = _Column(jobs), _Column(steps)
        self._known: dict[str, Likely] = {}

    def note(self, ref: str, seconds: float) -> None:
        """A service was at work on a job for so long."""
        self._jobs.note(self._name(ref), round(max(seconds, 0.01), 3))
        self._known.pop(ref, None)

    def note_step(self, ref: str, taken: Taken) -> None:
        """A step had its seats for so long."""
        sized = Taken(seconds=round(max(taken.seconds, 0.001), 3), size=round(taken.size, 3))
        self._steps.note(self._name(ref), sized)
        self._known.pop(ref, None)

    def job(self, ref: str) -> Likely:
        """What the next job of a model will take its service."""
        known = self._known.get(ref)
        if known is None:
            model = self._models.get(ref)
            seconds, sigma = (
                (model.typical_seconds, model.latency_spread) if model else (_UNKNOWN_SECONDS, _UNKNOWN_SPREAD)
            )
            # Where nobody tells a job's own time, that of its step is the next best.
            jobs = [Taken(seconds=each) for each in self._jobs.taken.get(self._name(ref), ())]
            taken = jobs or list(self._steps.taken.get(self._name(ref), ()))
            known = self._known[ref] = likely(seconds, sigma, taken)
        return known

    def percentile(self, ref: str, percent: float) -> float:
        """Seconds of work within which so many of a hundred jobs of a model end."""
        expected = self.job(ref)
        return expected.usual * expected.shape.at(percent / 100)

    def history(self) -> History:
        """What is known of steps by now."""
        found: dict[str, tuple[Taken, ...]] = {}
        for name, taken in self._steps.taken.items():
            world, ref = _parted(name)
            if world == self._worlds.get(ref.partition(":")[0]):
                found[ref] = tuple(taken)
        return History(steps=found)

    def save(self) -> None:
        """Keep what was learned since."""
        if self._memory is None or not (self._jobs.fresh or self._steps.fresh):
            return
        with contextlib.suppress(OSError, filelock.Timeout):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(f"{self._memory}.lock", timeout=_LOCK_SECONDS):
                jobs, steps = _read(self._memory)
                _write(self._memory, self._jobs.after(jobs), self._steps.after(steps))
            self._jobs.fresh.clear()
            self._steps.fresh.clear()

    def _name(self, ref: str) -> str:
        world = self._worlds.get(ref.partition(":")[0])
        return f"{world}/{ref}" if world else ref


def _parted(name: str) -> tuple[str | None, str]:
    """The world of a name, ``None`` for the real one, and its model."""
    world, _, ref = name.partition("/")
    return (None, name) if ":" in world else (world, ref)


def _read(memory: Path | None) -> tuple[dict[str, list[float]], dict[str, list[Taken]]]:
    """The jobs and the steps that a file remembers, as far as they can be what we wrote."""
    try:
        told = json.loads(memory.read_bytes()) if memory else None
    except (OSError, ValueError, RecursionError):
        told = None
    match told:
        case {"format": str(form), "version": int(version), "jobs": {**jobs}, "steps": {**steps}}:
            if (form, version) == (FORMAT, VERSION):
                return _times(jobs), _pairs(steps)
    return {}, {}


def _times(told: Mapping[Any, Any]) -> dict[str, list[float]]:
    lists = {str(name): taken for name, taken in told.items() if isinstance(taken, list)}
    return {name: [float(each) for each in taken if _is_time(each)] for name, taken in lists.items()}


def _pairs(told: Mapping[Any, Any]) -> dict[str, list[Taken]]:
    found: dict[str, list[Taken]] = {}
    for name, taken in told.items():
        for each in taken if isinstance(taken, list) else ():
            match each:
                case [seconds, size] if _is_time(seconds) and (size == 0 or _is_time(size)):
                    found.setdefault(str(name), []).append(Taken(seconds=float(seconds), size=float(size)))
                case _:
                    pass
    return found


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _write(memory: Path, jobs: Mapping[str, list[float]], steps: Mapping[str, list[Taken]]) -> None:
    pairs = {name: [[each.seconds, each.size] for each in taken] for name, taken in steps.items()}
    value = {"format": FORMAT, "version": VERSION, "jobs": jobs, "steps": pairs}
    part = memory.with_name(f"{memory.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(value, separators=(",", ":")), encoding="utf-8")
        part.replace(memory)
    finally:
        part.unlink(missing_ok=True)


# ---------------------------------------------------------------------- learning


class Learner:
    """Takes the records of a run, after its ``state`` did, and remembers what each step took that really ran.

    Nothing is learned of what was reused, failed, or went on with what an earlier run or attempt had begun: none of
    these is what the next one takes.
    """

    def __init__(self, durations: Durations, plan: Plan, state: BatchState) -> None:
        self._durations = durations
        self._steps = {step.id: step for step in plan.steps}
        self._state = state
        self._shortened: set[tuple[str, int]] = set()

    def __call__(self, record: Record) -> None:
        """Take one record."""
        match record.event:
            case JobReattached(step=step, attempt=attempt):
                self._shortened.add((step, attempt))
            case StepSucceeded(step=step, attempt=attempt) if (step, attempt) not in self._shortened:
                self._learn(step)
            case _:
                pass

    def _learn(self, name: str) -> None:
        step, attempts = self._steps[name], self._state.steps[name].attempts
        worked = attempts[-1].worked_seconds
        has_found_pieces = attempts[-1].by_pieces and len(attempts) > 1
        if worked > 0 and not has_found_pieces:
            size = size_of(Kind(step.kind), step.params, step.estimated_characters)
            self._durations.note_step(f"{step.provider}:{step.model}", Taken(seconds=worked, size=size))
