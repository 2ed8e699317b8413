"""ElevenLabs through its own SDK, against the simulator."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio

from tests.simulated import (
    MULTILINGUAL,
    a_world,
    answering,
    buy,
    open_provider,
    paid,
    serving,
    simulated,
    speech,
    unheard,
)
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.errors import AuthFailed, Crowded, RateLimited, UnknownOutcome, Unusable
from tiktoker_batch.model import Json
from tiktoker_batch.providers.base import Job, Provider, Request
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.faults import Scripted
from tiktoker_batch.simulator.http import Reply

TEXT = "Two of the hearts serve the gills. The third one rests, sometimes."


@asynccontextmanager
async def answered(reply: Reply, folder: Path, **replies: Reply) -> AsyncIterator[Provider]:
    """The provider at a service that answers everything in this way, but what ``replies`` name."""
    async with (
        simulated(a_world()) as simulator,
        serving(answering(**replies, other=reply)) as address,
        open_provider("elevenlabs", simulator, folder, {"ELEVENLABS_BASE_URL": address}) as provider,
    ):
        yield provider


async def test_speech_comes_as_wav_with_every_word_and_its_time(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with simulated(a_world()) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        made = await buy(provider, speech(TEXT), {"audio": tmp_path / "narration.wav"})
    assert (tmp_path / "narration.wav").read_bytes()[:4] == b"RIFF"
    assert isinstance(made.value, list)
    assert [word["text"] for word in made.value] == TEXT.split()
    starts = [word["start"] for word in made.value]
    assert starts == sorted(starts)
    assert made.cost_usd is not None
    assert float(made.cost_usd) == pytest.approx(len(TEXT) / 1000 * 0.22)
    assert paid(simulator) == 1


@pytest.mark.parametrize("kind", ["no_alignment", "collapsed_alignment"])
async def test_times_that_cannot_be_believed_are_shared_out_instead(
    tmp_path: Path, flying_clock: FlyingClock, kind: str
) -> None:
    world = a_world(Scripted(verb="speak", kind=kind))
    async with simulated(world) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        made = await buy(provider, speech(TEXT), {"audio": tmp_path / "narration.wav"})
    assert isinstance(made.value, list)
    ends = [word["end"] for word in made.value]
    assert len(ends) == len(TEXT.split())
    assert ends == sorted(ends)
    assert ends[-1] > 3


@pytest.mark.parametrize(
    ("kind", "expected"), [("crowded", Crowded), ("busy", RateLimited), ("quota_exceeded", AuthFailed)]
)
async def test_the_sdk_is_kept_from_trying_again_by_itself(
    tmp_path: Path, flying_clock: FlyingClock, kind: str, expected: type
) -> None:
    world = a_world(Scripted(verb="speak", kind=kind, times=9))
    async with simulated(world) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        with pytest.raises(expected):
            await buy(provider, speech(TEXT), {"audio": tmp_path / "narration.wav"})
    assert world.faults.happened[f"speak:{kind}"] == 1
    assert world.ledger.requests == {"POST /v1/…": 1}


async def test_speech_whose_answer_was_lost_is_fetched_from_the_history(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    world = a_world(Scripted(verb="speak", kind="lost_reply"), Scripted(verb="listing", kind="error_500"))
    async with simulated(world) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        sent = datetime.now(UTC)
        with pytest.raises(UnknownOutcome):
            await buy(provider, speech(TEXT), {"audio": tmp_path / "narration.wav"})
        job = await provider.find(speech(TEXT), sent)
        assert job is not None
        made = await provider.collect(job, {"audio": tmp_path / "narration.wav"}, unheard)
        assert await provider.find(speech(TEXT), sent) is None  # it has an owner now
    assert isinstance(made.value, list)
    assert [word["text"] for word in made.value] == TEXT.split()
    assert paid(simulator) == 1


async def test_a_history_that_is_in_trouble_is_asked_until_it_tells_and_nothing_is_spoken_again(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    world = a_world(
        Scripted(verb="speak", kind="lost_reply"), Scripted(verb="listing", kind="error_500", skip=1, times=9)
    )
    async with simulated(world) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        sent = datetime.now(UTC)
        with pytest.raises(UnknownOutcome):
            await buy(provider, speech(TEXT), {"audio": tmp_path / "narration.wav"})
        job = await provider.find(speech(TEXT), sent)
        assert job is not None
        await provider.collect(job, {"audio": tmp_path / "narration.wav"}, unheard)
    assert world.faults.happened["listing:error_500"] == 9
    assert len(world.ledger.entries) == paid(simulator) == 1


@pytest.mark.parametrize(
    "other",
    [
        speech("Something else."),
        speech(TEXT, model="eleven_flash_v2_5"),
        replace(speech(TEXT), params={"voice": "another", "language": "en"}),
    ],
    ids=["text", "model", "voice"],
)
async def test_only_the_very_same_speech_is_adopted(tmp_path: Path, flying_clock: FlyingClock, other: Request) -> None:
    world = a_world(Scripted(verb="speak", kind="lost_reply"))
    async with simulated(world) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        sent = datetime.now(UTC)
        with pytest.raises(UnknownOutcome):
            await buy(provider, speech(TEXT), {"audio": tmp_path / "narration.wav"})
        assert await provider.find(other, sent) is None


@pytest.mark.parametrize("history", [{}, [], "garbage", {"history": None}, {"history": ["x"]}])
async def test_a_history_that_cannot_be_read_leaves_the_outcome_unknown(
    tmp_path: Path, flying_clock: FlyingClock, history: Json
) -> None:
    async with answered(Reply(body=history), tmp_path) as provider:
        with pytest.raises(UnknownOutcome, match="cannot be read"):
            await provider.find(speech(TEXT), datetime.now(UTC))


@pytest.mark.parametrize("item", [{}, {"alignments": None}, {"alignments": {"alignment": None}}, {"alignments": "x"}])
async def test_speech_from_the_history_without_times_has_them_shared_out(
    tmp_path: Path, flying_clock: FlyingClock, item: Json
) -> None:
    sound = Reply(body=await a_world().media.speech(5, form="mp3"))
    job = Job(id="h1", provider="elevenlabs", model=MULTILINGUAL, addresses={"history": "h1"}, request=speech(TEXT))
    async with answered(Reply(body=item), tmp_path, audio=sound) as provider:
        made = await provider.collect(job, {"audio": tmp_path / "narration.wav"}, unheard)
    assert isinstance(made.value, list)
    assert [word["text"] for word in made.value] == TEXT.split()


async def test_speech_that_was_never_spoken_is_not_found(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with simulated(a_world()) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        assert await provider.find(speech(TEXT), datetime.now(UTC)) is None


async def test_silence_is_unusable(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(Scripted(verb="speak", kind="silent_failure"))
    async with simulated(world) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        with pytest.raises(Unusable):
            await buy(provider, speech(TEXT), {"audio": tmp_path / "narration.wav"})


@pytest.mark.parametrize(
    "answer", [{}, {"audio_base64": None}, {"audio_base64": 5}, {"audio_base64": "é"}, {"audio_base64": "eHh4"}]
)
async def test_an_answer_without_sound_is_unusable_and_may_be_charged(
    tmp_path: Path, flying_clock: FlyingClock, answer: Json
) -> None:
    async with answered(Reply(body=answer), tmp_path) as provider:
        with pytest.raises(Unusable) as raised:
            await buy(provider, speech(TEXT), {"audio": tmp_path / "narration.wav"})
    assert raised.value.maybe_charged
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("alignment", ["x", [], {}, {"characters": ["a"]}, {"characters": None, "x": 3}])
async def test_an_alignment_of_any_shape_is_survived(
    tmp_path: Path, flying_clock: FlyingClock, alignment: Json
) -> None:
    sound = base64.b64encode(await a_world().media.speech(5, form="mp3")).decode()
    async with answered(Reply(body={"audio_base64": sound, "alignment": alignment}), tmp_path) as provider:
        made = await buy(provider, speech(TEXT), {"audio": tmp_path / "narration.wav"})
    assert isinstance(made.value, list)
    assert [word["text"] for word in made.value] == TEXT.split()


async def test_an_exhausted_quota_is_told_in_the_service_s_words_not_as_a_bad_key(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    world = a_world(Scripted(verb="speak", kind="quota_exceeded"))
    async with simulated(world) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        with pytest.raises(AuthFailed, match="This request exceeds your quota") as raised:
            await buy(provider, speech(TEXT), {"audio": tmp_path / "narration.wav"})
    assert raised.value.code == "quota_exceeded"
    assert "key" not in raised.value.message


async def test_a_limit_is_heard_from_refusals_too(tmp_path: Path, flying_clock: FlyingClock) -> None:
    told: list[tuple[str, int]] = []
    world = a_world(Scripted(verb="speak", kind="crowded"), account={"elevenlabs": 2})
    async with (
        simulated(world) as simulator,
        open_provider("elevenlabs", simulator, tmp_path, tell_limit=lambda *each: told.append(each)) as provider,
    ):
        with pytest.raises(Crowded):
            await buy(provider, speech(TEXT), {"audio": tmp_path / "narration.wav"})
    assert told == [("elevenlabs", 2)]


async def test_voice_settings_and_seed_reach_the_service_and_what_is_ours_does_not(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    world, asked = a_world(), speech(TEXT)
    settings: Json = {"stability": 0.3, "speed": 1.1, "loudness": 9}
    asked = replace(asked, seed=77, params={**asked.params, "voice_settings": settings})
    async with simulated(world) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        await buy(provider, asked, {"audio": tmp_path / "narration.wav"})
    assert world.ledger.entries[0].input == {
        "text": TEXT,
        "model_id": MULTILINGUAL,
        "seed": 77,
        "voice_settings": {"stability": 0.3, "speed": 1.1},
    }


async def test_the_account_s_limit_is_passed_on(tmp_path: Path, flying_clock: FlyingClock) -> None:
    told: list[tuple[str, int]] = []
    world = a_world(account={"elevenlabs": 7})
    async with (
        simulated(world) as simulator,
        open_provider("elevenlabs", simulator, tmp_path, tell_limit=lambda *each: told.append(each)) as provider,
    ):
        for number in range(3):
            await buy(provider, speech(f"{TEXT} {number}"), {"audio": tmp_path / "narration.wav"})
    assert told == [("elevenlabs", 7)]


async def test_only_models_that_take_it_are_told_the_language(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world()
    async with simulated(world) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        await buy(provider, speech(TEXT), {"audio": tmp_path / "a.wav"})
        await buy(provider, speech(TEXT, model="eleven_flash_v2_5"), {"audio": tmp_path / "b.wav"})
    assert [entry.input.get("language_code") for entry in world.ledger.entries] == [None, "en"]


async def test_half_an_emoji_is_spoken_as_a_replacement_character(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(Scripted(verb="speak", kind="lost_reply"))
    async with simulated(world) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        sent = datetime.now(UTC)
        with pytest.raises(UnknownOutcome):
            await buy(provider, speech("A hedgehog \ud83e."), {"audio": tmp_path / "narration.wav"})
        assert await provider.find(speech("A hedgehog \ud83e."), sent) is not None
    assert world.ledger.entries[0].input["text"] == "A hedgehog \ufffd."


# ---------------------------------------------------------------------- limits


async def speak_at_once(provider: Provider, capacity: Capacity, into: Path, count: int) -> None:
    """What the engine does: each narration holds a seat."""

    async def speak(number: int) -> None:
        lease = await capacity.acquire(["elevenlabs"])
        try:
            await buy(provider, speech(f"{TEXT} {number}"), {"audio": into / f"{number}.wav"})
        finally:
            lease.release()

    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(speak, number)


@pytest.mark.parametrize(
    ("seats", "chosen", "bears", "peak"),
    [
        (20, True, 25, 20),  # a user's own limit, above what is usual
        (4, False, 15, 15),  # the usual one grows to what the account bears
        (4, True, 15, 4),  # a user's own is never passed
        (20, True, 10, 10),  # nor what the account bears
    ],
)
async def test_as_much_is_spoken_at_once_as_the_account_bears_and_the_user_allows(
    tmp_path: Path, flying_clock: FlyingClock, seats: int, chosen: bool, bears: int, peak: int
) -> None:
    world = a_world(latencies={"narration": 20.0}, account={"elevenlabs": bears})
    limits = {"elevenlabs": seats}
    capacity = Capacity(limits, chosen=limits if chosen else ())
    async with (
        simulated(world) as simulator,
        open_provider("elevenlabs", simulator, tmp_path, seats=limits, tell_limit=capacity.bear) as provider,
    ):
        await speak_at_once(provider, capacity, tmp_path, 1)
        await speak_at_once(provider, capacity, tmp_path, 30)
    assert world.ledger.peaks["elevenlabs"] == peak
    assert paid(simulator) == 31
