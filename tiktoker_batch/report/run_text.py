"""What a run leaves to say: the videos, what it took, and why something failed."""

from decimal import Decimal

from tiktoker_batch.report.quantities import columns, counted, one_line, seconds_text, usd_text
from tiktoker_batch.report.standing import sequential_seconds
from tiktoker_batch.store.jobs import each_open
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import BatchState, VideoState
from tiktoker_batch.store.step_state import StepState

# What to do about an error, by the name of its type; other errors say it themselves.
ADVICE = {
    "Rejected": "the provider refuses this content: change its topic, script or prompt, and run again",
    "BadRequest": "change what the recipe asks of this model, and run again",
    "AuthFailed": "check the key of this provider and its balance ('tiktoker-batch doctor'), and run again",
    "Unavailable": "run again later: what is done is reused",
    "RateLimited": "run again later, or with a smaller --limit for this provider: what is done is reused",
    "Crowded": "run again with a smaller --limit for this provider: what is done is reused",
    "Unusable": "run again; if it stays, change the prompt or name another model for this step",
    "TimedOut": "run again, or give retry.timeout more seconds: what is done is reused",
    "UnknownOutcome": "the request may have been paid for: look at the provider's own list before you run again",
    "Unfetched": "run again: it is paid for, and asked for again at the same address",
    "ResultLost": "it is paid for, but gone: 'retry: {on_unknown: retry}' in the recipe buys it again",
    "Broken": "run again; if it stays, name another model for this step",
    "MediaError": "'tiktoker-batch doctor' checks ffmpeg; journal.jsonl holds all it said",
    "TooFewSegments": "run again: only the shots that failed are made anew; or ask for fewer with 'minimum_segments'",
    "NarrationTooLong": "shorten the script, give the video more seconds, or leave out 'length: exact'",
}


def summary_text(state: BatchState, layout: Layout, spent_usd: Decimal) -> str:
    """How the newest run ended, which spent this much: a headline, a line for each video, the report."""
    when = "after" if state.state == "interrupted" else "in"
    headline = f"{state.name}: {state.state} {when} {_took(state)}, {usd_text(spent_usd)}"
    rows = [_video_row(video, layout) for video in state.videos.values()]
    return "\n".join([headline, *columns(rows, right=(3,)), f"report: {layout.report}"])


def _took(state: BatchState) -> str:
    """The wall time, and how much work was done in it at once."""
    wall = state.wall_by_run.get(state.runs, 0.0)
    sequential = sequential_seconds(state)
    if not 0 < wall < sequential:
        return seconds_text(wall)
    return f"{seconds_text(wall)} ({seconds_text(sequential)} of work, {sequential / wall:.1f} at once)"


def _video_row(video: VideoState, layout: Layout) -> list[str]:
    finished = video.state in {"done", "partial"} and video.output
    length = seconds_text(video.duration_seconds) if finished and video.duration_seconds is not None else ""
    return [video.id, video.state, str(layout.absolute(video.output)) if finished and video.output else "", length]


def in_flight_text(state: BatchState) -> str:
    """The requests that were paid for, or may have been, and are not fetched yet; empty when there are none."""
    rows = [
        [step, f"{job.provider}:{job.model}", job.request_id or "its answer never came", usd_text(job.price_usd)]
        for step, job in each_open(state.open_jobs)
    ]
    if not rows:
        return ""
    return "\n".join(
        [f"{counted(len(rows), 'paid request')} still out, to be fetched by the next run:", *columns(rows)]
    )


def failures_text(state: BatchState) -> str:
    """Why steps failed and what to do; the same trouble of several steps is told once. Empty when none failed."""
    alike: dict[tuple[str, str], list[StepState]] = {}
    for step in state.steps.values():
        if step.state == "failed":
            message = step.error_message or "it failed before"
            alike.setdefault((step.error_kind or "", message), []).append(step)
    blocked = sum(step.state == "skipped" for step in state.steps.values())
    lines = [line for (kind, message), steps in alike.items() for line in _failure(kind, message, steps)]
    if blocked and lines:
        lines.append(f"{counted(blocked, 'step')} could not start because of this")
    return "\n".join(lines)


def _failure(kind: str, message: str, steps: list[StepState]) -> list[str]:
    first, *others = steps
    last_run = first.attempts[-1].run if first.attempts else 0
    tries = sum(
        attempt.outcome in {"failed", "retry", "unknown"} and attempt.run == last_run for attempt in first.attempts
    )
    also = f" (and {counted(len(others), 'other step')} alike)" if others else ""
    lines = [f"{first.id} failed after {counted(tries, 'attempt')}{also}: {one_line(message, 600)}"]
    return lines + ([f"  {ADVICE[kind]}"] if kind in ADVICE else [])
