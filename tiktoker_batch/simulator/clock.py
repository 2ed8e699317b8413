"""A clock for rehearsals: time flies while everybody waits, and is real while somebody works."""

import math
import time
from collections.abc import Callable

import trio


class FlyingClock(trio.abc.Clock):
    """Runs ``speed`` times faster while the loop sleeps and ``is_working`` is false; else like any clock.

    So waiting for providers takes a fraction of its time, and what this machine computes counts what it takes.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.is_working: Callable[[], bool] = lambda: False
        self._seconds = 0.0
        self._at = time.perf_counter()
        self._rate = 1.0

    def start_clock(self) -> None:
        """Begin; the time before the run counts for nothing."""
        self._at = time.perf_counter()

    def current_time(self) -> float:
        """Seconds on this clock."""
        now = time.perf_counter()
        self._seconds += (now - self._at) * self._rate
        self._at, self._rate = now, 1.0
        return self._seconds

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Real seconds until a deadline. The loop asks just before it sleeps: from here on time may fly."""
        now = self.current_time()
        if not self.is_working() and trio.to_thread.current_default_thread_limiter().borrowed_tokens == 0:
            self._rate = self.speed
        return (deadline - now) / self._rate if math.isfinite(deadline) else deadline
