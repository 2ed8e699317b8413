"""Every request that a recipe can lead to at fal, against the model's own schema.

Unknown fields may pass unnoticed there: what they ask for is then silently not done, and paid for.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fal_schemas import SCHEMAS
from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.model import Json, Kind, Model
from tiktoker_batch.planning.build import Planning, build_plan
from tiktoker_batch.providers.base import Request
from tiktoker_batch.providers.fal.body import build_body
from tiktoker_batch.recipe.build import load_recipe
from tiktoker_batch.steps.registry import STEP_KINDS

CATALOG = load_catalog()
MODELS = [model for model in CATALOG.models.values() if model.provider == "fal"]
RATIOS = ("9:16", "16:9", "1:1", "4:5")
RESOLUTIONS = ("720p", "1080p")
LANGUAGES = ("en", "ru", "ja")
RECIPE = """\
version: 1
name: x
videos:
  - id: v
    script: A door opens.
    prompts: [a door]
    captions: false
    models: {{{kind}: "{ref}"}}
    aspect_ratio: "{ratio}"
    resolution: {resolution}
    language: {language}
    {more}
"""


def bodies(folder: Path, model: Model) -> Iterator[dict[str, Json]]:
    """What is posted for each choice that a recipe has and its checks let pass."""
    more = [f"segment_duration: {seconds:g}" for seconds in model.durations] or ["fps: 24"]
    if "reference" in model.fields:
        more = ['reference_image: "https://example.org/face.png"']
    languages = LANGUAGES if model.kind == "narration" else ("en",)
    for ratio in RATIOS:
        for resolution in RESOLUTIONS:
            for language in languages:
                for each in more:
                    text = RECIPE.format(
                        kind=model.kind, ref=model.ref, ratio=ratio, resolution=resolution, language=language, more=each
                    )
                    yield from _posted(folder, model, text)


def _posted(folder: Path, model: Model, text: str) -> Iterator[dict[str, Json]]:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        recipe = load_recipe(path, catalog=CATALOG, environ={})
    except RecipeError:
        return
    plan = build_plan(recipe, STEP_KINDS, Planning(languages=CATALOG.languages, file_sha256={}))
    uploads = {"image": {"image": "https://x/1.png"}, "clip": {"image": "https://x/1.png"}}.get(model.kind, {})
    if "reference" in model.fields:
        uploads = {"reference": "https://x/face.png"}
    (step,) = (step for step in plan.steps if step.kind == Kind(model.kind))
    request = Request(
        kind=step.kind,
        model=step.model,
        prompt=step.prompt or "A door opens.",
        params={**step.params, "number": 1, "shot": "a door"},
        uploads=uploads,
        token=2**31 - 1,
    )
    yield build_body(model, request)


def objections(schema: dict[str, Any], body: dict[str, Json]) -> list[str]:
    """What a service that checks strictly would say."""
    fields = {name.removesuffix("*"): allowed for name, allowed in schema.items()}
    needed = [name.removesuffix("*") for name in schema if name.endswith("*")]
    known = {name: value for name, value in body.items() if name in fields}
    return [
        *(f"{name} is missing" for name in needed if name not in body),
        *(f"{name} is unknown" for name in body if name not in fields),
        *(f"{name} is {value!r}" for name, value in known.items() if not _fits(value, fields[name])),
    ]


def _fits(value: Any, allowed: Any) -> bool:
    if isinstance(allowed, set):
        return any(value == each and type(value) is type(each) for each in allowed)
    if isinstance(allowed, dict):
        return isinstance(value, dict) and {name: type(each) for name, each in value.items()} == allowed
    if allowed is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is allowed and value not in ("", [])


def test_there_is_a_schema_for_each_model_and_no_other() -> None:
    assert set(SCHEMAS) == {model.id for model in MODELS}


@pytest.mark.parametrize("model", [pytest.param(model, id=model.id) for model in MODELS])
def test_everything_that_a_recipe_can_ask_of_a_model_fits_its_schema(tmp_path: Path, model: Model) -> None:
    found = list(bodies(tmp_path, model))
    assert found
    assert [said for body in found for said in objections(SCHEMAS[model.id], body)] == []


@pytest.mark.parametrize("model", [pytest.param(model, id=model.id) for model in MODELS if "seconds" in model.fields])
def test_every_length_that_a_model_makes_can_be_asked_for(tmp_path: Path, model: Model) -> None:
    assert {body["duration"] for body in bodies(tmp_path, model)} == SCHEMAS[model.id]["duration"]


@pytest.mark.parametrize("model", [pytest.param(model, id=model.id) for model in MODELS])
def test_a_model_that_takes_a_seed_or_a_resolution_is_sent_one(tmp_path: Path, model: Model) -> None:
    for body in bodies(tmp_path, model):
        assert ("seed" in body) == ("seed" in SCHEMAS[model.id])
        assert ("resolution" in body) == ("resolution" in SCHEMAS[model.id])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"duration": 4}, "duration is 4"),
        ({"duration": "4"}, "duration is '4'"),
        ({"aspect_ratio": "4:5"}, "aspect_ratio is '4:5'"),
        ({"generate_audio": "false"}, "generate_audio is 'false'"),
        ({"seed": "7"}, "seed is '7'"),
        ({"image": "x"}, "image is unknown"),
        ({"prompt": ""}, "prompt is ''"),
    ],
)
def test_the_check_objects_to_what_a_strict_service_would_refuse(
    tmp_path: Path, change: dict[str, Json], said: str
) -> None:
    veo = CATALOG.models["fal:fal-ai/veo3.1/fast/image-to-video"]
    body = next(bodies(tmp_path, veo))
    assert objections(SCHEMAS[veo.id], {**body, **change}) == [said]
    del body["image_url"]
    assert objections(SCHEMAS[veo.id], body) == ["image_url is missing"]
