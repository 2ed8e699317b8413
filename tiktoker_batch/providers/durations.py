"""How long the jobs of each model take: what the catalog says, and what was seen since."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist, quantiles

from tiktoker_batch.model import Model
from tiktoker_batch.providers.memory import recall, remember

_REMEMBERED = 256
_ENOUGH = 8  # durations before they replace the catalog's word


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """When a job of a model ends, in seconds after it began: nearly none before, half, nearly all."""

    early: float
    usual: float
    late: float


class Durations:
    """How long each model's jobs took, in this run and in those before; beginning with what the catalog says.

    ``models`` are known by the names that are asked for. ``memory`` is the file that keeps them for the next run.
    """

    def __init__(self, models: Mapping[str, Model], memory: Path | None = None) -> None:
        self._models = models
        self._memory = memory
        self._taken = {name: deque(taken, maxlen=_REMEMBERED) for name, taken in _recalled(memory).items()}

    def save(self) -> None:
        """Keep what was learned, if anything was."""
        if self._taken:
            remember(self._memory, {name: [round(each, 2) for each in taken] for name, taken in self._taken.items()})

    def note(self, model: str, seconds: float) -> None:
        """A job of this model took so long at work."""
        self._taken.setdefault(model, deque(maxlen=_REMEMBERED)).append(seconds)

    def expect(self, model: str) -> Expected:
        """What the next job of this model will take."""
        return Expected(
            early=self.percentile(model, 5), usual=self.percentile(model, 50), late=self.percentile(model, 95)
        )

    def percentile(self, model: str, percent: int) -> float:
        """Seconds within which so many of a hundred jobs of this model end; from 1 to 99."""
        taken = self._taken.get(model, ())
        if len(taken) >= _ENOUGH:
            # Exclusive: of so few samples the other method's 95th percentile is passed by more than 5 of 100.
            return max(quantiles(taken, n=100, method="exclusive")[percent - 1], 0.0)
        known = self._models.get(model)
        usual, spread = (known.typical_seconds, known.latency_spread) if known else (30.0, 0.5)
        if taken:
            usual = math.exp(sum(math.log(max(each, 0.01)) for each in taken) / len(taken))
        return usual * math.exp(NormalDist().inv_cdf(percent / 100) * spread)


def _recalled(memory: Path | None) -> Mapping[str, list[float]]:
    stored = recall(memory)
    if not isinstance(stored, Mapping):
        return {}
    lists = {str(name): taken for name, taken in stored.items() if isinstance(taken, list)}
    return {name: [float(each) for each in taken if _is_duration(each)] for name, taken in lists.items()}


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
