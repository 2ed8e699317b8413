"""ElevenLabs' own SDK against the simulator: what it gives or raises, and what the books say."""

import base64
import concurrent.futures
import functools
import io
import time
from typing import Any

import av
import httpx
import pytest
from elevenlabs import AudioWithTimestampsResponse
from elevenlabs.core.api_error import ApiError
from elevenlabs.errors import UnprocessableEntityError

from tests.contract.conftest import Eleven, OpenEleven
from tests.simulated import MULTILINGUAL, RACHEL
from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.simulator.faults import Scripted
from tiktoker_batch.simulator.speech import premade_voices, spoken_seconds

TEXT = "A light goes out at dawn."
ONCE = {"max_retries": 0}


def speak(service: Eleven, text: str = TEXT) -> bytes:
    return b"".join(service.client.text_to_speech.convert(RACHEL, text=text, model_id=MULTILINGUAL))


def speak_with_times(service: Eleven, text: str = TEXT, options: Any = None) -> AudioWithTimestampsResponse:
    return service.client.text_to_speech.convert_with_timestamps(
        RACHEL, text=text, model_id=MULTILINGUAL, request_options=options
    )


def refused(service: Eleven) -> ApiError:
    """The error that speaking raises, when the SDK tries once."""
    with pytest.raises(ApiError) as raised:
        speak_with_times(service, options=ONCE)
    return raised.value


def lasts(sound: bytes) -> float:
    with av.open(io.BytesIO(sound)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


# ---------------------------------------------------------------------------- what is spoken


def test_speech_decodes_and_lasts_as_long_as_its_text(eleven: OpenEleven) -> None:
    service = eleven()
    assert lasts(speak(service)) == pytest.approx(spoken_seconds(TEXT), abs=0.1)
    assert lasts(speak(service, TEXT * 4)) == pytest.approx(spoken_seconds(TEXT * 4), abs=0.1)
    assert service.totals() == (2, 2, 2)
    assert service.books()["models"] == {f"elevenlabs:{MULTILINGUAL}": {"accepted": 2, "paid": 2, "delivered": 2}}


@pytest.mark.parametrize(("form", "codec"), [("mp3_44100_128", "mp3"), ("opus_48000_64", "opus")])
def test_speech_comes_in_the_form_that_was_asked_for(eleven: OpenEleven, form: str, codec: str) -> None:
    pieces = eleven().client.text_to_speech.convert(RACHEL, text=TEXT, model_id=MULTILINGUAL, output_format=form)
    with av.open(io.BytesIO(b"".join(pieces))) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == codec


def test_streamed_speech_is_the_same_sound(eleven: OpenEleven) -> None:
    service = eleven()
    streamed = b"".join(service.client.text_to_speech.stream(RACHEL, text=TEXT, model_id=MULTILINGUAL))
    assert streamed == speak(service)
    assert service.totals() == (2, 2, 2)


def test_the_times_of_the_letters_cover_the_text_and_rise(eleven: OpenEleven) -> None:
    service = eleven()
    spoken = speak_with_times(service)
    told = spoken.alignment
    assert told is not None
    starts, ends = told.character_start_times_seconds, told.character_end_times_seconds
    assert "".join(told.characters) == TEXT
    assert starts == sorted(starts)
    assert all(start < end for start, end in zip(starts, ends, strict=True))
    assert 0 < lasts(base64.b64decode(spoken.audio_base_64)) - ends[-1] < 0.5
    assert spoken.normalized_alignment == told
    assert service.totals() == (1, 1, 1)


def test_streamed_speech_carries_its_times(eleven: OpenEleven) -> None:
    service = eleven()
    pieces = list(service.client.text_to_speech.stream_with_timestamps(RACHEL, text=TEXT, model_id=MULTILINGUAL))
    told = "".join(letter for piece in pieces if piece.alignment for letter in piece.alignment.characters)
    assert told == TEXT
    sound = b"".join(base64.b64decode(piece.audio_base_64) for piece in pieces)
    assert lasts(sound) == pytest.approx(spoken_seconds(TEXT), abs=0.1)
    assert service.totals() == (1, 1, 1)


def test_headers_name_the_request_its_cost_and_what_the_account_bears(eleven: OpenEleven) -> None:
    service = eleven(account={"elevenlabs": 5})
    raw = service.client.text_to_speech.with_raw_response
    headers = raw.convert_with_timestamps(RACHEL, text=TEXT, model_id=MULTILINGUAL).headers
    assert headers["request-id"] == headers["history-item-id"] == service.ledger.entries[0].id
    assert headers["character-cost"] == str(len(TEXT))
    assert (headers["current-concurrent-requests"], headers["maximum-concurrent-requests"]) == ("1", "5")
    with raw.convert(RACHEL, text=TEXT, model_id=MULTILINGUAL) as reply:
        assert reply.headers["request-id"] == service.ledger.entries[1].id
        assert lasts(b"".join(reply.data)) > 1


def test_an_alignment_may_be_missing_although_speech_was_made_and_paid(eleven: OpenEleven) -> None:
    service = eleven(Scripted(verb="speak", kind="no_alignment"))
    spoken = speak_with_times(service)
    assert spoken.alignment is None
    assert spoken.normalized_alignment is None
    assert lasts(base64.b64decode(spoken.audio_base_64)) > 1
    assert service.totals() == (1, 1, 1)


def test_an_alignment_may_collapse_and_a_sound_may_be_empty(eleven: OpenEleven) -> None:
    service = eleven(Scripted(verb="speak", kind="collapsed_alignment"), Scripted(verb="speak", kind="silent_failure"))
    told = speak_with_times(service).alignment
    assert told is not None
    assert len(set(told.character_end_times_seconds)) == 1
    assert not speak_with_times(service).audio_base_64
    assert service.ledger.paid() == 2


# ---------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("unauthorized", 401, "invalid_api_key"),
        ("quota_exceeded", 401, "quota_exceeded"),
        ("voice_not_found", 400, "voice_not_found"),
        ("busy", 429, "system_busy"),
        ("crowded", 429, "concurrent_limit_exceeded"),
        ("error_500", 500, "internal_server_error"),
    ],
)
def test_a_refusal_carries_its_code_and_costs_nothing(eleven: OpenEleven, kind: str, status: int, code: str) -> None:
    service = eleven(Scripted(verb="speak", kind=kind))
    error = refused(service)
    assert error.status_code == status
    assert error.body["detail"]["code"] == error.body["detail"]["status"] == code
    assert service.came("POST /v1/…") == 1
    assert service.totals() == (0, 0, 0)


def test_a_key_that_is_unknown_is_refused_in_the_services_own_words(eleven: OpenEleven) -> None:
    service = eleven()
    service.lock_out()
    error = refused(service)
    assert (error.status_code, error.body["detail"]["code"]) == (401, "invalid_api_key")
    with pytest.raises(ApiError) as raised:
        service.client.history.list()
    assert raised.value.status_code == 401


def test_a_request_without_text_is_422_and_lists_what_is_missing(eleven: OpenEleven) -> None:
    service = eleven()
    with pytest.raises(UnprocessableEntityError) as raised:
        speak_with_times(service, "")
    assert raised.value.body["detail"][0]["loc"] == ["body", "text"]
    with pytest.raises(UnprocessableEntityError):
        speak(service, "")
    assert service.totals() == (0, 0, 0)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param({"text": "a" * 10_001, "model_id": MULTILINGUAL}, "max_character_limit_exceeded", id="too long"),
        pytest.param({"text": TEXT, "model_id": "eleven_multilingual_v9"}, "model_not_found", id="no such model"),
        pytest.param(
            {"text": TEXT, "model_id": MULTILINGUAL, "language_code": "en"}, "invalid_parameters", id="a language"
        ),
    ],
)
def test_what_a_model_does_not_take_is_400(eleven: OpenEleven, given: dict[str, str], code: str) -> None:
    service = eleven()
    with pytest.raises(ApiError) as raised:
        service.client.text_to_speech.convert_with_timestamps(RACHEL, **given)
    assert (raised.value.status_code, raised.value.body["detail"]["code"]) == (400, code)
    assert service.totals() == (0, 0, 0)


def test_more_requests_at_once_than_the_account_bears_are_refused(eleven: OpenEleven) -> None:
    service = eleven(account={"elevenlabs": 2}, latencies={"narration": 1.0})
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(speak, service, f"{TEXT} {number}") for number in range(6)]
    errors = [call.exception() for call in calls if call.exception() is not None]
    assert [error.body["detail"]["code"] for error in errors] == ["concurrent_limit_exceeded"] * 4
    assert service.books()["at_once"] == {"elevenlabs": 2}
    assert len(service.ledger.entries) == service.ledger.paid("elevenlabs") == 2


# ---------------------------------------------------------------------------- what the SDK repeats


@pytest.mark.slow
def test_the_sdk_repeats_a_call_with_times_twice_and_waits_as_it_is_told(eleven: OpenEleven) -> None:
    service = eleven(Scripted(verb="speak", kind="busy", times=2))
    before = time.monotonic()
    assert speak_with_times(service).alignment is not None
    assert time.monotonic() - before >= 6  # retry-after: 3, two times; its own choice would be 3 together
    assert service.came("POST /v1/…") == 3
    assert service.totals() == (1, 1, 1)


@pytest.mark.parametrize("kind", ["busy", "error_500"])
def test_the_sdk_does_not_repeat_plain_speech(eleven: OpenEleven, kind: str) -> None:
    service = eleven(Scripted(verb="speak", kind=kind))
    with pytest.raises(ApiError):
        speak(service)
    assert service.came("POST /v1/…") == 1
    assert service.totals() == (0, 0, 0)


def test_a_refusal_that_passes_says_how_long_to_wait(eleven: OpenEleven) -> None:
    error = refused(eleven(Scripted(verb="speak", kind="busy")))
    assert error.headers is not None
    assert error.headers["retry-after"] == "3"
    assert "maximum-concurrent-requests" in error.headers


def test_a_lost_reply_is_an_error_of_the_wire_and_the_speech_is_paid(eleven: OpenEleven) -> None:
    service = eleven(Scripted(verb="speak", kind="lost_reply", times=2))
    with pytest.raises(httpx.RemoteProtocolError):
        speak_with_times(service)
    with pytest.raises(httpx.RemoteProtocolError):
        speak(service)
    assert service.came("POST /v1/…") == 2
    assert service.totals() == (2, 2, 0)


# ---------------------------------------------------------------------------- looking


def test_history_gives_back_speech_whose_reply_was_lost(eleven: OpenEleven) -> None:
    service = eleven(Scripted(verb="speak", kind="lost_reply"))
    with pytest.raises(httpx.RemoteProtocolError):
        speak_with_times(service)
    (item,) = service.client.history.list(voice_id=RACHEL).history
    assert (item.text, item.voice_id, item.model_id, item.state) == (TEXT, RACHEL, MULTILINGUAL, "created")
    sound = b"".join(service.client.history.get_audio(item.history_item_id))
    assert lasts(sound) == pytest.approx(spoken_seconds(TEXT), abs=0.1)
    found = service.client.history.get(item.history_item_id)
    assert found.alignments is not None
    assert found.alignments.alignment is not None
    assert "".join(found.alignments.alignment.characters) == TEXT
    assert service.totals() == (1, 1, 0)


def test_history_lists_the_newest_first_page_by_page(eleven: OpenEleven) -> None:
    service = eleven()
    texts = [f"{TEXT} Number {number}." for number in range(5)]
    for text in texts:
        speak(service, text)
    seen, after = [], None
    for more in (True, True, False):
        page = service.client.history.list(page_size=2, start_after_history_item_id=after)
        assert page.has_more is more
        seen += [item.text for item in page.history]
        after = page.last_history_item_id
    assert seen == texts[::-1]


def test_history_of_another_voice_is_empty_and_an_unknown_item_is_404(eleven: OpenEleven) -> None:
    service = eleven()
    speak(service)
    other = next(voice for voice in premade_voices() if voice != RACHEL)
    listed = service.client.history.list(voice_id=other)
    assert (listed.history, listed.has_more) == ([], False)
    for look in (service.client.history.get, lambda name: list(service.client.history.get_audio(name))):
        with pytest.raises(ApiError) as raised:
            look("el-99999999")
        assert raised.value.status_code == 404


def test_voices_are_listed_by_id_and_name(eleven: OpenEleven) -> None:
    listed = eleven().client.voices.get_all().voices
    assert {voice.voice_id: voice.name for voice in listed} == premade_voices()


def test_every_voice_of_the_catalog_is_there(eleven: OpenEleven) -> None:
    listed = {voice.voice_id for voice in eleven().client.voices.get_all().voices}
    named = {voice.ids["elevenlabs"] for voice in load_catalog().voices.values() if "elevenlabs" in voice.ids}
    assert listed == named
    assert len(named) > 8


def test_a_voice_that_the_account_does_not_have_does_not_speak(eleven: OpenEleven) -> None:
    service = eleven()
    own = "0123456789abcdefghij"
    call = functools.partial(
        service.client.text_to_speech.convert_with_timestamps, own, text=TEXT, model_id=MULTILINGUAL
    )
    with pytest.raises(ApiError) as raised:
        call()
    assert (raised.value.status_code, raised.value.body["detail"]["code"]) == (400, "voice_not_found")
    assert service.totals() == (0, 0, 0)
    service.simulator.world.voices = frozenset({own})
    assert call().alignment is not None
    assert own in {voice.voice_id for voice in service.client.voices.get_all().voices}
