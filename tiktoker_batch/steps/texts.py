"""What the steps share that send texts."""

from collections.abc import Mapping

from tiktoker_batch.errors import BadRequest
from tiktoker_batch.model import Video
from tiktoker_batch.planning.build import Planning
from tiktoker_batch.recipe.rendering import overlong
from tiktoker_batch.shots import Style
from tiktoker_batch.steps.base import Work

STORY_PLACEHOLDER = "«story»"


def require_room(work: Work, shot: str) -> None:
    """Nothing is bought for a written shot whose picture or clip would be refused for its length.

    :raises BadRequest: a prompt is longer than its model takes.
    """
    number = work.step.segment or 0
    for found in overlong(work.video, number, shot):
        written = work.layout.shots(work.video.id)
        hint = f"shorten the style, name another model, or delete {written} to have other shots written"
        raise BadRequest(f"shot {number} is too long: {found}", hint=hint)


def language_name(video: Video, planning: Planning) -> str:
    """The English name of the video's language, as prompts spell it."""
    return planning.languages[video.language].name


def spoken_words(video: Video, planning: Planning) -> int:
    """How many words of the video's language (or characters, where it has no spaces) fill its duration."""
    return max(8, round(video.duration / 60 * planning.languages[video.language].pace))


def style_params(style: Style) -> Mapping[str, str]:
    """A style as plain JSON."""
    return {"name": style.name, "prompt": style.prompt}
