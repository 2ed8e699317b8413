"""Those who wait for the same seats, best-ranked first, although ranks change while they wait."""

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import trio

from tiktoker_batch.engine.limit import Limit
from tiktoker_batch.engine.ranks import Rank, Ranks, Standing


class Waiter:
    """Somebody in a line. ``task`` is set while it sleeps; ``left`` once it is in line no more, ``served`` or not."""

    __slots__ = ("left", "served", "standing", "task")

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self.task: trio.lowlevel.Task | None = None
        self.served = False
        self.left = False


class Claim(NamedTuple):
    """How the first of a line compares with those of other lines; smaller goes first."""

    rank: Rank
    place: Rank
    came: int


class Line:
    """A line for a seat of each of ``limits``.

    The groups are in a heap by rank, and the waiters of each in a heap by place. Nothing is moved when a rank changes
    or somebody leaves: a new entry is made beside the old one, and an entry that holds no more is dropped when it
    comes to the top. So each step costs a logarithm, however many wait.
    """

    def __init__(self, ranks: Ranks, limits: Sequence[Limit]) -> None:
        self.limits = limits
        self._ranks = ranks
        self._heap: list[tuple[Rank, str]] = []
        self._listed: dict[str, Rank] = {}
        self._groups: dict[str, list[tuple[Rank, int, Waiter]]] = {}

    @property
    def moves(self) -> bool:
        """Whether all the seats for its first are free."""
        for limit in self.limits:  # noqa: SIM110  (asked for every line at every grant: all() takes twice as long)
            if limit.taken >= limit.seats:
                return False
        return True

    def join(self, waiter: Waiter, came: int) -> None:
        """Take a place; of equals the one with the smaller ``came`` goes first."""
        group, place = waiter.standing
        waiters = self._groups.setdefault(group, [])
        heappush(waiters, (place, came, waiter))
        self._list(group)

    def refresh(self, group: str) -> None:
        """The group's rank has changed."""
        if group in self._groups:
            self._list(group)

    def first(self) -> Claim | None:
        """The claim of the first in line; ``None`` if nobody waits."""
        while self._heap:
            rank, group = self._heap[0]
            waiters = self._groups.get(group)
            if self._listed.get(group) == rank and waiters is not None and _drop_left(waiters):
                place, came, _ = waiters[0]
                return Claim(rank, place, came)
            heappop(self._heap)
            if self._listed.get(group) == rank:
                del self._listed[group]
                self._groups.pop(group, None)
        return None

    def take(self) -> Waiter:
        """The first in line, who waits here no more."""
        waiter = heappop(self._groups[self._heap[0][1]])[2]
        waiter.left = waiter.served = True
        return waiter

    def _list(self, group: str) -> None:
        rank = self._ranks.rank(group)
        if self._listed.get(group) != rank:
            self._listed[group] = rank
            heappush(self._heap, (rank, group))


def _drop_left(waiters: list[tuple[Rank, int, Waiter]]) -> bool:
    """Drop those who have left from the top; whether anybody is there."""
    while waiters and waiters[0][2].left:
        heappop(waiters)
    return bool(waiters)
