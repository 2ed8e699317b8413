"""A command that was forked from a process that had loaded it does what one does that was started."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests import starting
from tests.cli.conftest import TINY
from tests.starting import ARGV, ROOT, clean_environment

pytestmark = pytest.mark.skipif(
    not hasattr(os, "pidfd_open") or "FRESH_STARTS" in os.environ, reason="nothing is forked here"
)
PLAIN = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}


def start(folder: Path, *arguments: str, **environ: str) -> "starting.Popen":
    return starting.Popen([*ARGV, *arguments], cwd=folder, env=clean_environment(**environ), **PLAIN)


@pytest.mark.parametrize(
    ("code", "arguments", "environ"),
    [
        (0, ("--help",), {"COLUMNS": "60"}),
        (0, ("plan", "tiny.yaml", "--format", "json"), {}),
        (0, ("render", "tiny.yaml"), {"PWD": "/nowhere"}),
        (0, ("cache", "info"), {"TIKTOKER_CACHE_DIR": "./kept"}),
        (0, ("models",), {"NO_COLOR": "1"}),
        (2, ("plan", "wrong.yaml"), {}),
        (2, ("plna", "tiny.yaml"), {}),
        (3, ("run", str(ROOT / "recipes" / "week12.yaml")), {"FAL_KEY": "a:b", "NOBODY": "\udcff"}),
    ],
)
def test_it_says_the_same_and_ends_the_same(
    tmp_path: Path, code: int, arguments: tuple[str, ...], environ: dict[str, str]
) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text(TINY.replace("style: noir", "style: nior"), encoding="utf-8")
    forked = start(tmp_path, *arguments, **environ)
    said = forked.communicate(timeout=60)
    assert forked.is_forked
    fresh = subprocess.run([*ARGV, *arguments], cwd=tmp_path, env=clean_environment(**environ), **PLAIN)
    assert (forked.returncode, *said) == (fresh.returncode, fresh.stdout, fresh.stderr)
    assert fresh.returncode == code


def test_it_is_a_process_of_its_own_which_signals_reach(tmp_path: Path) -> None:
    with start(tmp_path, "simulator", "--port", "0") as stopped, start(tmp_path, "simulator", "--port", "0") as killed:
        assert len({os.getpid(), stopped.pid, killed.pid}) == 3
        for process in (stopped, killed):
            assert process.stdout is not None
            assert process.stdout.readline().startswith("export ")
            assert process.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.01)
        killed.kill()
        stopped.send_signal(signal.SIGINT)
        assert (stopped.wait(60), killed.wait(60)) == (0, -signal.SIGKILL)
    assert not Path(f"/proc/{killed.pid}").exists()


def test_what_only_a_new_interpreter_can_do_is_left_to_one(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('hooked')", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    with start(tmp_path, "--version", PYTHONPATH=path) as process:
        assert not process.is_forked
        assert process.communicate()[0].startswith("hooked\ntiktoker-batch ")


def test_a_fault_point_is_armed_in_it(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    with start(tmp_path, "run", "tiny.yaml", TIKTOKER_FAULT_POINT="run.announced:1") as process:
        assert process.is_forked
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    first = (tmp_path / "output" / "tiny" / "journal.jsonl").read_text(encoding="utf-8").splitlines()[1]
    assert json.loads(first)["event"] == "run_started"
