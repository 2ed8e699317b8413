"""Figures: things that a prompt can name, drawn as vector shapes; never one that it does not name.

A figure is text, one shape a line: ``form [width] tone: x,y x,y ...``. x runs from 0 to 100, y downwards in the same
unit. Forms: ``poly``, ``curve`` (closed and smooth), ``oval`` (centre, then radii), ``line`` (its width first; three or
more points taper), ``beam`` (soft light) and ``steam``. Tone 0 is the body, negative darker, positive lighter, ``*``
glows.
"""

import re
from dataclasses import dataclass
from functools import cache

from tiktoker_batch.providers.local.painter.figures.animals import ANIMALS
from tiktoker_batch.providers.local.painter.figures.buildings import BUILDINGS
from tiktoker_batch.providers.local.painter.figures.people import PEOPLE
from tiktoker_batch.providers.local.painter.figures.things import THINGS
from tiktoker_batch.providers.local.painter.figures.words import CERTAIN, DETERMINERS, UNSURE, WORDS

FIGURES: dict[str, str] = PEOPLE | ANIMALS | BUILDINGS | THINGS
LANDMARKS = BUILDINGS.keys() - {"mushroom", "lamppost", "tree"}
FLOATING = frozenset(
    [
        "bird", "butterfly", "bee", "fish", "shark", "whale", "octopus", "jellyfish", "anglerfish", "balloon", "rocket",
        "spaceship", "heart", "brain", "key",
    ]
)  # fmt: skip

# Two words that name one thing, by the first of them.
PAIR_NAMES = {"coffee": "coffeepot", "tea": "coffeepot", "street": "lamppost"}
PAIRS = re.compile(r"\b(coffee|tea) pots?\b|\bstreet (lamps?|lights?|lanterns?)\b")
SEVERAL = re.compile(
    r"\b(men|women|people|crowd|gentlemen|ladies|children|kids|humans|soldiers|knights|monks|kings|sailors|students"
    r"|workers|friends|explorers|detectives|astronauts|robots|cats|dogs|wizards)\b"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One form; ``tone`` None glows. ``width`` is that of a line, in the figure's unit."""

    form: str
    tone: float | None
    width: float
    points: tuple[tuple[float, float], ...]


@cache
def shapes(name: str) -> tuple[Shape, ...]:
    """The shapes of a figure, in the order they are drawn."""
    joined = re.sub(r"\n\s+(?=-?\d)", " ", FIGURES[name])  # a line that starts with a number continues the one above
    return tuple(_shape(line) for line in joined.splitlines() if line.strip())


def _shape(line: str) -> Shape:
    head, _, numbers = line.partition(":")
    form, *settings = head.split()
    points = [(float(x), float(y)) for x, y in (pair.split(",") for pair in numbers.split() if "," in pair)]
    width = float(settings[0]) if form == "line" else 0.0
    if form == "steam":
        width = float(numbers.split()[-1])
    tone = settings[-1]
    return Shape(form, None if tone == "*" else float(tone), width, tuple(points))


@cache
def extent(name: str) -> float:
    """How tall a figure is for its width of 1."""
    solid = [shape for shape in shapes(name) if shape.form in {"poly", "curve", "line"}]
    ovals = [shape.points for shape in shapes(name) if shape.form == "oval"]
    lowest = [y for shape in solid for _, y in shape.points] + [centre[1] + radii[1] for centre, radii in ovals]
    return max(lowest) / 100


def find(prompt: str) -> str | None:
    """The first figure that the prompt names, living beings before landmarks."""
    named = find_all(prompt)
    return next((name for name in named if name not in LANDMARKS), named[0] if named else None)


def find_all(prompt: str) -> list[str]:
    """Every figure that the prompt names, in order, each once."""
    words = re.findall(r"[a-z]+", PAIRS.sub(lambda pair: PAIR_NAMES[pair[0].split()[0]], prompt.lower()))
    found = [name for at in range(len(words)) if (name := _named(words, at))]
    return list(dict.fromkeys(found))


def _named(words: list[str], at: int) -> str | None:
    """What the word at a place names; a word that may also be a verb counts after an article or an adjective only."""
    name = next((WORDS[form] for form in _singulars(words[at]) if form in WORDS), None)
    if name is None or any(form in CERTAIN for form in _singulars(words[at])):
        return name
    before, ahead = words[max(0, at - 2) : at], words[at + 1 : at + 2]
    if words[at] in UNSURE and not (
        set(before[-1:]) & DETERMINERS or (set(before[:1]) & DETERMINERS and ahead != ["the"])
    ):
        return None
    return name


def _singulars(word: str) -> list[str]:
    return [word, word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word)]
