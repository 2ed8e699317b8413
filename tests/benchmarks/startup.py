"""How soon the command answers: ``python -m tests.benchmarks.startup [--videos N] [--rounds R]``.

``--help``, and ``validate``, ``plan`` and ``run`` of 1,000 videos of eight segments, each as a process of its own from
its start to its end. ``run`` finds everything done: journal, files and notes are those that a run leaves; it looks at
all of them, tells of every step and writes manifest and report.
"""

import argparse
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

TARGETS = {"--help": 0.2, "validate": 1.5, "plan": 3.0, "run, everything reused": 3.0}
NOBODY = "http://127.0.0.1:9"  # whoever asked a service would be refused
SERVICES = ("FAL_QUEUE_URL", "FAL_STORAGE_URL", "FAL_API_URL", "OPENROUTER_BASE_URL")


def main() -> None:
    """Run, measure, compare; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--kilobytes", type=int, default=16, help="of each picture, clip and sound")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recipe, output = write_recipe(Path(folder), given.videos), Path(folder) / "out"
        steps, files, size = build(open_recipe(recipe, Options(output=output)), given.kilobytes, unfinished=0)
        journal = (output / "journal.jsonl").read_bytes()
        print(f"{given.videos} videos, {steps} steps, {files} files of {size / 1e6:.0f} MB,", end=" ")
        print(f"a journal of {len(journal) / 1e6:.0f} MB with {len(journal.splitlines())} lines")
        environ = {**os.environ, **KEYS, **dict.fromkeys(SERVICES, NOBODY), "TIKTOKER_CACHE_DIR": folder}
        # Compiled once, as where the package is installed.
        environ = {**environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
        commands = {
            "--help": ["--help"],
            "validate": ["validate", str(recipe)],
            "plan": ["plan", str(recipe), "--output", str(Path(folder) / "empty")],
            "run, everything reused": ["run", str(recipe), "--output", str(output)],
        }
        for name in ("validate", "plan"):
            _took([*commands[name]], environ)
        found: dict[str, list[Took]] = {name: [] for name in commands}
        for _ in range(given.rounds):
            for name, arguments in commands.items():
                found[name].append(_took(arguments, environ))
            reused = (output / "journal.jsonl").read_bytes().count(b'"step_reused"')
            assert reused == steps, f"{reused} of {steps} steps were reused"
            (output / "journal.jsonl").write_bytes(journal)  # each round meets the same past
    met = [_told(name, found[name]) for name in commands]
    print(f"load while measuring {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(0 if all(met) else 1)


@dataclass(frozen=True, kw_only=True)
class Took:
    """Seconds by the clock on the wall, and of processor time."""

    wall: float
    cpu: float


def _took(arguments: Sequence[str], environ: Mapping[str, str]) -> Took:
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    argv = [sys.executable, "-m", "tiktoker_batch", *arguments]
    subprocess.run(argv, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(wall=time.monotonic() - began, cpu=cpu)


def _told(name: str, took: Sequence[Took]) -> bool:
    walls = [each.wall for each in took]
    print(f"{name}: {median(walls):.2f} s ({min(walls):.2f} to {max(walls):.2f}),", end=" ")
    print(f"{median(each.cpu for each in took):.2f} s of processor time; target {TARGETS[name]:g} s")
    return median(walls) <= TARGETS[name]


if __name__ == "__main__":
    main()
