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
        self._flies_until: float | None = None

    def start_clock(self) -> None:
        """Begin; the time before the run counts for nothing."""
        self._at = time.perf_counter()

    def current_time(self) -> float:
        """Seconds on this clock."""
        now = time.perf_counter()
        passed, self._at = now - self._at, now
        if self._flies_until is not None:
            # Whoever wakes late, on a busy machine, has flown no farther than to the moment he was to wake at.
            flown = min(passed * self.speed, max(self._flies_until - self._seconds, 0.0))
            self._seconds += flown
            passed -= flown / self.speed
            self._flies_until = None
        self._seconds += passed
        return self._seconds

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Real seconds until a deadline. The loop asks just before it sleeps: from here on time may fly."""
        now = self.current_time()
        if self.is_working() or trio.to_thread.current_default_thread_limiter().borrowed_tokens > 0:
            return deadline - now
        self._flies_until = deadline
        return (deadline - now) / self.speed if math.isfinite(deadline) else deadline
