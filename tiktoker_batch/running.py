"""Running a batch: lock, journal, providers, engine, manifest, report."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal

import trio

from tiktoker_batch.app import Meant, Opened, Options, cache_folder, history
from tiktoker_batch.ending import exit_code, final_state
from tiktoker_batch.engine.announce import announce
from tiktoker_batch.engine.batch import Batch
from tiktoker_batch.engine.budget import Purse, open_purse
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.collecting import seldom_collected
from tiktoker_batch.engine.learned import recall_limits, remember_limits
from tiktoker_batch.engine.ranks import LeastLeftFirst
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.shelf import Shelf
from tiktoker_batch.engine.supervise import supervise
from tiktoker_batch.engine.syncing import already_on_disk, synced_together
from tiktoker_batch.errors import ExitCode, UsageError
from tiktoker_batch.events import Record, RunFinished, VideoFinished
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.media.ffmpeg import find_ffmpeg
from tiktoker_batch.media.probe import probe
from tiktoker_batch.model import Plan, Step, Video
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.planning.review import edit_warnings, waiting_steps
from tiktoker_batch.planning.selection import touched
from tiktoker_batch.preflight import require_ready, require_settings, require_voices
from tiktoker_batch.providers.base import Provider
from tiktoker_batch.providers.registry import keys_set, providers, world_of
from tiktoker_batch.providers.setting import Setting
from tiktoker_batch.recording import Recorder, Sink
from tiktoker_batch.redaction import Secrets
from tiktoker_batch.report.console import following
from tiktoker_batch.report.html import write_report
from tiktoker_batch.report.sidecar import write_sidecar
from tiktoker_batch.reviewing.writing import Review, write_review
from tiktoker_batch.steps.base import Tools
from tiktoker_batch.steps.registry import STEP_KINDS
from tiktoker_batch.store.artifacts import sweep_parts
from tiktoker_batch.store.compaction import compacted
from tiktoker_batch.store.durations import Durations, Learner
from tiktoker_batch.store.journal import Journal, last_run, read_journal, read_lines, rewrite
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.lock import batch_lock
from tiktoker_batch.store.manifest import ManifestWriter
from tiktoker_batch.store.seen import Seen
from tiktoker_batch.store.state import BatchState, fold
from tiktoker_batch.told import to_be_told

THREADS = 4  # for what blocks for moments; each keeps memory of its own, and more of them would not be faster


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended, what it spent, what the budget refused, if it did, and what is there for a person to decide.

    ``warnings`` tell where what a person has edited stands against the recipe or the command. ``idle``: nothing at all
    was selected, as where nothing has failed and that was asked for.
    """

    state: BatchState
    layout: Layout
    exit_code: ExitCode
    spent_usd: Decimal
    stopped_by: str | None = None
    review: Review | None = None
    warnings: tuple[str, ...] = ()
    idle: bool = False


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
    require_ready(opened, _meant_before(opened, options))
    require_settings(opened, simulated=world.rehearsed)
    shelf = _shelf(opened, options, world)
    with batch_lock(opened.layout):
        sweep_parts(opened.layout.root)
        records = _settled_history(opened.layout)
        writer = ManifestWriter(opened.layout, fold(records))
        sinks = [following(sink, writer.state) for sink in sinks]
        _require_same_world(opened.layout, writer.state, world)
        if not world.rehearsed:
            require_voices(opened, writer.state)
        with Journal.open(opened.layout.journal) as journal:
            sidecars = _sidecar_sink(opened, writer.state)
            # What is only pretended teaches nothing.
            durations = Durations(opened.models) if world.rehearsed else opened.durations
            recorder = Recorder(
                [journal, writer, sidecars, Learner(durations, opened.plan, writer.state), *sinks],
                run=last_run(records) + 1,
                clock=world.clock.current_time if world.clock else time.monotonic,
                redact=str if world.rehearsed else Secrets(keys_set(opened.environ)).redact,
            )
            return _Run(
                opened=opened,
                options=options,
                world=world,
                meant=opened.meant(options, writer.state),
                journal=journal,
                recorder=recorder,
                writer=writer,
                shelf=shelf,
                durations=durations,
            ).to_its_end()


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


def _meant_before(opened: Opened, options: Options) -> Meant:
    """What is meant, as far as can be told without the lock; the journal is read only if it matters."""
    if not options.choice and not options.force and not waiting_steps(opened.plan):
        return Meant()
    return opened.meant(options, fold(history(opened.layout)))


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One run under the lock. ``meant`` are the steps that it is about."""

    opened: Opened
    options: Options
    world: Surroundings
    meant: Meant
    journal: Journal
    recorder: Recorder
    writer: ManifestWriter
    shelf: Shelf | None
    durations: Durations

    @seldom_collected()
    def to_its_end(self) -> Ended:
        """Run the engine; whatever happens, manifest and report tell of it."""
        opened, writer = self.opened, self.writer
        spent_before = writer.state.spent_usd
        reach("run.before_start")
        announce(
            opened.plan,
            self.recorder,
            options=to_be_told(self.opened, self.options, rehearsed=self.world.rehearsed),
            limits=opened.capacity,
            shapes=opened.shapes,
            selected=self.meant.selected,
            waiting=self.meant.waiting,
            before=writer.state.steps,
        )
        reach("run.announced")
        try:
            barred = None if self.options.buys else "nothing is bought by this command"
            purse = open_purse(opened.recipe.budget, writer.state, barred=barred)
            interrupted = trio.run(self._engine, purse, clock=self.world.clock)
            ended = "interrupted" if interrupted else "stopped" if purse.refused else None
            reach("run.before_finished")
            self.recorder.emit(RunFinished(state=ended or final_state(writer.state)))
            reach("run.after_finished")
        finally:
            writer.flush()
            self.durations.save()
            write_report(opened.layout, writer.state)
            review = write_review(opened, writer.state, self.meant, self.options.choice.until)
            reach("run.end")
            if self.shelf:
                self.shelf.cache.keep_within_limit()
        return Ended(
            state=writer.state,
            layout=opened.layout,
            exit_code=exit_code(writer.state, self.options, self.meant),
            spent_usd=writer.state.spent_usd - spent_before,
            stopped_by=purse.refused,
            review=review,
            warnings=tuple(edit_warnings(opened.plan.videos, self.meant.forced)),
            idle=self.meant.selected is not None and not self.meant.selected | self.meant.waiting,
        )

    async def _engine(self, purse: Purse) -> bool:
        """Run the engine with its providers open; whether it was interrupted."""
        opened, state = self.opened, self.writer.state
        reuse = opened.reuse(state, self.meant.forced, self._seen())
        left = _left_to_do(opened.plan, reuse)
        capacity = Capacity(
            opened.capacity,
            chosen={*opened.recipe.limits, *self.options.limits},
            ranks=LeastLeftFirst(touched(opened.plan, frozenset(left)), self.meant.selected),
            tell=self.recorder.emit,
        )
        trio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with AsyncExitStack() as stack:
            # A clock that flies while nobody works would fly past the disk.
            together = None if self.world.rehearsed else synced_together(self.journal)
            on_disk = await stack.enter_async_context(together) if together else already_on_disk
            environ = {**opened.environ, **await stack.enter_async_context(self.world.around(capacity))}
            ffmpeg = find_ffmpeg(environ)
            stack.enter_context(_memory_of_limits(capacity, opened.plan, environ, self.world))
            setting = Setting(
                ffmpeg=ffmpeg,
                workers=opened.capacity["local"],
                environ=environ,
                models=opened.models,
                cache=cache_folder(environ),
                seats=opened.capacity,
                known=frozenset(name for attempt in state.attempts() for name in attempt.request_ids),
                tell_limit=capacity.bear,
                durations=self.durations,
            )
            batch = Batch(
                plan=opened.plan,
                kinds=STEP_KINDS,
                providers=await _open_providers({step.provider for step in left.values()}, setting, stack),
                capacity=capacity,
                recorder=self.recorder,
                layout=opened.layout,
                reuse=reuse,
                on_disk=on_disk,
                open_jobs=state.open_jobs,
                selected=self.meant.selected,
                shelf=self.shelf,
                purse=purse,
                durations=self.durations,
                tools=Tools(ffmpeg=ffmpeg, font_cache=cache_folder(environ)),
                fail_fast=self.options.fail_fast,
                measure=_measure(opened.layout, state),
            )
            return await supervise(batch, self.writer)

    def _seen(self) -> Seen:
        seen = Seen(self.opened.layout, writable=True, trusting=not self.options.verify)
        seen.tidy()
        return seen


@contextmanager
def _memory_of_limits(
    capacity: Capacity, plan: Plan, environ: Mapping[str, str], world: Surroundings
) -> Iterator[None]:
    """Begin with the limits that the last batch has learned, and keep those of this one. Only of the services
    themselves: what a proxy or a simulator bears says nothing of them.
    """
    real = not world.rehearsed and all(world_of(name, environ) == "real" for name in providers())
    memory = cache_folder(environ) / "limits.json" if real else None
    met = {name for step in plan.steps for name in step.capacity}
    capacity.start_from({name: seats for name, seats in recall_limits(memory).items() if name in met})
    try:
        yield
    finally:
        remember_limits(memory, capacity.learned)


def _require_same_world(layout: Layout, before: BatchState, world: Surroundings) -> None:
    """What was only pretended must never be taken for bought, nor the other way round."""
    if before.runs and before.rehearsed != world.rehearsed:
        was = "rehearsed" if before.rehearsed else "really run"
        raise UsageError(f"a batch was {was} in {layout.root}", hint="name another folder with --output")


def _shelf(opened: Opened, options: Options, world: Surroundings) -> Shelf | None:
    """What other batches have bought; a rehearsal neither takes from it nor adds to it."""
    wanted = options.cache and options.buys and not world.rehearsed
    return opened.shelf(opened.environ) if wanted else None


def _left_to_do(plan: Plan, reuse: Reuse) -> Mapping[str, Step]:
    """The steps, by id, that nothing is there of."""
    held = reuse.predict(plan)
    return {step.id: step for step in plan.steps if step.id not in held}


async def _open_providers(names: Iterable[str], setting: Setting, stack: AsyncExitStack) -> dict[str, Provider]:
    known = providers()
    return {name: await stack.enter_async_context(known[name].open(setting)) for name in sorted({"local", *names})}


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
