"""When to ask after a job: hardly at first, often around the time when jobs of its model end, learned as they do."""

import math
import random
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import trio

from tiktoker_batch.model import Model
from tiktoker_batch.providers.memory import recall, remember

# An old page of fal names ten requests a second for an account; status traffic stays below.
REQUESTS_A_SECOND = 10.0
_REMEMBERED = 64
_ENOUGH = 8  # durations before they replace the catalog's word
_Z_EARLY, _Z_LATE = -1.645, 1.645  # 5 % and 95 % of a normal distribution
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """When a job of a model ends, in seconds after it began: nearly none before, half, nearly all."""

    early: float
    usual: float
    late: float


class Durations:
    """How long each model's jobs took, in this run and in those before; beginning with what the catalog says.

    ``memory`` is the file that keeps them for the next run.
    """

    def __init__(self, models: Iterable[Model], memory: Path | None = None) -> None:
        self._models = {model.id: model for model in models}
        self._memory = memory
        self._taken = {name: deque(taken, maxlen=_REMEMBERED) for name, taken in _recalled(memory).items()}

    def save(self) -> None:
        """Keep what was learned."""
        remember(self._memory, {name: [round(each, 2) for each in taken] for name, taken in self._taken.items()})

    def note(self, model: str, seconds: float) -> None:
        """A job of this model took so long at work."""
        self._taken.setdefault(model, deque(maxlen=_REMEMBERED)).append(seconds)

    def expect(self, model: str) -> Expected:
        """What the next job of this model will take."""
        taken = self._taken.get(model, ())
        if len(taken) >= _ENOUGH:
            cuts = quantiles(taken, n=20, method="inclusive")
            return Expected(early=cuts[0], usual=cuts[9], late=cuts[18])
        known = self._models.get(model)
        usual, spread = (known.typical_seconds, known.latency_spread) if known else (30.0, 0.5)
        if taken:
            usual = math.exp(sum(math.log(max(each, 0.01)) for each in taken) / len(taken))
        return Expected(early=usual * math.exp(_Z_EARLY * spread), usual=usual, late=usual * math.exp(_Z_LATE * spread))


def _recalled(memory: Path | None) -> Mapping[str, list[float]]:
    stored = recall(memory)
    if not isinstance(stored, Mapping):
        return {}
    lists = {str(name): taken for name, taken in stored.items() if isinstance(taken, list)}
    return {name: [float(each) for each in taken if _is_duration(each)] for name, taken in lists.items()}


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def pause_before_poll(expected: Expected, worked: float, *, queued: bool, rng: random.Random) -> float:
    """Seconds until the next look at a job that has been at work for ``worked`` seconds, or still waits in line."""
    dense = min(max(0.05 * expected.usual, SHORTEST_PAUSE), LONGEST_PAUSE)
    if queued:
        pause = max(expected.early, dense) if worked == 0 else min(max(0.25 * expected.usual, dense), LONGEST_PAUSE)
    elif worked < expected.early:
        pause = max(expected.early - worked, dense)
    elif worked < expected.late:
        pause = dense
    else:
        pause = min(max(dense, 0.1 * worked), LONGEST_PAUSE)
    return pause * rng.uniform(0.9, 1.1)


class Pacer:
    """Hands out turns, so many a second."""

    def __init__(self, turns_a_second: float = REQUESTS_A_SECOND) -> None:
        self._gap = 1 / turns_a_second
        self._next = -math.inf

    async def turn(self) -> None:
        """Wait for the next turn."""
        at = max(self._next, trio.current_time())
        self._next = at + self._gap
        await trio.sleep_until(at)
