"""Money and time of a plan, from catalog figures and from what work took before."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from tiktoker_batch.model import Model, Plan, Step
from tiktoker_batch.planning.likely import Shape
from tiktoker_batch.planning.schedule import Network, Range, makespan


def step_cost_usd(model: Model | None, units: float, resolution: str) -> Decimal:
    """Price of one attempt, to a hundredth of a cent; ``units`` are in the price's own unit."""
    if model is None or model.price is None:
        return Decimal(0)
    per_unit = model.price.per_unit({"resolution": resolution, **model.parameters})
    return (per_unit * Decimal(str(units))).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def step_seconds(model: Model | None, seconds: float | None) -> float:
    """Usual duration of one attempt in seconds."""
    if seconds is not None:
        return round(seconds, 3)
    return model.typical_seconds if model else 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a batch will take: about ``time.seconds``, and probably from ``time.low`` to ``time.high``."""

    time: Range
    cost_usd: Decimal
    critical_path: tuple[str, ...]
    bottleneck: str | None
    bottleneck_value: int | None


def estimate(
    plan: Plan,
    capacity: Mapping[str, int],
    runs: Callable[[Step], bool],
    pays: Callable[[Step], bool] | None = None,
    shapes: Mapping[str, Shape] | None = None,
) -> Estimate:
    """Estimate the steps for which ``runs`` is true; the others take no time and cost nothing.

    ``pays`` leaves out of the cost what is paid for already. ``shapes`` say how the times of each model spread. Equal
    arguments give equal estimates, to the last digit.
    """
    steps = plan.steps
    seconds = {step.id: step.estimated_seconds if runs(step) else 0.0 for step in steps}
    path = _critical_path(steps, seconds)
    loads = _loads(steps, seconds, capacity)
    bottleneck = max(loads, key=lambda name: loads[name]) if loads else None
    return Estimate(
        time=makespan(Network(steps, capacity, shapes or {}), [step.id for step in steps if not runs(step)]),
        cost_usd=sum((step.estimated_cost_usd for step in steps if (pays or runs)(step)), Decimal(0)),
        critical_path=path,
        bottleneck=bottleneck,
        bottleneck_value=capacity[bottleneck] if bottleneck else None,
    )


def _critical_path(steps: Iterable[Step], seconds: Mapping[str, float]) -> tuple[str, ...]:
    """The chain of steps that takes longest. Steps come in an order that respects needs."""
    finish: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for step in steps:
        latest = max(step.needs, key=lambda need: finish[need], default=None)
        before[step.id] = latest
        finish[step.id] = seconds[step.id] + (finish[latest] if latest else 0.0)
    if not finish:
        return ()
    last: str | None = max(finish, key=lambda name: finish[name])
    path: list[str] = []
    while last is not None:
        path.append(last)
        last = before[last]
    return tuple(reversed(path))


def _loads(steps: Iterable[Step], seconds: Mapping[str, float], capacity: Mapping[str, int]) -> dict[str, float]:
    loads: dict[str, float] = {}
    for step in steps:
        for name in step.capacity:
            if name in capacity and seconds[step.id] > 0:
                loads[name] = loads.get(name, 0.0) + seconds[step.id] / capacity[name]
    return loads
