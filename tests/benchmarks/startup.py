"""What a user waits for before any work is done: ``--help``, and 1,000 videos checked, planned and found finished.

    python -m tests.benchmarks.startup [--videos N] [--rounds R]

Journal, files and notes are those that a run of eight segments a video leaves (see ``tests.benchmarks.resume``). Each
command is a process of its own, measured from its start to its end.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
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
        missed = [name for name, argv, target in commands if not _within(target, name, argv, given.rounds)]
    print(f"load while measuring {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(1 if missed else 0)


def _within(target: float, name: str, argv: tuple[str, ...], rounds: int) -> bool:
    found = [_measured(argv) for _ in range(rounds)]
    walls, cpus = [each.wall for each in found], [each.cpu for each in found]
    print(f"  {name:22} {median(walls):5.2f} s ({min(walls):.2f} to {max(walls):.2f}),", end=" ")
    print(f"{median(cpus):5.2f} s of processor time, target {target:g} s")
    return median(walls) <= target


def _measured(argv: tuple[str, ...]) -> Measured:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "tiktoker_batch", *argv]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **KEYS})
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Measured(wall=wall, cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    main()
