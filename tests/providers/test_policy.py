"""Each row of the policy table, reached through a real socket: what a service answers, and what it means for money."""

import gc
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trio

from tests.simulated import (
    FAL_SPEECH,
    MULTILINGUAL,
    a_clip,
    a_story,
    a_world,
    an_image,
    answering,
    buy,
    open_provider,
    serving,
    simulated,
    speech,
    troubles,
    unheard,
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
    Unfetched,
    UnknownOutcome,
)
from tiktoker_batch.model import Json
from tiktoker_batch.providers import policy
from tiktoker_batch.providers.base import Job, Provider, Request
from tiktoker_batch.providers.policy import RULES, Signal, Verb, error_for, error_type
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.faults import LASTING, PASSING, Scripted
from tiktoker_batch.simulator.http import DROPPED, Handler, Reply
from tiktoker_batch.simulator.http import Request as HttpRequest

PROVIDERS = {Verb.SPEAK: "elevenlabs", Verb.WRITE: "openrouter"}
SUBMIT, STATUS, RESULT, FAILURE = Verb.SUBMIT, Verb.STATUS, Verb.RESULT, Verb.FAILURE
MEDIA, UPLOAD, LOOKUP, SPEAK, WRITE = Verb.MEDIA, Verb.UPLOAD, Verb.LOOKUP, Verb.SPEAK, Verb.WRITE


def read(verb: Verb, status: int | None, code: str | None = None, **more: object) -> Signal:
    """What a provider makes of an answer, apart from its words."""
    return Signal(verb=verb, status=status, code=code, message="", **more)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A trouble, what is read in it, and what comes of it.

    ``charged``: it may have cost something. ``patient``: it is waited out, for as long as the caller's deadline allows.
    """

    trouble: tuple[Scripted, ...] | Handler
    signal: Signal
    error: type[ProviderError]
    charged: bool = False
    patient: bool = False
    name: str = ""

    def __str__(self) -> str:
        return f"{self.signal.verb}-{self.name}-{self.error.__name__}"


def scripted(verb: str, kind: str, signal: Signal, error: type[ProviderError], **more: bool) -> Case:
    """A trouble that the simulator knows. Whoever cannot listen has to ask."""
    deaf = troubles("stream", "drop", times=99) if verb == "status" else ()
    silent = troubles("listing", "no_payloads", times=99) if verb in {"status", "result"} else ()
    return Case(
        trouble=(*troubles(verb, kind, times=99), *deaf, *silent), signal=signal, error=error, name=kind, **more
    )


def crafted(name: str, handler: Handler, signal: Signal, error: type[ProviderError], **more: bool) -> Case:
    """An answer that the simulator never gives."""
    return Case(trouble=handler, signal=signal, error=error, name=name, **more)


def saying(status: int, body: Json = None, **headers: str) -> Reply:
    return Reply(status=status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def detail(kind: str) -> Json:
    return {"detail": [{"loc": ["body", "prompt"], "msg": "no", "type": kind}]}


def refusing(reply: Reply) -> Handler:
    """A service that answers everything in one way."""
    return answering(other=reply)


def in_the_end(reply: Reply) -> Handler:
    """A queue that takes a job, says that it failed, and replays this as its result."""
    failed: Json = {"status": "COMPLETED", "error": "it failed"}
    taken: Json = {"request_id": "r1"}
    return answering(status=Reply(body=failed), requests=reply, other=Reply(body=taken))


def when_fetched(reply: Reply) -> Handler:
    """A queue whose job is done well, and answers this when the result is fetched."""
    done: Json = {"status": "COMPLETED"}
    return answering(status=Reply(body=done), requests=reply, other=Reply(body={"request_id": "r1"}))


async def never(request: HttpRequest) -> Reply:
    await trio.sleep_forever()
    raise AssertionError


def media(reply: Reply) -> Handler:
    """A queue whose job is done well, on a host that answers this when its file is fetched."""

    async def handler(request: HttpRequest) -> Reply:
        place = f"http://{request.headers['host']}/media/01.jpg"
        return reply if request.path.startswith("/media/") else await media_at(place)(request)

    return handler


def media_at(place: str) -> Handler:
    """A queue whose job is done well, and its file lies here."""
    return when_fetched(Reply(body={"images": [{"url": place}]}))


NOWHERE = "http://127.0.0.1:1/01.jpg"  # a port on which nobody listens
UNSENT = read(SUBMIT, None, sent=False)
CASES = [
    # ---- a paid submit to a queue
    scripted("submit", "lost_reply", read(SUBMIT, None), UnknownOutcome, charged=True),
    scripted("submit", "dropped", read(SUBMIT, None), UnknownOutcome, charged=True),
    crafted("silence", never, read(SUBMIT, None), UnknownOutcome, charged=True),
    scripted("submit", "garbage", read(SUBMIT, 200), UnknownOutcome, charged=True),
    scripted("submit", "gateway_error", read(SUBMIT, 502), UnknownOutcome, charged=True),
    scripted("submit", "error_500", read(SUBMIT, 500), UnknownOutcome, charged=True),
    scripted("submit", "nginx_503", read(SUBMIT, 503), UnknownOutcome, charged=True),
    scripted("submit", "timeout_408", read(SUBMIT, 408), UnknownOutcome, charged=True),
    scripted("submit", "conflict_409", read(SUBMIT, 409), UnknownOutcome, charged=True),
    scripted("submit", "throttled", read(SUBMIT, 429, retry_after=2.0), RateLimited),
    scripted("submit", "overloaded", read(SUBMIT, 503, "runner_scheduling_failure"), RateLimited),
    crafted("asks for time", refusing(saying(503, retry_after="7")), read(SUBMIT, 503, retry_after=7.0), RateLimited),
    scripted("submit", "start_timeout", read(SUBMIT, 504, "user_timeout"), Unavailable),
    scripted("submit", "locked", read(SUBMIT, 403, policy.LOCKED), AuthFailed),
    scripted("submit", "unauthorized", read(SUBMIT, 401), AuthFailed),
    crafted("not allowed", refusing(saying(403, {"detail": "no permission"})), read(SUBMIT, 403), AuthFailed),
    crafted(
        "content",
        refusing(saying(422, detail("content_policy_violation"))),
        read(SUBMIT, 422, "content_policy_violation"),
        Rejected,
    ),
    scripted("submit", "not_found", read(SUBMIT, 404), BadRequest),
    scripted("submit", "invalid", read(SUBMIT, 422, "missing"), BadRequest),
    # ---- asking after a job
    scripted("status", "unauthorized", read(STATUS, 401), AuthFailed, charged=True),
    scripted("status", "forgotten", read(STATUS, 404), ResultLost, patient=True),
    scripted("status", "throttled", read(STATUS, 429, retry_after=1.0), RateLimited, patient=True),
    scripted("status", "error_500", read(STATUS, 500), Unavailable, patient=True),
    scripted("status", "drop", read(STATUS, None), Unavailable, patient=True),
    # ---- fetching its result
    crafted("not allowed", when_fetched(saying(401)), read(RESULT, 401), AuthFailed, charged=True),
    scripted("result", "expired", read(RESULT, 404), ResultLost, charged=True),
    scripted("result", "gone", read(RESULT, 410), ResultLost, charged=True),
    scripted("result", "error_500", read(RESULT, 500), Unfetched, patient=True),
    scripted("result", "drop", read(RESULT, None), Unfetched, patient=True),
    crafted("throttled", when_fetched(saying(429)), read(RESULT, 429), Unfetched, patient=True),
    # ---- a job that its service calls failed
    scripted("job", "content_policy", read(FAILURE, 422, "content_policy_violation"), Rejected, charged=True),
    scripted("job", "retryable_422", read(FAILURE, 422, "unknown", retryable=True), Unavailable, charged=True),
    scripted("job", "generation_timeout", read(FAILURE, 422, "generation_timeout"), Unavailable, charged=True),
    scripted("job", "runner_lost", read(FAILURE, 503, "runner_disconnected"), Unavailable),
    crafted(
        "for good",
        in_the_end(saying(500, {"detail": "no"}, x_fal_retryable="false")),
        read(FAILURE, 500, retryable=False),
        Broken,
    ),
    crafted("its own fault", in_the_end(saying(500, {"detail": "no"})), read(FAILURE, 500), Unavailable),
    crafted(
        "not allowed",
        in_the_end(saying(403, {"detail": "no", "error_type": "forbidden"})),
        read(FAILURE, 403, "forbidden"),
        AuthFailed,
    ),
    scripted("job", "invalid", read(FAILURE, 422, "image_too_small"), BadRequest, charged=True),
    # ---- fetching what was made
    scripted("media", "gone", read(MEDIA, 404), ResultLost, charged=True),
    crafted("not allowed", media(saying(403)), read(MEDIA, 403), ResultLost, charged=True),
    crafted("gone for good", media(saying(410)), read(MEDIA, 410), ResultLost, charged=True),
    scripted("media", "error_500", read(MEDIA, 500), Unfetched, patient=True),
    scripted("media", "drop", read(MEDIA, None), Unfetched, patient=True),
    crafted("unreachable", media_at(NOWHERE), read(MEDIA, None, sent=False), Unfetched, patient=True),
    # ---- free of charge
    scripted("upload", "unauthorized", read(UPLOAD, 401), AuthFailed),
    crafted("too large", refusing(saying(413, {"detail": "no"})), read(UPLOAD, 413), BadRequest),
    scripted("upload", "token_down", read(UPLOAD, 503), Unavailable),
    crafted("not allowed", refusing(saying(401, {"detail": "no"})), read(LOOKUP, 401), AuthFailed, charged=True),
    crafted("not there", refusing(saying(404, {"detail": "no"})), read(LOOKUP, 404), ResultLost, charged=True),
    crafted("in trouble", refusing(saying(500)), read(LOOKUP, 500), Unavailable, patient=True),
    # ---- speech in one shot
    scripted("speak", "lost_reply", read(SPEAK, None), UnknownOutcome, charged=True),
    scripted("speak", "error_500", read(SPEAK, 500, "internal_server_error"), UnknownOutcome, charged=True),
    crafted("took too long", refusing(saying(408)), read(SPEAK, 408), UnknownOutcome, charged=True),
    crafted("garbage", refusing(saying(200, "<html>")), read(SPEAK, 200), UnknownOutcome, charged=True),
    scripted("speak", "crowded", read(SPEAK, 429, "concurrent_limit_exceeded"), Crowded),
    crafted(
        "crowded in older words",
        refusing(saying(429, {"detail": {"status": "too_many_concurrent_requests", "message": "wait"}})),
        read(SPEAK, 429, "too_many_concurrent_requests"),
        Crowded,
    ),
    scripted("speak", "busy", read(SPEAK, 429, "system_busy", retry_after=3.0), RateLimited),
    scripted("speak", "unauthorized", read(SPEAK, 401, "invalid_api_key"), AuthFailed),
    scripted("speak", "quota_exceeded", read(SPEAK, 401, "quota_exceeded"), AuthFailed),
    crafted(
        "not in the plan",
        refusing(saying(402, {"detail": {"code": "paid_plan_required"}})),
        read(SPEAK, 402, "paid_plan_required"),
        AuthFailed,
    ),
    crafted(
        "content",
        refusing(saying(400, {"detail": {"code": "content_policy_violation"}})),
        read(SPEAK, 400, "content_policy_violation"),
        Rejected,
    ),
    scripted("speak", "voice_not_found", read(SPEAK, 400, "voice_not_found"), BadRequest),
    scripted("speak", "invalid", read(SPEAK, 422), BadRequest),
    # ---- texts in one shot
    scripted("write", "lost_reply", read(WRITE, None), UnknownOutcome, charged=True),
    scripted("write", "refused", read(WRITE, 400, "refusal"), Rejected),
    scripted("write", "moderated", read(WRITE, 403, "moderation"), Rejected),
    crafted("not for everybody", refusing(saying(403, {"error": {"message": "no"}})), read(WRITE, 403), Rejected),
    scripted("write", "unauthorized", read(WRITE, 401, "authentication"), AuthFailed),
    crafted(
        "not allowed",
        refusing(saying(403, {"error": {"metadata": {"error_type": "permission_denied"}}})),
        read(WRITE, 403, "permission_denied"),
        AuthFailed,
    ),
    scripted("write", "no_credits", read(WRITE, 402), AuthFailed),
    crafted(
        "too heavy",
        refusing(saying(402, {"error": {"metadata": {"reason": "weight_exceeds_budget"}}})),
        read(WRITE, 402, "weight_exceeds_budget"),
        BadRequest,
    ),
    scripted("write", "budget_in_flight", read(WRITE, 402, "in_flight_budget_exhausted", retry_after=2.0), RateLimited),
    crafted(
        "budget in flight, for who knows how long",
        refusing(saying(402, {"error": {"metadata": {"reason": "in_flight_budget_exhausted"}}})),
        read(WRITE, 402, "in_flight_budget_exhausted"),
        RateLimited,
    ),
    scripted("write", "too_long", read(WRITE, 400, "context_length_exceeded"), BadRequest),
    scripted("write", "timeout_408", read(WRITE, 408, "timeout"), Unavailable),
    scripted("write", "throttled", read(WRITE, 429, "rate_limit_exceeded", retry_after=2.0), RateLimited),
    scripted("write", "error_502", read(WRITE, 502, "provider_unavailable"), Unavailable),
    scripted("write", "error_503", read(WRITE, 503, "provider_overloaded", retry_after=1.0), Unavailable),
    scripted("write", "error_in_200", read(WRITE, 502, "provider_unavailable"), Unavailable),
    crafted(
        "an error in 200, at the top",
        refusing(saying(200, {"error": {"code": 429, "message": "wait", "metadata": {"retry_after": 4}}})),
        read(WRITE, 429, retry_after=4.0),
        RateLimited,
    ),
]
# Every address of the simulator that a crafted service may stand in for.
ADDRESSES = {
    SPEAK: "ELEVENLABS_BASE_URL",
    LOOKUP: "ELEVENLABS_BASE_URL",
    WRITE: "OPENROUTER_BASE_URL",
    UPLOAD: "FAL_STORAGE_URL",
}
PATIENCE = 400.0  # seconds, which fly: nobody gives up before the deadline


@pytest.mark.parametrize(("code", "of_model"), [("runner_scheduling_failure", True), (None, False)])
def test_what_runners_refuse_is_refused_for_one_model_only(code: str | None, of_model: bool) -> None:
    error = error_for("fal", Signal(verb=SUBMIT, message="busy", status=503, code=code, retry_after=1.0))
    assert isinstance(error, RateLimited)
    assert error.of_model == of_model


async def _attempt(provider: Provider, verb: Verb, folder: Path) -> None:
    """What the engine does with a provider when it comes by a verb."""
    match verb:
        case Verb.SPEAK:
            await buy(provider, speech(), {"audio": folder / "narration.wav"})
        case Verb.WRITE:
            await buy(provider, a_story(), {})
        case Verb.LOOKUP:
            found = Job(id="h1", provider="elevenlabs", model=MULTILINGUAL, addresses={"history": "h1"})
            await provider.collect(replace(found, request=speech()), {"audio": folder / "narration.wav"}, unheard)
        case Verb.UPLOAD:
            (folder / "own.png").write_bytes(b"a picture from elsewhere")
            await provider.prepare(a_clip(folder / "own.png"))
        case _:
            await buy(provider, an_image(), {"image": folder / "01.jpg"})


@asynccontextmanager
async def _provider(case: Case, folder: Path, posts: list[str]) -> AsyncIterator[Provider]:
    verb = case.signal.verb
    name = "elevenlabs" if verb is LOOKUP else PROVIDERS.get(verb, "fal")
    script, handler = (case.trouble, never) if isinstance(case.trouble, tuple) else ((), case.trouble)
    world = a_world(*script)
    async with simulated(world) as simulator, serving(_counted(handler, posts)) as address:
        environ = {} if script else {ADDRESSES.get(verb, "FAL_QUEUE_URL"): address}
        async with open_provider(name, simulator, folder, environ) as provider:
            yield provider
        posts += [path for path, times in world.ledger.requests.items() for _ in range(times) if _is_paid(path)]


def _counted(handler: Handler, posts: list[str]) -> Handler:
    async def counting(request: HttpRequest) -> Reply:
        posts.extend([request.path] if request.method == "POST" else [])
        return await handler(request)

    return counting


def _is_paid(request: str) -> bool:
    return request.startswith("POST ") and "/storage" not in request and "/files" not in request


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_an_answer_means_what_the_table_says_and_is_never_followed_by_a_second_post(
    case: Case, tmp_path: Path, flying_clock: FlyingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided = _watched(monkeypatch)
    posts: list[str] = []
    error: ProviderError | None = None
    async with _provider(case, tmp_path, posts) as provider:
        with trio.move_on_after(PATIENCE if case.patient else math.inf):
            try:
                await _attempt(provider, case.signal.verb, tmp_path)
            except ProviderError as raised:
                error = raised
    read_at_last = [signal for signal in decided if signal.verb is case.signal.verb][-1]
    assert replace(read_at_last, message="") == case.signal
    assert error_type(case.signal) is case.error
    assert len([path for path in posts if "/storage" not in path]) == (case.signal.verb not in {UPLOAD, LOOKUP})
    if case.patient:
        assert error is None
        return
    assert error is not None
    assert type(error) is case.error, error
    assert error.maybe_charged == case.charged
    assert error.retry_after == case.signal.retry_after
    assert "nothing-is-paid" not in str(error) + repr(error)


def _watched(monkeypatch: pytest.MonkeyPatch) -> list[Signal]:
    """The signals that the table is asked about from now on."""
    decided: list[Signal] = []

    def watched(signal: Signal) -> type[ProviderError]:
        decided.append(signal)
        return error_type(signal)

    monkeypatch.setattr(policy, "error_type", watched)
    return decided


def test_every_row_of_the_table_is_reached_by_a_case() -> None:
    reached = {_row(case.signal) for case in CASES} | {_row(UNSENT)}
    missed = [rule for number, rule in enumerate(RULES) if number not in reached]
    assert missed == []


def _row(signal: Signal) -> int:
    return next(number for number, rule in enumerate(RULES) if rule.fits(signal))


def test_every_refusal_that_the_simulator_knows_of_a_paid_request_is_a_case() -> None:
    """A trouble that is added there must be given a meaning here. What is no refusal is looked at by other tests."""
    delivered = {
        "submit": {"late_reply"},
        "speak": {"slow", "no_alignment", "collapsed_alignment", "silent_failure"},
        "write": {"wrong_count", "not_json", "cut_off", "empty"},
    }
    for verb, harmless in delivered.items():
        known = {*PASSING[verb], *LASTING[verb]} - harmless
        assert known <= {case.name for case in CASES if case.signal.verb == verb}, verb


def test_a_trouble_that_nobody_described_is_not_tried_again() -> None:
    assert error_type(read(SUBMIT, 307)) is Broken
    assert error_type(read(FAILURE, 422, "something_new")) is BadRequest


@pytest.mark.parametrize("verb", Verb)
def test_nothing_that_may_be_charged_is_bought_again_by_trying_again(verb: Verb) -> None:
    """What is paid for and not fetched is the exception that is none: trying again asks for the same."""
    for status in (None, *range(400, 600)):
        error = error_for("x", Signal(verb=verb, status=status, message=""))
        assert not (error.maybe_charged and error.retryable) or isinstance(error, Unfetched), status


@pytest.mark.parametrize("verb", [RESULT, MEDIA])
def test_no_trouble_with_fetching_passes_for_a_purchase_that_never_was(verb: Verb) -> None:
    for status in (None, *range(400, 600)):
        for sent in (True, False):
            error = error_for("x", Signal(verb=verb, status=status, sent=sent, message=""))
            assert error.maybe_charged, (status, sent)


# ---------------------------------------------------------------------- what never reached a service


async def _submitted_to(environ: Mapping[str, str], folder: Path) -> ProviderError:
    async with simulated(a_world()) as simulator, open_provider("fal", simulator, folder, environ) as fal:
        with pytest.raises(ProviderError) as raised:
            await fal.submit(an_image())
    return raised.value


async def _hang_up(stream: trio.SocketStream) -> None:
    await stream.receive_some(1)
    await stream.aclose()


@asynccontextmanager
async def _no_tls() -> AsyncIterator[str]:
    """Something that answers a TLS greeting by hanging up."""
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, _hang_up, 0)
        yield f"https://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def _nobody() -> AsyncIterator[str]:
    async with serving(never) as address:
        pass  # and is closed again: nobody listens there now
    yield address


@asynccontextmanager
async def _no_such_host() -> AsyncIterator[str]:
    yield "https://nobody.invalid"  # a name that never exists (RFC 6761)


@pytest.mark.parametrize("place", [_nobody, _no_tls, _no_such_host], ids=["no listener", "no TLS", "no such host"])
async def test_a_service_that_cannot_be_reached_was_sent_nothing(
    place: Callable[[], AbstractAsyncContextManager[str]],
    tmp_path: Path,
    flying_clock: FlyingClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decided = _watched(monkeypatch)
    async with place() as address:
        error = await _submitted_to({"FAL_QUEUE_URL": address}, tmp_path)
    assert [replace(signal, message="") for signal in decided] == [UNSENT]
    assert type(error) is Unavailable
    assert not error.maybe_charged
    assert "cannot reach" in error.message


async def test_a_service_that_is_silent_is_said_to_be_so(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with serving(never) as address:
        error = await _submitted_to({"FAL_QUEUE_URL": address}, tmp_path)
    assert error.message == "fal: 127.0.0.1 did not answer in time"


# httpx leaves its generators to the garbage collector when an answer cannot be decoded.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_an_answer_that_cannot_be_decoded_leaves_a_submit_unknown(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    damaged = Reply(body=b"\x1f\x8b nothing that was ever packed", headers={"content-encoding": "gzip"})
    async with serving(refusing(damaged)) as address:
        error = await _submitted_to({"FAL_QUEUE_URL": address}, tmp_path)
    assert isinstance(error, UnknownOutcome)
    assert not error.answered
    gc.collect()


UNCLEAR = {"refused": saying(500), "gateway": saying(502), "garbage": saying(200, "<html>"), "lost": DROPPED}


@pytest.mark.parametrize("name", UNCLEAR)
async def test_nothing_unclear_about_a_submit_counts_as_a_no(
    name: str, tmp_path: Path, flying_clock: FlyingClock
) -> None:
    """fal's list may show finished jobs only: that one is not in it proves nothing."""
    async with serving(refusing(UNCLEAR[name])) as address:
        error = await _submitted_to({"FAL_QUEUE_URL": address}, tmp_path)
    assert isinstance(error, UnknownOutcome)
    assert not error.answered


@pytest.mark.parametrize("name", UNCLEAR)
async def test_only_speech_that_the_service_itself_refused_counts_as_refused(
    name: str, tmp_path: Path, flying_clock: FlyingClock
) -> None:
    """The engine takes a refusal that the account's history agrees with for a no; all else stays unknown."""
    async with (
        simulated(a_world()) as simulator,
        serving(refusing(UNCLEAR[name])) as address,
        open_provider("elevenlabs", simulator, tmp_path, {"ELEVENLABS_BASE_URL": address}) as provider,
    ):
        with pytest.raises(UnknownOutcome) as raised:
            await buy(provider, speech(), {"audio": tmp_path / "narration.wav"})
    assert raised.value.answered == (name == "refused")


# ---------------------------------------------------------------------- keys

CANARY = "canary12-aaaa-bbbb:secretcanary34567890"


def _echoing(status: int, shape: Callable[[str], Json]) -> Handler:
    """A service that shows everybody what it was sent, the key whole and cut off."""

    async def handler(request: HttpRequest) -> Reply:
        await trio.lowlevel.checkpoint()
        key = request.headers.get("authorization") or request.headers["xi-api-key"]
        return Reply(status=status, body=shape(f"not with {key!r}, {CANARY[:8]}..., {CANARY[-19:-4]}"))

    return handler


def _hidden(error: ProviderError) -> bool:
    shown = "".join((str(error), repr(error), error.message, repr(error.__cause__), repr(error.args)))
    return "[key]" in error.message and "canary" not in shown


ECHOES: list[tuple[str, str, int, Callable[[str], Json]]] = [
    ("fal", "FAL_QUEUE_URL", 401, lambda told: {"detail": told}),
    ("fal", "FAL_QUEUE_URL", 422, lambda told: {"detail": [{"loc": [told], "msg": told, "type": "x"}]}),
    ("fal", "FAL_QUEUE_URL", 500, lambda told: {"detail": told}),
    ("elevenlabs", "ELEVENLABS_BASE_URL", 401, lambda told: {"detail": {"code": "x", "message": told}}),
    ("elevenlabs", "ELEVENLABS_BASE_URL", 422, lambda told: {"detail": [{"loc": [told], "msg": told, "type": "x"}]}),
    ("openrouter", "OPENROUTER_BASE_URL", 401, lambda told: {"error": {"message": told}}),
    ("openrouter", "OPENROUTER_BASE_URL", 200, lambda told: {"error": {"code": 502, "message": told}}),
]


@pytest.mark.parametrize(("name", "variable", "status", "shape"), ECHOES)
async def test_a_key_that_a_service_echoes_is_taken_out_of_its_words(
    name: str, variable: str, status: int, shape: Callable[[str], Json], tmp_path: Path, flying_clock: FlyingClock
) -> None:
    keys = dict.fromkeys(("FAL_KEY", "ELEVENLABS_API_KEY", "OPENROUTER_API_KEY"), CANARY)
    request = {"fal": an_image, "elevenlabs": speech, "openrouter": a_story}[name]()
    async with (
        simulated(a_world()) as simulator,
        serving(_echoing(status, shape)) as address,
        open_provider(name, simulator, tmp_path, {**keys, variable: address}) as provider,
    ):
        with pytest.raises(ProviderError) as raised:
            await buy(provider, request, {"audio": tmp_path / "narration.wav"})
    assert _hidden(raised.value)


async def test_a_key_that_the_storage_echoes_is_taken_out_of_its_words(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    (tmp_path / "own.png").write_bytes(b"a picture from elsewhere")
    async with simulated(a_world()) as simulator, serving(_echoing(401, lambda told: {"detail": told})) as address:
        environ = {"FAL_KEY": CANARY, "FAL_STORAGE_URL": address}
        async with open_provider("fal", simulator, tmp_path, environ) as fal:
            with pytest.raises(AuthFailed) as raised:
                await fal.prepare(a_clip(tmp_path / "own.png"))
    assert _hidden(raised.value)


# ---------------------------------------------------------------------- the same at other endpoints


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
        right = a_clip(tmp_path / "01.jpg")
        wrong: Request = replace(right, params={**right.params, "seconds": 5})
        with pytest.raises(BadRequest, match="duration"):
            await buy(fal, wrong, {})
