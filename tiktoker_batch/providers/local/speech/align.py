"""Times of phonemes from the sound alone: shares of the voiced stretch, with pauses put where the marks are."""

# ruff: noqa: RUF001 - phonetic letters
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Span = tuple[float, float]

_FRAME = 0.01
_THRESHOLD_DB = -38.0  # below the loudest frame
_SHORTEST_PAUSE = 0.09
_VOWELS = frozenset("AIOQWYaeiouæɑɐɒəɚɛɜɪʊʌɔᵊᵻ")
_MODIFIERS = frozenset("ˈˌːʰʲ")
_MARKS = frozenset(";:,.!?—…")


def align(symbols: Sequence[str], audio: npt.NDArray[np.float32], rate: int) -> list[Span]:
    """(start, end) in seconds of every phoneme symbol.

    Pauses heard within the sentence are matched, longest first, to the marks nearest to where they are expected;
    between these fixed points time is shared out by how long a kind of sound usually lasts.
    """
    voiced = voiced_frames(audio, rate)
    if not voiced.any() or not symbols:
        return [(0.0, 0.0)] * len(symbols)
    first, last = _extent(voiced)
    edges = np.concatenate([[0.0], np.cumsum([_weight(symbol) for symbol in symbols])])
    knots = [(0.0, first), *_anchors(symbols, edges, voiced, (first, last)), (float(edges[-1]), last)]
    at = np.interp(edges, [knot[0] for knot in knots], [knot[1] for knot in knots])
    return list(zip(at[:-1].tolist(), at[1:].tolist(), strict=True))


def voiced_frames(audio: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.bool_]:
    """Whether each 10 ms frame carries sound."""
    size = int(rate * _FRAME)
    count = len(audio) // size
    if not count:
        return np.zeros(0, np.bool_)
    level = np.sqrt(np.mean(np.square(audio[: count * size].reshape(count, size), dtype=np.float64), axis=1))
    result: npt.NDArray[np.bool_] = level > max(level.max() * 10 ** (_THRESHOLD_DB / 20), 1e-5)
    return result


def _extent(voiced: npt.NDArray[np.bool_]) -> Span:
    at = np.flatnonzero(voiced)
    return float(at[0]) * _FRAME, float(at[-1] + 1) * _FRAME


def _weight(symbol: str) -> float:
    if symbol in _VOWELS:
        return 1.6
    if symbol in _MODIFIERS:
        return 0.5
    return 0.15 if symbol == " " or symbol in _MARKS else 1.0


def _anchors(
    symbols: Sequence[str], edges: npt.NDArray[np.float64], voiced: npt.NDArray[np.bool_], extent: Span
) -> list[tuple[float, float]]:
    """Fixed points (weight, seconds): both ends of each pause that a mark explains."""
    first, last = extent
    marks = [index for index, symbol in enumerate(symbols[:-1]) if symbol in _MARKS]
    taken: dict[int, Span] = {}
    scale = (last - first) / float(edges[-1])
    for pause in sorted(_pauses(voiced, extent), key=lambda span: span[0] - span[1]):
        free = [mark for mark in marks if mark not in taken and _in_order(mark, pause, taken)]
        if free:
            middle = (pause[0] + pause[1]) / 2
            nearest = min(free, key=lambda mark: abs(first + float(edges[mark]) * scale - middle))
            taken[nearest] = pause
    return [
        point
        for mark, (start, end) in sorted(taken.items())
        for point in ((float(edges[mark]), start), (float(edges[mark + 1]), end))
    ]


def _in_order(mark: int, pause: Span, taken: dict[int, Span]) -> bool:
    return all((mark < other) == (pause[0] < span[0]) for other, span in taken.items())


def _pauses(voiced: npt.NDArray[np.bool_], extent: Span) -> list[Span]:
    edges = np.flatnonzero(np.diff(voiced.astype(np.int8)))
    spans = [(float(a + 1) * _FRAME, float(b + 1) * _FRAME) for a, b in pairwise(edges) if not voiced[a + 1]]
    return [span for span in spans if span[1] - span[0] >= _SHORTEST_PAUSE and extent[0] < span[0] < extent[1]]
