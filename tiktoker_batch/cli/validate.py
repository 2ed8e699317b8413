"""``validate``: check recipes without running them."""

import re
from pathlib import Path
from typing import Any

import click

from tiktoker_batch import app
from tiktoker_batch.cli.options import (
    echo_json,
    format_option,
    profile_option,
    recipe_options,
    recipes_argument,
    say,
    set_option,
    show,
    subcommand,
)
from tiktoker_batch.errors import ExitCode, RecipeError
from tiktoker_batch.report.quantities import counted

_PLACED = re.compile(r"(\S.*?:\d+:\d+:) ")


@subcommand("validate", example="tiktoker-batch validate recipes/quickstart.yaml")
@recipes_argument
@recipe_options(profile_option, set_option)
@click.option("--strict", is_flag=True, help="A warning is an error.")
@format_option
def command(*, recipes: tuple[Path, ...], options: app.Options, strict: bool, form: str) -> int:
    """Check recipes without running them.

    Every problem is shown at once as file:line:column, with the nearest valid name.
    """
    checked = app.validate(recipes, options)
    problems = [problem for each in checked for problem in each.problems]
    refused = strict and any(each.warnings for each in checked)
    if form == "json":
        echo_json([_as_json(each) for each in checked])
        return ExitCode.USAGE if problems or refused else ExitCode.OK
    for each in checked:
        if each.opened:
            videos, steps = len(each.opened.plan.videos), len(each.opened.plan.steps)
            show(f"{each.path}: ok ({counted(videos, 'video')}, {counted(steps, 'step')})")
            for warning in each.warnings:
                say(warning_line(each.path, warning))
    if problems:
        raise RecipeError(problems)
    return ExitCode.USAGE if refused else ExitCode.OK


def warning_line(path: Path, warning: str) -> str:
    """``path:line:column: warning: ...`` where it has a place, else the recipe's name before it."""
    placed = _PLACED.match(warning)
    if placed:
        return f"{placed[1]} warning: {warning[placed.end() :]}"
    return f"{path}: warning: {warning}"


def _as_json(checked: app.Checked) -> dict[str, Any]:
    plan = checked.opened.plan if checked.opened else None
    return {
        "recipe": str(checked.path),
        "ok": not checked.problems,
        "videos": len(plan.videos) if plan else None,
        "steps": len(plan.steps) if plan else None,
        "warnings": checked.warnings,
        "problems": [
            {"path": each.path, "line": each.line, "column": each.column, "message": each.message}
            for each in checked.problems
        ],
    }
