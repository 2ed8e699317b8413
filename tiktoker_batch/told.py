"""What a batch was told when it was last run: its recipe, and the options that its journal keeps."""

import os
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from tiktoker_batch.app import Opened, Options
from tiktoker_batch.model import Json, Kind
from tiktoker_batch.planning.selection import Choice, parse_shard
from tiktoker_batch.store.state import BatchState


def to_be_told(opened: Opened, options: Options, *, rehearsed: bool) -> dict[str, Json]:
    """What the journal keeps of the options of a run, for ``resume``. Nothing is forced twice."""
    choice = options.choice
    return {
        "limits": dict(options.limits),
        "profiles": list(options.profiles),
        "set": list(options.assignments),
        "rehearsed": rehearsed,
        "fail_fast": options.fail_fast,
        "allow_partial": options.allow_partial,
        "strict": options.strict,
        "cache": options.cache,
        "budget": None if options.budget is None else str(options.budget),
        "select": list(choice.select),
        "exclude": list(choice.exclude),
        "until": choice.until,
        "shard": str(choice.shard) if choice.shard else None,
        "buys": options.buys,
        "way_to_recipe": _way_to_recipe(Path(opened.recipe.path), opened.layout.root),
    }


def told_options(state: BatchState, given: Options) -> Options:
    """The options that a batch was last run with, laid under those given."""
    told: Mapping[str, Any] = state.options
    budget = told.get("budget")
    until, shard = told.get("until"), told.get("shard")
    return replace(
        given,
        limits={**told.get("limits", {}), **given.limits},
        profiles=given.profiles or tuple(told.get("profiles", ())),
        assignments=given.assignments or tuple(told.get("set", ())),
        budget=given.budget if given.budget is not None or budget is None else Decimal(budget),
        fail_fast=given.fail_fast or bool(told.get("fail_fast")),
        allow_partial=given.allow_partial or bool(told.get("allow_partial")),
        strict=given.strict or bool(told.get("strict")),
        cache=given.cache and bool(told.get("cache", True)),
        choice=given.choice
        or Choice(
            select=tuple(told.get("select", ())),
            exclude=tuple(told.get("exclude", ())),
            until=Kind(until) if until else None,
            shard=parse_shard(shard) if shard else None,
        ),
    )


def _way_to_recipe(recipe: Path, root: Path) -> str | None:
    """How a recipe is reached from an output folder; holds wherever a command is called, or both are moved to."""
    try:
        return Path(os.path.relpath(recipe.resolve(), root.resolve())).as_posix()
    except ValueError:  # on another drive
        return None


def recipe_of(state: BatchState, root: Path) -> Path | None:
    """The recipe that a batch was last run from, as it was named then where that leads to it from here.

    ``None`` if it is not there any more.
    """
    named, way = Path(state.recipe), state.options.get("way_to_recipe")
    lies = root.resolve() / way if isinstance(way, str) else named
    if not lies.is_file():
        return named if named.is_file() else None
    same = named.is_file() and named.samefile(lies)
    return named if same else Path(os.path.relpath(lies))
