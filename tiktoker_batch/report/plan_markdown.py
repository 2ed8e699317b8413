"""A plan as a comment for a pull request."""

from collections.abc import Sequence
from decimal import Decimal

from tiktoker_batch.model import Plan, PlannedVideo, Step
from tiktoker_batch.planning.estimate import Estimate
from tiktoker_batch.report.markdown import LIMIT, code, fitted, fitted_table
from tiktoker_batch.report.plan_text import TO_DO, Action, path_text
from tiktoker_batch.report.quantities import counted, one_line, range_text, seconds_text, usd_text

ACTIONS = ("run", "reattach", "reuse", "skip")
PATH = 600  # characters of the critical path


def plan_markdown(plan: Plan, estimate: Estimate, action: Action, warnings: Sequence[str]) -> str:
    """The videos with what is done for them and what it costs, the totals, the warnings; the steps are folded away.

    Never longer than a comment may be: what has no room is counted.
    """
    to_do = sum(action(step) in TO_DO for step in plan.steps)
    head = [f"### Plan of {code(plan.name)}: {_headline(to_do, estimate)}", ""]
    told = fitted([f"- ⚠️ {code(one_line(each, PATH))}" for each in warnings], LIMIT // 8, "- and {} more")
    waits = any(action(step) == "review" for step in plan.steps)
    names = (*ACTIONS, "review") if waits else ACTIONS
    videos = [_row(planned, action, names) for planned in plan.videos]
    shown = _table(["video", *names, "cost"], videos, LIMIT // 2)
    totals = _totals(estimate) if to_do else []
    lines = [*head, *told, *([""] if told else []), *shown, "", *totals]
    steps = [_step_row(step, action(step)) for step in plan.steps if action(step) in TO_DO]
    if steps:
        opening, closing = [f"<details><summary>{counted(to_do, 'step')}</summary>", ""], ["", "</details>"]
        room = LIMIT - len("\n".join([*lines, *opening, *closing, ""]).encode()) - 1
        lines += [*opening, *_table(["step", "action", "model", "time", "cost"], steps, room), *closing]
    return "\n".join(lines) + "\n"


def _headline(to_do: int, estimate: Estimate) -> str:
    if not to_do:
        return "nothing to do"
    return f"{counted(to_do, 'step')}, about {usd_text(estimate.cost_usd)}, {range_text(estimate.time)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> list[str]:
    right = range(1, len(head)) if "video" in head else range(3, len(head))
    return fitted_table(head, rows, room, "| and {} more" + " |" * len(head), right=right)


def _row(planned: PlannedVideo, action: Action, names: Sequence[str]) -> list[str]:
    actions = [action(step) for step in planned.steps]
    cost = _cost([step for step in planned.steps if action(step) == "run"])
    counts = [str(actions.count(name) or "") for name in names]
    return [code(planned.video.id), *counts, usd_text(cost) if cost else ""]


def _step_row(step: Step, action: str) -> list[str]:
    model = f"{step.provider}:{step.model}" if step.model else step.provider
    cost = usd_text(step.estimated_cost_usd) if action == "run" and step.estimated_cost_usd else ""
    return [code(step.id), action, code(model), seconds_text(step.estimated_seconds), cost]


def _cost(steps: Sequence[Step]) -> Decimal:
    return sum((step.estimated_cost_usd for step in steps), Decimal(0))


def _totals(estimate: Estimate) -> list[str]:
    """What it costs in all, after what several videos share, and what decides how long it takes."""
    lines = [f"Total: about {usd_text(estimate.cost_usd)} and {range_text(estimate.time)}."]
    if estimate.bottleneck:
        lines.append(f"Bottleneck: {code(estimate.bottleneck)}, {estimate.bottleneck_value} at once.")
    if estimate.critical_path:
        lines.append(f"Critical path: {code(one_line(path_text(estimate.critical_path), PATH))}.")
    return [" ".join(lines), ""]
