"""When clips need not be encoded again: which can be joined as they are, and where each may be cut.

A stream may end after any picture before which everything is decoded that is shown, and nothing that is not: what is
left is decoded and shown as it was. So slots move by a few frames to where their clips can be cut.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from tiktoker_batch.media.commands import Canvas
from tiktoker_batch.media.film import Film, read_film
from tiktoker_batch.media.timing import Slot, Timing

HIGHEST_LEVEL = 42  # what our own encodes are at most, which every player takes
# Bits a pixel: 9 Mbit/s for 720x1280 at 24 frames a second. A minute stays below the 72 MB that TikTok's app takes on
# Android, and what is heavier was meant to be encoded once more.
HEAVIEST = 0.4
# How far the end of a slot may move. Where every fourth picture is a cut, five of six lengths of a video can be had so,
# and with half of it only every other one.
MOVED_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A clip that may be copied.

    ``form`` must be the same for all clips of a video. ``cuts`` are the numbers of pictures after which it may end.
    ``told_colours``: it says that its colours are the usual ones, as an encode would.
    """

    form: tuple[str, int]
    cuts: frozenset[int]
    told_colours: bool


def examine(path: Path, canvas: Canvas) -> Take:
    """Look at a clip.

    :raises ValueError: it has to be encoded; says why.
    """
    film = read_film(path)
    found = film.sequence
    if (found.width, found.height) != (canvas.width, canvas.height) or not found.square:
        raise ValueError(f"it is {found.width}x{found.height}")
    if film.rate != canvas.fps:
        raise ValueError(f"it has {float(film.rate):g} frames a second")
    if not found.usual_colours:
        raise ValueError("its colours are unusual")
    if found.level > HIGHEST_LEVEL:
        raise ValueError(f"its level is {found.level / 10:g}")
    if film.bytes * 8 > HEAVIEST * len(film.shown) * canvas.width * canvas.height:
        raise ValueError("it is too large")
    return Take(form=(film.header, film.ahead), cuts=frozenset(cuts(film)), told_colours=found.told_colours)


def cuts(film: Film) -> list[int]:
    """The numbers of pictures after which a film may end.

    Not after one that begins anew: two such in a row could be taken for one where the next clip follows.
    """
    farthest = accumulate(film.shown, max)
    return [
        number
        for number, (last, anew) in enumerate(zip(farthest, film.anew, strict=True), start=1)
        if last == number - 1 and not anew
    ]


def share(timing: Timing, allowed: Mapping[int, Collection[int]]) -> tuple[Slot, ...] | None:
    """Slots as near to those of ``timing`` as can be, whose lengths are among those allowed for their numbers.

    ``None`` where an end would have to move by more than half a second; the end of the video never moves.
    """
    slack = round(MOVED_SECONDS * timing.fps)
    ways: dict[int, tuple[int, tuple[int, ...]]] = {0: (0, ())}  # by where they end: frames moved, and the lengths
    for slot in timing.slots:
        wanted = slot.start + slot.frames
        within = slack if wanted < timing.frames else 0
        further: dict[int, tuple[int, tuple[int, ...]]] = {}
        for end, (moved, lengths) in ways.items():
            for length in allowed[slot.number]:
                off = abs(end + length - wanted)
                way = (moved + off, (*lengths, length))
                if off <= within and way < further.get(end + length, (timing.frames**2, ())):
                    further[end + length] = way
        ways = further
    if timing.frames not in ways:
        return None
    return _slots(timing.slots, ways[timing.frames][1])


def _slots(slots: Sequence[Slot], lengths: Sequence[int]) -> tuple[Slot, ...]:
    starts = accumulate(lengths, initial=0)
    return tuple(
        replace(slot, start=start, frames=frames) for slot, start, frames in zip(slots, starts, lengths, strict=False)
    )
