"""Collects problems: each once, at its place."""

from collections import Counter
from collections.abc import Iterable

from tiktoker_batch.errors import Problem
from tiktoker_batch.recipe.source import Pointer, Source

FEW = 3  # so many rows or combinations are told of one place


class Findings:
    """The problems of one recipe, from one stage after another.

    What an earlier stage said about a place stands; later stages would only repeat it in other words.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._problems: list[Problem] = []
        self._warnings: dict[tuple[int, int, str], Problem] = {}
        self._said: set[tuple[int, int, str]] = set()
        self._of_rows: Counter[tuple[int, int]] = Counter()
        self._settled: set[tuple[str, int, int]] = set()

    def __len__(self) -> int:
        return len(self._problems)

    def stage(self, problems: Iterable[Problem]) -> None:
        """Take the problems of a whole stage."""
        fresh = [each for each in problems if (each.path, each.line, each.column) not in self._settled]
        self._problems += fresh
        self._settled |= {(each.path, each.line, each.column) for each in fresh}

    def settle(self, places: Iterable[tuple[int, int]]) -> None:
        """Hear no more of values whose text could not be read."""
        self._settled |= {(self.source.path, line, column) for line, column in places}

    def add(self, at: Pointer, message: str, *, video: str | None = None, key: bool = False) -> None:
        """Note a problem at a value or its key. The same words about an inherited value name only the first video."""
        line, column = self.source.locate(at, key=key)
        if (line, column, message) in self._said or (self.source.path, line, column) in self._settled:
            return
        self._said.add((line, column, message))
        origin = self.source.origin(at)
        if origin:
            self._of_rows[line, column] += 1
            if self._of_rows[line, column] > FEW:
                return
        said = f"video {video!r}: {message}" if video else message
        self._problems.append(Problem(path=self.source.path, line=line, column=column, message=said + origin))

    def warn(self, at: Pointer, message: str, *, video: str | None = None) -> None:
        """Note what is allowed and may not be meant. The same words about an inherited value name the first video."""
        line, column = self.source.locate(at)
        origin = self.source.origin(at)
        if origin:
            told = sum((line, column) == (each[0], each[1]) for each in self._warnings) if self._warnings else 0
            if told >= FEW:
                return
        said = f"video {video!r}: {message}" if video else message
        problem = Problem(path=self.source.path, line=line, column=column, message=said + origin)
        self._warnings.setdefault((line, column, message), problem)

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that was warned of, by place."""
        return tuple(map(str, sorted(self._warnings.values())))

    @property
    def problems(self) -> list[Problem]:
        """All of them, by place, none twice."""
        return sorted(set(self._problems))
