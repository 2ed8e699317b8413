"""``validate``: checking recipes without running them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tiktoker_batch.app import Opened, Options, history, open_recipe
from tiktoker_batch.errors import Problem, RecipeError, UsageError
from tiktoker_batch.model import Plan, PlannedVideo
from tiktoker_batch.planning.selection import touched
from tiktoker_batch.store.state import BatchState, fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What checking one recipe found: its plan, the videos that were looked at, and what is odd about them; or its
    problems.
    """

    path: Path
    plan: Plan | None = None
    looked_at: tuple[PlannedVideo, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def validate(paths: Sequence[Path], options: Options) -> list[Checked]:
    """Check recipes without running them; the problems of one hide nothing about another.

    A choice narrows what is warned of. What is wrong with any video keeps all of them from running, and is told.

    :raises UsageError: an expression cannot be understood, or can select nothing in any of the recipes.
    """
    checked: list[Checked] = []
    refused: list[UsageError] = []
    for path in paths:
        try:
            opened = open_recipe(path, options)
        except RecipeError as error:
            checked.append(Checked(path=path, problems=error.problems))
            continue
        try:
            checked.append(_looked_at(path, opened, options))
        except UsageError as error:  # what one recipe does not have another may
            checked.append(Checked(path=path, plan=opened.plan, warnings=(error.message,)))
            refused.append(error)
    if refused and len(refused) == sum(each.plan is not None for each in checked):
        raise refused[0]
    return checked


def _looked_at(path: Path, opened: Opened, options: Options) -> Checked:
    state = fold(history(opened.layout)) if options.choice else BatchState()
    meant = opened.meant(options, state)
    return Checked(
        path=path,
        plan=opened.plan,
        looked_at=tuple(touched(opened.plan, meant.selected)),
        warnings=tuple(opened.warnings(options, meant)),
    )
