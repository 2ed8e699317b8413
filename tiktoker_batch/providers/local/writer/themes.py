"""Places that stories and pictures share. A theme is found by words of the topic, of a sentence or of a style."""

# ruff: noqa: SIM905 - a paragraph of words is easier to read and extend than a list of them

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """``stems`` call for it; ``spoken`` sets the scene of a narration, ``places`` and ``lights`` that of a picture."""

    stems: tuple[str, ...]
    spoken: tuple[str, ...]
    places: tuple[str, ...]
    lights: tuple[str, ...]


THEMES: dict[str, Theme] = {
    "city": Theme(
        stems=tuple(
            "city cities street neon cyberpunk detective noir mystery crime police taxi traffic town urban "
            "skyscraper alley spy thief subway metro murder hacker rooftop".split()
        ),
        spoken=(
            "Rain runs down the windows and turns the street lights into rivers.",
            "Somewhere above the roofs a siren fades.",
            "The city hums, and nobody listens.",
            "A neon sign flickers, goes out, and comes back red.",
            "Footsteps cross an empty square.",
            "Steam rises from the gutters like breath.",
            "In the alley, one window is still lit.",
            "The last train leaves without a passenger.",
        ),
        places=(
            "a rain-soaked street between tall towers",
            "a narrow alley with neon signs",
            "a rooftop above the night city",
            "an office with blinds and a single lamp",
            "an empty underground station",
            "a bridge over a dark canal with city lights",
        ),
        lights=(
            "neon reflections in puddles",
            "a lone street lamp",
            "blue dusk and lit windows",
            "light through blinds",
        ),
    ),
    "deep": Theme(
        stems=tuple(
            "underwater submarine jellyfish anglerfish octopus squid shark whale dolphin fish coral reef diver "
            "seahorse abyss mermaid".split()
        ),
        spoken=(
            "Down here everything is slow and blue.",
            "A few bubbles rise and are gone.",
            "Light comes from above, and never quite arrives.",
            "Something large passes by without a sound.",
            "The current combs through the weed.",
            "In the dark, a small lamp goes on, and it is alive.",
        ),
        places=(
            "the deep blue water with drifting particles",
            "a reef with swaying corals",
            "a dark trench with tall rocks",
            "a forest of kelp",
            "a sandy sea floor with an old wreck",
        ),
        lights=(
            "shafts of light from above",
            "a faint glow in the dark",
            "blue twilight under water",
            "sparkling plankton",
        ),
    ),
    "sea": Theme(
        stems=tuple(
            "sea ocean lighthouse ship boat sailor island wave coast beach pirate harbour harbor captain storm".split()
        ),
        spoken=(
            "Dark water moves against the rocks, patient as a clock.",
            "The wind tastes of salt.",
            "Far out, a single light rises and falls.",
            "Gulls cry over the harbour, and ropes creak.",
            "A wave comes in, and takes its time to leave.",
            "A bell rings once, out in the mist.",
            "The horizon is nothing but a thin grey line.",
            "Mist rolls in and hides the shore.",
        ),
        places=(
            "black rocks with breaking waves",
            "a small harbour with wooden boats",
            "a wooden pier in the fog",
            "a lighthouse on a cliff",
            "an endless sea under heavy clouds",
            "a quiet beach with wet sand",
        ),
        lights=(
            "moonlight on the water",
            "pale morning mist",
            "the sweep of a lighthouse beam",
            "silver light under clouds",
        ),
    ),
    "space": Theme(
        stems=tuple(
            "space star stars planet moon mars galaxy astronaut cosmonaut rocket universe alien comet asteroid "
            "orbit telescope nebula spaceship spacecraft voyager satellite cosmos meteor".split()
        ),
        spoken=(
            "Out there it is so quiet that you hear your own heart.",
            "The stars do not twinkle here. They simply burn.",
            "Below, a whole world turns without a sound.",
            "A red lamp blinks in the dark cabin.",
            "Dust drifts through the light like slow snow.",
            "The sun rises over the edge of a planet.",
            "Behind the glass there is nothing, and a great deal of it.",
            "A signal arrives, faint and very old.",
        ),
        places=(
            "the dark beyond a glowing planet",
            "the cabin of a spaceship with a round window",
            "a silent plain of grey dust under stars",
            "a field of stars with a bright nebula",
            "a space station above the curve of a planet",
            "a crater rim at the edge of night",
        ),
        lights=("cold starlight", "the rim light of a rising sun", "a red instrument glow", "blue light from a planet"),
    ),
    "forest": Theme(
        stems=tuple(
            "forest wood woods tree wolf fox bear deer owl bird bee honey garden flower jungle leaf animal nature "
            "meadow mushroom hedgehog squirrel rabbit butterfly elf fairy crow raven spider elephant tiger lion "
            "monkey".split()
        ),
        spoken=(
            "Morning mist hangs between the trees.",
            "A branch breaks, and then it is still again.",
            "Light falls through the leaves in small gold coins.",
            "Something rustles in the grass.",
            "The path is narrow, and it does not say where it leads.",
            "An owl opens one eye.",
            "The wind passes through the crowns like a rumour.",
            "Between the roots, water finds its way.",
        ),
        places=(
            "a misty forest with tall trunks",
            "a clearing full of wild flowers",
            "a narrow path between mossy roots",
            "a stream among stones and ferns",
            "an old hollow tree",
            "a hill meadow in tall grass",
        ),
        lights=("golden light through leaves", "soft morning fog", "fireflies at dusk", "a low evening sun"),
    ),
    "winter": Theme(
        stems=tuple(
            "snow winter ice mountain arctic polar penguin glacier frozen christmas aurora summit climber frost "
            "everest antarctica blizzard".split()
        ),
        spoken=(
            "Snow falls without a sound.",
            "Every breath hangs in the air for a moment.",
            "The ice sings, far away and very deep.",
            "There are footprints, and then there are none.",
            "Above the ridge the sky turns green and begins to move.",
            "A lantern swings in the wind.",
            "The cold makes every star sharper.",
            "Behind the last hut the white begins.",
        ),
        places=(
            "a snow field below sharp peaks",
            "a frozen lake with cracks in the ice",
            "a wooden hut in deep snow",
            "a mountain ridge above the clouds",
            "a snowy forest at night",
            "a trail of footprints in fresh snow",
        ),
        lights=("green northern lights", "blue winter dusk", "warm light from a window", "a low pale sun"),
    ),
    "desert": Theme(
        stems=tuple(
            "desert sand dune camel pyramid egypt cactus oasis sphinx pharaoh sahara cowboy canyon nomad".split()
        ),
        spoken=(
            "Sand moves over sand, grain by grain.",
            "The heat bends the horizon until it floats.",
            "A shadow is worth more than gold here.",
            "At night the desert gives all its warmth back to the sky.",
            "Wind has written something on the dunes, and wiped it out again.",
            "There is one well, and the map is old.",
        ),
        places=(
            "high dunes with sharp ridges",
            "ruins half buried in sand",
            "an oasis with a few palms",
            "a red canyon",
            "a caravan track through the dunes",
        ),
        lights=("a burning sunset", "hard midday sun", "cold starlight over sand", "dust glowing in backlight"),
    ),
    "kitchen": Theme(
        stems=tuple(
            "coffee tea bread food cake kitchen cook chef baker bakery chocolate cheese pizza soup wine "
            "restaurant cafe breakfast dinner spice sugar salt butter pasta sushi cooking baking".split()
        ),
        spoken=(
            "Steam climbs the window and blurs the street.",
            "Something warm is on the stove.",
            "A cup is put down, and the room grows quieter.",
            "Flour hangs in the light like smoke.",
            "The smell arrives first, as it always does.",
            "A spoon turns slowly in a cup.",
        ),
        places=(
            "a wooden table with a steaming cup",
            "a small kitchen with copper pans",
            "a market stall full of colours",
            "a corner cafe with fogged windows",
            "a bakery before dawn",
        ),
        lights=("warm morning light from a window", "a single hanging lamp", "steam in backlight", "candlelight"),
    ),
    "past": Theme(
        stems=tuple(
            "history ancient castle knight king queen medieval rome roman empire viking samurai war battle museum "
            "century egyptian emperor princess prince sword dragon wizard witch legend myth pharaohs renaissance "
            "throne".split()
        ),
        spoken=(
            "A candle burns down, and somebody lights the next one.",
            "Hooves ring on wet stone.",
            "Behind thick walls, voices are lowered.",
            "A key turns that has not been turned for years.",
            "Banners move above the gate, though there is no wind.",
            "Dust lies on the letters, but they can still be read.",
        ),
        places=(
            "a stone hall with tall windows",
            "a castle gate with banners",
            "a cobbled street of an old town",
            "a library of old books",
            "a tower above misty hills",
            "a courtyard with torches",
        ),
        lights=("torchlight on stone", "candlelight", "a beam of dusty light", "a cloudy golden dawn"),
    ),
    "machine": Theme(
        stems=tuple(
            "robot machine computer engine clock watchmaker train factory inventor internet phone android cyborg "
            "technology software code engineer steam steampunk airplane car bicycle drone algorithm gear".split()
        ),
        spoken=(
            "Small wheels turn, and larger ones follow.",
            "A lamp on the console changes from red to green.",
            "Somewhere a fan starts up and settles into a hum.",
            "On the workbench lies a part that fits nowhere.",
            "Sparks fall and go out before they reach the floor.",
            "The clock on the wall is two minutes ahead of everybody.",
        ),
        places=(
            "a workshop full of tools and gears",
            "a hall of humming machines",
            "a workbench under a bright lamp",
            "a corridor with blinking lights",
            "a train yard with steam",
        ),
        lights=(
            "sparks in the dark",
            "warm lamp light on brass",
            "cool blue screen light",
            "light through factory windows",
        ),
    ),
    "spooky": Theme(
        stems=tuple(
            "ghost haunted vampire horror zombie graveyard nightmare werewolf demon curse abandoned scary "
            "halloween monster skeleton".split()
        ),
        spoken=(
            "A door stands open that was locked an hour ago.",
            "The floor creaks, but only upstairs.",
            "In the mirror, something is a moment too late.",
            "The dog looks at the empty corner and does not bark.",
            "Fog lies between the gravestones.",
            "A curtain moves, although every window is shut.",
        ),
        places=(
            "a long corridor with one open door",
            "an abandoned house behind bare trees",
            "a graveyard in fog",
            "a dusty attic with a covered mirror",
            "a staircase that leads down into the dark",
        ),
        lights=("a flickering candle", "moonlight through broken blinds", "a weak flashlight beam", "pale fog light"),
    ),
    "art": Theme(
        stems=tuple(
            "music song piano pianist violin violinist painter painting artist dancer dance poet poetry singer "
            "theatre theater musician guitar jazz orchestra sculptor".split()
        ),
        spoken=(
            "One note hangs in the air, and the next one waits.",
            "On the easel there is still more white than paint.",
            "The hall is empty, but the lights are on.",
            "A brush touches the canvas and stops.",
            "The curtain moves, and everyone holds their breath.",
            "From an open window comes the same melody, once more.",
        ),
        places=(
            "a studio with tall windows and canvases",
            "an empty stage in a single spotlight",
            "a piano in a bare room",
            "a street corner with a lone musician",
            "a gallery with one bright picture",
        ),
        lights=("a single spotlight", "north light from tall windows", "warm stage light", "dust in a beam of light"),
    ),
    "anywhere": Theme(
        stems=(),
        spoken=(
            "Outside, the day takes its time.",
            "A light goes on in a window across the street.",
            "Somewhere a clock strikes, and no one counts.",
            "The wind turns a page that nobody is reading.",
            "Clouds pass over the roofs and change the colour of everything.",
            "For a moment, all is still.",
        ),
        places=(
            "a wide field under a big sky",
            "a quiet room with an open window",
            "a road that runs to the horizon",
            "a hill above a small town",
            "a bench beneath an old tree",
            "a door that stands ajar",
        ),
        lights=(
            "soft evening light",
            "clear morning light",
            "light breaking through clouds",
            "the last light of the day",
        ),
    ),
}
STYLE_THEMES = {
    "cyberpunk": "city", "noir": "city", "noir_cyberpunk": "city", "graffiti": "city", "retro_80s": "city",
    "fantasy": "past", "steampunk": "machine", "horror": "spooky", "sci_fi": "space", "oil_painting": "past",
    "storybook_classic": "forest",
}  # fmt: skip
_BY_STEM = {stem: name for name, theme in reversed(THEMES.items()) for stem in theme.stems}


def themes_of(text: str) -> list[str]:
    """The names of the themes that a text calls for, the most often called first."""
    found: dict[str, int] = {}
    for word in re.findall(r"[a-z]+", text.lower().replace("black hole", "star").replace("deep sea", "abyss")):
        name = _BY_STEM.get(word) or _BY_STEM.get(word.removesuffix("s")) or _BY_STEM.get(word.removesuffix("es"))
        if name:
            found[name] = found.get(name, 0) + 1
    return sorted(found, key=lambda name: -found[name])


def theme_of(text: str, style: str) -> Theme:
    """The theme of a text; where it calls for none, that of the style."""
    names = themes_of(text)
    return THEMES[names[0] if names else STYLE_THEMES.get(style, "anywhere")]
