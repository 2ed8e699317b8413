"""When to ask after a job: hardly at first, often around the time when jobs of its model end."""

import math
import random

import trio

from tiktoker_batch.planning.likely import Likely

# An old page of fal names ten requests a second for an account; status traffic stays below.
REQUESTS_A_SECOND = 10.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 15.0


def pause_near_end(expected: Likely) -> float:
    """Seconds between two looks while the end is near: so it is seen after a fortieth of the job's time on average."""
    return min(max(0.05 * expected.usual, SHORTEST_PAUSE), LONGEST_PAUSE)


def pause_before_poll(expected: Likely, worked: float, *, queued: bool, rng: random.Random) -> float:
    """Seconds until the next look at a job that has been at work for ``worked`` seconds, or still waits in line."""
    dense = pause_near_end(expected)
    if queued:
        pause = max(expected.early, dense) if worked == 0 else min(max(0.25 * expected.usual, dense), LONGEST_PAUSE)
    elif worked < expected.early:
        pause = max(expected.early - worked, dense)
    elif worked < expected.late:
        pause = dense
    else:
        pause = min(max(dense, 0.05 * worked), LONGEST_PAUSE)
    return pause * rng.uniform(0.9, 1.1)


class Pacer:
    """Hands out turns, so many a second."""

    def __init__(self, turns_a_second: float = REQUESTS_A_SECOND) -> None:
        self.gap = 1 / turns_a_second
        self._next = -math.inf

    @property
    def backlog(self) -> float:
        """Seconds until the next turn that nobody has yet."""
        return max(self._next - trio.current_time(), 0.0)

    async def turn(self) -> None:
        """Wait for the next turn."""
        at = max(self._next, trio.current_time())
        self._next = at + self.gap
        await trio.sleep_until(at)
