"""The real command, killed while two requests for one clip are out: both are known, and no third is paid for."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.faults.killing import CLIPS, Batch, Moment, _Watched
from tests.simulated import a_world
from tiktoker_batch.simulator.faults import Scripted
from tiktoker_batch.simulator.server import Simulator, simulate_in_thread
from tiktoker_batch.store.jobs import OpenJob, each_open

# The model is taken to be quick, so that its job is late at once; ten times as slow as it is, it stays so for long.
CLIP = "fal:fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video"
CLIP_SECONDS = 0.8
RECIPE = f"""\
version: 1
name: torn
models: {{"{CLIP}": {{typical_seconds: 0.3}}}}
defaults:
  duration: 6
  aspect_ratio: "1:1"
  resolution: 720p
  fps: 4
  hedge: {{after: p90, max_extra_cost: 100%}}
  models: {{image: "fal:fal-ai/flux/schnell", clip: "{CLIP}"}}
videos:
  - id: pier
    script: The tide takes the sand.
    prompts: [the tide]
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    usual = a_world(latencies={})
    usual.latency.fixed = {"image": 0.1, "clip": CLIP_SECONDS}
    usual.faults.script.append(Scripted(verb="job", kind="slow", match="hailuo"))
    world = _Watched(models=usual.models, media=usual.media, latency=usual.latency, faults=usual.faults)
    with simulate_in_thread(world) as running:
        yield running


@pytest.fixture
def batch(tmp_path: Path, simulator: Simulator) -> Batch:
    (tmp_path / "torn.yaml").write_text(RECIPE, encoding="utf-8")
    batch = Batch(tmp_path, simulator)
    assert batch.run(None, "--until", "image") == 0
    return batch


def clips(batch: Batch) -> int:
    return sum(entry.model.kind == "clip" for entry in batch.ledger.entries)


def still_open(batch: Batch) -> list[OpenJob]:
    return [job for _, job in each_open(batch.state.open_jobs)]


# The second submit is the one that hedges; what is said of it stands here, and how many jobs the service has then.
MOMENTS: Mapping[str, tuple[Moment, int]] = {
    "before it was sent": (Moment("submit.before", 2), 1),
    "before its id was known": (Moment("submit.before_record", 2), 2),
    "with both known": (Moment("submit.after_record", 2), 2),
    "with one delivered": (Moment("hedge.before_drop", 1), 2),
    "with the other accounted for": (Moment("hedge.after_drop", 1), 2),
}


# Two of them in every suite, all in make faults.
@pytest.mark.parametrize(
    ("moment", "accepted"),
    [
        pytest.param(*expected, id=name, marks=[] if number == 1 else [pytest.mark.thorough])
        for number, (name, expected) in enumerate(MOMENTS.items())
    ],
)
def test_a_run_that_is_killed_with_two_requests_out_knows_both_and_pays_for_no_third(
    batch: Batch, moment: Moment, accepted: int
) -> None:
    assert batch.kill(moment, *CLIPS)
    assert clips(batch) == accepted
    assert len(still_open(batch)) == (1 if moment.name == "hedge.after_drop" else 2)
    assert batch.run() == 0
    assert clips(batch) == accepted
    state = batch.state
    assert not state.open_jobs
    assert state.state == "done"
    paid = sum(entry.price_usd for entry in batch.ledger.entries if entry.paid)
    assert state.spent_usd >= paid
    manifest = json.loads((batch.output / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["totals"]["cost_usd"]["spent"] == pytest.approx(float(state.spent_usd))
    assert not batch.tally.wrong, batch.tally.wrong


def test_reconcile_tells_of_both(batch: Batch) -> None:
    assert batch.kill(Moment("submit.after_record", 2), *CLIPS)
    named = {job.request_id for job in still_open(batch)}
    code, told = batch.reconcile()
    assert code == 0
    assert {each["request_id"] for each in told} == named
    assert sorted(each["verdict"] for each in told) == ["fetched", "settled"]
    assert clips(batch) == 2
