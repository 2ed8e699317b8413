"""``doctor``: is this machine ready?"""

import dataclasses
from pathlib import Path

import click

from tiktoker_batch.app import Options
from tiktoker_batch.cli.options import (
    echo_json,
    format_option,
    looking_options,
    optional_recipe_argument,
    show,
    subcommand,
)
from tiktoker_batch.doctor.check import Check, exit_code
from tiktoker_batch.doctor.examine import examine
from tiktoker_batch.report.quantities import columns, counted


@subcommand("doctor", example="tiktoker-batch doctor recipes/week12.yaml")
@optional_recipe_argument
@looking_options
@click.option("--offline", is_flag=True, help="Ask no account whether it accepts its key.")
@format_option
def command(*, recipe: Path | None, options: Options, offline: bool, form: str) -> int:
    """Check this machine and say how to mend what is missing.

    With a recipe, also everything that it, or what is selected of it, needs. Keys are looked at, never shown; each
    account that has one is asked whether it accepts it, which costs nothing.
    """
    checks = examine(recipe, options, offline=offline)
    if form == "json":
        echo_json([dataclasses.asdict(check) for check in checks])
    else:
        show("\n".join(_lines(checks)))
    return exit_code(checks)


def _lines(checks: list[Check]) -> list[str]:
    rows = columns([[check.verdict, check.name, check.message] for check in checks], indent=0)
    lines = []
    for check, row in zip(checks, rows, strict=True):
        lines.append(row)
        lines += [f"         {check.mend}"] if check.mend else []
    problems = sum(check.verdict == "problem" for check in checks)
    return [*lines, f"{counted(problems, 'problem')} to mend" if problems else "ready"]
