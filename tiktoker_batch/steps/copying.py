"""Clips that are joined as they are: decided by the first that does not fit, or when all are there."""

import math
from pathlib import Path

import trio

from tiktoker_batch.errors import MediaError
from tiktoker_batch.media import commands
from tiktoker_batch.media.copying import Take, examine, share
from tiktoker_batch.media.timing import Slot
from tiktoker_batch.model import Video
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.recipe.rendering import segment_seconds
from tiktoker_batch.steps.keeping import keep
from tiktoker_batch.steps.segments import Bench, CopyFailed, failed_as, require_frames
from tiktoker_batch.store.artifacts import new_part

COPY_FORM = 1  # raised when the same clips would be copied in another way


def may_copy(video: Video) -> bool:
    """Whether its clips may be joined as they are. Those that are made here are not: they are made to be encoded."""
    return video.captions is None and video.models.clip.provider != "local"


class Agreement:
    """Whether all clips of a video are copied. Only all of them are: what is encoded has another header.

    Nothing is encoded for as long as every clip that came fits: those of one model with the same settings have one
    form. ``slots`` are those that the copies fill, once it is decided for them.
    """

    def __init__(self, bench: Bench) -> None:
        self.slots: dict[int, Slot] | None = None
        self._bench = bench
        self._takes: dict[int, Take] = {}
        self._seconds = dict(enumerate(segment_seconds(bench.work.video), start=1))
        self._decided = trio.Event()
        if not bench.copies:
            self.give_up()

    def give_up(self) -> None:
        """All clips are encoded, also those that wait already."""
        self._decided.set()

    async def place_of(self, slot: Slot, clip: Artifact) -> tuple[Slot, Take] | None:
        """Wait for the decision on a clip: which slot its copy fills, or ``None`` where it is encoded."""
        if not self._decided.is_set():
            source = self._bench.work.layout.absolute(clip.path)
            try:
                take = await trio.to_thread.run_sync(examine, source, self._bench.canvas)
            except (ValueError, OSError):
                self.give_up()
            else:
                self._add(slot, take)
        await self._decided.wait()
        return (self.slots[slot.number], self._takes[slot.number]) if self.slots else None

    def _add(self, slot: Slot, take: Take) -> None:
        if self._decided.is_set():
            return
        self._takes[slot.number] = take
        known = {number: take.cuts for number, take in self._takes.items()}
        slots = share(self._bench.timing, known) if len(known) == len(self._seconds) else ()
        unlike = len({each.form for each in self._takes.values()}) > 1
        if unlike or slots is None or (slot.number == 1 and not self._is_likely(take)):
            self.give_up()
        elif slots:
            self.slots = {each.number: each for each in slots}
            self._decided.set()

    def _is_likely(self, first: Take) -> bool:
        """Whether there is a way if all clips can be cut where the first can, and those of another length anywhere.

        It is always the first one that is asked, so that the order in which clips come decides nothing.
        """
        foreseen = {
            number: first.cuts
            if seconds == self._seconds[1]
            else range(1, math.ceil(seconds * self._bench.timing.fps) + 1)
            for number, seconds in self._seconds.items()
        }
        return share(self._bench.timing, foreseen) is not None


async def copy(bench: Bench, slot: Slot, take: Take, clip: Artifact) -> Path:
    """Cut a clip to its slot without encoding it, unless that was done in an earlier run.

    :raises CopyFailed: ffmpeg did not do it.
    """
    identity = digest(["copy", COPY_FORM, clip.sha256, slot.frames, bench.canvas.fps])
    final = bench.folder / f"{slot.number:02d}-{identity[:12]}.mp4"
    if final.exists():
        return final
    part = new_part(final)
    source = bench.name(bench.work.layout.absolute(clip.path))
    command = commands.cut(source, part.name, canvas=bench.canvas, frames=slot.frames, told_colours=take.told_colours)
    try:
        await bench.ffmpeg(command, label=f"copy {slot.number:02d}")
        await trio.to_thread.run_sync(require_frames, part, slot)
    except MediaError as error:
        raise failed_as(CopyFailed, error) from error
    await keep(part, final, root=bench.work.layout.root)
    return final
