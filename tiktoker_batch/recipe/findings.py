"""Collects problems: each once, at its place."""

from collections import Counter
from collections.abc import Iterable

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
        self._warnings: dict[tuple[Spot, str], Problem] = {}
        self._said: set[tuple[Spot, str]] = set()
        self._of_rows: Counter[Spot] = Counter()
        self._settled: set[Spot] = set()

    def __len__(self) -> int:
        return len(self._problems)

    def stage(self, problems: Iterable[Problem]) -> None:
        """Take the problems of a whole stage."""
        placed = [(each, Spot(each.path, each.line, each.column)) for each in problems]
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
        origin = self.source.origin(at)
        if origin:
            self._of_rows[spot] += 1
            if self._of_rows[spot] > FEW:
                return
        said = f"video {video!r}: {message}" if video else message
        self._problems.append(spot.problem(said + origin))

    def warn(self, at: Pointer, message: str, *, video: str | None = None) -> None:
        """Note what is allowed and may not be meant. The same words about an inherited value name the first video."""
        spot = self.source.locate(at)
        origin = self.source.origin(at)
        if origin:
            told = sum(each == spot for each, _ in self._warnings)
            if told >= FEW:
                return
        said = f"video {video!r}: {message}" if video else message
        self._warnings.setdefault((spot, message), spot.problem(said + origin))

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that was warned of, by place."""
        return tuple(map(str, sorted(self._warnings.values())))

    @property
    def problems(self) -> list[Problem]:
        """All of them, by place, none twice."""
        return sorted(set(self._problems))
