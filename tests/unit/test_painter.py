"""The procedural painter: deterministic, varied, and honest about what a prompt names."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.catalog.looks import load_looks
from tiktoker_batch.providers.local.painter import figures, paint
from tiktoker_batch.providers.local.painter.finishes import FINISHES
from tiktoker_batch.providers.local.painter.layering import LAYERS
from tiktoker_batch.providers.local.painter.palette import from_words
from tiktoker_batch.providers.local.painter.scenes import SCENES, choose
from tiktoker_batch.providers.local.painter.stage import Stage

STYLES = sorted(load_catalog().styles)


def picture(
    folder: Path,
    prompt: str = "a lighthouse in a storm",
    style: str = "noir",
    seed: int = 1,
    size: tuple[int, int] = (144, 256),
    words: str | None = None,
    reference: Path | None = None,
) -> Image.Image:
    known = load_catalog().styles.get(style)
    paint(
        prompt=prompt,
        style=style,
        style_prompt=words if words is not None else known.prompt if known else "",
        seed=seed,
        width=size[0],
        height=size[1],
        reference=reference,
        image=folder / "p.png",
        layers=folder / "p.layers",
    )
    with Image.open(folder / "p.png") as opened:
        return opened.convert("RGB")


def look_of(image: Image.Image) -> np.ndarray:
    """What tells one look from another at a glance: colours by region, contrast, and fine texture."""
    pixels = np.asarray(image, dtype=np.float32) / 255
    coarse = np.asarray(image.resize((3, 4), Image.Resampling.BOX), dtype=np.float32).ravel() / 255
    grey = pixels.mean(axis=2)
    texture = np.array([np.abs(np.diff(grey, axis=0)).mean() * 8, np.abs(np.diff(grey, axis=1)).mean() * 8])
    return np.concatenate([coarse, pixels.std(axis=(0, 1)) * 2, texture])


def test_every_look_names_treatments_that_there_are() -> None:
    for look in load_looks().values():
        assert set(look.layers) <= LAYERS.keys()
        assert set(look.finish) <= FINISHES.keys()


@pytest.mark.parametrize("size", [(720, 1280), (1280, 720), (1080, 1080), (720, 900)])
def test_a_picture_has_the_videos_own_size(tmp_path: Path, size: tuple[int, int]) -> None:
    assert picture(tmp_path, size=size).size == size


def test_the_same_words_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    picture(tmp_path / "a"), picture(tmp_path / "b")
    for name in ("p.png", "p.layers"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_another_seed_or_another_prompt_gives_another_picture(tmp_path: Path) -> None:
    first = np.asarray(picture(tmp_path), dtype=np.int16)
    for other in (picture(tmp_path, seed=2), picture(tmp_path, prompt="a cup of tea")):
        assert np.abs(first - np.asarray(other, dtype=np.int16)).mean() > 4


def test_the_twenty_looks_are_told_apart_at_a_glance(tmp_path: Path) -> None:
    seen = {style: look_of(picture(tmp_path, style=style, size=(288, 512))) for style in STYLES}
    for style, own in seen.items():
        nearest = min((float(np.linalg.norm(own - seen[other])), other) for other in STYLES if other != style)
        assert nearest[0] > 0.12, f"{style} looks like {nearest[1]}"


def test_a_picture_is_no_flat_gradient(tmp_path: Path) -> None:
    for style in STYLES:
        pixels = np.asarray(picture(tmp_path, style=style), dtype=np.float32)
        assert pixels.std() > 12, style
        assert np.abs(np.diff(pixels, axis=1)).mean() > 0.5, style


@pytest.mark.parametrize(
    ("prompt", "figure"),
    [
        ("a steaming cup of coffee on a table", "cup"),
        ("an octopus between corals", "octopus"),
        ("The Moon over a quiet valley", None),
        ("you will not believe this", None),
        ("a castle of sand", "castle"),
        ("how to train your mind", None),
        ("an old train crosses the plain", "train"),
        ("soldiers watch the harbour", "person"),
        ("two foxes in the snow", "fox"),
        ("a lighthouse keeper in a storm", "keeper"),
        ("a brass coffee pot on a table", "coffeepot"),
        ("under a street lamp", "lamppost"),
    ],
)
def test_only_what_the_prompt_names_is_drawn(prompt: str, figure: str | None) -> None:
    assert figures.find(prompt) == figure


def test_a_landmark_stands_behind_the_one_who_is_named_with_it() -> None:
    assert figures.find_all("a lighthouse keeper in a storm") == ["lighthouse", "keeper"]


def test_every_word_for_a_figure_leads_to_one_that_can_be_drawn_and_none_is_forgotten() -> None:
    assert set(figures.WORDS.values()) == figures.FIGURES.keys()
    for name in figures.FIGURES:
        assert figures.shapes(name), name
        assert 0.3 < figures.extent(name) < 2.6, name


@pytest.mark.parametrize(
    ("prompt", "place"),
    [
        ("a detective in a city street at night", "street"),
        ("the skyline of a city", "skyline"),
        ("an octopus deep under the sea", "deep"),
        ("a ship on the sea", "sea"),
        ("a cat on a windowsill at dawn", "sill"),
        ("honey in an ancient tomb", "hall"),
        ("a fox", "forest"),
        ("a planet like a desert", "space"),
        ("a coffee pot on a low table in a courtyard", "room"),
        ("steaming cup of coffee on a palace table", "hall"),
    ],
)
def test_the_place_is_the_one_the_prompt_speaks_of(prompt: str, place: str) -> None:
    assert choose(prompt, np.random.default_rng(1)) == place


@pytest.mark.parametrize("place", sorted(SCENES))
@pytest.mark.parametrize("size", [(90, 160), (160, 90), (120, 120), (120, 150)])
def test_every_place_fills_every_frame(place: str, size: tuple[int, int]) -> None:
    stage = Stage(
        width=size[0],
        height=size[1],
        rng=np.random.default_rng(3),
        palette=from_words("blue and orange") or pytest.fail("colours are known"),
        night=0.5,
        light=(40.0, 30.0),
    )
    layers = SCENES[place](stage)
    assert layers[0].cover.min() == 1, "the farthest layer leaves no hole"
    for layer in layers:
        assert layer.colour.shape == (size[1], size[0], 3)
        assert layer.cover.shape == (size[1], size[0])
        assert 0 <= layer.cover.min() <= layer.cover.max() <= 1.001


def test_hour_and_weather_change_the_picture(tmp_path: Path) -> None:
    day, night, storm = (
        np.asarray(picture(tmp_path, prompt=f"a house in a meadow{more}", style="anime"), dtype=np.float32).mean()
        for more in ("", " at night", " in a storm")
    )
    assert night < day * 0.8
    assert storm < day * 0.9


def test_the_layers_together_are_the_picture(tmp_path: Path) -> None:
    flat = np.asarray(picture(tmp_path, prompt="a cat on a windowsill", size=(360, 640)), dtype=np.float32)
    with zipfile.ZipFile(tmp_path / "p.layers") as archive:
        back, front, cover = (Image.open(archive.open(name)) for name in ("back.jpg", "front.jpg", "cover.png"))
        stacked = Image.composite(front.convert("RGB"), back.convert("RGB"), cover.convert("L"))
    left, top = (stacked.width - 360) // 2, (stacked.height - 640) // 2
    middle = np.asarray(stacked.crop((left, top, left + 360, top + 640)), dtype=np.float32)
    assert np.abs(middle - flat).mean() < 4
    assert np.percentile(np.abs(middle - flat), 99) < 40
    assert 0 < np.asarray(cover).mean() < 200, "there is a foreground, and it leaves the background free"


def test_a_users_own_style_takes_its_colours_from_its_words(tmp_path: Path) -> None:
    assert from_words("teal and coral") is not None
    assert from_words("bold outlines") is None
    sea = "waves on the sea"
    red = np.asarray(picture(tmp_path, prompt=sea, style="brand", words="flat red and crimson")).mean(axis=(0, 1))
    blue = np.asarray(picture(tmp_path, prompt=sea, style="brand", words="flat blue and navy")).mean(axis=(0, 1))
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_a_reference_picture_is_seen_in_the_picture(tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (255, 0, 255)).save(tmp_path / "reference.png")
    with_it = np.asarray(picture(tmp_path, style="minimalism", reference=tmp_path / "reference.png")).astype(int)
    magenta = (with_it[..., 0] > 200) & (with_it[..., 1] < 90) & (with_it[..., 2] > 200)
    assert magenta.mean() > 0.05


@settings(max_examples=25, deadline=None)
@given(prompt=st.text(max_size=60), seed=st.integers(0, 2**31 - 1), style=st.sampled_from([*STYLES, "my-own", ""]))
def test_whatever_is_asked_for_something_is_painted(
    tmp_path_factory: pytest.TempPathFactory, prompt: str, seed: int, style: str
) -> None:
    image = picture(tmp_path_factory.mktemp("any"), prompt=prompt, style=style, seed=seed, size=(72, 128))
    assert image.size == (72, 128)
