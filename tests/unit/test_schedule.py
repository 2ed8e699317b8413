"""Playing a batch through: what a schedule of steps on limited seats takes."""

from collections.abc import Mapping, Sequence

import pytest

from tests.values import a_step
from tiktoker_batch.model import Step
from tiktoker_batch.planning.likely import Shape, expected_shape
from tiktoker_batch.planning.schedule import Network, Plays, makespan

EXACT = Shape(knots=(1.0, 1.0), doubt=1e-9)


def exactly(steps: Sequence[Step], seats: Mapping[str, int], **shapes: Shape) -> float:
    """What the steps take when every one takes what it usually does."""
    told = {"fake:m": EXACT, "local:m": EXACT, **shapes}
    return makespan(Network(steps, seats, told)).seconds


def pictures(count: int, seconds: float = 10.0) -> list[Step]:
    return [a_step(f"v/{number:02d}/image", estimated_seconds=seconds) for number in range(1, count + 1)]


def a_film(clips: int, assembly_seconds: float) -> list[Step]:
    found = [a_step(f"v/{number:02d}/clip", estimated_seconds=10.0) for number in range(1, clips + 1)]
    needs = [step.id for step in found]
    last = a_step("v/assembly", *needs, provider="local", estimated_seconds=assembly_seconds)
    return [*found, last]


def test_steps_take_turns_on_their_seats() -> None:
    assert exactly(pictures(6), {"fake": 2}) == pytest.approx(30)
    assert exactly(pictures(6), {"fake": 6}) == pytest.approx(10)
    assert exactly(pictures(6), {}) == pytest.approx(10), "what has no limit has seats for all"


def test_a_limit_of_the_model_counts_beside_the_providers() -> None:
    assert exactly(pictures(6), {"fake": 6, "fake:m": 3}) == pytest.approx(20)


def test_a_chain_takes_what_its_steps_take_together() -> None:
    chain = [a_step("v/story"), a_step("v/01/image", "v/story"), a_step("v/01/clip", "v/01/image")]
    assert exactly(chain, {"fake": 9}) == pytest.approx(3)


def test_light_work_on_this_machine_needs_no_seat() -> None:
    captions = [a_step(f"{video}/captions", provider="local") for video in "abcd"]
    assert exactly(captions, {"local": 1}) == pytest.approx(1)


def test_an_assembly_works_while_its_clips_arrive() -> None:
    """One seat in the cloud: a clip every ten seconds, and four seconds of work after each, and four at the end."""
    assert exactly(a_film(4, assembly_seconds=20), {"fake": 1, "ffmpeg": 1}) == pytest.approx(4 * 10 + 4 + 4)


def test_steps_that_are_done_take_no_time() -> None:
    steps = pictures(4)
    network = Network(steps, {"fake": 1}, {"fake:m": EXACT})
    assert makespan(network, [steps[0].id, steps[3].id]).seconds == pytest.approx(20)
    assert makespan(network, [step.id for step in steps]).high == 0


def test_what_is_at_work_takes_what_is_left_of_its_time() -> None:
    steps = pictures(2)
    network = Network(steps, {"fake": 1}, {"fake:m": EXACT})
    standing = network.beginning()
    network.begin(standing, steps[0].id, at=100.0)
    assert Plays(network).seconds(standing, now=107.0) == pytest.approx(3 + 10)
    network.stop(standing, steps[0].id)
    assert Plays(network).seconds(standing, now=107.0) == pytest.approx(20), "a failed attempt begins anew"


def test_whoever_has_lasted_long_is_expected_to_last_longer() -> None:
    steps = pictures(1)
    network = Network(steps, {"fake": 1}, {"fake:m": expected_shape(0.25)})
    standing = network.beginning()
    network.begin(standing, steps[0].id, at=0.0)

    def left(age: float) -> float:
        plays = Plays(network)
        return sorted(plays.seconds(standing, now=age) for _ in range(200))[100]

    assert 9 < left(0.0) < 12
    assert left(9.0) < left(18.0), "an outlier, as it is by then, takes three times as long"
    assert left(1000.0) > 0


def test_the_same_batch_gives_the_same_range_and_a_doubtful_model_a_wider_one() -> None:
    def told(doubt: float) -> tuple[float, float, float]:
        found = makespan(Network(pictures(40), {"fake": 4}, {"fake:m": Shape(knots=(0.9, 1.1), doubt=doubt)}))
        return found.low, found.seconds, found.high

    assert told(0.3) == told(0.3)
    low, middle, high = told(0.3)
    assert low < middle < high
    assert middle == pytest.approx(100, rel=0.1)
    assert high - low > 3 * (told(0.02)[2] - told(0.02)[0])


def test_a_play_can_be_left_and_gone_on_with() -> None:
    network = Network(pictures(500), {"fake": 4}, {"fake:m": expected_shape(0.25)})
    pauses = sum(1 for _ in Plays(network).play(network.beginning()))
    assert pauses == 500 // 64
