"""Errors become words and exit codes in one place."""

import errno
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import ARGV, clean_environment
from tiktoker_batch import app
from tiktoker_batch.cli import main
from tiktoker_batch.cli.failures import explain
from tiktoker_batch.cli.options import Session
from tiktoker_batch.errors import BudgetExceeded, PreflightError


def test_an_error_is_told_in_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(BudgetExceeded("too dear", hint="raise budget.max_usd"), Session()) == 4
    assert capsys.readouterr().err == "too dear\n  raise budget.max_usd\n"


def test_a_group_of_expected_errors_is_told_like_one(capsys: pytest.CaptureFixture[str]) -> None:
    group = ExceptionGroup(
        "tasks", [ExceptionGroup("inner", [PreflightError("no ffmpeg")]), PreflightError("no ffmpeg")]
    )
    assert explain(group, Session()) == 3
    assert capsys.readouterr().err == "no ffmpeg\n"


def test_a_bug_beside_an_expected_error_is_not_hidden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    group = ExceptionGroup("tasks", [PreflightError("no ffmpeg"), KeyError("oops")])
    assert explain(group, Session(output=tmp_path)) == 70
    (details,) = tmp_path.iterdir()
    assert "KeyError: 'oops'" in details.read_text()
    said = capsys.readouterr().err
    assert str(details) in said
    assert "the journal is intact" in said
    assert "Traceback" not in said


def test_a_bug_shows_its_traceback_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(KeyError("oops"), Session(output=tmp_path, debug=True)) == 70
    assert "KeyError: 'oops'" in capsys.readouterr().err


def test_a_bug_before_there_is_an_output_folder_is_kept_in_the_temporary_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(app, "preview", broken)
    with pytest.raises(SystemExit) as ended:
        main(["plan", "x.yaml"])
    assert ended.value.code == 70
    found = re.search(r"the details are in (\S+)", capsys.readouterr().err)
    assert found
    details = Path(found[1])
    assert "ZeroDivisionError: a bug of ours" in details.read_text()
    details.unlink()
    details.parent.rmdir()


@pytest.mark.parametrize(("number", "advice"), [(errno.ENOSPC, "make room"), (errno.EACCES, "mend the permissions")])
def test_a_full_or_closed_disk_is_no_bug(number: int, advice: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(OSError(number, "No", "output/x.mp4"), Session()) == 3
    said = capsys.readouterr().err
    assert "output/x.mp4" in said
    assert advice in said


def test_an_interruption_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(KeyboardInterrupt(), Session(again="tiktoker-batch run x.yaml")) == 130
    assert capsys.readouterr().err == "interrupted; run again to go on: tiktoker-batch run x.yaml\n"


def test_a_reader_that_stops_reading_gets_no_complaint(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*ARGV, "models"],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
