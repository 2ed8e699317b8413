"""Where a batch stands, also while another process runs it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tiktoker_batch.app import Options, history, open_recipe, output_of
from tiktoker_batch.errors import UsageError
from tiktoker_batch.planning.selection import chosen_steps, touched
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.lock import is_locked
from tiktoker_batch.store.state import BatchState, fold
from tiktoker_batch.told import recipe_of, told_options


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a batch stands, after so many ``records``.

    ``abandoned``: its last run has no end, yet no process is at work. ``videos`` are the ids of those that somebody
    looks at, ``None`` for all; the state is that of the whole batch. ``odd`` are sentences on how they were chosen.
    """

    state: BatchState
    layout: Layout
    running: bool
    abandoned: bool
    records: int
    videos: frozenset[str] | None = None
    odd: tuple[str, ...] = ()


def watch(target: Path, options: Options) -> Callable[[], Standing]:
    """Tells where a batch stands whenever it is called.

    For a choice the recipe is read, once: that of the target, or the one that the folder was made from.

    :raises UsageError: there is no batch, an expression cannot be understood, or its recipe is not there any more.
    :raises RecipeError: the recipe is not valid.
    """
    layout = output_of(target, options)
    if not options.choice:
        return lambda: _standing(layout)
    before = fold(history(layout))
    recipe = recipe_of(before, layout.root) if target.is_dir() else target
    if recipe is None:
        raise UsageError(f"the recipe {before.recipe} of the batch in {target} is not there; videos are chosen by it")
    told = told_options(before, replace(options, output=layout.root))
    opened = open_recipe(recipe, replace(told, choice=options.choice))

    odd = tuple(opened.odd_choices(options))

    def standing() -> Standing:
        found = _standing(layout)
        steps = chosen_steps(opened.plan, options.choice, found.state.video_states)
        videos = frozenset(planned.video.id for planned in touched(opened.plan, steps))
        return replace(found, videos=videos, odd=odd)

    return standing


def _standing(layout: Layout) -> Standing:
    running = is_locked(layout)  # looked at first: a run that ends in between is then seen with its end
    records = history(layout)
    state = fold(records)
    if state.state == "running" and not running:
        running = is_locked(layout)  # it may have begun in between
    abandoned = state.state == "running" and not running
    if abandoned:
        _settle(state)
    return Standing(state=state, layout=layout, running=running, abandoned=abandoned, records=len(records))


def _settle(state: BatchState) -> None:
    """Nothing is at work any more in a batch whose process is gone."""
    state.state = "interrupted"
    running = [each for each in (state.steps | state.videos).values() if each.state == "running"]
    for each in running:
        each.state = "pending"
