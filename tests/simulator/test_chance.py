"""Chance: the same seed gives the same work the same troubles and the same time, in whatever order it is done."""

import itertools
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import pytest
import trio

from tests.simulated import FLUX, MULTILINGUAL, VEO, a_world, simulated
from tiktoker_batch.simulator.asked import subject_of
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.faults import PASSING, Faults, Scripted
from tiktoker_batch.simulator.http import Request
from tiktoker_batch.simulator.latency import Latency

SUBJECTS = [f"{FLUX} prompt: shot {number}" for number in range(40)]
MODELS = a_world().models


def drawn(seed: int, order: Sequence[tuple[str, str]]) -> dict[tuple[str, str], list[str | None]]:
    """What each piece of work meets when they are done in this order."""
    faults = Faults(rate=0.4, seed=seed)
    met: dict[tuple[str, str], list[str | None]] = defaultdict(list)
    for verb, subject in order:
        met[verb, subject].append(faults.draw(verb, subject))
    return met


def shuffled(order: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    mixed = list(order)
    random.Random(1).shuffle(mixed)
    return mixed


def test_the_order_of_work_changes_nothing_about_what_each_piece_meets() -> None:
    order = [(verb, subject) for verb in PASSING for subject in SUBJECTS for _ in range(4)]
    once, again = drawn(3, order), drawn(3, shuffled(order))
    assert once == again
    assert once != drawn(4, order)
    assert sum(kind is not None for met in once.values() for kind in met) > len(order) / 5


def test_neither_does_it_change_how_long_each_piece_takes() -> None:
    model = MODELS[f"fal:{VEO}"]

    def lasts(order: Sequence[str], seed: int = 3) -> dict[str, list[float]]:
        latency, found = Latency(seed=seed), defaultdict(list)
        for subject in order:
            found[subject].append(latency.draw(model, subject))
        return found

    order = SUBJECTS * 2
    once = lasts(order)
    assert once == lasts(list(reversed(order)))
    assert once != lasts(order, seed=4)
    assert len(set(itertools.chain(*once.values()))) == len(order)


def asks() -> Iterator[tuple[str, dict[str, object]]]:
    for number in range(12):
        yield FLUX, {"prompt": f"shot {number // 2}", "seed": number}  # two of each


async def happened(paths: Sequence[tuple[str, dict[str, object]]]) -> tuple[Counter[str], Counter[str]]:
    """The troubles of submits and jobs, and the accepted work, when these are submitted at once in this order."""
    async with simulated(a_world(rate=0.4, seed=5, latencies={})) as simulator:
        async with trio.open_nursery() as nursery:
            for model, given in paths:
                body = json.dumps(given).encode()
                request = Request(method="POST", path=f"/{model}", query={}, headers={}, body=body)
                nursery.start_soon(simulator.queue.submit, request)
        jobs = simulator.queue.jobs.values()
        took = Counter(f"{job.subject} {job.fate} {job.seconds}" for job in jobs)
        return simulator.world.faults.happened, took


async def test_a_simulator_gives_the_same_jobs_the_same_fates_and_times(flying_clock: FlyingClock) -> None:
    order = list(asks())
    troubles, jobs = await happened(order)
    assert (troubles, jobs) == await happened(order[::-1])
    assert troubles.total() > 0


def test_what_is_asked_for_is_the_same_in_every_run() -> None:
    """Neither seeds nor addresses, which hold ports and numbers in order of acceptance, are part of it."""
    model = MODELS[f"fal:{VEO}"]
    here = {"prompt": "the light", "duration": "4s", "image_url": "http://127.0.0.1:4711/files/000012.jpeg", "seed": 1}
    there = {**here, "image_url": "http://127.0.0.1:8787/files/000001.jpeg", "seed": 2}
    assert subject_of(model, here) == subject_of(model, there) == f"{VEO} duration: 4s prompt: the light"
    edited = {"prompt": "the light", "image_urls": ["https://v3.fal.media/a.png"]}
    assert subject_of(model, edited) == f"{VEO} prompt: the light"
    speech = MODELS[f"elevenlabs:{MULTILINGUAL}"]
    assert subject_of(speech, {"text": "Она «молчит».\n"}) == f"{MULTILINGUAL} text: Она «молчит».\n"
    assert subject_of(speech, ["hi"]) == MULTILINGUAL


@pytest.mark.parametrize("verb", [verb for verb in PASSING if verb not in {"status", "stream"}])
def test_whoever_asks_for_the_same_meets_two_troubles_at_most_however_they_take_turns(verb: str) -> None:
    """Two pieces of work may ask in the same words: what one of them meets is not met by the other."""
    faults = Faults(rate=0.9, seed=1)
    met = [faults.draw(verb, "the same words") for _ in range(100)]
    assert sum(kind is not None for kind in met) == 2


@pytest.mark.parametrize("verb", ["status", "stream"])
def test_whoever_asks_over_and_over_meets_two_in_a_row_at_most(verb: str) -> None:
    faults = Faults(rate=0.9, seed=1)
    turns = random.Random(2).choices(["one", "another"], k=200)
    met: dict[str, list[bool]] = defaultdict(list)
    for asker in turns:
        met[asker].append(faults.draw(verb, "the same words", asker) is not None)
    for row in met.values():
        assert max(len(list(group)) for hit, group in itertools.groupby(row) if hit) == 2


@pytest.mark.parametrize(
    ("match", "met"),
    [("kettle", True), (FLUX, True), ("fal-00000042", True), ("000007.jpeg", False), ("pan", False)],
)
def test_a_script_is_met_by_words_of_the_input_by_the_model_and_by_the_name_of_a_job(match: str, met: bool) -> None:
    faults = Faults(script=[Scripted(verb="result", kind="gone", match=match)])
    subject = subject_of(MODELS[f"fal:{FLUX}"], {"prompt": "a kettle"})
    assert faults.draw("status", subject, "fal-00000042") is None
    assert faults.draw("result", subject, "fal-00000042") == ("gone" if met else None)
    assert faults.draw("result", subject, "fal-00000042") is None
