"""A plan as text: what would run, what it takes, and what holds it up."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import groupby, islice
from typing import TypeVar

from tiktoker_batch.model import CHEAP_USD, Plan, PlannedVideo, Step
from tiktoker_batch.planning.estimate import Estimate
from tiktoker_batch.report.quantities import columns, counted, range_text, seconds_text, usd_text
from tiktoker_batch.units import NOTHING, Units, things_of

TO_DO = frozenset({"run", "reattach"})  # the actions that something is done for
MOST_TABLES = 12  # a batch with more videos gets a line for each instead of a table

Action = Callable[[Step], str]


def plan_text(plan: Plan, estimate: Estimate, action: Action, output: str) -> str:
    """The whole plan."""
    steps = plan.steps
    lines = [f"{plan.name}: {counted(len(plan.videos), 'video')}, {counted(len(steps), 'step')} -> {output}", ""]
    if len(plan.videos) > MOST_TABLES:
        lines += columns([_video_row(planned, action) for planned in plan.videos], right=(2, 3))
    else:
        lines += _tables(plan.videos, action)
    return "\n".join([*lines, "", *_edits(plan), *_totals(steps, estimate, action)])


def _edits(plan: Plan) -> list[str]:
    """The files with what people made of the texts."""
    files = [planned.video.edit.path for planned in plan.videos if planned.video.edit]
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return [f"edited text and shots: {', '.join(files[:3])}{more}"] if files else []


def budget_warnings(plan: Plan, pays: Callable[[Step], bool]) -> list[str]:
    """What to say when the steps that ``pays`` picks are estimated to take more than the recipe's ceilings allow."""
    budget, paid = plan.recipe.budget, [step for step in plan.steps if pays(step)]
    whole = _units(paid)
    found = [
        _above("max_usd", whole.usd, budget.max_usd, usd_text),
        _above("max_clip_seconds", whole.clip_seconds, budget.max_clip_seconds, lambda each: f"{each:g} s of clips"),
        _above("max_images", whole.images, budget.max_images, lambda each: counted(each, "picture")),
        _above("max_characters", whole.characters, budget.max_characters, lambda each: counted(each, "character")),
    ]
    for planned in plan.videos:
        cost = _units(step for step in planned.steps if pays(step)).usd
        found.append(_above("per_video_usd", cost, budget.per_video_usd, usd_text, f" for {planned.video.id!r}"))
    return [warning for warning in found if warning]


Amount = TypeVar("Amount", int, float, Decimal)


def _above(key: str, wanted: Amount, most: Amount | None, text: Callable[[Amount], str], of: str = "") -> str | None:
    if most is None or wanted <= most:
        return None
    return f"the estimate of {text(wanted)}{of} is above budget.{key} ({text(most)})"


def _units(steps: Iterable[Step]) -> Units:
    """What one request for each of these steps would take."""
    return sum((things_of(step).costing(step.estimated_cost_usd) for step in steps), NOTHING)


# ---------------------------------------------------------------------- videos


def _video_row(planned: PlannedVideo, action: Action) -> list[str]:
    return [planned.video.id, *_figures(planned.steps, action)]


def _tables(videos: Sequence[PlannedVideo], action: Action) -> list[str]:
    """A table for each video, all with the same columns."""
    rows = {planned.video.id: _kind_rows(planned, action) for planned in videos}
    lines = iter(columns([row for found in rows.values() for row in found], right=(3, 4), indent=4))
    tables: list[str] = []
    for video, found in rows.items():
        tables += [f"  {video}" if found else f"  {video}  nothing to do", *islice(lines, len(found))]
    return tables


def _kind_rows(planned: PlannedVideo, action: Action) -> list[list[str]]:
    """A row for each kind of step and whoever makes it; none where nothing is to do."""
    if not any(action(step) in TO_DO for step in planned.steps):
        return []
    return [
        [f"{kind} x{len(group)}" if len(group) > 1 else kind, model, *_figures(group, action)]
        for (kind, model), group in _by_kind(planned.steps)
    ]


def _by_kind(steps: Iterable[Step]) -> list[tuple[tuple[str, str], list[Step]]]:
    """The steps of each kind and model together, kinds in order of work."""
    kinds: dict[tuple[str, str], list[Step]] = {}
    for step in steps:
        kinds.setdefault((str(step.kind), _model(step)), []).append(step)
    return list(kinds.items())


def _model(step: Step) -> str:
    return f"{step.provider}:{step.model}" if step.model else step.provider


def _figures(steps: Sequence[Step], action: Action) -> list[str]:
    """What happens to these steps, how long they work in all, and what they cost."""
    actions = [action(step) for step in steps]
    words = [f"{name} {actions.count(name)}" for name in dict.fromkeys(actions)]
    what = actions[0] if len(set(actions)) == 1 and len(steps) == 1 else ", ".join(words)
    running = [step for step in steps if action(step) in TO_DO]
    if not running:
        return [what, "", ""]
    cost = sum((step.estimated_cost_usd for step in running if action(step) == "run"), Decimal(0))
    return [what, seconds_text(sum(step.estimated_seconds for step in running)), usd_text(cost)]


# ---------------------------------------------------------------------- the whole


def _totals(steps: Sequence[Step], estimate: Estimate, action: Action) -> list[str]:
    running = [step for step in steps if action(step) in TO_DO]
    reused, skipped, kept = (sum(action(step) == what for step in steps) for what in ("reuse", "skip", "review"))
    if not running:
        notes = [" not selected"] if skipped else []
        notes += [f" waits for review ({counted(kept, 'step')})"] if kept else []
        return [f"nothing to do: every step is reused{''.join(f', or{note}' for note in notes)}"]
    waiting = sum(action(step) == "reattach" for step in running)
    notes = [f"{reused} reused"] if reused else []
    notes += [f"{skipped} not selected"] if skipped else []
    notes += [f"{kept} waiting for review"] if kept else []
    notes += [f"{waiting} paid for already, to be fetched"] if waiting else []
    also = f" ({', '.join(notes)})" if notes else ""
    takes = f"{range_text(estimate.time)}, {usd_text(estimate.cost_usd)}"
    lines = [f"to do: {counted(len(running), 'step')}{also}, {takes}"]
    apart = sum((step.estimated_cost_usd for step in running if action(step) == "run"), Decimal(0))
    if apart > estimate.cost_usd:
        lines.append(f"what several videos need alike is bought once: {usd_text(apart - estimate.cost_usd)} less")
    if estimate.bottleneck:
        lines.append(f"bottleneck: {estimate.bottleneck} ({estimate.bottleneck_value} at once)")
    if estimate.critical_path:
        lines.append(f"critical path: {path_text(estimate.critical_path)}")
    return [*lines, *_unknowns(running)]


def _unknowns(running: Sequence[Step]) -> list[str]:
    """What happens to a dear request of which nobody can tell whether it was paid."""
    dear = [step for step in running if step.estimated_cost_usd > CHEAP_USD]
    rather_fail = sum(step.retry.on_unknown != "retry" for step in dear)
    if not rather_fail:
        return []
    which = f"{counted(rather_fail, 'step')} above {usd_text(CHEAP_USD)}"
    return [f"should nobody be able to tell whether a request was paid, {which} would fail rather than pay twice"]


def path_text(path: Iterable[str]) -> str:
    """Steps of one video, its name said once: ``lamp: story > shots > 01/image``."""
    parts = (step.split("/", 1) for step in path)
    grouped = groupby(parts, key=lambda part: part[0])
    return " > ".join(f"{video}: {' > '.join(rest for _, rest in steps)}" for video, steps in grouped)
