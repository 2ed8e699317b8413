"""How long to wait before the next attempt."""

import random

from tiktoker_batch.model import Retry


def delay_before(attempt: int, retry: Retry, rng: random.Random, *, asked_for: float | None = None) -> float:
    """Seconds between attempt ``attempt - 1`` and ``attempt`` (from 2): exponential, capped, with jitter either way.

    ``asked_for`` is what the provider wants at least; it is not shortened by ours.
    """
    base = min(retry.max_delay, retry.initial_delay * retry.multiplier ** (attempt - 2))
    ours = base * rng.uniform(1 - retry.jitter, 1 + retry.jitter)
    return max(ours, asked_for or 0.0)
