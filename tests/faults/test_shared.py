"""The real command, killed while one video buys what another one needs too: it is paid for once."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.killing import Batch, Moment, services
from tests.faults.killing import _work as asked_for
from tiktoker_batch.simulator.server import Simulator

RECIPE = """\
version: 1
name: torn
defaults:
  duration: 6
  aspect_ratio: "1:1"
  resolution: 720p
  fps: 4
  models: {image: "fal:fal-ai/flux/schnell", narration: "elevenlabs:eleven_multilingual_v2"}
videos:
  - id: plain
    script: The tide takes the sand and brings it back.
    prompts: [the tide, the sand]
  - id: bare
    script: The tide takes the sand and brings it back.
    prompts: [the tide, the sand]
    captions: false
"""
MOMENTS = (
    Moment("submit.before_record", 2),
    Moment("submit.after_record", 2),
    Moment("download.written", 2),
    Moment("step.before_success", 6),
    Moment("commit.before_folder_sync", 12),
)

pytestmark = pytest.mark.slow


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with services() as running:
        yield running


# Two of them in every suite, all in make faults.
@pytest.mark.usefixtures("fresh_starts")
@pytest.mark.parametrize(
    "moment",
    [MOMENTS[0], *(pytest.param(moment, marks=pytest.mark.thorough) for moment in MOMENTS[1:])],
    ids=lambda moment: moment.name,
)
def test_what_two_videos_need_is_paid_once_also_by_a_run_that_is_killed(
    tmp_path: Path, simulator: Simulator, moment: Moment
) -> None:
    (tmp_path / "torn.yaml").write_text(RECIPE, encoding="utf-8")
    batch = Batch(tmp_path, simulator)
    assert batch.kill(moment, "--no-cache")
    assert batch.run(None, "--no-cache") == 0
    works = Counter(map(asked_for, batch.ledger.entries))
    assert (len(works), set(works.values())) == (3, {1}), works
    state = batch.state
    assert not state.open_jobs
    assert {step.state for step in state.steps.values()} == {"done", "reused"}
    assert state.spent_usd >= batch.ledger.spent_usd
    assert not batch.tally.wrong, batch.tally.wrong
