"""How long a large recipe takes to load and check: ``python -m tests.benchmarks.validation``."""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.recipe.build import load_recipe

ENTRY = "  - {{id: video-{number}, topic: a lighthouse keeper, style: noir, duration: 30, tags: [series-a]}}\n"


def main() -> None:
    """Load a recipe of many plain videos several times, after one that warms the catalog and the schema up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=1000)
    videos = parser.parse_args().videos
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "big.yaml"
        entries = "".join(ENTRY.format(number=number) for number in range(videos))
        recipe.write_text(f"version: 1\nname: big\nvideos:\n{entries}", encoding="utf-8")
        for _ in range(6):
            began = time.perf_counter()
            assert len(load_recipe(recipe, catalog=load_catalog(), environ={}).videos) == videos
            seconds.append(time.perf_counter() - began)
    usual = statistics.median(seconds[1:])
    print(f"{videos} plain videos loaded and checked: median {usual:.2f} s, first {seconds[0]:.2f} s")


if __name__ == "__main__":
    main()
