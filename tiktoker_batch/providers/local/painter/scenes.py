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

WORDS: dict[str, str] = {
    "underwater": "deep", "octopus": "deep", "coral": "deep", "corals": "deep", "reef": "deep", "whale": "deep",
    "fish": "deep", "sea floor": "deep", "under the sea": "deep", "deep sea": "deep", "sea": "sea", "ocean": "sea",
    "harbour": "sea", "harbor": "sea", "lighthouse": "sea", "ship": "sea", "pier": "sea", "coast": "sea",
    "beach": "sea",
       "storm": "sea", "waves": "sea", "sailor": "sea", "city": "city", "street": "city", "neon": "city", "market": "city",
    "detective": "city", "alley": "city", "town": "city", "rooftop": "city", "traffic": "city", "tower": "city",
    "desert": "dunes", "dune": "dunes", "dunes": "dunes", "sand": "dunes", "camel": "dunes", "pyramid": "dunes",
    "forest": "forest", "woods": "forest", "tree": "forest", "trees": "forest", "jungle": "forest", "fox": "forest",
    "space": "space", "planet": "space", "star": "space", "stars": "space", "galaxy": "space", "astronaut": "space",
    "nebula": "space", "rocket": "space", "orbit": "space", "moon": "space", "table": "room", "window": "room",
    "windowsill": "room", "room": "room", "kitchen": "room", "library": "room", "cup": "room", "tea": "room",
    "desk": "room", "workshop": "room", "laboratory": "room", "clock": "room", "clockmaker": "room", "coffee": "room",
    "jar": "room", "tomb": "room", "book": "room", "robot": "room", "cat": "room", "palace": "room", "lamp": "room",
    "mountain": "mountains", "mountains": "mountains", "valley": "mountains", "castle": "mountains",
    "cliff": "mountains",
}  # fmt: skip


def choose(prompt: str, rng: np.random.Generator) -> str:
    """The place that the prompt speaks of: longest name first; an open landscape where it names none."""
    text = prompt.lower()
    for phrase in sorted(WORDS, key=lambda word: (-word.count(" "), _position(text, word))):
        if _position(text, phrase) < len(text):
            return WORDS[phrase]
    return str(rng.choice(["mountains", "dunes", "sea", "forest"]))


def _position(text: str, word: str) -> int:
    found = re.search(rf"\b{re.escape(word)}\b", text)
    return found.start() if found else len(text)
