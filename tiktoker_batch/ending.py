"""How a run ended: the word that the journal keeps, and the exit code that scripts depend on. Pure."""

from tiktoker_batch.app import Meant, Options
from tiktoker_batch.errors import ExitCode
from tiktoker_batch.store.state import BatchState, VideoState
from tiktoker_batch.store.step_state import StepState

_GOOD = frozenset({"done", "reused"})


def final_state(state: BatchState) -> str:
    """``done``, ``failed`` where every video did, else ``partial``."""
    states = [video.state for video in state.videos.values()]
    if all(each == "done" for each in states):
        return "done"
    return "failed" if all(each == "failed" for each in states) else "partial"


def exit_code(state: BatchState, options: Options, meant: Meant) -> ExitCode:
    """The exit code of a run that did what was ``meant``."""
    if state.state in {"interrupted", "stopped"}:
        return ExitCode.INTERRUPTED if state.state == "interrupted" else ExitCode.BUDGET
    if all(_is_good(video, options, meant) for video in state.videos.values()):
        return ExitCode.OK
    return ExitCode.NOT_READY if _nothing_was_bought(state) else ExitCode.FAILED


def _is_good(video: VideoState, options: Options, meant: Meant) -> bool:
    """Whether a video is as it should be. One of which only some steps are meant need not be finished."""
    if meant.selected is None:
        return _is_finished(video, options)
    asked_for = meant.selected | meant.waiting
    chosen = [step for step in video.steps if step.id in asked_for]
    if not chosen:
        return True
    if len(chosen) == len(video.steps):
        return _is_finished(video, options)
    return all(step.state in _GOOD for step in chosen) or _is_finished(video, options)


def _is_finished(video: VideoState, options: Options) -> bool:
    return video.state == "done" or (options.allow_partial and video.state == "partial")


def _nothing_was_bought(state: BatchState) -> bool:
    """Whether an account that does not work kept every single cloud step from being done."""
    cloud = [step for step in state.steps.values() if step.planned.provider != "local"]
    refused = any(step.error_kind == "AuthFailed" for step in cloud)
    return refused and not any(map(_has_cost, cloud))


def _has_cost(step: StepState) -> bool:
    return step.state in _GOOD or step.cost_usd > 0
