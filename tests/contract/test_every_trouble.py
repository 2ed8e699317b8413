"""Every trouble that the simulator knows, met by the services' own SDKs: what they give or raise, and what was bought.

The SDKs try once here; what they repeat by themselves is looked at beside this.
"""

import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import fal_client
import httpx
import pytest
from elevenlabs.core.api_error import ApiError

from tests.contract.conftest import Eleven, Fal, OpenEleven, OpenFal
from tests.simulated import FLUX, MULTILINGUAL, RACHEL
from tiktoker_batch.simulator.faults import LASTING, PASSING, Scripted

# fal's client leaves the connections of its uploads to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning", "ignore:.*<socket.socket:pytest.PytestUnraisableExceptionWarning"
)

# What neither SDK can meet: verbs as a whole, or one kind of a verb.
UNMET: Mapping[str, str] = {
    "stream": "both clients poll; the stream of a status is there for who listens",
    "media": "files are fetched with any client; the SDKs give their addresses",
    "write": "OpenRouter is spoken to without an SDK",
    "listing:no_payloads": "fal's platform API, which no SDK speaks",
    "listing:finished_only": "fal's platform API, which no SDK speaks",
}
LIGHTHOUSE = {"prompt": "a lighthouse", "seed": 7}
TEXT = "A light goes out at dawn."
WELL = "well"  # the SDK gives what was asked for


@dataclass(frozen=True, kw_only=True)
class Case:
    """``gets`` is the status of the SDK's error, the type of another one, or ``WELL``.

    ``bought`` is how many jobs were accepted and paid then. ``match`` is what the trouble is about.
    """

    verb: str
    kind: str
    gets: int | type[Exception] | str
    bought: tuple[int, int]
    match: str = ""

    @property
    def name(self) -> str:
        return "-".join(filter(None, (self.verb, self.kind, self.match)))

    @property
    def scripted(self) -> Scripted:
        return Scripted(verb=self.verb, kind=self.kind, match=self.match)


def case(name: str, gets: int | type[Exception] | str, accepted: int, paid: int, **more: Any) -> Case:
    verb, _, kind = name.partition(":")
    return Case(verb=verb, kind=kind, gets=gets, bought=(accepted, paid), **more)


FAL = [
    # ---- taken all the same
    case("submit:lost_reply", httpx.RemoteProtocolError, 1, 1),
    case("submit:gateway_error", 502, 1, 1),
    case("submit:garbage", json.JSONDecodeError, 1, 1),
    case("submit:late_reply", WELL, 1, 1),
    # ---- not taken
    case("submit:dropped", httpx.RemoteProtocolError, 0, 0),
    case("submit:error_500", 500, 0, 0),
    case("submit:nginx_503", 503, 0, 0),
    case("submit:timeout_408", 408, 0, 0),
    case("submit:conflict_409", 409, 0, 0),
    case("submit:throttled", 429, 0, 0),
    case("submit:overloaded", 503, 0, 0),
    case("submit:start_timeout", 504, 0, 0),
    case("submit:locked", 403, 0, 0),
    case("submit:unauthorized", 401, 0, 0),
    case("submit:not_found", 404, 0, 0),
    case("submit:invalid", 422, 0, 0),
    # ---- the job itself
    case("job:runner_lost", 503, 1, 0),
    case("job:content_policy", 422, 1, 1),
    case("job:generation_timeout", 422, 1, 0),
    case("job:retryable_422", 422, 1, 0),
    case("job:invalid", 422, 1, 0),
    case("job:flagged", WELL, 1, 1),
    case("job:black", WELL, 1, 1),
    case("job:slow", WELL, 1, 1),
    case("job:no_file", KeyError, 1, 1),
    # ---- asking after it, and for what it made
    case("status:drop", httpx.RemoteProtocolError, 1, 1),
    case("status:error_500", 500, 1, 1),
    case("status:throttled", 429, 1, 1),
    case("status:forgotten", 404, 1, 1),
    case("status:unauthorized", 401, 1, 1),
    case("status:no_logs", KeyError, 1, 1),
    case("status:slow", WELL, 1, 1),
    case("result:drop", httpx.RemoteProtocolError, 1, 1),
    case("result:error_500", 500, 1, 1),
    case("result:expired", 404, 1, 1),
    case("result:gone", 410, 1, 1),
    case("result:slow", WELL, 1, 1),
]
CANCELS = [case("cancel:ignored", WELL, 1, 1)]
UPLOADS = [
    case("upload:error_500", WELL, 0, 0, match="lighthouse.png"),
    case("upload:unauthorized", WELL, 0, 0, match="lighthouse.png"),
    case("upload:too_large", WELL, 0, 0, match="lighthouse.png"),
    case("upload:error_500", 500, 0, 0, match="token"),
    case("upload:token_down", 503, 0, 0),
    case("upload:unauthorized", 401, 0, 0, match="token"),
]
SPEECH = [
    case("speak:lost_reply", httpx.RemoteProtocolError, 1, 1),
    case("speak:busy", 429, 0, 0),
    case("speak:crowded", 429, 0, 0),
    case("speak:error_500", 500, 0, 0),
    case("speak:unauthorized", 401, 0, 0),
    case("speak:quota_exceeded", 401, 0, 0),
    case("speak:voice_not_found", 400, 0, 0),
    case("speak:invalid", 422, 0, 0),
    case("speak:slow", WELL, 1, 1),
    case("speak:no_alignment", WELL, 1, 1),
    case("speak:collapsed_alignment", WELL, 1, 1),
    case("speak:silent_failure", WELL, 1, 1),
]
HISTORY = [
    case("listing:drop", httpx.RemoteProtocolError, 0, 0),
    case("listing:error_500", 500, 0, 0),
    case("listing:unauthorized", 401, 0, 0),
]


def gotten(call: Callable[[], Any]) -> int | type[Exception] | str:
    """What a call of an SDK gives, in a case's words."""
    try:
        call()
    except (fal_client.FalClientHTTPError, ApiError) as error:
        return error.status_code or 0
    except httpx.HTTPStatusError as error:
        return error.response.status_code
    except (httpx.TransportError, json.JSONDecodeError, KeyError) as error:
        return type(error)
    return WELL


def settled(service: Fal | Eleven) -> tuple[int, int]:
    """How many jobs were accepted and paid, once all of them have ended."""
    entries = service.ledger.entries
    deadline = time.monotonic() + 10
    while any(entry.ended_at is None for entry in entries) and time.monotonic() < deadline:
        time.sleep(0.02)
    return len(entries), service.ledger.paid()


def a_picture(service: Fal) -> None:
    """Buy one, and look at what came."""
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    for _ in handle.iter_events(interval=0.02):
        pass
    assert handle.get()["images"]


def a_stop(service: Fal) -> None:
    """Have a job stopped, and fetch what it made all the same."""
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    handle.cancel()
    assert handle.get(interval=0.02)["images"]


def an_upload(service: Fal) -> None:
    address = service.client.upload(b"a picture", "image/png", "lighthouse.png")
    assert service.download(address) == b"a picture"


def a_speech(service: Eleven) -> None:
    options = {"max_retries": 0}
    service.client.text_to_speech.convert_with_timestamps(
        RACHEL, text=TEXT, model_id=MULTILINGUAL, request_options=options
    )


def a_plain_speech(service: Eleven) -> None:
    b"".join(service.client.text_to_speech.convert(RACHEL, text=TEXT, model_id=MULTILINGUAL))


def a_history(service: Eleven) -> None:
    service.client.history.list(request_options={"max_retries": 0})


def name_of(part: Case | Callable[..., None]) -> str:
    """A case or a call by its name."""
    return part.name if isinstance(part, Case) else part.__name__


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is late is late by a moment."""
    monkeypatch.setattr("tiktoker_batch.simulator.world.LATE_SECONDS", 0.2)


@pytest.mark.usefixtures("one_attempt")
@pytest.mark.parametrize(
    ("case", "call"),
    [
        *((each, a_picture) for each in FAL),
        *((each, a_stop) for each in CANCELS),
        *((each, an_upload) for each in UPLOADS),
    ],
    ids=name_of,
)
def test_fals_own_client_meets_it(fal: OpenFal, case: Case, call: Callable[[Fal], None]) -> None:
    service = fal(case.scripted)
    assert_met(service, case, lambda: call(service))


@pytest.mark.parametrize(
    ("case", "call"),
    [*itertools.product(SPEECH, (a_speech, a_plain_speech)), *((each, a_history) for each in HISTORY)],
    ids=name_of,
)
def test_elevenlabs_own_sdk_meets_it(eleven: OpenEleven, case: Case, call: Callable[[Eleven], None]) -> None:
    service = eleven(case.scripted)
    assert_met(service, case, lambda: call(service))


def assert_met(service: Fal | Eleven, case: Case, call: Callable[[], None]) -> None:
    """The trouble happens, does what the case says, and is over."""
    assert gotten(call) == case.gets
    assert settled(service) == case.bought
    assert service.books()["faults"] == {f"{case.verb}:{case.kind}": 1}
    if case.verb != "cancel":
        assert gotten(call) == WELL


def test_no_trouble_is_without_a_case() -> None:
    """Whoever adds one says here what an SDK makes of it, or above why none can meet it."""
    known = {f"{verb}:{kind}" for table in (PASSING, LASTING) for verb, kinds in table.items() for kind in kinds}
    met = {f"{each.verb}:{each.kind}" for each in (*FAL, *CANCELS, *UPLOADS, *SPEECH, *HISTORY)}
    unmet = {name for name in known if name in UNMET or name.partition(":")[0] in UNMET}
    assert met | unmet == known
    assert not met & unmet
    assert UNMET.keys() <= known | PASSING.keys(), "a reason for nothing"
