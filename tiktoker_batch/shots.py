"""Frozen values of what is shown: looks, shots, what people made of them, and templates of prompts."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A look: the words that are appended to an image prompt, under a name."""

    name: str
    prompt: str


ShotState = Literal["draft", "approved", "locked", "rejected"]
APPROVED: frozenset[ShotState] = frozenset({"approved", "locked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A shot in the user's own words; ``None`` means as the video says.

    ``motion`` is how the camera moves. Another ``take`` is another picture by the same words. ``state`` is what a
    person thinks of its picture: ``draft`` (nothing yet), ``approved`` (a clip may be made from it), ``locked`` (that,
    and no other picture is ever made), ``rejected`` (no clip is made). ``image`` and ``clip`` are files that are there
    already, by their absolute paths: nothing is made in their place.
    """

    prompt: str
    duration: float | None = None
    style: Style | None = None
    motion: str | None = None
    take: int = 1
    state: ShotState = "draft"
    image: str | None = None
    clip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a person made of a video's text and shots, in place of what story and shots steps would write.

    ``path`` is the file it stands in. Without ``shots`` they are written anew from the ``narration``. ``story_key`` and
    ``shots_key`` are the keys of the steps whose results were edited: what depends on them is still known by these.
    """

    path: str
    narration: str
    shots: tuple[Shot, ...] | None = None
    story_key: str | None = None
    shots_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A template that another one includes, imports or extends, under the name that it is called by there."""

    name: str
    path: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A prompt template: where it came from (for messages), its Jinja source, and all that it is put together from."""

    path: str
    source: str
    parts: tuple[Part, ...] = ()
