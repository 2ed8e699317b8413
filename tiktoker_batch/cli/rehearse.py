"""``rehearse``: the batch against simulated services."""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from tiktoker_batch import app, rehearsal
from tiktoker_batch.cli.options import (
    Session,
    account_option,
    echo_json,
    faults_option,
    format_option,
    progress_option,
    recipe_argument,
    rehearsing_options,
    say,
    seed_option,
    show,
    speed_option,
    subcommand,
)
from tiktoker_batch.report.console import Mode, open_progress
from tiktoker_batch.report.rehearsal_text import rehearsal_text
from tiktoker_batch.report.run_text import failures_text, summary_text


@subcommand("rehearse", example="tiktoker-batch rehearse recipes/week12.yaml --faults 0.1 --seed 7")
@recipe_argument
@rehearsing_options
@speed_option
@faults_option
@seed_option
@account_option
@progress_option
@format_option
@click.pass_obj
def command(
    session: Session,
    *,
    recipe: Path,
    options: app.Options,
    speed: float,
    faults: float,
    seed: int,
    accounts: Mapping[str, int],
    progress: Mode,
    form: str,
) -> int:
    """Run the batch against simulated services: how long, how much, what if.

    Each model has its own latency and price, waiting is sped up, and nothing is paid. What is made goes to a folder
    of its own, NAME-rehearsal. Work on this machine is done for real, and counts what it takes. It begins from
    nothing: for --select and --exclude every video is pending.
    """
    opened = rehearsal.open_rehearsal(recipe, options)
    for warning in opened.odd_choices(options):
        say(f"warning: {warning}")
    session.output = opened.layout.root
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    how = rehearsal.Rehearsal(speed=speed, faults=faults, seed=seed, account=accounts)
    with open_progress(progress, sys.stderr, os.environ) as sink:
        rehearsed = rehearsal.rehearse(opened, options, how, [sink])
    ended = rehearsed.ended
    if form == "json":
        echo_json(rehearsed.to_json())
    else:
        show(summary_text(ended.state, ended.layout, ended.spent_usd))
        show(rehearsal_text(rehearsed.makespan_seconds, rehearsed.paid_usd, rehearsed.ledger))
    failures = failures_text(ended.state)
    if failures:
        say(failures)
    if ended.stopped_by:
        say(f"stopped by the budget: {ended.stopped_by}")
    return ended.exit_code
