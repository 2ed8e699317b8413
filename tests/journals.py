"""Journals made by hand: what a batch went through, told with exact times."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tiktoker_batch.events import (
    AttemptFailed,
    AttemptStarted,
    BackedOff,
    CapacityChanged,
    Event,
    JobSubmitted,
    PlannedStep,
    Record,
    RunFinished,
    RunStarted,
    StepBlocked,
    StepFailed,
    StepQueued,
    StepReused,
    StepsReused,
    StepSucceeded,
    SubmitIntended,
    VideoFinished,
    VideoPlanned,
    WorkDone,
)
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.store.journal import Journal

MORNING = datetime(2027, 3, 15, 9, 0, tzinfo=UTC)
PROVIDERS = {
    "story": ("openrouter", "openai/gpt-4o-mini"),
    "shots": ("openrouter", "openai/gpt-4o-mini"),
    "image": ("fal", "fal-ai/flux/schnell"),
    "clip": ("fal", "fal-ai/veo3.1/fast/image-to-video"),
    "narration": ("elevenlabs", "eleven_multilingual_v2"),
}


def a_planned_step(step_id: str, *needs: str, **changes: object) -> PlannedStep:
    """A step called ``video/kind`` or ``video/NN/kind``, done by whom one would expect."""
    kind = step_id.rsplit("/", 1)[1]
    provider, model = PROVIDERS.get(kind, ("local", "ffmpeg"))
    values: dict[str, object] = {
        "id": step_id,
        "kind": kind,
        "key": f"key of {step_id}",
        "needs": needs,
        "provider": provider,
        "model": model,
        "estimated_seconds": 10.0,
        "estimated_cost_usd": Decimal("0.40") if kind == "clip" else Decimal(0),
    }
    return PlannedStep(**(values | changes))  # type: ignore[arg-type]


def an_artifact(path: str) -> Artifact:
    return Artifact(path=path, sha256="ab" * 32, bytes=1234)


@dataclass
class Run:
    """One run: events told in any order, each at its second."""

    number: int
    began: datetime
    told: list[tuple[float, Event]] = field(default_factory=list)

    def tell(self, second: float, *events: Event) -> None:
        self.told += [(second, event) for event in events]

    def start(self, **changes: object) -> None:
        values: dict[str, object] = {
            "batch": "week12",
            "recipe": "recipes/week12.yaml",
            "recipe_sha256": "cd" * 32,
            "tool_version": "0.1.0",
            "options": {},
            "limits": {"fal": 2, "elevenlabs": 1, "openrouter": 2, "ffmpeg": 2},
        }
        self.tell(0, RunStarted(**(values | changes)))  # type: ignore[arg-type]

    def plan(self, video: str, steps: Sequence[PlannedStep], title: str = "a title") -> None:
        self.tell(0, VideoPlanned(video=video, title=title, steps=tuple(steps)))

    def begin(self, step: str, queued: float, started: float, *, n: int = 1, submit: str | None = None) -> None:
        """An attempt that starts; with ``submit`` a request leaves half a second later and gets that name."""
        self.tell(queued, StepQueued(step=step, attempt=n))
        self.tell(started, AttemptStarted(step=step, attempt=n))
        if submit is not None:
            intent = SubmitIntended(step=step, attempt=n, provider="fal", model="m", price_usd=Decimal("0.40"))
            self.tell(started, intent)
            if submit:
                self.tell(started + 0.5, JobSubmitted(step=step, attempt=n, request_id=submit))

    def succeed(self, step: str, ended: float, *, n: int = 1, cost: str = "0", path: str | None = None) -> None:
        artifacts = (an_artifact(path or f"work/{step}"),)
        self.tell(
            ended,
            StepSucceeded(
                step=step, attempt=n, key=f"key of {step}", inputs="in", artifacts=artifacts, cost_usd=Decimal(cost)
            ),
        )

    def fail(
        self, step: str, ended: float, kind: str, message: str, *, n: int = 1, retry: float = 0, cost: str = "0"
    ) -> None:
        """An attempt that fails; with ``retry`` the step waits so many seconds for the next, else it gives up."""
        outcome = "retry" if retry else "failed"
        self.tell(
            ended,
            AttemptFailed(
                step=step, attempt=n, outcome=outcome, error_kind=kind, message=message, cost_usd=Decimal(cost)
            ),
        )
        if retry:
            self.tell(ended, CapacityChanged(limit="fal", seats=3, cause="refused"))
            self.tell(ended, BackedOff(step=step, attempt=n + 1, seconds=retry))
        else:
            self.tell(ended, StepFailed(step=step, attempts=n, error_kind=kind, message=message))

    def work(self, step: str, queued: float, started: float, ended: float, *, cost: str = "0") -> None:
        """An attempt that works at once."""
        self.begin(step, queued, started)
        self.succeed(step, ended, cost=cost)

    def piece(self, step: str, label: str, waited: float, began: float, ended: float) -> None:
        self.tell(ended, WorkDone(step=step, label=label, waited=waited, began=began, ended=ended))

    def reuse(self, step: str, second: float) -> None:
        artifacts = (an_artifact(f"work/{step}"),)
        self.tell(second, StepReused(step=step, key=f"key of {step}", inputs="in", artifacts=artifacts))

    def hold(self, video: str, steps: Sequence[str], second: float) -> None:
        self.tell(second, StepsReused(video=video, steps=tuple(steps)))

    def block(self, step: str, by: str, second: float) -> None:
        self.tell(second, StepBlocked(step=step, by=by))

    def finish_video(self, video: str, second: float, state: str = "done", *notes: str) -> None:
        made = state != "failed"
        self.tell(
            second,
            VideoFinished(
                video=video,
                state=state,
                output=f"videos/{video}.mp4" if made else None,
                sha256="ef" * 32 if made else None,
                duration_seconds=30.2 if made else None,
                notes=notes,
            ),
        )

    def end(self, second: float, state: str = "done") -> None:
        self.tell(second, RunFinished(state=state))

    def records(self) -> list[Record]:
        """In order of time; what was told at the same second stays in the order of telling."""
        ordered = sorted(self.told, key=lambda told: told[0])
        return [
            Record(at=self.began + timedelta(seconds=second), elapsed=float(second), run=self.number, event=event)
            for second, event in ordered
        ]


def steps_of(video: str, segments: int) -> list[PlannedStep]:
    """The plan of one video: story, shots, pictures, clips, narration, captions, assembly."""
    story, shots = f"{video}/story", f"{video}/shots"
    steps = [a_planned_step(story), a_planned_step(shots, story)]
    clips = []
    for number in range(1, segments + 1):
        image, clip = f"{video}/{number:02d}/image", f"{video}/{number:02d}/clip"
        steps += [a_planned_step(image, shots), a_planned_step(clip, image)]
        clips.append(clip)
    steps.append(a_planned_step(f"{video}/narration", story))
    steps.append(a_planned_step(f"{video}/captions", f"{video}/narration"))
    steps.append(a_planned_step(f"{video}/assembly", *clips, f"{video}/captions"))
    return steps


def golden(evil: str = "wed-fog") -> tuple[Record, ...]:
    """A batch of three videos over two runs.

    In the first run ``mon-detective`` is done with one retry, ``tue-coffee`` loses a clip to the provider's rules and
    the third (``evil`` is its id, message and title) fails at its story. The second run is killed at work.
    """
    first = Run(number=1, began=MORNING)
    first.start()
    first.plan("mon-detective", steps_of("mon-detective", 2), title="a cyberpunk detective solving a mystery")
    first.plan("tue-coffee", steps_of("tue-coffee", 2), title="Coffee was banned five times in history")
    first.plan(evil, steps_of(evil, 1), title=evil)
    _detective(first)
    _coffee(first)
    first.begin(f"{evil}/story", 0, 0.1, submit="req-9")
    first.fail(f"{evil}/story", 2, "AuthFailed", f"the account is not usable: {evil}")
    for step in steps_of(evil, 1)[1:]:
        first.block(step.id, step.needs[0], 2)
    first.finish_video(evil, 2, "failed", f"the account is not usable: {evil}")
    first.end(48, "partial")
    return (*first.records(), *_second(evil).records())


def _detective(run: Run) -> None:
    video = "mon-detective"
    run.work(f"{video}/story", 0, 0.1, 3)
    run.work(f"{video}/shots", 3, 3.1, 5)
    run.work(f"{video}/narration", 3, 3, 6)
    run.work(f"{video}/captions", 6, 6, 6.2)
    run.work(f"{video}/01/image", 5, 5, 7)
    run.work(f"{video}/02/image", 5, 7, 9)
    run.begin(f"{video}/01/clip", 7, 9, submit="req-1")
    run.succeed(f"{video}/01/clip", 24, cost="0.40")
    run.begin(f"{video}/02/clip", 9, 9, submit="req-2")
    run.fail(f"{video}/02/clip", 12, "RateLimited", "the provider asks for patience", retry=3, cost="0.05")
    run.begin(f"{video}/02/clip", 15, 16, n=2, submit="req-3")
    run.succeed(f"{video}/02/clip", 30, n=2, cost="0.40")
    run.begin(f"{video}/assembly", 0, 0)
    run.piece(f"{video}/assembly", "mix", 0, 6.2, 7.4)
    run.piece(f"{video}/assembly", "normalise 01", 0.5, 24.5, 26)
    run.piece(f"{video}/assembly", "normalise 02", 0, 30, 31.5)
    run.piece(f"{video}/assembly", "concat", 0, 31.5, 32)
    run.succeed(f"{video}/assembly", 32, path=f"videos/{video}.mp4")
    run.finish_video(video, 32)


def _coffee(run: Run) -> None:
    video = "tue-coffee"
    run.work(f"{video}/story", 0, 3, 4)
    run.work(f"{video}/shots", 4, 5, 6)
    run.work(f"{video}/narration", 4, 6, 9)
    run.work(f"{video}/captions", 9, 9, 9.2)
    run.work(f"{video}/01/image", 6, 24, 26)
    run.work(f"{video}/02/image", 6, 26, 28)
    run.begin(f"{video}/01/clip", 26, 30, submit="req-4")
    run.succeed(f"{video}/01/clip", 45, cost="0.40")
    run.begin(f"{video}/02/clip", 28, 28, submit="req-5")
    run.fail(f"{video}/02/clip", 31, "Rejected", "the provider refuses this content")
    run.begin(f"{video}/assembly", 0, 0)
    run.piece(f"{video}/assembly", "mix", 0, 9.2, 10.4)
    run.piece(f"{video}/assembly", "stand-in 02", 0, 31, 32)
    run.piece(f"{video}/assembly", "normalise 01", 0, 45, 47)
    run.piece(f"{video}/assembly", "concat", 0, 47, 47.5)
    run.succeed(f"{video}/assembly", 47.5, path=f"videos/{video}.mp4")
    run.finish_video(video, 47.5, "partial", "the provider refuses this content")


def _second(evil: str) -> Run:
    run = Run(number=2, began=MORNING + timedelta(hours=1))
    run.start()
    for video in ("mon-detective", "tue-coffee"):
        run.plan(video, steps_of(video, 2))
    run.plan(evil, steps_of(evil, 1))
    for step in steps_of("mon-detective", 2):
        run.reuse(step.id, 0.2)
    run.finish_video("mon-detective", 0.2)
    for step in steps_of("tue-coffee", 2):
        if step.id not in {"tue-coffee/02/clip", "tue-coffee/assembly"}:
            run.reuse(step.id, 0.3)
    run.begin("tue-coffee/assembly", 0.3, 0.3)
    run.begin("tue-coffee/02/clip", 0.3, 0.4, submit="req-6")
    run.work(f"{evil}/story", 0.3, 0.4, 2.4)
    return run


def write_journal(path: Path, records: Sequence[Record]) -> Path:
    """Append the records as a run would."""
    with Journal.open(path) as journal:
        for record in records:
            journal(record)
    return path
