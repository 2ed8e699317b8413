"""After a run: the files and the contact sheet in which a person decides. What somebody has edited is never changed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tiktoker_batch.app import Meant, Opened
from tiktoker_batch.catalog.loader import Language
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.model import Kind, PlannedVideo, Step, Video
from tiktoker_batch.planning.build import step_id
from tiktoker_batch.planning.selection import touched
from tiktoker_batch.recipe.rendering import segment_seconds, shot_of, usual_motion
from tiktoker_batch.recipe.shots_file import ShotsFile, StyleOf, named_from, read_shots_file, text_digest
from tiktoker_batch.recipe.shots_text import Written, appended, heard, shots_text
from tiktoker_batch.report.standing import GOOD
from tiktoker_batch.reviewing.edits import styles_of
from tiktoker_batch.reviewing.sheet import write_sheet
from tiktoker_batch.shots import Shot
from tiktoker_batch.store.artifacts import commit, new_part, write_atomic
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import BatchState
from tiktoker_batch.store.step_state import StepState

STOPS = frozenset({Kind.STORY, Kind.SHOTS, Kind.IMAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What is there for a person: the ``files`` with text and shots, and the contact ``sheet`` once there are pictures.

    ``waiting`` counts the shots without approval that keep their videos from being finished.
    """

    files: tuple[Path, ...]
    sheet: Path | None
    waiting: int


def write_review(opened: Opened, state: BatchState, meant: Meant, until: Kind | None) -> Review | None:
    """Write what a person needs to decide, after a run that stopped there or left something to be approved."""
    if until not in STOPS and not meant.waiting:
        return None
    asked_for = None if meant.selected is None else meant.selected | meant.waiting
    writer = _Writer(opened, state)
    videos = touched(opened.plan, asked_for if until in STOPS else meant.waiting)
    files = [found for planned in videos if (found := writer.write(planned))]
    pictured = until is not Kind.STORY and until is not Kind.SHOTS
    return Review(
        files=tuple(files),
        sheet=write_sheet(opened, state, [(planned, writer.read(planned)) for planned in videos]) if pictured else None,
        waiting=sum(step.kind is Kind.CLIP for step in opened.plan.steps if step.id in meant.waiting),
    )


class _Writer:
    def __init__(self, opened: Opened, state: BatchState) -> None:
        self.layout: Layout = opened.layout
        self.languages: Mapping[str, Language] = opened.catalog.languages
        self.style_of: StyleOf = styles_of(opened.recipe, opened.catalog)
        self.state = state
        self.home = Path(opened.recipe.path).parent

    def read(self, planned: PlannedVideo) -> ShotsFile | None:
        """What stands in a video's file just now; ``None`` for one that is not there, or that nobody can read yet."""
        path = self.layout.edit(planned.video.id)
        try:
            return read_shots_file(path, planned.video, self.style_of, self.home) if path.exists() else None
        except RecipeError:
            return None

    def write(self, planned: PlannedVideo) -> Path | None:
        """A video's file, written where that is due; ``None`` where there is no text yet."""
        path, written = self.layout.edit(planned.video.id), self._written(planned)
        if written is None:
            return None
        text = self._text(path, planned, written)
        return path if text is None or self._put(path, text, planned, written) else None

    def _put(self, path: Path, text: str, planned: PlannedVideo, written: Written) -> bool:
        """Write a file, unless it would not say what was written: one that nobody can read would stop every command."""
        part = new_part(path)
        try:
            write_atomic(part, text, durable=False)
            found = read_shots_file(part, planned.video, self.style_of, self.home)
            if (found.narration, found.shots) != (written.narration, written.shots):
                return False
            commit(part, path, root=self.layout.root)
            return True
        except RecipeError:
            return False
        finally:
            part.unlink(missing_ok=True)

    def _text(self, path: Path, planned: PlannedVideo, written: Written) -> str | None:
        """What to write; ``None`` to leave a file as it is. It is read anew: somebody may have edited it meanwhile."""
        if not path.exists():
            return shots_text(written)
        found = self.read(planned)
        if found is None:
            return None
        if not found.is_edited:  # a person's comments stay as long as the text does
            return None if _says(found, written) else shots_text(written)
        if found.shots is None and written.shots is not None and found.narration == written.narration:
            return appended(path.read_text(encoding="utf-8"), written)
        return None

    def _written(self, planned: PlannedVideo) -> Written | None:
        video = planned.video
        story, shots = (self._good(step_id(video.id, kind)) for kind in (Kind.STORY, Kind.SHOTS))
        steps = {step.kind: step for step in planned.steps}
        if story is None:
            return None
        narration = self._read(story, 0).strip()
        told = json.loads(self._read(story, 1)) if story.artifacts[1:] else []
        others = [text for text in dict.fromkeys(told) if text != narration]
        seen = tuple(_shots(video, json.loads(self._read(shots, 0)), self.home)) if shots else None
        return Written(
            video=video.id,
            narration=narration,
            others=tuple(others),
            story_key=_key(steps[Kind.STORY]),
            shots=seen,
            shots_key=_key(steps[Kind.SHOTS]) if seen is not None else None,
            heard=heard(narration, segment_seconds(video), self.languages[video.language]),
        )

    def _good(self, name: str) -> StepState | None:
        step = self.state.steps.get(name)
        return step if step and step.state in GOOD and step.artifacts else None

    def _read(self, step: StepState, index: int) -> str:
        return self.layout.absolute(step.artifacts[index].path).read_text(encoding="utf-8")


def _says(found: ShotsFile, written: Written) -> bool:
    """Whether a file that nobody edited is of this very text."""
    now = text_digest(written.narration, written.shots)
    keys = (written.story_key, written.shots_key)
    return (found.written, found.story_key, found.shots_key) == (now, *keys)


def _key(step: Step) -> str:
    return step.replaced or step.key


def _shots(video: Video, prompts: Sequence[str], home: Path) -> Iterator[Shot]:
    """The shots as they will be made, with all that the recipe and its templates decide."""
    for number, (prompt, seconds) in enumerate(zip(prompts, segment_seconds(video), strict=False), start=1):
        own = shot_of(video, number)
        shot = Shot(
            prompt=prompt.strip(),
            motion=(own and own.motion) or usual_motion(video, number, prompt.strip()),
            duration=seconds,
            style=own.style if own else None,
            image=own.image if own else None,
            clip=own.clip if own else None,
        )
        yield named_from(home, shot)
