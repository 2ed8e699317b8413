"""``simulator``: the providers' protocols on loopback."""

from collections.abc import Mapping
from pathlib import Path

import click

from tiktoker_batch import rehearsal
from tiktoker_batch.cli.options import (
    account_option,
    faults_option,
    optional_recipe_argument,
    say,
    seed_option,
    show,
    speed_option,
    subcommand,
)
from tiktoker_batch.errors import ExitCode
from tiktoker_batch.report.rehearsal_text import books_lines


@subcommand("simulator", example="tiktoker-batch simulator --port 8787 --speed 20")
@optional_recipe_argument
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="0 takes any that is free."
)
@speed_option
@faults_option
@seed_option
@account_option
def command(
    *, recipe: Path | None, port: int, speed: float, faults: float, seed: int, accounts: Mapping[str, int]
) -> int:
    """Serve the providers' protocols on this machine.

    Prints the environment in which every provider speaks to it; any key will do. With a recipe it also knows the
    models and voices that the recipe declares. Its books are at /_simulator/ledger. Ends with Ctrl-C.
    """

    def ready(environ: dict[str, str]) -> None:
        for name, value in environ.items():
            show(f"export {name}={value}")
        say(f"simulating fal, ElevenLabs and OpenRouter, {speed:g} times faster; Ctrl-C ends it")

    how = rehearsal.Rehearsal(speed=speed, faults=faults, seed=seed, account=accounts)
    world = rehearsal.serve(port, how, ready, recipe)
    say("\n".join(books_lines(rehearsal.books(world)) or ["nothing was asked for"]))
    return ExitCode.OK
