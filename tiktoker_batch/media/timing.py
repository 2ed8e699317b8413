"""How long a video becomes and which frames each segment fills. Pure arithmetic; seconds and whole frames."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tiktoker_batch.errors import NarrationTooLong

TAIL_SECONDS = 0.5  # silence after the last word (spec 3)
TOLERANCE = 0.20  # how far the spoken length may be from `duration` and still decide (spec 3)
MAX_TEMPO = 1.25  # the fastest narration and the slowest clip that still look and sound natural (spec 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The frames of one segment: ``frames`` of them, from ``start`` on."""

    number: int
    start: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The fixed frame plan of a video; ``tempo`` is how much faster than recorded the narration is played."""

    fps: int
    frames: int
    tempo: float
    slots: tuple[Slot, ...]

    @property
    def seconds(self) -> float:
        """Length of the finished video."""
        return self.frames / self.fps


def fit(*, narration: float, duration: float, length: str, fps: int, nominal: Sequence[float]) -> Timing:
    """Fix the frames of a video from its narration (seconds) and the nominal lengths of its segments.

    :raises NarrationTooLong: ``length`` is ``exact`` and no natural tempo makes the narration fit.
    """
    seconds, tempo = _exact(narration, duration) if length == "exact" else (_auto(narration, duration), 1.0)
    frames = math.ceil(seconds * fps - 1e-6) if length == "auto" else round(seconds * fps)
    frames = max(frames, len(nominal))
    return Timing(fps=fps, frames=frames, tempo=tempo, slots=_slots(frames, nominal))


def _auto(narration: float, duration: float) -> float:
    spoken = narration + TAIL_SECONDS
    return spoken if abs(spoken - duration) <= TOLERANCE * duration else max(spoken, duration)


def _exact(narration: float, duration: float) -> tuple[float, float]:
    tempo = max(1.0, narration / duration)
    if tempo > MAX_TEMPO:
        over = narration / MAX_TEMPO - duration
        raise NarrationTooLong(
            f"the narration takes {narration:.1f} s; "
            f"even at {MAX_TEMPO}x it is {over:.1f} s too long for {duration:g} s",
            hint="shorten the script, raise 'duration', or use 'length: auto'",
        )
    return duration, tempo


def _slots(frames: int, nominal: Sequence[float]) -> tuple[Slot, ...]:
    """Share the frames in proportion; cumulative rounding loses none, and every segment keeps at least one."""
    total, before, start = sum(nominal), 0.0, 0
    slots = []
    for number, seconds in enumerate(nominal, start=1):
        before += seconds
        end = round(frames * before / total)
        end = min(max(end, start + 1), frames - (len(nominal) - number))
        slots.append(Slot(number=number, start=start, frames=end - start))
        start = end
    return tuple(slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """How a clip fills its slot: slowed by ``stretch`` (1 to 1.25), then its last frame held; trimmed if longer."""

    stretch: float
    hold_seconds: float


def fill(clip_seconds: float, slot_seconds: float) -> Fill:
    """Decide how a clip of this length covers a slot of that length."""
    stretch = min(MAX_TEMPO, max(1.0, slot_seconds / clip_seconds))
    return Fill(stretch=stretch, hold_seconds=max(0.0, slot_seconds - clip_seconds * stretch))
