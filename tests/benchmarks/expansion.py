"""How long one entry for many rows takes to load and check: ``python -m tests.benchmarks.expansion``."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.recipe.build import load_recipe

TARGET_SECONDS = 3.0  # of processor time, for 10,000 videos

RECIPE = """\
version: 1
name: big
videos:
  - foreach: rows.csv
    matrix: {style: [noir, anime]}
    id: "{{ row.slug }}-{{ style }}"
    topic: "{{ row.topic }}"
    style: "{{ style }}"
    duration: "{{ row.seconds }}"
    publish: {at: "{{ row.date }}T18:00:00+01:00"}
"""


def main() -> None:
    """Load a recipe of two combinations for each row, after a small one that warms catalog and schema up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=10_000)
    videos = parser.parse_args().videos
    with tempfile.TemporaryDirectory() as folder:
        _load(Path(folder), 2)
        seconds = min(_load(Path(folder), videos) for _ in range(3))
    print(f"{videos} videos of one entry loaded and checked: {seconds:.2f} s of processor time, best of 3")
    target = TARGET_SECONDS * videos / 10_000
    print(f"target: {target:.2f} s: {'met' if seconds <= target else 'missed'}")
    sys.exit(seconds > target)


def _load(folder: Path, videos: int) -> float:
    """Seconds of processor time."""
    rows = "".join(f"video-{number},a lighthouse keeper,30,2027-03-15\n" for number in range(videos // 2))
    (folder / "rows.csv").write_text(f"slug,topic,seconds,date\n{rows}", encoding="utf-8")
    recipe = folder / "big.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    catalog = load_catalog()
    began = time.process_time()
    made = load_recipe(recipe, catalog=catalog, environ={}).videos
    taken = time.process_time() - began
    if len(made) != videos:
        sys.exit(f"{len(made)} videos instead of {videos}")
    return taken


if __name__ == "__main__":
    main()
