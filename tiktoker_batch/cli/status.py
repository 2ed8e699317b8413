"""``status``: how far a batch is."""

import time
from pathlib import Path

import click

from tiktoker_batch.app import Options
from tiktoker_batch.cli.again import go_on
from tiktoker_batch.cli.options import (
    echo_json,
    exclude_option,
    format_option,
    output_option,
    recipe_options,
    say,
    select_option,
    show,
    subcommand,
    target_argument,
)
from tiktoker_batch.report.status_text import status_text
from tiktoker_batch.standing import Standing, watch
from tiktoker_batch.store.manifest import manifest_json

FOLLOW_SECONDS = 1.0


@subcommand("status", example="tiktoker-batch status output/quickstart")
@target_argument
@recipe_options(output_option, select_option, exclude_option)
@click.option("--follow", is_flag=True, help="Tell again whenever something has changed, until the run ends.")
@format_option
def command(*, target: Path, options: Options, follow: bool, form: str) -> None:
    """Show how far a batch is, also while it runs.

    JSON has the shape of manifest.json. --select and --exclude choose the videos that are listed; the totals stay those
    of the whole batch.
    """
    look, told = watch(target, options), -1
    while True:
        standing = look()
        for warning in standing.odd if told < 0 else ():
            say(f"warning: {warning}")
        if standing.records != told:
            told = standing.records
            _show(standing, form)
        if not follow or not standing.running:
            return
        time.sleep(FOLLOW_SECONDS)


def _show(standing: Standing, form: str) -> None:
    if form == "json":
        manifest = manifest_json(standing.state)
        chosen = [video for video in manifest["videos"] if standing.videos is None or video["id"] in standing.videos]
        echo_json({**manifest, "videos": chosen})
        return
    show(
        status_text(
            standing.state,
            standing.layout,
            abandoned=standing.abandoned,
            again=go_on(standing),
            videos=standing.videos,
        )
    )
