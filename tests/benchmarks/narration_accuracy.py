"""How well local narration is understood, and how exact its word times are.

    python -m tests.benchmarks.narration_accuracy

Speaks texts with the hibari voice, reads them back with pocketsphinx (test group of pyproject.toml) and prints the
word error rate and the distance between our word starts and the recogniser's. Exit status 1 when a target is missed:
word error rate <= 35 %, every recognised word within 0.25 s, median <= 0.12 s.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.listening import Comparison, compare, listen
from tiktoker_batch.providers.local.speech.speak import speak

WORD_ERROR_RATE, WORST, MEDIAN = 0.35, 0.25, 0.12

TEXTS = {
    "coffee": "Coffee was once banned in the city. The king said it made people think too much. So they met in"
    " secret rooms and drank it anyway. Today it is the most popular drink in the world.",
    "ocean": "The ocean is deeper than the highest mountain is tall. Down there, no light ever reaches the water."
    " Still, strange fish live in the dark, and some of them make their own light.",
    "honey": "Honey never goes bad. People found pots of it in old tombs, three thousand years old, and it was still"
    " good to eat. The secret is simple: there is almost no water in it.",
    "money": "In 1969, two men walked on the moon. It cost $25 billion. About 45% of the people in the world"
    " watched it on television, i.e. more than ever before.",
    "street": 'Dr. Brown opened the door - slowly - and looked outside. "Is anyone there?" he asked. Nobody answered.'
    " The street was empty, and the rain had stopped.",
    "habit": "Do you want to change your life? Start with five minutes a day. Read one page. Take one walk. Drink one"
    " glass of water. Small steps become big changes, if you keep going.",
}
READINGS = {
    "1969": "nineteen sixty nine",
    "$25": "twenty five",
    "billion": "billion dollars",
    "45%": "forty five percent",
    "i.e": "that is",
    "dr": "doctor",
}


def main() -> int:
    """Measure, print and judge."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in TEXTS.items():
            results.append(_measure(name, text, Path(folder) / f"{name}.wav"))
    offsets = [offset for result in results for offset in result.offsets.values()]
    distances = sorted(map(abs, offsets))
    rate = sum(result.errors for result in results) / sum(result.said for result in results)
    median, worst = statistics.median(distances), distances[-1]
    print(f"\nword error rate          {rate:6.1%}   (target <= {WORD_ERROR_RATE:.0%})")
    print(f"word starts compared     {len(offsets):6d}")
    print(f"median distance          {median:6.3f} s (target <= {MEDIAN} s)")
    print(f"90th percentile          {distances[int(0.9 * len(distances))]:6.3f} s")
    print(f"largest distance         {worst:6.3f} s (target <= {WORST} s)")
    print(f"systematic part (median of ours - recogniser's) {statistics.median(offsets):+.3f} s, not subtracted above")
    return 0 if rate <= WORD_ERROR_RATE and median <= MEDIAN and worst <= WORST else 1


def _measure(name: str, text: str, path: Path) -> Comparison:
    begun = time.perf_counter()
    words = speak(text=text, language="en", voice="heart", engine="hibari", seed=1, into=path)
    spoken = time.perf_counter() - begun
    result = compare(words, listen(path), READINGS)
    farthest = max(result.offsets, key=lambda index: abs(result.offsets[index]))
    print(
        f"{name:8s} {words[-1].end:5.1f} s of speech in {spoken:4.2f} s, {result.errors:2d} of {result.said:2d} words"
        f" misheard, farthest {words[farthest].text!r} {result.offsets[farthest]:+.3f} s"
    )
    return result


if __name__ == "__main__":
    sys.exit(main())
