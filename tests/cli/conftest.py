"""The command as a user calls it: a process of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARGV = [sys.executable, "-m", "tiktoker_batch"]

TINY = """\
version: 1
name: tiny
defaults: {duration: 4, resolution: 720p, fps: 12}
videos:
  - id: lamp
    script: A small lamp burns at the end of the pier.
    style: noir
    prompts: [a lamp at the end of a pier]
"""

# A developer's own cache may hold refreshed prices; this one is shared by all tests of a machine, and holds a font.
CACHE = str(Path(tempfile.gettempdir()) / "tiktoker-batch-tests")

Call = Callable[..., "subprocess.CompletedProcess[str]"]


def clean_environment(**changes: str) -> Mapping[str, str]:
    """The environment of a user without any account."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_KEY", "_SECRET", "_KEY_ID"))}
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH")]))
    cache = {} if "TIKTOKER_CACHE_DIR" in kept else {"TIKTOKER_CACHE_DIR": CACHE}
    return {**kept, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **cache, **changes}


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
        return subprocess.run(
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
