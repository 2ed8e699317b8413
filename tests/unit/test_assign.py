"""``--set``: values of a recipe that the command line gives, stronger than anything that is written."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.model import Recipe, Video
from tiktoker_batch.recipe.build import load_recipe

CATALOG = load_catalog()
TWO = "videos:\n  - {id: coffee, topic: coffee, fps: 30}\n  - {id: tea, topic: tea}\n"


def load(
    folder: Path, *assignments: str, top: str = TWO, profiles: Sequence[str] = (), environ: dict[str, str] | None = None
) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(f"version: 1\nname: x\n{top}", encoding="utf-8")
    return load_recipe(path, catalog=CATALOG, environ=environ or {}, profiles=profiles, assignments=assignments)


def second(folder: Path, *assignments: str, **more: Any) -> Video:
    """The video that says nothing itself."""
    return load(folder, *assignments, **more).videos[1]


def said(folder: Path, *assignments: str, **more: Any) -> list[str]:
    with pytest.raises(RecipeError) as raised:
        load(folder, *assignments, **more)
    return [str(problem) for problem in raised.value.problems]


# ------------------------------------------------------------------ what can be set


@pytest.mark.parametrize(
    ("assignment", "field", "value"),
    [
        ("defaults.duration=12", "duration", 12.0),
        ("defaults.duration=12.5", "duration", 12.5),
        ("defaults.aspect_ratio=16:9", "aspect_ratio", "16:9"),
        ("defaults.priority=-3", "priority", -3),
        ("videos[1].topic=5", "topic", "5"),
        ("videos[1].topic=true", "topic", "true"),
        ("videos[1].topic=a = b, [c]: {d} # e", "topic", "a = b, [c]: {d} # e"),
        ("videos[tea].topic=green tea", "topic", "green tea"),
        ("videos['tea'].tags=[a, 'b']", "tags", ("a", "b")),
        ("videos[1].vars={mood: calm, n: 2}", "vars", {"mood": "calm", "n": 2}),
        ("videos[1].vars.mood=calm: very", "vars", {"mood": "calm: very"}),
        ("videos[1].vars.n=3", "vars", {"n": 3}),
        ('videos[1].vars.n="3"', "vars", {"n": "3"}),
        ("videos[1].vars.on=true", "vars", {"on": True}),
        ("defaults.captions=false", "captions", None),
        ("videos[1].script=Tea is leaves.", "script", "Tea is leaves."),
    ],
)
def test_a_value_is_read_as_its_key_wants_it(tmp_path: Path, assignment: str, field: str, value: object) -> None:
    more = ("videos[1].topic=null",) if field == "script" else ()
    assert getattr(second(tmp_path, assignment, *more), field) == value


def test_names_that_hold_dots_stand_in_brackets(tmp_path: Path) -> None:
    recipe = load(
        tmp_path,
        "limits[fal:fal-ai/veo3.1/fast/image-to-video]=6",
        "limits['fal']=2",
        'models["fal:fal-ai/flux/schnell"].price.usd=0.5',
        "videos[0].models.image=fal:fal-ai/flux/schnell",
    )
    assert recipe.limits == {"fal:fal-ai/veo3.1/fast/image-to-video": 6, "fal": 2}
    price = recipe.videos[0].models.image.price
    assert price is not None
    assert price.usd == Decimal("0.5")


def test_the_last_of_several_values_counts(tmp_path: Path) -> None:
    assert second(tmp_path, "defaults.fps=12", "defaults.fps=6").fps == 6


def test_null_takes_away_what_is_written(tmp_path: Path) -> None:
    top = "budget: {max_usd: 5, max_images: 3}\ndefaults: {style: noir}\n" + TWO
    recipe = load(tmp_path, "budget.max_usd=null", "defaults.style=null", "videos[0].fps=null", top=top)
    assert (recipe.budget.max_usd, recipe.budget.max_images) == (None, 3)
    assert (recipe.videos[0].style.name, recipe.videos[0].fps) == ("realistic_cinematic", 24)


def test_entries_that_make_many_videos_are_set_before_they_do(tmp_path: Path) -> None:
    top = 'videos: [{matrix: {n: [1, 2]}, id: "v{{ n }}", topic: tea}]\n'
    made = load(tmp_path, "videos[0].matrix.n=[3, 4, 5]", "videos[0].duration={{ n * 2 }}", top=top).videos
    assert [(video.id, video.duration) for video in made] == [("v3", 6.0), ("v4", 8.0), ("v5", 10.0)]


def test_files_that_are_set_are_where_the_recipe_s_own_would_be(tmp_path: Path) -> None:
    (tmp_path / "bed.mp3").write_text("x")
    music = second(tmp_path, "defaults.music.file=bed.mp3").music
    assert music is not None
    assert music.file == str(tmp_path / "bed.mp3")
    assert load(tmp_path, "output_dir=out").output_dir == str(tmp_path / "out")


# ------------------------------------------------------------------ what it is stronger than

PROFILES = (
    "defaults: {fps: 24, retry: {jitter: 0.5}}\nlimits: {fal: 8}\n"
    "profiles: {p: {defaults: {fps: 12, captions: false, retry: {jitter: 0.1, max_attempts: 9}}, limits: {fal: 1}}}\n"
)


def test_it_is_stronger_than_profiles_but_a_video_s_own_keys_stay(tmp_path: Path) -> None:
    recipe = load(tmp_path, "defaults.fps=6", "limits.fal=3", top=PROFILES + TWO, profiles=["p"])
    assert [video.fps for video in recipe.videos] == [30, 6]
    assert recipe.limits == {"fal": 3}


def test_a_profile_keeps_what_is_not_set(tmp_path: Path) -> None:
    video = second(tmp_path, "defaults.retry.jitter=0", top=PROFILES + TWO, profiles=["p"])
    assert (video.retry.jitter, video.retry.max_attempts, video.captions) == (0.0, 9, None)


def test_a_part_that_is_set_brings_back_what_a_profile_took_away(tmp_path: Path) -> None:
    video = second(tmp_path, "defaults.captions.position=top", top=PROFILES + TWO, profiles=["p"])
    assert video.captions is not None
    assert video.captions.position == "top"


def test_what_is_taken_away_is_taken_from_profiles_too(tmp_path: Path) -> None:
    assert second(tmp_path, "defaults.fps=null", top=PROFILES + TWO, profiles=["p"]).fps == 24


def test_built_in_profiles_give_way_too(tmp_path: Path) -> None:
    video = second(tmp_path, "defaults.models.image=fal:fal-ai/flux/dev", profiles=["offline"])
    assert (video.models.image.ref, video.models.clip.ref) == ("fal:fal-ai/flux/dev", "local:camera")


def test_a_voice_that_is_set_must_go_with_the_profile_s_narrator(tmp_path: Path) -> None:
    (found,) = said(tmp_path, "defaults.voice=rachel", profiles=["offline"])
    assert found.startswith("--set defaults.voice: ")
    assert "has no voice 'rachel'" in found


def test_profiles_themselves_can_be_set(tmp_path: Path) -> None:
    assert second(tmp_path, "profiles.p.defaults.fps=9", top=PROFILES + TWO, profiles=["p"]).fps == 9


# ------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("defaults.styl=noir", "--set defaults.styl: unknown key 'styl'; did you mean 'style'?"),
        ("defalts.style=noir", "--set defalts.style: unknown key 'defalts'; did you mean 'defaults'?"),
        ("style=noir", "--set style: unknown key 'style' here; it belongs under 'defaults' or in a video"),
        ("defaults.style=nior", "--set defaults.style: unknown style 'nior'; did you mean 'noir'?"),
        ("defaults.duration=soon", "--set defaults.duration: duration: expected a number, got text ('soon')"),
        ("defaults.duration=9000", "--set defaults.duration: duration: must be at least 1 and at most 600, got 9000"),
        ("videos[7].topic=tea", "--set videos[7].topic: there is no videos[7]; the list has 2, counted from 0"),
        ("videos[te].topic=tea", "--set videos[te].topic: no entry of videos has the id 'te'; did you mean 'tea'?"),
        ("videos[zzz].topic=tea", "--set videos[zzz].topic: no entry of videos has the id 'zzz' (there are: coffee"),
        ("videos.topic=tea", "--set videos.topic: videos is a list; name an item by its number, like videos[0]"),
        ("videos[0]=null", "--set videos[0]: an item of a list cannot be taken away; set the whole list"),
        ("defaults[0]=1", "--set defaults[0]: defaults is no list, so there is no [0]"),
        ("videos[1].tags=[a", "--set videos[1].tags: not valid YAML: a list in [ ] is not closed"),
        ("videos[1].vars.n=1e999", "--set videos[1].vars.n: 1e999 is not a finite number"),
        ("videos[1].topic={{ x }}", "--set videos[1].topic: 'x' is undefined"),
        ("defaults.style={{ x }}", "--set defaults.style: expressions ({{ ... }}) stand only in the entries"),
        ("videos[1].id=coffee", "--set videos[1].id: the id 'coffee' is already used at recipe.yaml:4:10"),
        ("include=a.yaml", "--set include: files are included before anything is set"),
        ("defaults.style", "--set: 'defaults.style' cannot be understood; expected path=value, like"),
        ("=x", "--set: '=x' cannot be understood"),
        ("a..b=x", "--set: 'a..b=x' cannot be understood"),
        ("[0]=x", "--set: '[0]=x' cannot be understood"),
        ("", "--set: '' cannot be understood"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, assignment: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("recipe.yaml")
    path.write_text(f"version: 1\nname: x\n{TWO}", encoding="utf-8")
    with pytest.raises(RecipeError) as raised:
        load_recipe(path, catalog=CATALOG, environ={}, assignments=[assignment])
    (found,) = map(str, raised.value.problems)
    assert found.startswith(expected)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    top = f"defaults: {{duration: 9}}\n{TWO}"
    found = said(tmp_path, "defaults.styl=noir", "defaults.fps=many", "nothing", "videos[0].style=nior", top=top)
    assert [each.partition(": ")[0] for each in found] == [
        "--set",
        "--set defaults.fps",
        "--set defaults.styl",
        "--set videos[0].style",
    ]


@pytest.mark.parametrize(
    "assignment", ["videos[0].topic=buy with sk-canary-1", "defaults.vars[sk-canary-1]=x", "sk-canary-1"]
)
def test_no_secret_of_the_environment_can_be_set_nor_is_it_shown(tmp_path: Path, assignment: str) -> None:
    (found,) = said(tmp_path, assignment, environ={"FAL_KEY": "sk-canary-1", "NAME": "coffee"})
    assert found == "--set: this holds what FAL_KEY holds, a secret; it may not be set in a recipe"
