"""Who is at work right now: what progress and status both show."""

from collections import Counter
from collections.abc import Iterable

from tiktoker_batch.store.state import BatchState, VideoState
from tiktoker_batch.store.step_state import StepState

GOOD = frozenset({"done", "reused"})
SETTLED = GOOD | {"failed", "skipped"}


def at_work(state: BatchState, steps: Iterable[StepState]) -> list[StepState]:
    """The steps that work now. One that has begun but still waits for what it needs does not."""
    return [
        step
        for step in steps
        if step.state == "running"
        and all(state.steps[need].state in SETTLED for need in step.planned.needs if need in state.steps)
    ]


def kinds_text(steps: Iterable[StepState]) -> str:
    """``image x3, narration``."""
    kinds = Counter(step.planned.kind for step in steps)
    return ", ".join(f"{kind} x{count}" if count > 1 else kind for kind, count in kinds.items())


def settled(video: VideoState) -> int:
    """How many steps of a video have ended, well or not."""
    return sum(step.state in SETTLED for step in video.steps)


def sequential_seconds(state: BatchState) -> float:
    """How long the newest run's work would have taken one thing after another."""
    return sum(attempt.worked_seconds for attempt in state.attempts() if attempt.run == state.runs)
