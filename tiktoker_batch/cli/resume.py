"""``resume``: go on with a batch."""

from pathlib import Path

import click

from tiktoker_batch import reconciling, reporting
from tiktoker_batch.cli.options import Session, junit_option, progress_option, subcommand, trace_option, yes_option
from tiktoker_batch.cli.run import make
from tiktoker_batch.report.console import Mode


@subcommand("resume", example="tiktoker-batch resume output/week12")
@click.argument("output_dir", type=click.Path(path_type=Path, exists=True, file_okay=False))
@yes_option
@progress_option
@junit_option
@trace_option
@click.pass_obj
def command(
    session: Session, *, output_dir: Path, yes: bool, progress: Mode, junit: Path | None, trace: Path | None
) -> int:
    """Go on with a batch that was stopped, as it was run.

    This is 'run' of the recipe that the batch was made from, with the options it was last run with.
    """
    recipe, options = reconciling.resumed(output_dir)
    return make(session, recipe, options, progress, reporting.Extras(junit=junit, trace=trace), yes=yes)
