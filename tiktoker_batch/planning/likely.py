"""How long work takes, as far as it can be known: what is usual, how far it spreads, and how sure that is. Pure.

What a model's work took before is compared with what was expected of it, in logarithms, and the catalog's word counts
as one more witness: it gives way as history grows, in the usual time as in the spread.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from statistics import NormalDist, fmean, median, pstdev, quantiles

from tiktoker_batch.model import Json, Kind, Model

SHARES = 100  # equal parts of all jobs between the knots of a spread
OUTLIERS, OUTLIER_FACTOR = 0.05, 3.0  # one job in twenty takes three times as long: what services were seen to do
DOUBT = 0.3  # sigma of the logarithm by which the catalog's figure is off for a model
DRIFT = 0.05  # the same of what was measured on another day: no service is the same every day
USUAL_SPREAD = 0.25
_WITNESSES = 8  # jobs that the catalog's word on the spread of ordinary jobs weighs as much as
_WITNESSES_OF_OUTLIERS = 40  # the same of outliers: a dozen jobs without one prove nothing
_CAUTION = 1.0  # weight of the guess that time grows with the root of the size
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Seconds that a piece of work took, and its size: seconds of clip, characters spoken; 0 where there is none."""

    seconds: float
    size: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How times of one model spread. ``knots`` are multiples of the usual time, rising, between equal shares of jobs;
    ``doubt`` is the sigma of the logarithm by which the usual time itself may be off."""

    knots: tuple[float, ...]
    doubt: float

    def at(self, share: float) -> float:
        """The multiple that this share (0 to 1) of all jobs stays below."""
        place = min(max(share, 0.0), 1.0) * (len(self.knots) - 1)
        below = min(int(place), len(self.knots) - 2)
        return self.knots[below] + (self.knots[below + 1] - self.knots[below]) * (place - below)

    def share_below(self, multiple: float) -> float:
        """The share of jobs that take no longer than this multiple of the usual time."""
        above = bisect_left(self.knots, multiple)
        if above in {0, len(self.knots)}:
            return 0.0 if above == 0 else 1.0
        low, high = self.knots[above - 1], self.knots[above]
        return (above - 1 + (multiple - low) / (high - low)) / (len(self.knots) - 1)

    @property
    def variation(self) -> float:
        """The standard deviation of the times, as a share of their mean: outliers count for most of it."""
        middles = [(low + high) / 2 for low, high in pairwise(self.knots)]
        return pstdev(middles) / fmean(middles)

    def evenly(self) -> tuple[float, ...]:
        """The multiples at all ends of ``SHARES`` equal shares."""
        return self.knots if len(self.knots) == SHARES + 1 else tuple(self.at(k / SHARES) for k in range(SHARES + 1))

    def to_json(self) -> Json:
        """For the journal."""
        return {"knots": [round(each, 3) for each in self.knots], "doubt": round(self.doubt, 3)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """What the next job will take: ``usual`` seconds, spread as its ``shape`` says."""

    usual: float
    shape: Shape

    @property
    def early(self) -> float:
        """Seconds before which one job in twenty ends."""
        return self.usual * self.shape.at(0.05)

    @property
    def late(self) -> float:
        """Seconds after which one job in twenty has not ended yet: whoever is slower is a straggler."""
        return self.usual * self.shape.at(0.95)


def shape_from_json(told: object) -> Shape:
    """A shape out of a journal; the usual one where it is not as it should be."""
    match told:
        case {"knots": [_, _, *_] as knots, "doubt": int() | float() as doubt}:
            rises = all(isinstance(each, int | float) for each in knots) and all(a <= b for a, b in pairwise(knots))
            if rises and knots[0] > 0:
                return Shape(knots=tuple(map(float, knots)), doubt=float(doubt))
    return expected_shape(USUAL_SPREAD)


@cache
def expected_shape(sigma: float) -> Shape:
    """The spread of a model nobody has used yet: lognormal, with the outliers of all services."""
    ends = (0.001, *(each / SHARES for each in range(1, SHARES)), 0.999)
    return Shape(knots=tuple(_quantile(share, max(sigma, 0.01)) for share in ends), doubt=DOUBT)


def _quantile(share: float, sigma: float) -> float:
    low, high = -6 * sigma, 6 * sigma + math.log(OUTLIER_FACTOR)
    for _ in range(24):
        middle = (low + high) / 2
        slow = _NORMAL.cdf((middle - math.log(OUTLIER_FACTOR)) / sigma)
        below = (1 - OUTLIERS) * _NORMAL.cdf(middle / sigma) + OUTLIERS * slow
        low, high = (middle, high) if below < share else (low, middle)
    return math.exp((low + high) / 2)


def likely(seconds: float, sigma: float, taken: Sequence[Taken] = (), size: float = 0.0) -> Likely:
    """What to expect of work of this size, of which the catalog says that it takes so many seconds, and of what it took
    before."""
    expected = expected_shape(sigma)
    if not taken:
        return Likely(usual=seconds, shape=expected)
    off = _off(seconds, taken, size)
    middle = median(off)
    body = expected_shape(round(_body(off, sigma), 2))
    spread = Shape(knots=_joined([math.exp(each - middle) for each in off], body.knots), doubt=DOUBT)
    doubt = math.hypot(DRIFT, less_doubt(DOUBT, spread.variation, len(off)))
    return Likely(usual=usual_seconds(seconds, sigma, taken, size), shape=replace(spread, doubt=doubt))


def usual_seconds(seconds: float, sigma: float, taken: Sequence[Taken], size: float) -> float:
    """The usual time alone, which is quicker to tell."""
    trust = len(taken) / (len(taken) + (max(sigma, 0.1) / DOUBT) ** 2)
    return seconds * math.exp(trust * median(_off(seconds, taken, size)))


def _off(seconds: float, taken: Sequence[Taken], size: float) -> list[float]:
    """By how much each differs from what was expected of work of this size, in logarithms."""
    growth = _growth(taken)
    expected = max(seconds, 0.001)
    return [math.log(each.seconds / expected * _grown(size, each.size, growth)) for each in taken]


def _body(off: Sequence[float], sigma: float) -> float:
    """The spread of ordinary jobs, as the sigma of its logarithm: what was seen, and what was expected."""
    if len(off) < 4:
        return sigma
    sixths = quantiles(off, n=6, method="inclusive")
    seen = (sixths[4] - sixths[0]) / 2
    return (len(off) * seen + _WITNESSES * sigma) / (len(off) + _WITNESSES)


def less_doubt(doubt: float, variation: float, count: int) -> float:
    """What is left of the doubt about a mean after so many jobs of this variation."""
    return 1 / math.sqrt(1 / doubt**2 + count / max(variation, 0.02) ** 2)


def _grown(size: float, other: float, growth: float) -> float:
    return math.pow(size / other, growth) if size > 0 and other > 0 else 1.0


def _growth(taken: Sequence[Taken]) -> float:
    """The power of the size with which time grows, from 0 (not at all) to 1; guessed at until sizes differ."""
    sized = [(math.log(each.size), math.log(each.seconds)) for each in taken if each.size > 0]
    if not sized:
        return 0.0
    size, seconds = fmean(x for x, _ in sized), fmean(y for _, y in sized)
    together = sum((x - size) * (y - seconds) for x, y in sized)
    apart = sum((x - size) ** 2 for x, _ in sized)
    return min(max((0.5 * _CAUTION + together) / (_CAUTION + apart), 0.0), 1.0)


def _joined(seen: Sequence[float], expected: Sequence[float]) -> tuple[float, ...]:
    """The knots of what was seen, with the expected ones as so many witnesses more."""
    told = sorted(
        [*((each, 1.0) for each in seen), *((each, _WITNESSES_OF_OUTLIERS / len(expected)) for each in expected)]
    )
    total, below = sum(weight for _, weight in told), 0.0
    places = []
    for value, weight in told:
        places.append(((below + weight / 2) / total, value))
        below += weight
    return tuple(_between(places, each / SHARES) for each in range(SHARES + 1))


def _between(places: Sequence[tuple[float, float]], share: float) -> float:
    above = bisect_left(places, (share, -math.inf))
    if above in {0, len(places)}:
        return places[min(above, len(places) - 1)][1]
    (x0, y0), (x1, y1) = places[above - 1], places[above]
    return y0 + (y1 - y0) * (share - x0) / (x1 - x0)


# ---------------------------------------------------------------------- of steps


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What steps took before, by model (``provider:id``): from the moment they had their seats until they were done."""

    steps: Mapping[str, Sequence[Taken]] = field(default_factory=dict)
    _told: dict[tuple[str, float, float], float] = field(default_factory=dict, compare=False, repr=False)

    def seconds(self, ref: str, expected: float, sigma: float, size: float) -> float:
        """What a step of this size will usually take, if the catalog expects so many seconds of it."""
        taken = self.steps.get(ref)
        if not taken:
            return expected
        asked = (ref, expected, size)  # thousands of steps ask the same
        if asked not in self._told:
            self._told[asked] = round(usual_seconds(expected, sigma, taken, size), 3)
        return self._told[asked]

    def shapes(self, models: Mapping[str, Model], refs: Sequence[str]) -> dict[str, Shape]:
        """How the times of these models spread."""
        sigmas = {ref: models[ref].latency_spread if ref in models else USUAL_SPREAD for ref in refs}
        return {ref: likely(1.0, sigma, self.steps.get(ref, ())).shape for ref, sigma in sigmas.items()}


def size_of(kind: Kind, params: Mapping[str, Json], characters: int) -> float:
    """What the time of a step goes by: seconds of clip or of the finished video, characters to be spoken; else 0."""
    told: Json = {Kind.CLIP: params.get("seconds"), Kind.ASSEMBLY: params.get("duration")}.get(kind, 0)
    if kind is Kind.NARRATION:
        return float(characters)
    return float(told) if isinstance(told, int | float) else 0.0
