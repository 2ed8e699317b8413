"""fal's own client against the simulator: what it gives or raises, and what the books say."""

import concurrent.futures
import io
import json
import time
from datetime import datetime, timedelta
from typing import Any

import av
import fal_client
import httpx
import pytest
import trio
import trio.testing
from fal_client import Completed, FalClientHTTPError, FalClientTimeoutError, InProgress, Queued, StorageSettings
from PIL import Image

from tests.contract.conftest import ENDLESS, KEY, Fal, OpenFal, OpenService, Service
from tests.simulated import FAL_SPEECH, FLUX, HAILUO, MINI, VEO, a_world, simulated
from tiktoker_batch.simulator.fal_answers import LOCKED
from tiktoker_batch.simulator.faults import Scripted
from tiktoker_batch.simulator.http import Request

# The client leaves the connections of its uploads to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning", "ignore:.*<socket.socket:pytest.PytestUnraisableExceptionWarning"
)

MIB = 1024 * 1024
WAN = "fal-ai/wan-25-preview/image-to-video"
A_PIXEL = "data:image/png;base64,iVBORw0KGgo="
LIGHTHOUSE = {"prompt": "a lighthouse", "image_size": {"width": 720, "height": 1280}, "seed": 7}
LEAVING = {"prompt": "the light turns", "image_url": A_PIXEL, "duration": "4s", "resolution": "720p"}


def wait(handle: fal_client.SyncRequestHandle) -> list[fal_client.Status]:
    """Every status on the way to the end."""
    return list(handle.iter_events(interval=0.02))


def refused(fal: Fal, model: str = FLUX, given: Any = LIGHTHOUSE) -> FalClientHTTPError:
    """The error that a submit raises."""
    with pytest.raises(FalClientHTTPError) as raised:
        fal.client.submit(model, given)
    return raised.value


def failed(handle: fal_client.SyncRequestHandle) -> FalClientHTTPError:
    """The error that a result raises."""
    with pytest.raises(FalClientHTTPError) as raised:
        handle.get(interval=0.02)
    return raised.value


# ---------------------------------------------------------------------------- from submit to result


def test_a_job_waits_in_the_queue_then_runs_then_is_done(fal: OpenFal) -> None:
    service = fal(account={"fal": 1}, latencies={"image": 0.5})
    first, second = (service.client.submit(FLUX, {**LIGHTHOUSE, "seed": seed}) for seed in (1, 2))
    seen = wait(second)
    assert list(dict.fromkeys(type(each) for each in seen)) == [Queued, InProgress, Completed]
    assert seen[0] == Queued(position=0)
    end = seen[-1]
    assert isinstance(end, Completed)
    assert (end.error, end.error_type) == (None, None)
    assert end.metrics["inference_time"] == pytest.approx(0.5)
    assert (first.get()["seed"], second.get()["seed"]) == (1, 2)
    assert service.totals() == (2, 2, 2)
    assert [job["state"] for job in service.books()["jobs"]] == ["done", "done"]


def test_a_result_can_be_fetched_again_and_is_paid_once(fal: OpenFal) -> None:
    service = fal()
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    assert handle.get(interval=0.02) == handle.get(interval=0.02)
    assert service.totals() == (1, 1, 1)
    assert service.books()["jobs"][0]["delivered"] == 2


def test_a_picture_has_the_shape_and_form_that_were_asked_for(fal: OpenFal) -> None:
    service = fal()
    result = service.client.subscribe(FLUX, {**LIGHTHOUSE, "output_format": "png"}, interval=0.02)
    (picture,) = result["images"]
    assert (picture["width"], picture["height"], picture["content_type"]) == (720, 1280, "image/png")
    assert (result["seed"], result["prompt"], result["has_nsfw_concepts"]) == (7, "a lighthouse", [False])
    reply = service.ask(picture["url"])
    assert reply.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(reply.content)) as image:
        assert image.format == "PNG"
        assert image.height > image.width
    assert service.books()["totals"]["spent_usd"] == "0.0030"


def test_a_clip_is_a_file_that_lasts_as_long_as_was_asked(fal: OpenFal) -> None:
    service = fal()
    seen: list[fal_client.Status] = []
    named: list[str] = []
    silent = {**LEAVING, "generate_audio": False}
    clip = service.client.subscribe(VEO, silent, interval=0.02, on_enqueue=named.append, on_queue_update=seen.append)
    video = clip["video"]
    content = service.download(video["url"])
    assert (video["content_type"], video["file_size"]) == ("video/mp4", len(content))
    assert video["url"].endswith(video["file_name"])
    with av.open(io.BytesIO(content)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 4 * 24
    assert isinstance(seen[-1], Completed)
    assert [entry.id for entry in service.ledger.entries] == named
    assert service.books()["totals"]["spent_usd"] == "0.4000"


def test_speech_comes_with_the_times_of_its_letters(fal: OpenFal) -> None:
    service = fal()
    text = "A light goes out at dawn."
    given = {"text": text, "voice": "Rachel", "timestamps": True}
    result = service.client.subscribe(FAL_SPEECH, given, interval=0.02)
    (told,) = result["timestamps"]
    assert "".join(told["characters"]) == text
    ends = told["character_end_times_seconds"]
    assert ends == sorted(ends)
    content = service.download(result["audio"]["url"])
    assert result["audio"]["content_type"] == "audio/mpeg"
    with av.open(io.BytesIO(content)) as container:
        lasts = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert 0 < lasts - ends[-1] < 0.5


def test_speech_has_no_times_unless_asked_for(fal: OpenFal) -> None:
    assert fal().client.subscribe(FAL_SPEECH, {"text": "Dawn."}, interval=0.02)["timestamps"] is None


@pytest.mark.parametrize(("model", "path"), [(FLUX, "fal-ai/flux"), (VEO, "fal-ai/veo3.1"), (HAILUO, "fal-ai/minimax")])
def test_a_handle_made_from_an_id_finds_the_job_that_a_lost_process_left(fal: OpenFal, model: str, path: str) -> None:
    service = fal()
    given = LIGHTHOUSE if model == FLUX else {**LEAVING, "duration": "4s" if model == VEO else "6"}
    left = service.client.submit(model, given)
    found = service.client.get_handle(model, left.request_id)
    assert (found.status_url, found.response_url, found.cancel_url) == (
        left.status_url,
        left.response_url,
        left.cancel_url,
    )
    assert found.status_url == f"{service.base}/{path}/requests/{left.request_id}/status"
    assert service.client.result(model, left.request_id) == found.get()
    assert isinstance(service.client.status(model, left.request_id), Completed)
    assert service.totals() == (1, 1, 1)


def test_both_clients_spellings_of_logs_are_understood(fal: OpenFal) -> None:
    service = fal(latencies=ENDLESS)
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    running, quiet = handle.status(with_logs=True), handle.status(with_logs=False)
    assert isinstance(running, InProgress)
    assert isinstance(quiet, InProgress)
    assert running.logs is not None
    assert running.logs[0].keys() == {"message", "level", "source", "timestamp"}
    assert quiet.logs is None
    spelt = {word: service.ask(handle.status_url, logs=word).json()["logs"] for word in ("true", "1", "false", "0")}
    assert spelt == {"true": running.logs, "1": running.logs, "false": None, "0": None}


def test_a_status_says_by_its_code_whether_the_job_has_ended(fal: OpenFal) -> None:
    service = fal(latencies={"image": 0.05, "clip": 3600.0})
    done, running = service.client.submit(FLUX, LIGHTHOUSE), service.client.submit(VEO, LEAVING)
    done.get(interval=0.02)
    replies = [service.ask(handle.status_url) for handle in (done, running)]
    assert [reply.status_code for reply in replies] == [200, 202]
    assert [reply.json()["request_id"] for reply in replies] == [done.request_id, running.request_id]


def test_no_more_jobs_run_at_once_than_the_account_bears(fal: OpenFal) -> None:
    service = fal(account={"fal": 2})
    handles = [service.client.submit(FLUX, {**LIGHTHOUSE, "seed": seed}) for seed in range(6)]
    assert [handle.get(interval=0.02)["seed"] for handle in handles] == list(range(6))
    assert service.ledger.peaks["fal"] == service.books()["at_once"]["fal"] == 2
    assert service.totals() == (6, 6, 6)


# ---------------------------------------------------------------------------- cancelling


def test_a_queued_job_is_taken_back_and_costs_nothing(fal: OpenFal) -> None:
    service = fal(account={"fal": 1}, latencies=ENDLESS)
    running, waiting = (service.client.submit(FLUX, LIGHTHOUSE) for _ in range(2))
    assert waiting.status() == Queued(position=0)
    waiting.cancel()
    ended = waiting.status()
    assert isinstance(ended, Completed)
    assert ended.error is not None
    assert failed(waiting).status_code == 400
    assert isinstance(running.status(), InProgress)
    assert [job["state"] for job in service.books()["jobs"]] == ["running", "cancelled"]
    assert service.ledger.paid() == 0


def test_a_running_job_is_stopped_and_charged_all_the_same(fal: OpenFal) -> None:
    service = fal(latencies=ENDLESS, account={"fal": 1})
    handle, next_one = (service.client.submit(FLUX, LIGHTHOUSE) for _ in range(2))
    assert isinstance(handle.status(), InProgress)
    answer = service.web.put(handle.cancel_url)
    assert (answer.status_code, answer.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    ended = wait(handle)[-1]
    assert isinstance(ended, Completed)
    assert (ended.error, ended.error_type) == ("Request was cancelled", None)
    assert ended.metrics["inference_time"] < 60
    error = failed(handle)
    assert (error.status_code, error.message) == (400, "Request was cancelled")
    assert service.totals() == (2, 1, 0)
    assert isinstance(next_one.status(), InProgress), "its runner is free again"
    assert [job["state"] for job in service.books()["jobs"]] == ["cancelled", "running"]


def test_a_running_job_may_take_no_notice_and_finish(fal: OpenFal) -> None:
    service = fal(Scripted(verb="cancel", kind="ignored"), latencies={"image": 0.5})
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    assert isinstance(handle.status(), InProgress)
    service.client.cancel(FLUX, handle.request_id)
    assert handle.get(interval=0.02)["images"]
    assert service.totals() == (1, 1, 1)


def test_cancelling_what_is_done_is_an_error_and_the_result_stays(fal: OpenFal) -> None:
    service = fal()
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    result = handle.get(interval=0.02)
    with pytest.raises(FalClientHTTPError) as raised:
        handle.cancel()
    assert raised.value.status_code == 400
    assert raised.value.response.json() == {"status": "ALREADY_COMPLETED"}
    assert handle.get(interval=0.02) == result
    assert service.totals() == (1, 1, 1)


def test_a_subscriber_who_waits_no_longer_cancels_the_queued_job(fal: OpenFal, monkeypatch: pytest.MonkeyPatch) -> None:
    service = fal(account={"fal": 1}, latencies=ENDLESS)
    service.client.submit(FLUX, LIGHTHOUSE)
    # The client's thread goes on polling after it has raised; this pool waits for it.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        monkeypatch.setattr(fal_client.client, "EXECUTOR", pool)
        with pytest.raises(FalClientTimeoutError) as raised:
            service.client.subscribe(FLUX, LIGHTHOUSE, client_timeout=1.1, interval=0.05)
    assert raised.value.request_id == service.ledger.entries[1].id
    assert [job["state"] for job in service.books()["jobs"]] == ["running", "cancelled"]


async def test_a_job_cancelled_in_the_moment_its_turn_comes_never_runs() -> None:
    async with simulated(a_world(account={"fal": 1})) as simulator:
        queue, world = simulator.queue, simulator.world
        queue.runners.seats.acquire_on_behalf_of_nowait("another job")
        address = f"/{FLUX}"
        submit = Request(method="POST", path=address, query={}, headers={}, body=json.dumps(LIGHTHOUSE).encode())
        await queue.submit(submit)
        await trio.testing.wait_all_tasks_blocked()
        (job,) = queue.jobs.values()
        queue.runners.seats.release_on_behalf_of("another job")
        cancel = Request(
            method="PUT", path=f"/{job.path}/requests/{job.entry.id}/cancel", query={}, headers={}, body=b""
        )
        assert (await queue.look(cancel)).status == 200
        await trio.testing.wait_all_tasks_blocked()
        assert (job.status, job.entry.state, job.entry.paid) == ("COMPLETED", "cancelled", False)
        assert (queue.runners.seats.borrowed_tokens, world.in_flight["fal"]) == (0, 0)


# ---------------------------------------------------------------------------- jobs that fail


def test_a_refused_prompt_completes_with_an_error_and_its_result_is_422_and_paid(fal: OpenFal) -> None:
    service = fal(Scripted(verb="job", kind="content_policy"))
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    ended = wait(handle)[-1]
    assert isinstance(ended, Completed)
    assert ended.error == "Invalid status code: 422"
    error = failed(handle)
    assert error.status_code == 422
    assert isinstance(error.message, list)
    assert error.message[0]["type"] == "content_policy_violation"
    assert error.message[0]["loc"] == ["body", "prompt"]
    assert service.totals() == (1, 1, 0)
    assert service.books()["jobs"][0]["state"] == "failed"


def test_a_lost_runner_completes_with_an_error_type_and_its_result_is_503_and_free(fal: OpenFal) -> None:
    service = fal(Scripted(verb="job", kind="runner_lost"))
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    ended = wait(handle)[-1]
    assert isinstance(ended, Completed)
    assert ended.error_type == "runner_disconnected"
    error = failed(handle)
    assert (error.status_code, error.error_type) == (503, "runner_disconnected")
    assert error.response_headers["x-fal-error-type"] == "runner_disconnected"
    assert service.came("GET requests") == 1  # a 503 of fal's own is not asked again
    assert service.totals() == (1, 0, 0)


def test_a_failure_worth_another_try_says_so_in_a_header(fal: OpenFal) -> None:
    service = fal(Scripted(verb="job", kind="retryable_422"))
    error = failed(service.client.submit(FLUX, LIGHTHOUSE))
    assert (error.status_code, error.response_headers["x-fal-retryable"]) == (422, "true")
    assert service.ledger.paid() == 0


def test_a_flagged_picture_is_delivered_black_and_paid(fal: OpenFal) -> None:
    service = fal(Scripted(verb="job", kind="flagged"))
    result = service.client.subscribe(FLUX, LIGHTHOUSE, interval=0.02)
    assert result["has_nsfw_concepts"] == [True]
    with Image.open(io.BytesIO(service.download(result["images"][0]["url"]))) as image:
        assert image.convert("L").getextrema() == (0, 0)
    assert service.totals() == (1, 1, 1)


# ---------------------------------------------------------------------------- submits that are refused


def test_a_key_that_is_unknown_is_401(fal: OpenFal) -> None:
    service = fal()
    service.lock_out()
    error = refused(service)
    assert error.status_code == 401
    assert isinstance(error.message, str)
    assert service.totals() == (0, 0, 0)


def test_a_lock_stops_new_work_and_lets_paid_work_be_fetched(fal: OpenFal) -> None:
    service = fal(Scripted(verb="submit", kind="locked", skip=1, times=9))
    before = service.client.submit(FLUX, LIGHTHOUSE)
    error = refused(service)
    assert (error.status_code, error.message) == (403, LOCKED)
    assert before.get(interval=0.02)["images"]
    assert service.totals() == (1, 1, 1)


def test_an_unknown_application_is_404(fal: OpenFal) -> None:
    service = fal()
    assert refused(service, "fal-ai/fluks/schnell").status_code == 404
    assert service.totals() == (0, 0, 0)


@pytest.mark.parametrize(
    ("model", "given", "field", "kind"),
    [
        pytest.param(FLUX, {"seed": 7}, "prompt", "missing", id="no prompt"),
        pytest.param(VEO, {"prompt": "the light turns"}, "image_url", "missing", id="no picture"),
        pytest.param(VEO, {**LEAVING, "duration": "5s"}, "duration", "literal_error", id="a length it lacks"),
        pytest.param(VEO, {**LEAVING, "duration": 4}, "duration", "literal_error", id="a number for a text"),
        pytest.param(
            VEO,
            {**LEAVING, "image_url": "https://example.org/none.png"},
            "image_url",
            "file_download_error",
            id="no file",
        ),
        pytest.param(FLUX, {"prompt": 5}, "prompt", "string_type", id="a number for a prompt"),
        pytest.param(FLUX, {**LIGHTHOUSE, "image_size": "tall"}, "image_size", "literal_error", id="no such size"),
        pytest.param(
            WAN, {"prompt": "a" * 801, "image_url": A_PIXEL}, "prompt", "string_too_long", id="a prompt too long"
        ),
        pytest.param(FAL_SPEECH, {"text": "a" * 5001}, "text", "string_too_long", id="a text too long"),
    ],
)
def test_a_wrong_input_is_422_and_says_which_field(
    fal: OpenFal, model: str, given: dict[str, Any], field: str, kind: str
) -> None:
    service = fal()
    error = refused(service, model, given)
    assert error.status_code == 422
    assert isinstance(error.message, list)
    assert [(each["loc"], each["type"]) for each in error.message] == [(["body", field], kind)]
    assert service.totals() == (0, 0, 0)


def test_fields_that_a_model_does_not_know_are_ignored_and_noted(fal: OpenFal) -> None:
    service = fal()
    assert service.client.subscribe(HAILUO, {**LEAVING, "duration": "6", "aspect_ratio": "9:16"}, interval=0.02)
    assert service.books()["jobs"][0]["ignored"] == ["aspect_ratio", "resolution"]


@pytest.mark.parametrize(
    ("kind", "status", "error_type"),
    [
        ("unauthorized", 401, None),
        ("throttled", 429, None),
        ("timeout_408", 408, None),
        ("conflict_409", 409, None),
        ("error_500", 500, None),
        ("nginx_503", 503, None),
        ("overloaded", 503, "runner_scheduling_failure"),
        ("start_timeout", 504, "request_timeout"),
    ],
)
@pytest.mark.usefixtures("one_attempt")
def test_a_refusal_takes_no_job_on(fal: OpenFal, kind: str, status: int, error_type: str | None) -> None:
    service = fal(Scripted(verb="submit", kind=kind))
    error = refused(service)
    assert (error.status_code, error.error_type) == (status, error_type)
    assert error.response_headers.get("x-fal-error-type") == error_type
    assert service.came("POST /fal-ai/…") == 1
    assert service.totals() == (0, 0, 0)


def test_a_prompt_as_long_as_a_model_takes_is_taken_and_one_too_long_is_told_how_long_it_may_be(fal: OpenFal) -> None:
    service = fal()
    assert service.client.subscribe(WAN, {"prompt": "a" * 800, "image_url": A_PIXEL}, interval=0.02)["video"]
    error = refused(service, WAN, {"prompt": "a" * 801, "image_url": A_PIXEL})
    assert isinstance(error.message, list)
    assert error.message[0]["ctx"] == {"max_length": 800}


@pytest.mark.parametrize("kind", ["overloaded", "start_timeout"])
@pytest.mark.usefixtures("one_attempt")
def test_a_refusal_by_fal_itself_carries_the_id_of_the_request(fal: OpenFal, kind: str) -> None:
    """By this the client tells it from one of a proxy before it."""
    assert refused(fal(Scripted(verb="submit", kind=kind))).response_headers["x-fal-request-id"]
    assert "x-fal-request-id" not in refused(fal(Scripted(verb="submit", kind="nginx_503"))).response_headers


@pytest.mark.parametrize("kind", ["error_500", "overloaded", "start_timeout", "locked"])
def test_the_client_itself_does_not_repeat_these_refusals(fal: OpenFal, kind: str) -> None:
    service = fal(Scripted(verb="submit", kind=kind))
    refused(service)
    assert service.came("POST /fal-ai/…") == 1


@pytest.mark.parametrize("kind", ["throttled", "timeout_408", "conflict_409", "nginx_503"])
def test_the_client_itself_repeats_these_refusals_and_buys_once(fal: OpenFal, kind: str) -> None:
    service = fal(Scripted(verb="submit", kind=kind))
    service.client.submit(FLUX, LIGHTHOUSE).get(interval=0.02)
    assert service.came("POST /fal-ai/…") == 2
    assert service.totals() == (1, 1, 1)


# ---------------------------------------------------------------------------- replies that are lost


@pytest.mark.parametrize("kind", ["lost_reply", "gateway_error"])
def test_a_lost_reply_makes_the_client_buy_twice(fal: OpenFal, kind: str) -> None:
    """Why the product sends its submits by itself, once each."""
    service = fal(Scripted(verb="submit", kind=kind))
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    first, second = service.ledger.entries
    assert handle.request_id == second.id
    service.client.result(FLUX, first.id)
    handle.get(interval=0.02)
    assert dict(first.input) == dict(second.input) == LIGHTHOUSE
    assert service.ledger.paid("fal") == 2


@pytest.mark.usefixtures("one_attempt")
def test_a_lost_reply_to_the_only_attempt_leaves_one_job_that_its_id_still_finds(fal: OpenFal) -> None:
    service = fal(Scripted(verb="submit", kind="lost_reply"))
    with pytest.raises(httpx.RemoteProtocolError):
        service.client.submit(FLUX, LIGHTHOUSE)
    (entry,) = service.ledger.entries
    assert service.client.result(FLUX, entry.id)["images"]
    assert service.totals() == (1, 1, 1)


def test_a_late_reply_makes_the_client_buy_twice_unless_it_set_a_time_to_start(fal: OpenFal) -> None:
    service = fal(Scripted(verb="submit", kind="late_reply"))
    hasty = fal_client.SyncClient(key=KEY, default_timeout=1.0)
    hasty.submit(FLUX, LIGHTHOUSE)
    assert len(service.ledger.entries) == 2
    service.script("submit", "late_reply")
    with pytest.raises(httpx.ReadTimeout):
        hasty.submit(FLUX, LIGHTHOUSE, start_timeout=30)
    assert len(service.ledger.entries) == 3
    hasty._client.close()


def test_a_garbled_reply_raises_although_the_job_was_taken_on(fal: OpenFal) -> None:
    service = fal(Scripted(verb="submit", kind="garbage"))
    with pytest.raises(ValueError, match="Expecting value"):
        service.client.submit(FLUX, LIGHTHOUSE)
    assert len(service.ledger.entries) == 1


# ---------------------------------------------------------------------------- looking, with troubles


@pytest.mark.parametrize(("verb", "kind"), [("status", "drop"), ("status", "throttled"), ("result", "drop")])
def test_a_lost_look_is_repeated_and_buys_nothing(fal: OpenFal, verb: str, kind: str) -> None:
    service = fal(Scripted(verb=verb, kind=kind))
    assert service.client.subscribe(FLUX, LIGHTHOUSE, interval=0.02)["images"]
    assert service.books()["faults"] == {f"{verb}:{kind}": 1}
    assert service.totals() == (1, 1, 1)


def test_a_status_without_logs_is_too_little_for_the_client(fal: OpenFal) -> None:
    service = fal(Scripted(verb="status", kind="no_logs"), latencies=ENDLESS)
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    with pytest.raises(KeyError, match="logs"):
        handle.status()
    assert isinstance(handle.status(), InProgress)


def test_a_status_may_fail_and_recover(fal: OpenFal) -> None:
    service = fal(Scripted(verb="status", kind="error_500"), latencies=ENDLESS)
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    with pytest.raises(FalClientHTTPError) as raised:
        handle.status()
    assert raised.value.status_code == 500
    assert isinstance(handle.status(), InProgress)


def test_a_forgotten_job_is_404_though_it_was_paid(fal: OpenFal) -> None:
    service = fal()
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    handle.get(interval=0.02)
    service.script("status", "forgotten")
    with pytest.raises(FalClientHTTPError) as raised:
        handle.status()
    assert raised.value.status_code == 404
    assert service.ledger.paid() == 1


def test_an_id_that_nobody_got_is_404(fal: OpenFal) -> None:
    service = fal()
    for look in (service.client.status, service.client.result, service.client.cancel):
        with pytest.raises(FalClientHTTPError) as raised:
            look(FLUX, "fal-99999999")
        assert raised.value.status_code == 404


@pytest.mark.parametrize(("kind", "status"), [("expired", 404), ("gone", 410)])
def test_a_result_that_expired_is_gone_though_the_job_is_complete_and_paid(
    fal: OpenFal, kind: str, status: int
) -> None:
    service = fal(Scripted(verb="result", kind=kind))
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    assert failed(handle).status_code == status
    assert isinstance(handle.status(), Completed)
    assert service.totals() == (1, 1, 0)


def test_results_may_be_kept_for_a_while_only(fal: OpenFal) -> None:
    service = fal()
    service.simulator.world.result_seconds = 0.3
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    picture = handle.get(interval=0.02)["images"][0]["url"]
    time.sleep(0.4)
    assert failed(handle).status_code == 410
    assert failed(handle).status_code == 410, "for good"
    assert isinstance(handle.status(), Completed)
    assert service.download(picture), "files live longer"
    assert service.totals() == (1, 1, 1)


def test_a_result_asked_for_too_early_is_400(fal: OpenFal) -> None:
    service = fal(latencies=ENDLESS)
    handle = service.client.submit(FLUX, LIGHTHOUSE)
    assert service.ask(handle.response_url).status_code == 400


# ---------------------------------------------------------------------------- uploads


def test_an_upload_is_served_back_to_the_byte_and_a_model_may_take_it(fal: OpenFal) -> None:
    service = fal()
    content = bytes(range(256)) * 500
    address = service.client.upload(content, "image/png", "lighthouse.png")
    reply = service.ask(address)
    assert (reply.content, reply.headers["content-type"]) == (content, "image/png")
    assert address.endswith(".png")
    assert service.client.subscribe(VEO, {**LEAVING, "image_url": address}, interval=0.02)["video"]
    assert service.totals() == (1, 1, 1)


def test_one_token_serves_many_uploads(fal: OpenFal) -> None:
    service = fal()
    addresses = [service.client.upload(f"file {number}", "text/plain", f"{number}.txt") for number in range(3)]
    assert [service.download(address) for address in addresses] == [b"file 0", b"file 1", b"file 2"]
    assert service.came("POST /storage/auth/token") == 1
    assert service.came("POST /files") == 3


@pytest.mark.slow
def test_more_than_100_mib_go_in_parts_that_are_put_together_in_order(fal: OpenFal) -> None:
    service = fal()
    content = b"".join(bytes([number]) * 10 * MIB for number in range(10)) + b"!"
    address = service.client.upload(content, "video/mp4", "long.mp4")
    assert service.simulator.world.file_at(address) == content
    assert service.web.head(address).headers["content-type"] == "video/mp4"
    assert (service.came("PUT /files"), service.came("POST /files")) == (11, 2)


def test_a_storage_that_fails_makes_the_client_take_the_older_way(fal: OpenFal) -> None:
    service = fal(Scripted(verb="upload", kind="error_500", match="lighthouse.png"))
    address = service.client.upload(b"a picture", "image/png", "lighthouse.png")
    assert service.download(address) == b"a picture"
    assert (service.came("POST /files"), service.came("PUT /files")) == (1, 1)
    assert service.came("POST /storage/upload/initiate") == 1


@pytest.mark.parametrize(("kind", "status"), [("token_down", 503), ("unauthorized", 401), ("error_500", 500)])
def test_without_a_token_there_is_no_other_way(fal: OpenFal, kind: str, status: int) -> None:
    service = fal(Scripted(verb="upload", kind=kind, match="token"))
    with pytest.raises(httpx.HTTPStatusError) as raised:
        service.client.upload(b"a picture", "image/png", "lighthouse.png")
    assert raised.value.response.status_code == status
    assert not service.simulator.world.files
    assert service.download(service.client.upload(b"a picture", "image/png")) == b"a picture"


@pytest.mark.parametrize("repository", ["fal_v3", "fal"])
def test_a_file_may_be_given_a_time_to_live(fal: OpenFal, repository: Any) -> None:
    service = fal()
    lives = StorageSettings(expires_in="1d")
    address = service.client.upload(b"a picture", "image/png", "a.png", repository=repository, lifecycle=lives)
    assert service.download(address) == b"a picture"
    assert service.simulator.storage.lifecycles == {address: {"expiration_duration_seconds": 86400}}


# ---------------------------------------------------------------------------- fal's platform API, which no SDK speaks


def listed(service: Service, **query: Any) -> dict[str, Any]:
    """A page of the account's requests."""
    reply = service.ask("/v1/models/requests/by-endpoint", endpoint_id=FLUX, **query)
    assert reply.status_code == 200, reply.text
    return reply.json()


def buy(service: Fal, count: int) -> list[str]:
    """Buy pictures one after the other; their ids."""
    handles = []
    for seed in range(count):
        handle = service.client.submit(FLUX, {**LIGHTHOUSE, "seed": seed})
        handle.get(interval=0.02)
        handles.append(handle)
    return [handle.request_id for handle in handles]


def test_the_platform_lists_requests_of_every_state(fal: OpenFal) -> None:
    service = fal(account={"fal": 1})
    (done,) = buy(service, 1)
    service.simulator.world.latency.fixed = ENDLESS
    running, waiting = (service.client.submit(FLUX, LIGHTHOUSE).request_id for _ in range(2))
    items = {item["request_id"]: item for item in listed(service, expand="payloads")["items"]}
    assert items.keys() == {done, running, waiting}
    assert {item["endpoint_id"] for item in items.values()} == {FLUX}
    assert items[done]["sent_at"] <= items[done]["started_at"] <= items[done]["ended_at"]
    unfinished = ("status_code", "duration", "ended_at", "json_output")
    assert [items[running][name] for name in unfinished] == [None] * 4
    assert (items[running]["started_at"] is None, items[waiting]["started_at"] is None) == (False, True)
    assert items[waiting]["json_input"] == LIGHTHOUSE
    assert [item["request_id"] for item in listed(service, request_id=running)["items"]] == [running]


def test_the_platform_may_list_finished_requests_only(fal: OpenFal) -> None:
    """What its documentation leaves open."""
    service = fal(Scripted(verb="listing", kind="finished_only"))
    (done,) = buy(service, 1)
    service.simulator.world.latency.fixed = ENDLESS
    service.client.submit(FLUX, LIGHTHOUSE)
    assert [item["request_id"] for item in listed(service)["items"]] == [done]
    assert len(listed(service)["items"]) == 2


def test_the_platform_shows_what_was_asked_and_given_when_payloads_are_wanted(fal: OpenFal) -> None:
    service = fal()
    (name,) = buy(service, 1)
    (item,) = listed(service, expand="payloads")["items"]
    assert item["json_input"] == {**LIGHTHOUSE, "seed": 0}
    assert item["json_output"] == service.client.result(FLUX, name)
    assert "json_input" not in listed(service)["items"][0]
    service.script("listing", "no_payloads")
    assert "json_input" not in listed(service, expand="payloads")["items"][0]


def test_the_platform_lists_a_failed_request_with_its_status(fal: OpenFal) -> None:
    service = fal(Scripted(verb="job", kind="content_policy"))
    failed(service.client.submit(FLUX, LIGHTHOUSE))
    (item,) = listed(service, expand="payloads")["items"]
    assert item["status_code"] == 422
    assert item["json_output"]["detail"][0]["type"] == "content_policy_violation"


def test_the_platform_lists_the_newest_first_page_by_page(fal: OpenFal) -> None:
    service = fal()
    names = buy(service, 5)
    seen: list[str] = []
    query: dict[str, str] = {}
    for more in (True, True, False):
        page = listed(service, limit=2, **query)
        seen += [item["request_id"] for item in page["items"]]
        assert page["has_more"] is more
        query = {"cursor": page["next_cursor"]}
    assert query == {"cursor": None}
    assert seen == names[::-1]


def test_the_platform_keeps_to_the_window_that_was_asked_for(fal: OpenFal) -> None:
    service = fal()
    names = buy(service, 3)
    middle = service.ledger.entries[1].accepted_at.isoformat()
    assert [item["request_id"] for item in listed(service, start=middle)["items"]] == [names[2], names[1]]
    assert [item["request_id"] for item in listed(service, end=middle)["items"]] == [names[1], names[0]]
    assert [item["request_id"] for item in listed(service, start=middle, end=middle)["items"]] == [names[1]]
    without_offset = (datetime.fromisoformat(middle) - timedelta(hours=1)).replace(tzinfo=None).isoformat()
    assert len(listed(service, start=without_offset)["items"]) == 3


@pytest.mark.parametrize("query", [{"start": "yesterday"}, {"cursor": "next"}, {"limit": "all"}])
def test_the_platform_refuses_what_it_cannot_read(service: OpenService, query: dict[str, str]) -> None:
    reply = service().ask("/v1/models/requests/by-endpoint", endpoint_id=FLUX, **query)
    assert (reply.status_code, reply.json()["error"]["type"]) == (422, "validation_error")


def test_the_platform_knows_prices_of_several_models_at_once(service: OpenService) -> None:
    opened = service()
    reply = opened.ask("/v1/models/pricing", endpoint_id=f"{FLUX},{VEO}")
    assert reply.json()["prices"] == [
        {"endpoint_id": FLUX, "unit_price": 0.003, "unit": "megapixels", "currency": "USD"},
        {"endpoint_id": VEO, "unit_price": 0.1, "unit": "seconds", "currency": "USD"},
    ]
    assert opened.ask("/v1/models/pricing", endpoint_id="fal-ai/fluks").status_code == 404
    opened.lock_out()
    assert opened.ask("/v1/models/pricing", endpoint_id=FLUX).status_code == 401


# ---------------------------------------------------------------------------- OpenRouter, which needs no SDK

COMPLETIONS = "/api/v1/chat/completions"


def a_prompt(schema: Any = None, words: int = 40) -> dict[str, Any]:
    """The body of a completion; with a schema its answer is bound to it."""
    messages = [{"role": "user", "content": f"Write {words} words on lighthouses."}]
    bound = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    return {"model": MINI, "messages": messages} | ({"response_format": bound} if schema else {})


def shots(count: int) -> dict[str, Any]:
    """The schema of a list of so many shots."""
    items = {"type": "array", "items": {"type": "string"}, "minItems": count, "maxItems": count}
    return {"type": "object", "properties": {"shots": items}, "required": ["shots"], "additionalProperties": False}


def test_a_completion_is_as_long_as_asked_and_told_with_its_cost(service: OpenService) -> None:
    opened = service()
    body = opened.send(COMPLETIONS, a_prompt(words=40)).json()
    (choice,) = body["choices"]
    assert choice["finish_reason"] == "stop"
    assert len(choice["message"]["content"].split()) == 40
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    assert body["usage"]["cost"] == float(opened.ledger.spent_usd) > 0
    assert opened.totals() == (1, 1, 1)


@pytest.mark.parametrize("count", [1, 4, 15])
def test_a_strict_schema_gets_exactly_as_many_items_as_it_asks_for(service: OpenService, count: int) -> None:
    body = service().send(COMPLETIONS, a_prompt(shots(count))).json()
    told = json.loads(body["choices"][0]["message"]["content"])
    assert told.keys() == {"shots"}
    assert len(told["shots"]) == count
    assert all(isinstance(each, str) and each for each in told["shots"])


def test_an_error_may_come_inside_an_answer_of_200_and_costs_nothing(service: OpenService) -> None:
    opened = service(Scripted(verb="write", kind="error_in_200"))
    reply = opened.send(COMPLETIONS, a_prompt())
    (choice,) = reply.json()["choices"]
    assert (reply.status_code, choice["finish_reason"], choice["error"]["code"]) == (200, "error", 502)
    assert choice["error"]["metadata"]["error_type"] == "provider_unavailable"
    assert opened.totals() == (0, 0, 0)


def test_a_model_may_miscount_or_break_off_and_is_paid(service: OpenService) -> None:
    opened = service(Scripted(verb="write", kind="wrong_count"), Scripted(verb="write", kind="cut_off"))
    few, half = (opened.send(COMPLETIONS, a_prompt(shots(4))).json()["choices"][0] for _ in range(2))
    assert len(json.loads(few["message"]["content"])["shots"]) == 3
    assert half["finish_reason"] == "length"
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(half["message"]["content"])
    assert opened.totals() == (2, 2, 2)


def test_a_lost_answer_is_paid_and_not_delivered(service: OpenService) -> None:
    opened = service(Scripted(verb="write", kind="lost_reply"))
    with pytest.raises(httpx.RemoteProtocolError):
        opened.send(COMPLETIONS, a_prompt())
    assert opened.totals() == (1, 1, 0)


@pytest.mark.parametrize(
    ("kind", "status"), [("no_credits", 402), ("budget_in_flight", 402), ("moderated", 403), ("throttled", 429)]
)
def test_a_refused_completion_names_its_code_twice(service: OpenService, kind: str, status: int) -> None:
    opened = service(Scripted(verb="write", kind=kind))
    reply = opened.send(COMPLETIONS, a_prompt())
    assert reply.status_code == reply.json()["error"]["code"] == status
    assert opened.totals() == (0, 0, 0)


def test_a_key_tells_what_it_has_spent_and_an_unknown_one_is_401(service: OpenService) -> None:
    opened = service()
    assert opened.ask("/api/v1/key").json()["data"]["usage"] == 0
    cost = opened.send(COMPLETIONS, a_prompt()).json()["usage"]["cost"]
    assert opened.ask("/api/v1/key").json()["data"]["usage"] == cost > 0
    opened.lock_out()
    for reply in (opened.ask("/api/v1/key"), opened.send(COMPLETIONS, a_prompt())):
        assert reply.status_code == reply.json()["error"]["code"] == 401
