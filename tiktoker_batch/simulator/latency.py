"""How long simulated work takes: the catalog's own figures, or others for a rehearsal of a certain case."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from tiktoker_batch.model import Model

OUTLIERS, OUTLIER_FACTOR = 0.05, 3.0  # the heavy tail of real services: one in twenty takes three times as long


@dataclass(kw_only=True)
class Latency:
    """``fixed`` gives seconds for a kind of model (``clip``) or one model (``provider:id``), without any spread."""

    fixed: Mapping[str, float] = field(default_factory=dict)
    rng: random.Random = field(default_factory=random.Random)
    outliers: float = OUTLIERS

    def draw(self, model: Model) -> float:
        """Seconds of one job."""
        for name in (model.ref, model.kind):
            if name in self.fixed:
                return self.fixed[name]
        slow = OUTLIER_FACTOR if self.rng.random() < self.outliers else 1.0
        return model.typical_seconds * math.exp(self.rng.gauss(0, model.latency_spread)) * slow
