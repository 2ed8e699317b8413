"""What is allowed in a recipe and may not be meant, told for the videos that are looked at."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tiktoker_batch.errors import Problem

FEW_ROWS = 3  # so many rows or combinations are told of one place


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A remark on one place (line and column from 1).

    ``words`` tell it for each video that it is about. Of those that are ``of_rows`` only a few are told of one place.
    """

    path: str
    line: int
    column: int
    words: Mapping[str, str]
    of_rows: bool = False

    def told(self, videos: Collection[str] | None = None) -> Problem | None:
        """What is said to whoever looks at these videos (``None``: at all): it names the first that it is about."""
        message = next((words for video, words in self.words.items() if videos is None or video in videos), None)
        if message is None:
            return None
        return Problem(path=self.path, line=self.line, column=self.column, message=message)


def warnings_of(remarks: Iterable[Remark], videos: Collection[str] | None = None) -> list[str]:
    """The remarks about these videos (``None``: about all) as ``path:line:column: ...``, by place."""
    found: list[Problem] = []
    of_rows: Counter[tuple[str, int, int]] = Counter()
    for remark in remarks:
        told, place = remark.told(videos), (remark.path, remark.line, remark.column)
        if told is None or (remark.of_rows and of_rows[place] == FEW_ROWS):
            continue
        of_rows[place] += remark.of_rows
        found.append(told)
    return list(map(str, sorted(found)))
