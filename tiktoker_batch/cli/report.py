"""``report``: write the report again."""

from pathlib import Path

import click

from tiktoker_batch import app
from tiktoker_batch.cli.options import output_option, show, subcommand, target_argument


@subcommand("report", example="tiktoker-batch report output/quickstart --open")
@target_argument
@output_option
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
def command(target: Path, output: Path | None, open_it: bool) -> None:
    """Write the report again and print its path."""
    path = app.report(target, app.Options(output=output))
    show(str(path))
    if open_it:
        click.launch(path.absolute().as_uri())
