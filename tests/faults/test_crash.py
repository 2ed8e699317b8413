"""The real command, killed again and again while it pays simulated services: nothing is paid twice, nothing is lost.

``CRASH_KILLS`` says how often it is killed. ``make crash`` kills it 320 times, two batches at once, and fails if one of
the known fault points was never met.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import filelock
import pytest

from tests.faults.killing import (
    KILLS_A_BATCH,
    POINTS,
    Batch,
    Moment,
    kill_many,
    services,
    undisturbed,
    write_recipe,
)
from tiktoker_batch.errors import ExitCode
from tiktoker_batch.events import SubmitIntended
from tiktoker_batch.store.journal import read_journal

KILLS = int(os.environ.get("CRASH_KILLS", "30"))
ALL = 300  # from so many kills on every point must have been met
# In shares, so that the default suite spreads them over its processes.
SHARES = range(1, 2 if KILLS >= ALL else 1 + max(KILLS // KILLS_A_BATCH, 1))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What a batch gives that nobody kills; made once, however many processes the suite has."""
    folder = tmp_path_factory.getbasetemp()
    shared = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "undisturbed.json"
    with filelock.FileLock(f"{shared}.lock"):
        if not shared.exists():
            shared.write_text(json.dumps(dict(undisturbed(tmp_path_factory.mktemp("calm") / "batch"))))
        return dict(json.loads(shared.read_text()))


@pytest.mark.parametrize("share", SHARES)
def test_batches_that_are_killed_again_and_again_lose_nothing_and_pay_for_every_job_once(
    tmp_path: Path, wanted: Mapping[str, str], share: int
) -> None:
    everything = KILLS >= ALL
    tally = kill_many(
        tmp_path, wanted, kills=KILLS if everything else KILLS_A_BATCH, seed=share, workers=2 if everything else 1
    )
    print(f"\n{tally.table()}")
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.kills.total() >= (KILLS if everything else KILLS_A_BATCH)
    never = [name for name in POINTS if not tally.kills[name]]
    assert not (everything and never), f"never met: {never}"


# The intents of others would be on record together with its own.
ONE_CLIP = ("--select", "one/01/clip")


@pytest.mark.usefixtures("fresh_starts")
def test_a_dear_job_whose_answer_was_lost_is_found_at_its_service_and_not_bought_again(
    tmp_path: Path, wanted: Mapping[str, str]
) -> None:
    with services() as simulator:
        batch = Batch(write_recipe(tmp_path / "dear", on_unknown=None), simulator)
        assert batch.run(None, "--until", "image") == 0
        assert batch.kill(Moment("submit.before_record", 1), *ONE_CLIP)
        assert batch.run() == 0
        batch.judge(wanted)
    assert not batch.tally.wrong, "\n".join(batch.tally.wrong)


@pytest.mark.thorough
def test_a_dear_job_that_nobody_can_find_fails_its_step_until_the_recipe_lets_it_be_sent_again(
    tmp_path: Path, wanted: Mapping[str, str]
) -> None:
    with services() as simulator:
        batch = Batch(write_recipe(tmp_path / "dear", on_unknown=None), simulator)
        assert batch.run(None, "--until", "image") == 0
        assert batch.kill(Moment("submit.before", 1), *ONE_CLIP)
        on_record = read_journal(batch.output / "journal.jsonl")[-1].event
        assert isinstance(on_record, SubmitIntended)
        assert batch.run() == ExitCode.FAILED
        failed = {step.id for step in batch.state.steps.values() if step.error_kind == "UnknownOutcome"}
        assert failed == {on_record.step}
        accepted = len(batch.ledger.entries)
        assert batch.run() == ExitCode.FAILED, "asking again does not send it again"
        assert len(batch.ledger.entries) == accepted
        write_recipe(tmp_path / "dear", on_unknown="retry")
        assert batch.run() == 0
        batch.judge(wanted)
    assert not batch.tally.wrong, "\n".join(batch.tally.wrong)
