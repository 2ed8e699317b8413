"""``status``: how far a batch is."""

import time
from pathlib import Path

import click

from tiktoker_batch import app
from tiktoker_batch.cli.again import go_on
from tiktoker_batch.cli.options import (
    echo_json,
    format_option,
    output_option,
    recipe_options,
    show,
    subcommand,
    target_argument,
)
from tiktoker_batch.report.status_text import status_text
from tiktoker_batch.store.manifest import manifest_json

FOLLOW_SECONDS = 1.0


@subcommand("status", example="tiktoker-batch status output/quickstart")
@target_argument
@recipe_options(output_option)
@click.option("--follow", is_flag=True, help="Tell again whenever something has changed, until the run ends.")
@format_option
def command(*, target: Path, options: app.Options, follow: bool, form: str) -> None:
    """Show how far a batch is, also while it runs.

    JSON has the shape of manifest.json.
    """
    told = -1
    while True:
        standing = app.status(target, options)
        if standing.records != told:
            told = standing.records
            _show(standing, form)
        if not follow or not standing.running:
            return
        time.sleep(FOLLOW_SECONDS)


def _show(standing: app.Standing, form: str) -> None:
    if form == "json":
        echo_json(manifest_json(standing.state))
        return
    show(status_text(standing.state, standing.layout, abandoned=standing.abandoned, again=go_on(standing)))
