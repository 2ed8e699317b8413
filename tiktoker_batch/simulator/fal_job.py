"""A job of fal's queue, and the runners that work on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import trio

from tiktoker_batch.simulator.asked import seconds_of
from tiktoker_batch.simulator.fal_answers import CANCELLED, IN_PROGRESS, INTERNAL, RUNNER_LOST, detail
from tiktoker_batch.simulator.ledger import Entry
from tiktoker_batch.simulator.speech import alignment_of, spoken_seconds
from tiktoker_batch.simulator.world import World

_SLOW_FACTOR = 10.0
Outcome = tuple[int, Any, Mapping[str, str]]


@dataclass(eq=False, kw_only=True)
class Job:
    """``subject`` names it in every run. ``outcome`` is what its result address replays once it has ended.

    ``seconds`` is how long its work takes, ``took`` how long it took; ``began`` and ``ended`` are on Trio's clock.
    """

    entry: Entry
    path: str
    subject: str
    fate: str | None
    seconds: float
    changed: trio.Event = field(default_factory=trio.Event)
    outcome: Outcome = (400, IN_PROGRESS, {})
    error: str | None = None
    error_type: str | None = None
    took: float = 0.0
    began: float | None = None
    ended: float | None = None
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)

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

    def begin(self) -> None:
        """A runner takes it up."""
        self.entry.started_at, self.began = datetime.now(UTC), trio.current_time()
        self._move("running")

    def end_well(self, made: Any) -> None:
        """It has made this, and is paid for."""
        self.entry.paid, self.outcome, self.took = True, (200, made, {}), self.seconds
        self._end("done")

    def end_badly(self, outcome: Outcome, *, paid: bool = False) -> None:
        """It ends with an error, which its result replays."""
        status, body, _ = outcome
        self.outcome, self.entry.paid, self.took = outcome, paid, self.seconds
        self.error = f"Invalid status code: {status}" if isinstance(body["detail"], list) else body["detail"]
        self.error_type = body.get("error_type")
        self._end("failed")

    def stop(self) -> None:
        """It is given up: for nothing while it waits, charged all the same once it has begun."""
        self.outcome, self.error = (400, CANCELLED, {}), CANCELLED["detail"]
        self.entry.paid = self.began is not None
        self.took = trio.current_time() - self.began if self.began is not None else 0.0
        self._end("cancelled")

    def _end(self, state: str) -> None:
        self.entry.ended_at, self.ended = datetime.now(UTC), trio.current_time()
        self._move(state)

    def _move(self, state: str) -> None:
        """The job is in another state now; whoever listens wakes up."""
        self.entry.state = state
        self.changed.set()
        self.changed = trio.Event()


@dataclass(frozen=True, kw_only=True)
class Runners:
    """``seats`` bounds the jobs that are at work at once."""

    world: World
    seats: trio.CapacityLimiter

    async def work(self, job: Job) -> None:
        """Work on a job when its turn comes, and end it in some way."""
        with job.scope:
            async with self.seats:
                if job.status == "IN_QUEUE":  # else it was cancelled in the moment in which its turn came
                    await self._run(job)
        if job.status == "IN_PROGRESS":
            job.stop()

    async def _run(self, job: Job) -> None:
        self.world.enter("fal")
        job.begin()
        try:
            made = await self._made_in_time(job)
        except Exception as error:  # whatever was asked for, the service stays up
            kind = {"x-fal-error-type": INTERNAL["error_type"]}
            job.end_badly((500, {**INTERNAL, "detail": f"{INTERNAL['detail']} ({type(error).__name__})"}, kind))
        else:
            _let_end(job, made)
        finally:
            self.world.leave("fal")

    async def _made_in_time(self, job: Job) -> Any:
        """What the job makes, made while its time passes."""
        began = trio.current_time()
        made = await self._make(job)
        await trio.sleep_until(began + job.seconds)
        return made

    async def _make(self, job: Job) -> dict[str, Any]:
        if job.fate == "no_file":
            return {"timings": {}}
        match job.entry.model.kind:
            case "image":
                return await self._picture(job)
            case "clip":
                return await self._clip(job)
            case _:
                return await self._speech(job)

    async def _picture(self, job: Job) -> dict[str, Any]:
        given, world = job.entry.input, self.world
        width, height = world.size_of(job.entry.model, given)
        form = str(given.get("output_format", "jpeg"))
        words, dark = str(given.get("prompt", "")), job.fate in {"flagged", "black"}
        picture = await world.media.picture(width, height, seed=world.number(), words=words, form=form, black=dark)
        address = world.keep(picture, f"image/{form}", f".{form}", subject=job.subject)
        return {
            "images": [{"url": address, "width": width, "height": height, "content_type": f"image/{form}"}],
            "seed": given.get("seed", 0),
            "prompt": given.get("prompt"),
            "timings": {"inference": job.seconds},
            "has_nsfw_concepts": [job.fate == "flagged"],
        }

    async def _clip(self, job: Job) -> dict[str, Any]:
        width, height = self.world.size_of(job.entry.model, job.entry.input)
        seconds = seconds_of(job.entry.model, job.entry.input)
        clip = await self.world.media.clip(width, height, seconds=seconds, mark=job.entry.id)
        return {"video": self._file(job, clip, "video/mp4", ".mp4")}

    async def _speech(self, job: Job) -> dict[str, Any]:
        text = str(job.entry.input.get("text", ""))
        seconds = spoken_seconds(text)
        sound = await self.world.media.speech(seconds, form="mp3")
        told = [alignment_of(text, seconds)] if job.entry.input.get("timestamps") else None
        return {"audio": self._file(job, sound, "audio/mpeg", ".mp3"), "timestamps": told}

    def _file(self, job: Job, content: bytes, kind: str, suffix: str) -> dict[str, Any]:
        address = self.world.keep(content, kind, suffix, subject=job.subject)
        name = address.rsplit("/", 1)[-1]
        return {"url": address, "content_type": kind, "file_name": name, "file_size": len(content)}


def seconds_by(fate: str | None, usual: float) -> float:
    """How long a job's work takes, by its fate."""
    return usual * (_SLOW_FACTOR if fate == "slow" else 1.0)


def _let_end(job: Job, made: Any) -> None:
    """End a job as its fate will have it. What a runner worked on may be charged, what a runner lost is not."""
    match job.fate:
        case "runner_lost":
            job.end_badly((503, RUNNER_LOST, {"x-fal-error-type": RUNNER_LOST["error_type"]}))
        case "content_policy":
            refused = detail("prompt", "content_policy_violation", "The content is not allowed.")
            job.end_badly((422, refused, {}), paid=True)
        case "generation_timeout":
            job.end_badly((422, detail("", "generation_timeout", "Generation timed out."), {}))
        case "retryable_422":
            job.end_badly((422, detail("", "unknown", "Try again."), {"x-fal-retryable": "true"}))
        case "invalid":
            job.end_badly((422, detail("image_url", "image_too_small", "The image is too small."), {}))
        case _:
            job.end_well(made)
