"""The prompts of a plan, as they will be sent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tiktoker_batch.catalog.loader import Language
from tiktoker_batch.model import Kind, Plan, Step, Video
from tiktoker_batch.planning.build import Planning
from tiktoker_batch.recipe.rendering import clip_prompt, image_prompt, shot_of
from tiktoker_batch.steps.story import story_prompts


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a step sends. A ``deferred`` one still holds ``«...»`` where words are not written yet.

    ``known``: they are, as a person has edited them. ``variant`` counts from 1 to ``variants`` where a step asks
    several times.
    """

    step: Step
    text: str
    variant: int = 1
    variants: int = 1
    known: bool = False

    @property
    def deferred(self) -> bool:
        """Whether another step's words are still missing."""
        return self.step.deferred and not self.known


def planned_prompts(plan: Plan, languages: Mapping[str, Language]) -> Iterator[Prompt]:
    """Every prompt, in plan order; steps that send none are left out."""
    planning = Planning(languages=languages, file_sha256={})
    for planned in plan.videos:
        for step in planned.steps:
            yield from _of_step(step, planned.video, planning)


def _of_step(step: Step, video: Video, planning: Planning) -> Iterator[Prompt]:
    if step.prompt is None:
        return
    shot = shot_of(video, step.segment) if step.segment and step.deferred else None
    if shot and step.segment:
        rendered = image_prompt if step.kind is Kind.IMAGE else clip_prompt
        yield Prompt(step=step, text=rendered(video, step.segment, shot.prompt), known=True)
        return
    texts = story_prompts(video, planning) if step.kind is Kind.STORY else (step.prompt,)
    for variant, text in enumerate(texts, start=1):
        yield Prompt(step=step, text=text, variant=variant, variants=len(texts))
