"""The prompts of a video's pictures and clips as its templates make them, and whether its models take them. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from tiktoker_batch.model import Model, Video
from tiktoker_batch.recipe.prompts import builtin_templates, render_block, render_prompt
from tiktoker_batch.shots import Shot

ModelKind = Literal["image", "clip"]
_Render = Callable[[Video, int, str], str]
_ADDED: dict[ModelKind, str] = {"image": "style", "clip": "camera and style"}


def shot_placeholder(number: int) -> str:
    """Stands for the words of a shot that is not written yet."""
    return f"«shot {number}»"


def shots_of(video: Video) -> tuple[Shot, ...]:
    """The shots in somebody's own words: as they were edited, else as the recipe has them; none where none are."""
    return video.edit.shots if video.edit and video.edit.shots else video.shots


def shot_of(video: Video, number: int) -> Shot | None:
    """The shot of a segment (from 1), where it is in somebody's own words."""
    shots = shots_of(video)
    return shots[number - 1] if shots else None


def files_of(video: Video, number: int) -> frozenset[ModelKind]:
    """What of a segment (from 1) nobody is asked for, because its file is there already."""
    shot = shot_of(video, number)
    if shot is None:
        return frozenset()
    return frozenset({"image", "clip"} if shot.clip else {"image"} if shot.image else ())


def planned_shot(video: Video, number: int) -> str:
    """A shot's words as the plan has them: those that a text model writes are not known yet, also where a person has
    edited them since, so that the keys of all other shots stay what they were.
    """
    shot = shot_of(video, number)
    return shot.prompt if shot and video.shots else shot_placeholder(number)


def segment_count(video: Video) -> int:
    """How many shots the video has: the user's own, or as many as fill its duration."""
    return len(shots_of(video)) or -(-round(video.duration * 1000) // round(video.segment_duration * 1000))


def segment_seconds(video: Video) -> tuple[float, ...]:
    """The length of each clip to ask for, in seconds."""
    shots = shots_of(video)
    if shots:
        return tuple(shot.duration or video.segment_duration for shot in shots)
    return (video.segment_duration,) * segment_count(video)


def render(video: Video, template: str, **variables: object) -> str:
    """Render one of the video's prompt templates with what every template knows.

    :raises RecipeError: the template cannot be rendered, at its line.
    """
    common = {"style": video.style, "vars": video.vars, "video_id": video.id}
    return render_prompt(video.templates[template], {**common, **variables})


def image_prompt(video: Video, number: int, shot: str) -> str:
    """The prompt of a shot's picture as it will be sent."""
    own = shot_of(video, number)
    return render(
        video,
        "image",
        shot=shot,
        style=(own and own.style) or video.style,
        aspect_ratio=video.aspect_ratio,
        number=number,
        count=segment_count(video),
    )


def clip_prompt(video: Video, number: int, shot: str) -> str:
    """The prompt of a shot's clip as it will be sent."""
    return render(video, "clip", **_of_clip(video, number, shot))


def usual_motion(video: Video, number: int, shot: str) -> str | None:
    """How the camera moves where nobody says it: the block ``motion`` of the clip template, if it has one."""
    common = {"vars": video.vars, "video_id": video.id}
    variables = {**common, **_of_clip(video, number, shot), "motion": None}
    return render_block(video.templates["clip"], "motion", variables)


def _of_clip(video: Video, number: int, shot: str) -> dict[str, object]:
    own = shot_of(video, number)
    return {
        "shot": shot,
        "motion": own.motion if own else None,
        "style": (own and own.style) or video.style,
        "seconds": segment_seconds(video)[number - 1],
        "number": number,
        "count": segment_count(video),
    }


# --------------------------------------------------------------------------- what models take


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Characters of a prompt for a model that takes only so many (``limit``).

    ``added`` names what stands in it beside the shot.
    """

    kind: ModelKind
    model: Model
    limit: int
    characters: int
    added: str

    @property
    def over(self) -> int:
        """How many characters the model does not take; below zero while there is room."""
        return self.characters - self.limit

    def __str__(self) -> str:
        return (
            f"the {self.kind} prompt would be {self.characters:,} characters with {self.added}; "
            f"{self.kind} model {self.model.ref!r} takes {self.limit:,}"
        )


def overlong(video: Video, number: int, shot: str) -> list[Measured]:
    """The prompts of a shot that are longer than their models take.

    :raises RecipeError: a template cannot be rendered.
    """
    return [each for each in _measured(video, number, shot) if each.over > 0]


def closest(video: Video) -> Measured | None:
    """Of the prompts of shots that are not written yet, the one that leaves least room; the shot itself counts nothing.

    :raises RecipeError: a template cannot be rendered.
    """
    numbers = range(1, segment_count(video) + 1)
    empty = (
        replace(each, characters=each.characters - len(shot_placeholder(number)))
        for number in numbers
        for each in _measured(video, number, shot_placeholder(number))
    )
    return max(empty, key=lambda each: each.over, default=None)


def _measured(video: Video, number: int, shot: str) -> Iterator[Measured]:
    prompts: tuple[tuple[ModelKind, Model, _Render], ...] = (
        ("image", video.models.image, image_prompt),
        ("clip", video.models.clip, clip_prompt),
    )
    own = files_of(video, number)
    for kind, model, rendered in prompts:
        if kind not in own and model.prompt_characters is not None:
            built_in = video.templates[kind] == builtin_templates()[kind]
            yield Measured(
                kind=kind,
                model=model,
                limit=model.prompt_characters,
                characters=len(rendered(video, number, shot)),
                added=_ADDED[kind] if built_in else "what its template adds",
            )
