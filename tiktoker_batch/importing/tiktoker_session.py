"""A session of TikToker as it stands on disk, in one shape for both files that may tell of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tiktoker_batch.errors import Problem
from tiktoker_batch.importing.notes import MAX_SECONDS, Notes, unique
from tiktoker_batch.importing.reading import Document, Fields, read_document
from tiktoker_batch.importing.text import shown, unbraced
from tiktoker_batch.importing.tiktoker_made import Made, look_for_made

SHOT_SECONDS = 4.0  # TikToker cuts every story into these
USUAL_SECONDS = 60.0  # of a run that was started without its screens
_GEORGE = "JBFqnCBsd6RMkjVDRZzb"  # the voice of such a run
_VOICE = re.compile(r"[A-Za-z0-9_-]+")
_RATIOS = ("9:16", "16:9")
# What a run writes down about its own progress, and about files that are found by looking.
_RESULTS = ("sessionId", "updatedAt", "transcription", "output", "completedSteps", "videoCount", "finalVideo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A style: the words that TikToker appends to the prompt of every picture."""

    name: str
    prompt: str
    whence: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """What a session holds that a recipe has no place for, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a video was made of. ``prompts`` come with the seconds of their clip where these are not the usual ones.

    ``knows_input``: what was chosen on TikToker's screens is noted, not assumed. ``made`` is what lies there of it.
    """

    folder: Path
    file: str
    knows_input: bool
    created: str
    description: str | None
    story: str | None
    prompts: Sequence[tuple[str, float | None]]
    seconds: float
    seconds_whence: str
    aspect_ratio: str
    aspect_whence: str
    style_prompt: str | None
    voice: str | None
    voice_whence: str
    free: bool
    captions: bool
    made: Made = field(default_factory=Made)
    references: Sequence[str] = ()
    remarks: Sequence[Left] = ()

    @property
    def id(self) -> str:
        """The name of its folder."""
        return self.folder.resolve().name


def read_styles(document: Document) -> tuple[Look, ...]:
    """The styles of ``styles.json``, an array of names and prompts."""
    if not isinstance(document.data, list):
        document.wrong((), "expected a list of styles, each with a name and a prompt")
        return ()
    looks: dict[str, Look] = {}
    for index, value in enumerate(document.data):
        if not isinstance(value, dict):
            document.wrong((index,), "expected a style with a name and a prompt")
            continue
        fields = Fields(document, (index,), value)
        name, prompt = fields.text("name"), fields.text("prompt")
        if not prompt:
            if value.get("prompt") is None or isinstance(value["prompt"], str):
                document.wrong((index,), "this style has no prompt")
            continue
        prompt = unbraced(prompt)
        own = unique(unbraced(name or f"style {index + 1}").replace("$", "").removeprefix("x-") or "style", looks)
        looks[own] = Look(name=own, prompt=prompt, file=document.path.name)
    return tuple(looks.values())


def read_session(folder: Path, problems: list[Problem], notes: Notes) -> Session | None:
    """What a session folder tells; ``None`` (with a warning) where nothing was written down.

    :raises RecipeError: its file cannot be read, or is no JSON.
    """
    state, metadata = folder / "pipeline-state.json", folder / "metadata.json"
    name = folder.resolve().name
    file = state if state.is_file() else metadata
    if not file.is_file():
        notes.warn("left out: it holds neither metadata.json nor pipeline-state.json, so its words are not known", name)
        return None
    before = len(problems)
    fields = read_document(file, problems).fields("an object, as TikToker writes it")
    session = _from_state(folder, fields) if file is state else _from_metadata(folder, fields)
    if len(problems) > before:
        return None
    if not session.story and not session.description:
        fields.document.wrong((), "neither a story nor a description is in it")
        return None
    return session


def _from_metadata(folder: Path, fields: Fields) -> Session:
    """The file of a run without screens: what is not in it had TikToker's own value."""
    prompts = fields.texts("prompts")
    made = _made(folder, len(prompts), len(fields.take("prompts", list) or ()))
    ratio, voice, style = fields.text("aspectRatio"), fields.text("voiceId"), fields.text("stylePrompt")
    own = f"TikToker's own where {fields.document.path.name} says nothing"
    usual = (len(prompts) * SHOT_SECONDS, f"{len(prompts)} shots of {SHOT_SECONDS:g} s")
    seconds, whence = _length(fields, usual if prompts else (USUAL_SECONDS, own))
    return Session(
        folder=folder,
        file=fields.document.path.name,
        knows_input=False,
        created=_created(fields),
        description=fields.text("description"),
        story=fields.text("storyText"),
        prompts=[(prompt, None) for prompt in prompts],
        seconds=seconds,
        seconds_whence=whence,
        aspect_ratio=_ratio(ratio),
        aspect_whence="" if ratio else own,
        style_prompt=style and unbraced(style),
        voice=_voice_id(voice) or _GEORGE,
        voice_whence="" if _voice_id(voice) else own,
        free=bool(fields.take("useFreeModels", bool)),
        captions=False,
        made=made,
        remarks=[*_odd(ratio, voice), *_paid_for(made), *_unknown(fields)],
    )


def _from_state(folder: Path, fields: Fields) -> Session:
    """The file of a run with screens: what was chosen on them is in its ``input``."""
    given, audio, steps = fields.inner("input"), fields.inner("audio"), fields.each("steps")
    ratio, voice, style = given.text("aspectRatio"), given.text("voiceId"), given.text("stylePrompt")
    prompts = [(prompt, _own_length(step)) for step in steps if (prompt := step.text("prompt"))]
    made = _made(folder, len(prompts), len(steps))
    shots = sum(seconds or SHOT_SECONDS for _, seconds in prompts)
    seconds, whence = _length(given, (shots or USUAL_SECONDS, "the lengths of its shots" if shots else "a usual one"))
    return Session(
        folder=folder,
        file=fields.document.path.name,
        knows_input=True,
        created=_created(fields),
        description=given.text("description"),
        story=audio.text("storyText"),
        prompts=prompts,
        seconds=seconds,
        seconds_whence=whence,
        aspect_ratio=_ratio(ratio),
        aspect_whence="" if ratio else "TikToker's own",
        style_prompt=style and unbraced(style),
        voice=_voice_id(voice),
        voice_whence="",
        free=bool(given.take("useFreeModels", bool)),
        captions=True,
        made=made,
        references=[path for each in given.each("referenceImages") if (path := each.text("path"))],
        remarks=[*_odd(ratio, voice), *_referring(steps), *_paid_for(made), *_unknown(fields, given)],
    )


def _created(fields: Fields) -> str:
    at = fields.text("createdAt")
    return f"made {shown(at, at_most=40)}" if at else ""


def _length(fields: Fields, usual: tuple[float, str]) -> tuple[float, str]:
    """The seconds of the video, and where they come from."""
    seconds = fields.number("duration")
    found, whence = (seconds, "as it was chosen") if seconds and seconds > 0 else usual
    return min(max(found, 1.0), MAX_SECONDS), whence


def _own_length(step: Fields) -> float | None:
    """The seconds of a shot; ``None`` for the usual ones, which TikToker itself makes longer for some models."""
    seconds = step.number("videoDuration")
    return None if seconds == SHOT_SECONDS else seconds


def _voice_id(given: str | None) -> str | None:
    return given if given and _VOICE.fullmatch(given) else None


def _ratio(given: str | None) -> str:
    return given if given in _RATIOS else _RATIOS[0]


def _odd(ratio: str | None, voice: str | None) -> list[Left]:
    left = []
    if ratio and ratio not in _RATIOS:
        left.append(Left(f"aspect ratio {shown(ratio, at_most=20)}", f"{_RATIOS[0]} takes its place"))
    if voice and not _voice_id(voice):
        left.append(Left("the voice", "what is noted is no id of a voice"))
    return left


def _referring(steps: Sequence[Fields]) -> list[Left]:
    if not [each for step in steps if (each := step.take("referenceAction", str))]:
        return []
    return [Left("which picture a shot refers to (referenceAction)", "a reference image reaches every shot")]


def _unknown(*objects: Fields) -> list[Left]:
    """Keys that this TikToker did not write; their values are not shown, as nobody knows what they are."""
    for fields in objects:
        fields.taken.update(_RESULTS)
    return [Left(name, "nothing here corresponds to it") for fields in objects for name in fields.others()]


def _made(folder: Path, prompts: int, listed: int) -> Made:
    """What lies there; where some of the listed shots say nothing, nobody knows whose pictures these are."""
    return look_for_made(folder, prompts if prompts == listed else 0)


def _paid_for(made: Made) -> list[Left]:
    """What lies in the session and cannot be used."""
    why = "a recipe cannot name it, so it is made, and paid for, again"
    return [Left(f"what was paid for ({made.left})", why)] if made.left else []
