"""The lock between real processes: nothing less shows what the operating system does."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tiktoker_batch.errors import Locked, PreflightError
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.lock import batch_lock, is_locked

HOLDER = """
import sys
from pathlib import Path
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.lock import batch_lock
with batch_lock(Layout(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(layout: Layout) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the folder until its input is closed."""
    argv = [sys.executable, "-c", HOLDER, str(layout.root)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "output" / "week12")


def test_the_folder_is_made_and_free_again_afterwards(layout: Layout) -> None:
    assert not is_locked(layout)
    with batch_lock(layout):
        assert is_locked(layout)
    assert not is_locked(layout)


def test_a_second_process_is_turned_away_with_the_name_of_the_first(layout: Layout) -> None:
    with another_process(layout) as holder:
        assert is_locked(layout)
        with pytest.raises(Locked) as caught, batch_lock(layout):
            pass
    told = str(caught.value)
    assert f"process {holder.pid}, since 20" in told
    assert f"tiktoker-batch status {layout.root}" in told


def test_a_process_that_ends_in_peace_leaves_the_folder_free(layout: Layout) -> None:
    with another_process(layout) as holder:
        holder.communicate()
    with batch_lock(layout):
        assert is_locked(layout)


def test_a_process_that_is_killed_leaves_the_folder_free(layout: Layout) -> None:
    with another_process(layout) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert not is_locked(layout)
    with batch_lock(layout):
        assert re.search(rf'"pid": {os.getpid()}\b', (layout.root / ".lock.json").read_text())


def test_a_failure_while_it_is_held_frees_the_folder(layout: Layout) -> None:
    with pytest.raises(ZeroDivisionError), batch_lock(layout):
        raise ZeroDivisionError
    assert not is_locked(layout)


def test_asking_does_not_make_the_folder(layout: Layout) -> None:
    assert not is_locked(layout)
    assert not layout.root.exists()


def test_a_look_at_the_lock_turns_no_run_away(layout: Layout) -> None:
    watcher = """
import sys
from pathlib import Path
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.lock import is_locked
print("looking", flush=True)
while True:
    is_locked(Layout(Path(sys.argv[1])))
"""
    with batch_lock(layout):
        pass
    argv = [sys.executable, "-c", watcher, str(layout.root)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            for _ in range(20):
                with batch_lock(layout):
                    pass
        finally:
            process.kill()


def test_a_place_that_cannot_be_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("a file where a folder should be")
    layout = Layout(tmp_path / "output" / "week12")
    with pytest.raises(PreflightError, match=r"(?s)output/week12 cannot be.*--output"), batch_lock(layout):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(layout: Layout) -> None:
    layout.root.mkdir(parents=True)
    layout.root.chmod(0o500)
    with pytest.raises(PreflightError, match="Permission denied"), batch_lock(layout):
        pass
