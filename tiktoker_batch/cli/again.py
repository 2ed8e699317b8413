"""Commands to paste: how a batch is gone on with, with all that it was told."""

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tiktoker_batch.app import Options
from tiktoker_batch.planning.selection import Choice
from tiktoker_batch.standing import Standing
from tiktoker_batch.told import recipe_of, told_options


def run_again(recipe: Path, options: Options) -> str:
    """The ``run`` that does the same once more: with the same models, ceilings and parts, but forcing nothing."""
    return shlex.join(["tiktoker-batch", "run", str(recipe), *_flags(options)])


def run_on(recipe: Path, options: Options) -> str:
    """The same without the kind of step to stop after."""
    return run_again(recipe, replace(options, choice=replace(options.choice, until=None)))


def go_on(standing: Standing) -> str | None:
    """The command that goes on with a batch which is neither done nor at work.

    One that was cut off goes on as it was told; one that came to an end of its own is run again in all its parts.
    """
    state, root = standing.state, standing.layout.root
    if standing.running or state.state == "done":
        return None
    usual = root == Path("output") / state.name
    if state.rehearsed:
        return shlex.join(["tiktoker-batch", "rehearse", state.recipe, "--output", str(root)])
    options = told_options(state, Options(output=None if usual else root))
    if state.state != "interrupted":
        options = replace(options, choice=Choice())
    return run_again(recipe_of(state, root) or Path(state.recipe), options)


def _flags(options: Options) -> Iterator[str]:
    yield from ("--output", str(options.output)) if options.output else ()
    for name, seats in options.limits.items():
        yield from ("--limit", f"{name}={seats}")
    for name in options.profiles:
        yield from ("--profile", name)
    for assignment in options.assignments:
        yield from ("--set", assignment)
    yield from ("--budget", str(options.budget)) if options.budget is not None else ()
    choice = options.choice
    for expression in choice.select:
        yield from ("--select", expression)
    for expression in choice.exclude:
        yield from ("--exclude", expression)
    yield from ("--until", choice.until) if choice.until else ()
    yield from ("--shard", str(choice.shard)) if choice.shard else ()
    flags = {
        "--fail-fast": options.fail_fast,
        "--allow-partial": options.allow_partial,
        "--strict": options.strict,
        "--no-cache": not options.cache,
    }
    yield from (name for name, is_set in flags.items() if is_set)
