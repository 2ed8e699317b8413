"""``cache``: what was bought, kept for other batches."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from tiktoker_batch import app
from tiktoker_batch.cli.options import debug_option, echo_json, format_option, show
from tiktoker_batch.errors import UsageError
from tiktoker_batch.report.quantities import columns
from tiktoker_batch.store.cache import Cache, Freed


@click.group("cache", epilog="\b\nExample:\n  tiktoker-batch cache info", context_settings={"show_default": True})
@debug_option
def command() -> None:
    """Show or clear up what is kept for other batches.

    Results that a service was paid for are kept in TIKTOKER_CACHE_DIR or the user's cache folder, up to
    TIKTOKER_CACHE_GB (10). What was not used for the longest time goes first.
    """


def _part(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    def decorate(function: Callable[..., Any]) -> click.Command:
        made = command.command(name, epilog=f"\b\nExample:\n  tiktoker-batch cache {name}")(function)
        return debug_option(format_option(made))

    return decorate


@_part("info")
def info(form: str) -> None:
    """Show where it is, how much there is and when it was used."""
    cache = app.artifact_cache()
    held = cache.holdings()
    if form == "json":
        echo_json(
            {
                "folder": str(cache.folder),
                "entries": held.entries,
                "bytes": held.bytes,
                "limit_bytes": cache.limit_bytes,
                "oldest_use": _time(held.oldest),
                "newest_use": _time(held.newest),
            }
        )
        return
    rows = [
        ["folder", str(cache.folder)],
        ["entries", f"{held.entries}"],
        ["size", f"{_size(held.bytes)} of at most {_size(cache.limit_bytes)}"],
        ["oldest use", _time(held.oldest) or "-"],
        ["newest use", _time(held.newest) or "-"],
    ]
    for line in columns(rows, indent=0):
        show(line)


@_part("gc")
def gc(form: str) -> None:
    """Remove the longest unused results beyond the limit.

    A run does it by itself when it ends.
    """
    cache = app.artifact_cache()
    _tell(cache.gc(), cache, form)


@_part("clear")
@click.option("--yes", is_flag=True, help="Do not ask.")
def clear(form: str, yes: bool) -> None:
    """Remove everything; finished batches keep their own files."""
    cache = app.artifact_cache()
    held = cache.holdings()
    if held.entries and not yes and not _agrees(f"Remove {_results(held.entries)} ({_size(held.bytes)})?"):
        raise UsageError("nothing was removed", hint="tiktoker-batch cache clear --yes does not ask")
    _tell(cache.clear(), cache, form)


def _agrees(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort:  # nobody is there to answer
        return False


def _tell(freed: Freed, cache: Cache, form: str) -> None:
    if form == "json":
        echo_json({"folder": str(cache.folder), "removed_entries": freed.entries, "removed_bytes": freed.bytes})
        return
    left = cache.holdings()
    show(
        f"removed {_results(freed.entries)} ({_size(freed.bytes)}); {_results(left.entries)} left ({_size(left.bytes)})"
    )


def _results(count: int) -> str:
    return f"{count} result{'' if count == 1 else 's'}"


def _size(count: int) -> str:
    return f"{count / 10**9:.2f} GB" if count >= 10**8 else f"{count / 10**6:.1f} MB"


def _time(at: float | None) -> str | None:
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds") if at is not None else None
