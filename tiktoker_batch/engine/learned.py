"""What was learned of limits, kept for the next batch, so that it does not begin with a row of refusals.

It is kept for a day. What an account bears is a matter of its plan and holds for weeks; what it bears beside others who
use it is a matter of hours. A figure that is too low costs little, as one more seat is tried after a few successes, and
one that is too high costs as many refusals as it is above; after a day the limit as it is set is as good a guess.
"""

import time
from collections.abc import Mapping
from pathlib import Path

from tiktoker_batch.providers.memory import recall, remember

KEPT_SECONDS = 24 * 3600.0


def recall_limits(memory: Path | None) -> dict[str, int]:
    """The seats that the limits of young memory had, by name."""
    young = time.time() - KEPT_SECONDS
    return {name: seats for name, (seats, at) in _recalled(memory).items() if at > young}


def remember_limits(memory: Path | None, learned: Mapping[str, int]) -> None:
    """Keep what this batch has learned, beside what is known of limits that it did not meet."""
    now = time.time()
    kept = {name: found for name, found in _recalled(memory).items() if found[1] > now - KEPT_SECONDS}
    kept |= {name: (seats, now) for name, seats in learned.items()}
    if memory is not None and (kept or memory.exists()):
        remember(memory, kept)


def _recalled(memory: Path | None) -> dict[str, tuple[int, float]]:
    stored = recall(memory)
    if not isinstance(stored, dict):
        return {}
    return {name: (found[0], found[1]) for name, found in stored.items() if _is_sound(found)}


def _is_sound(found: object) -> bool:
    match found:
        case [int(seats), int() | float()]:
            return seats >= 1 and not isinstance(seats, bool)
    return False
