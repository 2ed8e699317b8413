"""How long a running batch still takes: a fold of its records that plays the rest of it through, a little at a time.

A play of 10,000 steps takes longer than a display may, so each refresh plays a few hundred steps, and a play goes on
where the last refresh left it. The range comes from the newest plays. Whatever ended in this run also tells how far
each model is off today; what is still at work tells it too, once it is older than nearly all of its kind.
"""

import math
from collections import deque
from collections.abc import Generator, Mapping
from statistics import median

from tiktoker_batch.events import (
    AttemptFailed,
    AttemptStarted,
    PlannedStep,
    Record,
    RunFinished,
    RunStarted,
    StepBlocked,
    StepFailed,
    StepReused,
    StepsReused,
    StepSucceeded,
    VideoPlanned,
    WorkDone,
)
from tiktoker_batch.planning.likely import less_doubt, shape_from_json
from tiktoker_batch.planning.schedule import NOTHING, PAUSE_EVERY, Network, Plays, Range, middle_of

PLAYED = 256  # pieces of work that a refresh plays: some 0.7 ms
BESIDE = 24  # pieces that beginning a play costs as much as
KEPT = 64  # plays that a range is made from
FEWEST = 12  # plays before there is one
STALE = 0.05  # of the time that is left is the age at which a play is dropped that knew less than is known now
_SURE = 0.9  # the share of a model's times that one at work must have passed to tell anything


class Remaining:
    """Takes every record of a run; ``refresh`` thinks for a moment, ``range`` says what came of it."""

    def __init__(self) -> None:
        self._planned: list[PlannedStep] = []
        self._left_out: set[str] = set()
        self._limits: Mapping[str, int] = {}
        self._shapes: Mapping[str, object] = {}
        self._watch: _Watch | None = None

    def apply(self, record: Record) -> None:
        """Take one record."""
        match record.event:
            case RunStarted(limits=limits, shapes=shapes):
                self._planned, self._left_out, self._watch = [], set(), None
                self._limits, self._shapes = limits, shapes
            case VideoPlanned(steps=steps, left_out=left_out):
                self._planned += steps
                self._left_out |= set(left_out)
            case RunFinished():
                self._planned, self._watch = [], None
            case event if self._planned:
                self._begun().take(event, record.elapsed)

    def refresh(self, elapsed: float) -> None:
        """Think on, at this second of the run."""
        if self._planned:
            self._begun().think(elapsed)

    def range(self, elapsed: float) -> Range | None:
        """What is left, in seconds from this second of the run on; ``None`` while that is not known yet."""
        return self._watch.range(elapsed) if self._watch else None

    def _begun(self) -> "_Watch":
        if self._watch is None:
            shapes = {ref: shape_from_json(told) for ref, told in self._shapes.items()}
            self._watch = _Watch(Network(self._planned, self._limits, shapes), self._left_out)
        return self._watch


class _Watch:
    """One run. ``ends`` are plays: when each was begun, and when in it all was done."""

    def __init__(self, network: Network, left_out: set[str]) -> None:
        self._network = network
        self._standing = network.beginning(left_out)
        self._plays = Plays(network)
        self._ends: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._play: Generator[None, None, float] | None = None
        self._play_began = self._changed = 0.0
        self._line: dict[int, deque[tuple[str, float]]] = {}
        self._took: dict[tuple[str, float], float] = {}
        self._off: dict[int, list[float]] = {}
        self._variations = [shape.variation for shape in network.shapes]

    def take(self, event: object, elapsed: float) -> None:
        network, standing = self._network, self._standing
        self._changed = elapsed
        match event:
            case AttemptStarted(step=step):
                network.begin(standing, step, elapsed)
                self._note_start(step, elapsed)
            case StepSucceeded(step=step):
                self._note_end(step, elapsed)
                network.settle(standing, step)
            case StepReused(step=step) | StepFailed(step=step) | StepBlocked(step=step):
                self._note_end(step, math.nan)
                network.settle(standing, step)
            case StepsReused(steps=steps):
                for step in steps:
                    network.settle(standing, step)
            case AttemptFailed(step=step):
                self._note_end(step, math.nan)
                network.stop(standing, step)
            case WorkDone(step=step, label=label):
                network.settle_part(standing, step, label)
            case _:
                pass

    def think(self, now: float) -> None:
        """Play on for a moment."""
        played = 0
        while played < PLAYED and self._standing.left:
            if self._play is None:
                self._learn(now)
                self._play, self._play_began = self._plays.play(self._standing.copy(), now), now
                played += BESIDE
            try:
                next(self._play)
                played += PAUSE_EVERY
            except StopIteration as ended:
                self._ends.append((self._play_began, self._play_began + float(ended.value)))
                self._play = None
                played += min(self._standing.left, PAUSE_EVERY)

    def range(self, now: float) -> Range | None:
        if not self._standing.left:
            return NOTHING
        if len(self._ends) < FEWEST:
            return None
        left = max(self._ends[-1][1] - now, 0.0)
        oldest = min(self._changed, now - STALE * left)
        fresh = [end for began, end in self._ends if began >= oldest]
        ends = fresh if len(fresh) >= FEWEST else [end for _, end in list(self._ends)[-FEWEST:]]
        return middle_of([max(end - now, 0.0) for end in ends])

    # ------------------------------------------------------------------ how far models are off today

    def _note_start(self, step: str, elapsed: float) -> None:
        pieces = self._network.pieces.get(step, ())
        if len(pieces) == 1:
            self._line.setdefault(self._network.models[pieces[0]], deque()).append((step, elapsed))

    def _note_end(self, step: str, ended: float) -> None:
        """An attempt has ended at this moment, or at one that tells nothing (``nan``)."""
        since = self._standing.running.get(self._network.pieces.get(step, (-1,))[0])
        if since is not None:
            self._took[step, since] = ended - since

    def _learn(self, now: float) -> None:
        """Take in what has ended, in the order in which it began: the quick ones, heard of first, prove nothing yet."""
        for model, line in self._line.items():
            shape = self._network.shapes[model]
            learned = False
            while line:
                step, since = line[0]
                piece = self._network.pieces[step][0]
                expected = max(self._network.seconds[piece], 0.001)
                took = self._took.pop((step, since), None)
                if took is None:
                    took = now - since
                    if took < expected * shape.at(_SURE) * math.exp(self._plays.off[model]):
                        break
                line.popleft()
                if not math.isnan(took):
                    self._off.setdefault(model, []).append(math.log(max(took, 0.001) / expected))
                    learned = True
            if learned:
                self._correct(model)

    def _correct(self, model: int) -> None:
        """The doubt about a model shrinks with what was seen of it, as when history is read."""
        shape, seen = self._network.shapes[model], self._off[model]
        sigma = max((math.log(shape.at(0.84)) - math.log(shape.at(0.16))) / 2, 0.05)
        trust = len(seen) / (len(seen) + (sigma / shape.doubt) ** 2)
        self._plays.off[model] = trust * median(seen)
        self._plays.doubts[model] = less_doubt(shape.doubt, self._variations[model], len(seen))
