"""The rows of the report's table of steps: written here because a batch has ten thousand of them."""

from collections.abc import Iterable

from markupsafe import Markup, escape

from tiktoker_batch.report.quantities import one_line, seconds_text, usd_text
from tiktoker_batch.store.step_state import StepState

WORTH_TELLING_SECONDS = 0.05  # of waiting
_LONGEST_ERROR = 400
# The sign that stands beside a state's name, so that colour is never the only difference.
SIGNS = {
    "done": "✓",
    "reused": "↻",
    "failed": "✗",
    "partial": "◐",
    "skipped": "⊘",
    "running": "▶",
    "pending": "…",
    "interrupted": "‖",
    "stopped": "■",
}


def step_rows(steps: Iterable[StepState]) -> Markup:
    """A table row for each step; ``data-v`` is what a column is sorted by."""
    return Markup("").join(map(_row, steps))


def _row(step: StepState) -> Markup:
    waited, worked = _took(step)
    planned, error = step.planned, _error(step)
    cells = (
        f'<th scope="row">{escape(step.id)}</th>',
        f'<td class="{step.state}">{SIGNS[step.state]} {step.state}</td>',
        f"<td>{escape(planned.provider)}:{escape(planned.model)}</td>",
        f"<td>{len(step.attempts) or ''}</td>",
        _number(f"{waited:.3f}", seconds_text(waited)) if waited >= WORTH_TELLING_SECONDS else "<td></td>",
        _number(f"{worked:.3f}", seconds_text(worked)) if step.attempts else "<td></td>",
        _number(f"{step.cost_usd}", usd_text(step.cost_usd)) if step.cost_usd else "<td></td>",
        f"<td>{escape(one_line(error, _LONGEST_ERROR)) if error else ''}</td>",
    )
    return Markup(f'<tr data-s="{step.state}">{"".join(cells)}</tr>\n')  # noqa: S704 - escaped above


def _number(value: str, text: str) -> str:
    return f'<td data-v="{value}">{text}</td>'


def _took(step: StepState) -> tuple[float, float]:
    """Seconds waited and worked, over all attempts; pieces of an assembly wait for seats of their own."""
    waited = sum(
        attempt.waited_seconds + sum(piece.waited for piece in attempt.pieces if attempt.by_pieces)
        for attempt in step.attempts
    )
    return waited, sum(attempt.worked_seconds for attempt in step.attempts)


def _error(step: StepState) -> str:
    """Why a step is not done, or what it had to overcome."""
    if step.state == "skipped":
        return f"needs {step.blocked_by}"
    found = [attempt for attempt in step.attempts if attempt.error_kind]
    if step.state == "failed" or found:
        kind = step.error_kind or (found[-1].error_kind if found else "")
        message = step.error_message or (found[-1].error_message if found else "")
        return f"{kind}: {message}"
    return ""
