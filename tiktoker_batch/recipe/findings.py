"""Collects problems: each once, at its place."""

from collections import Counter
from collections.abc import Iterable, Iterator

from tiktoker_batch.errors import Problem
from tiktoker_batch.recipe.nodes import Spot
from tiktoker_batch.recipe.source import Pointer, Source

FEW = 3  # so many rows or combinations are told of one place


class Findings:
    """The problems of one recipe, from one stage after another.

    What an earlier stage said about a place stands; later stages would only repeat it in other words.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._problems: list[Problem] = []
        self._said: set[tuple[Spot, str]] = set()
        self._of_rows: Counter[Spot] = Counter()
        self._warnings: list[Problem] = []
        self._warned: set[tuple[Spot, str]] = set()
        self._warned_of_rows: Counter[Spot] = Counter()
        self._settled: set[Spot] = set()

    def __len__(self) -> int:
        return len(self._problems)

    def stage(self, problems: Iterable[Problem]) -> None:
        """Take the problems of a whole stage."""
        placed = [(each, Spot.of(each)) for each in problems]
        fresh = [(each, spot) for each, spot in placed if spot not in self._settled]
        self._problems += [each for each, _ in fresh]
        self._settled |= {spot for _, spot in fresh}

    def settle(self, places: Iterable[Spot]) -> None:
        """Hear no more of values whose text could not be read."""
        self._settled |= set(places)

    def add(self, at: Pointer, message: str, *, video: str | None = None, key: bool = False) -> None:
        """Note a problem at a value or its key. The same words about an inherited value name only the first video."""
        spot = self.source.locate(at, key=key)
        if (spot, message) in self._said or spot in self._settled:
            return
        self._said.add((spot, message))
        self._problems += self._worded(spot, at, message, video, self._of_rows)

    def warn(self, at: Pointer, message: str, *, video: str | None = None) -> None:
        """Note what is allowed and may not be meant. The same words about an inherited value name the first video."""
        spot = self.source.locate(at)
        if (spot, message) in self._warned:
            return
        self._warned.add((spot, message))
        self._warnings += self._worded(spot, at, message, video, self._warned_of_rows)

    def _worded(
        self, spot: Spot, at: Pointer, message: str, video: str | None, of_rows: Counter[Spot]
    ) -> Iterator[Problem]:
        """What is said; nothing where enough rows have been named at this place."""
        origin = self.source.origin(at)
        if origin:
            of_rows[spot] += 1
        if not origin or of_rows[spot] <= FEW:
            said = f"video {video!r}: {message}" if video else message
            yield spot.problem(said + origin)

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that was warned of, by place."""
        return tuple(map(str, sorted(self._warnings)))

    @property
    def problems(self) -> list[Problem]:
        """All of them, by place, none twice."""
        return sorted(set(self._problems))
