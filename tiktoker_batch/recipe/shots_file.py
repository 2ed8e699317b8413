"""``work/<id>/shots.yaml``: a video's text and shots, checked like a recipe, and whether somebody has edited them."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.model import Video
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.recipe.forms import OWN_KINDS, misfit
from tiktoker_batch.recipe.lint import shot_warnings
from tiktoker_batch.recipe.rendering import overlong, usual_motion
from tiktoker_batch.recipe.source import Source, load_source
from tiktoker_batch.recipe.suggest import did_you_mean
from tiktoker_batch.recipe.text import unreadable
from tiktoker_batch.recipe.wording import show
from tiktoker_batch.shots import APPROVED, Edit, Shot, ShotState, Style

STATES: Mapping[ShotState, str] = {
    "draft": "nobody has decided yet",
    "approved": "a clip may be made from its picture",
    "locked": "approved, and its picture is never made again, whatever changes",
    "rejected": "no clip is made; change the prompt or raise 'take' for another picture",
}
KEYS = ("version", "video", "narration", "shots", "written", "story_key", "shots_key")
SHOT_KEYS = ("state", "prompt", "motion", "duration", "style", "take", "image", "clip")
MOST_SHOTS = 600
LONGEST_SECONDS = 600

StyleOf = Callable[[str], Style | str]
"""Finds a style by its name; gives words on what is wrong where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotsFile:
    """What stands in the file. ``shots`` is ``None`` where it has none: they are to be written.

    Their files are named from the recipe's folder, so that both may be moved together. ``warnings`` are what is allowed
    and may not be meant.
    """

    narration: str
    shots: tuple[Shot, ...] | None
    written: str | None = None
    story_key: str | None = None
    shots_key: str | None = None
    warnings: tuple[Problem, ...] = ()

    @property
    def is_edited(self) -> bool:
        """Whether anything in it is not as it was written."""
        return self.written != text_digest(self.narration, self.shots)


def text_digest(narration: str, shots: Sequence[Shot] | None) -> str:
    """By this an edit is known: layout and comments do not count."""
    listed = None if shots is None else [_digestible(shot) for shot in shots]
    return digest([narration.strip(), listed])[:16]


def _digestible(shot: Shot) -> list[Any]:
    style = shot.style.name if shot.style else None
    files = [shot.image, shot.clip] if shot.image or shot.clip else []
    return [shot.prompt, shot.motion, shot.duration, style, shot.take, shot.state, *files]


def read_shots_file(path: Path, video: Video, style_of: StyleOf, home: Path) -> ShotsFile:
    """Read and check one; ``home`` is the recipe's folder.

    :raises RecipeError: with every problem, by place.
    """
    source = load_source(path)
    reader = _Reader(source, video, style_of, home)
    found = reader.file()
    problems = sorted({*source.problems, *reader.problems})
    if problems:
        raise RecipeError(problems)
    return found


def as_edit(found: ShotsFile, video: Video, path: str, home: Path) -> Edit:
    """The values that the plan is made with: what is as the video says anyway counts as not said, and files have their
    absolute paths.
    """
    shots = found.shots
    if shots is not None:
        trial = replace(video, edit=Edit(path=path, narration=found.narration, shots=shots))
        unsaid = [_unsaid(shot, number, trial) for number, shot in enumerate(shots, start=1)]
        shots = tuple(_placed(each, lambda name: os.path.abspath(home / name)) for each in unsaid)  # noqa: PTH100
    return Edit(path=path, narration=found.narration, shots=shots, story_key=found.story_key, shots_key=found.shots_key)


def named_from(home: Path, shot: Shot) -> Shot:
    """A shot as the file has it: its own files by their way from the recipe's folder."""
    return _placed(shot, lambda name: _way(name, home))


def _placed(shot: Shot, way: Callable[[str], str]) -> Shot:
    return replace(shot, image=shot.image and way(shot.image), clip=shot.clip and way(shot.clip))


def _way(file: str, home: Path) -> str:
    try:
        return Path(os.path.relpath(file, home)).as_posix()
    except ValueError:  # on another drive
        return file


def _unsaid(shot: Shot, number: int, video: Video) -> Shot:
    usual = shot.motion is not None and shot.motion == usual_motion(video, number, shot.prompt)
    return replace(
        shot,
        motion=None if usual else shot.motion,
        duration=None if shot.duration == video.segment_duration else shot.duration,
        style=None if shot.style == video.style else shot.style,
    )


class _Reader:
    """Checks by hand: the file is short, and each of its faults deserves words of its own."""

    def __init__(self, source: Source, video: Video, style_of: StyleOf, home: Path) -> None:
        self.source = source
        self.video = video
        self.style_of = style_of
        self.home = home
        self.problems: list[Problem] = []

    def file(self) -> ShotsFile:
        data = self.source.data
        if not isinstance(data, dict):
            self._say((), "expected 'version', 'video', 'narration' and 'shots'")
            return ShotsFile(narration="", shots=None)
        self._known((), data, KEYS)
        if data.get("version") != 1:
            self._say(("version",), f"version: expected 1, got {show(data.get('version'))}")
        if data.get("video") != self.video.id:
            got = show(data.get("video"))
            self._say(("video",), f"video: this is the folder of {self.video.id!r}, and the file is about {got}")
        narration = self._text(("narration",), data) or ""
        limit = self.video.models.narration.prompt_characters
        if limit and len(narration) > limit:
            ref = self.video.models.narration.ref
            said = f"this text has {len(narration):,} characters; narration model {ref!r} takes {limit:,}"
            self._say(("narration",), said)
        shots = self._shots(data["shots"]) if data.get("shots") is not None else None
        warnings = self._measure(shots, narration) if shots and not self.problems else ()
        keys = {name: data.get(name) for name in ("written", "story_key", "shots_key")}
        found = ShotsFile(
            narration=narration,
            shots=shots,
            warnings=tuple(warnings),
            **{name: value if isinstance(value, str) else None for name, value in keys.items()},
        )
        for index, shot in enumerate(found.shots or () if found.is_edited else ()):
            self._own_files(("shots", index), shot)
        return found

    def _own_files(self, at: tuple[str | int, ...], shot: Shot) -> None:
        """The files that a person's shot names; those of a file that nobody touched are the recipe's matter."""
        for kind in OWN_KINDS:
            file = getattr(shot, kind)
            fault = (unreadable(self.home / file) or misfit(self.home / file, kind, file)) if file else None
            if fault:
                self._say((*at, kind), fault)
        if shot.take > 1 and (shot.image or shot.clip):
            self._say((*at, "take"), "take: this shot has a file of its own; remove that to have another picture made")

    def _shots(self, given: Any) -> tuple[Shot, ...]:
        if not isinstance(given, list) or not 1 <= len(given) <= MOST_SHOTS:
            what = f"expected a list of 1 to {MOST_SHOTS} shots"
            self._say(("shots",), f"shots: {what}; leave the key out to have them written from the narration")
            return ()
        return tuple(self._shot(("shots", index), shot) for index, shot in enumerate(given))

    def _shot(self, at: tuple[str | int, ...], given: Any) -> Shot:
        if not isinstance(given, dict):
            self._say(at, f"expected a shot with 'state' and 'prompt', got {show(given)}")
            return Shot(prompt="")
        self._known(at, given, SHOT_KEYS)
        style = self._text((*at, "style"), given, required=False)
        return Shot(
            prompt=self._text((*at, "prompt"), given) or "",
            motion=self._text((*at, "motion"), given, required=False),
            duration=self._duration((*at, "duration"), given.get("duration"), any_length="clip" in given),
            style=self._style((*at, "style"), style) if style else None,
            take=self._take((*at, "take"), given.get("take", 1)),
            state=self._state((*at, "state"), given.get("state", "draft")),
            image=self._text((*at, "image"), given, required=False),
            clip=self._text((*at, "clip"), given, required=False),
        )

    def _state(self, at: tuple[str | int, ...], value: Any) -> ShotState:
        if isinstance(value, str) and value in STATES:
            return value  # type: ignore[return-value]
        near = did_you_mean(value, STATES) if isinstance(value, str) else ""
        self._say(at, f"state: {show(value)} is none of {', '.join(STATES)}{near}")
        return "draft"

    def _take(self, at: tuple[str | int, ...], value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10_000:
            return value
        self._say(at, f"take: expected a whole number from 1, got {show(value)}")
        return 1

    def _duration(self, at: tuple[str | int, ...], value: Any, *, any_length: bool) -> float | None:
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not 1 <= value <= LONGEST_SECONDS:
            self._say(at, f"duration: expected seconds from 1 to {LONGEST_SECONDS}, got {show(value)}")
            return None
        model = self.video.models.clip
        if not any_length and not model.offers_duration(value):
            offered = (
                "{:g} to {:g}".format(*model.duration_range)
                if model.duration_range
                else ", ".join(f"{seconds:g}" for seconds in model.durations)
            )
            self._say(at, f"clip model {model.ref!r} offers {offered} s segments, not {value:g}")
        return float(value)

    def _style(self, at: tuple[str | int, ...], name: str) -> Style | None:
        found = self.style_of(name)
        if isinstance(found, str):
            self._say(at, found)
            return None
        return found

    def _text(self, at: tuple[str | int, ...], holder: Mapping[str, Any], *, required: bool = True) -> str | None:
        name = str(at[-1])
        value = holder.get(name)
        if value is None and name not in holder:
            if required:
                self._say(at[:-1], f"the key {name!r} is missing")
            return None
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value is not None or required:
            quotes = "; put it in quotes" if isinstance(value, int | float | bool) else ""
            self._say(at, f"{name}: expected text, got {show(value or None)}{quotes}")
        return None

    def _known(self, at: tuple[str | int, ...], given: Mapping[str, Any], known: Sequence[str]) -> None:
        for name in given:
            if name not in known and not name.startswith("x-"):
                near = did_you_mean(name, known) or f" (there are: {', '.join(known)})"
                self._say((*at, name), f"unknown key {name!r}{near}", key=True)

    def _measure(self, shots: tuple[Shot, ...], narration: str) -> list[Problem]:
        """What is sent for a shot is more than its words; the models must take all of it. Gives what to warn of."""
        edited = replace(self.video, edit=Edit(path="", narration=narration, shots=shots))
        for number, shot in enumerate(shots, start=1):
            for found in overlong(edited, number, shot.prompt):
                self._say(("shots", number - 1, "prompt"), f"{found}; shorten this shot by {found.over:,}")
        return [
            self.source.problem(("shots", number - 1, "prompt"), message)
            for number, shot in enumerate(shots, start=1)
            if shot.state not in APPROVED  # whoever approved it has judged already
            for message in shot_warnings(edited, number)
        ]

    def _say(self, at: tuple[str | int, ...], message: str, *, key: bool = False) -> None:
        self.problems.append(self.source.problem(at, message, key=key))
