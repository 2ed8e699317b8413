"""Requests that may be paid for and whose results were not taken in: each is gone on with, by whoever needs it."""

from collections.abc import Collection
from dataclasses import dataclass

from tiktoker_batch.model import Step
from tiktoker_batch.store.jobs import OpenJob, OpenJobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Open requests for one work, and the id of the step that sent them: one, or two where one was late."""

    jobs: tuple[OpenJob, ...]
    sender: str


class Leftovers:
    """What earlier runs, and attempts of this one, have left open, by the step that goes on with it.

    A step that is ``forced`` goes on with nothing.
    """

    def __init__(self, jobs: OpenJobs, forced: Collection[str]) -> None:
        self._left: dict[str, Leftover] = {}
        self._by_work: dict[tuple[str, str], str] = {}
        for name, found in jobs.items():
            if name not in forced:
                self._put(name, Leftover(jobs=found, sender=name))

    def __contains__(self, step_id: str) -> bool:
        return step_id in self._left

    def __bool__(self) -> bool:
        return bool(self._left)

    def has(self, step: Step) -> bool:
        """Whether a step has left a request for what it still is about."""
        left = self._left.get(step.id)
        return left is not None and left.jobs[-1].key == step.key

    def adopt(self, step: Step, work: str) -> None:
        """Let a step go on with what another one, of the same place in another video, has left of equal work."""
        name = self._by_work.get(_work(step.id, work))
        if step.id not in self._left and name in self._left:
            self._put(step.id, self._left.pop(name))

    def leave(self, step: Step, *jobs: OpenJob) -> None:
        """An attempt at a step leaves these."""
        if jobs:
            self._put(step.id, Leftover(jobs=jobs, sender=step.id))

    def take(self, step: Step, work: str) -> Leftover | None:
        """What a step goes on with; what it has left of other work is forgotten."""
        left = self._left.pop(step.id, None)
        jobs = tuple(job for job in left.jobs if job.work == work) if left else ()
        return Leftover(jobs=jobs, sender=left.sender) if left and jobs else None

    def _put(self, step_id: str, left: Leftover) -> None:
        self._left[step_id] = left
        self._by_work[_work(step_id, left.jobs[-1].work)] = step_id


def _work(step_id: str, work: str) -> tuple[str, str]:
    return step_id.split("/", 1)[1], work
