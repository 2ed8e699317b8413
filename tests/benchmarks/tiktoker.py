"""TikToker's way of making a video, as a baseline: everything of one video at once, one video after another.

Written anew from what it does: per shot picture, its download, then clip and download, all shots at once; status
asked for at once and then every 2 s, at most 300 times; the narration beside them; then a plain concat, and a second
ffmpeg for the sound.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import trio

from tests.simulated import RACHEL

POLL_SECONDS, POLLS = 2.0, 300


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One video: its spoken text and its shots."""

    script: str
    shots: Sequence[str]


@dataclass(kw_only=True)
class TikToker:
    """Against services at ``base``; ``ffmpeg`` is the program for the end, ``encoding`` whether it is at work.

    ``last_clip`` is when the newest clip was on the disk. ``normalise``, which TikToker does not do, gives the
    arguments that bring a clip into one form; it is done for one clip after another, once all are there.
    """

    client: httpx.AsyncClient
    base: str
    ffmpeg: str
    image: str
    clip: str
    speech: str
    normalise: Callable[[str, str], list[str]] | None = None
    encoding: bool = False
    last_clip: float = 0.0

    async def make(self, videos: Sequence[Wanted], folder: Path) -> None:
        """One video after another."""
        for number, wanted in enumerate(videos):
            place = folder / str(number)
            place.mkdir(parents=True)
            await self._video(wanted, place)

    async def _video(self, wanted: Wanted, folder: Path) -> None:
        async with trio.open_nursery() as nursery:
            for number, shot in enumerate(wanted.shots):
                nursery.start_soon(self._segment, shot, folder / f"{number:02d}.mp4")
            nursery.start_soon(self._narrate, wanted.script, folder / "narration.mp3")
        await self._join(folder, len(wanted.shots))

    async def _segment(self, shot: str, into: Path) -> None:
        size = {"width": 720, "height": 1280}
        picture = await self._job(self.image, {"prompt": shot, "image_size": size, "output_format": "jpeg"})
        drawn = picture["images"][0]["url"]
        into.with_suffix(".jpg").write_bytes((await self.client.get(drawn)).content)
        clip = await self._job(
            self.clip,
            {"prompt": shot, "image_url": drawn, "duration": "4s", "aspect_ratio": "9:16"},
        )
        into.write_bytes((await self.client.get(clip["video"]["url"])).content)
        self.last_clip = trio.current_time()

    async def _job(self, model: str, body: dict[str, Any]) -> dict[str, Any]:
        submitted = (await self.client.post(f"{self.base}/{model}", json=body)).raise_for_status().json()
        for _ in range(POLLS):
            status = (await self.client.get(submitted["status_url"])).json()
            if status["status"] == "COMPLETED":
                found: dict[str, Any] = (await self.client.get(submitted["response_url"])).raise_for_status().json()
                return found
            await trio.sleep(POLL_SECONDS)
        raise TimeoutError(model)

    async def _narrate(self, script: str, into: Path) -> None:
        body = {"text": script, "model_id": self.speech}
        spoken = await self.client.post(f"{self.base}/v1/text-to-speech/{RACHEL}", json=body)
        into.write_bytes(spoken.raise_for_status().content)

    async def _join(self, folder: Path, count: int) -> None:
        for number in range(count if self.normalise else 0):
            await self._same_form(folder / f"{number:02d}.mp4")
        listed = folder / "list.txt"
        listed.write_text("".join(f"file '{number:02d}.mp4'\n" for number in range(count)))
        joined, final = folder / "joined.mp4", folder / "final.mp4"
        await self._ffmpeg("-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy", str(joined))
        sound = ["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "192k", "-shortest"]
        await self._ffmpeg("-i", str(joined), "-i", str(folder / "narration.mp3"), *sound, str(final))

    async def _same_form(self, clip: Path) -> None:
        assert self.normalise
        part = clip.with_suffix(".part.mp4")
        await self._ffmpeg(*self.normalise(str(clip), str(part)))
        part.replace(clip)

    async def _ffmpeg(self, *arguments: str) -> None:
        self.encoding = True
        await trio.run_process([self.ffmpeg, "-v", "error", "-y", "-nostdin", *arguments])
        self.encoding = False
