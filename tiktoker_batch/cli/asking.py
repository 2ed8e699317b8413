"""Asking before money is spent, where somebody is there to answer."""

import sys
from collections.abc import Mapping
from decimal import Decimal

import click

from tiktoker_batch.cli.options import say
from tiktoker_batch.report.quantities import usd_text


def somebody_is_there(environ: Mapping[str, str]) -> bool:
    """Whether a question would be seen and could be answered; never in a CI job, also not in one with a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not environ.get("CI")


def agreed(cost_usd: Decimal, budget_usd: Decimal | None) -> bool:
    """Ask once whether so much may be spent; anything but yes is a no. What costs nothing is not asked about."""
    if cost_usd <= 0:
        return True
    budget = "no budget" if budget_usd is None else f"budget {usd_text(budget_usd)}"
    # Not click.confirm: that one writes to stdout, which is for data.
    click.echo(f"This will spend about {usd_text(cost_usd)} ({budget}). Go on? [y/N] ", file=sys.stderr, nl=False)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        say("")
    return answer.strip().lower() in {"y", "yes"}
