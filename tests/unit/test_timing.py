"""How narration and duration decide the frames of a video (spec 3, ``length``)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiktoker_batch.errors import NarrationTooLong
from tiktoker_batch.media.timing import fill, fit


def seconds_of(narration: float, duration: float = 30, length: str = "auto", fps: int = 24) -> float:
    return fit(narration=narration, duration=duration, length=length, fps=fps, nominal=[4] * 8).seconds


def test_a_narration_near_the_wanted_duration_decides_it() -> None:
    assert seconds_of(27.0) == pytest.approx(27.5, abs=1 / 24)
    assert seconds_of(34.0) == pytest.approx(34.5, abs=1 / 24)


def test_a_much_shorter_narration_leaves_the_wanted_duration() -> None:
    assert seconds_of(10.0) == 30


def test_a_much_longer_narration_is_never_cut() -> None:
    assert seconds_of(45.0) == 45.5


def test_exact_is_exact_to_the_frame_and_speeds_the_narration_up_when_it_must() -> None:
    timing = fit(narration=33.0, duration=30, length="exact", fps=24, nominal=[4] * 8)
    assert (timing.frames, timing.tempo) == (720, pytest.approx(1.1))
    assert fit(narration=20.0, duration=30, length="exact", fps=24, nominal=[4] * 8).tempo == 1.0


def test_exact_refuses_what_cannot_be_spoken_naturally_and_says_by_how_much() -> None:
    with pytest.raises(NarrationTooLong, match=r"40\.0 s; even at 1\.25x it is 2\.0 s too long for 30 s"):
        seconds_of(40.0, length="exact")


@given(
    narration=st.floats(0.5, 120),
    duration=st.floats(1, 120),
    fps=st.integers(1, 60),
    nominal=st.lists(st.floats(1, 12), min_size=1, max_size=30),
)
def test_every_frame_belongs_to_exactly_one_segment(
    narration: float, duration: float, fps: int, nominal: list[float]
) -> None:
    timing = fit(narration=narration, duration=duration, length="auto", fps=fps, nominal=nominal)
    assert timing.seconds >= narration
    starts = [slot.start for slot in timing.slots]
    ends = [slot.start + slot.frames for slot in timing.slots]
    assert starts == [0, *ends[:-1]]
    assert ends[-1] == timing.frames
    assert all(slot.frames >= 1 for slot in timing.slots)


@given(clip=st.floats(0.5, 20), slot=st.floats(0.1, 40))
def test_a_clip_is_trimmed_slowed_a_little_or_held_but_always_fills_its_slot(clip: float, slot: float) -> None:
    filling = fill(clip, slot)
    assert 1 <= filling.stretch <= 1.25
    assert clip * filling.stretch + filling.hold_seconds >= slot - 1e-6
    if slot <= clip:
        assert (filling.stretch, filling.hold_seconds) == (1, 0)
