"""``status``: how far a batch is."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tiktoker_batch import app
from tiktoker_batch.cli.options import (
    echo_json,
    format_option,
    output_option,
    run_command,
    show,
    subcommand,
    target_argument,
)
from tiktoker_batch.report.status_text import status_text
from tiktoker_batch.store.manifest import manifest_json

FOLLOW_SECONDS = 1.0


@subcommand("status", example="tiktoker-batch status output/quickstart")
@target_argument
@output_option
@click.option("--follow", is_flag=True, help="Tell again whenever something has changed, until the run ends.")
@format_option
def command(*, target: Path, output: Path | None, follow: bool, form: str) -> None:
    """Show how far a batch is, also while it runs.

    JSON has the shape of manifest.json.
    """
    options, told = app.Options(output=output), -1
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
    show(status_text(standing.state, standing.layout, abandoned=standing.abandoned, again=_again(standing)))


def _again(standing: app.Standing) -> str | None:
    """The command that goes on with a batch which is neither done nor at work."""
    state, root = standing.state, standing.layout.root
    if standing.running or state.state == "done":
        return None
    usual = root == Path("output") / state.name
    told: Mapping[str, Any] = state.options
    profiles, assignments = (tuple(told.get(key, ())) for key in ("profiles", "set"))
    options = app.Options(output=None if usual else root, profiles=profiles, assignments=assignments)
    return run_command(Path(state.recipe), options)
