"""Words that name things one can see, and what Russian words stand for in a picture."""

# ruff: noqa: RUF001, SIM905 - Cyrillic letters; paragraphs of words
import re

from tiktoker_batch.providers.local.writer.lexicon import HEROES
from tiktoker_batch.providers.local.writer.themes import THEMES

_UNSEEN = frozenset(
    """
    mystery crime history horror dark technology software algorithm nightmare curse scary cosmos universe nature
    animal legend myth century frozen cold urban renaissance war north abandoned haunted medieval ancient roman
    egyptian underwater polar arctic code everest voyager cooking baking cook internet noir cyberpunk steampunk
    """.split()
)
VISIBLE = (
    HEROES
    | {stem for theme in THEMES.values() for stem in theme.stems}
    | frozenset(
        """
        arm baby bacteria bag balcony balloon banner bench blood book bottle bowl box branch bridge bubble building
        bulb bus button candle canvas cart cave chair cheek clock cloud coat coffeehouse coin colour color cork
        corner crater crowd crown cup curtain dog door dust egg eye face feather field finger fire flag flame
        flashlight floor fog footprint footstep forehead fountain fruit gate gear glass gold governor grass
        gravestone guard gull hair hall hand hat heart hill hoof horizon horse house hut instrument jar key kite
        knife lake lamp lantern leaf leg letter light lightning lip map market mask mirror mist mountain mouth
        needle neck nest notebook ocean page painting palace paper parade path peak pen pipe plane plate pocket pond
        pot rain rainbow record ring river road rock roof room root rope sail sandstorm screen seed shadow shell
        shelf signal silk skeleton skin sky smoke spark spoon square staircase stairs statue steam stone stove
        suitcase sun sunlight sunrise sunset sunbeam table tear tent thread throne tooth torch tower toy track trail
        treasure tunnel umbrella valley village vine violin volcano wagon wall wallpaper water waterfall wave wheel
        wheelbarrow wig wind window wing wire workbench workshop yard
        """.split()
    )
) - _UNSEEN

_RUSSIAN = {
    r"лис(?:а|у|ы|ой|ён|ен|ят|иц)": "a fox",
    r"волк|волч": "a wolf",
    r"медвед": "a bear",
    r"заяц|зайц|зайч": "a hare",
    r"кот(?:а|у|ы|ом|ён|ен|ик)?\b|кошк|кошек": "a cat",
    r"собак|пёс|щен": "a dog",
    r"птиц": "a bird",
    r"сов[аыу]|сова": "an owl",
    r"рыб": "a fish",
    r"кит(?:а|ы|у|ом)?\b": "a whale",
    r"лошад|кон[ья]\b": "a horse",
    r"пчел|пчёл": "bees",
    r"мёд|мед(?:а|у|ом)?\b": "a jar of honey",
    r"дракон": "a dragon",
    r"робот": "a robot",
    r"детектив|сыщик": "a detective",
    r"космонавт": "an astronaut",
    r"рыцар": "a knight",
    r"корол": "a king",
    r"волшебни|маг\b": "a wizard",
    r"мальчик": "a boy",
    r"девочк": "a girl",
    r"старик|старич": "an old man",
    r"старуш|бабушк": "an old woman",
    r"ребён|ребен|дет[иейям]+\b": "a child",
    r"человек|люд[иейям]+\b": "people",
    r"художни": "a painter",
    r"врач": "a doctor",
    r"капитан": "a captain",
    r"мор(?:е|я|ю|ем)\b|океан": "the sea",
    r"маяк": "a lighthouse",
    r"корабл": "a ship",
    r"лодк": "a boat",
    r"остров": "an island",
    r"берег": "a shore",
    r"волн[аыуе]": "waves",
    r"рек[аиуе]\b": "a river",
    r"озер": "a lake",
    r"вод[аыуе]": "water",
    r"камн|камен": "stones",
    r"гор[аыуе]\b|хреб": "mountains",
    r"лес[ауео]?м?\b": "a forest",
    r"дерев": "trees",
    r"ветк": "a branch",
    r"лист[ья]": "leaves",
    r"цвет[оы]": "flowers",
    r"сад[ауе]?\b": "a garden",
    r"трав": "grass",
    r"троп|дорог": "a path",
    r"снег|снеж": "snow",
    r"лёд|льд|ледян": "ice",
    r"мороз|холод": "frost",
    r"дожд": "rain",
    r"туман": "fog",
    r"облак": "clouds",
    r"гроз|молни": "lightning",
    r"солнц": "the sun",
    r"лун[аыуе]\b": "the moon",
    r"звезд|звёзд": "stars",
    r"неб[оаеу]": "the sky",
    r"планет": "a planet",
    r"марс": "the planet Mars",
    r"косм": "outer space",
    r"ракет": "a rocket",
    r"сияни": "northern lights",
    r"дыр": "a black hole",
    r"город": "a city",
    r"улиц|переул": "a street",
    r"крыш": "roofs",
    r"площад": "a square",
    r"дом(?:а|у|ом|ик|ой)?\b": "a house",
    r"окн|окон": "a window",
    r"двер": "a door",
    r"мост": "a bridge",
    r"поезд": "a train",
    r"машин": "a machine",
    r"час[ыо]": "a clock",
    r"ламп|фонар": "a lamp",
    r"свеч": "a candle",
    r"огон|огн|костёр|костр": "a fire",
    r"книг": "a book",
    r"письм": "a letter",
    r"карт[аыуе]\b": "a map",
    r"ключ": "a key",
    r"зеркал": "a mirror",
    r"чай\b|чая\b|чашк": "a cup of tea",
    r"кофе": "a cup of coffee",
    r"хлеб": "bread",
    r"скрипк": "a violin",
    r"музык": "a musician",
    r"вывеск|неон": "a neon sign",
    r"следы|следов": "footprints",
    r"канат": "ropes",
    r"чайк": "gulls",
    r"замок|замк": "a castle",
    r"баш(?:ня|ни|не)": "a tower",
}
_RUSSIAN_STEMS = [(re.compile(rf"\b(?:{stem})", re.IGNORECASE), words) for stem, words in _RUSSIAN.items()]


def visible_words(text: str) -> list[str]:
    """The English words of a text that name something one can see, in order, as written."""
    return [word for word in re.findall(r"[A-Za-z'’]+", text) if _is_visible(word.lower())]


def _is_visible(word: str) -> bool:
    word = re.sub(r"['’]s?$", "", word)
    return any(form in VISIBLE for form in (word, word.removesuffix("s"), word.removesuffix("es")))


def seen_in_russian(text: str) -> list[str]:
    """What a Russian text shows, in English, in order and each once."""
    found = [(match.start(), words) for stem, words in _RUSSIAN_STEMS if (match := stem.search(text))]
    return list(dict.fromkeys(words for _, words in sorted(found)))
