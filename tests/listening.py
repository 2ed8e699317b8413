"""An ear for tests: what a speech recogniser hears in a narration, and when, against what was to be said."""

import re
import wave
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tiktoker_batch.media.words import Word

_RATE = 16_000  # pocketsphinx's English model
_FRAMES_PER_SECOND = 100
_VARIANT = re.compile(r"\(\d+\)$")  # "the(2)": another pronunciation


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A recognised word; seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``said`` spoken words, ``errors`` of them wrong, missing or invented.

    ``offsets`` are our start minus the recogniser's, in seconds, of the shown words that it recognised.
    """

    said: int
    errors: int
    offsets: Mapping[int, float] = field(default_factory=dict)

    @property
    def word_error_rate(self) -> float:
        """Errors per spoken word."""
        return self.errors / self.said


def listen(path: Path) -> list[Heard]:
    """What pocketsphinx, with its bundled American English model, hears in a mono 16-bit WAV."""
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=_RATE, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(_samples(path), no_search=False, full_utt=True)
    decoder.end_utt()
    return [
        Heard(
            text=_VARIANT.sub("", segment.word),
            start=segment.start_frame / _FRAMES_PER_SECOND,
            end=(segment.end_frame + 1) / _FRAMES_PER_SECOND,
        )
        for segment in decoder.seg()
        if segment.word[0] not in "<["
    ]


def compare(words: Sequence[Word], heard: Sequence[Heard], readings: Mapping[str, str] | None = None) -> Comparison:
    """Align what was said with what was heard (least edits) and compare.

    ``readings`` spells out words that are not spoken as they are written: ``{"1969": "nineteen sixty nine"}``.
    """
    said = [(index, token) for index, word in enumerate(words) for token in _tokens(word.text, readings or {})]
    pairs = align([token for _, token in said], [word.text.lower() for word in heard])
    matched = [(a, b) for a, b in pairs if a is not None and b is not None and said[a][1] == heard[b].text.lower()]
    first = {index: position for position, (index, _) in reversed(list(enumerate(said)))}
    offsets = {said[a][0]: words[said[a][0]].start - heard[b].start for a, b in matched if first[said[a][0]] == a}
    return Comparison(said=len(said), errors=len(pairs) - len(matched), offsets=offsets)


def align(left: Sequence[str], right: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """The alignment of two sequences with the fewest substitutions, deletions and insertions."""
    rows, columns = len(left) + 1, len(right) + 1
    cost = np.zeros((rows, columns), np.int64)
    cost[:, 0], cost[0, :] = np.arange(rows), np.arange(columns)
    for i in range(1, rows):
        for j in range(1, columns):
            change = cost[i - 1, j - 1] + (left[i - 1] != right[j - 1])
            cost[i, j] = min(change, cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    return list(_steps_back(cost, left, right))[::-1]


def _steps_back(
    cost: "np.ndarray[tuple[int, int], np.dtype[np.int64]]", left: Sequence[str], right: Sequence[str]
) -> Iterable[tuple[int | None, int | None]]:
    i, j = len(left), len(right)
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (left[i - 1] != right[j - 1]):
            i, j = i - 1, j - 1
            yield i, j
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            yield i, None
        else:
            j -= 1
            yield None, j


def _tokens(text: str, readings: Mapping[str, str]) -> list[str]:
    bare = text.strip(".,;:!?…—-–\"'“”‘’()«» ").lower().replace("’", "'")  # noqa: RUF001 - typographic marks
    return readings.get(bare, bare.replace("-", " ")).split()


def _samples(path: Path) -> bytes:
    """16-bit samples at 16 kHz, resampled through the spectrum."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        audio = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64)
    count = round(len(audio) * _RATE / rate)
    spectrum = np.fft.rfft(audio)[: count // 2 + 1]
    return np.clip(np.fft.irfft(spectrum, count) * (count / len(audio)), -32768, 32767).astype("<i2").tobytes()
