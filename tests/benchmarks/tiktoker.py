"""TikToker's way of making a video, as a baseline: everything of one video at once, one video after another.

Written anew from what it does: per shot picture, then clip, then download, all shots at once; status asked for every
2 s, at most 300 times; the narration beside them; then a plain concat and a second ffmpeg for the sound.
"""

from collections.abc import Sequence
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
    """Against services at ``base``; ``ffmpeg`` is the program for the end, ``encoding`` whether it is at work."""

    client: httpx.AsyncClient
    base: str
    ffmpeg: str
    image: str
    clip: str
    speech: str
    encoding: bool = False

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
        clip = await self._job(
            self.clip,
            {"prompt": shot, "image_url": picture["images"][0]["url"], "duration": "4s", "aspect_ratio": "9:16"},
        )
        into.write_bytes((await self.client.get(clip["video"]["url"])).content)

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
        listed = folder / "list.txt"
        listed.write_text("".join(f"file '{number:02d}.mp4'\n" for number in range(count)))
        joined, final = folder / "joined.mp4", folder / "final.mp4"
        await self._ffmpeg("-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy", str(joined))
        sound = ["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "192k", "-shortest"]
        await self._ffmpeg("-i", str(joined), "-i", str(folder / "narration.mp3"), *sound, str(final))

    async def _ffmpeg(self, *arguments: str) -> None:
        self.encoding = True
        await trio.run_process([self.ffmpeg, "-v", "error", "-y", "-nostdin", *arguments])
        self.encoding = False
