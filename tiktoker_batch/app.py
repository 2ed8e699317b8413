"""Opening a recipe and finding its batch, and ``render``. The other use cases have modules of their own.

Nothing here prints or exits; the command line does. Errors are TiktokerErrors.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import platformdirs

from tiktoker_batch.catalog.loader import Catalog, load_catalog
from tiktoker_batch.catalog.prices import QUOTES_FILE, read_quotes, with_quotes
from tiktoker_batch.engine.capacity import capacities
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.shelf import Shelf
from tiktoker_batch.environment import environment
from tiktoker_batch.errors import UsageError
from tiktoker_batch.events import Record
from tiktoker_batch.model import Budget, Model, Plan, Recipe, Step
from tiktoker_batch.planning.build import Planning, build_plan
from tiktoker_batch.planning.calendar import calendar_warnings
from tiktoker_batch.planning.likely import Shape
from tiktoker_batch.planning.review import edit_warnings, waiting_steps
from tiktoker_batch.planning.selection import (
    Choice,
    chosen_steps,
    matching_steps,
    named_steps,
    selection_warnings,
    touched,
)
from tiktoker_batch.providers.registry import providers, world_of
from tiktoker_batch.recipe.build import Loaded, load
from tiktoker_batch.recipe.rendering import shots_of
from tiktoker_batch.recipe.suggest import did_you_mean
from tiktoker_batch.recipe.writing import expanded_recipe
from tiktoker_batch.remarks import warnings_of
from tiktoker_batch.reviewing.edits import with_edits
from tiktoker_batch.steps.prompts import Prompt, planned_prompts
from tiktoker_batch.steps.registry import STEP_KINDS
from tiktoker_batch.store.artifacts import sha256_file
from tiktoker_batch.store.cache import Cache, open_cache
from tiktoker_batch.store.durations import DURATIONS_FILE, Durations
from tiktoker_batch.store.journal import read_journal
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.seen import Seen
from tiktoker_batch.store.state import BatchState, fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run may be told beyond the recipe.

    ``assignments`` are values of the recipe (``path=value``, of ``--set``).
    ``cache``: what other batches have bought may be used, and is kept for them. ``verify``: every file is hashed,
    also those that look as if nobody had touched them.
    """

    output: Path | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    fail_fast: bool = False
    allow_partial: bool = False
    profiles: tuple[str, ...] = ()
    assignments: tuple[str, ...] = ()
    budget: Decimal | None = None
    choice: Choice = field(default_factory=Choice)
    force: tuple[str, ...] = ()
    buys: bool = True
    strict: bool = False
    cache: bool = True
    verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Ids of the steps that a command is about and may do (``None``: all), of those that it does again in any case, and
    of those that it is about and that are ``waiting`` for a person's approval.
    """

    selected: frozenset[str] | None = None
    forced: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()

    def includes(self, step: Step) -> bool:
        """Whether a step may be done."""
        return self.selected is None or step.id in self.selected


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A recipe with everything that follows from it before anything runs."""

    recipe: Recipe
    plan: Plan
    layout: Layout
    capacity: Mapping[str, int]
    environ: Mapping[str, str] = field(repr=False)
    catalog: Catalog
    durations: Durations = field(default_factory=Durations)

    @property
    def models(self) -> dict[str, Model]:
        """Every model that the recipe's videos use, by ``provider:id``."""
        return _models(self.recipe)

    @property
    def shapes(self) -> dict[str, Shape]:
        """How the times of each of the plan's models spread, as far as is known."""
        refs = dict.fromkeys(f"{step.provider}:{step.model}" for step in self.plan.steps)
        return self.durations.history().shapes(self.models, tuple(refs))

    def reuse(self, state: BatchState, forced: frozenset[str] = frozenset(), seen: Seen | None = None) -> Reuse:
        """What of an earlier state still holds, but for steps that are to be done again all the same."""
        return Reuse(STEP_KINDS, self.layout, state.successes, forced, seen)

    def meant(self, options: Options, state: BatchState) -> Meant:
        """The steps that the options choose, after what a batch has come to so far.

        :raises UsageError: a selector cannot be understood, or names what is not there.
        """
        states = state.video_states
        chosen = chosen_steps(self.plan, options.choice, states)
        waiting = waiting_steps(self.plan)
        if chosen is not None:
            waiting &= chosen
        if waiting:
            chosen = frozenset(step.id for step in self.plan.steps if chosen is None or step.id in chosen) - waiting
        return Meant(
            selected=chosen,
            forced=matching_steps(self.plan, options.force, states),
            waiting=waiting,
        )

    def states(self) -> dict[str, str]:
        """The state that each video was left in by the last run."""
        return fold(history(self.layout)).video_states

    def odd_choices(self, options: Options) -> list[str]:
        """What of the options may be mistyped, a sentence each.

        :raises UsageError: a selector cannot be understood, or names what is not there.
        """
        return selection_warnings(self.plan, options.choice, options.force)

    def warnings(
        self, options: Options, meant: Meant, states: Mapping[str, str] | None = None, now: datetime | None = None
    ) -> list[str]:
        """What is allowed and may not be meant, a sentence each: in the options and, for the videos that are meant, in
        the recipe, in people's edits, in the calendar (past moments only with the ``states`` of videos and ``now``).
        """
        videos = touched(self.plan, meant.selected)
        names = None if meant.selected is None else frozenset(planned.video.id for planned in videos)
        return [
            *self.odd_choices(options),
            *warnings_of(self.recipe.remarks, names),
            *edit_warnings(videos, meant.forced),
            *calendar_warnings([planned.video for planned in videos], self.catalog.platforms, states, now),
        ]

    def shelf(self, environ: Mapping[str, str]) -> Shelf | None:
        """What other batches have bought from the services that this environment leads to; ``None`` if switched off.

        :raises UsageError: ``TIKTOKER_CACHE_GB`` is no size.
        """
        cache = artifact_cache(environ)
        worlds = {name: world_of(name, environ) for name in providers()}
        return Shelf(cache=cache, worlds=worlds, kinds=STEP_KINDS, layout=self.layout) if cache.limit_bytes else None


# ---------------------------------------------------------------------- before running


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Prompts as they will be sent, and sentences on how they were chosen."""

    prompts: tuple[Prompt, ...]
    odd: tuple[str, ...]


def render(path: Path, options: Options) -> Rendered:
    """Every prompt of a recipe as it will be sent, or those that the options choose.

    :raises UsageError: an expression cannot be understood, or what it chooses has no prompts.
    """
    opened, choice = open_recipe(path, options), options.choice
    states = opened.states() if choice else {}
    wanted = named_steps(opened.plan, choice, states)
    found = tuple(
        prompt
        for prompt in planned_prompts(opened.plan, opened.catalog.languages)
        if wanted is None or prompt.step.id in wanted
    )
    selects_nothing = choice.select and not matching_steps(opened.plan, choice.select, states)
    if choice and not found and not selects_nothing:
        chosen = f" matches {' or '.join(map(repr, choice.select))}" if choice.select else " is left"
        raise UsageError(f"no step with a prompt{chosen}")
    return Rendered(prompts=found, odd=tuple(opened.odd_choices(options)))


def expanded(path: Path, options: Options) -> Any:
    """The data of a recipe that asks for the same as this one with these options, everything written out.

    :raises RecipeError: it is not valid.
    :raises UsageError: it holds a secret.
    """
    loaded, catalog, environ = _loaded(path, options)
    return expanded_recipe(loaded, options.profiles, catalog, environ)


def _loaded(path: Path, options: Options) -> tuple[Loaded, Catalog, Mapping[str, str]]:
    """A checked recipe, with the catalog and the environment that it was read with."""
    environ = environment(path)
    catalog = full_catalog(environ)
    loaded = load(
        path,
        catalog=catalog,
        environ=environ,
        profiles=options.profiles,
        assignments=options.assignments,
        providers=tuple(providers()),
    )
    return loaded, catalog, environ


def models_of(path: Path) -> frozenset[str]:
    """The models (``provider:id``) that a recipe uses."""
    return frozenset(f"{step.provider}:{step.model}" for step in open_recipe(path, Options()).plan.steps)


def open_recipe(path: Path, options: Options) -> Opened:
    """Load, check and plan a recipe.

    :raises RecipeError: it is not valid, or an edited shots.yaml in its output folder is not.
    """
    loaded, catalog, environ = _loaded(path, options)
    recipe = loaded.recipe
    if options.budget is not None:
        recipe = replace(recipe, budget=replace(recipe.budget, max_usd=options.budget))
    if options.choice.shard is not None:
        recipe = replace(recipe, budget=_shared(recipe.budget, options.choice.shard.of))
    root = options.output or (Path(recipe.output_dir) if recipe.output_dir else Path("output") / recipe.name)
    recipe = with_edits(recipe, Layout(root), catalog)
    durations = open_durations(_models(recipe), environ)
    planning = Planning(languages=catalog.languages, file_sha256=_files(recipe), history=durations.history())
    plan = build_plan(recipe, STEP_KINDS, planning)
    _check_limits(options.limits, catalog, plan)
    return Opened(
        recipe=recipe,
        plan=plan,
        layout=Layout(root),
        capacity=capacities(plan, usual_seats(), options.limits),
        environ=environ,
        catalog=catalog,
        durations=durations,
    )


def _shared(budget: Budget, parts: int) -> Budget:
    """What each of this many parts of a batch may spend, so that all of them together keep to the budget."""
    return Budget(
        max_usd=None if budget.max_usd is None else budget.max_usd / parts,
        per_video_usd=budget.per_video_usd,
        max_clip_seconds=None if budget.max_clip_seconds is None else budget.max_clip_seconds / parts,
        max_images=None if budget.max_images is None else budget.max_images // parts,
        max_characters=None if budget.max_characters is None else budget.max_characters // parts,
    )


def _models(recipe: Recipe) -> dict[str, Model]:
    used = [video.models for video in recipe.videos]
    return {model.ref: model for each in used for model in (each.text, each.image, each.clip, each.narration)}


def open_durations(models: Mapping[str, Model], environ: Mapping[str, str]) -> Durations:
    """What is remembered of how long these models' work takes at the services that this environment leads to."""
    worlds = {name: world_of(name, environ) for name in {model.provider for model in models.values()}}
    return Durations(models, cache_folder(environ) / DURATIONS_FILE, worlds)


def full_catalog(environ: Mapping[str, str] | None = None) -> Catalog:
    """The catalog of this installation with what installed plug-ins bring along.

    With an environment, also with the prices that were last refreshed into its cache folder.

    :raises TiktokerError: those prices cannot be read.
    """
    catalog = load_catalog().extended(model for entry in providers().values() for model in entry.models)
    quotes = None if environ is None else read_quotes(cache_folder(environ) / QUOTES_FILE)
    return with_quotes(catalog, quotes) if quotes else catalog


def usual_seats() -> dict[str, int]:
    """How much is asked of each provider at once unless somebody says otherwise."""
    return {entry.name: entry.seats for entry in providers().values() if entry.seats is not None}


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where things that serve many batches are kept: ``TIKTOKER_CACHE_DIR`` or the user's cache folder."""
    named = environ.get("TIKTOKER_CACHE_DIR")
    return Path(named) if named else Path(platformdirs.user_cache_dir("tiktoker-batch", appauthor=False))


def artifact_cache(environ: Mapping[str, str] | None = None) -> Cache:
    """What is kept for other batches; without an environment, that of the working folder counts.

    :raises UsageError: ``TIKTOKER_CACHE_GB`` is no size.
    """
    found = environment(Path("recipe.yaml")) if environ is None else environ
    return open_cache(cache_folder(found), found)


def _files(recipe: Recipe) -> dict[str, str]:
    """The content of files that decide results: music, reference images, pictures and clips that are there already."""
    named = {video.music.file for video in recipe.videos if video.music}
    named |= {video.reference_image for video in recipe.videos if video.reference_image}
    shots = [shot for video in recipe.videos for shot in shots_of(video)]
    named |= {file for shot in shots for file in (shot.image, shot.clip) if file}
    return {file: sha256_file(Path(file)) for file in named if "://" not in file}


def _check_limits(limits: Mapping[str, int], catalog: Catalog, plan: Plan) -> None:
    used = {f"{step.provider}:{step.model}" for step in plan.steps}
    known = {"ffmpeg", *providers(), *catalog.models, *used}
    for name in limits:
        if name not in known:
            near = did_you_mean(name, known)
            raise UsageError(
                f"no limit is called {name!r}{near}", hint=f"limits: ffmpeg, {', '.join(providers())} or a model"
            )


def history(layout: Layout) -> tuple[Record, ...]:
    """What the journal of an output folder holds; nothing for a new one."""
    return read_journal(layout.journal) if layout.journal.exists() else ()


# ---------------------------------------------------------------------- looking back


def output_of(target: Path, options: Options) -> Layout:
    """The output folder that a recipe or a folder names.

    :raises UsageError: there is no batch.
    """
    layout = Layout(target) if target.is_dir() else open_recipe(target, options).layout
    if not layout.journal.exists():
        run = shlex.join(["tiktoker-batch", "run", str(target)])
        hint = run if target.is_file() else "name a recipe, or a folder in which one was run"
        raise UsageError(f"no batch was run in {layout.root}", hint=hint)
    return layout
