"""The rows of the report's table of steps: written here because a batch has ten thousand of them."""

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from markupsafe import Markup, escape

from tiktoker_batch.report.quantities import one_line, seconds_text, usd_text
from tiktoker_batch.store.step_state import StepState

WORTH_TELLING_SECONDS = 0.05  # of waiting
_LONGEST_ERROR = 400
_NOTHING = "<td></td>"
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
    return Markup("".join(map(_row, steps)))  # noqa: S704 - texts are escaped below


def _row(step: StepState) -> str:
    waited, worked = _took(step)
    state, error = step.state, _error(step)
    return (
        f'<tr data-s="{state}"><th scope="row">{escape(step.id)}</th>'
        f'<td class="{state}">{SIGNS[state]} {state}</td>'
        f"<td>{_maker(step.planned.provider, step.planned.model)}</td>"
        f"<td>{len(step.attempts) or ''}</td>"
        f"{_number(f'{waited:.3f}', seconds_text(waited)) if waited >= WORTH_TELLING_SECONDS else _NOTHING}"
        f"{_number(f'{worked:.3f}', seconds_text(worked)) if step.attempts else _NOTHING}"
        f"{_cost(step.cost_usd) if step.cost_usd else _NOTHING}"
        f"<td>{escape(one_line(error, _LONGEST_ERROR)) if error else ''}</td></tr>\n"
    )


@lru_cache(maxsize=256)  # a batch has few models, and few prices
def _maker(provider: str, model: str) -> str:
    return f"{escape(provider)}:{escape(model)}"


@lru_cache(maxsize=256)
def _cost(amount: Decimal) -> str:
    return _number(f"{amount}", usd_text(amount))


def _number(value: str, text: str) -> str:
    return f'<td data-v="{value}">{text}</td>'


def _took(step: StepState) -> tuple[float, float]:
    """Seconds waited and worked, over all attempts; pieces of an assembly wait for seats of their own."""
    waited = worked = 0.0
    for attempt in step.attempts:
        waited += attempt.waited_seconds
        worked += attempt.worked_seconds
        if attempt.by_pieces:
            waited += sum(piece.waited for piece in attempt.pieces)
    return waited, worked


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
