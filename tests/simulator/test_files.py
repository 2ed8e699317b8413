"""Files as the simulated storage serves them: whole, in ranges, and of the size that was asked for."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import av
import httpx
import pytest
import trio
from PIL import Image

from tests.simulated import FLUX, HAILUO, VEO, a_world, simulated
from tiktoker_batch.simulator.asked import PRESETS, size_of
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.media import picture_size
from tiktoker_batch.simulator.server import KEY, Simulator

CONTENT = bytes(range(100))
KLING = "fal-ai/kling-video/v2.6/pro/image-to-video"
WAN = "fal-ai/wan-25-preview/image-to-video"
LTX = "fal-ai/ltx-2/image-to-video"
SEEDANCE = "fal-ai/bytedance/seedance/v1/lite/image-to-video"
EDIT = "fal-ai/nano-banana/edit"
BANANA = "fal-ai/nano-banana"
MODELS = a_world().models


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Simulator, httpx.AsyncClient]]:
    headers = {"authorization": f"Key {KEY}"}
    async with simulated(a_world()) as simulator, httpx.AsyncClient(headers=headers) as client:
        yield simulator, client


# ---------------------------------------------------------------------------- ranges


@pytest.mark.parametrize(
    ("wanted", "status", "part", "told"),
    [
        (None, 200, (0, 100), None),
        ("bytes=0-", 206, (0, 100), "bytes 0-99/100"),
        ("bytes=40-", 206, (40, 100), "bytes 40-99/100"),
        ("bytes=40-59", 206, (40, 60), "bytes 40-59/100"),
        ("bytes=99-99", 206, (99, 100), "bytes 99-99/100"),
        ("bytes=40-4000", 206, (40, 100), "bytes 40-99/100"),
        ("bytes=-30", 206, (70, 100), "bytes 70-99/100"),
        ("bytes=-300", 206, (0, 100), "bytes 0-99/100"),
        ("bytes=100-", 416, (0, 0), "bytes */100"),
        ("bytes=100-200", 416, (0, 0), "bytes */100"),
        ("bytes=-0", 416, (0, 0), "bytes */100"),
        ("bytes=-", 200, (0, 100), None),
        ("bytes=60-50", 200, (0, 100), None),
        ("bytes=0-9,20-29", 200, (0, 100), None),
        ("lines=0-9", 200, (0, 100), None),
    ],
)
async def test_a_range_is_honoured_from_its_first_to_its_last_byte(
    flying_clock: FlyingClock, wanted: str | None, status: int, part: tuple[int, int], told: str | None
) -> None:
    async with opened() as (simulator, client):
        address = simulator.world.keep(CONTENT, "video/mp4", ".mp4")
        reply = await client.get(address, headers={"range": wanted} if wanted else {})
        assert (reply.status_code, reply.headers.get("content-range")) == (status, told)
        assert reply.content == CONTENT[slice(*part)]
        assert reply.headers["accept-ranges"] == "bytes"


async def test_a_range_of_another_content_gives_the_whole_file(flying_clock: FlyingClock) -> None:
    async with opened() as (simulator, client):
        address = simulator.world.keep(CONTENT, "video/mp4", ".mp4")
        tag = (await client.head(address)).headers["etag"]
        parts = {}
        for known in (tag, '"another"', "Wed, 21 Oct 2015 07:28:00 GMT"):
            reply = await client.get(address, headers={"range": "bytes=40-", "if-range": known})
            parts[known] = (reply.status_code, len(reply.content))
        assert list(parts.values()) == [(206, 60), (200, 100), (200, 100)]


# ---------------------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    ("model", "given", "picture", "size"),
    [
        (VEO, {"aspect_ratio": "16:9", "resolution": "1080p"}, (720, 1280), (1920, 1080)),
        (VEO, {"aspect_ratio": "auto"}, (720, 1280), (720, 1280)),
        (VEO, {}, (1280, 720), (1280, 720)),
        (SEEDANCE, {"aspect_ratio": "auto", "resolution": "480p"}, (900, 1200), (480, 640)),
        (HAILUO, {"aspect_ratio": "16:9", "resolution": "1080p"}, (90, 160), (720, 1280)),
        (KLING, {}, (1024, 1024), (720, 720)),
        (WAN, {"resolution": "1080p"}, (160, 90), (1920, 1080)),
        (LTX, {"resolution": "1080p"}, (1080, 1920), (1080, 1920)),
        (LTX, {"resolution": "1080p"}, None, (1920, 1080)),
        (HAILUO, {}, (10, 4000), (720, 2880)),
        (HAILUO, {}, (1279, 721), (1278, 720)),
        (BANANA, {}, None, (720, 720)),
        (BANANA, {"aspect_ratio": "4:5"}, None, (720, 900)),
        (EDIT, {"aspect_ratio": "auto"}, (90, 160), (720, 1280)),
        (EDIT, {"aspect_ratio": "0:9"}, (160, 90), (1280, 720)),
        (FLUX, {}, None, (1024, 768)),
        (FLUX, {"image_size": {"width": 720, "height": 1280}}, None, (720, 1280)),
        (FLUX, {"image_size": {"height": 1280}}, None, (1024, 1280)),
        *((FLUX, {"image_size": name}, None, size) for name, size in PRESETS.items()),
    ],
)
def test_a_size_is_what_was_asked_for_else_that_of_the_picture(
    model: str, given: dict[str, Any], picture: tuple[int, int] | None, size: tuple[int, int]
) -> None:
    assert size_of(MODELS[f"fal:{model}"], given, picture) == size


def test_a_preset_has_the_shape_that_its_name_says() -> None:
    ratios = {name: width / height for name, (width, height) in PRESETS.items()}
    assert ratios == {
        "square_hd": 1,
        "square": 1,
        "portrait_4_3": 3 / 4,
        "portrait_16_9": 9 / 16,
        "landscape_4_3": 4 / 3,
        "landscape_16_9": 16 / 9,
    }


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_what_is_no_picture_has_no_size(content: bytes) -> None:
    assert picture_size(content) is None


def a_picture(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height)).save(out, format="PNG")
    return out.getvalue()


@pytest.mark.parametrize(("model", "field"), [(HAILUO, "image_url"), (KLING, "start_image_url"), (WAN, "image_url")])
@pytest.mark.parametrize("size", [(1280, 720), (720, 1280)])
async def test_a_clip_has_the_shape_of_its_picture_where_no_other_can_be_asked_for(
    flying_clock: FlyingClock, model: str, field: str, size: tuple[int, int]
) -> None:
    async with opened() as (simulator, client):
        address = simulator.world.keep(a_picture(*size), "image/png", ".png")
        reply = await client.post(f"{simulator.base}/{model}", json={"prompt": "a", field: address})
        await trio.sleep(5)
        made = (await client.get(reply.json()["response_url"])).json()
        content = (await client.get(made["video"]["url"])).content
    with av.open(io.BytesIO(content)) as clip:
        stream = clip.streams.video[0]
        assert stream.width / stream.height == pytest.approx(size[0] / size[1], rel=0.02)
