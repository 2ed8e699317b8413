"""Which place a prompt speaks of."""

import re
from collections.abc import Callable

import numpy as np

from tiktoker_batch.providers.local.painter.canvas import Layer
from tiktoker_batch.providers.local.painter.heavens import abstract, space
from tiktoker_batch.providers.local.painter.land import dunes, forest, meadow, mountains
from tiktoker_batch.providers.local.painter.rooms import hall, laboratory, library, room, sill
from tiktoker_batch.providers.local.painter.stage import Stage
from tiktoker_batch.providers.local.painter.town import skyline, street
from tiktoker_batch.providers.local.painter.water import deep, sea

SCENES: dict[str, Callable[[Stage], list[Layer]]] = {
    "mountains": mountains, "dunes": dunes, "meadow": meadow, "forest": forest, "sea": sea, "deep": deep,
    "space": space, "abstract": abstract, "street": street, "skyline": skyline, "room": room, "sill": sill,
    "library": library, "laboratory": laboratory, "hall": hall,
}  # fmt: skip

# Words that name a place, by place.
PLACES: dict[str, str] = {
    "sill": "windowsill sill windowpane",
    "library": "library bookshop bookshelf bookshelves bookstore archive archives study",
    "laboratory": "laboratory lab experiment",
    "hall": "palace tomb temple church cathedral crypt hall throne museum tunnel cave cavern dungeon monastery catacomb"
    " catacombs vault mosque colonnade arch ruins",
    "deep": "underwater undersea seabed seafloor reef coral corals abyss trench depths deep deepest submarine",
    "space": "space nebula galaxy galaxies orbit planet planets cosmos universe asteroid comet moonbase",
    "sea": "sea ocean lighthouse harbour harbor pier coast beach shore waves wave bay island river lake cliff cliffs",
    "street": "street streets alley market traffic square courtyard lane road sidewalk crosswalk",
    "skyline": "skyline city town rooftop rooftops metropolis bridge waterfront downtown",
    "dunes": "desert dune dunes sand sands sahara pyramid pyramids oasis wasteland mars",
    "forest": "forest woods wood jungle grove swamp rainforest",
    "meadow": "meadow field fields garden park grass clearing farm pasture hillside prairie vineyard"
    " countryside savanna",
    "room": "room table window kitchen desk office cellar studio cafe coffeehouse bar tavern attic chamber cell shop"
    " workshop workbench bedroom corridor door parlour restaurant balcony hospital school classroom fireplace",
    "mountains": "mountain mountains valley hill hills peak peaks summit glacier volcano plain"
    " avalanche castle fortress",
}
# Where a thing belongs when no place is named.
HOMES: dict[str, str] = {
    "deep": "octopus squid whale whales jellyfish anglerfish fish shark dolphin turtle bubbles diver",
    "sea": "ship ships boat sailor anchor captain pirate sail gull storm keeper",
    "street": "detective spy police soldier soldiers taxi car bus cyclist umbrella neon gangster crowd people",
    "skyline": "tower skyscraper",
    "dunes": "camel caravan nomad scorpion cactus pharaoh mummy",
    "forest": "fox deer wolf owl bear mushroom trees hermit fairy",
    "meadow": "flower flowers bee bees butterfly horse windmill balloon tree house cottage farmer honey dog child",
    "space": "astronaut rocket spaceship spacecraft star stars moon satellite alien probe",
    "library": "book books letter writer scholar map hourglass",
    "laboratory": "robot scientist inventor brain experiment potion chemist",
    "room": "cup coffee tea mug clock clockmaker cat jar painter piano candle lamp cook bread",
    "hall": "king queen crown knight gold treasure monk key",
    "mountains": "dragon eagle wizard",
    "abstract": "idea ideas energy mind thought thoughts data network internet algorithm code memory dream dreams music"
    " sound atoms quantum electricity future heart emotion signal",
}
UNDER_WATER = re.compile(
    r"\b(under|below|beneath|down in|deep in)\b.{0,14}\b(sea|ocean|water|waves|surface)\b|\bsea ?floor\b|\bwreck\b"
)
_OPEN = ("mountains", "dunes", "sea", "forest", "meadow", "abstract")
# What lies on a table is seen from near, whatever lies around.
AT_TABLE = re.compile(r"\b(on|at|upon|around|over|across)\b.{0,16}\b(table|desk|counter|shelf|balcony)\b")
WITH_TABLES = ("library", "laboratory", "hall", "room")


def choose(prompt: str, rng: np.random.Generator) -> str:
    """The place that the prompt speaks of, else where its first thing belongs, else one picked by chance."""
    text = prompt.lower()
    picked = str(rng.choice(_OPEN))
    if UNDER_WATER.search(text):
        return "deep"
    words = re.findall(r"[a-z]+", text)
    if AT_TABLE.search(text):
        return next((place for place in WITH_TABLES if not set(PLACES[place].split()).isdisjoint(words)), "room")
    # A street of a city is a street: the narrower place stands higher in the table.
    for place, named in PLACES.items():
        if not set(named.split()).isdisjoint(words):
            return place
    homes = {word: place for place, named in HOMES.items() for word in named.split()}
    return next((homes[word] for word in words if word in homes), picked)
