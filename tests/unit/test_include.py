"""``include``: what a recipe shares with others stands in files of its own."""

import textwrap
from pathlib import Path

import pytest

from tiktoker_batch import vocabulary
from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.model import Recipe
from tiktoker_batch.recipe.build import load_recipe

CATALOG = load_catalog()
VIDEOS = "videos: [{id: a, topic: tea}]\n"


def write(folder: Path, **files: str) -> Path:
    """Files by name, ``__`` for the dot; gives the recipe's path."""
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return folder / "recipe.yaml"


def load(folder: Path, profile: str | None = None, environ: dict[str, str] | None = None, **files: str) -> Recipe:
    path = write(folder, **files)
    profiles = [profile] if profile else []
    return load_recipe(path, catalog=CATALOG, environ=environ or {}, profiles=profiles)


def recipe(include: str, more: str = VIDEOS) -> str:
    return f"version: 1\nname: x\ninclude: {include}\n{more}"


def said(folder: Path, environ: dict[str, str] | None = None, **files: str) -> list[str]:
    """Every problem, with its file as seen from the recipe's folder."""
    with pytest.raises(RecipeError) as raised:
        load(folder, environ=environ, **files)
    return [str(each).replace(f"{folder}/", "") for each in raised.value.problems]


# ------------------------------------------------------------------ which one is strongest


def test_the_recipe_is_stronger_than_what_it_includes_and_a_later_file_than_an_earlier_one(tmp_path: Path) -> None:
    (video,) = load(
        tmp_path,
        recipe__yaml=recipe("[one.yaml, two.yaml]", "defaults: {fps: 30}\n" + VIDEOS),
        one__yaml="defaults: {fps: 12, duration: 10, resolution: 1080p}",
        two__yaml="defaults: {fps: 24, duration: 20}",
    ).videos
    assert (video.fps, video.duration, video.resolution) == (30, 20.0, "1080p")


def test_mappings_are_merged_however_deep_and_lists_are_replaced(tmp_path: Path) -> None:
    publish = "{id: a, topic: tea, publish: {at: 2027-03-15T18:00:00+01:00}}"
    top = f"defaults: {{retry: {{jitter: 0}}, publish: {{hashtags: [ai]}}}}\nvideos: [{publish}]"
    (video,) = load(
        tmp_path,
        recipe__yaml=recipe("brand.yaml", top),
        brand__yaml="defaults: {retry: {max_attempts: 7, jitter: 0.5}, publish: {hashtags: [old, ads], caption: Hm}}",
    ).videos
    assert (video.retry.max_attempts, video.retry.jitter) == (7, 0.0)
    assert video.publish is not None
    assert (video.publish.hashtags, video.publish.caption) == (("ai",), "Hm")


def test_false_takes_away_what_an_included_file_asked_for(tmp_path: Path) -> None:
    top = "defaults: {captions: false}\n" + VIDEOS
    loaded = load(tmp_path, recipe__yaml=recipe("a.yaml", top), a__yaml="defaults: {captions: {preset: pop}}")
    assert loaded.videos[0].captions is None


def test_videos_are_joined_those_of_included_files_first(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        recipe__yaml=recipe("[one.yaml, two.yaml]"),
        one__yaml="videos: [{id: one, topic: tea}]",
        two__yaml="videos: [{id: two, topic: tea}]",
    )
    assert [video.id for video in loaded.videos] == ["one", "two", "a"]


def test_a_recipe_may_get_everything_but_its_version_from_a_file(tmp_path: Path) -> None:
    whole = "name: theirs\n" + VIDEOS
    loaded = load(tmp_path, recipe__yaml="version: 1\ninclude: whole.yaml\n", whole__yaml=whole)
    assert (loaded.name, [video.id for video in loaded.videos]) == ("theirs", ["a"])


def test_styles_limits_budgets_and_own_models_come_from_files_too(tmp_path: Path) -> None:
    brand = """\
        styles: {brand: flat vector art}
        limits: {fal: 3}
        budget: {max_usd: 5}
        models: {"fal:x/clip": {kind: clip, durations: [5], price: {usd: 0.1}}}
        """
    top = 'limits: {ffmpeg: 1}\nvideos: [{id: a, topic: tea, style: brand, models: {clip: "fal:x/clip"}}]'
    loaded = load(tmp_path, recipe__yaml=recipe("brand.yaml", top), brand__yaml=brand)
    assert loaded.limits == {"fal": 3, "ffmpeg": 1}
    assert loaded.videos[0].style.prompt == "flat vector art"
    assert loaded.videos[0].models.clip.durations == (5.0,)


def test_a_profile_may_be_written_in_several_files(tmp_path: Path) -> None:
    top = "profiles: {draft: {defaults: {fps: 12}}}\n" + VIDEOS
    brand = "profiles: {draft: {defaults: {fps: 6, duration: 9}}, slow: {}}"
    (video,) = load(tmp_path, "draft", recipe__yaml=recipe("brand.yaml", top), brand__yaml=brand).videos
    assert (video.fps, video.duration) == (12, 9.0)


def test_included_files_include_others_and_one_that_is_reached_twice_counts_once(tmp_path: Path) -> None:
    (one, _) = load(
        tmp_path,
        recipe__yaml=recipe("[parts/one.yaml, parts/two.yaml]"),
        **{
            "parts/one.yaml": "include: ../base.yaml\ndefaults: {fps: 12}",
            "parts/two.yaml": "include: ../base.yaml\ndefaults: {duration: 8}",
            "base.yaml": "defaults: {fps: 6, duration: 5, resolution: 1080p}\nvideos: [{id: base, topic: tea}]",
        },
    ).videos
    assert (one.id, one.fps, one.duration, one.resolution) == ("base", 6, 8.0, "1080p")


def test_the_environment_names_files_and_fills_them_in(tmp_path: Path) -> None:
    (video,) = load(
        tmp_path,
        environ={"BRAND": "acme", "SECONDS": "9"},
        recipe__yaml=recipe('"${BRAND}.yaml"'),
        acme__yaml="defaults:\n  duration: ${SECONDS}",
    ).videos
    assert video.duration == 9.0


def test_styles_and_voices_of_included_files_are_listed_with_the_file_that_they_stand_in(tmp_path: Path) -> None:
    brand = 'styles: {brand: flat art}\nvoices: {me: "elevenlabs:abc"}\n'
    brand += 'models: {"fal:x/clip": {kind: clip, durations: [5]}}'
    path = write(tmp_path, recipe__yaml=recipe("brand.yaml"), brand__yaml=brand)
    assert (vocabulary.styles(path)[0].name, vocabulary.styles(path)[0].origin) == (
        "brand",
        str(tmp_path / "brand.yaml"),
    )
    assert (vocabulary.voices(path)[0].name, vocabulary.voices(path)[0].origin) == ("me", str(tmp_path / "brand.yaml"))
    assert vocabulary.models("clip", path)[0].model.ref == "fal:x/clip"


# ------------------------------------------------------------------ paths are those of the file that names them


def test_paths_in_an_included_file_are_relative_to_it(tmp_path: Path) -> None:
    brand = """\
        defaults: {music: {file: bed.mp3}, templates: {image: image.j2}, reference_image: logo.png}
        output_dir: out
        videos: [{id: told, script_file: told.txt}, {foreach: rows.csv, id: "{{ row.slug }}", topic: tea}]
        """
    files = {"bed.mp3": "x", "image.j2": "{{ shot }}", "logo.png": "x", "told.txt": "Well.", "rows.csv": "slug\nb\n"}
    beside = {f"brand/{name}": text for name, text in files.items()}
    loaded = load(tmp_path, recipe__yaml=recipe("brand/brand.yaml"), **{"brand/brand.yaml": brand}, **beside)
    told, row, own = loaded.videos
    assert (told.script, row.id) == ("Well.", "b")
    assert own.music is not None
    assert own.music.file == str(tmp_path / "brand" / "bed.mp3")
    assert own.reference_image == str(tmp_path / "brand" / "logo.png")
    assert own.templates["image"].source == "{{ shot }}"
    assert loaded.output_dir == str(tmp_path / "brand" / "out")


# ------------------------------------------------------------------ what identifies a recipe


def test_a_recipe_is_another_one_when_a_file_changes_that_it_is_made_of(tmp_path: Path) -> None:
    files = {
        "recipe__yaml": recipe("a.yaml", 'videos: [{foreach: rows.csv, id: "{{ row.s }}", topic: tea}]'),
        "a__yaml": "include: b.yaml",
        "b__yaml": "x-note: 1",
        "rows__csv": "s,t\na,1\n",
    }
    seen = {load(tmp_path, **files).sha256}
    for name, more in (("recipe__yaml", "# 1"), ("a__yaml", "# 2"), ("b__yaml", "# 3"), ("rows__csv", "b,2\n")):
        files[name] += f"\n{more}"
        seen.add(load(tmp_path, **files).sha256)
    assert len(seen) == 5
    assert load(tmp_path, **files).sha256 in seen


# ------------------------------------------------------------------ problems


def test_a_problem_is_told_in_the_file_that_it_stands_in(tmp_path: Path) -> None:
    brand = "defaults: {style: nior, fps: many}\nstlyes: {}\nvideos:\n  - {id: b, topic: tea, duration: 9000}\n"
    assert said(tmp_path, recipe__yaml=recipe("brand.yaml"), brand__yaml=brand) == [
        "brand.yaml:1:19: unknown style 'nior'; did you mean 'noir'? ('tiktoker-batch styles' lists them)",
        "brand.yaml:1:30: fps: expected a whole number, got text ('many')",
        "brand.yaml:2:1: unknown key 'stlyes'; did you mean 'styles'?",
        "brand.yaml:4:35: duration: must be at least 1 and at most 600, got 9000",
    ]


def test_the_same_line_and_column_of_two_files_are_two_places(tmp_path: Path) -> None:
    shape = "x-{name}: 1\nx-more: 1\nx-most: 1\nvideos: [{{id: {name}, topic: tea, style: nior}}]"
    found = said(
        tmp_path,
        recipe__yaml=recipe("b.yaml", "videos: [{id: a, topic: tea, style: nior}]"),
        b__yaml=shape.format(name="b"),
    )
    assert [each.partition(": ")[0] for each in found] == ["b.yaml:4:37", "recipe.yaml:4:37"]


def test_an_id_that_two_files_give_is_told_with_both_places(tmp_path: Path) -> None:
    found = said(tmp_path, recipe__yaml=recipe("b.yaml"), b__yaml="videos:\n  - {topic: tea, id: a}\n")
    assert found == ["recipe.yaml:4:15: the id 'a' is already used at b.yaml:2:22; choose another"]


def test_files_that_lead_back_are_refused_with_the_way(tmp_path: Path) -> None:
    found = said(tmp_path, recipe__yaml=recipe("a.yaml"), a__yaml="include: [b.yaml]", b__yaml="include: a.yaml")
    assert found == ["b.yaml:1:10: include: this leads back to where it came from: a.yaml -> b.yaml -> a.yaml"]
    found = said(tmp_path, recipe__yaml=recipe("recipe.yaml"))
    assert found == ["recipe.yaml:3:10: include: this leads back to where it came from: recipe.yaml -> recipe.yaml"]


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ("[barnd.yaml]", "3:11: include: there is no file 'barnd.yaml' in '.'; did you mean 'brand.yaml'?"),
        ("parts/brand.yaml", "3:10: include: there is no folder 'parts'"),
        ("https://example.org/a.yaml", "3:10: include: 'https://example.org/a.yaml' is an address; only files"),
        (".", "3:10: include: '.' is a folder, not a file"),
        ("{a: 1}", "3:10: include: expected the name of a file or a list of them, got a mapping"),
        ("[brand.yaml, 3]", "3:23: include: expected the name of a file or a list of them, got 3"),
        ("", "3:9: include: expected the name of a file or a list of them, got nothing"),
        ("' '", "3:10: include: expected the name of a file or a list of them, got ' '"),
        ("'${NOWHERE}'", "3:11: the environment variable NOWHERE is not set"),
    ],
)
def test_what_cannot_be_included_is_the_only_thing_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, include: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, recipe__yaml=recipe(include, "videos: [{id: a, topic: tea, style: brand}]"), brand__yaml="x-a: 1")
    with pytest.raises(RecipeError) as raised:
        load_recipe(Path("recipe.yaml"), catalog=CATALOG, environ={})
    (found,) = map(str, raised.value.problems)
    assert found.startswith(f"recipe.yaml:{expected}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a", "b.yaml:1:1: an included file holds keys of a recipe, like 'defaults'; got a list"),
        ("defaults: {a: 1", "b.yaml:1:11: not valid YAML: a mapping in { } is not closed"),
        ("# nothing", "b.yaml:1:1: the file holds only comments"),
        ("include: c.yaml", "b.yaml:1:10: include: there is no file 'c.yaml'"),
    ],
)
def test_what_is_wrong_with_an_included_file_is_told_there(tmp_path: Path, text: str, expected: str) -> None:
    (found,) = said(tmp_path, recipe__yaml=recipe("b.yaml"), b__yaml=text)
    assert found.startswith(expected)


def test_keys_that_are_given_twice_are_found_in_included_files_too(tmp_path: Path) -> None:
    (found,) = said(tmp_path, recipe__yaml=recipe("b.yaml"), b__yaml="x-a: 1\nx-a: 2")
    assert found == "b.yaml:2:1: the key 'x-a' is already given at 1:1; remove one of them"
