"""``import``: a recipe of what another program left."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tiktoker_batch import app
from tiktoker_batch.cli.options import debug_option, say, show
from tiktoker_batch.errors import UsageError
from tiktoker_batch.importing.mpt import import_mpt
from tiktoker_batch.importing.notes import Imported
from tiktoker_batch.importing.tiktoker import import_tiktoker
from tiktoker_batch.report.quantities import counted
from tiktoker_batch.store.artifacts import write_atomic

out_option = click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the recipe there; without it, it is printed.",
)
force_option = click.option("--force", is_flag=True, help="Overwrite FILE when it is there already.")


@click.group(
    "import",
    epilog="\b\nExample:\n  tiktoker-batch import tiktoker tiktoker/output/session_2027-01-05T10-11-12",
)
@debug_option
def command() -> None:
    """Make a recipe of a TikToker session or a MoneyPrinterTurbo batch.

    Behind each value a comment says where it comes from; what cannot be carried over is a comment and a warning. Keys
    are never copied.
    """


def _part(name: str, example: str) -> Callable[[Callable[..., Any]], click.Command]:
    def decorate(function: Callable[..., Any]) -> click.Command:
        made = command.command(name, epilog=f"\b\nExample:\n  tiktoker-batch import {name} {example}")(function)
        return debug_option(force_option(out_option(made)))

    return decorate


@_part("tiktoker", "tiktoker -o recipes/sessions.yaml")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def tiktoker(folder: Path, out: Path | None, force: bool) -> None:
    """Import a session of TikToker, or all of a project.

    DIR is a session (output/session_…) with metadata.json or pipeline-state.json, or the project's folder. styles.json
    and .env are read where TikToker keeps them.
    """
    _write(lambda: import_tiktoker(folder, app.full_catalog(), out.parent if out else None), out, force)


@_part("mpt", "tasks.jsonl -o recipes/tasks.yaml")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
def mpt(file: Path, out: Path | None, force: bool) -> None:
    """Import a batch of MoneyPrinterTurbo.

    FILE is a JSON array or JSON lines of its VideoParams, as its --batch-file takes them; the script.json of a
    finished task will do as well.
    """
    _write(lambda: import_mpt(file, app.full_catalog(), out.parent if out else None), out, force)


def _write(make: Callable[[], Imported], out: Path | None, force: bool) -> None:
    if out and out.exists() and not force:
        raise UsageError(f"{out} is there already", hint="--force overwrites it")
    made = make()
    if out:
        write_atomic(out, made.text)
    else:
        show(made.text.rstrip("\n"))
    for warning in made.warnings:
        say(f"warning: {warning}")
    if out:
        say(f"{counted(made.videos, 'video')} in {out}; next: tiktoker-batch validate {shlex.quote(str(out))}")
