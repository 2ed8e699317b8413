"""``manifest.json``: the state of a batch as programs read it (spec 4)."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from tiktoker_batch.events import Record
from tiktoker_batch.model import Artifact
from tiktoker_batch.store.artifacts import write_atomic
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import Attempt, BatchState, StepState, VideoState, fold

INTERVAL_SECONDS = 0.5
SHARE_OF_TIME = 0.01  # writing the manifest may take this much of a run


def manifest_json(state: BatchState) -> dict[str, Any]:
    """The published shape; money as JSON numbers, times as RFC 3339."""
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
        "videos": [_video(video) for video in state.videos.values()],
    }


def write_manifest(state: BatchState, layout: Layout) -> None:
    """Write the manifest, complete or not at all."""
    write_atomic(
        layout.manifest, json.dumps(manifest_json(state), ensure_ascii=False, indent=1) + "\n", root=layout.root
    )


class ManifestWriter:
    """A sink that keeps ``manifest.json`` close behind the journal."""

    def __init__(
        self, layout: Layout, records: Iterable[Record] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.state = fold(records)
        self._layout = layout
        self._clock = clock
        self._dirty = False
        self._next = 0.0

    def __call__(self, record: Record) -> None:
        """Fold one record."""
        self.state.apply(record)
        self._dirty = True

    def write_if_due(self) -> None:
        """Write if there is news and the last writing is long enough ago for its cost."""
        if self._dirty and self._clock() >= self._next:
            self.flush()

    def flush(self) -> None:
        """Write now."""
        began = self._clock()
        write_manifest(self.state, self._layout)
        self._dirty = False
        took = self._clock() - began
        self._next = self._clock() + max(INTERVAL_SECONDS, took / SHARE_OF_TIME)


def _totals(state: BatchState) -> dict[str, Any]:
    steps = state.steps.values()
    videos = Counter(_video_state(video.state) for video in state.videos.values())
    kinds = Counter(_step_count(step.state) for step in steps)
    attempts = (attempt for step in steps for attempt in step.attempts)
    return {
        "videos": {name: videos[name] for name in ("done", "partial", "failed", "pending")},
        "steps": {name: kinds[name] for name in ("done", "reused", "failed", "pending")},
        "cost_usd": {
            "estimated": _money(sum((step.planned.estimated_cost_usd for step in steps), Decimal(0))),
            "spent": _money(sum((step.cost_usd for step in steps), Decimal(0))),
        },
        "wall_seconds": round(sum(state.wall_by_run.values()), 3),
        "sequential_seconds": round(sum(attempt.worked_seconds for attempt in attempts), 3),
    }


def _video_state(state: str) -> str:
    return "pending" if state == "running" else state


def _step_count(state: str) -> str:
    """Spec 4 counts four kinds: what is under way is pending, what never started failed with its cause."""
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
        "steps": [_step(step) for step in video.steps],
    }


def _step(step: StepState) -> dict[str, Any]:
    main, *also = step.artifacts or (None,)
    error = {"kind": step.error_kind, "message": step.error_message} if step.error_kind else None
    return {
        "id": step.id,
        "kind": step.planned.kind,
        "key": step.planned.key,
        "state": step.state,
        "provider": step.planned.provider,
        "model": step.planned.model,
        "request_id": step.request_id,
        "cost_usd": _money(step.cost_usd),
        "artifact": _artifact(main),
        "also": [_artifact(artifact) for artifact in also],
        "blocked_by": step.blocked_by,
        "error": error,
        "attempts": [_attempt(attempt) for attempt in step.attempts if attempt.started is not None],
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "n": attempt.n,
        "run": attempt.run,
        "started_at": _time(attempt.started_at),
        "ended_at": _time(attempt.ended_at),
        "waited_seconds": round((attempt.started or attempt.queued) - attempt.queued, 3),
        "worked_seconds": round(attempt.worked_seconds, 3),
        "outcome": attempt.outcome,
        "error": {"kind": attempt.error_kind, "message": attempt.error_message} if attempt.error_kind else None,
        "request_id": attempt.request_id,
    }


def _artifact(artifact: Artifact | None) -> dict[str, Any] | None:
    return {"path": artifact.path, "sha256": artifact.sha256, "bytes": artifact.bytes} if artifact else None


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def _money(amount: Decimal) -> float:
    return float(amount)
