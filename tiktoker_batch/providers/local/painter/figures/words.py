"""Which words name which figure."""

_NAMES: dict[str, str] = {
    "person": "person man men people figure boy actor artist author baker boxer brother builder carpenter chef citizen"
    " coach cook dancer doctor driver engineer explorer farmer father friend gardener gentleman gentlemen guide hero"
    " hunter inventor journalist lover mechanic musician neighbour nomad officer painter passenger philosopher"
    " photographer pianist poet professor prisoner programmer runner scholar scientist sculptor shepherd singer soldier"
    " stranger student surgeon tailor teacher thief traveler traveller violinist waiter wanderer worker writer"
    " grandfather humans human crowd merchant hiker",
    "woman": "woman women lady ladies actress bride daughter girl grandmother heroine mother nurse princess sister wife"
    " witch goddess seamstress waitress dancer",
    "child": "child children kid kids toddler schoolboy orphan",
    "detective": "detective spy agent sleuth investigator gangster",
    "keeper": "keeper fisherman sailor captain ferryman monk hermit pilgrim smuggler miner beekeeper watchman",
    "king": "king emperor pharaoh sultan prince duke",
    "queen": "queen empress",
    "wizard": "wizard sorcerer magician alchemist mage shaman druid",
    "knight": "knight warrior samurai viking crusader guard gladiator",
    "astronaut": "astronaut cosmonaut spaceman",
    "robot": "robot android cyborg automaton",
    "cat": "cat kitten",
    "dog": "dog puppy hound",
    "fox": "fox wolf",
    "owl": "owl",
    "horse": "horse pony stallion unicorn",
    "bird": "bird eagle gull seagull crow raven hawk pigeon swallow dove swan",
    "butterfly": "butterfly moth",
    "bee": "bee honeybee bumblebee",
    "fish": "fish goldfish salmon tuna",
    "shark": "shark dolphin",
    "whale": "whale orca",
    "octopus": "octopus octopuse squid kraken",
    "jellyfish": "jellyfish medusa",
    "anglerfish": "anglerfish",
    "dragon": "dragon",
    "lighthouse": "lighthouse beacon",
    "castle": "castle fortress",
    "tower": "tower",
    "house": "house cottage hut cabin farmhouse",
    "temple": "temple parthenon",
    "pyramid": "pyramid",
    "bridge": "bridge",
    "windmill": "windmill",
    "tree": "tree oak",
    "mushroom": "mushroom toadstool",
    "lamppost": "lamppost streetlamp streetlight",
    "cup": "cup coffee tea mug teacup espresso cappuccino cocoa",
    "coffeepot": "coffeepot teapot kettle",
    "jar": "jar honey pot jam marmalade",
    "book": "book novel notebook diary",
    "clock": "clock clockmaker watchmaker wristwatch stopwatch watch",
    "hourglass": "hourglass",
    "candle": "candle candlelight",
    "lantern": "lantern",
    "lamp": "lamp",
    "flower": "flower rose daisy daisie tulip sunflower blossom",
    "crown": "crown tiara",
    "heart": "heart",
    "brain": "brain neuron",
    "telescope": "telescope",
    "key": "key",
    "ship": "ship boat sailboat galleon vessel yacht caravel",
    "car": "car taxi automobile",
    "train": "train locomotive",
    "rocket": "rocket spacecraft",
    "spaceship": "spaceship ufo saucer starship",
    "balloon": "balloon",
}
WORDS: dict[str, str] = {word: name for name, words in _NAMES.items() for word in words.split()}

# These are verbs or figures of speech as often as things.
UNSURE = frozenset(
    [
        "watch", "train", "book", "rose", "fish", "ship", "guard", "cook", "coach", "guide", "key", "tower", "bridge",
        "heart", "figure", "bee", "crown",
    ]
)  # fmt: skip
CERTAIN = frozenset(WORDS) - UNSURE - {f"{word}s" for word in UNSURE}
DETERMINERS = frozenset(
    [
        "a", "an", "the", "this", "that", "one", "his", "her", "its", "their", "my", "our", "your", "old", "ancient",
        "new", "little", "small", "big", "great", "golden", "silver", "red", "blue", "white", "black", "green",
        "lonely", "brass", "iron", "steam", "glowing", "huge", "giant", "tiny", "open", "closed", "beating", "human",
        "wooden", "stone",
    ]
)  # fmt: skip
