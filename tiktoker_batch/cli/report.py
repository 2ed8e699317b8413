"""``report``: write the report again."""

from pathlib import Path

import click

from tiktoker_batch import app, reporting
from tiktoker_batch.cli.options import (
    junit_option,
    output_option,
    recipe_options,
    show,
    subcommand,
    target_argument,
    trace_option,
)


@subcommand("report", example="tiktoker-batch report output/quickstart --open")
@target_argument
@recipe_options(output_option)
@junit_option
@trace_option
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
def command(*, target: Path, options: app.Options, junit: Path | None, trace: Path | None, open_it: bool) -> None:
    """Write the report again and print its path."""
    path = reporting.report(target, options, reporting.Extras(junit=junit, trace=trace))
    show(str(path))
    if open_it:
        click.launch(path.absolute().as_uri())
