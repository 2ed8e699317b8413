"""Which place a prompt speaks of."""

import re
from collections.abc import Callable

import numpy as np

from tiktoker_batch.providers.local.painter.built import city, room
from tiktoker_batch.providers.local.painter.canvas import Layer
from tiktoker_batch.providers.local.painter.nature import deep, dunes, forest, mountains, sea, space
from tiktoker_batch.providers.local.painter.stage import Stage

SCENES: dict[str, Callable[[Stage], list[Layer]]] = {
    "mountains": mountains, "dunes": dunes, "sea": sea, "deep": deep, "city": city, "forest": forest, "space": space,
    "room": room,
}  # fmt: skip

# Words that name a place, by place.
PLACES: dict[str, str] = {
    "deep": "underwater undersea seabed reef coral corals abyss trench depths deep deepest submarine",
    "sea": "sea ocean harbour harbor pier coast beach shore waves wave bay island storm lake river cliff cliffs",
    "city": "city street streets alley market town rooftop rooftops traffic square station bridge crowd skyline neon",
    "dunes": "desert dune dunes sand sands sahara pyramid pyramids oasis wasteland",
    "forest": "forest woods wood jungle grove clearing meadow garden park trees swamp",
    "space": "space nebula galaxy galaxies orbit planet planets cosmos universe asteroid comet moonbase",
    "room": "room table window windowsill kitchen library desk workshop laboratory lab office cellar tomb"
    " studio cafe bar tavern house-interior attic chamber hall cell shop bedroom corridor door",
    "mountains": "mountain mountains valley hill hills peak peaks summit glacier plain volcano",
}
# Where a thing belongs when no place is named.
HOMES: dict[str, str] = {
    "deep": "octopus squid whale whales jellyfish anglerfish fish shark turtle bubbles diver",
    "sea": "lighthouse ship ships boat sailor anchor captain pirate sail gull",
    "city": "detective spy police soldier soldiers taxi car bus cyclist neon-sign umbrella people lamp lantern",
    "dunes": "camel caravan nomad scorpion cactus",
    "forest": "fox deer wolf owl bear mushroom tree bird birds butterfly hermit",
    "space": "astronaut rocket spaceship spacecraft star stars moon satellite alien probe",
    "room": "cup coffee tea mug clock clockmaker robot cat book books honey jar painter piano candle flower"
    " flowers letter",
    "mountains": "castle king queen dragon knight eagle palace fortress tower balloon",
}


UNDER_WATER = re.compile(
    r"\b(under|below|beneath)\b.{0,12}\b(sea|ocean|water|waves|surface)\b"
    r"|\bsea ?floor\b|\bwreck\b"
)


def choose(prompt: str, rng: np.random.Generator) -> str:
    """The place that the prompt speaks of, else where its first thing belongs, else an open landscape."""
    if UNDER_WATER.search(prompt.lower()):
        return "deep"
    words = re.findall(r"[a-z]+", prompt.lower())
    for table in (PLACES, HOMES):
        known = {word: place for place, named in table.items() for word in named.split()}
        for word in words:
            if word in known:
                return known[word]
    return str(rng.choice(["mountains", "dunes", "sea", "forest"]))
