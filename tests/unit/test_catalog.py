"""The catalog files as they ship, and what a broken one says."""

import shutil
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

import tiktoker_batch.catalog
from tests.values import a_model
from tiktoker_batch.catalog.loader import CatalogVoice, load_catalog, providers, read_catalog
from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.model import Field, Json, Model, Recipe
from tiktoker_batch.planning.build import Planning, build_plan
from tiktoker_batch.providers.registry import PROVIDERS
from tiktoker_batch.recipe.build import load_recipe
from tiktoker_batch.recipe.offers import usual_segment_seconds
from tiktoker_batch.resources import resource_path
from tiktoker_batch.steps.registry import STEP_KINDS

FOLDER = Path(tiktoker_batch.catalog.__file__).parent
CATALOG = load_catalog()
MODELS = list(CATALOG.models.values())
STYLES = {
    "realistic_cinematic", "anime", "cyberpunk", "oil_painting", "minimalism", "retro_80s", "noir", "pixel_art",
    "watercolor", "comic_book", "steampunk", "fantasy", "horror", "sci_fi", "pastel_dream", "graffiti",
    "noir_cyberpunk", "vintage_postcard", "storybook_classic", "documentary",
}  # fmt: skip


def of_kind(kind: str) -> list:
    return [pytest.param(model, id=model.ref) for model in MODELS if model.kind == kind]


@pytest.mark.parametrize("name", ["models", "unfit", "styles", "languages", "voices", "profiles"])
def test_no_file_gives_an_entry_twice(name: str) -> None:
    root = yaml.compose((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    mappings = [root, *(value for _, value in root.value if isinstance(value, yaml.MappingNode))]
    for mapping in mappings:
        counted = Counter(key.value for key, _ in mapping.value)
        assert not [key for key, count in counted.items() if count > 1]


def test_every_model_is_of_a_provider_that_exists() -> None:
    assert set(providers()) == set(CATALOG.providers) <= set(PROVIDERS)


def test_a_model_is_found_under_the_name_that_recipes_use() -> None:
    assert all(ref == model.ref for ref, model in CATALOG.models.items())


@pytest.mark.parametrize("model", of_kind("clip"))
def test_a_clip_model_offers_whole_seconds_and_one_length_of_at_least_four(model) -> None:
    offered = model.durations or model.duration_range
    assert list(offered) == sorted(set(offered))
    assert all(seconds == int(seconds) and 1 <= seconds <= 60 for seconds in offered)
    assert max(offered) >= 4


@pytest.mark.parametrize(
    ("ref", "seconds"),
    [
        ("fal:fal-ai/veo3.1/fast/image-to-video", 4),
        ("fal:fal-ai/bytedance/seedance/v1/lite/image-to-video", 5),
        ("fal:fal-ai/bytedance/seedance/v1/pro/image-to-video", 5),
        ("fal:fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video", 6),
        ("fal:fal-ai/wan/v2.7/image-to-video", 4),
        ("local:camera", 4),
    ],
)
def test_segments_are_as_long_as_people_expect_of_a_model(ref: str, seconds: float) -> None:
    assert usual_segment_seconds(CATALOG.models[ref]) == seconds


def test_short_clips_can_be_asked_for_where_a_model_makes_them() -> None:
    for tier in ("lite", "pro"):
        model = CATALOG.models[f"fal:fal-ai/bytedance/seedance/v1/{tier}/image-to-video"]
        assert model.durations == tuple(range(2, 13))


@pytest.mark.parametrize("model", [pytest.param(model, id=model.ref) for model in MODELS])
def test_ratios_and_resolutions_are_written_as_recipes_write_them(model) -> None:
    assert all(len(ratio.split(":")) == 2 and ratio.replace(":", "").isdigit() for ratio in model.aspect_ratios)
    assert all(resolution.endswith("p") and resolution[:-1].isdigit() for resolution in model.resolutions)
    assert set(model.languages) <= set(CATALOG.languages)


@pytest.mark.parametrize("model", [pytest.param(model, id=model.ref) for model in MODELS])
def test_cloud_models_have_a_price_with_date_and_source_and_local_ones_are_free(model) -> None:
    if model.provider == "local":
        assert model.price is None
        return
    assert model.price is not None
    assert model.price.as_of
    assert model.price.source
    assert all(type(usd) is Decimal and usd >= 0 for usd in (model.price.usd, *model.price.by_resolution.values()))
    units = {
        "text": {"call"},
        "image": {"image", "megapixel"},
        "clip": {"second", "call"},
        "narration": {"1k_characters"},
    }
    assert model.price.unit in units[model.kind]
    assert "resolution" in model.parameters or set(model.price.by_resolution) <= set(model.resolutions)


FAL = [pytest.param(model, id=model.ref) for model in MODELS if model.provider == "fal"]


@pytest.mark.parametrize("model", FAL)
def test_every_model_of_fal_is_sent_a_prompt_and_only_values_that_it_offers(model) -> None:
    assert "prompt" in model.fields
    assert ("aspect_ratio" in model.fields) == bool(model.aspect_ratios)
    assert ("resolution" in model.fields) == bool(model.resolutions)
    assert "seed" not in model.fields or model.kind in {"image", "clip"}
    kinds = {"image": "clip", "seconds": "clip", "size": "image", "reference": "image", "voice": "narration"}
    assert all(model.kind == kinds.get(name, model.kind) for name in model.fields)
    sent = [field.name for field in model.fields.values()]
    assert len(sent) == len(set(sent))
    assert not set(sent) & set(model.parameters)


@pytest.mark.parametrize("model", [param for param in FAL if param.values[0].kind == "clip"])
def test_a_clip_begins_with_the_picture_and_is_as_long_as_was_asked(model) -> None:
    assert "image" in model.fields
    assert "seconds" in model.fields or len(model.durations) == 1


@pytest.mark.parametrize("model", [param for param in FAL if param.values[0].kind == "image"])
def test_the_shape_of_a_picture_is_asked_for(model) -> None:
    assert {"size", "aspect_ratio"} & set(model.fields)


@pytest.mark.parametrize(
    ("id_", "seconds"),
    [
        ("veo3.1/fast/image-to-video", Field(name="duration", form="seconds")),
        ("bytedance/seedance/v1/lite/image-to-video", Field(name="duration", form="text")),
        ("wan/v2.7/image-to-video", Field(name="duration", form="number")),
        ("wan-i2v", None),
    ],
)
def test_each_model_is_told_seconds_in_its_own_way(id_: str, seconds: Field | None) -> None:
    assert CATALOG.models[f"fal:fal-ai/{id_}"].fields.get("seconds") == seconds


def test_what_a_model_would_not_understand_is_not_sent() -> None:
    def sent(id_: str) -> dict[str, str]:
        return {name: field.name for name, field in CATALOG.models[f"fal:fal-ai/{id_}"].fields.items()}

    hailuo = sent("minimax/hailuo-2.3-fast/standard/image-to-video")
    assert hailuo == {"prompt": "prompt", "image": "image_url", "seconds": "duration"}
    assert sent("kling-video/v2.5-turbo/pro/image-to-video") == hailuo
    assert sent("kling-video/v2.6/pro/image-to-video") == {**hailuo, "image": "start_image_url"}
    assert sent("elevenlabs/tts/eleven-v3") == {"prompt": "text", "voice": "voice", "language": "language_code"}
    assert CATALOG.models["fal:fal-ai/nano-banana/edit"].fields["reference"] == Field(name="image_urls", form="list")


def test_models_with_a_longest_text_say_so() -> None:
    longest = {model.ref: model.prompt_characters for model in MODELS if model.prompt_characters}
    assert longest == {
        "fal:fal-ai/wan-25-preview/image-to-video": 800,
        "fal:fal-ai/wan/v2.7/image-to-video": 5_000,
        "fal:fal-ai/elevenlabs/tts/eleven-v3": 5_000,
        "fal:fal-ai/elevenlabs/tts/multilingual-v2": 10_000,
        "elevenlabs:eleven_multilingual_v2": 10_000,
        "elevenlabs:eleven_flash_v2_5": 40_000,
        "elevenlabs:eleven_turbo_v2_5": 40_000,
        "elevenlabs:eleven_v3": 5_000,
    }


def test_four_silent_seconds_of_veo_fast_cost_forty_cents() -> None:
    model = CATALOG.models["fal:fal-ai/veo3.1/fast/image-to-video"]
    assert model.price is not None
    assert 4 * model.price.usd == Decimal("0.40")
    assert model.parameters["generate_audio"] is False


@pytest.mark.parametrize(
    ("id_", "sent", "usd"),
    [
        ("veo3.1/fast/image-to-video", {"generate_audio": False, "resolution": "1080p"}, "0.10"),
        ("veo3.1/fast/image-to-video", {"generate_audio": True, "resolution": "1080p"}, "0.15"),
        ("veo3.1/fast/image-to-video", {}, "0.15"),  # the service makes sound unless it is told not to
        ("veo3.1/image-to-video", {"generate_audio": False}, "0.20"),
        ("veo3.1/image-to-video", {"generate_audio": True}, "0.40"),
        ("kling-video/v2.6/pro/image-to-video", {"generate_audio": False}, "0.07"),
        ("kling-video/v2.6/pro/image-to-video", {"generate_audio": True}, "0.14"),
        ("kling-video/v2.6/pro/image-to-video", {"generate_audio": True, "voice_ids": ["v"]}, "0.168"),
        ("ltx-2/image-to-video", {"generate_audio": True, "resolution": "2160p"}, "0.24"),
        ("ltx-2/image-to-video/fast", {"generate_audio": False, "resolution": "1080p"}, "0.04"),
        ("wan/v2.7/image-to-video", {"resolution": "1080p"}, "0.15"),
        ("wan-25-preview/image-to-video", {"resolution": "480p"}, "0.05"),
    ],
)
def test_what_a_second_costs_follows_from_what_is_sent(id_: str, sent: dict[str, Json], usd: str) -> None:
    price = CATALOG.models[f"fal:fal-ai/{id_}"].price
    assert price is not None
    assert price.per_unit(sent) == Decimal(usd)


@pytest.mark.parametrize("model", FAL)
def test_a_price_holds_for_what_its_own_model_is_sent(model) -> None:
    assert model.price.of(model.parameters) is model.price


def test_there_are_the_twenty_styles_each_with_words_of_its_own() -> None:
    assert set(CATALOG.styles) == STYLES
    prompts = [style.prompt for style in CATALOG.styles.values()]
    assert len(set(prompts)) == 20
    assert all(15 <= len(prompt.split()) <= 60 and "\n" not in prompt for prompt in prompts)


def test_a_style_is_found_by_its_former_name() -> None:
    for alias, name in {"marvel_comic": "comic_book", "disney_classic": "storybook_classic"}.items():
        style = CATALOG.style(alias)
        assert style is not None
        assert style.name == name
    assert CATALOG.style("cyberpnk") is None


def test_prompts_name_no_brand() -> None:
    words = " ".join(style.prompt.lower() for style in CATALOG.styles.values())
    assert not [brand for brand in ("disney", "marvel", "pixar", "ghibli", "kodak", "nintendo") if brand in words]


@pytest.mark.parametrize("voice", CATALOG.voices.values(), ids=lambda voice: voice.name)
def test_a_voice_has_ids_at_models_or_providers_that_exist(voice: CatalogVoice) -> None:
    assert voice.ids
    assert set(voice.ids) <= {*CATALOG.providers, *CATALOG.models}
    assert set(voice.languages) <= set(CATALOG.languages)


@pytest.mark.parametrize("model", of_kind("narration"))
def test_every_narration_model_has_a_voice_of_its_own_accord(model) -> None:
    assert CATALOG.voices[CATALOG.default_voice(model) or ""].id_for(model)


def test_a_model_of_a_provider_that_nobody_knows_has_no_voice_of_its_own_accord() -> None:
    assert CATALOG.default_voice(Model(provider="acme", id="speaker", kind="narration", title="Speaker")) is None


def test_a_catalog_can_be_extended_without_changing_it() -> None:
    added = Model(provider="acme", id="speaker", kind="narration", title="Speaker")
    other = replace(CATALOG.models["local:painter"], typical_seconds=9.0)
    extended = CATALOG.extended([added, other])
    assert extended.models["acme:speaker"] is added
    assert extended.models["local:painter"].typical_seconds == 9.0
    assert len(extended.models) == len(CATALOG.models) + 1
    assert extended.providers == (*CATALOG.providers, "acme")
    assert "acme:speaker" not in CATALOG.models
    assert CATALOG.models["local:painter"].typical_seconds != 9.0
    assert extended.styles is CATALOG.styles


def test_a_voice_is_known_to_a_model_before_its_provider() -> None:
    voice = CatalogVoice(name="v", title="v", ids={"local": "anywhere", "local:hibari": "here"})
    assert voice.id_for(a_model("narration", "hibari")) == "here"
    assert voice.id_for(a_model("narration", "other")) == "anywhere"
    assert CATALOG.voices["rachel"].id_for(a_model("narration", "hibari")) is None


def test_a_recipe_that_names_no_models_stays_on_this_machine() -> None:
    for language in CATALOG.languages:
        models = CATALOG.default_models(language)
        chosen = {models.text.ref, models.image.ref, models.clip.ref, models.narration.ref}
        speaks = "local:hibari" if language == "en" else "local:espeak-ng"
        assert chosen == {"local:writer", "local:painter", "local:camera", speaks}


def test_words_of_a_language_are_spoken_at_a_human_pace() -> None:
    assert all(80 <= language.words_per_minute <= 180 for language in CATALOG.languages.values())
    assert "no" in CATALOG.languages  # and not false, as YAML 1.1 reads it
    assert CATALOG.languages["ru"].script == "cyrillic"


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("models.yaml", "kind: clip", "kind: clipp", "expected one of clip, image, narration, text, got 'clipp'"),
        ("models.yaml", 'usd: "0.003"', "usd: 0.003", "'fal:fal-ai/flux/schnell': price: usd: expected text"),
        ("models.yaml", 'usd: "0.003"', 'usd: "-1"', "expected an amount of at least 0"),
        (
            "models.yaml",
            "duration_range: [1, 30]",
            "duration_range: [30, 1]",
            "'local:camera': duration_range: expected",
        ),
        ("models.yaml", "  duration_range: [1, 30]\n", "", "'local:camera': a clip model has lengths; add 'durations'"),
        ("models.yaml", "typical_seconds: 0.8", "typical_second: 0.8", "'local:painter': 'typical_seconds' is missing"),
        ("models.yaml", '["16:9", "9:16"]', "[16:9, 9:16]", "aspect_ratios: expected text"),
        (
            "models.yaml",
            "{prompt: prompt, size: image_size, seed: seed}",
            "{promt: prompt}",
            "'fal:fal-ai/flux/schnell': fields: unknown field 'promt'; did you mean 'prompt'?",
        ),
        ("models.yaml", "usual_seconds: 5 ", "usual_seconds: 1 ", "usual_seconds: 1 is not one of its lengths"),
        (
            "models.yaml",
            'otherwise: {usd: "0.15"}',
            'otherwise: {usd: "-"}',
            "price: otherwise: usd: expected an amount",
        ),
        (
            "models.yaml",
            "given: &one_picture {num_images: [1, null]}",
            "given: &one_picture {num_images: 2}",
            "no price",
        ),
        (
            "models.yaml",
            "parameters: {cfg_scale: 0.5}",
            "parameters: {duration: 5}",
            "'duration' is taken by the field",
        ),
        ("models.yaml", "form: seconds", "form: second", "fields: seconds: form: expected one of list, number"),
        ("models.yaml", "prompt_characters: 800", "prompt_characters: 8.5", "prompt_characters: expected a whole"),
        ("models.yaml", "source: fal.ai model page}", "source: '-', as-of: x}", "price: unknown key 'as-of'; did you"),
        ("models.yaml", ", source: fal.ai model page}", "}", "price: a figure needs 'as_of' and 'source'"),
        ("models.yaml", "kind: clip", "kinds: clip", "'kind' is missing"),
        ("models.yaml", "parameters: {", "paramters: {", "unknown key 'paramters'; did you mean 'parameters'?"),
        ("models.yaml", "local:writer:", "writer:", "entry 'writer': a model is called provider:id"),
        ("profiles.yaml", "local:camera", "local:camra", "'offline': there is no model 'local:camra' for clip"),
        ("profiles.yaml", "local:camera", "local:painter", "'offline': there is no model 'local:painter' for clip"),
        ("profiles.yaml", "    clip:", "    clips:", "'offline': models: 'clip' is missing"),
        ("profiles.yaml", "offline:", "offlin:", "'offline': it is missing"),
        ("profiles.yaml", '["local:hibari", "local:espeak-ng"]', "[]", "models: narration: expected a model"),
        ("unfit.yaml", "fal:fal-ai/veo3.1/fast:", "fal:fal-ai/wan-i2v:", "it is a model of the catalog too"),
        (
            "unfit.yaml",
            "instead: fal:fal-ai/flux-pro/v1.1",
            "instead: fal:f",
            "fal-ai/flux-pro': there is no model 'fal:f'",
        ),
        ("unfit.yaml", "why: is no longer", "because: is no longer", "'why' is missing"),
        ("languages.yaml", '"no":', "no:", "entry False: expected text"),
        ("languages.yaml", "script: cyrillic}", "script: cyrillic, extra: 1}", "unknown key 'extra'"),
        ("styles.yaml", "aliases: [marvel_comic]", "aliases: [noir]", "'comic_book': the alias 'noir' is taken"),
        ("voices.yaml", "elevenlabs: rachel", "elevenlabs: heart", "no voice for elevenlabs:"),
        ("voices.yaml", "defaults:", "default:", "entry 'defaults'"),
        ("styles.yaml", "anime:", "anime: [", "styles.yaml"),
    ],
)
def test_a_broken_file_is_named_with_its_entry(tmp_path: Path, file: str, old: str, new: str, complaint: str) -> None:
    for each in FOLDER.glob("*.yaml"):
        shutil.copy(each, tmp_path)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TiktokerError) as caught:
        read_catalog(tmp_path)
    assert file in caught.value.message
    assert complaint in caught.value.message
    assert caught.value.hint


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TiktokerError, match=r"voices\.yaml"):
        read_catalog(tmp_path)


# --------------------------------------------------------------------------- the recipes that ship


def shipped(name: str) -> Recipe:
    return load_recipe(resource_path("recipes", f"{name}.yaml"), catalog=CATALOG, environ={})


def test_quickstart_is_three_different_short_videos_made_on_this_machine() -> None:
    videos = shipped("quickstart").videos
    assert len(videos) == len({video.style.name for video in videos}) == 3
    assert all(12 <= video.duration <= 20 for video in videos)
    models = [video.models for video in videos]
    assert {m.provider for each in models for m in (each.text, each.image, each.clip, each.narration)} == {"local"}
    assert any(video.topic for video in videos)
    assert any(shot.style for video in videos for shot in video.shots)


def test_week12_is_a_video_a_day_within_its_budget() -> None:
    recipe = shipped("week12")
    days = [video.publish.at.date() for video in recipe.videos if video.publish and video.publish.at]
    assert len(days) == len(set(days)) == 7
    plan = build_plan(recipe, STEP_KINDS, Planning(languages=CATALOG.languages, file_sha256={}))
    assert {step.provider for step in plan.steps if step.estimated_cost_usd} == {"fal", "elevenlabs", "openrouter"}
    by_video = Counter({video.id: Decimal(0) for video in recipe.videos})
    for step in plan.steps:
        by_video[step.video] += step.estimated_cost_usd
    assert recipe.budget.max_usd is not None
    assert recipe.budget.per_video_usd is not None
    assert sum(by_video.values()) <= recipe.budget.max_usd
    assert max(by_video.values()) <= recipe.budget.per_video_usd


@pytest.mark.parametrize("name", ["quickstart", "week12"])
def test_scripts_that_ship_fill_their_time_when_spoken(name: str) -> None:
    for video in shipped(name).videos:
        if video.script:
            seconds = sum(shot.duration or video.segment_duration for shot in video.shots) or video.duration
            pace = len(video.script.split()) / seconds
            assert 2.2 <= pace <= 3.2, video.id
