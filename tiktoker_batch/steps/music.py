"""The user's music, decoded once."""

from collections.abc import Iterable

import trio

from tiktoker_batch.errors import MediaError
from tiktoker_batch.media import commands
from tiktoker_batch.media.ffmpeg import run_ffmpeg
from tiktoker_batch.model import Json, Kind, Step, Video
from tiktoker_batch.planning.build import Draft, Planning
from tiktoker_batch.steps.base import Inputs, Made, Work
from tiktoker_batch.steps.keeping import keep
from tiktoker_batch.store.artifacts import new_part


class MusicStep:
    """``music``: the recipe's file in, ``music.flac`` out; only for videos that have music."""

    eager = False

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        """One step, keyed by the file's content."""
        if video.music is not None:
            file = video.music.file
            yield Draft(kind=Kind.MUSIC, tool="bed", params={"file": planning.file_sha256.get(file, file)}, seconds=0.5)

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        """Nothing but the file, which is in the key."""
        return None

    async def run(self, work: Work) -> Made:
        """Decode the file."""
        if work.video.music is None:
            raise MediaError("this video has no music")
        final = work.layout.music(work.step.video)
        part = new_part(final)
        arguments = commands.bed(f"file:{work.video.music.file}", part.name)
        async with work.seats.held("ffmpeg", label="music"):
            with trio.fail_after(work.step.retry.timeout):
                await run_ffmpeg(work.tools.ffmpeg, arguments, cwd=part.parent)
        return Made(artifacts=(await keep(part, final, root=work.layout.root),))
