"""Leaving out of a journal what later lines have made irrelevant, so that a batch run daily for a year starts at once.

Nothing is rewritten: whole lines are dropped, and only such without which the fold comes to the same state. The newest
run is left as it is. What stays grows with the work that was done, not with how often everything was reused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tiktoker_batch.events import (
    AttemptFailed,
    AttemptStarted,
    BackedOff,
    CapacityChanged,
    JobDropped,
    JobReattached,
    JobSubmitted,
    OutcomeUnknown,
    ProviderPaused,
    Record,
    StepBlocked,
    StepFailed,
    StepQueued,
    StepReused,
    StepsReused,
    StepSucceeded,
    Straggling,
    SubmitIntended,
    VideoFinished,
    VideoPlanned,
    WorkDone,
)

Line = tuple[bytes, Record | None]
WORTHWHILE_LINES = 2_000  # fewer are read in a few milliseconds: not worth writing the file anew
# These are told of an attempt, which stays known for good, and belong to the plan that it was made under.
_WORK = (
    StepQueued, AttemptStarted, SubmitIntended, JobSubmitted, JobReattached, JobDropped, AttemptFailed, StepSucceeded,
    WorkDone,
)  # fmt: skip
# Of a run before the newest one these leave no trace: what became of its steps is told anew.
_TRACELESS = (
    BackedOff,
    CapacityChanged,
    OutcomeUnknown,
    ProviderPaused,
    StepBlocked,
    StepFailed,
    StepsReused,
    Straggling,
)


def compacted(lines: Sequence[Line]) -> list[bytes] | None:
    """The lines that matter, or ``None`` when leaving out the others would not be worth it."""
    newest = max((record.run for _, record in lines if record is not None), default=0)
    if sum(record is not None and record.run < newest for _, record in lines) < WORTHWHILE_LINES:
        return None
    kept = [text for text, _ in compact(lines)]
    dropped = len(lines) - len(kept)
    return kept if dropped >= max(WORTHWHILE_LINES, len(kept)) else None


def compact(lines: Sequence[Line]) -> list[Line]:
    """The lines that matter, in order. Lines that this version cannot read are kept."""
    seen = _Seen()
    for number, (_, record) in enumerate(lines):
        if record is not None:
            seen.note(number, record)
    return [line for number, line in enumerate(lines) if line[1] is None or seen.matters(number, line[1])]


@dataclass(kw_only=True)
class _Seen:
    """Where each thing was told for the last time, by the numbers of lines."""

    newest: int = 0
    ends: dict[int, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    finished: dict[str, int] = field(default_factory=dict)
    finished_in: dict[str, int] = field(default_factory=dict)
    worked_on: set[tuple[int, str]] = field(default_factory=set)

    def note(self, number: int, record: Record) -> None:
        self.newest = max(self.newest, record.run)
        self.ends[record.run] = number  # how long a run that was killed had lasted
        match record.event:
            case StepReused(step=step):
                self.held[step] = number
            case VideoFinished(video=video):
                self.finished[video], self.finished_in[video] = number, record.run
            case _:
                pass
        if isinstance(record.event, _WORK):
            self.worked_on.add((record.run, record.event.step.split("/", 1)[0]))
        if isinstance(record.event, StepSucceeded):
            self.held[record.event.step] = number

    def matters(self, number: int, record: Record) -> bool:
        if record.run == self.newest or number == self.ends[record.run]:
            return True
        match record.event:
            case VideoPlanned(video=video):
                return (record.run, video) in self.worked_on or self.finished_in.get(video) == record.run
            case VideoFinished(video=video):
                return self.finished[video] == number
            case StepReused(step=step):
                return self.held[step] == number
            case event:
                return not isinstance(event, _TRACELESS)
