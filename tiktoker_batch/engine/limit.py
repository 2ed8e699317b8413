"""One limit and how it adapts to what a provider takes.

What an account bears is seldom known and changes: with its plan, with the hour, with whoever else uses it. It is found
out by asking, at the price of a refusal now and then. A refusal tells it almost exactly: those that are in flight were
taken. So the seats snap to these, and from there one more is tried at a time. Halving them instead, as TCP does, leaves
accounts idle that would have taken more, by a fifth of the time where limits move (``tests.benchmarks.throttling``).

How soon one more is tried is learned too: after a refusal not before as many successes as there are seats, so that at
an unchanging limit one request in so many is refused; each time that it goes well, after half as many as before, so
that a limit that was raised is soon reached.
"""

from dataclasses import dataclass
from math import inf


@dataclass(slots=True, kw_only=True)
class Limit:
    """``seats`` there are, ``most`` there may be and ``taken`` are; infinitely many where nobody has set a limit.

    ``patience`` is the number of successes before one more seat is tried, ``good`` those that were counted.
    ``learned`` says whether this batch has found anything out.
    """

    most: float = inf
    seats: float = inf
    taken: int = 0
    patience: float = 1.0
    good: int = 0
    learned: bool = False

    def snap(self) -> None:
        """A request was refused, which holds a seat: no more than the others, which were taken."""
        self.seats = max(1, min(self.seats, self.taken - 1))
        self.patience, self.good, self.learned = self.seats, 0, True

    def probe(self) -> None:
        """A request went well, which holds a seat. Only where all are taken it says that there could be more."""
        if self.seats >= self.most or self.taken < self.seats:
            return
        self.good += 1
        if self.good >= self.patience:
            self.seats, self.good, self.patience = self.seats + 1, 0, max(1.0, self.patience / 2)
            self.learned = True

    def bear(self, most: float) -> None:
        """The provider says how much it bears."""
        self.most = self.seats = most
        self.learned = True

    def start_from(self, seats: float) -> None:
        """What was learned the last time is tried first."""
        self.seats = min(self.most, seats)
        self.patience = self.seats
