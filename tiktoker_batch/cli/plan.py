"""``plan``: what would run."""

import shlex
from pathlib import Path

import click

from tiktoker_batch import app, plan_file
from tiktoker_batch.cli.again import run_again
from tiktoker_batch.cli.options import (
    FILE,
    OneOf,
    echo_json,
    planning_options,
    recipe_argument,
    say,
    show,
    subcommand,
)
from tiktoker_batch.errors import ExitCode
from tiktoker_batch.planning.difference import difference_json
from tiktoker_batch.previewing import Preview, preview
from tiktoker_batch.report.diff_markdown import diff_markdown
from tiktoker_batch.report.diff_text import diff_text
from tiktoker_batch.report.plan_markdown import plan_markdown
from tiktoker_batch.report.plan_text import plan_text

WORK_TO_DO = 2  # of --detailed-exitcode, as Terraform has it


@subcommand("plan", example="tiktoker-batch plan recipes/quickstart.yaml")
@recipe_argument
@planning_options
@click.option("--out", type=FILE, metavar="FILE", help="Write the plan there as well, for 'run --plan FILE'.")
@click.option("--diff", is_flag=True, help="Show what is different from the last run in the output folder, and why.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 0 when nothing is to do, 2 when there is work.")
@click.option(
    "--format",
    "form",
    type=OneOf(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="For people, for programs, or for a comment on a pull request.",
)
def command(
    *, recipe: Path, options: app.Options, out: Path | None, diff: bool, detailed_exitcode: bool, form: str
) -> int:
    """Show what would run, what it costs and how long it takes.

    Changes nothing and calls nobody. Steps whose results still hold are reused.
    """
    found = show_plan(recipe, options, form, diff=diff)
    if out:
        plan_file.write_plan(out, found, options)
        say(f"the plan is in {out}; run it as long as it holds: {_run_command(options, recipe, out)}")
    return WORK_TO_DO if detailed_exitcode and found.to_run else ExitCode.OK


def _run_command(options: app.Options, recipe: Path, out: Path) -> str:
    forced = [part for expression in options.force for part in ("--force", expression)]
    return f"{run_again(recipe, options)} {shlex.join([*forced, '--plan', str(out)])}"


def show_plan(recipe: Path, options: app.Options, form: str, *, diff: bool = False) -> Preview:
    """Print the plan, or what is different about it; what could get in its way goes to stderr."""
    found = preview(recipe, options)
    if diff:
        _show_difference(found, form)
    else:
        _show_plan(found, form)
    for warning in found.warnings:
        say(f"warning: {warning}")
    for reason in found.not_ready:
        say(f"not ready to run: {reason}")
    return found


def _show_plan(found: Preview, form: str) -> None:
    opened = found.opened
    if form == "json":
        echo_json(found.to_json())
    elif form == "markdown":
        show(plan_markdown(opened.plan, found.estimate, found.told, found.warnings).rstrip("\n"))
    else:
        show(plan_text(opened.plan, found.estimate, found.told, str(opened.layout.root)))


def _show_difference(found: Preview, form: str) -> None:
    difference, name, root = found.difference(), found.opened.plan.name, found.opened.layout.root
    if form == "json":
        batch = {"name": name, "output": root.as_posix()}
        echo_json(difference_json(difference, batch, found.against, found.estimate.cost_usd))
    elif form == "markdown":
        show(diff_markdown(difference, found.before, name, str(root), found.estimate.cost_usd).rstrip("\n"))
    else:
        show(diff_text(difference, found.before, name, str(root), found.estimate.cost_usd))
