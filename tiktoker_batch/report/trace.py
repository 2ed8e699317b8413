"""A batch as a trace for Perfetto (ui.perfetto.dev) and chrome://tracing, in the Trace Event Format.

A process per video, a thread per step and, where pieces of one overlap, per lane. Times are microseconds on the batch's
axis (see :mod:`tiktoker_batch.report.timeline`): the runs laid end to end.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any

from tiktoker_batch.events import Record
from tiktoker_batch.report.timeline import Row, Span, Timeline, run_offsets, timeline
from tiktoker_batch.store.state import BatchState, VideoState

BATCH = 1  # the process that counters and starts of runs belong to; videos follow

_NAMES = {"wait": "waiting for a seat", "lost": "failed attempt", "backoff": "backing off", "idle": "waiting for needs"}
# Of the viewers' own colours.
_COLOURS = {"wait": "thread_state_runnable", "lost": "terrible", "backoff": "bad", "idle": "thread_state_sleeping"}

Json = dict[str, Any]


def trace_json(records: Iterable[Record]) -> str:
    """The trace of these records, one event a line."""
    state, spent = BatchState(), [(0, 0.0, 0.0)]
    for record in records:
        state.apply(record)
        if float(state.spent_usd) != spent[-1][2]:
            spent.append((record.run, record.elapsed, float(state.spent_usd)))
    offsets = run_offsets(state)
    events = [
        *_process(BATCH, state.name or "batch"),
        *_runs(offsets),
        *_videos(state, offsets),
        *_in_flight(state, offsets),
        *(_counter("spent USD", offsets.get(run, 0.0) + elapsed, usd=usd) for run, elapsed, usd in spent),
    ]
    lines = ",\n".join(json.dumps(event, separators=(",", ":")) for event in events)
    about = json.dumps({"batch": state.name, "recipe": state.recipe, "runs": state.runs})
    return f'{{"displayTimeUnit":"ms","otherData":{about},"traceEvents":[\n{lines}\n]}}\n'


def _microseconds(second: float) -> int:
    return round(second * 1_000_000)


def _process(pid: int, name: str) -> Iterator[Json]:
    yield {"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": name}}
    yield {"ph": "M", "name": "process_sort_index", "pid": pid, "tid": 0, "args": {"sort_index": pid}}


def _thread(pid: int, tid: int, name: str) -> Iterator[Json]:
    yield {"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": name}}
    yield {"ph": "M", "name": "thread_sort_index", "pid": pid, "tid": tid, "args": {"sort_index": tid}}


def _runs(offsets: Mapping[int, float]) -> Iterator[Json]:
    for run, offset in offsets.items():
        yield {"ph": "i", "s": "g", "name": f"run {run}", "pid": BATCH, "tid": 0, "ts": _microseconds(offset)}


def _counter(name: str, second: float, **values: float) -> Json:
    return {"ph": "C", "name": name, "pid": BATCH, "tid": 0, "ts": _microseconds(second), "args": values}


# ---------------------------------------------------------------------- videos


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slice:
    """A span and the thread that it is drawn in."""

    span: Span
    pid: int
    tid: int

    @property
    def began(self) -> int:
        return _microseconds(self.span.began)

    @property
    def ended(self) -> int:
        return _microseconds(self.span.ended)

    def at(self, ts: int) -> Json:
        return {"pid": self.pid, "tid": self.tid, "ts": ts}


def _videos(state: BatchState, offsets: Mapping[int, float]) -> Iterator[Json]:
    threads, flows = count(1), count(1)  # the viewers want both unique in the whole trace
    for pid, video in enumerate(state.videos.values(), start=BATCH + 1):
        found = timeline(video, state, offsets)
        if found:
            yield from _video(pid, video, found, threads, flows)


def _video(pid: int, video: VideoState, found: Timeline, threads: "count[int]", flows: "count[int]") -> Iterator[Json]:
    yield from _process(pid, f"{video.id} ({video.state})")
    slices: dict[str, list[_Slice]] = {}
    for row in found.rows:
        if not row.spans:
            continue
        tids = [next(threads) for _ in range(row.lanes)]
        for lane, tid in enumerate(tids, start=1):
            yield from _thread(pid, tid, row.name if lane == 1 else f"{row.name} ({lane})")
        slices[row.step.id] = [_Slice(span=span, pid=pid, tid=tids[span.lane]) for span in row.spans]
        yield from (_complete(row, each) for each in slices[row.step.id])
    for row in found.rows:
        for need in row.step.planned.needs:
            yield from _flow(slices.get(need, []), slices.get(row.step.id, []), need, flows)


def _complete(row: Row, part: _Slice) -> Json:
    step, span = row.step, part.span
    told = {
        "step": step.id,
        "what": span.label,
        "provider": step.planned.provider,
        "model": step.planned.model,
        "request_id": step.request_id,
        "cost_usd": float(step.cost_usd) or None,
    }
    drawn = {
        **part.at(part.began),
        "ph": "X",
        "name": span.piece or _NAMES.get(span.look, step.planned.kind),
        "cat": span.look,
        "dur": part.ended - part.began,
        "args": {name: value for name, value in told.items() if value},
    }
    return {**drawn, "cname": _COLOURS[span.look]} if span.look in _COLOURS else drawn


def _flow(giving: list[_Slice], taking: list[_Slice], need: str, flows: "count[int]") -> Iterator[Json]:
    """An arrow from the end of the work that was needed to what first followed it."""
    worked = [part for part in giving if part.span.look == "work"]
    if not worked:
        return
    last = max(worked, key=lambda part: part.ended)
    following = [part for part in taking if part.began >= last.ended and part.span.look != "idle"]
    if not following:
        return
    first = min(following, key=lambda part: part.began)
    common = {"name": "needs", "cat": "needs", "id": next(flows), "args": {"need": need}}
    yield {**last.at(max(last.began, last.ended - 1)), **common, "ph": "s"}
    yield {**first.at(first.began), **common, "ph": "f", "bp": "e"}


# ---------------------------------------------------------------------- counters


def _in_flight(state: BatchState, offsets: Mapping[int, float]) -> Iterator[Json]:
    """How much each provider, and ffmpeg in the assembly, worked on at once."""
    changes: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for name, began, ended in _stretches(state, offsets):
        changes[name] += [(_microseconds(began), 1), (_microseconds(ended), -1)]
    for name in sorted(changes):
        now = 0
        for ts, together in groupby(sorted(changes[name]), key=lambda change: change[0]):
            now += sum(change for _, change in together)
            yield {**_counter(f"in flight: {name}", 0, steps=now), "ts": ts}


def _stretches(state: BatchState, offsets: Mapping[int, float]) -> Iterator[tuple[str, float, float]]:
    for step in state.steps.values():
        for attempt in step.attempts:
            origin = offsets.get(attempt.run, 0.0)
            for piece in attempt.pieces:
                yield "ffmpeg", origin + piece.began, origin + max(piece.began, piece.ended)
            if attempt.started is not None and not attempt.by_pieces:
                ended = attempt.ended if attempt.ended is not None else state.wall_by_run.get(attempt.run, 0.0)
                yield step.planned.provider, origin + attempt.started, origin + max(attempt.started, ended)
