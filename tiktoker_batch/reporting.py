"""What a batch leaves for people and for CI jobs besides its videos, from the journal alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tiktoker_batch.app import Options, history, output_of
from tiktoker_batch.environment import environment
from tiktoker_batch.providers.registry import keys_set
from tiktoker_batch.redaction import Secrets
from tiktoker_batch.report.html import write_report
from tiktoker_batch.report.junit import junit_xml
from tiktoker_batch.report.run_markdown import run_markdown
from tiktoker_batch.report.trace import trace_json
from tiktoker_batch.store.artifacts import disk_errors, write_atomic
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import BatchState, fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """Files that are written only if somebody asks for them."""

    junit: Path | None = None
    trace: Path | None = None

    def __bool__(self) -> bool:
        return self.junit is not None or self.trace is not None


def report(target: Path, options: Options, extras: Extras | None = None) -> Path:
    """Write the report again, and the extras.

    :raises UsageError: there is no batch.
    :raises TiktokerError: a file cannot be written.
    """
    layout = output_of(target, options)
    written = write_report(layout, fold(history(layout)))
    write_extras(layout, extras or Extras())
    return written


def write_extras(layout: Layout, extras: Extras) -> None:
    """Write what is asked for, each file complete or not at all.

    :raises TiktokerError: one of them cannot be written.
    """
    if not extras:
        return
    records = history(layout)
    if extras.junit:
        state = fold(records)
        secrets = Secrets(keys_set(environment(Path(state.recipe))))
        _write(extras.junit, junit_xml(state, secrets.redact))
    if extras.trace:
        _write(extras.trace, trace_json(records))


def _write(file: Path, text: str) -> None:
    write_atomic(file, text)


def append_job_summary(state: BatchState, spent_usd: Decimal, environ: Mapping[str, str]) -> None:
    """Tell how a batch ended, which spent this much, on the page of the GitHub job; elsewhere nothing happens.

    :raises TiktokerError: the file cannot be written.
    """
    named = environ.get("GITHUB_STEP_SUMMARY")
    if not named:
        return
    text = run_markdown(state, spent_usd)
    with disk_errors(Path(named)), Path(named).open("a", encoding="utf-8", errors="replace") as file:
        file.write(text)
