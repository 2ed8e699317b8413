"""fal's queue, as its clients see it: submit, status, stream, result, cancel."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import trio

from tiktoker_batch.model import Field, Model
from tiktoker_batch.simulator.http import DROPPED, Reply, Request, Send
from tiktoker_batch.simulator.ledger import Entry
from tiktoker_batch.simulator.speech import alignment_of, spoken_seconds
from tiktoker_batch.simulator.world import World, seconds_of, size_of

_PING_SECONDS = 15.0
_FETCH_HINT = {"image": "image_url", "reference": "image_urls"}
LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
RUNNER_LOST = {"detail": "The runner disconnected while it was working.", "error_type": "runner_disconnected"}


@dataclass(eq=False, kw_only=True)
class Job:
    """A job in the queue. ``outcome`` is what its result address replays once it has ended."""

    entry: Entry
    path: str
    fate: str | None
    changed: trio.Event = field(default_factory=trio.Event)
    outcome: tuple[int, Any, Mapping[str, str]] = (400, {"detail": "Request is still in progress"}, {})
    error: str | None = None
    error_type: str | None = None
    took: float = 0.0
    cancelled: trio.CancelScope = field(default_factory=trio.CancelScope)

    @property
    def status(self) -> str:
        """The word that the status carries."""
        return {"queued": "IN_QUEUE", "running": "IN_PROGRESS"}.get(self.entry.state, "COMPLETED")

    @property
    def logs(self) -> list[dict[str, Any]]:
        """What its runner has written so far."""
        at = self.entry.started_at
        line = {"message": "Started", "level": "INFO", "source": "USER", "timestamp": at.isoformat() if at else ""}
        return [line] if at else []

    def move(self, state: str) -> None:
        """The job is in another state now; whoever listens wakes up."""
        self.entry.state = state
        self.changed.set()
        self.changed = trio.Event()


@dataclass(kw_only=True)
class FalQueue:
    """``nursery`` holds a task for every job; ``running`` bounds those that are at work at once."""

    world: World
    nursery: trio.Nursery
    running: trio.CapacityLimiter
    jobs: dict[str, Job] = field(default_factory=dict)

    async def submit(self, request: Request) -> Reply:
        """``POST /{model}``."""
        model = self.world.models.get(f"fal:{request.path.strip('/')}")
        if model is None:
            return Reply(status=404, body={"detail": f"Application {request.path.strip('/')!r} not found"})
        trouble = self.world.faults.draw("submit", f"{model.id} {_subject(request)}")
        given = request.json()
        refusal = REFUSALS.get(trouble) or self._wrong(model, given)
        if refusal is not None:
            return refusal
        reply = self._taken(model, given)
        if trouble == "late_reply":
            await self.world.plain_trouble(trouble)
        return GARBLED.get(trouble, reply)

    def _taken(self, model: Model, given: Mapping[str, Any]) -> Reply:
        known = {each.name for each in model.fields.values()} | set(model.parameters)
        entry = self.world.accept(
            "fal", model, f"fal-{self.world.number():08d}", given, ignored=sorted(set(given) - known)
        )
        work = json.dumps({name: value for name, value in given.items() if name != "seed"}, sort_keys=True)
        job = Job(entry=entry, path=_owner_and_app(model.id), fate=self.world.faults.draw("job", f"{model.id} {work}"))
        self.jobs[entry.id] = job
        self.nursery.start_soon(self._work, job)
        return Reply(body={"status": "IN_QUEUE", "queue_position": 0, "logs": None, "metrics": {}, **self._urls(job)})

    def _urls(self, job: Job) -> dict[str, str]:
        root = f"{self.world.base}/{job.path}/requests/{job.entry.id}"
        return {
            "request_id": job.entry.id,
            "response_url": root,
            "status_url": f"{root}/status",
            "cancel_url": f"{root}/cancel",
        }

    # ------------------------------------------------------------------ looking

    async def look(self, request: Request) -> Reply:
        """``GET|PUT /{owner}/{app}/requests/{id}[/status[/stream]|/cancel]``."""
        path, _, rest = request.path.strip("/").partition("/requests/")
        name, _, verb = rest.partition("/")
        job = self.jobs.get(name)
        if job is None or job.path != path:
            return Reply(status=404, body={"detail": "Request not found"})
        match request.method, verb:
            case "GET", "status":
                return await self._status(job, logs=_wants_logs(request))
            case "GET", "status/stream":
                return await self._stream(job)
            case "GET", "":
                return await self._result(job)
            case "PUT", "cancel":
                return self._cancel(job)
        return Reply(status=405, body={"detail": "Method Not Allowed"})

    async def _status(self, job: Job, *, logs: bool) -> Reply:
        trouble = self.world.faults.draw("status", job.entry.id)
        if trouble == "forgotten":
            return Reply(status=404, body={"detail": "Request not found"})
        reply = await self.world.plain_trouble(trouble)
        if reply is not None:
            return reply
        said = self._said(job, logs=logs)
        if trouble == "no_logs":
            said.pop("logs", None)
        return Reply(status=200 if job.status == "COMPLETED" else 202, body=said)

    def _said(self, job: Job, *, logs: bool = False) -> dict[str, Any]:
        said: dict[str, Any] = {"status": job.status, **self._urls(job)}
        match job.status:
            case "IN_QUEUE":
                before = [each for each in self.jobs.values() if each.status == "IN_QUEUE"]
                said["queue_position"] = before.index(job)
            case "IN_PROGRESS":
                said["logs"] = job.logs if logs else None
            case _:
                said |= {"logs": job.logs if logs else None, "metrics": {"inference_time": round(job.took, 3)}}
                if job.error is not None:
                    said |= {"error": job.error, "error_type": job.error_type}
        return said

    async def _stream(self, job: Job) -> Reply:
        trouble = self.world.faults.draw("stream", job.entry.id)
        if trouble == "drop":
            return DROPPED

        async def events(send: Send) -> None:
            await self._events(job, send, broken=trouble == "break")

        return Reply(stream=events, headers={"content-type": "text/event-stream"})

    async def _events(self, job: Job, send: Send, *, broken: bool) -> None:
        while True:
            changed = job.changed
            await send(f"data: {json.dumps(self._said(job))}\n\n".encode())
            if job.status == "COMPLETED" or broken:
                return
            while True:
                with trio.move_on_after(_PING_SECONDS) as silence:
                    await changed.wait()
                if not silence.cancelled_caught:
                    break
                await send(b": ping\n\n")

    async def _result(self, job: Job) -> Reply:
        trouble = self.world.faults.draw("result", job.entry.id)
        if trouble in {"expired", "gone"}:
            return Reply(status=404 if trouble == "expired" else 410, body={"detail": "Request result has expired"})
        reply = await self.world.plain_trouble(trouble)
        if reply is not None:
            return reply
        status, body, headers = job.outcome

        def delivered() -> None:
            job.entry.delivered += status == 200

        return Reply(status=status, body=body, headers={"x-fal-request-id": job.entry.id, **headers}, sent=delivered)

    def _cancel(self, job: Job) -> Reply:
        match job.status:
            case "IN_QUEUE":
                job.cancelled.cancel()
                job.error, job.outcome = "Request was cancelled", (400, {"detail": "Request was cancelled"}, {})
                job.move("cancelled")
                return Reply(body={"status": "OK"})
            case "IN_PROGRESS":
                return Reply(status=202, body={"status": "CANCELLATION_REQUESTED"})
        return Reply(status=400, body={"status": "ALREADY_COMPLETED"})

    # ------------------------------------------------------------------ working

    async def _work(self, job: Job) -> None:
        with job.cancelled:
            async with self.running:
                if job.status != "IN_QUEUE":  # cancelled in the moment in which its turn came
                    return
                job.entry.started_at = datetime.now(UTC)
                self.world.enter("fal")
                job.move("running")
                job.took = self.world.latency.draw(job.entry.model) * (10.0 if job.fate == "slow" else 1.0)
                made = await self._made_after(job)
                self.world.leave("fal")
                job.entry.ended_at = datetime.now(UTC)
                if not self._fail(job):
                    job.entry.paid, job.outcome = True, (200, made, {})
                job.move("failed" if job.error else "done")

    async def _made_after(self, job: Job) -> Any:
        """What the job makes, made while its time passes."""
        made: list[Any] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, job.took)
            made.append(await self._make(job))
        return made[0]

    def _fail(self, job: Job) -> bool:
        """Let the job fail if that is its fate. What a runner worked on may be charged, what a runner lost is not."""
        match job.fate:
            case "runner_lost":
                job.error_type = RUNNER_LOST["error_type"]
                job.outcome = (503, RUNNER_LOST, {"x-fal-error-type": job.error_type})
            case "content_policy":
                job.entry.paid = True
                job.outcome = (422, _detail("prompt", "content_policy_violation", "The content is not allowed."), {})
            case "generation_timeout":
                job.outcome = (422, _detail("", "generation_timeout", "Generation timed out."), {})
            case "retryable_422":
                job.outcome = (422, _detail("", "unknown", "Try again."), {"x-fal-retryable": "true"})
            case "invalid":
                job.outcome = (422, _detail("image_url", "image_too_small", "The image is too small."), {})
            case _:
                return False
        status, body, _ = job.outcome
        job.error = f"Invalid status code: {status}" if isinstance(body["detail"], list) else body["detail"]
        return True

    async def _make(self, job: Job) -> dict[str, Any]:
        given, model = job.entry.input, job.entry.model
        width, height = size_of(given)
        if job.fate == "no_file":
            return {"timings": {}}
        match model.kind:
            case "image":
                return await self._picture(job, width, height)
            case "clip":
                seconds = seconds_of(model, given)
                clip = await self.world.media.clip(width, height, seconds=seconds, mark=job.entry.id)
                return {"video": _file(self.world.keep(clip, "video/mp4", ".mp4"), len(clip), "video/mp4")}
            case _:
                text = str(given.get("text", ""))
                seconds = spoken_seconds(text)
                sound = await self.world.media.speech(seconds, form="mp3")
                told = [alignment_of(text, seconds)] if given.get("timestamps") else None
                return {
                    "audio": _file(self.world.keep(sound, "audio/mpeg", ".mp3"), len(sound), "audio/mpeg"),
                    "timestamps": told,
                }

    async def _picture(self, job: Job, width: int, height: int) -> dict[str, Any]:
        given = job.entry.input
        form = str(given.get("output_format", "jpeg"))
        dark = job.fate in {"flagged", "black"}
        picture = await self.world.media.picture(
            width, height, seed=self.world.number(), words=str(given.get("prompt", "")), form=form, black=dark
        )
        kind = f"image/{form}"
        address = self.world.keep(picture, kind, f".{form}")
        return {
            "images": [{"url": address, "width": width, "height": height, "content_type": kind}],
            "seed": given.get("seed", 0),
            "prompt": given.get("prompt"),
            "timings": {"inference": job.took},
            "has_nsfw_concepts": [job.fate == "flagged"],
        }

    # ------------------------------------------------------------------ checking

    def _wrong(self, model: Model, given: Any) -> Reply | None:
        """What the model's schema objects to: a missing field, an unknown choice, a file that is not there."""
        if not isinstance(given, dict):
            return Reply(status=422, body=_detail("", "dict_type", "Input should be a valid dictionary"))
        for ours, named in model.fields.items():
            value = given.get(named.name)
            if value is None:
                if ours in {"prompt", "image"}:
                    return Reply(status=422, body=_detail(named.name, "missing", "Field required"))
                continue
            choices = _choices(model, ours, named)
            if choices and value not in choices:
                message = f"Input should be one of {choices}"
                return Reply(status=422, body=_detail(named.name, "literal_error", message))
            if ours in _FETCH_HINT and not all(self._can_fetch(url) for url in _list(value)):
                message = "Failed to download the file. Please check the URL."
                return Reply(status=422, body=_detail(named.name, "file_download_error", message))
        return None

    def _can_fetch(self, address: Any) -> bool:
        if not isinstance(address, str):
            return False
        if address.startswith("data:"):
            try:
                return bool(base64.b64decode(address.partition(",")[2], validate=True))
            except ValueError:
                return False
        return self.world.file_at(address) is not None


def _subject(request: Request) -> str:
    """The work that a body asks for, whatever its seed."""
    given = request.json()
    if not isinstance(given, dict):
        return ""
    return json.dumps({name: value for name, value in given.items() if name != "seed"}, sort_keys=True)


def _wants_logs(request: Request) -> bool:
    """Whether a look asks for logs; clients in Python and JavaScript spell it differently."""
    return request.query.get("logs") in {"true", "1"}


def _choices(model: Model, ours: str, named: Field) -> list[Any]:
    """The values that a model's schema lists for a field, in its own words."""
    if ours == "seconds":
        return [_as_written(named.form, each) for each in model.durations]
    if ours == "aspect_ratio":
        return [*model.aspect_ratios, "auto"] if model.aspect_ratios else []
    return list(model.resolutions) if ours == "resolution" else []


def _as_written(form: str, seconds: float) -> Any:
    match form:
        case "seconds":
            return f"{seconds:g}s"
        case "text":
            return f"{seconds:g}"
        case _:
            return seconds


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _detail(where: str, kind: str, message: str) -> dict[str, Any]:
    location = ["body", where] if where else ["body"]
    url = f"https://docs.fal.ai/errors#{kind}"
    return {"detail": [{"loc": location, "msg": message, "type": kind, "url": url}]}


def _file(address: str, size: int, kind: str) -> dict[str, Any]:
    return {"url": address, "content_type": kind, "file_name": address.rsplit("/", 1)[-1], "file_size": size}


def _owner_and_app(model: str) -> str:
    parts = model.split("/")
    return "/".join(parts[: 3 if parts[0] in {"workflows", "comfy"} else 2])


_HTML = {"content-type": "text/html"}
_NO_RUNNER = {"detail": "No runner could be scheduled.", "error_type": "runner_scheduling_failure"}
# The replies to submits that are not accepted.
REFUSALS: Mapping[str | None, Reply] = {
    "throttled": Reply(status=429, body={"detail": "Too many requests"}, headers={"retry-after": "2"}),
    "overloaded": Reply(status=503, body=_NO_RUNNER, headers={"x-fal-error-type": _NO_RUNNER["error_type"]}),
    "locked": Reply(status=403, body={"detail": LOCKED}),
    "unauthorized": Reply(status=401, body={"detail": "No user found for Key ID and Secret"}),
    "not_found": Reply(status=404, body={"detail": "Application not found"}),
    "invalid": Reply(status=422, body=_detail("prompt", "missing", "Field required")),
    "error_500": Reply(status=500, body={"detail": "Internal Server Error"}),
    "timeout_408": Reply(status=408, body={"detail": "Request Timeout"}),
    "conflict_409": Reply(status=409, body={"detail": "Conflict"}),
    "nginx_503": Reply(status=503, body=b"<html>503 nginx</html>", headers=_HTML),
    "start_timeout": Reply(
        status=504,
        body={"detail": "Request timed out", "error_type": "request_timeout"},
        headers={"x-fal-request-timeout-type": "user", "x-fal-error-type": "request_timeout"},
    ),
}
# Those to submits that are accepted all the same.
GARBLED: Mapping[str | None, Reply] = {
    "lost_reply": DROPPED,
    "gateway_error": Reply(status=502, body=b"<html>502 Bad Gateway nginx</html>", headers=_HTML),
    "garbage": Reply(body=b"<html>"),
}
