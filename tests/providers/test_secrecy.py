"""A key leaves in a header and shows up nowhere else, whatever goes wrong on the way."""

import gc
import socket
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from tests.simulated import a_story, a_world, an_image, answering, buy, open_provider, serving, simulated, speech
from tiktoker_batch.errors import PreflightError, ProviderError
from tiktoker_batch.providers.accounts import check_elevenlabs, check_fal, check_openrouter
from tiktoker_batch.providers.fal.prices import ask_prices
from tiktoker_batch.providers.registry import PROVIDERS
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.http import DROPPED, Reply
from tiktoker_batch.simulator.server import ADDRESSES

KEYS = {
    "FAL_KEY": "canaryfal0123:canarysecret0123",
    "ELEVENLABS_API_KEY": "canaryeleven0123",
    "OPENROUTER_API_KEY": "canaryrouter0123",
}
TROUBLES: dict[str, Reply] = {
    "refused": Reply(status=401, body={"detail": "no"}),
    "broken": Reply(status=500, body=b"<html>"),
    "nonsense": Reply(body=["what?"]),
    "lost": DROPPED,
    "undecodable": Reply(body=b"\x1f\x8b nothing that was ever packed", headers={"content-encoding": "gzip"}),
}
REQUESTS = {"fal": an_image, "elevenlabs": speech, "openrouter": a_story}
Question = Callable[[Mapping[str, str]], Awaitable[object]]


async def _prices(environ: Mapping[str, str]) -> object:
    return await ask_prices(environ, ["fal-ai/flux/schnell"])


QUESTIONS: dict[str, Question] = {
    "fal": check_fal,
    "elevenlabs": check_elevenlabs,
    "openrouter": check_openrouter,
    "prices": _prices,
}


def told(address: str) -> dict[str, str]:
    return {**dict.fromkeys(ADDRESSES, address), **KEYS}


def shown_with(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that its traceback would show."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


async def assert_secret(asking: Awaitable[object], match: str | None = None) -> None:
    """It fails, and the key is nowhere in its error."""
    with pytest.raises(ProviderError, match=match) as raised:
        await asking
    error = raised.value
    assert "canary" not in "".join(traceback.format_exception(error))
    for each in shown_with(error):
        if isinstance(each, httpx.HTTPError):
            response = getattr(each, "response", None)
            carried = [each.request, *([response.request] if response else [])]
            assert not [request for request in carried if "canary" in str(dict(request.headers))]


# httpx leaves its generators to the garbage collector when an answer cannot be decoded.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("name", REQUESTS)
async def test_no_error_of_a_purchase_carries_the_key(
    name: str, trouble: str, tmp_path: Path, flying_clock: FlyingClock
) -> None:
    async with (
        simulated(a_world()) as simulator,
        serving(answering(other=TROUBLES[trouble])) as address,
        open_provider(name, simulator, tmp_path, told(address)) as provider,
    ):
        await assert_secret(buy(provider, REQUESTS[name](), {"audio": tmp_path / "a.wav", "image": tmp_path / "01"}))
        gc.collect()


# httpx leaves its generators to the garbage collector when an answer cannot be decoded.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("name", QUESTIONS)
async def test_no_error_of_a_question_carries_the_key(name: str, trouble: str, flying_clock: FlyingClock) -> None:
    async with serving(answering(other=TROUBLES[trouble])) as address:
        await assert_secret(QUESTIONS[name](told(address)))
        gc.collect()


@pytest.mark.parametrize("name", QUESTIONS)
async def test_nobody_at_the_address_is_told_without_the_key(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    await assert_secret(QUESTIONS[name](told(nobody)), match=r"cannot reach 127\.0\.0\.1")


@pytest.mark.parametrize("spoilt", ["canary\nhidden", "canary: hidden", "canaryé", " "])
@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_key_that_cannot_be_sent_is_not_even_tried(name: str, spoilt: str) -> None:
    with pytest.raises(PreflightError, match="holds cannot be sent as a key") as raised:
        await QUESTIONS[name](dict.fromkeys(KEYS, spoilt))
    assert "canary" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("name", REQUESTS)
async def test_no_provider_opens_with_a_key_that_cannot_be_sent(
    name: str, tmp_path: Path, flying_clock: FlyingClock
) -> None:
    async with simulated(a_world()) as simulator:
        with pytest.raises(PreflightError, match="cannot be sent"):
            async with open_provider(name, simulator, tmp_path, dict.fromkeys(KEYS, "canary\nhidden")):
                pass


@pytest.mark.parametrize("name", REQUESTS)
async def test_no_provider_shows_its_key_when_it_is_printed(
    name: str, tmp_path: Path, flying_clock: FlyingClock
) -> None:
    async with simulated(a_world()) as simulator, open_provider(name, simulator, tmp_path, KEYS) as provider:
        assert "canary" not in repr(provider)


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        ({"FAL_KEY": " id:secret\n", "FAL_API_KEY": "x:y"}, "id:secret"),
        ({"FAL_KEY_ID": "id ", "FAL_KEY_SECRET": " secret"}, "id:secret"),
        ({"FAL_KEY_ID": "id", "FAL_API_KEY": "x:y"}, "x:y"),
        ({}, ""),
    ],
)
def test_a_key_is_sent_without_what_surrounds_it(environ: dict[str, str], key: str) -> None:
    assert PROVIDERS["fal"].key(environ) == key


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999", "https://[::1", "https://x.example:port", "https://"])
async def test_an_address_that_is_none_is_told_as_such(address: str) -> None:
    with pytest.raises(PreflightError, match="FAL_API_URL is not an address"):
        await check_fal({**KEYS, "FAL_API_URL": address})
