"""How the journal tells what became of steps and videos."""

from collections.abc import Callable, Sequence

from tiktoker_batch.events import AttemptFailed, StepBlocked, StepFailed, StepReused, StepsReused, VideoFinished
from tiktoker_batch.model import Step, Video
from tiktoker_batch.outcomes import Artifact, Blocked, Cancelled, Failed, Outcome, Reused, Succeeded
from tiktoker_batch.recording import Recorder


def tell_outcome(recorder: Recorder, step: Step, outcome: Outcome) -> None:
    """The end of a step, unless its last attempt has told it."""
    match outcome:
        case Reused(artifacts=artifacts, inputs=inputs):
            recorder.emit(
                StepReused(
                    step=step.id,
                    key=outcome.key or step.key,
                    inputs=inputs,
                    artifacts=artifacts,
                    from_cache=outcome.from_cache,
                    from_step=outcome.from_step,
                )
            )
        case Failed(attempts=attempts, error_kind=kind, message=message):
            recorder.emit(StepFailed(step=step.id, attempts=attempts, error_kind=kind, message=message))
        case Blocked(by=by):
            recorder.emit(StepBlocked(step=step.id, by=by))
        case Succeeded() | Cancelled():
            pass  # told by the attempt, which knows its number


def tell_held(recorder: Recorder, video: Video, steps: Sequence[Step]) -> None:
    """These of a video's steps need not be done again."""
    if steps:
        recorder.emit(StepsReused(video=video.id, steps=tuple(step.id for step in steps)))


def tell_end(recorder: Recorder, step: Step, attempt: int, kind: str, message: str) -> None:
    """An attempt was stopped; whether by somebody or by something else that went wrong."""
    recorder.emit(AttemptFailed(step=step.id, attempt=attempt, outcome="cancelled", error_kind=kind, message=message))


def video_finished(
    video: Video, outcomes: Sequence[Outcome], measure: Callable[[Video, Artifact], float | None]
) -> VideoFinished:
    """The end of a video, whose last step's file is what it is about."""
    final = outcomes[-1]
    lost = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    told = [note for outcome in outcomes if isinstance(outcome, Succeeded) for note in outcome.notes]
    notes = tuple(dict.fromkeys((*(outcome.message for outcome in lost), *told)))
    if not isinstance(final, Succeeded | Reused):
        return VideoFinished(video=video.id, state="failed", notes=notes)
    return VideoFinished(
        video=video.id,
        state="partial" if lost else "done",
        output=final.artifacts[0].path,
        sha256=final.artifacts[0].sha256,
        duration_seconds=measure(video, final.artifacts[0]),
        notes=notes,
    )
