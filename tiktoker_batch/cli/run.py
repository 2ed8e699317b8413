"""``run``: make the videos."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import click

from tiktoker_batch import app, plan_file, reporting, running
from tiktoker_batch.cli.again import run_again, run_on
from tiktoker_batch.cli.asking import agreed, somebody_is_there
from tiktoker_batch.cli.job_page import tell_the_job
from tiktoker_batch.cli.options import (
    Session,
    junit_option,
    planning_options,
    progress_option,
    recipe_argument,
    say,
    show,
    subcommand,
    trace_option,
    yes_option,
)
from tiktoker_batch.cli.plan import show_plan
from tiktoker_batch.errors import ExitCode
from tiktoker_batch.previewing import preview, require_no_warning
from tiktoker_batch.report.console import Mode, open_progress
from tiktoker_batch.report.quantities import counted
from tiktoker_batch.report.run_text import failures_text, in_flight_text, summary_text
from tiktoker_batch.reviewing.writing import Review

MOST_FILES = 6  # are named one by one


@subcommand("run", example="tiktoker-batch run recipes/quickstart.yaml --limit ffmpeg=2")
@recipe_argument
@planning_options
@click.option("--fail-fast", is_flag=True, help="Start nothing more after the first step that fails.")
@click.option("--allow-partial", is_flag=True, help="Exit with 0 also when videos lack a segment.")
@click.option("--strict", is_flag=True, help="Do not start with a warning, as of a budget that is too small.")
@click.option(
    "--plan",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Run only if this is still the plan, as 'plan --out FILE' wrote it.",
)
@click.option("--dry-run", is_flag=True, help="Only show the plan.")
@yes_option
@progress_option
@junit_option
@trace_option
@click.pass_obj
def command(
    session: Session,
    *,
    recipe: Path,
    options: app.Options,
    fail_fast: bool,
    allow_partial: bool,
    strict: bool,
    plan: Path | None,
    dry_run: bool,
    yes: bool,
    progress: Mode,
    junit: Path | None,
    trace: Path | None,
) -> int:
    """Make the videos; what is done already is reused.

    Running again goes on where a run was stopped. The first Ctrl-C lets running steps finish, the second aborts.
    """
    options = replace(options, fail_fast=fail_fast, allow_partial=allow_partial, strict=strict)
    if dry_run:
        show_plan(recipe, options, "text")
        return ExitCode.OK
    return make(session, recipe, options, progress, reporting.Extras(junit=junit, trace=trace), yes=yes, plan=plan)


def make(
    session: Session,
    recipe: Path,
    options: app.Options,
    progress: Mode,
    extras: reporting.Extras,
    *,
    yes: bool,
    plan: Path | None = None,
) -> int:
    """Run a batch and tell how it went."""
    ask = not yes and somebody_is_there(os.environ)
    found = preview(recipe, options) if options.strict or ask or plan else None
    if found and plan:
        plan_file.require_same_plan(plan, found, options)
    if found and options.strict:
        require_no_warning(found)
    opened = found.opened if found else app.open_recipe(recipe, options)
    for warning in opened.odd_choices(options):
        say(f"warning: {warning}")
    if found and ask and not agreed(found.estimate.cost_usd, opened.recipe.budget.max_usd):
        say("nothing was started")
        return ExitCode.INTERRUPTED
    session.output, session.again = opened.layout.root, run_again(recipe, options)
    # Before and after the engine listens for itself, SIGTERM is as good as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with open_progress(progress, sys.stderr, os.environ) as sink:
        ended = running.run(opened, options, [sink])
    session.kept = (opened, ended)
    session.again = run_again(recipe, options) if ended.exit_code is ExitCode.INTERRUPTED else run_on(recipe, options)
    show(summary_text(ended.state, ended.layout, ended.spent_usd))
    for warning in ended.warnings:
        say(f"warning: {warning}")
    if ended.idle:
        say("nothing is selected, so nothing was done")
    if ended.review:
        _say_what_to_review(ended.review, session)
    _say_what_to_do(ended, session)
    reporting.write_extras(ended.layout, extras)
    tell_the_job(ended.state, ended.spent_usd)
    return ended.exit_code


def _say_what_to_review(review: Review, session: Session) -> None:
    if review.sheet:
        show(f"contact sheet: {review.sheet}")
    for file in review.files[:MOST_FILES]:
        show(f"to edit: {file}")
    if len(review.files) > MOST_FILES:
        show(f"to edit: {len(review.files) - MOST_FILES} more, one in each folder of work/")
    if review.waiting:
        say(f"{counted(review.waiting, 'shot')} waiting for review: mark them approved or locked, and run again")
    if review.files:
        show(f"edit what you like and go on with: {session.again}")


def _say_what_to_do(ended: running.Ended, session: Session) -> None:
    failures = failures_text(ended.state)
    if failures:
        say(failures)
    if ended.exit_code is ExitCode.INTERRUPTED:
        out = in_flight_text(ended.state)
        if out:
            say(out)
        say(f"interrupted; run again to go on: {session.again}")
    if ended.exit_code is ExitCode.BUDGET:
        say(f"stopped by the budget: {ended.stopped_by}\n  raise it and run again to go on: {session.again}")
