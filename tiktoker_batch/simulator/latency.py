"""How long simulated work takes: the catalog's own figures, or others for a rehearsal of a certain case."""

import math
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tiktoker_batch.model import Model

OUTLIERS, OUTLIER_FACTOR = 0.05, 3.0  # the heavy tail of real services: one in twenty takes three times as long


@dataclass(kw_only=True)
class Latency:
    """``fixed`` gives seconds for a kind of model (``clip``) or one model (``provider:id``), without any spread.

    With the same ``seed`` the same work takes as long in every run, whatever else is done beside it.
    """

    fixed: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    outliers: float = OUTLIERS
    _drawn: Counter[str] = field(default_factory=Counter)

    def draw(self, model: Model, subject: str) -> float:
        """Seconds of one job; ``subject`` is what is asked for."""
        for name in (model.ref, model.kind):
            if name in self.fixed:
                return self.fixed[name]
        self._drawn[subject] += 1
        rng = random.Random(f"{self.seed}/latency/{subject}/{self._drawn[subject]}")
        slow = OUTLIER_FACTOR if rng.random() < self.outliers else 1.0
        return model.typical_seconds * math.exp(rng.gauss(0, model.latency_spread)) * slow
