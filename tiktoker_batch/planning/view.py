"""The plan as JSON (spec 4): what would run, be reused, and what it would take."""

from collections.abc import Callable, Collection
from typing import Any

from tiktoker_batch.model import Plan, Step
from tiktoker_batch.planning.estimate import Estimate

FORMAT = "tiktoker-batch/plan"


def plan_json(
    plan: Plan, estimate: Estimate, action: Callable[[Step], str], output: str, waiting: Collection[str] = ()
) -> dict[str, Any]:
    """The published shape; ``action`` says ``run``, ``reuse``, ``reattach`` or ``skip`` of each step. ``waiting`` are
    those that are skipped until a person approves.
    """
    actions = [action(step) for step in plan.steps]
    return {
        "format": FORMAT,
        "version": 1,
        "batch": {"name": plan.name, "output": output},
        "videos": [
            {
                "id": planned.video.id,
                "steps": [_step_json(step, action(step), step.id in waiting) for step in planned.steps],
            }
            for planned in plan.videos
        ],
        "totals": {
            "videos": len(plan.videos),
            "steps": len(actions),
            "run": actions.count("run"),
            "reuse": actions.count("reuse"),
            "reattach": actions.count("reattach"),
            "estimated_cost_usd": float(estimate.cost_usd),
            "estimated_seconds": estimate.time.seconds,
            "estimated_seconds_range": [estimate.time.low, estimate.time.high],
        },
        "bottleneck": {"limit": estimate.bottleneck, "value": estimate.bottleneck_value},
        "critical_path": list(estimate.critical_path),
    }


def _step_json(step: Step, action: str, waits: bool) -> dict[str, Any]:
    return {
        "id": step.id,
        "kind": str(step.kind),
        "key": step.key,
        "needs": list(step.needs),
        "provider": step.provider,
        "model": step.model,
        "action": action,
        **({"waits_for": "review"} if waits and action == "skip" else {}),
        "estimated_cost_usd": float(step.estimated_cost_usd),
        "estimated_seconds": step.estimated_seconds,
    }
