"""What a rehearsal predicts: the time, the money, and what the services had to do."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tiktoker_batch.report.quantities import columns, counted, seconds_text, usd_text


def rehearsal_text(makespan_seconds: float, paid_usd: Decimal, ledger: Mapping[str, Any]) -> str:
    """The prediction, a line for each model, and the troubles that were met."""
    predicted = f"predicted: {seconds_text(makespan_seconds)} and {usd_text(paid_usd)}; nothing was paid"
    return "\n".join([predicted, *books_lines(ledger)])


def books_lines(ledger: Mapping[str, Any]) -> list[str]:
    """What simulated services charged for, a line for each model, and the troubles that they made."""
    lines = columns(
        [[name, counted(counts["paid"], "paid job"), _repeated(counts)] for name, counts in ledger["models"].items()]
    )
    met = sum(ledger["faults"].values())
    if met:
        kinds = ", ".join(f"{name} {count}" for name, count in ledger["faults"].items())
        lines.append(f"{counted(met, 'trouble')} met: {kinds}")
    return lines


def _repeated(counts: Mapping[str, int]) -> str:
    failed = counts["accepted"] - counts["paid"]
    return f"{failed} more accepted and not charged" if failed else ""
