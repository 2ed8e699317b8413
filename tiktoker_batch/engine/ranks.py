"""Who goes first when there are fewer seats than steps that could start.

Videos are to be ready early and steadily, not all of them at the end. So the video with the least work left goes first:
each seat is spent where it brings the next finished video nearest, which is the order with the smallest mean completion
on one machine (shortest remaining time) and close to it on many. The batch as a whole takes no longer, as no seat is
left empty that somebody could use.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol

from tiktoker_batch.model import PlannedVideo, Step

Rank = tuple[float, ...]


class Standing(NamedTuple):
    """Where a step stands: the group whose rank it shares, and its place among the group's own. Smaller goes first."""

    group: str
    place: Rank


class Ranks(Protocol):
    """An order of steps that wait. A group's rank may change while they do, a step's place in it may not."""

    def standing(self, step: str) -> Standing:
        """Where a step stands, by its id."""
        ...

    def rank(self, group: str) -> Rank:
        """The rank of a group at the moment; smaller goes first, and no two have the same."""
        ...

    def end(self, step: str) -> str | None:
        """A step is over; the group whose rank that changes."""
        ...


class InTurn:
    """First come, first served."""

    def standing(self, step: str) -> Standing:
        """Everybody is in one group, and who came first is first."""
        return Standing("", ())

    def rank(self, group: str) -> Rank:
        """The only one."""
        return ()

    def end(self, step: str) -> str | None:
        """Changes nothing."""
        return None


class LeastLeftFirst:
    """The recipe's priority, then the video with the least work left, then the recipe's order.

    What is left of a video are the estimated seconds of its steps that have not ended. Within a video goes first what
    has the longest way to its end before it: that is its critical path. Only ``selected`` steps count, if not all.
    """

    def __init__(self, videos: Iterable[PlannedVideo], selected: Collection[str] | None = None) -> None:
        self._left: dict[str, float] = {}
        self._fixed: dict[str, tuple[int, int]] = {}
        self._open: dict[str, tuple[str, float]] = {}
        self._standing: dict[str, Standing] = {}
        for number, planned in enumerate(videos):
            video = planned.video.id
            counted = [step for step in planned.steps if selected is None or step.id in selected]
            self._open |= {step.id: (video, step.estimated_seconds) for step in counted}
            self._left[video] = sum(step.estimated_seconds for step in counted)
            self._fixed[video] = (-planned.video.priority, number)
            ways = ways_to_the_end(planned)
            for place, step in enumerate(planned.steps):
                self._standing[step.id] = Standing(video, (-ways[step.id], place))

    def standing(self, step: str) -> Standing:
        """A step's video and its place in it; steps of no video of the plan come last."""
        return self._standing.get(step) or Standing("", ())

    def rank(self, group: str) -> Rank:
        """The video's priority, work left and number."""
        if group not in self._fixed:
            return (float("inf"),)
        priority, number = self._fixed[group]
        return (priority, round(self._left[group], 3), number)

    def end(self, step: str) -> str | None:
        """The step's video has less left to do."""
        video, seconds = self._open.pop(step, ("", 0.0))
        if not seconds:
            return None
        self._left[video] -= seconds
        return video


def ways_to_the_end(planned: PlannedVideo) -> dict[str, float]:
    """The estimated seconds from the start of each step to the end of its video, along the longest way.

    A step that takes in many segments works on each as it comes: what follows a segment is its share of that work.
    What all segments need, as the narration does, is followed by all of it.
    """
    ways = {step.id: step.estimated_seconds for step in planned.steps}
    steps = {step.id: step for step in planned.steps}
    for step in reversed(planned.steps):
        needed = [steps[need] for need in step.needs if need in steps]
        share = step.estimated_seconds / _segments(needed)
        after = ways[step.id] - step.estimated_seconds
        for need in needed:
            part = share if step.segment is None and need.segment is not None else step.estimated_seconds
            ways[need.id] = max(ways[need.id], need.estimated_seconds + part + after)
    return ways


def _segments(steps: Iterable[Step]) -> int:
    return len({step.segment for step in steps if step.segment is not None}) or 1
