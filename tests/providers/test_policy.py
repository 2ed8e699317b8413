"""Each row of the policy table, reached through a real socket: what a service answers, and what it means for money."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from tests.simulated import (
    FAL_SPEECH,
    a_clip,
    a_story,
    a_world,
    an_image,
    buy,
    open_provider,
    simulated,
    speech,
)
from tiktoker_batch.errors import (
    AuthFailed,
    BadRequest,
    Broken,
    Crowded,
    ProviderError,
    RateLimited,
    Rejected,
    ResultLost,
    Unavailable,
    UnknownOutcome,
)
from tiktoker_batch.providers import policy
from tiktoker_batch.providers.base import Request
from tiktoker_batch.providers.policy import RULES, Rule, Signal, Verb, error_for, error_type
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.faults import Scripted


@dataclass(frozen=True)
class Case:
    """A trouble at a service, and what comes of it. ``charged``: it may have cost something."""

    provider: str
    verb: str
    kind: str
    error: type[ProviderError]
    charged: bool = False
    patience: float | None = None

    def __str__(self) -> str:
        return f"{self.provider}-{self.verb}-{self.kind}"


CASES = [
    Case("fal", "submit", "lost_reply", UnknownOutcome, charged=True),
    Case("fal", "submit", "gateway_error", UnknownOutcome, charged=True),
    Case("fal", "submit", "garbage", UnknownOutcome, charged=True),
    Case("fal", "submit", "error_500", UnknownOutcome, charged=True),
    Case("fal", "submit", "nginx_503", UnknownOutcome, charged=True),
    Case("fal", "submit", "timeout_408", UnknownOutcome, charged=True),
    Case("fal", "submit", "conflict_409", UnknownOutcome, charged=True),
    Case("fal", "submit", "throttled", RateLimited, patience=2),
    Case("fal", "submit", "overloaded", RateLimited),
    Case("fal", "submit", "start_timeout", Unavailable),
    Case("fal", "submit", "locked", AuthFailed),
    Case("fal", "submit", "unauthorized", AuthFailed),
    Case("fal", "submit", "not_found", BadRequest),
    Case("fal", "submit", "invalid", BadRequest),
    Case("fal", "status", "forgotten", ResultLost, charged=True),
    Case("fal", "status", "unauthorized", AuthFailed),
    Case("fal", "result", "expired", ResultLost, charged=True),
    Case("fal", "result", "gone", ResultLost, charged=True),
    Case("fal", "result", "error_500", Unavailable),
    Case("fal", "result", "drop", Unavailable),
    Case("fal", "job", "content_policy", Rejected, charged=True),
    Case("fal", "job", "flagged", Rejected, charged=True),
    Case("fal", "job", "invalid", BadRequest, charged=True),
    Case("fal", "job", "generation_timeout", Unavailable),
    Case("fal", "job", "retryable_422", Unavailable),
    Case("fal", "job", "runner_lost", Unavailable),
    Case("fal", "media", "gone", ResultLost, charged=True),
    Case("fal", "media", "error_500", Unavailable),
    Case("elevenlabs", "speak", "lost_reply", UnknownOutcome, charged=True),
    Case("elevenlabs", "speak", "error_500", UnknownOutcome, charged=True),
    Case("elevenlabs", "speak", "crowded", Crowded),
    Case("elevenlabs", "speak", "busy", RateLimited, patience=3),
    Case("elevenlabs", "speak", "unauthorized", AuthFailed),
    Case("elevenlabs", "speak", "quota_exceeded", AuthFailed),
    Case("elevenlabs", "speak", "voice_not_found", BadRequest),
    Case("elevenlabs", "speak", "invalid", BadRequest),
    Case("openrouter", "write", "lost_reply", UnknownOutcome, charged=True),
    Case("openrouter", "write", "refused", Rejected),
    Case("openrouter", "write", "moderated", Rejected),
    Case("openrouter", "write", "unauthorized", AuthFailed),
    Case("openrouter", "write", "no_credits", AuthFailed),
    Case("openrouter", "write", "budget_in_flight", RateLimited, patience=2),
    Case("openrouter", "write", "too_long", BadRequest),
    Case("openrouter", "write", "timeout_408", Unavailable),
    Case("openrouter", "write", "throttled", RateLimited, patience=2),
    Case("openrouter", "write", "error_502", Unavailable),
    Case("openrouter", "write", "error_503", Unavailable, patience=1),
    Case("openrouter", "write", "error_in_200", Unavailable),
]
REQUESTS: dict[str, Callable[[], Request]] = {"fal": an_image, "elevenlabs": speech, "openrouter": a_story}
ROLES = {"fal": {"image": "01.png"}, "elevenlabs": {"audio": "narration.wav"}, "openrouter": {}}


@pytest.fixture(scope="module")
def reached() -> set[int]:
    """The rows that a case has come by."""
    return set()


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_an_answer_means_what_the_table_says(
    case: Case, tmp_path: Path, flying_clock: FlyingClock, reached: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _watch_rows(reached, monkeypatch)
    deaf = Scripted(verb="stream", kind="drop", times=99 if case.verb == "status" else 0)
    world = a_world(Scripted(verb=case.verb, kind=case.kind, times=99), deaf)
    async with simulated(world) as simulator, open_provider(case.provider, simulator, tmp_path) as provider:
        into = {role: tmp_path / name for role, name in ROLES[case.provider].items()}
        with pytest.raises(ProviderError) as raised:
            await buy(provider, REQUESTS[case.provider](), into)
    error = raised.value
    assert type(error) is case.error, error.message
    assert error.maybe_charged == case.charged
    if case.patience is not None:
        assert error.retry_after == case.patience
    assert "nothing-is-paid" not in str(error)
    assert len([entry for entry in world.ledger.entries if entry.provider == case.provider]) <= 1


def _watch_rows(reached: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    fits = Rule.fits

    def watched(rule: Rule, signal: Signal) -> bool:
        found = fits(rule, signal)
        if found:
            reached.add(RULES.index(rule))
        return found

    monkeypatch.setattr(Rule, "fits", watched)


# ---------------------------------------------------------------------- what no simulator can answer


@asynccontextmanager
async def _server(behave: Callable[[trio.SocketStream, bytes], Awaitable[None]]) -> AsyncIterator[str]:
    """Something that listens, reads a request and then does as it is told."""

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            got = b""
            while b"\r\n\r\n" not in got:
                got += await stream.receive_some(65536)
            await behave(stream, got)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, serve, 0)
        port = listeners[0].socket.getsockname()[1]
        yield f"http://127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


def _answer(status: int, body: str, headers: str = "") -> Callable[[trio.SocketStream, bytes], Awaitable[None]]:
    async def behave(stream: trio.SocketStream, got: bytes) -> None:
        key = next((line for line in got.decode().splitlines() if line.lower().startswith("authorization")), "")
        text = body.replace("KEY", key)
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n{headers}\r\n"
        await stream.send_all((head + text).encode())

    return behave


async def _submitted_to(address: str, folder: Path, flying_clock: FlyingClock, key: str = "k:s") -> ProviderError:
    async with simulated(a_world()) as simulator:
        environ = {"FAL_QUEUE_URL": address, "FAL_KEY": key}
        async with open_provider("fal", simulator, folder, environ) as fal:
            with pytest.raises(ProviderError) as raised:
                await fal.submit(an_image())
    return raised.value


async def test_a_service_that_cannot_be_reached_was_sent_nothing(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with _server(_answer(200, "{}")) as address:
        pass  # and is closed again: nobody listens there now
    error = await _submitted_to(address, tmp_path, flying_clock)
    assert type(error) is Unavailable
    assert not error.maybe_charged
    assert "cannot reach 127.0.0.1" in error.message


async def test_a_service_that_never_answers_may_have_taken_the_request(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    async def silent(stream: trio.SocketStream, got: bytes) -> None:
        await trio.sleep_forever()

    async with _server(silent) as address:
        error = await _submitted_to(address, tmp_path, flying_clock)
    assert type(error) is UnknownOutcome
    assert "did not answer in time" in error.message


@pytest.mark.parametrize("status", [401, 422, 500])
async def test_a_key_that_a_service_echoes_is_taken_out_of_its_words(
    status: int, tmp_path: Path, flying_clock: FlyingClock
) -> None:
    key = "canary12-aaaa-bbbb:secretcanary34567890"
    async with _server(_answer(status, '{"detail": "not with KEY, canary12-aaaa... please"}')) as address:
        error = await _submitted_to(address, tmp_path, flying_clock, key)
    assert "[key]" in error.message
    assert "canary" not in str(error) + repr(error) + repr(error.__cause__)


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (422, "", '{"detail": [{"loc": ["body"], "msg": "no", "type": "content_policy_violation"}]}', Rejected),
        (503, "Retry-After: 7\r\n", "{}", RateLimited),
        (403, "", '{"detail": "no permission"}', AuthFailed),
    ],
)
async def test_rarer_answers_to_a_submit(
    status: int, headers: str, body: str, expected: type, tmp_path: Path, flying_clock: FlyingClock
) -> None:
    async with _server(_answer(status, body, headers)) as address:
        error = await _submitted_to(address, tmp_path, flying_clock)
    assert type(error) is expected
    assert error.retry_after == (7 if "7" in headers else None)


# Signals that no case above makes: rarer words of services, and wires that are used elsewhere.
RARER = [
    (Signal(verb=Verb.STATUS, status=429, message=""), RateLimited),
    (Signal(verb=Verb.STATUS, status=502, message=""), Unavailable),
    (Signal(verb=Verb.RESULT, status=401, message=""), AuthFailed),
    (Signal(verb=Verb.FAILURE, status=500, message=""), Unavailable),
    (Signal(verb=Verb.FAILURE, status=500, retryable=False, message=""), Broken),
    (Signal(verb=Verb.FAILURE, status=403, message=""), AuthFailed),
    (Signal(verb=Verb.MEDIA, status=403, message=""), ResultLost),
    (Signal(verb=Verb.MEDIA, status=410, message=""), ResultLost),
    (Signal(verb=Verb.UPLOAD, status=401, message=""), AuthFailed),
    (Signal(verb=Verb.UPLOAD, status=413, message=""), BadRequest),
    (Signal(verb=Verb.LOOKUP, status=500, message=""), Unavailable),
    (Signal(verb=Verb.SPEAK, status=400, code="content_policy_violation", message=""), Rejected),
    (Signal(verb=Verb.WRITE, status=402, code="weight_exceeds_budget", message=""), BadRequest),
    (Signal(verb=Verb.WRITE, status=402, code="in_flight_budget_exhausted", message=""), RateLimited),
    (Signal(verb=Verb.WRITE, status=403, code="permission_denied", message=""), AuthFailed),
    (Signal(verb=Verb.WRITE, status=403, message=""), Rejected),
]


@pytest.mark.parametrize(("signal", "expected"), RARER, ids=lambda each: getattr(each, "verb", None))
def test_rarer_signals(
    signal: Signal, expected: type[ProviderError], reached: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _watch_rows(reached, monkeypatch)
    assert error_type(signal) is expected


def test_no_row_of_the_table_is_there_for_nothing() -> None:
    """Every row is the first to fit some signal; a row that never decides would be a misunderstanding."""
    codes = [None, *policy.CONTENT, *policy.CROWDED, *policy.PASSING, "runner_disconnected", "user_timeout"]
    codes += ["weight_exceeds_budget", "in_flight_budget_exhausted", "permission_denied"]
    statuses = [None, 200, 400, 401, 402, 403, 404, 408, 409, 410, 413, 422, 429, 500, 502, 503, 504]
    deciding = set()
    for verb in Verb:
        for status in statuses:
            for code in codes:
                for retryable in (None, True, False):
                    for after in (None, 1.0):
                        for sent in (True, False):
                            signal = Signal(
                                verb=verb,
                                status=status,
                                code=code,
                                retryable=retryable,
                                retry_after=after,
                                sent=sent,
                                message="",
                            )
                            first = next((n for n, rule in enumerate(RULES) if rule.fits(signal)), None)
                            assert first is not None, signal
                            deciding.add(first)
    assert deciding == set(range(len(RULES)))


def test_nothing_that_may_be_charged_is_called_retryable() -> None:
    for verb in Verb:
        for status in (None, *range(400, 600)):
            error = error_for("x", Signal(verb=verb, status=status, message=""))
            assert not (error.maybe_charged and error.retryable), (verb, status)


async def test_speech_at_fal_knows_the_same_troubles(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(Scripted(verb="job", kind="content_policy"))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        with pytest.raises(Rejected):
            await buy(fal, speech(model=FAL_SPEECH), {"audio": tmp_path / "narration.wav"})


async def test_a_clip_of_a_length_that_the_model_does_not_offer_is_a_bad_request(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    async with simulated(a_world()) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
        wrong = a_clip(tmp_path / "01.jpg")
        with pytest.raises(BadRequest, match="duration"):
            await buy(fal, Request(**{**_fields(wrong), "params": {**wrong.params, "seconds": 5}}), {})


def _fields(request: Request) -> dict[str, object]:
    return {name: getattr(request, name) for name in Request.__dataclass_fields__}
