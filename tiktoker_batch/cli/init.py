"""``init``: start from a template."""

import shlex
from datetime import datetime
from pathlib import Path

import click

from tiktoker_batch.cli.options import OneOf, say, show, subcommand
from tiktoker_batch.starting import TEMPLATES, start


@subcommand("init", example="tiktoker-batch init my-videos --template weekly")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--template", type=OneOf(TEMPLATES), default="quickstart", show_default=True)
def command(folder: Path, template: str) -> None:
    """Write a starter recipe that runs, with comments.

    Into DIR or the working folder; nothing that is there is overwritten.

    \b
    quickstart  two short videos, made on this machine
    weekly      a video a day, with publishing times, a style of its own and a budget
    calendar    posts from a CSV file in two languages, a brand kit, and workflows for GitHub and GitLab
    """
    files = start(folder, template, datetime.now().astimezone().date())
    for path in files:
        show(str(path))
    inside = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    say(f"\nnext:  {inside}tiktoker-batch run {files[0].relative_to(folder)}")
