"""How long jobs take: the catalog's word at first, then what was seen."""

import math
import random
from pathlib import Path

import pytest

from tests.values import a_model
from tiktoker_batch.providers.durations import Durations

CAMERA = a_model("clip", "camera", typical_seconds=60.0, latency_spread=0.25)


def test_at_first_the_catalog_tells() -> None:
    durations = Durations({"local:camera": CAMERA})
    assert durations.percentile("local:camera", 50) == pytest.approx(60)
    assert durations.percentile("local:camera", 95) == pytest.approx(60 * math.exp(1.645 * 0.25), rel=1e-3)


def test_a_few_jobs_move_the_middle_and_many_replace_the_catalogs_word() -> None:
    durations = Durations({"local:camera": CAMERA})
    durations.note("local:camera", 30)
    assert durations.percentile("local:camera", 50) == pytest.approx(30)
    for _ in range(50):
        durations.note("local:camera", 10)
    assert durations.percentile("local:camera", 95) == pytest.approx(10, rel=0.2)


def test_of_many_jobs_so_many_of_a_hundred_are_later_than_it_says() -> None:
    rng, later = random.Random(1), 0
    for _ in range(300):
        durations = Durations({})
        for _ in range(40):
            durations.note("m", rng.lognormvariate(0, 0.6))
        later += rng.lognormvariate(0, 0.6) > durations.percentile("m", 90)
    assert later / 300 == pytest.approx(0.10, abs=0.04)


def test_nothing_ends_before_it_began() -> None:
    durations = Durations({})
    for seconds in (1, 1, 2, 2, 50, 60, 70, 80):
        durations.note("m", seconds)
    assert durations.percentile("m", 1) >= 0


def test_what_was_learned_is_known_to_the_next_run(tmp_path: Path) -> None:
    durations = Durations({}, tmp_path / "durations.json")
    durations.save()
    assert not (tmp_path / "durations.json").exists(), "nothing to remember"
    for seconds in range(1, 21):
        durations.note("fal:m", seconds)
    durations.save()
    assert Durations({}, tmp_path / "durations.json").expect("fal:m") == durations.expect("fal:m")
