"""The fal provider against the simulator: real sockets, real requests."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import trio

from tests.simulated import (
    FAL_SPEECH,
    FLUX,
    HAILUO,
    VEO,
    a_clip,
    a_world,
    an_image,
    answering,
    buy,
    open_provider,
    paid,
    serving,
    simulated,
    speech,
    troubles,
    unheard,
)
from tiktoker_batch.app import full_catalog
from tiktoker_batch.errors import BadRequest, Rejected, ResultLost, Unavailable, UnknownOutcome, Unusable
from tiktoker_batch.model import Json, Kind, Model
from tiktoker_batch.planning.likely import likely
from tiktoker_batch.providers.base import Request
from tiktoker_batch.providers.fal.answers import read_answer
from tiktoker_batch.providers.fal.body import build_body, media_address, queue_path
from tiktoker_batch.providers.fal.polling import Pacer, pause_before_poll
from tiktoker_batch.providers.fal.provider import FalProvider
from tiktoker_batch.providers.fal.queue import STREAMS_VARIABLE
from tiktoker_batch.providers.policy import Verb
from tiktoker_batch.simulator.clock import FlyingClock
from tiktoker_batch.simulator.faults import Scripted
from tiktoker_batch.simulator.http import Reply
from tiktoker_batch.simulator.http import Request as HttpRequest
from tiktoker_batch.store.durations import Durations

SEEDANCE = "fal-ai/bytedance/seedance/v1/lite/image-to-video"
KLING = "fal-ai/kling-video/v2.6/pro/image-to-video"
WAN = "fal-ai/wan/v2.7/image-to-video"
EDIT = "fal-ai/nano-banana/edit"


async def test_a_picture_and_its_clip_are_bought_once_each(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with simulated(a_world()) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        made = await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
        await buy(fal, a_clip(tmp_path / "01.jpg"), {"clip": tmp_path / "01.mp4"})
    assert paid(simulator) == 2
    assert made.files["image"].suffix == ".jpg"
    assert (tmp_path / "01.jpg").read_bytes().startswith(b"\xff\xd8")
    assert b"ftyp" in (tmp_path / "01.mp4").read_bytes()[:12]


async def test_a_picture_made_there_is_not_uploaded_for_its_clip(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with simulated(a_world()) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
        await buy(fal, a_clip(tmp_path / "01.jpg"), {"clip": tmp_path / "01.mp4"})
    assert not [name for name in simulator.world.ledger.requests if "upload" in name]


async def test_a_picture_from_elsewhere_is_uploaded_once_per_content(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world()
    picture = await world.media.picture(720, 1280, seed=1, words="", form="png", black=False)
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(picture)
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        async with trio.open_nursery() as nursery:
            for number, name in enumerate(("a.png", "b.png", "a.png")):
                request = a_clip(tmp_path / name, token=number + 1)
                nursery.start_soon(buy, fal, request, {"clip": tmp_path / f"{number}.mp4"})
        uploads = [name for name in world.files if name.endswith(".png")]
    assert len(uploads) == 1
    assert paid(simulator) == 3


async def test_a_lost_upload_is_uploaded_anew_by_the_next_attempt(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world()
    (tmp_path / "a.png").write_bytes(await world.media.picture(720, 1280, seed=1, words="", form="png", black=False))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        prepared = await fal.prepare(a_clip(tmp_path / "a.png"))
        world.files.clear()
        with pytest.raises(Unavailable):
            await fal.submit(prepared)
        await buy(fal, a_clip(tmp_path / "a.png", token=9), {"clip": tmp_path / "a.mp4"})
    assert paid(simulator) == 1


# ---------------------------------------------------------------------- lost answers


@pytest.mark.parametrize("kind", ["lost_reply", "gateway_error", "garbage"])
async def test_a_picture_whose_submit_was_not_understood_is_posted_once_and_adopted(
    tmp_path: Path, flying_clock: FlyingClock, kind: str
) -> None:
    world = a_world(Scripted(verb="submit", kind=kind, times=99))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        sent, prepared = datetime.now(UTC), await fal.prepare(an_image())
        with pytest.raises(UnknownOutcome):
            await fal.submit(prepared)
        job = await fal.find(prepared, sent)
        assert job is not None
        assert job.id == world.ledger.entries[0].id
        await fal.collect(job, {"image": tmp_path / "01.jpg"}, unheard)
    assert world.ledger.requests["POST /fal-ai/…"] == len(world.ledger.entries) == paid(simulator) == 1


async def test_a_list_that_is_down_for_a_while_is_asked_again(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(Scripted(verb="submit", kind="lost_reply"), *troubles("listing", "drop", "error_500"))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        sent, prepared = datetime.now(UTC), await fal.prepare(an_image())
        with pytest.raises(UnknownOutcome):
            await fal.submit(prepared)
        assert await fal.find(prepared, sent) is not None


@pytest.mark.parametrize("model", [VEO, HAILUO], ids=["by its seed", "by its whole input"])
async def test_a_submit_whose_answer_was_lost_is_found_again(
    tmp_path: Path, flying_clock: FlyingClock, model: str
) -> None:
    world = a_world(Scripted(verb="submit", kind="lost_reply", match=model))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
        sent = datetime.now(UTC)
        prepared = await fal.prepare(a_clip(tmp_path / "01.jpg", model=model))
        with pytest.raises(UnknownOutcome):
            await fal.submit(prepared)
        job = await fal.find(prepared, sent)
        assert job is not None
        await fal.collect(job, {"clip": tmp_path / "01.mp4"}, unheard)
    assert paid(simulator) == 2
    assert (tmp_path / "01.mp4").exists()


async def test_a_request_that_never_arrived_is_not_found(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with simulated(a_world()) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        await buy(fal, an_image(token=1), {"image": tmp_path / "01.jpg"})
        assert await fal.find(an_image(token=2), datetime.now(UTC)) is None


async def test_a_request_that_is_somebody_else_s_is_not_adopted(tmp_path: Path, flying_clock: FlyingClock) -> None:
    """Without a seed two equal requests look alike: one that a step owns already is left alone."""
    async with simulated(a_world()) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
        prepared = await fal.prepare(a_clip(tmp_path / "01.jpg", model=HAILUO))
        sent = datetime.now(UTC)
        await fal.collect(await fal.submit(prepared), {"clip": tmp_path / "01.mp4"}, unheard)
        assert await fal.find(prepared, sent) is None


@pytest.mark.parametrize("kind", ["no_payloads", "unauthorized"])
async def test_a_list_that_does_not_tell_leaves_the_outcome_unknown(
    tmp_path: Path, flying_clock: FlyingClock, kind: str
) -> None:
    world = a_world(Scripted(verb="listing", kind=kind, times=99))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        await buy(fal, an_image(token=1), {"image": tmp_path / "01.jpg"})
        with pytest.raises(UnknownOutcome):
            await fal.find(an_image(token=2), datetime.now(UTC))


# ---------------------------------------------------------------------- waiting and fetching


@pytest.mark.parametrize(
    ("verb", "kinds"),
    [
        ("status", ("drop", "error_500", "throttled", "slow", "no_logs", "forgotten")),
        ("stream", ("drop", "break")),
        ("result", ("drop", "error_500", "slow")),
        ("media", ("drop", "error_500", "truncated", "slow", "no_range", "damaged")),
    ],
)
async def test_trouble_with_asking_or_fetching_never_buys_again(
    tmp_path: Path, flying_clock: FlyingClock, verb: str, kinds: tuple[str, ...]
) -> None:
    for kind in kinds:
        script = troubles(verb, kind, times=2 if verb != "media" or kind != "damaged" else 1)
        deaf = troubles("stream", "drop", times=99) if verb == "status" else ()
        world = a_world(*script, *deaf)
        async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
            await buy(fal, an_image(), {"image": tmp_path / f"{kind}.jpg"})
        assert len(world.ledger.entries) == 1, kind
        assert world.faults.happened[f"{verb}:{kind}"] >= 1, kind
        assert (tmp_path / f"{kind}.jpg").stat().st_size > 500


async def test_a_job_that_nobody_knows_any_more_is_fetched_all_the_same_if_its_result_is_there(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    world = a_world(*troubles("status", "forgotten", times=99), *troubles("stream", "drop", times=99))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
    assert world.faults.happened["status:forgotten"] == 3
    assert paid(simulator) == len(world.ledger.entries) == 1


async def test_a_job_that_is_not_known_any_more_is_lost_only_after_a_minute(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    forgotten = troubles("status", "forgotten", times=99)
    gone = (*troubles("result", "expired", times=99), *troubles("listing", "no_payloads", times=99))
    world = a_world(*forgotten, *troubles("stream", "drop", times=99), *gone)
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        began = trio.current_time()
        with pytest.raises(ResultLost) as raised:
            await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
        assert trio.current_time() - began >= 60
    assert raised.value.maybe_charged


@pytest.mark.parametrize("verb", ["result", "media"])
async def test_what_was_paid_for_is_fetched_however_long_the_trouble_lasts(
    tmp_path: Path, flying_clock: FlyingClock, verb: str
) -> None:
    world = a_world(*troubles(verb, "error_500", times=15))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
    assert world.faults.happened[f"{verb}:error_500"] == 15
    assert len(world.ledger.entries) == 1


async def test_a_refusal_of_the_account_while_fetching_is_taken_for_a_slip_at_first(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    done, picture = Reply(body={"status": "COMPLETED"}), await _picture()
    refusals = [Reply(status=401), Reply(status=403)]

    async def handler(request: HttpRequest) -> Reply:
        if request.path == "/01.jpg":
            return picture
        if request.path.endswith("r1"):
            made = Reply(body={"images": [{"url": f"http://{request.headers['host']}/01.jpg"}]})
            return refusals.pop() if refusals else made
        return await answering(status=done, other=Reply(body={"request_id": "r1"}))(request)

    async with (
        simulated(a_world()) as simulator,
        serving(handler) as address,
        open_provider("fal", simulator, tmp_path, {"FAL_QUEUE_URL": address}) as fal,
    ):
        await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
    assert refusals == []


async def test_a_failed_job_is_told_by_its_own_words_even_if_these_come_late(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    """The trouble with asking for its result is not what it failed of."""
    failed = Reply(body={"status": "COMPLETED", "error": "Invalid status code: 422"})
    words = [{"loc": ["body", "prompt"], "msg": "no", "type": "content_policy_violation"}]
    replies = [Reply(status=422, body={"detail": words}), Reply(status=429), Reply(status=408)]

    async def handler(request: HttpRequest) -> Reply:
        if request.path.endswith("r1"):
            return replies.pop()
        return await answering(status=failed, other=Reply(body={"request_id": "r1"}))(request)

    async with (
        simulated(a_world()) as simulator,
        serving(handler) as address,
        open_provider("fal", simulator, tmp_path, {"FAL_QUEUE_URL": address}) as fal,
    ):
        with pytest.raises(Rejected, match="prompt: no"):
            await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})


async def test_streams_that_are_refused_are_given_up_and_jobs_polled(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(*troubles("stream", "drop", times=99))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        for token in range(5):
            await buy(fal, an_image(token=token), {"image": tmp_path / "01.jpg"})
    assert world.faults.happened["stream:drop"] == 3
    assert paid(simulator) == len(world.ledger.entries) == 5


async def test_an_answer_that_is_no_result_is_asked_for_again(tmp_path: Path, flying_clock: FlyingClock) -> None:
    """A proxy's page, half an answer: the job has been paid for, and its result is there a moment later."""
    told = iter([b"<html>busy</html>", b'{"images": [{"url": "http'])
    picture = await _picture()

    async def handler(request: HttpRequest) -> Reply:
        if request.path.startswith("/media/"):
            return picture
        place = f"http://{request.headers['host']}/media/01.jpg"
        if "/status" in request.path:
            return Reply(body={"status": "COMPLETED"})
        if "/requests/" in request.path:
            return Reply(body=next(told, {"images": [{"url": place}]}))
        return Reply(body={"request_id": "r1"})

    async with (
        simulated(a_world()) as simulator,
        serving(handler) as address,
        open_provider("fal", simulator, tmp_path, {"FAL_QUEUE_URL": address}) as fal,
    ):
        await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
    assert (tmp_path / "01.jpg").stat().st_size > 500


@pytest.mark.parametrize("headers", [{"x-fal-retryable": "true"}, {"x-fal-error-type": "runner_disconnected"}])
async def test_a_failure_that_only_the_result_tells_of_is_a_failure(
    tmp_path: Path, flying_clock: FlyingClock, headers: dict[str, str]
) -> None:
    """The status need not say that a job has failed; asking for its result for ever would bring nothing."""
    queue = answering(
        status=Reply(body={"status": "COMPLETED"}),
        requests=Reply(status=503, body={"detail": "gone"}, headers=headers),
        other=Reply(body={"request_id": "r1"}),
    )
    async with (
        simulated(a_world()) as simulator,
        serving(queue) as address,
        open_provider("fal", simulator, tmp_path, {"FAL_QUEUE_URL": address}) as fal,
    ):
        with pytest.raises(Unavailable) as raised:
            await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
    assert not raised.value.maybe_charged


async def test_a_result_that_the_queue_has_forgotten_is_found_in_the_account_s_list(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    world = a_world(*troubles("result", "expired", times=99))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
    assert len(world.ledger.entries) == 1
    assert (tmp_path / "01.jpg").stat().st_size > 500


async def test_a_file_that_is_gone_is_looked_for_once_more(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world(*troubles("media", "gone", times=1))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
    assert world.ledger.requests["GET requests"] == 2
    world = a_world(*troubles("media", "gone", times=9))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        with pytest.raises(ResultLost) as raised:
            await buy(fal, an_image(), {"image": tmp_path / "02.jpg"})
    assert raised.value.maybe_charged
    assert world.faults.happened["media:gone"] == 2


@pytest.mark.parametrize(
    "made", [{}, [], {"images": []}, {"images": [{"url": ""}]}, {"images": [{"url": "/01.jpg"}]}, "garbage"]
)
async def test_a_result_without_a_file_is_lost(tmp_path: Path, flying_clock: FlyingClock, made: Json) -> None:
    done = Reply(body={"status": "COMPLETED"})
    queue = answering(status=done, requests=Reply(body=made), other=Reply(body={"request_id": "r1"}))
    async with (
        simulated(a_world()) as simulator,
        serving(queue) as address,
        open_provider("fal", simulator, tmp_path, {"FAL_QUEUE_URL": address}) as fal,
    ):
        with pytest.raises(ResultLost, match="without a file") as raised:
            await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
    assert raised.value.maybe_charged


async def test_a_job_that_made_nothing_is_lost(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with (
        simulated(a_world(Scripted(verb="job", kind="no_file"))) as simulator,
        open_provider("fal", simulator, tmp_path) as fal,
    ):
        with pytest.raises(ResultLost, match="without a file"):
            await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})


@pytest.mark.parametrize(("kind", "expected"), [("flagged", Rejected), ("black", Unusable)])
async def test_rubbish_is_seen_before_anything_is_built_on_it(
    tmp_path: Path, flying_clock: FlyingClock, kind: str, expected: type
) -> None:
    world = a_world(Scripted(verb="job", kind=kind))
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        with pytest.raises(expected) as raised:
            await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
    assert raised.value.maybe_charged


async def test_speech_at_fal_comes_as_wav_with_its_words(tmp_path: Path, flying_clock: FlyingClock) -> None:
    text = "A light goes out at dawn, and nobody sees it."
    async with simulated(a_world()) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        made = await buy(fal, speech(text, model=FAL_SPEECH), {"audio": tmp_path / "narration.wav"})
    assert (tmp_path / "narration.wav").read_bytes()[:4] == b"RIFF"
    assert isinstance(made.value, list)
    assert [word["text"] for word in made.value] == text.split()
    assert made.cost_usd is not None
    assert float(made.cost_usd) == pytest.approx(len(text) / 1000 * 0.10)


async def test_a_job_in_line_is_let_go_for_nothing_one_at_work_is_not(
    tmp_path: Path, flying_clock: FlyingClock
) -> None:
    world = a_world(*troubles("cancel", "ignored"), account={"fal": 1}, latencies={"image": 60.0})
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        first = await fal.submit(an_image(token=1))
        second = await fal.submit(an_image(token=2))
        await trio.sleep(1)
        assert await fal.cancel(second)
        assert not await fal.cancel(first)
        assert world.ledger.requests["PUT requests/cancel"] == 1, "what is worked on is not even asked to stop"
        await fal.collect(first, {"image": tmp_path / "01.jpg"}, unheard)
        assert not await fal.cancel(first), "it has ended"
    assert paid(simulator) == 1


async def test_the_key_goes_nowhere_but_to_the_services_own_host(tmp_path: Path, flying_clock: FlyingClock) -> None:
    elsewhere: list[HttpRequest] = []
    picture, done = await _picture(), Reply(body={"status": "COMPLETED"})

    async def strangers(request: HttpRequest) -> Reply:
        elsewhere.append(request)
        return Reply(status=302, headers={"location": "/01.jpg"}) if request.path == "/old.jpg" else picture

    async with simulated(a_world()) as simulator, serving(strangers) as stranger:
        addresses = {f"{name}_url": f"{stranger}/steal" for name in ("status", "response", "cancel")}
        made = Reply(body={"images": [{"url": f"{stranger}/old.jpg"}]})
        queue = answering(status=done, requests=made, other=Reply(body={"request_id": "r1", **addresses}))
        async with (
            serving(queue) as address,
            open_provider("fal", simulator, tmp_path, {"FAL_QUEUE_URL": address}) as fal,
        ):
            await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
    assert [request.path for request in elsewhere] == ["/old.jpg", "/01.jpg"]
    assert not any("nothing-is-paid" in repr(request) for request in elsewhere)


async def test_the_services_own_addresses_are_kept(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with simulated(a_world()) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        assert isinstance(fal, FalProvider)
        told = {"status_url": "https://elsewhere.example/steal", "response_url": f"{simulator.base}/fal-ai/flux/x"}
        job = fal.queue.job(FLUX, "r1", told)
        assert job.addresses["status_url"] == f"{simulator.base}/fal-ai/flux/requests/r1/status"
        assert job.addresses["response_url"] == told["response_url"]


async def _picture() -> Reply:
    media = a_world().media
    return Reply(body=await media.picture(720, 1280, seed=1, words="", form="jpeg", black=False))


# ---------------------------------------------------------------------- what is sent


def model(name: str) -> Model:
    return full_catalog().models[f"fal:{name}"]


def clip_body(name: str, seconds: float) -> dict[str, object]:
    params = {"seconds": seconds, "aspect_ratio": "9:16", "resolution": "720p"}
    request = Request(kind=Kind.CLIP, model=name, prompt="p", params=params, uploads={"image": "u"}, token=5)
    return dict(build_body(model(name), request))


def test_each_model_is_spoken_to_in_its_own_words() -> None:
    veo = clip_body(VEO, 4)
    assert (veo["duration"], veo["image_url"], veo["aspect_ratio"], veo["resolution"]) == ("4s", "u", "9:16", "720p")
    assert (veo["seed"], veo["generate_audio"]) == (5, False)
    assert clip_body(SEEDANCE, 5)["duration"] == "5"
    assert clip_body(HAILUO, 6).keys() == {"prompt", "image_url", "duration", "prompt_optimizer"}
    kling = clip_body(KLING, 10)
    assert (kling["start_image_url"], kling["duration"]) == ("u", "10")
    assert "seed" not in kling
    assert "image_url" not in kling
    assert clip_body(WAN, 7)["duration"] == 7


def test_pictures_are_asked_for_in_pixels_or_by_ratio() -> None:
    body = build_body(model(FLUX), an_image(token=9))
    assert body["image_size"] == {"width": 720, "height": 1280}
    assert body["seed"] == 9
    edit = build_body(model(EDIT), replace(an_image(), uploads={"reference": "u"}))
    assert (edit["image_urls"], edit["aspect_ratio"]) == (["u"], "9:16")


@pytest.mark.parametrize(
    ("kind", "result", "address"),
    [
        (Kind.IMAGE, {"images": [{"url": "https://m/1.jpg"}]}, "https://m/1.jpg"),
        (Kind.IMAGE, {"image": {"url": "https://m/1.jpg"}}, "https://m/1.jpg"),
        (Kind.CLIP, {"video": {"url": "https://m/1.mp4"}}, "https://m/1.mp4"),
        (Kind.CLIP, {"videos": [{"url": "https://m/1.mp4"}]}, "https://m/1.mp4"),
        (Kind.NARRATION, {"audio_file": {"url": "https://m/1.mp3"}}, "https://m/1.mp3"),
        (Kind.CLIP, {"video": "https://m/1.mp4"}, None),
        (Kind.IMAGE, {"images": [{"url": "data:image/png;base64,AAAA"}]}, None),
    ],
)
def test_a_file_is_found_where_models_put_it(kind: Kind, result: Json, address: str | None) -> None:
    assert media_address(kind, result) == address


@pytest.mark.parametrize("body", [None, [], "x", {"detail": ["x"]}, {"detail": [{"loc": None, "msg": 4, "type": 5}]}])
def test_an_error_of_any_shape_can_be_read(body: Json) -> None:
    signal = read_answer(Verb.SUBMIT, httpx.Response(422, json=body))
    assert (signal.status, signal.code) == (422, None)


def test_every_verb_but_submit_addresses_owner_and_app() -> None:
    assert queue_path(SEEDANCE) == "fal-ai/bytedance"
    assert queue_path("workflows/me/mine/deep") == "workflows/me/mine"
    with pytest.raises(BadRequest):
        queue_path("nonsense")


# ---------------------------------------------------------------------- when to ask


def test_a_job_is_hardly_asked_after_at_first_and_often_near_its_end() -> None:
    expected = likely(75.0, 0.25)
    rng = random.Random(1)
    first = pause_before_poll(expected, 0.0, queued=True, rng=rng)
    near = pause_before_poll(expected, expected.usual, queued=False, rng=rng)
    late = pause_before_poll(expected, expected.late * 3, queued=False, rng=rng)
    assert first > 0.4 * expected.usual
    assert near < 0.06 * expected.usual
    assert near < late <= 17


async def test_what_jobs_take_their_service_is_learned(tmp_path: Path, flying_clock: FlyingClock) -> None:
    durations = Durations(full_catalog().models)
    world = a_world(latencies={"image": 5.0})
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path, durations=durations) as fal:
        for number in range(4):
            await buy(fal, an_image(token=number), {"image": tmp_path / "01.jpg"})
    assert durations.job(f"fal:{FLUX}").usual == pytest.approx(5.0, rel=0.2)


async def test_jobs_may_be_polled_instead_of_listened_to(tmp_path: Path, flying_clock: FlyingClock) -> None:
    world = a_world()
    polled = {STREAMS_VARIABLE: "0"}
    async with simulated(world) as simulator, open_provider("fal", simulator, tmp_path, polled) as fal:
        await buy(fal, an_image(), {"image": tmp_path / "01.jpg"})
    assert "GET requests/status/stream" not in world.ledger.requests
    assert world.ledger.requests["GET requests/status"] >= 1


async def test_looks_are_spread_below_what_an_account_may_ask(autojump_clock: trio.testing.MockClock) -> None:
    pacer, times = Pacer(10), []
    async with trio.open_nursery() as nursery:
        for _ in range(30):

            async def look() -> None:
                await pacer.turn()
                times.append(trio.current_time())

            nursery.start_soon(look)
    assert max(times) - min(times) == pytest.approx(2.9)
