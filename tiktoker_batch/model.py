"""Frozen values that travel between the stages. No behaviour beyond what they are; no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import msgspec

from tiktoker_batch.remarks import Remark
from tiktoker_batch.shots import Edit, Shot, Style, Template

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Kind(StrEnum):
    """What a step produces. The order is the order of work within one video."""

    STORY = "story"
    SHOTS = "shots"
    IMAGE = "image"
    CLIP = "clip"
    NARRATION = "narration"
    CAPTIONS = "captions"
    MUSIC = "music"
    ASSEMBLY = "assembly"


# --------------------------------------------------------------------------- catalog values


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one unit costs in USD.

    ``unit`` is ``second`` (of clip), ``image``, ``megapixel``, ``1k_characters`` or ``call``.
    ``uncertain`` marks a figure without a first-hand source; ``as_of`` dates it.
    The figures hold while each of the ``given`` parameters has one of its values (``None``: is left out);
    ``otherwise`` is the price of all other requests, ``None`` where nobody knows it.
    """

    unit: Literal["second", "image", "megapixel", "1k_characters", "call"]
    usd: Decimal
    by_resolution: Mapping[str, Decimal] = field(default_factory=dict)
    as_of: str | None = None
    source: str | None = None
    uncertain: bool = False
    given: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    otherwise: "Price | None" = None

    def of(self, sent: Mapping[str, Json]) -> "Price | None":
        """The price of a request with these parameters; ``None`` where nobody knows it."""
        if all(sent.get(name) in values for name, values in self.given.items()):
            return self
        return self.otherwise.of(sent) if self.otherwise else None

    def per_unit(self, sent: Mapping[str, Json]) -> Decimal:
        """USD for one unit of a request with these parameters and this ``resolution``."""
        price, resolution = self.of(sent) or self, sent.get("resolution")
        return price.by_resolution.get(resolution, price.usd) if isinstance(resolution, str) else price.usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a model calls one of our values, and how it wants it written.

    ``form`` is ``plain`` (as it is), ``text`` (``"5"``), ``seconds`` (``"5s"``), ``number`` (``5``) or ``list``
    (``["..."]``).
    """

    name: str
    form: Literal["plain", "text", "seconds", "number", "list"] = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A catalog entry. Empty ``aspect_ratios`` or ``resolutions`` mean that any is taken.

    ``durations`` are the clip lengths in seconds that the model offers: either ``durations`` lists them, or
    ``duration_range`` gives (shortest, longest) of a model that takes any length between.
    ``usual_seconds`` is the one that segments have where nobody asks for another.
    ``fields`` says which of our values are sent, by our name for them: ``prompt``, ``image``, ``reference``,
    ``seconds``, ``size`` (pixels as ``{"width", "height"}``), ``aspect_ratio``, ``resolution``, ``seed``, ``voice``,
    ``language``. ``parameters`` are sent as they are. ``prompt_characters`` is the longest text it takes,
    ``prompt_tokens`` what it reads of one.
    ``typical_seconds`` is the usual latency of one call, which estimates count with; ``latency_spread`` is the sigma
    of its logarithm.
    """

    provider: str
    id: str
    kind: Literal["text", "image", "clip", "narration"]
    title: str
    durations: tuple[float, ...] = ()
    duration_range: tuple[float, float] | None = None
    usual_seconds: float | None = None
    aspect_ratios: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    fields: Mapping[str, Field] = field(default_factory=dict)
    parameters: Mapping[str, Json] = field(default_factory=dict)
    prompt_characters: int | None = None
    prompt_tokens: int | None = None
    price: Price | None = None
    typical_seconds: float = 1.0
    latency_spread: float = 0.25

    @property
    def ref(self) -> str:
        """The name a recipe uses: ``provider:id``."""
        return f"{self.provider}:{self.id}"

    def knows(self, language: str) -> bool:
        """Whether it speaks or writes a language; one that names none takes any."""
        return not self.languages or language in self.languages

    def offers_duration(self, seconds: float) -> bool:
        """Whether one clip of this many seconds can be asked for."""
        if self.duration_range is not None:
            low, high = self.duration_range
            return low <= seconds <= high
        return seconds in self.durations


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A narrator as one provider knows it (``id``), under the name a recipe uses."""

    name: str
    provider: str
    id: str


# --------------------------------------------------------------------------- recipe

EncoderName = Literal["auto", "x264", "nvenc", "videotoolbox", "vaapi", "qsv"]

# Up to this price a request of which nobody knows whether it was paid is repeated, unless the recipe says otherwise.
CHEAP_USD = Decimal("0.05")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often and how patiently a failed attempt is tried again; times in seconds.

    ``timeout`` is the deadline of one attempt. ``on_unknown`` says what to do with a request that may have been paid
    for and cannot be found: ``None`` leaves it to its price.
    """

    max_attempts: int = 3
    initial_delay: float = 3.0
    multiplier: float = 2.0
    max_delay: float = 60.0
    jitter: float = 0.2
    timeout: float = 600.0
    on_unknown: Literal["retry", "fail"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """When a second request is sent beside a late one: once it has been at work for longer than ``after`` percent of
    its model's jobs take. All of them together may cost ``max_extra_cost``, a share of what the batch is estimated to.
    """

    after: int = 95
    max_extra_cost: Decimal = Decimal("0.05")


@dataclass(frozen=True, slots=True, kw_only=True)
class Captions:
    """How spoken words are shown."""

    preset: str = "karaoke"
    position: str = "lower-third"


@dataclass(frozen=True, slots=True, kw_only=True)
class Music:
    """A bed under the narration; ``file`` is an absolute path."""

    file: str
    gain_db: float = -18.0
    duck: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryChoice:
    """How many stories are written and which of them is told."""

    variants: int = 1
    choose: Literal["first", "best", "longest"] = "first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """What an uploader needs to know; nothing of it changes the picture.

    ``at`` knows its offset. ``cover_seconds`` is the moment of the video that shows what it is about.
    """

    at: datetime | None = None
    caption: str | None = None
    hashtags: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    synthetic_media: bool = True
    made_for_kids: bool = False
    cover_seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Who does what for one video."""

    text: Model
    image: Model
    clip: Model
    narration: Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """One finished mp4 as the recipe wants it, with every default filled in.

    Exactly one of ``topic`` and ``script`` is set (a ``script_file`` has been read into ``script``).
    Durations are in seconds. ``templates`` holds all four prompt templates by name
    (``story``, ``shots``, ``image``, ``clip``). ``reference_image`` is an absolute path or an http(s) address.
    Videos of a higher ``priority`` are worked on before others. ``edit`` is what a person made of its text; where
    ``review`` is required, no clip is made before its shot is approved there.
    """

    id: str
    topic: str | None
    script: str | None
    shots: tuple[Shot, ...] = ()
    story: StoryChoice = StoryChoice()
    duration: float
    segment_duration: float
    length: Literal["auto", "exact"] = "auto"
    aspect_ratio: str
    resolution: str
    fps: int
    encoder: EncoderName = "x264"
    language: str
    style: Style
    voice: Voice
    models: Models
    retry: Retry = Retry()
    hedge: Hedge | None = None
    on_segment_failure: Literal["continue", "fail"] = "continue"
    minimum_segments: int = 1
    captions: Captions | None = Captions()
    music: Music | None = None
    reference_image: str | None = None
    templates: Mapping[str, Template] = field(default_factory=dict)
    publish: Publish | None = None
    review: Literal["optional", "required"] = "optional"
    edit: Edit | None = None
    priority: int = 0
    tags: tuple[str, ...] = ()
    vars: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Ceilings; ``None`` means none."""

    max_usd: Decimal | None = None
    per_video_usd: Decimal | None = None
    max_clip_seconds: float | None = None
    max_images: int | None = None
    max_characters: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A checked recipe. ``path`` is as the user gave it; ``output_dir`` is absolute when the recipe names one.

    ``styles`` are its own looks. ``remarks`` are what is allowed and may not be meant.
    """

    path: str
    sha256: str
    name: str
    output_dir: str | None
    limits: Mapping[str, int]
    budget: Budget
    videos: tuple[Video, ...]
    styles: Mapping[str, Style] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()


# --------------------------------------------------------------------------- plan


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One node of the plan.

    ``key`` is a sha256 over everything that decides the result. ``prompt`` is the text as it will be sent; while it
    is ``deferred``, another step's words still stand in it as ``«...»`` and are filled in when they are known.
    ``params`` is plain JSON. ``may_lack`` are those of ``needs`` whose failure the step can live with.
    ``capacity`` names the limits whose seats an attempt holds while it works. ``estimated_characters`` is how long a
    text it has spoken. ``text`` is what it will write, where that is known before. ``lineage`` is what those that need
    it know it by, where that is not its key: the key of what a person has edited. ``replaced`` is the key it would have
    without the edit. The result of a ``locked`` step holds whatever changes.
    """

    id: str
    video: str
    kind: Kind
    segment: int | None = None
    needs: tuple[str, ...] = ()
    may_lack: tuple[str, ...] = ()
    provider: str
    model: str
    params: Mapping[str, Json] = {}
    prompt: str | None = None
    deferred: bool = False
    key: str
    capacity: tuple[str, ...] = ()
    retry: Retry = Retry()
    estimated_seconds: float = 0.0
    estimated_cost_usd: Decimal = Decimal(0)
    estimated_characters: int = 0
    text: str | None = None
    lineage: str | None = None
    replaced: str | None = None
    locked: bool = False

    @property
    def known_as(self) -> str:
        """What its dependants' keys are made of."""
        return self.lineage or self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedVideo:
    """A video and its steps, in an order that respects their needs."""

    video: Video
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a batch consists of. The same recipe gives the same plan, to the byte."""

    name: str
    recipe: Recipe
    videos: tuple[PlannedVideo, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps of all videos, in plan order."""
        return tuple(step for planned in self.videos for step in planned.steps)
