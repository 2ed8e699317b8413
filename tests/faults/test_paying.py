"""Every job of a batch is paid exactly once, whatever happens on the way.

``FAULT_SEEDS`` says how many worlds are tried; ``make faults`` tries fifty.
"""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from tests.faults.paying import pay, troubled_world

WEEK = Path(__file__).parents[2] / "recipes" / "week12.yaml"
SEEDS = int(os.environ.get("FAULT_SEEDS", "3"))
RATE = 0.2


def test_without_troubles_every_job_is_paid_once(tmp_path: Path) -> None:
    paid = pay(WEEK, tmp_path, troubled_world(0.0, 0))
    assert not paid.failed
    assert paid.charged("fal") == paid.planned("fal") == 90
    assert paid.charged("elevenlabs") == paid.planned("elevenlabs") == 7
    assert {entry.ignored for entry in paid.world.ledger.entries if entry.provider == "fal"} == {()}
    assert all(entry.delivered for entry in paid.world.ledger.entries)


def test_the_engine_counts_what_the_services_charge(tmp_path: Path) -> None:
    paid = pay(WEEK, tmp_path, troubled_world(0.0, 0))
    assert abs(paid.state.spent_usd - paid.world.ledger.spent_usd) < Decimal("0.001")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_with_troubles_all_is_done_and_no_job_is_paid_twice(tmp_path: Path, seed: int) -> None:
    paid = pay(WEEK, tmp_path, troubled_world(RATE, seed), seed=seed)
    assert not paid.failed
    assert paid.charged("fal") == paid.planned("fal")
    assert set(paid.charged_by_work("fal").values()) == {1}
    assert paid.charged("elevenlabs") == paid.planned("elevenlabs")
    # A completion costs a fraction of a cent and cannot be looked up: a lost answer is asked for again, and counted.
    happened = paid.world.faults.happened
    assert sum(happened.values()) > 50
    assert abs(paid.state.spent_usd - paid.world.ledger.spent_usd) < Decimal("0.05")
