"""Requests that make no sense are answered by the service they went to, and nobody else notices."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import trio

from tests.simulated import FLUX, MINI, MULTILINGUAL, RACHEL, VEO, a_world, simulated
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.http import Request
from tiktoker_batch.simulator.server import KEY, Simulator

SPEECH, CHAT = f"/v1/text-to-speech/{RACHEL}", "/api/v1/chat/completions"
LISTED = "/v1/models/requests/by-endpoint?endpoint_id=x"


@asynccontextmanager
async def asked() -> AsyncIterator[tuple[Simulator, httpx.AsyncClient]]:
    headers = {"authorization": f"Key {KEY}"}
    async with simulated(a_world()) as simulator, httpx.AsyncClient(base_url=simulator.base, headers=headers) as client:
        yield simulator, client


def type_of(reply: httpx.Response) -> str:
    """The service's own word for what is wrong, in whichever of their shapes."""
    body = reply.json()
    if "error" in body:
        return str(body["error"]["metadata"]["error_type"])
    detail = body["detail"]
    return str(
        detail[0]["type"] if isinstance(detail, list) else detail["code"] if isinstance(detail, dict) else detail
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("/v1/history?page_size=abc", None, 422, "int_parsing"),
        (SPEECH, {"text": 5, "model_id": MULTILINGUAL}, 422, "string_type"),
        (SPEECH, ["hi"], 422, "missing"),
        ("/v1/text-to-speech/nobody", {"text": "hi", "model_id": MULTILINGUAL}, 400, "voice_not_found"),
        (CHAT, {"model": MINI, "messages": ["hi"]}, 400, "invalid_request"),
        (CHAT, {"model": MINI, "messages": {"role": "user"}}, 400, "invalid_request"),
        (CHAT, ["hi"], 400, "invalid_request"),
        (f"/{FLUX}", {"prompt": "a", "image_size": {"width": "a"}}, 422, "int_parsing"),
        (f"/{FLUX}", {"prompt": "a", "image_size": {"height": 0}}, 422, "less_than_equal"),
        (f"/{FLUX}", {"prompt": "a", "image_size": "huge"}, 422, "literal_error"),
        (f"/{FLUX}", {"prompt": 5}, 422, "string_type"),
        (f"/{FLUX}", {"prompt": "a", "output_format": "a\nb"}, 422, "literal_error"),
        (f"/{FLUX}", "hi", 422, "dict_type"),
        (f"/{VEO}", {"prompt": "a", "image_url": {"url": 1}}, 422, "file_download_error"),
        (f"/{VEO}", {"prompt": "a", "image_url": "data:image/png;base64,"}, 422, "file_download_error"),
        ("/files/1.bin/multipart/1/complete", {"parts": 5}, 400, "these are not the parts"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused_in_the_services_own_shape(
    flying_clock: FlyingClock, path: str, body: Any, status: int, kind: str
) -> None:
    async with asked() as (simulator, client):
        reply = await (client.get(path) if body is None else client.post(path, json=body))
        assert (reply.status_code, type_of(reply)) == (status, kind)
        assert simulator.world.ledger.entries == []
        assert (await client.get("/_simulator/ledger")).status_code == 200


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"/{FLUX}/requests/x", "Internal Server Error"),
        (LISTED, "Internal Server Error"),
        ("/v1/history", "internal_server_error"),
        ("/api/v1/key", "server"),
    ],
)
async def test_a_service_that_fails_says_so_in_its_own_shape_and_the_others_go_on(
    flying_clock: FlyingClock, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    async def fail(self: Simulator, request: Request) -> None:
        raise ZeroDivisionError(request.path)

    async with asked() as (_, client):
        with monkeypatch.context() as broken:
            broken.setattr(Simulator, "_answer", fail)
            reply = await client.get(path)
        assert (reply.status_code, type_of(reply)) == (500, kind)
        assert reply.headers["x-simulator-error"] == "ZeroDivisionError"
        assert (await client.get("/_simulator/ledger")).status_code == 200


async def test_a_job_that_cannot_be_made_fails_as_an_internal_error_and_its_seat_is_free(
    flying_clock: FlyingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked() as (simulator, client):
        monkeypatch.setattr(simulator.world.media, "ffmpeg", "no-such-program")
        given = {"text": "A light goes out at dawn, and this very sentence was never spoken."}
        taken = (await client.post("/fal-ai/elevenlabs/tts/eleven-v3", json=given)).json()
        await trio.sleep(5)
        status = (await client.get(taken["status_url"])).json()
        assert (status["status"], status["error_type"]) == ("COMPLETED", "internal_error")
        result = await client.get(taken["response_url"])
        assert result.json()["detail"] == "Internal Server Error (FileNotFoundError)"
        assert (result.status_code, result.headers["x-fal-error-type"]) == (500, "internal_error")
        assert (simulator.queue.runners.seats.borrowed_tokens, simulator.world.in_flight["fal"]) == (0, 0)
        assert simulator.world.ledger.paid() == 0


async def test_a_target_that_is_no_address_and_a_header_that_cannot_be_sent_end_one_connection(
    flying_clock: FlyingClock,
) -> None:
    async with asked() as (simulator, client):
        port = int(simulator.base.rsplit(":", 1)[1])
        for target in (b"//[", b"/files/x"):
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            simulator.world.files["x"] = (b"content", "text/plain\r\nx: y")
            await stream.send_all(b"GET " + target + b" HTTP/1.1\r\nhost: x\r\n\r\n")
            assert await stream.receive_some(99) == b""
            await stream.aclose()
        assert (await client.get("/_simulator/ledger")).status_code == 200


@pytest.mark.parametrize(
    "script",
    [
        [5],
        5,
        [{"verb": "submit", "kind": "locked", "times": "twice"}],
        [{"verb": "submit", "kind": "locked", "match": 7}],
        [{"verb": ["submit"], "kind": "locked"}],
        [{"verb": "submit", "kind": "dorpped"}],
    ],
)
async def test_a_script_that_makes_no_sense_is_refused_and_changes_nothing(
    flying_clock: FlyingClock, script: Any
) -> None:
    async with asked() as (simulator, client):
        reply = await client.post("/_simulator/faults", json=script)
        assert reply.status_code == 422
        assert simulator.world.faults.script == []
        assert (await client.post(f"/{FLUX}", json={"prompt": "a"})).status_code == 200
