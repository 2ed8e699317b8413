"""The spoken story, with the time of every word."""

import json
from collections.abc import Iterable

from tiktoker_batch.model import Json, Kind, Step, Video
from tiktoker_batch.planning.build import Draft, Planning, step_id
from tiktoker_batch.planning.digest import seed_from
from tiktoker_batch.planning.estimate import step_cost_usd
from tiktoker_batch.providers.base import Request
from tiktoker_batch.steps.base import Inputs, Made, Work
from tiktoker_batch.steps.keeping import keep, keep_text
from tiktoker_batch.steps.texts import spoken_words
from tiktoker_batch.store.artifacts import new_part

CHARACTERS_A_WORD = 6  # with the space; only estimates use it


class NarrationStep:
    """``narration``: story in, ``narration.wav`` and ``narration.json`` (word times in seconds) out."""

    eager = False

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        """One step, after the story."""
        model = video.models.narration
        text = video.edit.narration if video.edit else video.script
        characters = len(text) if text else spoken_words(video, planning) * CHARACTERS_A_WORD
        yield Draft(
            kind=Kind.NARRATION,
            needs=(step_id(video.id, Kind.STORY),),
            model=model,
            params={"voice": video.voice.id, "language": video.language, **model.parameters},
            units=characters / 1000,
            characters=characters,
        )

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        """The story."""
        return inputs.digests()

    async def run(self, work: Work) -> Made:
        """Have the story spoken and keep audio and word times."""
        step, layout = work.step, work.layout
        text = work.inputs.path(step.needs[0]).read_text(encoding="utf-8").strip()
        final, model = layout.narration(step.video), work.video.models.narration
        part = new_part(final)
        produced = await work.buy(
            Request(
                kind=Kind.NARRATION,
                model=step.model,
                prompt=text,
                params=step.params,
                seed=seed_from("narration", text, step.params),
                price_usd=step_cost_usd(model, len(text) / 1000, work.video.resolution),
            ),
            {"audio": part},
        )
        words = json.dumps(produced.value, ensure_ascii=False, indent=1) + "\n"
        return Made(
            artifacts=(
                await keep(part, final, root=layout.root),
                await keep_text(layout.words(step.video), words, root=layout.root),
            ),
        )
