"""``reconcile``: ask after requests that were left open."""

import os
import signal
import sys
from pathlib import Path

from tiktoker_batch import app, reconciling
from tiktoker_batch.cli.options import (
    echo_json,
    format_option,
    looking_options,
    progress_option,
    say,
    show,
    subcommand,
    target_argument,
)
from tiktoker_batch.report.console import Mode, open_progress
from tiktoker_batch.report.reconcile_text import reconcile_text


@subcommand("reconcile", example="tiktoker-batch reconcile output/week12")
@target_argument
@looking_options
@progress_option
@format_option
def command(*, target: Path, options: app.Options, progress: Mode, form: str) -> int:
    """Ask after paid requests that were left open; buy nothing.

    Requests whose answer never came, or whose result was never fetched, are looked for at their providers, and what is
    there is taken in. 'run' does the same by itself. Exits with 0 when nothing is left open, else with 1; with --select
    and --exclude, nothing of these steps.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with open_progress(progress, sys.stderr, os.environ) as sink:
        done = reconciling.reconcile(target, options, [sink])
    for warning in done.odd:
        say(f"warning: {warning}")
    if form == "json":
        echo_json([each.to_json() for each in done.found])
    else:
        show(reconcile_text(done.found, done.others))
    return done.exit_code
