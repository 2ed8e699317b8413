"""``validate``: check recipes without running them."""

import re
from pathlib import Path
from typing import Any

import click

from tiktoker_batch import app
from tiktoker_batch.cli.options import (
    echo_json,
    format_option,
    looking_options,
    recipes_argument,
    say,
    show,
    subcommand,
)
from tiktoker_batch.errors import ExitCode, RecipeError
from tiktoker_batch.model import Plan
from tiktoker_batch.report.quantities import counted
from tiktoker_batch.validating import Checked, validate

_PLACED = re.compile(r"(\S.*?:\d+:\d+:) ")


@subcommand("validate", example="tiktoker-batch validate recipes/quickstart.yaml")
@recipes_argument
@looking_options
@click.option("--strict", is_flag=True, help="A warning is an error.")
@format_option
def command(*, recipes: tuple[Path, ...], options: app.Options, strict: bool, form: str) -> int:
    """Check recipes without running them.

    Every problem is shown at once as file:line:column, with the nearest valid name. With --select and --exclude only
    these videos are warned about; what is wrong with any video is told all the same, since nothing runs then.
    """
    checked = validate(recipes, options)
    problems = [problem for each in checked for problem in each.problems]
    refused = strict and any(each.warnings for each in checked)
    if form == "json":
        echo_json([_as_json(each) for each in checked])
        return ExitCode.USAGE if problems or refused else ExitCode.OK
    for each in checked:
        if each.plan:
            show(f"{each.path}: ok ({_size(each, each.plan)})")
            for warning in each.warnings:
                say(warning_line(each.path, warning))
    if problems:
        raise RecipeError(problems)
    return ExitCode.USAGE if refused else ExitCode.OK


def _size(checked: Checked, plan: Plan) -> str:
    """``7 videos, 60 steps``; ``2 of 7 videos looked at``."""
    videos = counted(len(plan.videos), "video")
    if len(checked.looked_at) < len(plan.videos):
        return f"{len(checked.looked_at)} of {videos} looked at"
    return f"{videos}, {counted(len(plan.steps), 'step')}"


def warning_line(path: Path, warning: str) -> str:
    """``path:line:column: warning: ...`` where it has a place, else the recipe's name before it."""
    placed = _PLACED.match(warning)
    if placed:
        return f"{placed[1]} warning: {warning[placed.end() :]}"
    return f"{path}: warning: {warning}"


def _as_json(checked: Checked) -> dict[str, Any]:
    videos = checked.looked_at if checked.plan else None
    return {
        "recipe": str(checked.path),
        "ok": not checked.problems,
        "videos": None if videos is None else len(videos),
        "steps": None if videos is None else sum(len(planned.steps) for planned in videos),
        "warnings": list(checked.warnings),
        "problems": [
            {"path": each.path, "line": each.line, "column": each.column, "message": each.message}
            for each in checked.problems
        ],
    }
