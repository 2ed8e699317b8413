"""Profiles: overlays chosen by name, the built-in ones and those of a recipe."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import ExitCode, RecipeError, UsageError
from tiktoker_batch.model import Recipe, Video
from tiktoker_batch.recipe.build import load_recipe
from tiktoker_batch.recipe.schema import recipe_schema

CATALOG = load_catalog()
SEEDANCE = "fal:fal-ai/bytedance/seedance/v1/lite/image-to-video"
HAILUO = "fal:fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video"


def load(folder: Path, *profiles: str, top: str = "", video: str = "") -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(f"version: 1\nname: x\n{top}\nvideos:\n  - {{id: a, topic: tea{video}}}\n", encoding="utf-8")
    return load_recipe(path, catalog=CATALOG, environ={}, profiles=profiles)


def one(folder: Path, *profiles: str, top: str = "", video: str = "") -> Video:
    (built,) = load(folder, *profiles, top=top, video=video).videos
    return built


def refs(video: Video) -> list[str]:
    models = video.models
    return [models.text.ref, models.image.ref, models.clip.ref, models.narration.ref]


def said(folder: Path, profiles: Sequence[str], top: str, video: str = "") -> list[str]:
    with pytest.raises(RecipeError) as raised:
        load(folder, *profiles, top=top, video=video)
    return [f"{problem.line}:{problem.column}: {problem.message}" for problem in raised.value.problems]


# ------------------------------------------------------------------ the built-in ones


def test_standard_is_the_mode_of_good_pictures_and_motion(tmp_path: Path) -> None:
    assert refs(one(tmp_path, "standard")) == [
        "openrouter:openai/gpt-4o-mini",
        "fal:fal-ai/flux/schnell",
        "fal:fal-ai/veo3.1/fast/image-to-video",
        "elevenlabs:eleven_multilingual_v2",
    ]


def test_free_writes_for_nothing_and_makes_cheap_clips(tmp_path: Path) -> None:
    video = one(tmp_path, "free")
    assert refs(video) == [
        "openrouter:meta-llama/llama-3.3-70b-instruct:free",
        "fal:fal-ai/flux-lora",
        HAILUO,
        "fal:fal-ai/elevenlabs/tts/eleven-v3",
    ]
    assert video.models.text.price is not None
    assert video.models.text.price.usd == 0
    assert video.segment_duration == 6.0


@pytest.mark.parametrize(("language", "narration"), [("en", "local:hibari"), ("ru", "local:espeak-ng")])
def test_offline_stays_on_this_machine_and_narrates_by_language(tmp_path: Path, language: str, narration: str) -> None:
    paid = f'defaults: {{language: {language}, models: {{clip: "{SEEDANCE}", narration: "elevenlabs:eleven_v3"}}}}'
    video = one(tmp_path, "offline", top=paid)
    assert refs(video) == ["local:writer", "local:painter", "local:camera", narration]


@pytest.mark.parametrize("profile", CATALOG.profiles.values(), ids=lambda profile: profile.name)
def test_a_built_in_profile_is_what_a_recipe_could_say_itself(profile: Any) -> None:
    assert set(profile.models) == {"text", "image", "clip", "narration"}
    for refs in zip(*(profile.models[kind] for kind in profile.models), strict=False):
        chosen = {"defaults": {"models": dict(zip(profile.models, refs, strict=True))}}
        schema = recipe_schema()
        Draft202012Validator({**schema["$defs"]["profile"], "$defs": schema["$defs"]}).validate(chosen)


# ------------------------------------------------------------------ which one is strongest

LAYERS = f"""\
defaults: {{fps: 24, duration: 20, retry: {{max_attempts: 5}}, models: {{clip: "{HAILUO}"}}, captions: {{preset: pop}}}}
profiles:
  draft: {{defaults: {{fps: 12, duration: 10, models: {{clip: "{SEEDANCE}"}}, captions: false}}}}
  slow: {{defaults: {{fps: 6, retry: {{jitter: 0}}, vars: {{mood: calm}}}}, x-note: mine}}
"""


def test_a_chosen_profile_goes_before_the_defaults_key_by_key(tmp_path: Path) -> None:
    video = one(tmp_path, "slow", top=LAYERS)
    assert (video.fps, video.duration, video.models.clip.ref) == (6, 20.0, HAILUO)
    assert (video.retry.max_attempts, video.retry.jitter) == (5, 0.0)
    assert video.vars == {"mood": "calm"}
    assert video.captions is not None


def test_without_a_choice_profiles_change_nothing(tmp_path: Path) -> None:
    assert (one(tmp_path, top=LAYERS).fps, one(tmp_path, top=LAYERS).duration) == (24, 20.0)


def test_of_several_profiles_the_one_named_last_is_strongest(tmp_path: Path) -> None:
    assert one(tmp_path, "draft", "slow", top=LAYERS).fps == 6
    later = one(tmp_path, "slow", "draft", top=LAYERS)
    assert (later.fps, later.duration, later.retry.jitter, later.captions) == (12, 10.0, 0.0, None)
    assert one(tmp_path, "draft", "offline", top=LAYERS).models.clip.ref == "local:camera"
    assert one(tmp_path, "offline", "draft", top=LAYERS).models.clip.ref == SEEDANCE


def test_a_video_s_own_keys_are_stronger_than_any_profile(tmp_path: Path) -> None:
    video = one(tmp_path, "offline", "draft", top=LAYERS, video=f', fps: 30, models: {{clip: "{HAILUO}"}}')
    assert (video.fps, video.models.clip.ref, video.models.image.ref) == (30, HAILUO, "local:painter")


def test_limits_and_budgets_are_overlaid_too(tmp_path: Path) -> None:
    top = (
        "limits: {fal: 10, ffmpeg: 2}\nbudget: {max_usd: 25, per_video_usd: 5}\n"
        "profiles: {careful: {limits: {fal: 1, x-a: 2}, budget: {max_usd: 3.5}}, bold: {limits: {fal: 40}}}"
    )
    recipe = load(tmp_path, "bold", "careful", top=top)
    assert recipe.limits == {"fal": 1, "ffmpeg": 2}
    assert (recipe.budget.max_usd, recipe.budget.per_video_usd) == (Decimal("3.5"), Decimal(5))
    assert load(tmp_path, "careful", "bold", top=top).limits["fal"] == 40


def test_a_profile_of_the_recipe_s_own_replaces_the_built_in_one_of_its_name(tmp_path: Path) -> None:
    video = one(tmp_path, "free", top="profiles: {free: {defaults: {fps: 10}}}")
    assert (video.fps, video.models.clip.ref) == (10, "local:camera")


# ------------------------------------------------------------------ voices


def test_a_default_voice_gives_way_where_a_profile_s_narrator_does_not_have_it(tmp_path: Path) -> None:
    top = 'defaults: {voice: rachel, models: {narration: "elevenlabs:eleven_v3"}}'
    assert one(tmp_path, top=top).voice.name == "rachel"
    assert one(tmp_path, "offline", top=top).voice.id == "heart"
    own = 'voices: {me: "elevenlabs:abc"}\ndefaults: {voice: me, models: {narration: "elevenlabs:eleven_v3"}}'
    assert (one(tmp_path, top=own).voice.id, one(tmp_path, "offline", top=own).voice.id) == ("abc", "heart")


def test_a_default_voice_stays_where_the_profile_s_narrator_has_it_too(tmp_path: Path) -> None:
    top = 'defaults: {voice: george, models: {narration: "elevenlabs:eleven_v3"}}'
    assert one(tmp_path, "free", top=top).voice.id == "George"


def test_a_video_s_own_voice_gives_way_too_since_the_narrator_was_chosen_later(tmp_path: Path) -> None:
    assert one(tmp_path, "offline", video=", voice: rachel").voice.id == "heart"


def test_a_voice_that_the_profile_names_itself_must_go_with_its_narrator(tmp_path: Path) -> None:
    top = 'profiles: {p: {defaults: {voice: rachel, models: {narration: "local:hibari"}}}}'
    assert said(tmp_path, ["p"], top) == [
        "3:34: video 'a': narration model 'local:hibari' has no voice 'rachel'; it has heart"
    ]


def test_a_default_voice_that_does_not_exist_is_a_mistake_under_every_profile(tmp_path: Path) -> None:
    (message,) = said(tmp_path, ["offline"], "defaults: {voice: rachle}")
    assert message.startswith("3:19: unknown voice 'rachle'; did you mean 'rachel'?")


# ------------------------------------------------------------------ problems


def test_an_unknown_profile_is_a_mistake_on_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        load(tmp_path, "ofline", top="profiles: {draft: {}, x-old: {}}")
    assert raised.value.message == "there is no profile 'ofline'; did you mean 'offline'?"
    assert raised.value.hint == "profiles: draft, offline, standard, free"
    assert raised.value.exit_code is ExitCode.USAGE


def test_a_problem_in_a_chosen_profile_is_told_at_its_place(tmp_path: Path) -> None:
    top = "profiles:\n  p: {defaults: {style: nior, music: {file: no.mp3}}, limits: {fall: 2}}"
    found = said(tmp_path, ["p"], top)
    assert [message.split(": ")[0] for message in found] == ["4:25", "4:45", "4:64"]
    assert "did you mean 'noir'?" in found[0]
    assert "did you mean 'fal'?" in found[2]


def test_a_profile_that_is_not_chosen_is_only_checked_for_its_shape(tmp_path: Path) -> None:
    top = "profiles:\n  p: {defaults: {style: nior, music: {file: no.mp3}}, limits: {fall: 2}}"
    load(tmp_path, "offline", top=top)
    top = "profiles:\n  p: {defaults: {fps: many}, models: {}, limts: {}}\n  'two words': {}"
    assert said(tmp_path, [], top) == [
        "4:23: fps: expected a whole number, got text ('many')",
        "4:30: unknown key 'models' here; it belongs under the profile's 'defaults'",
        "4:42: unknown key 'limts'; did you mean 'limits'?",
        "5:3: profiles: expected letters, digits, '.', '_' and '-', beginning with a letter or digit, got 'two words'",
    ]


def test_a_chosen_profile_of_which_nothing_is_sound_is_no_unknown_one(tmp_path: Path) -> None:
    assert said(tmp_path, ["p"], "profiles: {p: 12}") == ["3:15: p: expected a mapping of keys, got a number (12)"]


def test_what_does_not_go_with_a_built_in_profile_is_told_where_the_recipe_says_it(tmp_path: Path) -> None:
    offers = f"video 'a': clip model '{HAILUO}' offers 6 or 10 s segments, not 4 (profile 'free')"
    assert said(tmp_path, ["free"], "", ", segment_duration: 4") == [f"5:43: {offers}"]
    assert said(tmp_path, ["free"], "defaults: {segment_duration: 4}") == [f"3:30: {offers}"]


def test_what_nobody_wrote_down_is_told_at_the_video_s_name(tmp_path: Path) -> None:
    lite = CATALOG.models[HAILUO]
    catalog = CATALOG.extended([type(lite)(**{**_values(lite), "aspect_ratios": ("16:9",)})])
    path = tmp_path / "recipe.yaml"
    path.write_text("version: 1\nname: x\nvideos:\n  - {topic: tea, id: a}\n")
    with pytest.raises(RecipeError) as raised:
        load_recipe(path, catalog=catalog, environ={}, profiles=["free"])
    (problem,) = raised.value.problems
    assert (problem.line, problem.column) == (4, 22)
    assert problem.message.endswith("offers aspect ratio 16:9, not 9:16 (profile 'free')")


def _values(model: Any) -> dict[str, Any]:
    return {name: getattr(model, name) for name in model.__slots__}
