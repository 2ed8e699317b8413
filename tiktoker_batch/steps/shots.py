"""The shot list: the user's own prompts, or English prompts written from the story, all in one call."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from msgspec import structs

from tiktoker_batch.errors import Broken, Unusable
from tiktoker_batch.model import Json, Kind, Step, Video
from tiktoker_batch.planning.build import Draft, Planning, step_id
from tiktoker_batch.planning.digest import seed_from
from tiktoker_batch.providers.base import Request
from tiktoker_batch.recipe.rendering import closest, overlong, render, segment_count, segment_seconds
from tiktoker_batch.steps.base import Inputs, Made, Work
from tiktoker_batch.steps.keeping import keep_text
from tiktoker_batch.steps.texts import STORY_PLACEHOLDER, language_name

USUAL_SHOT_CHARACTERS = 300  # 35 words, as the prompt asks for at most, and some


class ShotsStep:
    """``shots``: story in, ``work/<id>/shots.json`` (an array of prompts) out."""

    eager = False

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        """One step; the user's own prompts are kept as they are, and so is what a person made of the list."""
        edit = video.edit
        if edit is None or edit.shots is None:
            yield self._written(video, planning)
            return
        draft = _verbatim("review", [shot.prompt for shot in edit.shots])
        written = self._written(replace(video, edit=None), planning)
        yield structs.replace(draft, replaces=written, replaced_key=edit.shots_key)

    def _written(self, video: Video, planning: Planning) -> Draft:
        if video.shots:
            return _verbatim("verbatim", [shot.prompt for shot in video.shots])
        seconds: list[Json] = list(segment_seconds(video))
        story = video.edit.narration if video.edit else video.script
        return Draft(
            kind=Kind.SHOTS,
            needs=(step_id(video.id, Kind.STORY),),
            model=video.models.text,
            params={
                "topic": video.topic,
                "count": segment_count(video),
                "seconds": seconds,
                "style": video.style.name,
                "language": language_name(video, planning),
                **video.models.text.parameters,
            },
            prompt=shots_prompt(video, language_name(video, planning), story or STORY_PLACEHOLDER),
            deferred=story is None,
            units=1,
        )

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        """The story, if there is one to read."""
        return inputs.digests()

    async def run(self, work: Work) -> Made:
        """Write the shots (or take the user's) and keep them as a JSON array."""
        params = work.step.params
        match params.get("prompts"):
            case list() as given:
                return await _keep(work, [str(prompt) for prompt in given])
            case _:
                return await _keep(work, await _written(work))


def _verbatim(tool: str, prompts: Sequence[str]) -> Draft:
    params: dict[str, Json] = {"prompts": list(prompts)}
    return Draft(kind=Kind.SHOTS, tool=tool, params=params, seconds=0.01, text=_as_kept(prompts))


async def _written(work: Work) -> list[str]:
    params = work.step.params
    story = work.inputs.path(work.step.needs[0]).read_text(encoding="utf-8").strip()
    prompt = shots_prompt(work.video, str(params["language"]), story)
    produced = await work.buy(
        Request(
            kind=Kind.SHOTS,
            model=work.step.model,
            prompt=prompt,
            params={**params, "story": story},
            seed=seed_from("shots", prompt),
        ),
        {},
    )
    match produced.value:
        case list() as shots if len(shots) == params["count"]:
            return _fitting(work.video, [str(shot) for shot in shots])
        case list() as shots:
            raise Broken(f"the text model wrote {len(shots)} shots, not {params['count']}")
        case other:
            raise Broken(f"the text model gave no list of shots but {type(other).__name__}")


def _fitting(video: Video, shots: list[str]) -> list[str]:
    """The list, if no picture and no clip would be refused for its length: both are still to be paid."""
    for number, shot in enumerate(shots, start=1):
        for found in overlong(video, number, shot):
            raise Unusable(f"shot {number} of the written list is too long: {found}")
    return shots


def shots_prompt(video: Video, language: str, story: str) -> str:
    """The prompt as it will be sent, with ``story`` in its place."""
    return render(
        video,
        "shots",
        story=story,
        topic=video.topic,
        count=segment_count(video),
        segment_seconds=[_short(seconds) for seconds in segment_seconds(video)],
        language=language,
        characters=_room(video),
    )


def _short(seconds: float) -> float:
    """As it is to be read: ``4``, ``3.33``."""
    return int(seconds) if float(seconds).is_integer() else round(seconds, 2)


def _room(video: Video) -> int | None:
    """The characters that a shot may have, where the usual lengths would not fit."""
    found = closest(video)
    return -found.over if found and -found.over < USUAL_SHOT_CHARACTERS else None


def _as_kept(shots: Sequence[str]) -> str:
    return json.dumps(shots, ensure_ascii=False, indent=1) + "\n"


async def _keep(work: Work, shots: list[str]) -> Made:
    final = work.layout.shots(work.step.video)
    return Made(artifacts=(await keep_text(final, _as_kept(shots), root=work.layout.root),))
