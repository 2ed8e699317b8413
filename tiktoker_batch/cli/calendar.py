"""``calendar``: when what is published."""

import sys
from pathlib import Path

import click

from tiktoker_batch.app import Options
from tiktoker_batch.cli.options import (
    OneOf,
    echo_json,
    looking_options,
    recipe_argument,
    say,
    show,
    subcommand,
)
from tiktoker_batch.publishing import Calendar, content_calendar
from tiktoker_batch.report.calendar import calendar_csv, calendar_html, calendar_ics, calendar_json, calendar_text
from tiktoker_batch.report.quantities import counted


@subcommand("calendar", example="tiktoker-batch calendar recipes/week12.yaml --format ics > week12.ics")
@recipe_argument
@looking_options
@click.option(
    "--format",
    "form",
    type=OneOf(["text", "json", "csv", "ics", "html"]),
    default="text",
    show_default=True,
    help="A table, JSON, a spreadsheet, a file for calendar programs, or a page with months.",
)
def command(*, recipe: Path, options: Options, form: str) -> None:
    """Show when what is published.

    Moments that clash, are past, or posts that a platform would refuse come as warnings.
    """
    found = content_calendar(recipe, options)
    _print(found, form)
    for warning in found.warnings:
        say(f"warning: {warning}")
    if found.without:
        say(f"{counted(len(found.without), 'video')} without publish.at or publish.every")


def _print(found: Calendar, form: str) -> None:
    match form:
        case "json":
            echo_json(calendar_json(found.entries))
        case "csv":
            _write(calendar_csv(found.entries).encode("utf-8"))
        case "ics":
            _write(calendar_ics(found.entries, found.batch, found.revised))
        case "html":
            _write(calendar_html(found.entries, found.batch).encode("utf-8"))
        case _:
            show(calendar_text(found.entries))


def _write(content: bytes) -> None:
    """Files for other programs are the same bytes in every terminal."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
