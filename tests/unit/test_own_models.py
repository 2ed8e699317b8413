"""Models that a recipe declares itself: what they offer, what they cost, and what is wrong with them."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.values import a_recipe
from tiktoker_batch.catalog.fields import WrongEntry
from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.catalog.models import own_model
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.model import Field, Kind, Price, Video, Voice
from tiktoker_batch.planning.build import Planning, build_plan
from tiktoker_batch.planning.estimate import step_cost_usd
from tiktoker_batch.recipe.build import load_recipe
from tiktoker_batch.steps.registry import STEP_KINDS

CATALOG = load_catalog()
VEO = "fal:fal-ai/veo3.1/fast/image-to-video"


def load(
    folder: Path, models: str, video: str = "", *, top: str = "", providers: tuple[str, ...] | None = None
) -> Video:
    """The only video of a recipe with these models; ``models`` begins in line 4, column 3."""
    path = folder / "recipe.yaml"
    indented = "".join(f"  {line}\n" for line in models.splitlines())
    path.write_text(
        f"version: 1\nname: x\nmodels:\n{indented}{top}\nvideos:\n  - {{id: a, topic: tea{video}}}\n", encoding="utf-8"
    )
    (built,) = load_recipe(path, catalog=CATALOG, environ={}, providers=providers).videos
    return built


def said(folder: Path, models: str, video: str = "", *, top: str = "") -> list[str]:
    with pytest.raises(RecipeError) as raised:
        load(folder, models, video, top=top)
    return [f"{problem.line}:{problem.column}: {problem.message}" for problem in raised.value.problems]


# ------------------------------------------------------------------ what is filled in


def test_a_new_clip_model_needs_little_more_than_its_lengths(tmp_path: Path) -> None:
    models = '"fal:fal-ai/new/image-to-video": {kind: clip, durations: [5, 10]}'
    model = load(tmp_path, models, ', models: {clip: "fal:fal-ai/new/image-to-video"}').models.clip
    assert (model.ref, model.title) == ("fal:fal-ai/new/image-to-video", "fal-ai/new/image-to-video")
    assert (model.durations, model.price) == ((5.0, 10.0), None)
    assert (model.typical_seconds, model.latency_spread) == (30.0, 0.25)
    assert model.fields == {
        "prompt": Field(name="prompt"),
        "image": Field(name="image_url"),
        "seconds": Field(name="duration", form="text"),
    }


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("text", {}),
        ("image", {"prompt": Field(name="prompt"), "size": Field(name="image_size")}),
        ("narration", {"prompt": Field(name="text"), "voice": Field(name="voice")}),
    ],
)
def test_every_kind_has_usual_fields(kind: str, fields: dict[str, Field]) -> None:
    assert own_model("fal:new", {"kind": kind}).fields == fields


def test_everything_that_the_catalog_says_of_a_model_can_be_said_in_a_recipe(tmp_path: Path) -> None:
    models = """\
"fal:fal-ai/new":
  kind: clip
  title: New
  x-note: ask them about seeds
  duration_range: [2, 8.5]
  aspect_ratios: [9:16, 1:1]
  resolutions: [720p]
  languages: [en]
  fields: {prompt: text, image: start, seconds: {name: len, form: number, x-why: odd}, seed: seed, x-more: 1}
  parameters: {fps: 25, x-sent: true}
  prompt_characters: 900
  price: {unit: second, usd: 0.05, by_resolution: {720p: "0.060"}, as_of: 2027-01-01, source: mail, uncertain: true}
  typical_seconds: 80
  latency_spread: 0.5"""
    model = load(tmp_path, models, ', models: {clip: "fal:fal-ai/new"}').models.clip
    assert (model.title, model.duration_range, model.durations) == ("New", (2.0, 8.5), ())
    assert (model.aspect_ratios, model.resolutions, model.languages) == (("9:16", "1:1"), ("720p",), ("en",))
    assert model.fields["seconds"] == Field(name="len", form="number")
    assert set(model.fields) == {"prompt", "image", "seconds", "seed"}
    assert model.parameters == {"fps": 25, "x-sent": True}
    assert (model.prompt_characters, model.typical_seconds, model.latency_spread) == (900, 80.0, 0.5)
    assert model.price == Price(
        unit="second",
        usd=Decimal("0.05"),
        by_resolution={"720p": Decimal("0.060")},
        as_of="2027-01-01",
        source="mail",
        uncertain=True,
    )


@pytest.mark.parametrize("usd", ["0.1", '"0.1"', "'0.10'"])
def test_an_amount_may_be_a_number_or_a_text(tmp_path: Path, usd: str) -> None:
    models = f'"openrouter:acme/chat": {{kind: text, price: {{usd: {usd}}}}}'
    price = load(tmp_path, models, ', models: {text: "openrouter:acme/chat"}').models.text.price
    assert price == Price(unit="call", usd=Decimal("0.1"))


def test_a_price_of_one_s_own_takes_the_place_of_the_built_in_one_and_nothing_else_does(tmp_path: Path) -> None:
    model = load(tmp_path, f'"{VEO}": {{price: {{usd: 0.08}}}}', f', models: {{clip: "{VEO}"}}').models.clip
    price = Price(unit="second", usd=Decimal("0.08"))  # and no older figure by resolution
    assert model == replace(CATALOG.models[VEO], price=price)


def test_lengths_of_one_s_own_take_the_place_of_a_built_in_range_and_back() -> None:
    camera = CATALOG.models["local:camera"]
    listed = own_model(camera.ref, {"durations": [4]}, camera)
    assert (listed.durations, listed.duration_range) == ((4.0,), None)
    ranged = own_model(camera.ref, {"duration_range": [2, 5]}, listed)
    assert (ranged.durations, ranged.duration_range) == ((), (2.0, 5.0))


def test_lengths_of_one_s_own_may_have_a_usual_one_among_them(tmp_path: Path) -> None:
    seedance = "fal:fal-ai/bytedance/seedance/v1/lite/image-to-video"
    use = f', models: {{clip: "{seedance}"}}'
    assert load(tmp_path, '"fal:x": {kind: image}', use).segment_duration == 5
    assert load(tmp_path, f'"{seedance}": {{usual_seconds: 8}}', use).segment_duration == 8
    assert load(tmp_path, f'"{seedance}": {{durations: [3, 6]}}', use).segment_duration == 6
    assert load(tmp_path, f'"{seedance}": {{duration_range: [2, 9], usual_seconds: 3}}', use).segment_duration == 3


# ------------------------------------------------------------------ what other parameters cost


def priced(folder: Path, ref: str, entry: str) -> Decimal | None:
    """USD for 4 or 5 s of 720p."""
    model = load(folder, f'"{ref}": {{{entry}}}', f', models: {{clip: "{ref}"}}').models.clip
    return step_cost_usd(model, 5 if 5 in model.durations else 4, "720p")


@pytest.mark.parametrize(
    ("id_", "entry", "usd"),
    [
        ("veo3.1/fast/image-to-video", "typical_seconds: 70", "0.40"),
        ("veo3.1/fast/image-to-video", "parameters: {generate_audio: false, auto_fix: true}", "0.40"),
        ("veo3.1/fast/image-to-video", "parameters: {generate_audio: true}", "0.60"),
        (
            "veo3.1/fast/image-to-video",
            "parameters: {auto_fix: true}",
            "0.60",
        ),  # sound is what the service does by itself
        ("veo3.1/fast/image-to-video", "parameters: {generate_audio: true}, price: {usd: 0.2}", "0.80"),
        ("kling-video/v2.6/pro/image-to-video", "parameters: {generate_audio: true}", "0.70"),
        ("kling-video/v2.6/pro/image-to-video", "parameters: {generate_audio: true, voice_ids: [v]}", "0.84"),
        ("ltx-2/image-to-video", "parameters: {generate_audio: true, resolution: 2160p}", "0.96"),
    ],
)
def test_a_clip_with_sound_is_planned_at_the_price_of_one_with_sound(
    tmp_path: Path, id_: str, entry: str, usd: str
) -> None:
    assert priced(tmp_path, f"fal:fal-ai/{id_}", entry) == Decimal(usd)


def test_the_budget_holds_back_what_sound_costs(tmp_path: Path) -> None:
    video = load(tmp_path, f'"{VEO}": {{parameters: {{generate_audio: true}}}}', f', models: {{clip: "{VEO}"}}')
    plan = build_plan(a_recipe(video), STEP_KINDS, Planning(languages=CATALOG.languages, file_sha256={}))
    assert {step.estimated_cost_usd for step in plan.steps if step.kind is Kind.CLIP} == {Decimal("0.6000")}


def test_parameters_of_which_nobody_knows_the_price_ask_for_one(tmp_path: Path) -> None:
    flux = "fal:fal-ai/flux/schnell"
    more = f'"{flux}": {{parameters: {{num_images: 4}}}}'
    (found,) = said(tmp_path, more)
    expected = "no price is known with num_images: 4; add one, like 'price: {usd: \"0.30\"}'"
    assert found == f"4:56: model '{flux}': parameters: {expected}"
    load(tmp_path, f'"{flux}": {{parameters: {{num_images: 4}}, price: {{usd: "0.012"}}}}')
    load(
        tmp_path, f'"{flux}": {{parameters: {{output_format: png}}}}'
    )  # one picture is what the service makes by itself


def test_a_parameter_never_takes_the_place_of_what_the_video_says(tmp_path: Path) -> None:
    (found,) = said(tmp_path, f'"{VEO}": {{parameters: {{generate_audio: false, resolution: 4k}}}}')
    taken = "'resolution' is taken by the field 'resolution', which every request fills; leave it out"
    assert found == f"4:93: model '{VEO}': parameters: {taken}"
    (found,) = said(tmp_path, '"fal:x": {kind: clip, durations: [5], parameters: {duration: 5}}')
    assert "'duration' is taken by the field 'seconds'" in found


def test_models_that_are_not_used_change_nothing(tmp_path: Path) -> None:
    video = load(tmp_path, '"fal:fal-ai/new": {kind: image}\nx-later: {anything: goes}')
    assert video.models.image.ref == "local:painter"


# ------------------------------------------------------------------ how others see them


def test_a_model_of_one_s_own_is_checked_like_any_other(tmp_path: Path) -> None:
    models = '"fal:fal-ai/new": {kind: clip, durations: [5, 10], aspect_ratios: ["16:9"]}'
    assert said(tmp_path, models, ', segment_duration: 4, models: {clip: "fal:fal-ai/new"}') == [
        "7:43: video 'a': clip model 'fal:fal-ai/new' offers 5 or 10 s segments, not 4",
        "7:61: video 'a': clip model 'fal:fal-ai/new' offers aspect ratio 16:9, not 9:16",
    ]


def test_a_misspelt_use_is_told_with_the_nearest_own_name(tmp_path: Path) -> None:
    (message,) = said(tmp_path, '"fal:fal-ai/brandnew": {kind: image}', ', models: {image: "fal:fal-ai/brandnwe"}')
    assert "unknown model 'fal:fal-ai/brandnwe'; did you mean 'fal:fal-ai/brandnew'?" in message


def test_a_model_of_one_s_own_can_have_a_limit(tmp_path: Path) -> None:
    load(tmp_path, '"fal:fal-ai/new": {kind: image}', top='limits: {"fal:fal-ai/new": 2}')


def test_a_plug_in_s_provider_can_be_named_where_it_is_installed(tmp_path: Path) -> None:
    models = '"acme:draw": {kind: image}'
    assert said(tmp_path, models, ', models: {image: "acme:draw"}') == [
        "4:3: unknown provider 'acme' (there are: local, fal, elevenlabs, openrouter)"
    ]
    installed = (*CATALOG.providers, "acme")
    video = load(tmp_path, models, ', models: {image: "acme:draw"}', top="limits: {acme: 3}", providers=installed)
    assert video.models.image.ref == "acme:draw"


def test_a_narrator_whose_voices_nobody_knows_needs_one_by_name(tmp_path: Path) -> None:
    models = '"acme:speak": {kind: narration}'
    chosen = ', models: {narration: "acme:speak"}'
    how = "name one, like 'voices: {narrator: \"acme:ID\"}', and choose it with 'voice: narrator'"
    for own, expected in (
        ("", f"7:45: video 'a': narration model 'acme:speak' has no usual voice; {how}"),
        (", voice: rachel", f"7:67: video 'a': narration model 'acme:speak' has no voice 'rachel'; {how}"),
    ):
        with pytest.raises(RecipeError) as raised:
            load(tmp_path, models, chosen + own, providers=("acme",))
        (problem,) = raised.value.problems
        assert f"{problem.line}:{problem.column}: {problem.message}" == expected
    own = load(tmp_path, models, f"{chosen}, voice: me", top='voices: {me: "acme:abc"}', providers=("acme",))
    assert own.voice == Voice(name="me", provider="acme", id="abc")


# ------------------------------------------------------------------ problems


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ('"fal:x": {title: X}', "4:12: model 'fal:x': 'kind' is missing"),
        ('"fal:x": {kind: clipp}', "4:19: kind: 'clipp' is not one of text, image, clip or narration; did you mean"),
        ('"fal:x": {kind: clip}', "4:12: model 'fal:x': a clip model has lengths; add 'durations'"),
        ('"fal:x": {kind: text, durations: [4]}', "4:12: model 'fal:x': only clip models have 'durations'"),
        (
            '"fal:x": {kind: clip, durations: [4], duration_range: [1, 2]}',
            "4:57: model 'fal:x': a clip model has either durations or a duration_range; remove one",
        ),
        ('"fal:x": {kind: clip, duration_range: [5, 2]}', "4:41: model 'fal:x': duration_range: expected [shortest"),
        ('"fal:x": {kind: clip, duration_range: [5]}', "4:41: duration_range: expected at least 2, got 1"),
        ('"fal:x": {kind: clip, durations: ["5"]}', "4:37: durations: expected a number, got text ('5')"),
        ('"fal:x": {kind: clip, durations: [5, 5]}', "4:40: 5 is listed twice"),
        ('"fal:x": {kind: image, fields: {promt: p}}', "4:35: unknown key 'promt'; did you mean 'prompt'?"),
        ('"fal:x": {kind: image, fields: {seed: s}}', "4:34: model 'fal:x': fields: 'prompt' is missing; a request"),
        (
            '"fal:x": {kind: clip, durations: [5, 10], fields: {prompt: p, image: i}}',
            "4:53: model 'fal:x': fields: 'seconds' is missing; a request needs it",
        ),
        ('"fal:x": {kind: image, fields: {prompt: {form: text}}}', "4:43: prompt: the key 'name' is missing"),
        (
            '"fal:x": {kind: image, fields: {prompt: {name: p, form: txt}}}',
            "4:59: form: 'txt' is not one of plain, text, seconds, number or list; did you mean 'text'?",
        ),
        ('"fal:x": {kind: image, price: {}}', "4:33: price: the key 'usd' is missing"),
        ('"fal:x": {kind: image, price: {usd: -1}}', "4:39: usd: must be at least 0 and at most 100000, got -1"),
        ('"fal:x": {kind: image, price: {usd: $1}}', "4:39: usd: expected an amount in USD like 0.10, got '$1'"),
        (
            '"fal:x": {kind: image, price: {usd: 1, unit: second}}',
            "4:48: model 'fal:x': price: unit: expected one of call, image, megapixel, got 'second'",
        ),
        ('"fal:x": {kind: text, languages: [en, rus]}', "4:41: unknown language 'rus'; did you mean 'ru'?"),
        ('"fal:x": {kind: text, typical_second: 3}', "4:25: unknown key 'typical_second'; did you mean 'typical_secon"),
        ('"fall:x": {kind: text}', "4:3: unknown provider 'fall'; did you mean 'fal'? (there are: local, fal, "),
        ('"local:paint": {kind: image}', "4:3: this machine has no model 'local:paint'; did you mean 'local:painter'?"),
        ('image: "fal:x"', "4:3: models: expected provider:id (which models do the work stands under"),
        (f'"{VEO}": {{kind: image}}', f"4:51: model '{VEO}': kind: this is a model for clip, not for"),
        (
            '"fal:x": {kind: clip, durations: [5, 10], usual_seconds: 6}',
            "4:60: model 'fal:x': usual_seconds: 6 is not one of its lengths",
        ),
        ('"fal:x": {kind: text, usual_seconds: 6}', "4:40: model 'fal:x': usual_seconds: only clip models have one"),
        (f'"{VEO}": {{durations: []}}', "4:56: durations: at least one is needed"),
    ],
)  # fmt: skip
def test_a_fault_in_an_entry_is_told_at_its_place(tmp_path: Path, models: str, expected: str) -> None:
    (found,) = said(tmp_path, models)
    assert found.startswith(expected)


def test_an_entry_that_could_not_be_read_is_not_complained_of_where_it_is_used(tmp_path: Path) -> None:
    models = '"fal:fal-ai/new": {kind: clip, durations: long}'
    use = ', models: {clip: "fal:fal-ai/new"}'
    assert said(tmp_path, models, use, top='limits: {"fal:fal-ai/new": 1}') == [
        "4:45: durations: expected a list, got text ('long'); write [long]"
    ]
    built_in = f'"{VEO}": {{resolutions: 720p}}'
    assert said(tmp_path, built_in, f', models: {{image: "{VEO}"}}') == [
        "4:58: resolutions: expected a list, got text ('720p'); write [720p]"
    ]


def test_plug_ins_hear_of_a_wrong_entry_with_the_keys_that_lead_to_it() -> None:
    with pytest.raises(WrongEntry) as raised:
        own_model("acme:x", {"kind": "image", "fields": {"prompt": {"name": ""}}})
    assert raised.value.at == ("fields", "prompt", "name")
