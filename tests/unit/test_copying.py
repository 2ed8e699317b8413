"""Where clips can be cut without decoding them, and how slots move to such places."""

from collections.abc import Collection
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiktoker_batch.media import h264
from tiktoker_batch.media.copying import MOVED_SECONDS, cuts, share
from tiktoker_batch.media.film import Film
from tiktoker_batch.media.timing import Timing, fit

PLAIN = h264.Sequence(
    level=31,
    width=720,
    height=1280,
    square=True,
    usual_colours=True,
    told_colours=True,
    frame_number_bits=4,
    order_type=2,
    order_bits=0,
    order_is_free=False,
)


def a_film(shown: list[int], anew: Collection[int] = (0,)) -> Film:
    return Film(
        rate=Fraction(24),
        header="a",
        sequence=PLAIN,
        shown=shown,
        anew=[number in anew for number in range(len(shown))],
        ahead=0,
        bytes=1,
    )


def timing_of(frames: int, nominal: list[float]) -> Timing:
    return fit(narration=0.1, duration=frames / 24, length="exact", fps=24, nominal=nominal)


def lengths_of(timing: Timing, allowed: dict[int, Collection[int]]) -> list[int] | None:
    slots = share(timing, allowed)
    return None if slots is None else [slot.frames for slot in slots]


def test_pictures_that_come_as_they_are_shown_may_end_anywhere_but_after_a_first_one() -> None:
    assert cuts(a_film([0, 1, 2, 3])) == [2, 3, 4]
    assert cuts(a_film([0, 1, 2, 3], anew={0, 2})) == [2, 4], "nor after another that begins anew"


def test_one_that_others_lean_on_does_not_stay_without_them() -> None:
    assert cuts(a_film([0, 3, 1, 2, 6, 4, 5])) == [4, 7]


@given(st.permutations(range(12)))
def test_what_is_left_before_a_cut_is_what_is_shown_first(shown: list[int]) -> None:
    film = a_film(shown)
    for number in range(2, 13):
        assert (number in cuts(film)) == (set(shown[:number]) == set(range(number)))


def test_slots_stay_where_they_are_if_clips_can_be_cut_there() -> None:
    timing = timing_of(93, [2.0, 2.0])
    everywhere = {number: range(1, 49) for number in (1, 2)}
    assert share(timing, everywhere) == timing.slots


def test_slots_move_as_little_as_they_must() -> None:
    assert lengths_of(timing_of(93, [2, 2]), {1: [41, 45, 48], 2: [41, 45, 48]}) == [45, 48]
    assert lengths_of(timing_of(140, [2, 2, 2]), {1: [45, 48], 2: [44, 47], 3: range(40, 49)}) == [48, 44, 48]


def test_the_end_of_the_video_never_moves_nor_any_other_too_far() -> None:
    assert lengths_of(timing_of(92, [2, 2]), {1: [45, 48], 2: [45, 48]}) is None
    assert lengths_of(timing_of(92, [2, 2]), {1: [33], 2: [59]}) is None, "thirteen frames are too many"
    assert lengths_of(timing_of(92, [2, 2]), {1: [34], 2: [58]}) == [34, 58]


def test_clips_that_are_too_short_together_are_no_way() -> None:
    assert lengths_of(timing_of(100, [2, 2]), {1: range(1, 49), 2: range(1, 49)}) is None
    assert lengths_of(timing_of(92, [2, 2]), {1: [], 2: range(1, 49)}) is None, "one that cannot be cut at all"


@given(
    frames=st.integers(30, 400),
    clips=st.lists(st.sets(st.integers(2, 60), min_size=1, max_size=12), min_size=1, max_size=8),
)
def test_shared_slots_are_cuts_that_fill_the_video_without_a_gap(frames: int, clips: list[set[int]]) -> None:
    timing = timing_of(frames, [2.0] * len(clips))
    slots = share(timing, dict(enumerate(clips, start=1)))
    if slots is None:
        return
    ends = [slot.start + slot.frames for slot in slots]
    assert [slot.start for slot in slots] == [0, *ends[:-1]]
    assert ends[-1] == timing.frames
    assert all(slot.frames in own for slot, own in zip(slots, clips, strict=True))
    moved = [abs(end - slot.start - slot.frames) for end, slot in zip(ends, timing.slots, strict=True)]
    assert max(moved) <= MOVED_SECONDS * 24


# ---------------------------------------------------------------------- headers


def bits(*fields: str) -> bytes:
    """A unit out of its bits, with what ends it."""
    text = "".join(fields).replace(" ", "") + "1"
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8)


def test_a_header_that_is_cut_off_or_of_another_profile_is_refused() -> None:
    for broken in (b"\x67", b"\x67\x64", b"\x67\x64\x00\x1f\x00\x00\x00"):
        with pytest.raises(ValueError, match="ends in the middle"):
            h264.read_sequence(broken)
    with pytest.raises(ValueError, match="profile 244"):
        h264.read_sequence(b"\x67\xf4\x00\x1f\xff\xff")
    with pytest.raises(ValueError, match="profile 66"):
        h264.read_sequence(b"\x67\x42\x00\x1f\xff\xff")


def test_bytes_that_keep_a_unit_from_looking_like_another_are_no_part_of_it() -> None:
    # profile 77, level 3.1, id 0, frame numbers of 4 bits, order type 2, one reference, 16x16 ... in 45x80 macroblocks
    fields = ["1", "1", "011", "010", "0", "00000101101", "0000001010000", "1", "1", "0"]
    vui = ["1", f"1 11111111 {0:032b}", "0", "0"]
    plain = bytes([0x67, 77, 0, 31]) + bits(*fields, *vui)
    escaped = plain.replace(b"\0\0", b"\0\0\3")
    assert escaped != plain
    assert h264.read_sequence(escaped) == h264.read_sequence(plain)
    found = h264.read_sequence(plain)
    assert (found.width, found.height, found.square, found.level) == (720, 1280, True, 31)
    oblong = [*fields, "1", "1 11111111 0000000000000100 0000000000000011", "0", "0"]
    assert not h264.read_sequence(bytes([0x67, 77, 0, 31]) + bits(*oblong)).square


def test_a_slice_that_drops_what_came_before_is_told_from_one_that_keeps_it() -> None:
    picture = h264.Picture(order_of_both_fields=False, redundant=False)
    # first macroblock, an I slice, parameter set 0, frame number of 4 bits, id of the picture, then whether it drops
    for drops in (0, 1):
        slice_ = b"\x65" + bits("1", "0001000", "1", "0000", "1", str(drops), "0")
        assert h264.keeps_what_came_before(slice_, PLAIN, picture) == (not drops)
    with pytest.raises(ValueError, match="I slice"):
        h264.keeps_what_came_before(b"\x65" + bits("1", "00110", "1"), PLAIN, picture)
    with pytest.raises(ValueError, match="begin anew"):
        h264.keeps_what_came_before(b"\x41\xff", PLAIN, picture)
