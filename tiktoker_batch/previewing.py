"""What ``run`` would do: a plan against what is already there."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tiktoker_batch.app import Meant, Opened, Options, history, open_recipe
from tiktoker_batch.engine.sharing import Sharing
from tiktoker_batch.errors import PlanError
from tiktoker_batch.model import Step
from tiktoker_batch.planning.difference import Before, Difference, compare
from tiktoker_batch.planning.estimate import Estimate, estimate
from tiktoker_batch.planning.view import plan_json
from tiktoker_batch.providers.registry import not_ready
from tiktoker_batch.report.plan_text import budget_warnings
from tiktoker_batch.store.jobs import OpenJobs
from tiktoker_batch.store.seen import Seen
from tiktoker_batch.store.state import BatchState, fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A plan against what is already there.

    ``spared`` steps take copies of what is bought for others. ``before`` is how the last run left the batch.
    """

    opened: Opened
    options: Options
    estimate: Estimate
    reused: frozenset[str]
    reattached: frozenset[str] = frozenset()
    spared: frozenset[str] = frozenset()
    meant: Meant = field(default_factory=Meant)
    before: BatchState = field(default_factory=BatchState)

    def action(self, step: Step) -> str:
        """``run``, ``reuse``, ``skip`` what is not selected, or ``reattach`` to a request that is paid for already."""
        if step.id in self.reused:
            return "reuse"
        if not self.meant.includes(step):
            return "skip"
        return "reattach" if step.id in self.reattached else "run"

    def told(self, step: Step) -> str:
        """The same for people: what is skipped because it waits for approval is called ``review``."""
        action = self.action(step)
        return "review" if action == "skip" and step.id in self.meant.waiting else action

    def pays(self, step: Step) -> bool:
        """Whether a step is still to be paid for."""
        return self.action(step) == "run" and step.id not in self.spared

    @property
    def to_run(self) -> bool:
        """Whether there is anything to do."""
        return any(self.action(step) in {"run", "reattach"} for step in self.opened.plan.steps)

    @property
    def warnings(self) -> list[str]:
        """What may keep it from being done although it can be started, a sentence each."""
        told = self.opened.warnings(self.options, self.meant, self.before.video_states, datetime.now(UTC))
        return [*budget_warnings(self.opened.plan, self.pays), *told]

    @property
    def not_ready(self) -> list[str]:
        """Why it could not run here, a sentence each."""
        return not_ready(self.opened.plan.steps, self.opened.environ)

    def difference(self) -> Difference:
        """The plan against that of the last run."""
        before = Before(
            videos={video.id: [step.planned for step in video.steps] for video in self.before.videos.values()},
            states={step.id: step.state for step in self.before.steps.values()},
        )
        return compare(before, self.opened.plan, self.action, self.meant.forced)

    @property
    def against(self) -> dict[str, Any] | None:
        """The last run by its number, when it was last heard of, how it ended, and the text of its recipe."""
        before = self.before
        if not before.runs:
            return None
        at = before.updated_at.isoformat(timespec="seconds").replace("+00:00", "Z") if before.updated_at else None
        return {"run": before.runs, "at": at, "state": before.state, "recipe_sha256": before.recipe_sha256}

    def to_json(self) -> dict[str, Any]:
        """The published shape of ``plan --format json``."""
        root = self.opened.layout.root.as_posix()
        return plan_json(self.opened.plan, self.estimate, self.action, root, self.meant.waiting)


def preview(path: Path, options: Options) -> Preview:
    """What ``run`` would do. Changes nothing, calls nobody."""
    opened = open_recipe(path, options)
    state = fold(history(opened.layout))
    meant = opened.meant(options, state)
    seen = Seen(opened.layout, trusting=not options.verify)
    reused = frozenset(opened.reuse(state, meant.forced, seen).predict(opened.plan))
    to_do = {step.id for step in opened.plan.steps if step.id not in reused and meant.includes(step)}
    reattached = frozenset(
        step.id
        for step in opened.plan.steps
        if step.id in to_do and step.id not in meant.forced and _is_open(step, state.open_jobs)
    )
    concerned = (to_do | reused) - meant.forced
    # What a person has edited is alike by its key and not by its words.
    edited = {planned.video.id for planned in opened.plan.videos if planned.video.edit}
    alike = [step for step in opened.plan.steps if step.video not in edited]
    kept = [step for step in alike if step.id in concerned]
    again = [step for step in alike if step.id in meant.forced]
    # What holds stands first, and what is asked for again takes nothing that was there before.
    held_first = sorted(kept, key=lambda step: step.id not in reused)
    spared = (Sharing(held_first, opened.layout).spared | Sharing(again, opened.layout).spared) & to_do
    paid = to_do - reattached - spared
    found = estimate(
        opened.plan,
        opened.capacity,
        lambda step: step.id in to_do,
        lambda step: step.id in paid,
        opened.shapes,
    )
    return Preview(
        opened=opened,
        options=options,
        estimate=found,
        reused=reused,
        reattached=reattached,
        spared=spared - reattached,
        meant=meant,
        before=state,
    )


def require_no_warning(found: Preview) -> None:
    """Whoever is strict starts nothing that comes with a warning.

    :raises PlanError: there are some.
    """
    if found.warnings:
        raise PlanError("\n".join(found.warnings), hint="nothing was started: a warning is an error with --strict")


def _is_open(step: Step, open_jobs: OpenJobs) -> bool:
    """Whether a request of an earlier run, known by its id, will be gone on with, as far as can be known before."""
    return any(job.key == step.key and job.request_id and job.addresses for job in open_jobs.get(step.id, ()))
