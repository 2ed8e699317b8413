"""English words as they are spoken, and which spoken words belong to which shown word."""

# ruff: noqa: RUF001 - typographic marks
import re
from collections.abc import Callable, Sequence

# What the phonemizer would spell, drop or misread. Everything else (numbers, dates, money, units, titles) it knows.
_READINGS = {
    "i.e.": "that is", "e.g.": "for example", "etc.": "et cetera", "etc": "et cetera", "w/": "with", "w/o": "without",
    "24/7": "twenty-four seven", "wwi": "World War One", "wwii": "World War Two", "c++": "C plus plus",
    "c#": "C sharp", "asap": "A.S.A.P.", "&": "and", "@": "at",
}  # fmt: skip
_REWRITES = (
    (re.compile(r"(\d[\d.,]*)\s?([€£$])"), r"\2\1"),  # 20€ loses its euros
    (re.compile(r"(?<=\d)[kK]\b"), " thousand"),
    (re.compile(r"\.{2,}"), "…"),
    (re.compile(r"--+"), "—"),
    (re.compile(r"\s[-–](?=\s|$)"), " —"),
    (re.compile(r"(?<=[^\W\d_])\+(?=[^\W\d_])"), " plus "),
)
_MARKS = "\"'“”‘«»(),;:!?…[]’"
_KEY = re.compile(r"[^\w$€£%&@+]+")
_MOST = 14  # spoken words for one shown word: a long sum of money with its cents


def spoken_form(word: str) -> str:
    """A shown word as text for the phonemizer, with the marks that shape its melody."""
    bare = word.strip(_MARKS)
    reading = _READINGS.get(bare.lower()) or _READINGS.get(bare.lower().rstrip("."))
    if reading and bare:
        word = word.replace(bare, reading)
    for pattern, replacement in _REWRITES:
        word = pattern.sub(replacement, word)
    return word


def assign(shown: Sequence[str], spoken: Sequence[str], normalize: Callable[[str], str]) -> list[int]:
    """For each spoken word the index of the shown word it belongs to; never decreasing.

    ``normalize`` reads a single word out (``5km`` -> ``5 kilometers``). Where the sentence was read differently (a
    range, a date) the cheapest split of the spoken words is taken: shown words equal to theirs cost nothing.
    """
    if not shown:
        return []
    total = len(spoken)
    most = max(_MOST, total - len(shown) + 1)
    # best[j]: cost of giving the first j spoken words to the shown words so far, and where each began
    best = [0.0] + [float("inf")] * total
    began: list[list[int]] = []
    for index, word in enumerate(shown, 1):
        expected = [_key(part) for part in normalize(word).split()]
        costs, starts = [float("inf")] * (total + 1), [0] * (total + 1)
        for end in _reach(index, len(shown), total):
            for start in range(max(0, end - most), end + 1):
                cost = best[start] + _cost(expected, spoken[start:end])
                if cost < costs[end]:
                    costs[end], starts[end] = cost, start
        best = costs
        began.append(starts)
    return _walk_back(began, total)


def _reach(index: int, shown: int, spoken: int) -> range:
    """How many spoken words the first ``index`` shown words can have: not far from as many, for speed."""
    if index == shown:
        return range(spoken, spoken + 1)
    surplus = spoken - shown
    return range(max(0, index + min(0, surplus) - _MOST), min(spoken, index + max(0, surplus) + _MOST) + 1)


def _walk_back(began: Sequence[Sequence[int]], total: int) -> list[int]:
    owners = [0] * total
    end = total
    for index in range(len(began) - 1, -1, -1):
        start = began[index][end]
        owners[start:end] = [index] * (end - start)
        end = start
    return owners


def _cost(expected: Sequence[str], run: Sequence[str]) -> float:
    keys = [_key(word) for word in run]
    if expected == keys:
        return 0.0
    if not keys:
        return 3.0  # a word that would have no sound
    longer = max(len(expected), len(keys))
    cost = 1.0 + 0.5 * abs(len(expected) - len(keys)) + 0.5 * (longer - len(set(expected) & set(keys)))
    # What is added follows its word (``$5 million`` -> ``5 million dollars``) and stays within the clause.
    return cost - 0.25 * (expected[:1] == keys[:1]) + sum(word[-1] in ",;:.!?" for word in run[:-1])


def _key(word: str) -> str:
    return _KEY.sub("", word.lower())
