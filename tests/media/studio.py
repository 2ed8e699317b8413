"""One video's steps, run for real without an engine: what assembly needs is made and handed to it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trio

from tests.values import a_recipe, a_video
from tiktoker_batch.catalog.loader import Language
from tiktoker_batch.engine.attempt import StepSeats
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.pause import Pause
from tiktoker_batch.events import Record, WorkDone
from tiktoker_batch.media.ffmpeg import bundled_ffmpeg, run_ffmpeg
from tiktoker_batch.model import Kind, Step, Video
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.planning.build import Planning, build_plan
from tiktoker_batch.providers.base import Produced, Request
from tiktoker_batch.recipe.prompts import builtin_templates
from tiktoker_batch.recording import Recorder
from tiktoker_batch.shots import Shot
from tiktoker_batch.steps.base import Inputs, Made, Tools, Work
from tiktoker_batch.steps.registry import STEP_KINDS
from tiktoker_batch.store.artifacts import commit, new_part, write_artifact
from tiktoker_batch.store.layout import Layout

FFMPEG = bundled_ffmpeg()
LANGUAGES = {"en": Language(code="en", name="English", words_per_minute=160, script="latin")}


def small_video(id: str = "clip", **changes: object) -> Video:
    """A square one with few frames is a tenth of the work of a real one; everything else is the same."""
    values: dict[str, object] = {
        "topic": None,
        "script": "Three hearts. Blue blood.",
        "shots": (Shot(prompt="one"), Shot(prompt="two")),
        "duration": 4.0,
        "segment_duration": 2.0,
        "aspect_ratio": "1:1",
        "fps": 6,
        "templates": dict(builtin_templates()),
    }
    return a_video(id, **(values | changes))


@dataclass
class Studio:
    """An output folder with the steps of one video."""

    root: Path
    video: Video
    arrived: dict[str, tuple[Artifact, ...]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    records: list[Record] = field(default_factory=list)
    tools: Tools = field(default_factory=lambda: Tools(ffmpeg=FFMPEG, font_cache=FONTS))

    def __post_init__(self) -> None:
        self.layout = Layout(self.root)
        plan = build_plan(a_recipe(self.video), STEP_KINDS, Planning(languages=LANGUAGES, file_sha256={}))
        self.steps: Mapping[str, Step] = {step.id: step for step in plan.steps}
        self.recorder = Recorder([self.records.append], run=1)
        self.capacity = Capacity({"ffmpeg": 2})

    def id(self, kind: Kind, number: int | None = None) -> str:
        return f"{self.video.id}/{kind}" if number is None else f"{self.video.id}/{number:02d}/{kind}"

    async def ffmpeg(self, *arguments: str) -> str:
        self.layout.work_of(self.video.id).mkdir(parents=True, exist_ok=True)
        return await run_ffmpeg(FFMPEG, arguments, cwd=self.layout.work_of(self.video.id))

    async def narrate(self, seconds: float, words: str = "Three hearts. Blue blood.") -> None:
        """Sound of this length with evenly spread words."""
        final = self.layout.narration(self.video.id)
        await self.ffmpeg(
            "-f", "lavfi", "-i", f"anoisesrc=d={seconds}:c=pink:r=24000:a=0.2,tremolo=f=4:d=0.9", final.name
        )
        spoken = words.split()
        each = seconds / len(spoken)
        times = [{"text": w, "start": i * each, "end": (i + 1) * each} for i, w in enumerate(spoken)]
        sound = self._commit(final)
        listed = write_artifact(self.layout.words(self.video.id), json.dumps(times), root=self.root)
        self.arrived[self.id(Kind.NARRATION)] = (sound, listed)

    async def caption(self) -> None:
        """Run the real captions step."""
        step = self.id(Kind.CAPTIONS)
        self.arrived[step] = (await STEP_KINDS[Kind.CAPTIONS].run(self.work(step))).artifacts

    async def film(
        self, number: int, seconds: float = 2.0, size: str = "320x240", rate: int | str = 30, options: str = ""
    ) -> None:
        """A clip as some cloud might deliver it; ``options`` are those of ffmpeg's output."""
        final = self.layout.clip(self.video.id, number)
        source = f"testsrc2=size={size}:rate={rate}:duration={seconds}"
        await self.ffmpeg("-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", *options.split(), final.name)
        self.arrived[self.id(Kind.CLIP, number)] = (self._commit(final),)

    def retake(self, number: int, other: Path) -> None:
        """Have another file instead of a clip."""
        final = self.layout.clip(self.video.id, number)
        other.replace(final)
        self.arrived[self.id(Kind.CLIP, number)] = (self._commit(final),)

    async def paint(self, number: int) -> None:
        final = self.layout.image(self.video.id, number)
        await self.ffmpeg("-f", "lavfi", "-i", "testsrc2=size=720x720", "-frames:v", "1", final.name)
        self.arrived[self.id(Kind.IMAGE, number)] = (self._commit(final),)

    async def assemble(self) -> Made:
        with trio.fail_after(120):
            return await STEP_KINDS[Kind.ASSEMBLY].run(self.work(self.id(Kind.ASSEMBLY)))

    def work(self, step_id: str) -> Work:
        step = self.steps[step_id]
        found = {need: self.arrived[need] for need in step.needs if need in self.arrived}
        return Work(
            step=step,
            video=self.video,
            layout=self.layout,
            inputs=Inputs(layout=self.layout, artifacts=found),
            buy=_buy_nothing,
            arrival=self._arrival,
            seats=StepSeats(step=step, capacity=self.capacity, recorder=self.recorder, pause=Pause()),
            tools=self.tools,
        )

    @property
    def labels(self) -> list[str]:
        """What was worked on, in the order of its end."""
        return [record.event.label for record in self.records if isinstance(record.event, WorkDone)]

    async def _arrival(self, need: str) -> tuple[Artifact, ...] | None:
        await trio.lowlevel.checkpoint()
        return None if need in self.lost else self.arrived[need]

    def _commit(self, path: Path) -> Artifact:
        part = new_part(path)
        path.rename(part)
        return commit(part, path, root=self.root)


async def _buy_nothing(request: Request, into: Mapping[str, Path]) -> Produced:
    raise AssertionError("assembly never spends money")


FONTS = Path(__file__).parents[2] / ".pytest_cache"


MINUTE_SEGMENTS = 12
_MINUTE_OF_WORDS = "one steady sentence of ordinary words goes on for a minute " * 15


async def a_minute(folder: Path, forms: Sequence[tuple[str, int]]) -> Studio:
    """A minute of narration, its captions, and twelve clips whose sizes and frames a second are these in turn."""
    shots = tuple(Shot(prompt=f"shot {number}") for number in range(MINUTE_SEGMENTS))
    video = small_video(shots=shots, duration=60.0, segment_duration=5.0, aspect_ratio="9:16", fps=24, length="exact")
    studio = Studio(folder, video)
    await studio.narrate(59.5, _MINUTE_OF_WORDS)
    await studio.caption()
    for number in range(1, MINUTE_SEGMENTS + 1):
        size, rate = forms[number % len(forms)]
        await studio.film(number, seconds=5.0, size=size, rate=rate)
        studio.lost.add(studio.id(Kind.IMAGE, number))
    return studio
