"""The verbs of fal's queue, one request each, and the waiting between them."""

import contextlib
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import httpx_sse
import trio

from tiktoker_batch.errors import AuthFailed, ProviderError, ResultLost
from tiktoker_batch.model import Json
from tiktoker_batch.providers.base import Job
from tiktoker_batch.providers.fal.answers import describe, read_answer
from tiktoker_batch.providers.fal.body import queue_path
from tiktoker_batch.providers.fal.crowd import LISTED, Crowd
from tiktoker_batch.providers.fal.polling import pause_before_poll, pause_near_end
from tiktoker_batch.providers.http import StreamClients, Wire, answer_of, body_of
from tiktoker_batch.providers.policy import REPLAYED, Signal, Verb
from tiktoker_batch.store.durations import Durations

STREAMS = 256  # jobs that are listened to at once, on a connection each; beyond that they are polled
STREAMS_VARIABLE, LOOKS_VARIABLE = "TIKTOKER_FAL_STREAMS", "TIKTOKER_FAL_LOOKS"
MEDIA_SECONDS = 7 * 24 * 3600  # how long results should be kept for us: a batch may be resumed after a holiday
_LOST_AFTER, _LOST_PAUSE = 3, 20.0  # looks at a job that is not known, and seconds between them
_LOCKED_AFTER, _LOCKED_PAUSE = 3, 30.0
_RESULT_PAUSE, _LONGEST_RESULT_PAUSE = 0.5, 30.0  # seconds before a result is asked for again; doubled each time
_CLOSING_SECONDS = 2.0
_SILENT_STREAMS = 3  # streams that broke without a word before streaming is given up


@dataclass(kw_only=True)
class Queue:
    """One account's queue. ``base`` is its address; ``durations`` is fed with every job that ends.

    A job is listened to while there is a client for it in ``streams``, and stands in the ``crowd`` of those that are
    asked after otherwise.
    """

    wire: Wire
    base: str
    durations: Durations
    streams: StreamClients
    crowd: Crowd = field(default_factory=Crowd)
    rng: random.Random = field(default_factory=random.Random)
    _broken_streams: int = 0

    async def submit(self, model: str, body: Mapping[str, Json]) -> Job:
        """Post a job, once.

        :raises ProviderError: as the policy table says; ``UnknownOutcome`` for an answer that cannot be read.
        """
        lifecycle = json.dumps({"expiration_duration_seconds": MEDIA_SECONDS})
        response = await self.wire.send(
            Verb.SUBMIT,
            "POST",
            f"{self.base}/{model}",
            json=body,
            headers={"X-Fal-Object-Lifecycle-Preference": lifecycle},
        )
        answer = body_of(response)
        request_id = answer.get("request_id") if isinstance(answer, Mapping) else None
        if not isinstance(request_id, str) or not request_id:
            raise self.wire.unreadable(Verb.SUBMIT, response, "no request_id")
        return self.job(model, request_id, answer)

    def job(self, model: str, request_id: str, answer: Mapping[str, Any] | None = None) -> Job:
        """A job by its id. The service's own addresses are kept, unless they would carry the key elsewhere."""
        root = f"{self.base}/{queue_path(model)}/requests/{request_id}"
        usual = {"status_url": f"{root}/status", "response_url": root, "cancel_url": f"{root}/cancel"}
        told = {name: url for name in usual if isinstance(url := (answer or {}).get(name), str) and self._ours(url)}
        return Job(id=request_id, provider=self.wire.provider, model=model, addresses={**usual, **told}, in_line=True)

    async def wait(self, job: Job, begun: Callable[[], None]) -> Mapping[str, Any]:
        """Wait until the job has ended, well or badly; its last status. ``begun``: it is not in line any more.

        Whatever happens to the asking, the job is asked after again: only the service's own word ends the wait. A job
        that the service does not know any more has no status, but its result may be there all the same.

        :raises AuthFailed: the account may not ask any more; the job itself may well go on.
        """
        watch = _Watch(started=trio.current_time(), begun=begun)
        status = await self._listen(job, watch) or await self._ask(job, watch)
        begun()
        self._learn(job, watch, status)
        return status

    async def result(self, job: Job, status: Mapping[str, Any]) -> Any:
        """What the job made. Trouble with fetching it, also an answer that is none, is waited out: it is paid for.

        :raises ProviderError: the job failed, or its result is not there any more.
        """
        pause, refused, in_doubt = _RESULT_PAUSE, 0, False
        while True:
            if in_doubt:
                status, in_doubt = await self._own_status(job), False  # nothing else makes a failure of a job
            asked_for = 0.0
            try:
                made = body_of(await self.wire.send(Verb.RESULT, "GET", job.addresses["response_url"]))
            except ProviderError as error:
                if status.get(LISTED):
                    in_doubt = True
                    continue
                made = None
                refused += isinstance(error, AuthFailed)
                verdict = self._verdict(error, status)
                if verdict is not None or refused == _LOCKED_AFTER or isinstance(error, ResultLost):
                    raise verdict or error from None
                asked_for = max(error.retry_after or 0.0, _LOCKED_PAUSE if refused else 0.0)
            else:
                if _has_failed(status):
                    raise self._failure(status, None)
            if made is not None:
                return made
            await trio.sleep(max(asked_for, pause))
            pause = min(pause * 2, _LONGEST_RESULT_PAUSE)

    async def cancel(self, job: Job) -> bool:
        """Take a job out of the line; whether it was still there, so that nothing is charged.

        One that is worked on is left alone, unless it is unwanted: a stop would be charged, and its result be gone.
        """
        try:
            status = body_of(await self.wire.send(Verb.STATUS, "GET", job.addresses["status_url"]))
            told = status.get("status") if isinstance(status, Mapping) else None
            if told != "IN_QUEUE" and not (job.unwanted and told == "IN_PROGRESS"):
                return False
            response = await self.wire.send(Verb.STATUS, "PUT", job.addresses["cancel_url"])
        except ProviderError:
            return False
        answer = body_of(response)
        return response.status_code == 200 and isinstance(answer, Mapping) and answer.get("status") == "OK"

    # ------------------------------------------------------------------ waiting

    async def _listen(self, job: Job, watch: "_Watch") -> Mapping[str, Any] | None:
        """Follow the status stream while there is a connection for it; ``None`` if it does not tell the end."""
        if self._broken_streams >= _SILENT_STREAMS:
            return None
        heard: list[Mapping[str, Any]] = []
        with self.streams.borrowed() as client:
            if client is None:
                return None
            watch.has_listened = True
            with contextlib.suppress(ProviderError, httpx_sse.SSEError):  # polling finds out what is the matter
                await self._follow(client, job, watch, heard)
        self._broken_streams = 0 if heard else self._broken_streams + 1
        self.crowd.offer_stream()
        return heard[-1] if heard and heard[-1].get("status") == "COMPLETED" else None

    async def _ask(self, job: Job, watch: "_Watch") -> Mapping[str, Any]:
        """Ask after a job until it has ended; one that is not known any more has no status."""
        with self.crowd.joined(job, takes_stream=not watch.has_listened) as place:
            while True:
                expected = self.durations.job(f"{job.provider}:{job.model}")
                queued = watch.working_since is None
                pause = pause_before_poll(expected, watch.worked, queued=queued, rng=self.rng)
                await self.crowd.news(place, pause, expected)
                status = place.ended
                if status is None and place.may_listen:
                    place.may_listen = False
                    status = await self._listen(job, watch)
                    place.takes_stream = not watch.has_listened  # where streams break, looks are cheaper
                elif status is None and await self.crowd.is_told(place, expected):
                    status = place.ended
                    watch.note({"status": "IN_PROGRESS"} if place.has_begun else {})
                elif status is None:
                    await self.crowd.pacer.turn()
                    place.looked = trio.current_time()
                    status = await self._look(job, watch)
                if watch.lost == _LOST_AFTER:
                    return {}
                if status is not None and status.get("status") == "COMPLETED":
                    return status

    async def _follow(
        self, client: httpx.AsyncClient, job: Job, watch: "_Watch", heard: list[Mapping[str, Any]]
    ) -> None:
        url, headers = f"{job.addresses['status_url']}/stream", {"Accept": "text/event-stream"}
        with trio.CancelScope() as scope:
            async with self.wire.stream(Verb.STATUS, url, headers=headers, client=client) as response:
                async for event in httpx_sse.EventSource(response).aiter_sse():
                    status = _status_of(event.data)
                    if status is not None:
                        heard.append(status)
                        watch.note(status)
                    if status is not None and status.get("status") == "COMPLETED":
                        # The service closes the stream now; leaving in the middle would leave its generators open.
                        scope.deadline = trio.current_time() + _CLOSING_SECONDS

    async def _own_status(self, job: Job) -> Mapping[str, Any]:
        """What a job itself says, of which only the list has said that it has ended; nothing if it is not known."""
        watch = _Watch(started=trio.current_time(), begun=lambda: None)
        while watch.lost < _LOST_AFTER:
            await self.crowd.pacer.turn()
            status = await self._look(job, watch)
            if status is not None and status.get("status") == "COMPLETED":
                return status
            if status is not None:
                self.crowd.distrust_list()
            await trio.sleep(pause_near_end(self.durations.job(f"{job.provider}:{job.model}")))
        return {}

    async def _look(self, job: Job, watch: "_Watch") -> Mapping[str, Any] | None:
        try:
            response = await self.wire.send(Verb.STATUS, "GET", job.addresses["status_url"], params={"logs": "0"})
        except ResultLost:
            # Not every server knows a job at once, and an error page may say 404: only patience tells.
            watch.lost += 1
            await trio.sleep(_LOST_PAUSE)
            return None
        except AuthFailed:
            watch.refused += 1
            if watch.refused == _LOCKED_AFTER:
                raise
            await trio.sleep(_LOCKED_PAUSE)
            return None
        except ProviderError as error:
            await trio.sleep(error.retry_after or 0.0)
            return None
        watch.lost = watch.refused = 0
        status = body_of(response)
        if not isinstance(status, Mapping):
            return None
        watch.note(status)
        return status

    def _learn(self, job: Job, watch: "_Watch", status: Mapping[str, Any]) -> None:
        metrics = status.get("metrics")
        told = metrics.get("inference_time") if isinstance(metrics, Mapping) else None
        if status and not status.get("error"):
            took = float(told) if isinstance(told, int | float) and told > 0 else watch.worked
            self.durations.note(f"{job.provider}:{job.model}", took)

    # ------------------------------------------------------------------ failures

    def _verdict(self, error: ProviderError, status: Mapping[str, Any]) -> ProviderError | None:
        """What an unhappy result means: the job's own failure replayed, or mere trouble with fetching it."""
        response = answer_of(error)
        if response is None:
            return None
        if response.status_code in {408, 429}:
            return None
        told = read_answer(Verb.FAILURE, response)
        replayed = told.retryable is not None or told.code in REPLAYED
        if _has_failed(status) or response.status_code in {400, 422} or replayed:
            return self._failure(status, response)
        return None

    def _failure(self, status: Mapping[str, Any], response: httpx.Response | None) -> ProviderError:
        if response is not None:
            signal = read_answer(Verb.FAILURE, response)
            if signal.code or signal.status not in {401, 403, 404}:
                return self.wire.explain(signal)
        code, words = describe(status)
        message = f"the job failed: {words or code or 'no reason given'}"
        return self.wire.explain(Signal(verb=Verb.FAILURE, status=500, code=code, message=message))

    def _ours(self, url: str) -> bool:
        """Whether an address is on the queue's own host."""
        ours, told = urlsplit(self.base), urlsplit(url)
        return (ours.scheme, ours.netloc) == (told.scheme, told.netloc)


@dataclass(eq=False, kw_only=True)
class _Watch:
    """What is known of one job while it is waited for; times are of Trio's clock."""

    started: float
    begun: Callable[[], None]
    working_since: float | None = None
    has_listened: bool = False
    lost: int = 0
    refused: int = 0

    @property
    def worked(self) -> float:
        return trio.current_time() - (self.started if self.working_since is None else self.working_since)

    def note(self, status: Mapping[str, Any]) -> None:
        if self.working_since is None and status.get("status") == "IN_PROGRESS":
            self.working_since = trio.current_time()
        if status.get("status") in {"IN_PROGRESS", "COMPLETED"}:
            self.begun()


def _has_failed(status: Mapping[str, Any]) -> bool:
    """Whether the service calls the job failed."""
    return bool(status.get("error") or status.get("error_type"))


def _status_of(text: str) -> Mapping[str, Any] | None:
    try:
        status = json.loads(text)
    except ValueError:
        return None
    return status if isinstance(status, Mapping) else None
