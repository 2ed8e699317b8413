"""What a user waits for before any work is done: ``--help``, and 1,000 videos checked, planned and found finished.

    python -m tests.benchmarks.startup [--videos N] [--rounds R]

Journal, files and notes are those that a run of eight segments a video leaves (see ``tests.benchmarks.resume``). Each
command is a process of its own, measured from its start to its end.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.resume import KEYS, build, write_recipe
from tiktoker_batch.app import Options, open_recipe

KILOBYTES = 16  # of each picture, clip and sound


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Seconds by the clock on the wall, and of processor time."""

    wall: float
    cpu: float


def main() -> None:
    """Build the batch, measure, compare; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recipe, output = write_recipe(Path(folder), given.videos), Path(folder) / "out"
        steps, files, size = build(open_recipe(recipe, Options(output=output)), KILOBYTES, unfinished=0)
        print(f"{given.videos} videos, {steps} steps, {files} files, {size / 1e6:.0f} MB")
        fresh = ("--output", str(Path(folder) / "fresh"))
        commands: tuple[tuple[str, tuple[str, ...], float], ...] = (
            ("--help", ("--help",), 0.20),
            ("validate", ("validate", str(recipe)), 1.5),
            ("plan", ("plan", str(recipe), *fresh), 3.0),
            ("plan, all of it reused", ("plan", str(recipe), "--output", str(output)), 3.0),
            ("run, all of it reused", ("run", str(recipe), "--output", str(output), "--progress", "none"), 3.0),
        )
        # Compiled once, as where the package is installed.
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(Path(folder) / "compiled")}
        environ = {**os.environ, **KEYS, **compiled, "TIKTOKER_CACHE_DIR": str(Path(folder) / "cache")}
        _measured(("run", str(recipe), "--dry-run", *fresh), environ)
        past, missed = Past(output), []
        for name, argv, target in commands:
            found = []
            for _ in range(given.rounds):
                found.append(_measured(argv, environ))
                past.restore()
            missed += [] if _within(target, name, found) else [name]
        assert past.reused == steps * given.rounds, "not everything was reused"
    print(f"load while measuring {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(1 if missed else 0)


class Past:
    """The journal that each round meets; ``reused`` counts the steps that rounds have found done."""

    def __init__(self, output: Path) -> None:
        self._journal, self._manifest = output / "journal.jsonl", output / "manifest.json"
        self._before, self.reused = self._journal.read_bytes(), 0

    def restore(self) -> None:
        """As if the last round had not been."""
        if self._journal.read_bytes() != self._before:
            self.reused += json.loads(self._manifest.read_bytes())["totals"]["steps"]["reused"]
            self._journal.write_bytes(self._before)


def _within(target: float, name: str, found: Sequence[Measured]) -> bool:
    walls, cpus = [each.wall for each in found], [each.cpu for each in found]
    print(f"  {name:22} {median(walls):5.2f} s ({min(walls):.2f} to {max(walls):.2f}),", end=" ")
    print(f"{median(cpus):5.2f} s of processor time, target {target:g} s")
    return median(walls) <= target


def _measured(argv: tuple[str, ...], environ: Mapping[str, str]) -> Measured:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "tiktoker_batch", *argv]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environ)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Measured(wall=wall, cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    main()
