"""The first events of a run: who it is, and what each video of it consists of."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from tiktoker_batch import __version__
from tiktoker_batch.events import PlannedStep, RunStarted, VideoPlanned
from tiktoker_batch.model import Json, Plan, PlannedVideo, Step, Video
from tiktoker_batch.planning.ingredients import ingredients
from tiktoker_batch.planning.likely import Shape
from tiktoker_batch.recording import Recorder
from tiktoker_batch.store.step_state import StepState


def announce(
    plan: Plan,
    recorder: Recorder,
    *,
    options: Mapping[str, Json],
    limits: Mapping[str, int],
    shapes: Mapping[str, Shape] | None = None,
    selected: Collection[str] | None = None,
    waiting: Collection[str] = (),
    before: Mapping[str, StepState] = MappingProxyType({}),
) -> None:
    """Tell the journal what is about to run; ``selected`` are the steps that may be done, if not all, and ``waiting``
    those that may not before a person approves. ``before`` are the steps of the last run.
    """
    recorder.emit(
        RunStarted(
            batch=plan.recipe.name,
            recipe=plan.recipe.path,
            recipe_sha256=plan.recipe.sha256,
            tool_version=__version__,
            options=options,
            limits=limits,
            shapes={ref: shape.to_json() for ref, shape in (shapes or {}).items()},
        )
    )
    for planned in plan.videos:
        recorder.emit(
            VideoPlanned(
                video=planned.video.id,
                title=title_of(planned.video),
                steps=_planned_steps(planned, before),
                left_out=() if selected is None else tuple(s.id for s in planned.steps if s.id not in selected),
                waiting=tuple(step.id for step in planned.steps if step.id in waiting),
                edited=f"work/{planned.video.id}/shots.yaml" if planned.video.edit else None,
            )
        )


def _planned_steps(planned: PlannedVideo, before: Mapping[str, StepState]) -> tuple[PlannedStep, ...]:
    return tuple(
        PlannedStep(
            id=step.id,
            kind=step.kind,
            key=step.key,
            needs=step.needs,
            provider=step.provider,
            model=step.model,
            estimated_seconds=step.estimated_seconds,
            estimated_cost_usd=step.estimated_cost_usd,
            made_of=_made_of(step, before.get(step.id)),
        )
        for step in planned.steps
    )


def _made_of(step: Step, before: StepState | None) -> Mapping[str, Json]:
    """The same key is made of the same, and a large batch has twenty thousand."""
    known = before.planned if before else None
    return known.made_of if known and known.made_of and known.key == step.key else ingredients(step)


def title_of(video: Video) -> str:
    """A line that names a video to people: its topic, else the beginning of its script."""
    words = (video.topic or video.script or video.id).split()
    return " ".join(words[:12]) + (" …" if len(words) > 12 else "")
