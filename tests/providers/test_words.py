"""Word times from whatever a speech service tells."""

from typing import Any

import pytest

from tiktoker_batch.providers.words import timed_words
from tiktoker_batch.simulator.speech import alignment_of

TEXT = "In 1977, two spacecraft left."


def words(told: Any, *, text: str = TEXT, seconds: float = 3.0) -> list[tuple[str, float, float]]:
    found = timed_words(text, told, seconds=seconds)
    assert isinstance(found, list)
    return [(str(each["text"]), float(each["start"]), float(each["end"])) for each in found]  # type: ignore[index, call-overload, arg-type]


def test_letters_become_words() -> None:
    found = words(alignment_of(TEXT, 3.0))
    assert [text for text, _, _ in found] == TEXT.split()
    assert found[0][1] == pytest.approx(0.05)
    assert found[-1][2] <= 3.0


def test_alignments_in_several_pieces_are_joined() -> None:
    whole = alignment_of(TEXT, 3.0)
    pieces = [{name: row[a:b] for name, row in whole.items()} for a, b in ((0, 7), (7, 20), (20, len(TEXT)))]
    assert words(pieces) == words(whole)


def test_words_with_times_are_taken_as_they_are() -> None:
    told = [{"text": word, "start": n * 0.5, "end": n * 0.5 + 0.4} for n, word in enumerate(TEXT.split())]
    assert [start for _, start, _ in words(told)] == [0, 0.5, 1.0, 1.5, 2.0]


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        "nonsense",
        {"characters": ["a"], "character_start_times_seconds": [0], "character_end_times_seconds": []},
        alignment_of("Another text altogether.", 3.0),
        {**alignment_of(TEXT, 3.0), "character_start_times_seconds": [0.1] * len(TEXT)},
        alignment_of(TEXT, 30.0),
        {**alignment_of(TEXT, 3.0), "character_end_times_seconds": [0.1] * len(TEXT)},
        [{"text": "In"}],
    ],
)
def test_what_cannot_be_believed_is_shared_out_over_the_sound(told: Any) -> None:
    found = words(told)
    assert [text for text, _, _ in found] == TEXT.split()
    assert all(start < end for _, start, end in found)
    assert [start for _, start, _ in found] == sorted(start for _, start, _ in found)
    assert 2.0 < found[-1][2] < 3.0
