"""One batch out of the shards of several machines: their journals one after the other, and their files side by side."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tiktoker_batch import __version__
from tiktoker_batch.app import Options, history, output_of
from tiktoker_batch.ending import final_state
from tiktoker_batch.errors import Locked, TiktokerError, UsageError
from tiktoker_batch.events import (
    Record,
    RunFinished,
    RunStarted,
    StepBlocked,
    StepFailed,
    StepReused,
    VideoFinished,
    VideoPlanned,
)
from tiktoker_batch.recording import Recorder
from tiktoker_batch.report.html import write_report
from tiktoker_batch.store.artifacts import disk_errors, is_intact, new_part, sha256_file
from tiktoker_batch.store.journal import last_run, write_journal
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.lock import is_locked
from tiktoker_batch.store.manifest import write_manifest
from tiktoker_batch.store.state import BatchState, VideoState, fold
from tiktoker_batch.store.step_state import StepState

_FOLDERS = ("videos", "work")
_RANK = {"done": 0, "partial": 1, "failed": 2, "pending": 3}
_OF_A_PART = ("select", "exclude", "until", "shard", "way_to_recipe")  # options that say which part it was, and where


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A shard's output folder."""

    layout: Layout
    records: tuple[Record, ...]
    state: BatchState

    def good(self, step_id: str) -> StepState | None:
        """A step whose results are there."""
        step = self.state.steps.get(step_id)
        return step if step is not None and step.artifacts else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The one batch; ``missing`` are files of finished steps that no source has, which a run would make again."""

    state: BatchState
    layout: Layout
    missing: tuple[str, ...]


def merge(folders: Sequence[Path], output: Path) -> Merged:
    """Make one output folder of several. It appears when it is complete.

    :raises UsageError: a folder holds no batch, or they do not belong together; nothing is left behind.
    :raises Locked: a process is at work in one of them.
    :raises TiktokerError: a file is damaged, or the disk refuses.
    """
    sources = [_source(folder) for folder in folders]
    _require_one_batch(sources)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output} is not empty", hint="name a new folder with --output")
    part = new_part(output)
    layout = Layout(part)
    try:
        with disk_errors(output):
            part.mkdir(parents=True)
            for source in sources:
                _copy(source, layout, sources)
        records = [*_one_after_the_other(sources)]
        records += _summing_up(sources, last_run(tuple(records)) + 1)
        state = fold(records)
        missing = tuple(_missing(state, layout))
        write_journal(layout.journal, records)
        write_manifest(state, layout)
        write_report(layout, state)
        with disk_errors(output):
            part.replace(output)
    finally:
        with suppress(OSError):
            shutil.rmtree(part)
    return Merged(state=state, layout=Layout(output), missing=missing)


def _source(folder: Path) -> Source:
    layout = output_of(folder, Options())
    if is_locked(layout):
        raise Locked(f"another process is at work in {folder}", hint="wait for it")
    records = history(layout)
    state = fold(records)
    state.let_go()
    return Source(layout=layout, records=records, state=state)


# ---------------------------------------------------------------------- what belongs together


def _require_one_batch(sources: Sequence[Source]) -> None:
    first = sources[0]
    for source in sources[1:]:
        here, there = source.state, first.state
        if here.name != there.name:
            raise _apart(first, source, f"{there.name!r} and {here.name!r} are different batches")
        if here.rehearsed != there.rehearsed:
            raise _apart(first, source, "one was rehearsed, the other one really run")
    planned: dict[str, tuple[str, Source]] = {}
    edited = {video.id for source in sources for video in source.state.videos.values() if video.edited}
    for source in sources:
        for step in source.state.steps.values():
            if step.video in edited and not (step.attempts or step.artifacts):
                continue  # what a person has edited is known to the machine alone that made it
            key, other = planned.setdefault(step.id, (step.planned.key, source))
            if key != step.planned.key:
                raise _apart(other, source, f"{step.id} was not made from the same recipe")


def _apart(one: Source, other: Source, why: str) -> UsageError:
    return UsageError(
        f"{one.layout.root} and {other.layout.root} cannot be merged: {why}",
        hint="merge the shards of one recipe, run with --shard",
    )


# ---------------------------------------------------------------------- files


def _copy(source: Source, layout: Layout, sources: Sequence[Source]) -> None:
    """Every file that is not there yet; of what two have, both must be the same unless it can be made again."""
    results = {item.path: item.sha256 for step in source.state.steps.values() for item in step.artifacts}
    for folder in _FOLDERS:
        for path in sorted((source.layout.root / folder).rglob("*")):
            relative = source.layout.relative(path)
            target = layout.root / relative
            if path.is_dir() or path.name.endswith(".part"):
                continue
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
            elif relative in results and sha256_file(target) != results[relative]:
                _refuse_clash(relative, source, sources)


def _refuse_clash(path: str, source: Source, sources: Sequence[Source]) -> None:
    other = next(each for each in sources if (each.layout.root / path).exists())
    raise _apart(other, source, f"both have made {path}, and not the same")


def _missing(state: BatchState, layout: Layout) -> Iterator[str]:
    """Files of finished steps that are not there; what is there must be whole.

    :raises TiktokerError: a file is damaged, or a finished video is not there.
    """
    finished = {video.output for video in state.videos.values() if video.state in {"done", "partial"}}
    for step in state.steps.values():
        for item in step.artifacts:
            if is_intact(item, root=layout.root):
                continue
            if (layout.root / item.path).exists() or item.path in finished:
                raise TiktokerError(
                    f"{item.path} is damaged or missing, and was not merged",
                    hint="run its shard again: what still holds is reused",
                )
            yield item.path


# ---------------------------------------------------------------------- journals


def _one_after_the_other(sources: Sequence[Source]) -> Iterator[Record]:
    """All records, the runs of each source numbered after those of the one before."""
    before = 0
    for source in sources:
        yield from (msgspec.structs.replace(record, run=before + record.run) for record in source.records)
        before += last_run(source.records)


def _summing_up(sources: Sequence[Source], run: int) -> list[Record]:
    """A last run that takes over what every source has come to, as a run of the whole would find it."""
    told: list[Record] = []

    def keep(record: Record) -> None:
        told.append(record)

    recorder = Recorder([keep], run=run)
    first = sources[0].state
    recorder.emit(
        RunStarted(
            batch=first.name,
            recipe=first.recipe,
            recipe_sha256=first.recipe_sha256,
            tool_version=__version__,
            options={name: value for name, value in first.options.items() if name not in _OF_A_PART},
            limits=first.limits,
        )
    )
    videos = _best_of_each(sources)
    for video in videos:
        recorder.emit(
            VideoPlanned(video=video.id, title=video.title, steps=tuple(step.planned for step in video.steps))
        )
    for video in videos:
        for step in video.steps:
            _take_over(recorder, step, sources)
        if video.state != "pending":
            recorder.emit(
                VideoFinished(
                    video=video.id,
                    state=video.state,
                    output=video.output,
                    sha256=video.sha256,
                    duration_seconds=video.duration_seconds,
                    notes=video.notes,
                )
            )
    recorder.emit(RunFinished(state=final_state(fold(told))))
    return told


def _best_of_each(sources: Sequence[Source]) -> list[VideoState]:
    """Each video as it is where it came furthest."""
    found: dict[str, VideoState] = {}
    for source in sources:
        for video in source.state.videos.values():
            if video.id not in found or _RANK[video.state] < _RANK[found[video.id].state]:
                found[video.id] = video
    return list(found.values())


def _take_over(recorder: Recorder, step: StepState, sources: Sequence[Source]) -> None:
    done = next((found for source in sources if (found := source.good(step.id))), None)
    if done is not None:
        recorder.emit(
            StepReused(step=step.id, key=step.planned.key, inputs=done.inputs or "", artifacts=done.artifacts)
        )
    elif step.state == "failed":
        recorder.emit(
            StepFailed(
                step=step.id,
                attempts=len(step.attempts),
                error_kind=step.error_kind or "",
                message=step.error_message or "",
            )
        )
    elif step.state == "skipped":
        recorder.emit(StepBlocked(step=step.id, by=step.blocked_by or ""))
