"""fal's queue, as its clients see it: submit, status, stream, result, cancel."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import trio

from tiktoker_batch.model import Model
from tiktoker_batch.simulator.asked import subject_of
from tiktoker_batch.simulator.fal_answers import GARBLED, REFUSALS
from tiktoker_batch.simulator.fal_input import objection
from tiktoker_batch.simulator.fal_job import Job, Runners, seconds_by
from tiktoker_batch.simulator.http import DROPPED, Reply, Request, Send
from tiktoker_batch.simulator.world import World

_PING_SECONDS = 15.0
_EXPIRED = {"detail": "Request result has expired"}


@dataclass(kw_only=True)
class FalQueue:
    """``nursery`` holds a task for every job."""

    world: World
    nursery: trio.Nursery
    runners: Runners
    jobs: dict[str, Job] = field(default_factory=dict)
    _taken: Counter[str] = field(default_factory=Counter)

    async def submit(self, request: Request) -> Reply:
        """``POST /{model}``."""
        model = self.world.models.get(f"fal:{request.path.strip('/')}")
        if model is None:
            return Reply(status=404, body={"detail": f"Application {request.path.strip('/')!r} not found"})
        given = request.json()
        trouble = self.world.faults.draw("submit", subject_of(model, given))
        if trouble in REFUSALS:
            return REFUSALS[trouble]
        wrong = objection(model, given, lambda address: self.world.file_at(address) is not None)
        if wrong is not None:
            return Reply(status=422, body=wrong)
        reply = self._take(model, given)
        if trouble == "late_reply":
            await self.world.plain_trouble(trouble)
        return GARBLED.get(trouble, reply)

    def _take(self, model: Model, given: Mapping[str, Any]) -> Reply:
        world, subject = self.world, subject_of(model, given)
        known = {each.name for each in model.fields.values()} | set(model.parameters)
        entry = world.accept("fal", model, f"fal-{world.number():08d}", given, ignored=sorted(set(given) - known))
        self._taken[subject] += 1
        fate = world.faults.draw("job", subject)
        job = Job(
            entry=entry,
            path=_owner_and_app(model.id),
            subject=f"{subject} #{self._taken[subject]}",
            fate=fate,
            seconds=seconds_by(fate, world.latency.draw(model, subject)),
        )
        self.jobs[entry.id] = job
        self.nursery.start_soon(self.runners.work, job)
        return Reply(body={"status": "IN_QUEUE", "queue_position": 0, "logs": None, "metrics": {}, **self._urls(job)})

    def _trouble(self, verb: str, job: Job) -> str | None:
        """The trouble that a look at a job meets."""
        return self.world.faults.draw(verb, job.subject, job.entry.id)

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
        trouble = self._trouble("status", job)
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
        trouble = self._trouble("stream", job)
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
        trouble = self._trouble("result", job)
        if trouble in {"expired", "gone"}:
            return Reply(status=404 if trouble == "expired" else 410, body=_EXPIRED)
        reply = await self.world.plain_trouble(trouble)
        if reply is not None:
            return reply
        if self._has_expired(job):
            return Reply(status=410, body=_EXPIRED)
        status, body, headers = job.outcome

        def delivered() -> None:
            job.entry.delivered += status == 200

        return Reply(status=status, body=body, headers={"x-fal-request-id": job.entry.id, **headers}, sent=delivered)

    def _has_expired(self, job: Job) -> bool:
        lives = self.world.result_seconds
        return lives is not None and job.ended is not None and trio.current_time() > job.ended + lives

    def _cancel(self, job: Job) -> Reply:
        """A job in line is taken back; one at work is stopped, and charged, unless it takes no notice."""
        match job.status:
            case "COMPLETED":
                return Reply(status=400, body={"status": "ALREADY_COMPLETED"})
            case "IN_QUEUE":
                job.stop()
                job.scope.cancel()
                return Reply(body={"status": "OK"})
        if self._trouble("cancel", job) != "ignored":
            job.scope.cancel()
        return Reply(status=202, body={"status": "CANCELLATION_REQUESTED"})


def _wants_logs(request: Request) -> bool:
    """Whether a look asks for logs; clients in Python and JavaScript spell it differently."""
    return request.query.get("logs") in {"true", "1"}


def _owner_and_app(model: str) -> str:
    parts = model.split("/")
    return "/".join(parts[: 3 if parts[0] in {"workflows", "comfy"} else 2])
