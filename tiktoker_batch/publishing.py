"""The content calendar of a recipe, against what of it is made already."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tiktoker_batch.app import Options, open_recipe
from tiktoker_batch.model import Video
from tiktoker_batch.planning.calendar import Entry, calendar, calendar_warnings
from tiktoker_batch.planning.selection import chosen_steps, touched


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When what is published. ``without`` are videos that have no moment; ``revised`` is when the recipe changed."""

    batch: str
    entries: tuple[Entry, ...]
    without: tuple[Video, ...]
    warnings: tuple[str, ...]
    revised: datetime


def content_calendar(path: Path, options: Options) -> Calendar:
    """The calendar of a recipe's selected videos. Changes nothing.

    :raises RecipeError, UsageError: the recipe is not valid, or a selector cannot be understood.
    """
    opened = open_recipe(path, options)
    states = opened.states()
    steps = chosen_steps(opened.plan, options.choice, states)
    videos = [planned.video for planned in touched(opened.plan, steps)]
    return Calendar(
        batch=opened.recipe.name,
        entries=calendar(videos, states),
        without=tuple(video for video in videos if not (video.publish and video.publish.at)),
        warnings=(
            *opened.odd_choices(options),
            *calendar_warnings(videos, opened.catalog.platforms, states, datetime.now(UTC)),
        ),
        revised=datetime.fromtimestamp(int(path.stat().st_mtime), UTC),
    )
