"""Running a batch: lock, journal, providers, engine, manifest, report."""

import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import trio

from tiktoker_batch.app import Opened, Options, cache_folder, history
from tiktoker_batch.engine.announce import announce
from tiktoker_batch.engine.budget import Purse, paid_clip_seconds
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.run import Batch
from tiktoker_batch.engine.supervise import supervise
from tiktoker_batch.errors import ExitCode, PreflightError, UsageError
from tiktoker_batch.events import Record, Recorder, RunFinished, Sink, VideoFinished
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.media.ffmpeg import find_ffmpeg
from tiktoker_batch.media.probe import probe
from tiktoker_batch.model import Artifact, Json, Plan, Video
from tiktoker_batch.providers.base import Provider
from tiktoker_batch.providers.registry import not_ready, providers
from tiktoker_batch.providers.setting import Setting
from tiktoker_batch.report.html import write_report
from tiktoker_batch.report.sidecar import write_sidecar
from tiktoker_batch.steps.base import Tools
from tiktoker_batch.steps.registry import STEP_KINDS
from tiktoker_batch.store.artifacts import sweep_parts
from tiktoker_batch.store.compaction import compacted
from tiktoker_batch.store.journal import Journal, last_run, read_journal, read_lines, rewrite
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.lock import batch_lock
from tiktoker_batch.store.manifest import ManifestWriter
from tiktoker_batch.store.state import BatchState, fold

THREADS = 4  # for what blocks for moments; each keeps memory of its own, and more of them would not be faster
FREE_BYTES_NEEDED = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended, what it spent, and what the budget refused, if it did."""

    state: BatchState
    layout: Layout
    exit_code: ExitCode
    spent_usd: Decimal
    stopped_by: str | None = None


@asynccontextmanager
async def _as_it_is(_capacity: Capacity) -> AsyncIterator[Mapping[str, str]]:
    yield {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The world in which a batch runs: the real one, unless it is rehearsed.

    ``rehearsed`` marks what is only pretended. ``clock`` measures what happens. ``around`` is open while the engine
    runs, and gives the environment variables that stand for those of the process.
    """

    rehearsed: bool = False
    clock: trio.abc.Clock | None = None
    around: Callable[[Capacity], AbstractAsyncContextManager[Mapping[str, str]]] = _as_it_is


REAL = Surroundings()


def run(opened: Opened, options: Options, sinks: Iterable[Sink] = (), world: Surroundings = REAL) -> Ended:
    """Do what the recipe says, reusing whatever still holds.

    :raises PreflightError, Locked, UsageError: nothing was started.
    """
    _require_ready(opened)
    with batch_lock(opened.layout):
        sweep_parts(opened.layout.root)
        records = _settled_history(opened.layout)
        writer = ManifestWriter(opened.layout, records)
        _require_same_world(opened.layout, writer.state, world)
        with Journal.open(opened.layout.journal) as journal:
            sidecars = _sidecar_sink(opened, writer.state)
            recorder = Recorder(
                [journal, writer, sidecars, *sinks],
                run=last_run(records) + 1,
                clock=world.clock.current_time if world.clock else time.monotonic,
            )
            return _run_locked(opened, options, recorder, writer, world)


def _settled_history(layout: Layout) -> tuple[Record, ...]:
    """The journal so far, without what later lines have made irrelevant; only under the lock."""
    if not layout.journal.exists():
        return ()
    lines = read_lines(layout.journal)
    kept = compacted(lines)
    if kept is None:
        return tuple(record for _, record in lines if record is not None)
    rewrite(layout.journal, kept)
    return read_journal(layout.journal)


def _run_locked(
    opened: Opened, options: Options, recorder: Recorder, writer: ManifestWriter, world: Surroundings
) -> Ended:
    spent_before = writer.state.spent_usd
    told: dict[str, Json] = {
        "limits": dict(options.limits),
        "profiles": list(options.profiles),
        "rehearsed": world.rehearsed,
        "fail_fast": options.fail_fast,
        "allow_partial": options.allow_partial,
    }
    reach("run.before_start")
    announce(opened.plan, recorder, options=told, limits=opened.capacity)
    reach("run.announced")
    try:
        purse = _purse(opened, options, writer.state)
        interrupted = trio.run(_run_async, opened, options, recorder, writer, world, purse, clock=world.clock)
        ended = "interrupted" if interrupted else "stopped" if purse.refused else None
        reach("run.before_finished")
        recorder.emit(RunFinished(state=ended or _final_state(writer.state, opened.plan)))
        reach("run.after_finished")
    finally:
        writer.flush()
        write_report(opened.layout, read_journal(opened.layout.journal))
        reach("run.end")
    return Ended(
        state=writer.state,
        layout=opened.layout,
        exit_code=_exit_code(writer.state, options),
        spent_usd=writer.state.spent_usd - spent_before,
        stopped_by=purse.refused,
    )


def _purse(opened: Opened, options: Options, state: BatchState) -> Purse:
    """The recipe's ceilings, or that of the command line, and what all runs have spent below them."""
    budget = opened.recipe.budget
    there = [step for step in opened.plan.steps if step.id in state.successes or step.id in state.open_jobs]
    return Purse(
        ceilings=budget if options.budget is None else replace(budget, max_usd=options.budget),
        spent=state.spent_usd,
        by_video={video.id: video.cost_usd for video in state.videos.values()},
        clip_seconds=sum(paid_clip_seconds(step) for step in there),
    )


def _require_same_world(layout: Layout, before: BatchState, world: Surroundings) -> None:
    """What was only pretended must never be taken for bought, nor the other way round."""
    if before.runs and before.rehearsed != world.rehearsed:
        was = "rehearsed" if before.rehearsed else "really run"
        raise UsageError(f"a batch was {was} in {layout.root}", hint="name another folder with --output")


def _require_ready(opened: Opened) -> None:
    reasons = not_ready(opened.plan.steps, opened.environ)
    if reasons:
        # What is there already asks for no key.
        reused = opened.reuse(fold(history(opened.layout))).predict(opened.plan)
        reasons = not_ready([step for step in opened.plan.steps if step.id not in reused], opened.environ)
    if reasons:
        raise PreflightError("\n".join(reasons), hint="nothing was started")
    root = _existing_parent(opened.layout.root)
    free = shutil.disk_usage(root).free
    if free < FREE_BYTES_NEEDED:
        raise PreflightError(f"only {free // 2**20} MB are free at {root}", hint="make room and run again")


def _existing_parent(path: Path) -> Path:
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())


async def _run_async(
    opened: Opened,
    options: Options,
    recorder: Recorder,
    writer: ManifestWriter,
    world: Surroundings,
    purse: Purse,
) -> bool:
    """Run the engine with its providers open; whether it was interrupted."""
    capacity = Capacity(opened.capacity, chosen={*opened.recipe.limits, *options.limits})
    trio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    async with AsyncExitStack() as stack:
        environ = {**opened.environ, **await stack.enter_async_context(world.around(capacity))}
        ffmpeg = find_ffmpeg(environ)
        setting = Setting(
            ffmpeg=ffmpeg,
            workers=opened.capacity["local"],
            environ=environ,
            models=opened.models,
            cache=cache_folder(environ),
            seats=opened.capacity,
            known=frozenset(attempt.request_id for attempt in writer.state.attempts() if attempt.request_id),
            tell_limit=capacity.bear,
        )
        batch = Batch(
            plan=opened.plan,
            kinds=STEP_KINDS,
            providers=await _open_providers(opened.plan, setting, stack),
            capacity=capacity,
            recorder=recorder,
            layout=opened.layout,
            reuse=opened.reuse(writer.state),
            open_jobs=writer.state.open_jobs,
            purse=purse,
            tools=Tools(ffmpeg=ffmpeg, font_cache=cache_folder(environ)),
            fail_fast=options.fail_fast,
            measure=_measure(opened.layout, writer.state),
        )
        return await supervise(batch, writer)


async def _open_providers(plan: Plan, setting: Setting, stack: AsyncExitStack) -> dict[str, Provider]:
    names = {"local", *(step.provider for step in plan.steps)}
    known = providers()
    return {name: await stack.enter_async_context(known[name].open(setting)) for name in sorted(names)}


def _measure(layout: Layout, state: BatchState) -> Callable[[Video, Artifact], float | None]:
    """The length of a finished video in seconds; a file that has not changed since is not opened again."""

    def measured(video: Video, artifact: Artifact) -> float | None:
        before = state.videos.get(video.id)
        if before and before.sha256 == artifact.sha256 and before.duration_seconds is not None:
            return before.duration_seconds
        return round(probe(layout.absolute(artifact.path)).seconds, 3)

    return measured


def _sidecar_sink(opened: Opened, state: BatchState) -> Sink:
    videos = {video.id: video for video in opened.recipe.videos}

    def write(record: Record) -> None:
        match record.event:
            case VideoFinished(video=video_id, output=str()):
                write_sidecar(opened.layout, videos[video_id], state.videos[video_id])
            case _:
                pass

    return write


def _final_state(state: BatchState, plan: Plan) -> str:
    states = [state.videos[planned.video.id].state for planned in plan.videos]
    if all(each == "done" for each in states):
        return "done"
    return "failed" if all(each == "failed" for each in states) else "partial"


def _exit_code(state: BatchState, options: Options) -> ExitCode:
    if state.state in {"interrupted", "stopped"}:
        return ExitCode.INTERRUPTED if state.state == "interrupted" else ExitCode.BUDGET
    good = {"done", "partial"} if options.allow_partial else {"done"}
    if all(video.state in good for video in state.videos.values()):
        return ExitCode.OK
    return ExitCode.NOT_READY if _nothing_was_bought(state) else ExitCode.FAILED


def _nothing_was_bought(state: BatchState) -> bool:
    """Whether an account that does not work kept every single cloud step from being done."""
    cloud = [step for step in state.steps.values() if step.planned.provider != "local"]
    refused = any(step.error_kind == "AuthFailed" for step in cloud)
    return refused and not any(step.state in {"done", "reused"} or step.cost_usd for step in cloud)
