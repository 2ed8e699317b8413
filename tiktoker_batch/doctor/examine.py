"""Everything that a recipe needs, looked at in one go."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tiktoker_batch.app import Opened, Options, open_recipe
from tiktoker_batch.doctor import machine
from tiktoker_batch.doctor.accounts import examine_accounts
from tiktoker_batch.doctor.check import Check
from tiktoker_batch.environment import environment
from tiktoker_batch.errors import UsageError
from tiktoker_batch.planning.selection import chosen_steps, touched
from tiktoker_batch.providers.registry import not_ready, providers

EVERYTHING = Options()


def examine(recipe: Path | None = None, options: Options = EVERYTHING, *, offline: bool = False) -> list[Check]:
    """Look at everything that a recipe, or what the options choose of it, needs, or at what any local batch needs.

    Keys are never shown. Accounts with a key are asked whether they accept it, unless ``offline``; that costs nothing.

    :raises RecipeError: the recipe is not valid.
    :raises UsageError: an expression cannot be understood, or there is no recipe that the options could be about.
    """
    if recipe is None and replace(options, output=None) != EVERYTHING:
        raise UsageError("--profile, --set, --select and --exclude are about a recipe: name one")
    opened = _chosen(open_recipe(recipe, options), options) if recipe else None
    environ = opened.environ if opened else environment(Path("recipe.yaml"))
    root = opened.layout.root if opened else options.output or Path("output")
    return [
        machine.check_python(),
        *machine.check_ffmpeg(environ),
        machine.check_font(environ),
        machine.check_english_speech(),
        machine.check_other_speech(opened),
        *examine_accounts(opened.plan.steps if opened else (), environ, offline=offline),
        machine.check_writable(root),
        machine.check_disk(root),
        machine.check_processors(opened),
        machine.check_terminal(),
        *_recipe(opened),
    ]


def _chosen(opened: Opened, options: Options) -> Opened:
    """With those videos alone of which something is chosen."""
    steps = chosen_steps(opened.plan, options.choice, opened.states() if options.choice else {})
    return replace(opened, plan=replace(opened.plan, videos=tuple(touched(opened.plan, steps))))


def _recipe(opened: Opened | None) -> Iterator[Check]:
    """The recipe itself, and whatever else keeps it from running that no line above has said."""
    if opened is None:
        return
    path = opened.recipe.path
    yield Check(name="recipe", message=f"{path} is valid ({len(opened.plan.steps)} steps)")
    for reason in not_ready(opened.plan.steps, opened.environ):
        if reason.split(":", 1)[0] not in providers() and "espeak" not in reason:
            yield Check(name="recipe", verdict="problem", message=reason, mend="choose other models in the recipe")
