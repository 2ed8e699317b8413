"""The journal survives what kills a process: every prefix of it, cut at any byte, is a journal."""

import json
import multiprocessing
import os
import stat
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.journals import MORNING, Run, golden, write_journal
from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.events import AttemptFailed, Record, StepQueued
from tiktoker_batch.records import record_from_line, record_to_json, record_to_line
from tiktoker_batch.store.journal import Journal, last_run, read_journal, read_lines, rewrite
from tiktoker_batch.store.state import fold


@cache
def golden_bytes() -> bytes:
    """The golden batch as a file."""
    return b"".join(json.dumps(record_to_json(record)).encode() + b"\n" for record in golden())


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = write_journal(tmp_path / "out" / "journal.jsonl", golden())
    assert read_journal(path) == golden()


def test_a_line_is_plain_json_with_its_letters(tmp_path: Path) -> None:
    run = Run(number=1, began=MORNING)
    run.start(batch="Неделя 12")
    path = write_journal(tmp_path / "j", run.records())
    assert '"batch":"Неделя 12"' in path.read_text(encoding="utf-8")


def test_a_later_run_appends_to_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "j"
    write_journal(path, golden()[:10])
    write_journal(path, golden()[10:])
    assert read_journal(path) == golden()


def test_half_a_surrogate_pair_survives(tmp_path: Path) -> None:
    record = Record(at=MORNING, elapsed=0.0, run=1, event=StepQueued(step="a\ud83d/story", attempt=1))
    assert read_journal(write_journal(tmp_path / "j", [record])) == (record,)


@given(cut=st.integers(0, len(golden_bytes())))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_journal_cut_at_any_byte_reads_folds_and_goes_on(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j"
    path.write_bytes(golden_bytes()[:cut])
    whole = golden_bytes()[:cut].count(b"\n")
    assert read_journal(path) == golden()[:whole]
    fold(read_journal(path))
    write_journal(path, golden()[whole:])
    assert read_journal(path) == golden()


@given(tail=st.binary(max_size=9000).filter(lambda tail: b"\n" not in tail))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_torn_tail_is_passed_over_and_cut_off(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "j"
    path.write_bytes(golden_bytes() + tail)
    assert read_journal(path) == golden()
    write_journal(path, ())
    assert path.read_bytes() == golden_bytes()


def test_an_event_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    path = write_journal(tmp_path / "j", golden()[:2])
    with path.open("a") as file:
        file.write('{"event":"moon_landed","at":"2027-03-15T09:00:00Z","elapsed":1,"run":1,"crew":3}\n\n')
    write_journal(path, golden()[2:])
    assert read_journal(path) == golden()


@pytest.mark.parametrize(
    "damaged",
    [
        b"{not json}",
        b"[]",
        b"7",
        b'{"event":"step_queued"}',
        b'{"event":"step_queued","at":"noon","elapsed":1,"run":1,"step":"a","attempt":1}',
        b'{"event":"step_queued","at":"2027-03-15T09:00:00Z","elapsed":"1","run":1,"step":"a","attempt":1}',
        b'{"event":"step_queued","at":"2027-03-15T09:00:00Z","elapsed":1,"run":1,"step":"a"}',
        b'{"event":"run_finished","at":"2027-03-15T09:00:00Z","elapsed":1,"run":1,"state":"done"} {}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"event":"attempt_failed","at":"2027-03-15T09:00:00Z","elapsed":1,"run":1,"cost_usd":"a lot"}',
    ],
)
def test_a_damaged_line_is_named_with_its_number_and_what_to_do(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "j"
    good = golden_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*good[:3], damaged + b"\n", *good[3:]]))
    with pytest.raises(TiktokerError, match=r"(?s)j:4: this line of the journal is damaged.*remove the line"):
        read_journal(path)


def test_a_missing_journal_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(TiktokerError, match="cannot read the journal"):
        read_journal(tmp_path / "journal.jsonl")


def test_a_journal_that_cannot_be_opened_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()
    with pytest.raises(TiktokerError, match="cannot write the journal"), Journal.open(tmp_path / "j"):
        pass


def test_runs_are_counted_from_the_records() -> None:
    assert last_run(()) == 0
    assert last_run(golden()) == 2


def test_a_record_is_in_the_file_as_soon_as_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.open(path) as journal:
        for count, record in enumerate(golden()[:20], start=1):
            journal(record)
            assert len(read_journal(path)) == count


def test_success_and_money_are_synced_to_the_disk_before_anything_else_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(handle), real(handle)))
    durable: dict[str, bool] = {}
    with Journal.open(tmp_path / "j") as journal:
        for record in golden():
            before = len(synced)
            journal(record)
            durable[record.event.name] = len(synced) > before
    guarded = {"run_started", "submit_intended", "job_submitted", "step_succeeded", "video_finished", "run_finished"}
    assert {name for name, was in durable.items() if was} == guarded


def test_a_disk_that_fills_up_in_the_middle_of_a_line_leaves_no_half_line(tmp_path: Path) -> None:
    path = write_journal(tmp_path / "j", golden()[:5])
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_append_beyond_the_limit, args=(path, path.stat().st_size + 40))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert read_journal(path) == golden()[:6]


def _append_beyond_the_limit(path: Path, limit: int) -> None:
    """In a process of its own: write a record that does not fit, then one that does."""
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Journal.open(path) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        with pytest.raises(TiktokerError, match="cannot write the journal"):
            journal(golden()[5])
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        journal(golden()[5])


def test_a_line_that_the_disk_has_changed_is_told_from_a_whole_one(tmp_path: Path) -> None:
    path = write_journal(tmp_path / "j", golden())
    lines = path.read_bytes().splitlines(keepends=True)
    spoilt = lines[4].replace(b'"elapsed":0.0', b'"elapsed":9.0')
    assert spoilt != lines[4]
    path.write_bytes(b"".join([*lines[:4], spoilt, *lines[5:]]))
    with pytest.raises(TiktokerError, match=r"j:5: this line of the journal is damaged"):
        read_journal(path)


@given(tail=st.lists(st.binary(max_size=300), min_size=1, max_size=6).map(b"\n".join))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_that_a_power_failure_left_at_the_end_are_passed_over_and_cut_off(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "j"
    path.unlink(missing_ok=True)
    write_journal(path, golden()[:30])
    sound = path.read_bytes()
    path.write_bytes(sound + b"\0\0" + tail + b"\n")
    assert read_journal(path) == golden()[:30]
    write_journal(path, golden()[30:])
    assert read_journal(path) == golden()


def test_a_journal_of_a_later_format_is_refused_with_a_reason(tmp_path: Path) -> None:
    path = write_journal(tmp_path / "j", golden())
    first, rest = path.read_bytes().split(b"\n", 1)
    assert b'"version":1' in first
    path.write_bytes(b'{"format":"tiktoker-batch/journal","version":2}\n' + rest)
    with pytest.raises(TiktokerError, match=r"(?s)later version of tiktoker-batch.*update"):
        read_journal(path)


def test_a_new_journal_and_one_written_anew_are_on_disk_with_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda handle: folders.append(stat.S_ISDIR(os.fstat(handle).st_mode)))
    path = tmp_path / "j"
    write_journal(path, golden()[:1])
    assert True in folders, "a power failure must not take the file together with its name"
    folders.clear()
    write_journal(path, golden()[1:2])
    assert True not in folders, "once is enough"
    rewrite(path, [text for text, _ in read_lines(path)])
    assert folders[-1]


def test_a_line_says_the_same_as_its_json() -> None:
    for record in golden():
        assert json.loads(record_to_line(record)) == json.loads(json.dumps(record_to_json(record)))
        assert record_from_line(record_to_line(record)) == record


def test_half_a_surrogate_pair_comes_back_as_it_was() -> None:
    event = AttemptFailed(step="v/story", attempt=1, outcome="retry", error_kind="Broken", message="half \ud83c of it")
    record = Record(at=datetime(2027, 3, 15, tzinfo=UTC), elapsed=1.5, run=1, event=event)
    assert record_from_line(record_to_line(record)) == record
