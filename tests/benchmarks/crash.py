"""SIGKILL at random moments: ``python -m tests.benchmarks.crash --kills 20 --seed 1``.

Every batch must complete afterwards, no broken file may ever stand under a final name, and what a viewer gets must be
what an undisturbed run gives.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.crashing import kill_at_random
from tests.recipes import SMALL_BATCH


def main() -> None:
    """Kill, resume, compare; exit 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--within", type=float, default=8.0, help="seconds of a run in which the kill falls")
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "small.yaml"
        recipe.write_text(SMALL_BATCH, encoding="utf-8")
        tally = kill_at_random(
            recipe, Path(folder), kills=arguments.kills, seed=arguments.seed, within=arguments.within
        )
    print(f"{tally.kills} kills in {tally.runs} runs, {time.monotonic() - began:.0f} s (seed {arguments.seed})")
    print(f"  runs that ended before their kill: {tally.finished_before_the_kill}")
    print(f"  broken files under final names:    {len(tally.broken)} {tally.broken[:5]}")
    print(f"  results unlike an undisturbed run: {len(tally.different)} {tally.different[:5]}")
    sys.exit(1 if tally.broken or tally.different else 0)


if __name__ == "__main__":
    main()
