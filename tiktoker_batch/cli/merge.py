"""``merge``: one batch out of the shards of several machines."""

from pathlib import Path

import click

from tiktoker_batch.cli.job_page import tell_the_job
from tiktoker_batch.cli.options import say, show, subcommand
from tiktoker_batch.merging import merge
from tiktoker_batch.report.quantities import counted
from tiktoker_batch.report.run_text import failures_text, summary_text


@subcommand("merge", example="tiktoker-batch merge shard-1 shard-2 shard-3 --output output/week12")
@click.argument(
    "folders",
    metavar="OUTPUT_DIR...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A new folder for the whole."
)
def command(*, folders: tuple[Path, ...], output: Path) -> None:
    """Make one batch out of the shards of several machines.

    Their output folders, of runs of one recipe with --shard, become one with one manifest, one report and all files; a
    run of the recipe there goes on with what is left. Folders that do not belong together are refused, and so are two
    different results of one step.
    """
    merged = merge(folders, output)
    show(summary_text(merged.state, merged.layout, merged.state.spent_usd))
    failures = failures_text(merged.state)
    if failures:
        say(failures)
    if merged.missing:
        files = counted(len(merged.missing), "intermediate file")
        say(f"warning: none of the folders had {files} (as {merged.missing[0]}); a run would make them again")
    tell_the_job(merged.state, merged.state.spent_usd)
