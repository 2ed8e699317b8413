"""When a batch would be done: its steps played through on their seats, each with a time that it may well take. Pure.

A play is what the engine does, without the waiting: a step begins when its needs are done and its limits have a seat,
whoever is ready first goes first. Times are drawn from each model's own spread; a step that is at work already takes
one of those times that are longer than it has been at work. In each play every model is also off as a whole, by as much
as it may be. An assembly works in pieces: one as each clip arrives, and one at the end.
"""

import math
import random
from collections import deque
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from statistics import NormalDist, quantiles
from typing import Protocol

from tiktoker_batch.model import Kind
from tiktoker_batch.planning.likely import SHARES, USUAL_SPREAD, Shape, expected_shape

PLAYS, FEWEST_PLAYS = 200, 12
STEPS_PLAYED = 40_000  # by all plays together: what a plan takes the time for, about a tenth of a second
_OVERTIME = 0.25  # of its age is what something takes on that is older than anything known
PAUSE_EVERY = 64  # steps of a play between which it may be left
_HEAVY = frozenset({Kind.IMAGE, Kind.CLIP, Kind.NARRATION})
_NORMAL = NormalDist()


class Planned(Protocol):
    """What a plan and a journal both know of a step."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def needs(self) -> tuple[str, ...]: ...
    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def estimated_seconds(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Seconds: about so many, with four chances in five between ``low`` and ``high``."""

    seconds: float
    low: float
    high: float


NOTHING = Range(seconds=0.0, low=0.0, high=0.0)


@dataclass(slots=True, kw_only=True)
class Standing:
    """Where a batch stands: of each piece of work how many needs are not done yet, what is at work and since when.

    A piece that is done or given up waits for -1. ``running`` holds the starts, in seconds on any clock; ``left`` is
    how many pieces are not done.
    """

    waiting: list[int]
    running: dict[int, float]
    left: int

    def copy(self) -> "Standing":
        """The same, to play on."""
        return Standing(waiting=list(self.waiting), running=dict(self.running), left=self.left)


class Network:
    """The pieces of work of a batch. ``capacity`` are seats by the names of limits, ``shapes`` spreads by model."""

    def __init__(self, steps: Sequence[Planned], capacity: Mapping[str, int], shapes: Mapping[str, Shape]) -> None:
        self.names: dict[str, int] = {}
        self.pieces: dict[str, tuple[int, ...]] = {}
        self.seconds: list[float] = []
        self.models: list[int] = []
        self.pools: list[int] = []
        self.dependants: list[list[int]] = []
        self._needs: list[int] = []
        self._refs: dict[str, int] = {}
        self._pool_names: dict[tuple[str, ...], int] = {}
        self._capacity = capacity
        self._assemblies: set[str] = set()
        for step in steps:
            self._add(step)
        usual = expected_shape(USUAL_SPREAD)
        self.shapes = [shapes.get(ref, usual) for ref in self._refs]
        self.knots = [shape.evenly() for shape in self.shapes]

    def beginning(self, done: Collection[str] = ()) -> Standing:
        """Where the batch stands with these steps done and nothing at work."""
        standing = Standing(waiting=list(self._needs), running={}, left=len(self._needs))
        for name in done:
            self.settle(standing, name)
        return standing

    def begin(self, standing: Standing, name: str, at: float) -> None:
        """A step has its seats. An assembly begins before its clips are there: only its pieces count."""
        pieces = self.pieces.get(name, ())
        if len(pieces) == 1 and name not in self._assemblies and standing.waiting[pieces[0]] >= 0:
            standing.running[pieces[0]] = at

    def stop(self, standing: Standing, name: str) -> None:
        """An attempt has failed: the step is to be done again, as far as anybody knows."""
        for piece in self.pieces.get(name, ()):
            standing.running.pop(piece, None)

    def settle_part(self, standing: Standing, name: str, label: str) -> None:
        """A labelled piece of an assembly's work is done: ``normalise 03`` is the one after the third clip."""
        number = label.rpartition(" ")[2]
        pieces = self.pieces.get(name, ())
        if name in self._assemblies and number.isdecimal() and 0 < int(number) < len(pieces):
            self.settle_piece(standing, pieces[int(number) - 1])

    def settle(self, standing: Standing, name: str) -> None:
        """A step is done, or will not be."""
        for piece in self.pieces.get(name, ()):
            self.settle_piece(standing, piece)

    def settle_piece(self, standing: Standing, piece: int) -> None:
        """A piece of a step's work is done."""
        standing.running.pop(piece, None)
        if standing.waiting[piece] < 0:
            return
        standing.waiting[piece] = -1
        standing.left -= 1
        for dependant in self.dependants[piece]:
            if standing.waiting[dependant] > 0:
                standing.waiting[dependant] -= 1

    # ------------------------------------------------------------------ building

    def _add(self, step: Planned) -> None:
        ref = f"{step.provider}:{step.model}"
        needs = [self.names[need] for need in step.needs if need in self.names]
        if step.kind == Kind.ASSEMBLY:
            clips = [self.names[need] for need in step.needs if need in self.names and need.endswith(f"/{Kind.CLIP}")]
            sound = [self.names[need] for need in step.needs if need in self.names and not _is_segment(need)]
            each = step.estimated_seconds / (len(clips) + 1)
            parts = [self._piece(ref, ("ffmpeg",), each, [clip, *sound]) for clip in clips]
            last = self._piece(ref, ("ffmpeg",), each, [*parts, *needs])
            self.pieces[step.id] = (*parts, last)
            self._assemblies.add(step.id)
        else:
            last = self._piece(ref, seats_of(step), step.estimated_seconds, needs)
            self.pieces[step.id] = (last,)
        self.names[step.id] = last

    def _piece(self, ref: str, seats: tuple[str, ...], seconds: float, needs: Sequence[int]) -> int:
        number = len(self.seconds)
        pool = tuple(name for name in seats if name in self._capacity)
        self.seconds.append(seconds)
        self.models.append(self._refs.setdefault(ref, len(self._refs)))
        self.pools.append(self._pool_names.setdefault(pool, len(self._pool_names)))
        self.dependants.append([])
        self._needs.append(len(needs))
        for need in needs:
            self.dependants[need].append(number)
        return number

    @cached_property
    def limits(self) -> tuple[list[int], list[list[int]], list[list[int]]]:
        """Seats of each limit, the limits of each pool, and the pools that a seat given back by a pool may serve."""
        names = {
            name: number for number, name in enumerate(dict.fromkeys(n for pool in self._pool_names for n in pool))
        }
        pools = [[names[name] for name in pool] for pool in self._pool_names]
        near = [[other for other, held in enumerate(pools) if set(held) & set(mine)] for mine in pools]
        return [self._capacity[name] for name in names], pools, near


def seats_of(step: Planned) -> tuple[str, ...]:
    """The limits that a step takes seats of; light work on this machine takes none."""
    if step.provider == "local" and step.kind not in _HEAVY:
        return ()
    return (step.provider, f"{step.provider}:{step.model}")


def _is_segment(name: str) -> bool:
    return name.count("/") == 2


class Plays:
    """Plays of one network, one after the other, always the same for the same ``seed``."""

    def __init__(self, network: Network, seed: int = 0) -> None:
        self.network = network
        self.off = [0.0] * len(network.shapes)  # logarithms by which the models were found to be off in this run
        self.doubts = [shape.doubt for shape in network.shapes]
        self._rng = random.Random(seed)
        # Points that fill the unit square evenly however many there are: square roots are irrational.
        self._strides = [math.sqrt(prime) % 1 for prime in _primes(len(network.shapes))]
        self._starts = [self._rng.random() for _ in network.shapes]
        self._number = 0

    def seconds(self, standing: Standing, now: float = 0.0) -> float:
        """How long what is left takes in one play."""
        play = self.play(standing, now)
        while True:
            try:
                next(play)
            except StopIteration as ended:
                return float(ended.value)

    def play(self, standing: Standing, now: float = 0.0) -> Generator[None, None, float]:
        """One play, which may be left and gone on with after every few steps."""
        network, draw = self.network, self._rng.random
        seconds, models, knots, pools = network.seconds, network.models, network.knots, network.pools
        _, limits_of, near = network.limits
        factors = self._factors()
        free, waiting, lines, heap = self._opening(standing, now, factors)
        clock, hungry, count = 0.0, list(range(len(lines))), 0
        while True:
            for pool in hungry:
                line, held = lines[pool], limits_of[pool]
                while line and all(free[limit] > 0 for limit in held):
                    piece = line.popleft()
                    for limit in held:
                        free[limit] -= 1
                    model, place = models[piece], draw() * SHARES
                    knot, below = knots[model], int(place)
                    multiple = knot[below] + (knot[below + 1] - knot[below]) * (place - below)
                    heappush(heap, (clock + seconds[piece] * factors[model] * multiple, piece))
            if not heap:
                return clock
            clock, piece = heappop(heap)
            for limit in limits_of[pools[piece]]:
                free[limit] += 1
            hungry = [*near[pools[piece]], *self._wake(piece, waiting, lines)]
            count += 1
            if count % PAUSE_EVERY == 0:
                yield

    def _opening(
        self, standing: Standing, now: float, factors: Sequence[float]
    ) -> tuple[list[int], list[int], list[deque[int]], list[tuple[float, int]]]:
        """Free seats by limit, open needs by piece, a line for each pool, and what is at work with when it ends."""
        network, draw = self.network, self._rng.random
        seats, limits_of, _ = network.limits
        free, waiting = list(seats), list(standing.waiting)
        heap: list[tuple[float, int]] = []
        for piece, since in standing.running.items():
            model = network.models[piece]
            usual = network.seconds[piece] * factors[model]
            heappush(heap, (_left(network.shapes[model], usual, now - since, draw()), piece))
            waiting[piece] = -1
            for limit in limits_of[network.pools[piece]]:
                free[limit] -= 1
        lines: list[deque[int]] = [deque() for _ in limits_of]
        for piece, needs in enumerate(waiting):
            if needs == 0:
                lines[network.pools[piece]].append(piece)
        return free, waiting, lines, heap

    def _wake(self, piece: int, waiting: list[int], lines: Sequence[deque[int]]) -> list[int]:
        """Let those stand in line that waited for nothing else; the pools that they stand in."""
        pools, woken = self.network.pools, []
        for dependant in self.network.dependants[piece]:
            if waiting[dependant] > 0:
                waiting[dependant] -= 1
                if waiting[dependant] == 0:
                    lines[pools[dependant]].append(dependant)
                    woken.append(pools[dependant])
        return woken

    def _factors(self) -> list[float]:
        self._number += 1
        places = (
            (start + self._number * stride) % 1 for start, stride in zip(self._starts, self._strides, strict=True)
        )
        return [
            math.exp(off + doubt * _NORMAL.inv_cdf(min(max(place, 0.001), 0.999)))
            for off, doubt, place in zip(self.off, self.doubts, places, strict=True)
        ]


def _left(shape: Shape, usual: float, age: float, luck: float) -> float:
    """What something takes on that is so old: one of the times that are longer than that."""
    passed = shape.share_below(age / usual) if usual > 0 else 1.0
    if passed >= 1.0:
        return 2 * luck * _OVERTIME * age
    return max(usual * shape.at(passed + (1 - passed) * luck) - age, 0.0)


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def makespan(network: Network, done: Collection[str] = ()) -> Range:
    """How long the steps take that are not done; 0 where none is left."""
    standing = network.beginning(done)
    if not standing.left:
        return NOTHING
    plays, count = Plays(network), min(max(STEPS_PLAYED // standing.left, FEWEST_PLAYS), PLAYS)
    return middle_of([plays.seconds(standing) for _ in range(count)])


def middle_of(seconds: Sequence[float]) -> Range:
    """What lies in the middle of these, and between which most are.

    From the 5th to the 95th of a hundred: what is known of a spread is uncertain too, so that a range with four plays
    in five was kept by three batches in four. This one is kept by four in five (tests/benchmarks/estimates.py).
    """
    hundredths = quantiles(seconds, n=100, method="inclusive")
    return Range(seconds=round(hundredths[49], 1), low=round(hundredths[4], 1), high=round(hundredths[94], 1))
