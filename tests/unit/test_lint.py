"""Warnings about texts: each at its place, few of them wrong, and none of them ever an error."""

from pathlib import Path

import pytest

from tests.values import a_video
from tiktoker_batch.app import full_catalog
from tiktoker_batch.model import Recipe
from tiktoker_batch.recipe.build import load_recipe
from tiktoker_batch.recipe.english import not_english
from tiktoker_batch.recipe.lint import lacks_subject, repeated_style
from tiktoker_batch.remarks import warnings_of
from tiktoker_batch.shots import Style

CATALOG = full_catalog()
ROOT = Path(__file__).parents[2]
WORDS = "Coffee was banned five times in history, and every time it came back to the people who loved it most. "

ENGLISH = """\
a steaming cup on a palace table, macro lens
wide shot, neon rain, Los Angeles street, 1984
Rio de Janeiro skyline, aerial, golden hour
portrait of Leonardo da Vinci sketching, candlelight
a crème brûlée cracked by a spoon, close-up
El Capitan cliff, climber hanging, low angle
piñata swinging over children, garden party
the Plaza de la Constitución at dawn
two dancers, tango, smoky club, La Boca
São Paulo rooftops, helicopters, dusk
Der Spiegel building, Hamburg, fog
a robot reads Don Quixote de la Mancha in a library
Die cast model cars on a shelf
le Corbusier chair in an empty room
Santa Maria del Fiore, Florence, pigeons
doppelgänger in a mirror, cold light
Gare du Nord, steam, porters
café au lait, croissant, marble table
Île de la Cité, fog, boats
coq au vin in a copper pot
a Dia de los Muertos altar
old man, beard, pipe, harbour
a fox""".splitlines()
FOREIGN = {
    "eine alte Frau steht am Fenster": "like German",
    "ein Leuchtturm im Sturm": "like German",
    "une tasse de café sur la table": "like French",
    "una taza de café sobre la mesa": "like Spanish",
    "una tazza di caffè sul tavolo": "like Italian",
    "uma xícara de café na mesa": "like Portuguese",
    "een kop koffie op de tafel": "like Dutch",
    "dwóch mężczyzn kłóci się na ulicy": "like Polish",
    "denizin üzerinde bir gemi": "like Turkish",
    "starý maják v bouři": "to be in another language",
    "старый маяк в шторм, noir": "to be in Cyrillic letters",
    "桌上的一杯咖啡": "to be in Chinese letters",
    "テーブルの上のコーヒー": "to be in Japanese letters",
}


def a_recipe(folder: Path, video: str, top: str = "") -> Recipe:
    path = folder / "r.yaml"
    path.write_text(f"version: 1\nname: r\n{top}videos:\n  - id: v\n{video}", encoding="utf-8")
    return load_recipe(path, catalog=CATALOG, environ={})


def told(folder: Path, video: str, top: str = "") -> list[str]:
    prefix = f"{folder / 'r.yaml'}:"
    return [warning.removeprefix(prefix) for warning in warnings_of(a_recipe(folder, video, top).remarks)]


@pytest.mark.parametrize("recipe", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.name)
@pytest.mark.parametrize("profile", ["offline", "standard"])
def test_our_own_recipes_are_warned_of_nothing(recipe: Path, profile: str) -> None:
    assert load_recipe(recipe, catalog=CATALOG, environ={}, profiles=[profile]).remarks == ()


@pytest.mark.parametrize("shot", ENGLISH)
def test_names_and_loan_words_do_not_make_a_shot_foreign(shot: str) -> None:
    assert not_english(shot) is None
    assert not lacks_subject(shot)


@pytest.mark.parametrize("shot", FOREIGN)
def test_other_languages_are_noticed(shot: str) -> None:
    assert not_english(shot) == FOREIGN[shot]


@pytest.mark.parametrize(
    "shot", ["wide shot, golden hour, 8k", "cinematic close-up with soft light", "high quality photo"]
)
def test_a_shot_of_framing_and_light_alone_lacks_a_subject(shot: str) -> None:
    assert lacks_subject(shot)


@pytest.mark.parametrize("shot", ["a close-up of hands", "wide shot of a field", "light through a keyhole", "rain"])
def test_one_word_of_what_is_seen_is_a_subject(shot: str) -> None:
    assert not lacks_subject(shot)


def test_a_style_is_repeated_by_its_phrases_and_by_its_name() -> None:
    style = Style(name="oil_painting", prompt="oil on canvas, thick brush strokes, muted light")
    assert repeated_style("a fox in oil on canvas", style) == "oil on canvas"
    assert repeated_style("a fox, Thick brush-strokes", style) is None
    assert repeated_style("a fox, oil painting", style) == "oil painting"
    assert repeated_style("a fox in oil painting style", style) == "oil painting style"
    assert repeated_style("an oil painting above a sofa", style) is None
    assert repeated_style("a cyberpunk detective", Style(name="cyberpunk", prompt="neon rain")) is None


def test_each_warning_stands_at_its_place(tmp_path: Path) -> None:
    assert told(
        tmp_path,
        """\
    script: Coffee was banned.
    duration: 12
    style: watercolor
    prompts:
      - cinematic wide shot, golden hour
      - {prompt: ein alter Leuchtturm steht im Sturm, duration: 4}
      - a fox, watercolor
""",
    ) == [
        "5:13: video 'v': these 3 words take about 1 s to speak in English; of the 12 s of the video, 11 s stay silent",
        "9:9: video 'v': shot 1: it says how something is seen, and not what; name a subject",
        "10:18: video 'v': shot 2: it looks like German; picture models understand English best",
        "11:9: video 'v': shot 3: 'watercolor' is said by the style 'watercolor' already, which is added to the shot",
    ]


def test_a_text_is_too_long_or_too_short_by_the_pace_of_its_language(tmp_path: Path) -> None:
    def spoken(text: str, language: str, seconds: int, more: str = "") -> list[str]:
        video = f"    script: {text}\n    duration: {seconds}\n    language: {language}\n    captions: false\n"
        return told(tmp_path, f"{video}{more}    prompts: [a cup]\n")

    assert spoken(WORDS * 3, "en", 20) == []
    (long,) = spoken(WORDS * 4, "en", 20)
    assert long == (
        "5:13: video 'v': these 80 words take about 28 s to speak in English, and the video is to have 20 s; it "
        "becomes as long as its text"
    )
    assert "length: exact' leaves 20 s" in spoken(WORDS * 4, "en", 20, "    length: exact\n")[0]
    # Finnish has fewer and longer words: as many of them take longer.
    espeak = "    models: {narration: 'local:espeak-ng'}\n"
    assert spoken("sana " * 40, "fi", 23, espeak) == []
    assert len(spoken("sana " * 40, "en", 24)) == 1
    # Without spaces, characters are counted.
    cloud = "    models: {narration: 'elevenlabs:eleven_multilingual_v2'}\n"
    assert spoken("咖啡在历史上被禁止了五次" * 8, "zh", 20, cloud) == []
    assert (
        "96 characters take about 21 s to speak in Chinese"
        in spoken("咖啡在历史上被禁止了五次" * 8, "zh", 60, cloud)[0]
    )


def test_a_prompt_beyond_what_the_model_reads_is_told_with_the_limit_of_the_catalog(tmp_path: Path) -> None:
    flux = 'defaults: {duration: 4, models: {image: "fal:fal-ai/flux/schnell"}}\n'
    shot = "a lamp and a long pier in the rain " * 40
    (found,) = told(tmp_path, f"    script: One two three four five six seven.\n    prompts: [{shot}]\n", flux)
    assert found.startswith("7:15: video 'v': shot 1: the image prompt of 1,")
    assert found.endswith("image model 'fal:fal-ai/flux/schnell' reads 256 and passes over the rest")
    wordy = f'styles: {{wordy: "{"very thick brush strokes, " * 45}"}}\n{flux}'
    (least,) = told(tmp_path, "    topic: a lamp\n    style: wordy\n", wordy)
    assert "style and template take some 2" in least
    assert "of the 256 tokens that image model 'fal:fal-ai/flux/schnell' reads" in least


def test_a_motion_that_nobody_looks_at_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.j2").write_text("{{ shot }}", encoding="utf-8")
    shots = (
        "    script: One two three four five six seven.\n    duration: 4\n    prompts: [{prompt: a cup, motion: up}]\n"
    )
    assert told(tmp_path, shots) == []
    (found,) = told(tmp_path, f"{shots}    templates: {{clip: mine.j2}}\n")
    assert "mine.j2 does not look at 'motion'" in found


def test_a_warning_changes_no_video(tmp_path: Path) -> None:
    video = a_recipe(tmp_path, "    script: Words.\n    prompts: ['wide shot, 8k']\n").videos[0]
    assert video.script == "Words."
    assert a_video().review == "optional"
