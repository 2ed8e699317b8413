"""The deadline of an attempt, which does not count while money is out."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import trio


class Deadline:
    """Stops the clock of a cancel scope; several may ask for that at once."""

    def __init__(self, scope: trio.CancelScope) -> None:
        self._scope = scope
        self._asking = 0
        self._before = math.inf

    @property
    def has_passed(self) -> bool:
        """Whether it was the deadline that ended the attempt."""
        return self._scope.cancel_called

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Nothing ends the attempt in here but somebody who wants it."""
        if not self._asking:
            self._before, self._scope.deadline = self._scope.deadline, math.inf
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1
            if not self._asking:
                self._scope.deadline = self._before
