"""What the writer knows of English words. Lists, not rules: a wrong guess would be heard."""

# ruff: noqa: SIM905 - a paragraph of words is easier to read and extend than a list of them

HEROES = frozenset(
    """
    actor actress adventurer agent alien alchemist android angel apprentice archaeologist archer architect artist
    assassin astronaut astronomer athlete author baby baker barber barista bear bee beekeeper bird blacksmith
    botanist boy boxer bride brother butcher butterfly captain carpenter cat chef chemist child clockmaker clown
    cook cop cosmonaut courier cowboy crow cyborg dancer daughter deer demon detective dinosaur diver doctor dog
    dolphin dragon dreamer driver drone duck duke eagle electrician elephant elf emperor engineer explorer fairy
    farmer father ferryman firefighter fisherman fox friend frog gardener general ghost giant girl goat goblin
    goddess grandfather grandmother guard guide hacker hamster hare hawk hedgehog hero heroine horse hunter husband
    inventor journalist juggler keeper king kitten knight lady lawyer librarian lion lizard locksmith lover magician
    mailman man mechanic mermaid messenger miner monk monkey monster mother mouse musician nanny neighbour neighbor
    ninja nomad nurse octopus officer orphan owl painter panda parrot penguin philosopher photographer pianist
    pigeon pilot pirate pizzaiolo plumber poet policeman postman potter president prince princess prisoner professor
    programmer puppet puppy queen rabbit ranger raven researcher rider robot runner sailor samurai scientist
    sculptor seamstress shaman shark shepherd singer sister sloth smuggler snail soldier sorcerer sparrow spider spy
    squirrel stranger student surfer surgeon swan tailor teacher teenager thief tiger toddler toymaker traveller
    traveler turtle twin unicorn vampire viking violinist waiter waitress wanderer warrior watchmaker werewolf whale
    widow wife witch wizard wolf woman worker writer zombie
    """.split()
)
HERO_ENDINGS = ("ologist", "smith", "keeper", "maker", "hunter", "fighter", "walker", "woman", "seller", "catcher")
IRREGULAR_PLURALS = {
    "men": "man",
    "women": "woman",
    "children": "child",
    "people": "person",
    "mice": "mouse",
    "geese": "goose",
    "wolves": "wolf",
    "wives": "wife",
    "thieves": "thief",
    "feet": "foot",
    "teeth": "tooth",
}
SINGULAR_DETERMINERS = frozenset(["a", "an", "one", "this", "that", "another", "every", "each"])
PLURAL_DETERMINERS = frozenset(
    """two three four five six seven eight nine ten twelve hundred these those many several few both all some""".split()
)
DETERMINERS = (
    SINGULAR_DETERMINERS | PLURAL_DETERMINERS | {"the", "my", "your", "our", "his", "her", "their", "its", "no"}
)
CONNECTORS = frozenset(
    """
    in on at of with without from to into onto under over above below beneath behind beside between among through
    across against along around before after during near inside outside by for about like as and or but who whom
    whose that which where when while until than per via versus vs alone lost trapped
    """.split()
)
RELATIVES = frozenset(["who", "whom", "whose", "that", "which", "where", "when", "while", "until"])
FINITE = frozenset(
    """
    is are was were has have had can could will would must may might shall should does do did never always not
    cannot can't won't don't doesn't didn't isn't aren't wasn't learns learned finds found meets met falls fell goes
    went gets got becomes became saves saved discovers discovered wakes woke builds built makes made takes took
    loses wins won tries tried wants wanted says said tells told sees saw comes came runs ran turns turned dreams
    dreamed lives lived fights fought escapes escaped travels travelled remembers remembered forgets forgot returns
    returned loves loved hates hated knows knew thinks thought needs needed keeps kept brings brought begins began
    starts started stops stopped ends ended grows grew changes changed rises rose sleeps slept eats ate breaks broke
    opens opened closes closed follows followed hears heard hides hid steals stole
    """.split()
)
NOT_GERUNDS = frozenset(
    """
    king ring thing things nothing something everything anything spring string evening morning building ceiling wing
    sing bring being viking darling sibling clothing pudding sterling offspring lightning wedding earring shilling
    herring
    """.split()
)
IMPERATIVES = frozenset(
    """
    make learn build cook draw write create find try stop start think say use be do go get keep take give let never
    always please don't remember forget imagine
    """.split()
)
SINGULAR_IN_S = frozenset(
    "news physics mathematics politics economics gymnastics chess glass grass moss mars venus".split()
)
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
