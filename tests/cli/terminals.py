"""The command at a terminal that a test holds the other end of."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import starting
from tests.starting import ARGV, clean_environment

SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the terminal showed (stderr, and stdout unless it was captured), and how the command ended."""

    returncode: int
    shown: str
    stdout: str


def at_terminal(folder: Path, *arguments: object, type_in: str = "", **environ: str) -> Seen:
    """Call the command in a folder with stdin and stderr on a terminal; ``type_in`` waits there to be read.

    ``CI`` is unset unless it is given: the tests themselves may run in a job.
    """
    told: Mapping[str, str] = {
        name: value
        for name, value in {**clean_environment(TERM="xterm-256color"), "CI": "", **environ}.items()
        if value
    }
    here, there = pty.openpty()
    try:
        os.write(here, type_in.encode())
        with starting.Popen(
            [*ARGV, *map(str, arguments)], cwd=folder, env=told, stdin=there, stderr=there, stdout=subprocess.PIPE
        ) as process:
            os.close(there)
            there = -1
            shown = _read_until_closed(here, process)
            assert process.stdout is not None
            stdout = process.stdout.read().decode()
        return Seen(returncode=process.returncode, shown=shown, stdout=stdout)
    finally:
        os.close(here)
        if there >= 0:
            os.close(there)


def _read_until_closed(terminal: int, process: "subprocess.Popen[bytes]") -> str:
    """Everything until nobody holds the other end any more."""
    found, deadline = b"", time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 1)
        if not ready:
            continue
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other end is closed
            return found.decode(errors="replace")
        if not part:
            return found.decode(errors="replace")
        found += part
    process.kill()
    raise AssertionError(f"the command did not end; it said: {found.decode(errors='replace')}")
