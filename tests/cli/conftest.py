"""The command as a user calls it: a process of its own."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import starting
from tests.starting import ARGV, clean_environment

TINY = """\
version: 1
name: tiny
defaults: {duration: 4, resolution: 720p, fps: 4, aspect_ratio: "1:1"}
videos:
  - id: lamp
    script: A small lamp burns at the end of the pier.
    style: noir
    prompts: [a lamp at the end of a pier]
"""

Call = Callable[..., "subprocess.CompletedProcess[str]"]


def wait_until_said(process: "subprocess.Popen[str]", word: str) -> None:
    """Read what a process says on stderr up to the line with this word."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if word in line:
            return
    raise AssertionError(f"it ended without a word of {word!r}: {''.join(said[-10:])}")


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Call ``tiktoker-batch`` in an empty folder."""

    def call(*arguments: object, **environ: str) -> "subprocess.CompletedProcess[str]":
        return starting.run(
            [*ARGV, *map(str, arguments)],
            cwd=tmp_path,
            env=clean_environment(**environ),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return call


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A recipe of one short local video."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """The folder where the tiny recipe has run once (output/tiny), and how that went."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    done = subprocess.run(
        [*ARGV, "run", "tiny.yaml"],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return folder, done


@pytest.fixture
def output(finished: tuple[Path, object], tmp_path: Path) -> Path:
    """A copy of the finished batch's output folder, beside nothing, for a test to spoil."""
    return Path(shutil.copytree(finished[0] / "output" / "tiny", tmp_path / "output" / "tiny"))
