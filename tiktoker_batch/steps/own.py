"""Pictures and clips that a user has already: taken over as they are, known by their content, for nothing."""

from functools import partial
from pathlib import Path

import trio

from tiktoker_batch.errors import Damaged, MediaError, Unusable
from tiktoker_batch.media import commands
from tiktoker_batch.media.ffmpeg import run_ffmpeg
from tiktoker_batch.media.probe import probe
from tiktoker_batch.model import Kind
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.planning.build import Draft, Planning
from tiktoker_batch.providers.checks import check_picture
from tiktoker_batch.steps.base import Work
from tiktoker_batch.steps.keeping import keep
from tiktoker_batch.store.artifacts import copy_artifacts, new_part

TAKEN, FRAME = "file", "frame"  # what makes such a step: a copy, or the first picture of the user's clip


def taken_over(kind: Kind, number: int, file: str, planning: Planning, *, locked: bool = False) -> Draft:
    """A step that copies a file; it is known by what is in it."""
    sha256 = planning.file_sha256.get(file, file)
    return Draft(kind=kind, segment=number, tool=TAKEN, params={"file": sha256}, seconds=0.05, locked=locked)


def first_frame(number: int, clip: str, planning: Planning) -> Draft:
    """The picture of a shot of which only the clip is there."""
    sha256 = planning.file_sha256.get(clip, clip)
    return Draft(kind=Kind.IMAGE, segment=number, tool=FRAME, params={"clip": sha256}, seconds=0.3)


async def take_picture(work: Work, file: str, final: Path) -> Artifact:
    """Copy a picture to ``final``, with the suffix of its form.

    :raises MediaError, Damaged: it is no whole picture, or another one than was planned.
    """
    suffix = await trio.to_thread.run_sync(_form_of, Path(file))
    return await _copied(work, file, final.with_suffix(suffix))


async def take_clip(work: Work, file: str, final: Path) -> Artifact:
    """Copy a clip.

    :raises MediaError, Damaged: it is no whole clip, or another one than was planned.
    """
    found = await trio.to_thread.run_sync(probe, Path(file))
    if found.video is None:
        raise MediaError(f"there are no pictures in {file}")
    return await _copied(work, file, final)


async def take_first_frame(work: Work, clip: str, final: Path) -> Artifact:
    """Make a picture of how a clip begins.

    :raises MediaError: it cannot be read.
    """
    part = new_part(final)
    async with work.seats.held("ffmpeg", label="first frame"):
        with trio.fail_after(work.step.retry.timeout):
            await run_ffmpeg(work.tools.ffmpeg, commands.first_frame(f"file:{clip}", part.name), cwd=part.parent)
    return await keep(part, final, root=work.layout.root)


def _form_of(path: Path) -> str:
    try:
        return check_picture(path, provider=path.name)
    except Unusable:  # small or dark: whoever names it has seen it
        return path.suffix.lower()
    except ValueError as error:
        raise MediaError(f"{path}: {error}") from None


async def _copied(work: Work, file: str, final: Path) -> Artifact:
    planned = Artifact(path=file, sha256=str(work.step.params["file"]), bytes=0)
    with trio.CancelScope(shield=True):
        copy = partial(copy_artifacts, [planned], [final], root=work.layout.root)
        copies = await trio.to_thread.run_sync(copy) or ()
    if not copies:
        raise Damaged(f"{file} is gone or was changed while the batch ran", hint="run again to take what is there now")
    return copies[0]
