"""Numbers as people read them."""

from collections.abc import Collection, Sequence
from decimal import Decimal

from tiktoker_batch.planning.schedule import Range


def seconds_text(seconds: float) -> str:
    """``0.4 s``, ``1 min 15 s``, ``1 h 02 min``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def range_text(time: Range) -> str:
    """``about 12 min (9 to 20)``: in one unit, with no more digits than an estimate deserves."""
    unit, name = next((unit for unit in _UNITS if time.seconds < unit[2]), _UNITS[-1])[:2]
    about, low, high = (_rounded(each / unit) for each in (time.seconds, time.low, time.high))
    between = f" ({low} to {high})" if low != high else ""
    return f"about {about} {name}{between}"


_UNITS = ((1.0, "s", 90.0), (60.0, "min", 5400.0), (3600.0, "h", 1e9))


def _rounded(value: float) -> str:
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def clock_text(seconds: float) -> str:
    """``00:12.3`` or ``1:02:03.4``: a time that keeps its width while it runs."""
    tenths = int(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    long = f"{hours}:" if hours else ""
    return f"{long}{minutes:02d}:{rest // 10:02d}.{rest % 10}"


def usd_text(amount: Decimal) -> str:
    """``$12.50``; small amounts keep the digits that matter (``$0.0032``)."""
    if 0 < amount < Decimal("0.1"):
        return f"${amount.quantize(Decimal('0.0001'))}"
    return f"${amount.quantize(Decimal('0.01'))}"


def counted(number: int, noun: str) -> str:
    """``1 video``, ``2 videos``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def columns(rows: Sequence[Sequence[str]], *, right: Collection[int] = (), indent: int = 2) -> list[str]:
    """Rows as lines with their columns aligned; ``right`` names the columns (from 0) that align on the right."""
    if not rows:
        return []
    widths = [max(len(row[index]) for row in rows if index < len(row)) for index in range(max(map(len, rows)))]
    return [_line(row, widths, right, indent) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int], right: Collection[int], indent: int) -> str:
    cells = (
        cell.rjust(width) if index in right else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=False))
    )
    return (" " * indent + "  ".join(cells)).rstrip()


def one_line(text: str, limit: int = 300) -> str:
    """A message of several lines as one, not longer than a reader can take in."""
    joined = " ".join(text.split())
    return joined if len(joined) <= limit else joined[: limit - 1] + "…"
