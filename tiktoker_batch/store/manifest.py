"""``manifest.json``: the state of a batch as programs read it (spec in ``schemas/manifest.schema.json``)."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec

from tiktoker_batch.events import Event, Record, RunFinished, RunStarted, StepsReused, VideoPlanned
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.store.artifacts import write_atomic
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import BatchState, VideoState
from tiktoker_batch.store.step_state import Attempt, StepState

INTERVAL_SECONDS = 0.5
LINES_AT_ONCE = 100  # in some 4 ms: whoever waits for the network comes first after that
SHARE_OF_TIME = 0.007  # writing the manifest may take this much of a run; with the last one it stays below 1 %

_encode = msgspec.json.Encoder().encode  # a large batch's lines are written thousands at a time


def manifest_json(state: BatchState) -> dict[str, Any]:
    """The published shape; money as JSON numbers, times as RFC 3339."""
    videos = [
        {**_video(video), "steps": msgspec.to_builtins([_step(step) for step in video.steps])}
        for video in state.videos.values()
    ]
    return {**_head(state), "videos": videos}


def write_manifest(state: BatchState, layout: Layout) -> None:
    """Write the manifest, complete or not at all."""
    _write(b"".join(_text(state, {})), layout)


class ManifestWriter:
    """A sink that keeps ``manifest.json`` close behind the journal."""

    def __init__(
        self, layout: Layout, state: BatchState | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.state = BatchState() if state is None else state
        self._layout = layout
        self._clock = clock
        self._dirty = False
        self._next = self._took = 0.0
        self._lines: dict[str, bytes] = {}
        self._stale: dict[str, None] = dict.fromkeys(self.state.steps)

    def __call__(self, record: Record) -> None:
        """Fold one record."""
        self._forget(record.event)
        self.state.apply(record)
        self._dirty = True

    def _forget(self, event: Event) -> None:
        """The lines of the steps that an event is about to change."""
        step = getattr(event, "step", None)
        if step is not None:  # of most events
            self._outdated((step,))
            return
        match event:
            case RunStarted():
                self._lines.clear()
                self._stale.clear()
            case VideoPlanned(steps=steps):
                self._outdated(step.id for step in steps)
            case StepsReused(steps=names):
                self._outdated(names)
            case RunFinished():
                self._outdated(self.state.unsettled())
            case _:
                pass

    def _outdated(self, names: Iterable[str]) -> None:
        for name in names:
            self._lines.pop(name, None)
            self._stale[name] = None

    def prepare(self) -> bool:
        """Bring some of the lines up to date if it is time to write; whether there are others."""
        if self._clock() < self._next:
            return False  # what changes again before it is written would be made ready in vain
        for name in tuple(islice(self._stale, LINES_AT_ONCE)):
            del self._stale[name]
            step = self.state.steps.get(name)
            if step is not None:
                self._lines[name] = _dump(_step(step))
        return bool(self._stale)

    def due(self) -> bytes | None:
        """What to write, if there is news and the last writing is long enough ago for its cost."""
        return self._text() if self._dirty and self._clock() >= self._next else None

    def write(self, text: bytes) -> None:
        """Write this; from any thread."""
        began = self._clock()
        _write(text, self._layout)
        ended = self._clock()
        self._next = ended + max(INTERVAL_SECONDS, (self._took + ended - began) / SHARE_OF_TIME)

    def flush(self) -> None:
        """Write now."""
        self.write(self._text())

    def _text(self) -> bytes:
        began, self._dirty = self._clock(), False
        text = b"".join(_text(self.state, self._lines))
        self._took = self._clock() - began
        return text


# ---------------------------------------------------------------------- text


def _write(text: bytes, layout: Layout) -> None:
    reach("manifest.before_write")
    write_atomic(layout.manifest, text)
    reach("manifest.after_write")


def _text(state: BatchState, lines: dict[str, bytes]) -> Iterator[bytes]:
    """The manifest as JSON, one line a step; ``lines`` keeps those of steps that have not changed since.

    A batch of 20,000 steps is written many times, and each time little of it is new.
    """
    yield b"{%b,\n" % b",\n".join(b"%b: %b" % (_dump(name), _dump(value)) for name, value in _head(state).items())
    yield b'"videos": ['
    for number, video in enumerate(state.videos.values()):
        yield b'%b\n %b, "steps": [' % (b"," if number else b"", _dump(_video(video))[:-1])
        for step in video.steps:
            if step.id not in lines:
                lines[step.id] = _dump(_step(step))
        yield b",".join([b"\n  %b" % lines[step.id] for step in video.steps])
        yield b"]}"
    yield b"]}\n"


def _dump(value: Any) -> bytes:
    try:
        return _encode(value)
    except UnicodeEncodeError:  # half of a surrogate pair: it is written as its escape
        return json.dumps(msgspec.to_builtins(value)).encode()


# ---------------------------------------------------------------------- values


def _head(state: BatchState) -> dict[str, Any]:
    return {
        "format": "tiktoker-batch/manifest",
        "version": 1,
        "batch": {
            "name": state.name,
            "recipe": state.recipe,
            "recipe_sha256": state.recipe_sha256,
            "state": state.state,
            "started_at": _time(state.started_at),
            "updated_at": _time(state.updated_at),
            "runs": state.runs,
        },
        "totals": _totals(state),
    }


def _totals(state: BatchState) -> dict[str, Any]:
    steps = state.steps.values()
    videos = Counter(_video_state(video.state) for video in state.videos.values())
    kinds = Counter(_step_count(step.state) for step in steps)
    return {
        "videos": {name: videos[name] for name in ("done", "partial", "failed", "pending")},
        "steps": {name: kinds[name] for name in ("done", "reused", "failed", "pending")},
        "cost_usd": {
            "estimated": _money(sum((step.planned.estimated_cost_usd for step in steps), Decimal(0))),
            "spent": _money(state.spent_usd),
        },
        "wall_seconds": round(sum(state.wall_by_run.values()), 3),
        "sequential_seconds": round(sum(attempt.worked_seconds for attempt in state.attempts()), 3),
    }


def _video_state(state: str) -> str:
    return "pending" if state == "running" else state


def _step_count(state: str) -> str:
    """Four kinds are counted: what is under way is pending, what never started failed with its cause."""
    return {"running": "pending", "skipped": "failed"}.get(state, state)


def _video(video: VideoState) -> dict[str, Any]:
    return {
        "id": video.id,
        "title": video.title,
        "state": video.state,
        "output": video.output,
        "sha256": video.sha256,
        "duration_seconds": video.duration_seconds,
        "cost_usd": _money(video.cost_usd),
        "notes": list(video.notes),
        **({"waits_for_review": list(video.waiting)} if video.waiting else {}),
        **({"edited": video.edited} if video.edited else {}),
    }


class _Error(msgspec.Struct):
    kind: str
    message: str | None


class _Attempt(msgspec.Struct):
    n: int
    run: int
    started_at: str | None
    ended_at: str | None
    waited_seconds: float
    worked_seconds: float
    outcome: str | None
    error: _Error | None
    request_id: str | None


class _Step(msgspec.Struct):
    """A step's line: a struct, as a large batch has twenty thousand of them."""

    id: str
    kind: str
    key: str
    state: str
    provider: str
    model: str
    request_id: str | None
    cost_usd: float
    artifact: Artifact | None
    also: Sequence[Artifact]
    blocked_by: str | None
    error: _Error | None
    attempts: Sequence[_Attempt]


def _step(step: StepState) -> _Step:
    planned, artifacts = step.planned, step.artifacts
    return _Step(
        step.id,
        planned.kind,
        planned.key,
        step.state,
        planned.provider,
        planned.model,
        step.request_id,
        _money(step.cost_usd),
        artifacts[0] if artifacts else None,
        list(artifacts[1:]),
        step.blocked_by,
        _error(step.error_kind, step.error_message),
        [_attempt(attempt) for attempt in step.attempts if attempt.started is not None],
    )


def _attempt(attempt: Attempt) -> _Attempt:
    return _Attempt(
        attempt.n,
        attempt.run,
        _time(attempt.started_at),
        _time(attempt.ended_at),
        round(attempt.waited_seconds, 3),
        round(attempt.worked_seconds, 3),
        attempt.outcome,
        _error(attempt.error_kind, attempt.error_message),
        attempt.request_id,
    )


def _error(kind: str | None, message: str | None) -> _Error | None:
    return _Error(kind, message) if kind else None


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def _money(amount: Decimal) -> float:
    return float(amount)
