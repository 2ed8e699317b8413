"""Equal work of one batch is bought once, also while it is under way: the first step buys, the others take copies."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import trio

from tiktoker_batch.engine.purchase import may_repeat
from tiktoker_batch.engine.shelf import is_bought
from tiktoker_batch.errors import BadRequest, Broken, Rejected, ResultLost, TiktokerError, UnknownOutcome
from tiktoker_batch.model import Step
from tiktoker_batch.outcomes import Artifact, Failed, Outcome, Reused, Succeeded
from tiktoker_batch.store.artifacts import copy_artifacts
from tiktoker_batch.store.layout import Layout, placed, shape_of

# Failures that every equal request would meet.
_OF_THE_WORK = frozenset(error.__name__ for error in (Rejected, BadRequest, Broken))
# Failures after which the work may be paid for already, although nobody can fetch it.
_MAYBE_PAID = frozenset(error.__name__ for error in (UnknownOutcome, ResultLost))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What a step of this batch has; ``fresh``: it was bought in this run."""

    step: Step
    artifacts: tuple[Artifact, ...]
    fresh: bool


@dataclass(kw_only=True, eq=False)
class Line:
    """The steps that want the same work, in whose ``turn`` one after the other looks for it or buys it."""

    layout: Layout
    turn: trio.Lock = field(default_factory=trio.Lock)
    _made: _Made | None = None
    _verdict: Failed | None = None

    def note(self, step: Step, outcome: Outcome) -> None:
        """What became of one of them. Failures that may not be those of the next one are forgotten."""
        match outcome:
            case Succeeded(artifacts=artifacts):
                self._made = _Made(step=step, artifacts=artifacts, fresh=True)
            case Reused(artifacts=artifacts):
                self._made = self._made or _Made(step=step, artifacts=artifacts, fresh=False)
            case Failed(error_kind=kind) if kind in _OF_THE_WORK | _MAYBE_PAID:
                self._verdict = outcome
            case _:
                pass

    async def taken(self, step: Step, consumed: str, *, forced: bool) -> Reused | Failed | None:
        """A copy for this step of what another one has, or the failure that would be its own; else it is to be bought.

        One that is ``forced`` takes only what was bought in this run.
        """
        made = self._made
        if made is None or made.step.video == step.video or (forced and not made.fresh):
            return self._failure(step)
        finals = [placed(shape, step.video) for shape in _shapes(made)]
        paths = [self.layout.absolute(final) for final in finals if final is not None]
        if len(paths) < len(made.artifacts):
            return None
        try:
            copied = await trio.to_thread.run_sync(lambda: copy_artifacts(made.artifacts, paths, root=self.layout.root))
        except TiktokerError as error:
            return Failed(attempts=0, error_kind=type(error).__name__, message=error.message)
        if copied is None:
            self._made = None  # somebody has changed it meanwhile
            return None
        return Reused(artifacts=copied, inputs=consumed, from_step=made.step.id)

    def _failure(self, step: Step) -> Failed | None:
        verdict = self._verdict
        if verdict is None or (verdict.error_kind in _MAYBE_PAID and may_repeat(step)):
            return None
        return Failed(attempts=0, error_kind=verdict.error_kind, message=verdict.message)


def _shapes(made: _Made) -> Iterable[str]:
    for artifact in made.artifacts:
        shape = shape_of(artifact.path, made.step.video)
        if shape is not None:
            yield shape


class Sharing:
    """Knows which steps of a plan may turn out to be the same work.

    The segment counts: the seed follows from it, and equal prompts of one video are to become different pictures.
    """

    def __init__(self, steps: Iterable[Step], layout: Layout) -> None:
        self._layout = layout
        self._steps = tuple(steps)
        alike = Counter((step.key, step.segment) for step in self._steps if is_bought(step))
        self._several = {each for each, count in alike.items() if count > 1}
        self._lines: dict[tuple[str, int | None, str], Line] = {}

    @property
    def spared(self) -> frozenset[str]:
        """The steps that need not be bought, as far as can be known before: another one of equal key comes first."""
        firsts: dict[tuple[str, int | None], str] = {}
        alike = [step for step in self._steps if self.concerns(step)]
        return frozenset(step.id for step in alike if firsts.setdefault((step.key, step.segment), step.id) != step.id)

    def concerns(self, step: Step) -> bool:
        """Whether another step may want the same."""
        return (step.key, step.segment) in self._several and is_bought(step)

    def line(self, step: Step, consumed: str) -> Line:
        """Where a step stands that takes this in."""
        name = (step.key, step.segment, consumed)
        return self._lines.setdefault(name, Line(layout=self._layout))

    def note(self, step: Step, outcome: Reused) -> None:
        """A step has its artifacts already."""
        if outcome.key is None and self.concerns(step):
            self.line(step, outcome.inputs).note(step, outcome)
