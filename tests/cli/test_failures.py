"""Errors become words and exit codes in one place."""

import errno
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests import starting
from tests.cli.canaries import CANARIES, HEAD, assert_no_canary
from tests.starting import ARGV, clean_environment
from tiktoker_batch import previewing
from tiktoker_batch.__main__ import main as console_script
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

    monkeypatch.setattr(previewing, "open_recipe", broken)
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


# ---------------------------------------------------------------------- keys


def a_bug(words: str) -> Exception:
    """With a cause that knows the key too."""
    error = RuntimeError(f"inside: {words}")
    error.__cause__ = ValueError(f"before: {words}")
    return error


@pytest.mark.parametrize("place", ["environment", "working folder", "beside the recipe"])
def test_no_key_is_in_a_traceback_wherever_it_was_set(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output, work, recipes = (tmp_path / name for name in ("output", "work", "recipes"))
    for folder in (output, work, recipes):
        folder.mkdir()
    monkeypatch.chdir(work)
    key = CANARIES["FAL_KEY"]
    if place == "environment":
        monkeypatch.setenv("FAL_KEY", key)
    else:
        monkeypatch.setenv("FAL_KEY", "another:entirely")
        (work if place == "working folder" else recipes).joinpath(".env").write_text(f"FAL_KEY={key}\n")
    session = Session(output=output, debug=True, recipes=(recipes / "x.yaml",))
    assert explain(a_bug(f"{{'authorization': 'Key {key}'}} and {key[:8]}..."), session) == 70
    said = capsys.readouterr().err
    assert_no_canary(output, said, at_least=1)
    assert said.count("[key]") == (output / next(output.iterdir()).name).read_text().count("[key]") == 4


def test_no_key_is_in_the_words_of_an_expected_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAL_KEY", CANARIES["FAL_KEY"])
    assert explain(PreflightError(f"no address: {CANARIES['FAL_KEY']!r}"), Session()) == 3
    assert capsys.readouterr().err == "no address: '[key]'\n"


def test_the_details_of_a_bug_are_shown_when_no_disk_takes_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAL_KEY", CANARIES["FAL_KEY"])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    assert explain(a_bug(CANARIES["FAL_KEY"]), Session(output=tmp_path / "gone")) == 70
    said = capsys.readouterr().err
    assert "RuntimeError: inside: [key]" in said
    assert "the details are above" in said


def test_a_file_of_keys_in_another_encoding_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("FAL_KEY=canaryé".encode("latin-1"))
    done = starting.run(
        [*ARGV, "models", "--refresh-prices", "--debug"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert ".env is not UTF-8 text" in done.stderr
    assert HEAD not in done.stderr


@pytest.mark.slow
def test_streams_that_were_closed_are_no_bug_and_no_file_takes_their_place(tiny: Path) -> None:
    command = f"{shlex.join([*ARGV, 'run', 'tiny.yaml', '--until', 'story'])} <&- >&- 2>&-"
    done = subprocess.run(["/bin/sh", "-c", command], cwd=tiny.parent, env=clean_environment(), check=False)
    assert done.returncode == 0
    first, *events = (tiny.parent / "output" / "tiny" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(first)["format"] == "tiktoker-batch/journal"
    assert json.loads(events[-1])["event"] == "run_finished"


@pytest.mark.slow
def test_a_working_folder_that_was_deleted_is_said_in_words(tiny: Path) -> None:
    gone = tiny.parent / "gone"
    gone.mkdir()
    command = f"rmdir {shlex.quote(str(gone))}; {shlex.join([*ARGV, 'run', str(tiny)])}"
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=gone, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert done.stderr.startswith("the working folder is not there any more\n")


class _Interrupted:
    """Somebody presses Ctrl-C while a module is looked for."""

    def find_spec(self, _name: str, *_: object) -> None:
        raise KeyboardInterrupt


def test_an_interruption_while_the_program_loads_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tiktoker_batch.cli")
    monkeypatch.setattr(sys, "meta_path", [_Interrupted(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        console_script()
    assert ended.value.code == 130
