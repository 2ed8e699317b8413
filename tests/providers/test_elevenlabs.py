"""ElevenLabs through its own SDK, against the simulator."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.simulated import a_world, buy, open_provider, paid, simulated, speech
from tiktoker_batch.errors import AuthFailed, Crowded, RateLimited, UnknownOutcome, Unusable
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.faults import Scripted

TEXT = "Two of the hearts serve the gills. The third one rests, sometimes."


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
        made = await provider.collect(job, {"audio": tmp_path / "narration.wav"})
        assert await provider.find(speech(TEXT), sent) is None  # it has an owner now
    assert isinstance(made.value, list)
    assert [word["text"] for word in made.value] == TEXT.split()
    assert paid(simulator) == 1


async def test_speech_that_was_never_spoken_is_not_found(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with simulated(a_world()) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        assert await provider.find(speech(TEXT), datetime.now(UTC)) is None


async def test_silence_is_unusable(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(Scripted(verb="speak", kind="silent_failure"))
    async with simulated(world) as simulator, open_provider("elevenlabs", simulator, tmp_path) as provider:
        with pytest.raises(Unusable):
            await buy(provider, speech(TEXT), {"audio": tmp_path / "narration.wav"})


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
