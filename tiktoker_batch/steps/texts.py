"""What story and shots share: rendering of prompts whose words may not be written yet."""

from collections.abc import Mapping

from tiktoker_batch.model import Style, Video
from tiktoker_batch.planning.build import Planning
from tiktoker_batch.recipe.prompts import render_prompt

STORY_PLACEHOLDER = "«story»"


def shot_placeholder(number: int) -> str:
    """Stands for the words of a shot that is not written yet."""
    return f"«shot {number}»"


def render(video: Video, template: str, **variables: object) -> str:
    """Render one of the video's prompt templates with what every template knows."""
    common = {"style": video.style, "vars": video.vars, "video_id": video.id}
    return render_prompt(video.templates[template], {**common, **variables})


def language_name(video: Video, planning: Planning) -> str:
    """The English name of the video's language, as prompts spell it."""
    return planning.languages[video.language].name


def spoken_words(video: Video, planning: Planning) -> int:
    """How many words of the video's language fill its duration."""
    return max(8, round(video.duration / 60 * planning.languages[video.language].words_per_minute))


def style_params(style: Style) -> Mapping[str, str]:
    """A style as plain JSON."""
    return {"name": style.name, "prompt": style.prompt}


def segment_count(video: Video) -> int:
    """How many shots the video has: the user's own, or as many as fill its duration."""
    return len(video.shots) or -(-round(video.duration * 1000) // round(video.segment_duration * 1000))


def segment_seconds(video: Video) -> tuple[float, ...]:
    """The length of each clip to ask for, in seconds."""
    if video.shots:
        return tuple(shot.duration or video.segment_duration for shot in video.shots)
    return (video.segment_duration,) * segment_count(video)
