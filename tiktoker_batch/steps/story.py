"""The spoken text: the user's own script, or one of several variants written from a topic."""

import json
from collections.abc import Iterable, Sequence

from tiktoker_batch.errors import Broken
from tiktoker_batch.model import Json, Kind, Step, Video
from tiktoker_batch.planning.build import Draft, Planning
from tiktoker_batch.planning.digest import seed_from
from tiktoker_batch.providers.base import Request
from tiktoker_batch.providers.local.writer import choose_story
from tiktoker_batch.recipe.rendering import render
from tiktoker_batch.steps.base import Inputs, Made, Work
from tiktoker_batch.steps.keeping import keep_text
from tiktoker_batch.steps.texts import language_name, spoken_words


class StoryStep:
    """``story``: text in, ``work/<id>/story.txt`` out."""

    eager = False

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        """One step; a given script is kept as it is and needs nobody, and so is what a person made of the text."""
        written = self._written(video, planning)
        if video.edit is None:
            yield written
            return
        yield Draft(
            kind=Kind.STORY,
            tool="review",
            params={"script": video.edit.narration},
            seconds=0.01,
            text=_as_kept(video.edit.narration),
            replaces=written,
            replaced_key=video.edit.story_key,
        )

    def _written(self, video: Video, planning: Planning) -> Draft:
        if video.script is not None:
            params: dict[str, Json] = {"script": video.script}
            text = _as_kept(video.script)
            return Draft(kind=Kind.STORY, tool="verbatim", params=params, seconds=0.01, text=text)
        prompts = story_prompts(video, planning)
        judging = video.story.choose == "best" and video.story.variants > 1
        return Draft(
            kind=Kind.STORY,
            model=video.models.text,
            params={
                "topic": video.topic,
                "words": spoken_words(video, planning),
                "language": video.language,
                "variants": video.story.variants,
                "choose": video.story.choose,
                "style": video.style.name,
                "prompts": list(prompts),
                **video.models.text.parameters,
            },
            prompt=prompts[0],
            units=video.story.variants + judging,
        )

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        """A story has no inputs."""
        return None

    async def run(self, work: Work) -> Made:
        """Write the variants (or take the script), choose one and keep it."""
        params = work.step.params
        if "script" in params:
            return await _keep(work, str(params["script"]), ())
        produced = await work.buy(
            Request(
                kind=Kind.STORY,
                model=work.step.model,
                prompt=work.step.prompt or "",
                params=params,
                seed=seed_from("story", work.step.prompt, params),
            ),
            {},
        )
        match produced.value:
            case {"stories": [_, *_] as stories, "best": int(best)}:
                return await _keep(work, str(stories[best]), stories)
            case ([_, *_] as stories) | {"stories": [_, *_] as stories}:
                told = [str(story) for story in stories]
            case other:
                raise Broken(f"the text model gave no stories but {type(other).__name__}")
        wanted = params["words"]
        words = int(wanted) if isinstance(wanted, int | float) else None
        return await _keep(work, told[choose_story(told, work.video.story.choose, words=words)], told)


def story_prompts(video: Video, planning: Planning) -> tuple[str, ...]:
    """The prompt of every variant, as it will be sent; none for a given script."""
    if video.script is not None:
        return ()
    variants = video.story.variants
    return tuple(
        render(
            video,
            "story",
            topic=video.topic,
            duration=video.duration,
            words=spoken_words(video, planning),
            unit=planning.languages[video.language].unit,
            language=language_name(video, planning),
            variant=variant,
            variants=variants,
        )
        for variant in range(1, variants + 1)
    )


def _as_kept(text: str) -> str:
    return text.strip() + "\n"


async def _keep(work: Work, text: str, variants: Sequence[object]) -> Made:
    """Keep the story and, for whoever would have chosen otherwise, all that were written."""
    layout, video_id = work.layout, work.step.video
    kept = [await keep_text(layout.story(video_id), _as_kept(text), root=layout.root)]
    if len(variants) > 1:
        told = json.dumps([str(each).strip() for each in variants], ensure_ascii=False, indent=1) + "\n"
        kept.append(await keep_text(layout.stories(video_id), told, root=layout.root))
    return Made(artifacts=tuple(kept))
