"""The command line: flags to a use case, its answer to the terminal, an exit code.

A command's module is imported when the command is called: ``--help`` answers at once.
"""

import gc
import importlib
import keyword
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any, NoReturn

import click

from tiktoker_batch import __version__
from tiktoker_batch.cli.failures import explain
from tiktoker_batch.cli.options import Session, debug_option
from tiktoker_batch.recipe.suggest import did_you_mean

# In the order of work; each text is the first line of the command's own help.
COMMANDS = {
    "init": "Write a starter recipe that runs, with comments.",
    "import": "Make a recipe of a TikToker session or a MoneyPrinterTurbo batch.",
    "validate": "Check recipes without running them.",
    "render": "Print every prompt as it will be sent.",
    "plan": "Show what would run, what it costs and how long it takes.",
    "run": "Make the videos; what is done already is reused.",
    "resume": "Go on with a batch that was stopped, as it was run.",
    "rehearse": "Run the batch against simulated services: how long, how much, what if.",
    "status": "Show how far a batch is, also while it runs.",
    "report": "Write the report again and print its path.",
    "merge": "Make one batch out of the shards of several machines.",
    "calendar": "Show when what is published.",
    "reconcile": "Ask after paid requests that were left open; buy nothing.",
    "styles": "List the looks a recipe can name.",
    "voices": "List the narrators a recipe can name.",
    "models": "List the models a recipe can name, with their prices.",
    "cache": "Show or clear up what is kept for other batches.",
    "schema": "Print the JSON Schema of recipes, for editors.",
    "simulator": "Serve the providers' protocols on this machine.",
    "doctor": "Check this machine and say how to mend what is missing.",
}

EXIT_CODES = """\b
Exit codes:
  0    every video is done
  1    a video failed or is partial
  2    wrong usage or a problem in the recipe; nothing was started
  3    the environment is not ready (a key, ffmpeg, disk); nothing was started
  4    stopped by the budget; run again to go on
  5    another process is at work in the output folder
  70   a fault of tiktoker-batch itself
  130  interrupted; run again to go on"""


def load_command(name: str) -> click.Command:
    """One of the commands, from the module of its name; behind a keyword of Python stands an underscore."""
    module = importlib.import_module(f"tiktoker_batch.cli.{name}{'_' * keyword.iskeyword(name)}")
    command: click.Command = module.command
    return command


class LazyGroup(click.Group):
    """The commands of the table above, each loaded on call."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them, in the order of work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise click.UsageError(f"no command is called {name!r}{did_you_mean(name, COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
@debug_option
def group() -> None:
    """One YAML recipe in, finished short videos out.

    \b
    Example:
      tiktoker-batch run recipes/quickstart.yaml
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    _print_whatever_the_terminal_can()
    # A large batch makes half a million values at its start and hardly a cycle. An engine at work is searched again.
    gc.disable()
    session = Session()
    try:
        code: Any = group.main(args, prog_name="tiktoker-batch", standalone_mode=False, obj=session)
    except SystemExit:
        raise
    except BaseException as error:  # noqa: ASYNC103  (outside the event loop; every path exits)
        code = explain(error, session)
    sys.exit(int(code or 0))


def _print_whatever_the_terminal_can() -> None:
    """On a terminal that is not UTF-8, a character it lacks becomes ``?`` instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
