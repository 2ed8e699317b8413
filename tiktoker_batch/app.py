"""The use cases as plain functions: validate, render, plan, run, status, report.

Nothing here prints or exits; the command line does. Errors are TiktokerErrors.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import platformdirs
import trio
from dotenv import dotenv_values

from tiktoker_batch.catalog.loader import Catalog, load_catalog
from tiktoker_batch.engine.announce import announce
from tiktoker_batch.engine.capacity import Capacity, capacities
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.run import Batch
from tiktoker_batch.engine.supervise import supervise
from tiktoker_batch.errors import ExitCode, PreflightError, Problem, RecipeError, UsageError
from tiktoker_batch.events import Record, Recorder, RunFinished, Sink, VideoFinished
from tiktoker_batch.media.ffmpeg import find_ffmpeg
from tiktoker_batch.media.probe import probe
from tiktoker_batch.model import Artifact, Json, Plan, Recipe, Step, Video
from tiktoker_batch.planning.build import Planning, build_plan
from tiktoker_batch.planning.estimate import Estimate, estimate
from tiktoker_batch.planning.view import plan_json
from tiktoker_batch.providers.registry import PROVIDERS, Setting, not_ready
from tiktoker_batch.recipe.build import load_recipe
from tiktoker_batch.recipe.suggest import did_you_mean
from tiktoker_batch.report.html import write_report
from tiktoker_batch.report.sidecar import write_sidecar
from tiktoker_batch.steps.base import Tools
from tiktoker_batch.steps.prompts import Prompt, planned_prompts
from tiktoker_batch.steps.registry import STEP_KINDS
from tiktoker_batch.store.artifacts import sha256_file, sweep_parts
from tiktoker_batch.store.journal import Journal, last_run, read_journal
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.lock import batch_lock, is_locked
from tiktoker_batch.store.manifest import ManifestWriter
from tiktoker_batch.store.state import BatchState, fold

FREE_BYTES_NEEDED = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run may be told beyond the recipe."""

    output: Path | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    fail_fast: bool = False
    allow_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A recipe with everything that follows from it before anything runs."""

    recipe: Recipe
    plan: Plan
    layout: Layout
    capacity: Mapping[str, int]
    environ: Mapping[str, str]
    catalog: Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended, and what it spent."""

    state: BatchState
    layout: Layout
    exit_code: ExitCode
    spent_usd: Decimal


# ---------------------------------------------------------------------- before running


def environment(recipe: Path) -> dict[str, str]:
    """The process environment over the ``.env`` beside the recipe over the one in the working folder."""
    merged: dict[str, str] = {}
    for folder in (Path(), recipe.parent):
        file = folder / ".env"
        if file.is_file():
            merged |= {name: value for name, value in dotenv_values(file).items() if value is not None}
    return merged | dict(os.environ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What checking one recipe found: what it opens to, or its problems."""

    path: Path
    opened: Opened | None = None
    problems: tuple[Problem, ...] = ()


def validate(paths: Sequence[Path]) -> list[Checked]:
    """Check recipes without running them; the problems of one hide nothing about another."""
    return [_checked(path) for path in paths]


def _checked(path: Path) -> Checked:
    try:
        return Checked(path=path, opened=open_recipe(path, Options()))
    except RecipeError as error:
        return Checked(path=path, problems=error.problems)


def prompts(path: Path, select: Sequence[str] = ()) -> list[Prompt]:
    """Every prompt of a recipe as it will be sent, or those whose video or step id matches one of the globs.

    :raises UsageError: a glob matches nothing.
    """
    opened = open_recipe(path, Options())
    found = list(planned_prompts(opened.plan, opened.catalog.languages))
    for glob in select:
        if not any(_matches(prompt.step, glob) for prompt in found):
            names = [name for prompt in found for name in (prompt.step.video, prompt.step.id)]
            raise UsageError(f"no step with a prompt matches {glob!r}{did_you_mean(glob, names)}")
    return [prompt for prompt in found if not select or any(_matches(prompt.step, glob) for glob in select)]


def models_of(path: Path) -> frozenset[str]:
    """The models (``provider:id``) that a recipe uses."""
    return frozenset(f"{step.provider}:{step.model}" for step in open_recipe(path, Options()).plan.steps)


def _matches(step: Step, glob: str) -> bool:
    return fnmatchcase(step.id, glob) or fnmatchcase(step.video, glob)


def open_recipe(path: Path, options: Options) -> Opened:
    """Load, check and plan a recipe.

    :raises RecipeError: it is not valid.
    """
    catalog, environ = load_catalog(), environment(path)
    recipe = load_recipe(path, catalog=catalog, environ=environ)
    plan = build_plan(recipe, STEP_KINDS, Planning(languages=catalog.languages, file_sha256=_files(recipe)))
    _check_limits(options.limits, catalog)
    root = options.output or (Path(recipe.output_dir) if recipe.output_dir else Path("output") / recipe.name)
    return Opened(
        recipe=recipe,
        plan=plan,
        layout=Layout(root),
        capacity=capacities(plan, options.limits),
        environ=environ,
        catalog=catalog,
    )


def _files(recipe: Recipe) -> dict[str, str]:
    """The content of files that decide results: music and reference images."""
    named = {video.music.file for video in recipe.videos if video.music}
    named |= {video.reference_image for video in recipe.videos if video.reference_image}
    return {file: sha256_file(Path(file)) for file in named if "://" not in file}


def _check_limits(limits: Mapping[str, int], catalog: Catalog) -> None:
    known = {"ffmpeg", *PROVIDERS, *catalog.models}
    for name in limits:
        if name not in known:
            near = did_you_mean(name, known)
            raise UsageError(
                f"no limit is called {name!r}{near}", hint=f"limits: ffmpeg, {', '.join(PROVIDERS)} or a model"
            )


def _reuse(opened: Opened, state: BatchState) -> Reuse:
    return Reuse(STEP_KINDS, opened.layout, state.successes)


def history(layout: Layout) -> tuple[Record, ...]:
    """What the journal of an output folder holds; nothing for a new one."""
    return read_journal(layout.journal) if layout.journal.exists() else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A plan against what is already there."""

    opened: Opened
    estimate: Estimate
    reused: frozenset[str]

    def action(self, step: Step) -> str:
        """``run`` or ``reuse``."""
        return "reuse" if step.id in self.reused else "run"

    @property
    def to_run(self) -> bool:
        """Whether there is anything to do."""
        return len(self.reused) < len(self.opened.plan.steps)

    @property
    def not_ready(self) -> list[str]:
        """Why it could not run here, a sentence each."""
        return not_ready(self.opened.plan.steps, self.opened.environ)

    def to_json(self) -> dict[str, Any]:
        """The published shape of ``plan --format json``."""
        return plan_json(self.opened.plan, self.estimate, self.action, self.opened.layout.root.as_posix())


def preview(path: Path, options: Options) -> Preview:
    """What ``run`` would do. Changes nothing, calls nobody."""
    opened = open_recipe(path, options)
    reused = frozenset(_reuse(opened, fold(history(opened.layout))).predict(opened.plan))
    found = estimate(opened.plan, opened.capacity, lambda step: step.id not in reused)
    return Preview(opened=opened, estimate=found, reused=reused)


# ---------------------------------------------------------------------- running


def run(opened: Opened, options: Options, sinks: Iterable[Sink] = ()) -> Ended:
    """Do what the recipe says, reusing whatever still holds.

    :raises PreflightError, Locked: nothing was started.
    """
    _require_ready(opened)
    with batch_lock(opened.layout):
        sweep_parts(opened.layout.root)
        records = history(opened.layout)
        with Journal.open(opened.layout.journal) as journal:
            writer = ManifestWriter(opened.layout, records)
            sidecars = _sidecar_sink(opened, writer.state)
            recorder = Recorder([journal, writer, sidecars, *sinks], run=last_run(records) + 1)
            return _run_locked(opened, options, recorder, writer)


def _run_locked(opened: Opened, options: Options, recorder: Recorder, writer: ManifestWriter) -> Ended:
    reuse, spent_before = _reuse(opened, writer.state), writer.state.spent_usd
    told: dict[str, Json] = {
        "limits": dict(options.limits),
        "fail_fast": options.fail_fast,
        "allow_partial": options.allow_partial,
    }
    announce(opened.plan, recorder, options=told, limits=opened.capacity)
    try:
        interrupted = trio.run(_run_async, opened, options, recorder, reuse, writer)
        recorder.emit(RunFinished(state=_final_state(writer.state, opened.plan, interrupted=interrupted)))
    finally:
        writer.flush()
        write_report(opened.layout, read_journal(opened.layout.journal))
    return Ended(
        state=writer.state,
        layout=opened.layout,
        exit_code=_exit_code(writer.state, options),
        spent_usd=writer.state.spent_usd - spent_before,
    )


def _require_ready(opened: Opened) -> None:
    reasons = not_ready(opened.plan.steps, opened.environ)
    if reasons:
        raise PreflightError("\n".join(reasons), hint="nothing was started")
    root = _existing_parent(opened.layout.root)
    free = shutil.disk_usage(root).free
    if free < FREE_BYTES_NEEDED:
        raise PreflightError(f"only {free // 2**20} MB are free at {root}", hint="make room and run again")


def _existing_parent(path: Path) -> Path:
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())


async def _run_async(
    opened: Opened, options: Options, recorder: Recorder, reuse: Reuse, writer: ManifestWriter
) -> bool:
    """Run the engine with its providers open; whether it was interrupted."""
    ffmpeg = find_ffmpeg(opened.environ)
    setting = Setting(ffmpeg=ffmpeg, workers=opened.capacity["local"])
    async with AsyncExitStack() as stack:
        names = {"local", *(step.provider for step in opened.plan.steps)}
        entries = [PROVIDERS[name] for name in sorted(names)]
        providers = {
            entry.name: await stack.enter_async_context(entry.open(setting)) for entry in entries if entry.open
        }
        batch = Batch(
            plan=opened.plan,
            kinds=STEP_KINDS,
            providers=providers,
            capacity=Capacity(opened.capacity),
            recorder=recorder,
            layout=opened.layout,
            reuse=reuse,
            tools=Tools(ffmpeg=ffmpeg, font_cache=cache_folder(opened.environ)),
            fail_fast=options.fail_fast,
            measure=_measure(opened.layout, writer.state),
        )
        return await supervise(batch, writer)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where things that serve many batches are kept: ``TIKTOKER_CACHE_DIR`` or the user's cache folder."""
    named = environ.get("TIKTOKER_CACHE_DIR")
    return Path(named) if named else Path(platformdirs.user_cache_dir("tiktoker-batch", appauthor=False))


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


def _final_state(state: BatchState, plan: Plan, *, interrupted: bool) -> str:
    if interrupted:
        return "interrupted"
    states = [state.videos[planned.video.id].state for planned in plan.videos]
    if all(each == "done" for each in states):
        return "done"
    return "failed" if all(each == "failed" for each in states) else "partial"


def _exit_code(state: BatchState, options: Options) -> ExitCode:
    if state.state == "interrupted":
        return ExitCode.INTERRUPTED
    good = {"done", "partial"} if options.allow_partial else {"done"}
    return ExitCode.OK if all(video.state in good for video in state.videos.values()) else ExitCode.FAILED


# ---------------------------------------------------------------------- looking back


def output_of(target: Path, options: Options) -> Layout:
    """The output folder that a recipe or a folder names.

    :raises UsageError: there is no batch.
    """
    layout = Layout(target) if target.is_dir() else open_recipe(target, options).layout
    if not layout.journal.exists():
        run = f"tiktoker-batch run {target}" if target.is_file() else "name a recipe, or a folder in which one was run"
        raise UsageError(f"no batch was run in {layout.root}", hint=run)
    return layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a batch stands. ``abandoned``: its last run has no end, yet no process is at work."""

    state: BatchState
    layout: Layout
    running: bool
    abandoned: bool


def status(target: Path, options: Options) -> Standing:
    """The state of a batch, also while another process runs it."""
    layout = output_of(target, options)
    running = is_locked(layout)  # looked at first: a run that ends in between is then seen with its end
    state = fold(history(layout))
    if state.state == "running" and not running:
        running = is_locked(layout)  # it may have begun in between
    abandoned = state.state == "running" and not running
    if abandoned:
        _settle(state)
    return Standing(state=state, layout=layout, running=running, abandoned=abandoned)


def _settle(state: BatchState) -> None:
    """Nothing is at work any more in a batch whose process is gone."""
    state.state = "interrupted"
    running = [each for each in (state.steps | state.videos).values() if each.state == "running"]
    for each in running:
        each.state = "pending"


def report(target: Path, options: Options) -> Path:
    """Write the report again, from the journal alone."""
    layout = output_of(target, options)
    return write_report(layout, history(layout))
