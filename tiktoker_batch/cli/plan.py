"""``plan``: what would run."""

import shlex
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import click

from tiktoker_batch import app, plan_file
from tiktoker_batch.cli.options import (
    FILE,
    budget_option,
    cache_option,
    choice_of,
    echo_json,
    exclude_option,
    force_option,
    limit_option,
    output_option,
    profile_option,
    recipe_argument,
    run_command,
    say,
    select_option,
    set_option,
    shard_option,
    show,
    subcommand,
    until_option,
    verify_option,
)
from tiktoker_batch.errors import ExitCode
from tiktoker_batch.planning.selection import Shard
from tiktoker_batch.previewing import Preview, preview
from tiktoker_batch.report.plan_markdown import plan_markdown
from tiktoker_batch.report.plan_text import plan_text

WORK_TO_DO = 2  # of --detailed-exitcode, as Terraform has it


@subcommand("plan", example="tiktoker-batch plan recipes/quickstart.yaml")
@recipe_argument
@output_option
@limit_option
@profile_option
@set_option
@budget_option
@select_option
@exclude_option
@until_option
@shard_option
@force_option
@cache_option
@verify_option
@click.option("--out", type=FILE, metavar="FILE", help="Write the plan there as well, for 'run --plan FILE'.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 0 when nothing is to do, 2 when there is work.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="For people, for programs, or for a comment on a pull request.",
)
def command(
    *,
    recipe: Path,
    output: Path | None,
    limits: Mapping[str, int],
    profiles: tuple[str, ...],
    assignments: tuple[str, ...],
    budget: Decimal | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    until: str | None,
    shard: Shard | None,
    force: tuple[str, ...],
    cache: bool,
    verify: bool,
    out: Path | None,
    detailed_exitcode: bool,
    form: str,
) -> int:
    """Show what would run, what it costs and how long it takes.

    Changes nothing and calls nobody. Steps whose results still hold are reused.
    """
    choice = choice_of(select, exclude, until, shard)
    options = app.Options(
        output=output,
        limits=limits,
        profiles=profiles,
        assignments=assignments,
        budget=budget,
        choice=choice,
        force=force,
        cache=cache,
        verify=verify,
    )
    found = show_plan(recipe, options, form)
    if out:
        plan_file.write_plan(out, found, options)
        say(f"the plan is in {out}; run it as long as it holds: {_run_command(options, recipe, out)}")
    return WORK_TO_DO if detailed_exitcode and found.to_run else ExitCode.OK


def _run_command(options: app.Options, recipe: Path, out: Path) -> str:
    more = " with the same options" if options.choice or options.limits or options.force or not options.cache else ""
    return f"{run_command(recipe, options)} --plan {shlex.quote(str(out))}{more}"


def show_plan(recipe: Path, options: app.Options, form: str) -> Preview:
    """Print the plan; what could get in its way goes to stderr."""
    found = preview(recipe, options)
    opened = found.opened
    if form == "json":
        echo_json(found.to_json())
    elif form == "markdown":
        show(plan_markdown(opened.plan, found.estimate, found.action, found.warnings).rstrip("\n"))
    else:
        show(plan_text(opened.plan, found.estimate, found.action, str(opened.layout.root)))
    for warning in found.warnings:
        say(f"warning: {warning}")
    for reason in found.not_ready:
        say(f"not ready to run: {reason}")
    return found
