"""How long the quickstart takes, its second run, and ``--help``: ``python -m tests.benchmarks.quickstart``.

Targets on 2 cores: the whole batch in 60 s, everything reused in 1.5 s, an answer to ``--help`` in 0.3 s.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECIPE = Path(__file__).parents[2] / "recipes" / "quickstart.yaml"


def timed_run(output: Path) -> float:
    """Wall seconds of one ``tiktoker-batch run``, from the start of the process to its end."""
    argv = [sys.executable, "-m", "tiktoker_batch", "run", str(RECIPE), "--output", str(output), "--progress", "none"]
    began = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def timed_help() -> float:
    """Wall seconds of one ``tiktoker-batch --help``."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "tiktoker_batch", "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Run the quickstart afresh and again, as often as asked, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    first, second, finished = [], [], 0.0
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            first.append(timed_run(Path(folder)))
            second.append(timed_run(Path(folder)))
            manifest = json.loads((Path(folder) / "manifest.json").read_text())
            finished = sum(video["duration_seconds"] for video in manifest["videos"])
    print(f"quickstart: {finished:.1f} s of finished video, {runs} runs")
    helped = [timed_help() for _ in range(10)]
    for label, seconds, target in (("fresh", first, 60.0), ("everything reused", second, 1.5), ("--help", helped, 0.3)):
        median = statistics.median(seconds)
        word = "pass" if median <= target else "FALLS SHORT"
        spread = f"min {min(seconds):.2f}, max {max(seconds):.2f}"
        print(f"  {label:18} median {median:6.2f} s  ({spread})  <= {target} s: {word}")


if __name__ == "__main__":
    main()
