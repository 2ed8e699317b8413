"""Collects problems: each once, at its place."""

from collections import Counter
from collections.abc import Iterable

from tiktoker_batch.errors import Problem
from tiktoker_batch.recipe.nodes import Spot
from tiktoker_batch.recipe.source import Pointer, Source
from tiktoker_batch.remarks import FEW_ROWS, Remark


class Findings:
    """The problems of one recipe, from one stage after another.

    What an earlier stage said about a place stands; later stages would only repeat it in other words.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._problems: list[Problem] = []
        self._said: set[tuple[Spot, str]] = set()
        self._of_rows: Counter[Spot] = Counter()
        self._remarks: dict[tuple[Spot, str, bool], dict[str, str]] = {}
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
        origin = self.source.origin(at)
        if origin:
            self._of_rows[spot] += 1
        if not origin or self._of_rows[spot] <= FEW_ROWS:
            said = f"video {video!r}: {message}" if video else message
            self._problems.append(spot.problem(said + origin))

    def warn(self, at: Pointer, message: str, *, video: str) -> None:
        """Note what is allowed and may not be meant. The same words about an inherited value are one remark."""
        spot, origin = self.source.locate(at), self.source.origin(at)
        words = self._remarks.setdefault((spot, message, bool(origin)), {})
        words[video] = f"video {video!r}: {message}{origin}"

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """All that was warned of."""
        return tuple(
            Remark(path=spot.path, line=spot.line, column=spot.column, words=words, of_rows=of_rows)
            for (spot, _, of_rows), words in self._remarks.items()
        )

    @property
    def problems(self) -> list[Problem]:
        """All of them, by place, none twice."""
        return sorted(set(self._problems))
