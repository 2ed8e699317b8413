"""From a recipe's text to frozen videos: defaults, merging, names, files, and the checks a schema cannot make."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import Problem, RecipeError, UsageError
from tiktoker_batch.model import (
    Captions,
    Hedge,
    Kind,
    Music,
    Plan,
    Publish,
    Recipe,
    Retry,
    StoryChoice,
    Video,
    Voice,
)
from tiktoker_batch.planning.build import Planning, build_plan
from tiktoker_batch.recipe.build import load_recipe
from tiktoker_batch.recipe.prompts import PROMPT_VARIABLES
from tiktoker_batch.recipe.schema import recipe_schema
from tiktoker_batch.shots import Shot, Style
from tiktoker_batch.steps.registry import STEP_KINDS

VEO = "fal:fal-ai/veo3.1/fast/image-to-video"
SEEDANCE = "fal:fal-ai/bytedance/seedance/v1/lite/image-to-video"
CATALOG = load_catalog()


def load(folder: Path, text: str, **environ: str) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return load_recipe(path, catalog=CATALOG, environ=environ)


def one(folder: Path, video: str = "", top: str = "") -> Video:
    """The only video of a recipe with these keys."""
    (built,) = load(folder, f"version: 1\nname: x\n{top}\nvideos:\n  - {{id: a, topic: tea{video}}}\n").videos
    return built


def planned(recipe: Recipe) -> Plan:
    return build_plan(recipe, STEP_KINDS, Planning(languages=CATALOG.languages, file_sha256={}))


def said(folder: Path, text: str) -> list[str]:
    with pytest.raises(RecipeError) as raised:
        load(folder, text)
    return [f"{problem.line}:{problem.column}: {problem.message}" for problem in raised.value.problems]


# ------------------------------------------------------------------ what is filled in


def test_a_recipe_that_names_nothing_runs_on_this_machine_with_the_usual_settings(tmp_path: Path) -> None:
    video = one(tmp_path)
    assert {model.provider for model in (video.models.text, video.models.image, video.models.clip)} == {"local"}
    assert (video.models.narration.ref, video.voice) == (
        "local:hibari",
        Voice(name="heart", provider="local", id="heart"),
    )
    assert (video.duration, video.segment_duration, video.length, video.fps) == (30.0, 4.0, "auto", 24)
    assert (video.aspect_ratio, video.resolution, video.language) == ("9:16", "720p", "en")
    assert video.style.name == "realistic_cinematic"
    assert (video.retry, video.captions, video.music, video.publish) == (Retry(), Captions(), None, None)
    assert set(video.templates) == set(PROMPT_VARIABLES)


def test_another_language_is_narrated_by_a_model_that_speaks_it(tmp_path: Path) -> None:
    assert one(tmp_path, ", language: ru").models.narration.ref == "local:espeak-ng"


def test_the_video_s_own_keys_win_over_the_defaults_key_by_key(tmp_path: Path) -> None:
    top = """\
defaults:
  duration: 20
  models: {image: "fal:fal-ai/flux/schnell", clip: "local:camera"}
  retry: {max_attempts: 5, jitter: 0}
  captions: {preset: pop, position: top}
  publish: {hashtags: ["#ai"], synthetic_media: false}
  story: {variants: 3, choose: best}
  vars: {theme: sea, mood: calm}
"""
    own = (
        f', fps: 30, models: {{clip: "{VEO}"}}, retry: {{max_attempts: 2}}, captions: {{preset: plain}}'
        ", publish: {caption: Who?, platforms: [reels]}, story: {choose: longest}, vars: {mood: wild}"
    )
    video = one(tmp_path, own, top)
    assert (video.duration, video.fps) == (20.0, 30)
    assert (video.models.image.ref, video.models.clip.ref) == ("fal:fal-ai/flux/schnell", VEO)
    assert video.retry == Retry(max_attempts=2, jitter=0.0)
    assert video.captions == Captions(preset="plain", position="top")
    assert video.publish == Publish(caption="Who?", hashtags=("ai",), platforms=("reels",), synthetic_media=False)
    assert video.story == StoryChoice(variants=3, choose="longest")
    assert video.vars == {"theme": "sea", "mood": "wild"}


@pytest.mark.parametrize(
    ("default", "own", "expected"),
    [
        ("false", "true", Captions()),
        ("false", "{preset: pop}", Captions(preset="pop")),
        ("{preset: pop}", "true", Captions(preset="pop")),
        ("{preset: pop}", "false", None),
    ],
)
def test_captions_can_be_switched_on_and_off(tmp_path: Path, default: str, own: str, expected: Captions | None) -> None:
    assert one(tmp_path, f", captions: {own}", f"defaults: {{captions: {default}}}").captions == expected


def test_a_video_may_say_how_many_segments_it_needs(tmp_path: Path) -> None:
    assert one(tmp_path, "", "").minimum_segments == 1
    assert one(tmp_path, "", "defaults: {minimum_segments: 3}").minimum_segments == 3
    assert one(tmp_path, ", minimum_segments: 2", "defaults: {minimum_segments: 3}").minimum_segments == 2


def test_a_video_may_go_before_others(tmp_path: Path) -> None:
    assert one(tmp_path, "", "").priority == 0
    assert one(tmp_path, "", "defaults: {priority: 3}").priority == 3
    assert one(tmp_path, ", priority: -2", "defaults: {priority: 3}").priority == -2


def test_top_level_values_become_typed(tmp_path: Path) -> None:
    recipe = load(
        tmp_path,
        "version: 1\nname: week12\noutput_dir: ../out\n"
        f'limits: {{fal: 10, ffmpeg: 2, "{VEO}": 6, x-note: 1}}\n'
        "budget: {max_usd: 25.10, max_clip_seconds: 900, max_images: 40}\nvideos: [{id: a, topic: tea, x-k: 1}]\n",
    )
    assert recipe.limits == {"fal": 10, "ffmpeg": 2, VEO: 6}
    assert recipe.budget.max_usd == Decimal("25.1")
    assert (recipe.budget.per_video_usd, recipe.budget.max_clip_seconds) == (None, 900.0)
    assert (recipe.budget.max_images, recipe.budget.max_characters) == (40, None)
    assert recipe.output_dir == str(tmp_path.parent / "out")
    assert recipe.path == str(tmp_path / "recipe.yaml")
    assert len(recipe.sha256) == 64


@pytest.mark.parametrize(
    ("model", "seconds"),
    [(VEO, 4), (SEEDANCE, 5), ("fal:fal-ai/wan/v2.7/image-to-video", 4), ("local:camera", 4)],
)
def test_segments_have_the_usual_length_of_their_model(tmp_path: Path, model: str, seconds: float) -> None:
    assert one(tmp_path, f', models: {{clip: "{model}"}}').segment_duration == seconds


@pytest.mark.parametrize("seconds", [2, 4, 12])
def test_segments_may_have_every_length_that_is_offered(tmp_path: Path, seconds: float) -> None:
    video = one(tmp_path, f', segment_duration: {seconds}, models: {{clip: "{SEEDANCE}"}}')
    assert video.segment_duration == seconds


def test_shots_keep_the_user_s_order_words_and_overrides(tmp_path: Path) -> None:
    video = one(tmp_path, ", prompts: [' a cup ', {prompt: a ship, duration: 6, style: mine}]", "styles: {mine: flat}")
    assert video.shots == (
        Shot(prompt="a cup"),
        Shot(prompt="a ship", duration=6.0, style=Style(name="mine", prompt="flat")),
    )


def test_a_style_of_one_s_own_may_shadow_a_built_in_one(tmp_path: Path) -> None:
    assert one(tmp_path, ", style: noir", "styles: {noir: 'mine '}").style == Style(name="noir", prompt="mine")


def test_a_voice_of_one_s_own_is_known_to_its_provider(tmp_path: Path) -> None:
    own = ', voice: me, models: {narration: "elevenlabs:eleven_multilingual_v2"}'
    assert one(tmp_path, own, 'voices: {me: "elevenlabs:abc"}').voice == Voice(
        name="me", provider="elevenlabs", id="abc"
    )


def test_publishing_times_are_dates_only_where_their_key_asks_for_one(tmp_path: Path) -> None:
    video = one(tmp_path, ", vars: {on: 2027-03-15}, publish: {at: 2027-03-15T18:00:00+01:00, hashtags: ['#noir']}")
    assert video.publish is not None
    assert video.publish.at == datetime(2027, 3, 15, 18, tzinfo=timezone(timedelta(hours=1)))
    assert video.publish.hashtags == ("noir",)
    assert video.vars == {"on": "2027-03-15"}
    left_out = one(tmp_path, ", publish: {at: 2027-03-28 02:30, timezone: Europe/Berlin}").publish
    assert left_out is not None
    assert str(left_out.at) == "2027-03-28 03:30:00+02:00", "clocks show that one then"
    later = one(tmp_path, ", publish: {at: '2027-03-15t18:00:00.5z'}").publish
    assert later is not None
    assert later.at == datetime(2027, 3, 15, 18, 0, 0, 500000, tzinfo=UTC)


def test_the_environment_reaches_every_string(tmp_path: Path) -> None:
    recipe = load(
        tmp_path,
        "version: 1\nname: ${NAME}\nvideos: [{id: a, topic: 'a ${THING}', duration: 12}]\n",
        NAME="week12",
        THING="ship",
    )
    assert (recipe.name, recipe.videos[0].topic) == ("week12", "a ship")


@pytest.mark.parametrize(
    ("written", "meant"), [("", None), ("on_unknown: retry", "retry"), ("on_unknown: fail", "fail")]
)
def test_what_may_have_been_paid_for_is_sent_again_or_not_as_the_recipe_says(
    tmp_path: Path, written: str, meant: str | None
) -> None:
    assert one(tmp_path, f", retry: {{{written}}}").retry.on_unknown == meant


@pytest.mark.parametrize(
    ("default", "own", "meant"),
    [
        ("", "", None),
        ("", ", hedge: {}", Hedge(after=95, max_extra_cost=Decimal("0.05"))),
        ("{after: p90}", ", hedge: {max_extra_cost: 2.5%}", Hedge(after=90, max_extra_cost=Decimal("0.025"))),
        ("{after: p99, max_extra_cost: 100%}", "", Hedge(after=99, max_extra_cost=Decimal(1))),
        ("{after: p90}", ", hedge: false", None),
        ("false", ", hedge: {after: p80}", Hedge(after=80)),
    ],
)
def test_late_requests_are_hedged_only_where_the_recipe_says_so(
    tmp_path: Path, default: str, own: str, meant: Hedge | None
) -> None:
    top = f"defaults: {{hedge: {default}}}\n" if default else ""
    assert one(tmp_path, own, top).hedge == meant


# ------------------------------------------------------------------ what models take


def test_a_script_may_be_as_long_as_the_narration_model_takes_and_no_longer(tmp_path: Path) -> None:
    top = 'defaults: {models: {narration: "fal:fal-ai/elevenlabs/tts/eleven-v3"}}'
    text = "version: 1\nname: x\n" + top + "\nvideos:\n  - {id: a, script: '" + "a" * 5000
    assert load(tmp_path, f"{text}  '}}\n").videos[0].script == "a" * 5000  # what is trimmed is not sent
    (message,) = said(tmp_path, f"{text}{'a' * 212}'}}\n")
    assert message == (
        "5:21: video 'a': this text has 5,212 characters, 212 more than narration model "
        "'fal:fal-ai/elevenlabs/tts/eleven-v3' takes (5,000)"
    )
    (tmp_path / "long.txt").write_text("b" * 5001)
    text = f"version: 1\nname: x\n{top}\nvideos:\n  - {{id: a, script_file: long.txt}}\n"
    assert said(tmp_path, text)[0].startswith("5:26: video 'a': this text has 5,001 characters, 1 more than")


WAN = "fal:fal-ai/wan-25-preview/image-to-video"


def a_shot(words: str, **changes: str) -> str:
    """A recipe of one shot; ``changes`` are further keys of the shot."""
    shot = json.dumps({"prompt": words, **changes})
    return f'version: 1\nname: x\nvideos: [{{id: a, topic: tea, models: {{clip: "{WAN}"}}, prompts: [{shot}]}}]\n'


def test_a_shot_fits_its_models_together_with_camera_and_style(tmp_path: Path) -> None:
    (found,) = said(tmp_path, a_shot("x" * 779))
    assert found == (
        f"3:111: video 'a': the clip prompt would be 1,204 characters with camera and style; clip model '{WAN}' takes "
        "800; shorten this shot by 404 or name another model"
    )
    built = load(tmp_path, a_shot("x" * (779 - 404)))
    assert max(len(step.prompt or "") for step in planned(built).steps if step.kind is Kind.CLIP) == 800


def test_every_shot_that_is_too_long_is_told_at_its_own_words(tmp_path: Path) -> None:
    shot = "x" * 700
    text = (
        f'version: 1\nname: x\nstyles: {{mine: flat}}\ndefaults: {{models: {{clip: "{WAN}"}}}}\nvideos:\n  - id: a\n'
        f"    topic: tea\n    prompts:\n    - {shot}\n    - short\n    - {{style: mine, prompt: {shot}}}\n"
    )
    first, second = said(tmp_path, text)
    assert first.startswith("9:7: video 'a': the clip prompt would be 1,125 characters")
    assert second.startswith("11:29: video 'a': the clip prompt would be 892")  # that style has fewer words


def test_a_long_shot_is_told_together_with_everything_else(tmp_path: Path) -> None:
    found = said(tmp_path, a_shot("x" * 779) + "limits: {fall: 1}\n")
    assert [message[:6] for message in found] == ["3:111:", "4:10: "]


def test_what_a_template_of_one_s_own_adds_counts_too(tmp_path: Path) -> None:
    (tmp_path / "clip.j2").write_text("{{ shot }}" + "y" * 600)
    text = a_shot("x" * 300).replace("id: a", "id: a, templates: {clip: clip.j2}")
    (found,) = said(tmp_path, text)
    assert "would be 900 characters with what its template adds; " in found
    (tmp_path / "clip.j2").write_text("{{ shott }}" + "y" * 600)
    (found,) = said(tmp_path, text)
    assert "'shott' is undefined" in found  # and nothing else: how long it would be, nobody knows


def test_a_style_must_leave_room_for_the_shots_that_are_to_be_written(tmp_path: Path) -> None:
    video = f'{{id: a, topic: tea, style: mine, models: {{clip: "{WAN}"}}}}'
    text = f"version: 1\nname: x\nstyles: {{mine: WORDS}}\nvideos: [{video}]\n"
    (found,) = said(tmp_path, text.replace("WORDS", "w" * 550))
    assert found.startswith("4:58: video 'a': with camera and style only ")
    assert f" of the 800 characters that clip model '{WAN}' takes are left for a shot; shorten style" in found
    (found,) = said(tmp_path, text.replace("WORDS", "w" * 900))
    assert "only 0 of the 800" in found
    assert load(tmp_path, text.replace("WORDS", "w" * 400))


def test_a_reference_image_goes_to_a_model_that_takes_one(tmp_path: Path) -> None:
    address = "reference_image: 'https://example.org/a.png'"
    text = (
        "version: 1\nname: x\nvideos:\n"
        f'  - {{id: a, topic: tea, models: {{image: "fal:fal-ai/flux/schnell"}}, {address}}}\n'
        '  - {id: b, topic: tea, models: {image: "fal:fal-ai/nano-banana/edit"}}\n'
    )
    edit = "'fal:fal-ai/nano-banana/edit'"
    takes_none, needs_one = said(tmp_path, text)
    assert takes_none == (
        "4:86: video 'a': image model 'fal:fal-ai/flux/schnell' takes no reference_image; models that do: "
        f"'local:painter' and {edit}"
    )
    assert needs_one == f"5:41: video 'b': image model {edit} works from a picture; name one as 'reference_image'"


# ------------------------------------------------------------------ files


def test_files_are_found_beside_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = tmp_path / "project" / "assets"
    assets.mkdir(parents=True)
    (assets / "bed.mp3").write_bytes(b"music")
    (assets / "mascot.png").write_bytes(b"picture")
    (assets / "story.txt").write_bytes("\ufeffTea is hot.\n".encode())
    (assets / "image.j2").write_text("{{ shot }} in {{ vars.theme }}")
    (tmp_path / "project" / "recipe.yaml").write_text("""\
version: 1
name: files
videos:
  - id: a
    script_file: assets/story.txt
    music: {file: assets/bed.mp3, duck: false}
    reference_image: assets/mascot.png
    templates: {image: assets/image.j2}
    vars: {theme: blue}
""")
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe(Path("project/recipe.yaml"), catalog=CATALOG, environ={})
    (video,) = recipe.videos
    assert recipe.path == "project/recipe.yaml"
    assert (video.script, video.topic) == ("Tea is hot.", None)
    assert video.music == Music(file=str(assets / "bed.mp3"), duck=False)
    assert video.reference_image == str(assets / "mascot.png")
    assert (video.templates["image"].path, video.templates["clip"].path) == (
        "project/assets/image.j2",
        "templates/prompts/clip.j2",
    )


def test_a_reference_image_may_be_an_address_for_a_service_that_can_fetch_it(tmp_path: Path) -> None:
    paid = "models: {image: 'fal:fal-ai/nano-banana/edit'}, reference_image: 'https://example.org/ab.png'"
    assert one(tmp_path, f", {paid}").reference_image == "https://example.org/ab.png"


def test_faults_of_named_files_are_told_in_those_files(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"one\ntwo \xff")
    (tmp_path / "blank.txt").write_text(" \n")
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "image.j2").write_text("a\n{{ shto }} {{ seconds }}")
    with pytest.raises(RecipeError) as raised:
        load(
            tmp_path,
            "version: 1\nname: x\ndefaults: {templates: {image: image.j2}}\nvideos:\n"
            "  - {id: a, script_file: bad.txt}\n"
            "  - {id: b, script_file: blank.txt}\n"
            "  - {id: c, topic: tea, music: {file: empty.mp3}}\n"
            "  - {id: d, script_file: blnk.txt}\n",
        )
    found = [str(problem).removeprefix(f"{tmp_path}/") for problem in raised.value.problems]
    names = "(there are: shot, style, aspect_ratio, number, count, vars, video_id)"
    assert found == [
        "bad.txt:2:5: byte 0xff is not valid UTF-8; save the file as UTF-8",
        f"image.j2:2:4: 'shto' is undefined; did you mean 'shot'? {names}",
        f"image.j2:2:15: 'seconds' is undefined {names}",
        "recipe.yaml:6:26: the script file 'blank.txt' holds no text; write the narration into it",
        f"recipe.yaml:7:39: '{tmp_path}/empty.mp3' is empty; fill it or name another",
        f"recipe.yaml:8:26: there is no file 'blnk.txt' in '{tmp_path}'; did you mean 'blank.txt'?",
    ]


# ------------------------------------------------------------------ problems


def test_the_errors_of_the_contract_read_as_published(tmp_path: Path) -> None:
    text = f"""\
version: 1
name: week12
defaults: {{style: cyberpnk}}
videos:
  - id: mon
    topic: tea
  - id: tue-coffee
    script: Coffee.
    models: {{clip: "{VEO}"}}
    segment_duration: 5
"""
    with pytest.raises(RecipeError) as raised:
        load(tmp_path, text)
    path = tmp_path / "recipe.yaml"
    assert str(raised.value) == (
        f"{path}:3:19: unknown style 'cyberpnk'; did you mean 'cyberpunk'? ('tiktoker-batch styles' lists them)\n"
        f"{path}:10:23: video 'tue-coffee': clip model '{VEO}' offers 4, 6 or 8 s segments, not 5\n"
        "2 problems; nothing was started"
    )


def test_a_wrong_default_is_told_once_however_many_videos_take_it(tmp_path: Path) -> None:
    videos = "".join(f"  - {{id: v{number}, topic: tea}}\n" for number in range(50))
    assert said(tmp_path, f"version: 1\nname: x\ndefaults: {{aspect_ratio: 4:5, models: {{clip: '{VEO}'}}}}\n"
                f"videos:\n{videos}") == [
        f"3:26: video 'v0': clip model '{VEO}' offers aspect ratio 16:9 or 9:16, not 4:5"
    ]  # fmt: skip


def test_what_does_not_go_with_a_default_is_told_where_the_video_says_it(tmp_path: Path) -> None:
    text = (
        "version: 1\nname: x\ndefaults: {segment_duration: 5}\nvideos:\n  - {id: a, topic: tea}\n"
        f'  - {{id: b, topic: tea, models: {{clip: "{VEO}"}}}}\n'
    )
    assert said(tmp_path, text) == [f"6:40: video 'b': clip model '{VEO}' offers 4, 6 or 8 s segments, not 5"]


def test_faults_of_every_stage_are_told_together_and_sorted(tmp_path: Path) -> None:
    found = said(
        tmp_path,
        "version: 1\nname: x\nname: y\nvideos:\n  - {id: a, topic: '${NOPE}', style: nior}\n  - {id: b, fsp: 3}\n",
    )
    assert [message.split(": ")[0] for message in found] == ["3:1", "5:21", "5:38", "6:5", "6:13"]


def test_a_value_that_was_not_read_is_not_complained_of_twice(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        "version: 1\nname: x\nvideos:\n  - id: a\n    topic: tea\n    duration: ${NOPE}\n    style: a ${NOPE}\n",
    ) == [
        "6:15: the environment variable NOPE is not set; set it or write ${NOPE:-default}",
        "7:14: the environment variable NOPE is not set; set it or write ${NOPE:-default}",
    ]


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    assert said(tmp_path, "version: 1\nname: x\noutput_dir: recipe.yaml\nvideos: [{id: a, topic: tea}]\n") == [
        "3:13: 'recipe.yaml' is a file; name a folder"
    ]


# ------------------------------------------------------------------ robustness and speed

SEED = """\
version: 1
name: week12
limits: {fal: 10, ffmpeg: 2}
budget: {max_usd: 25, per_video_usd: 5.5}
x-base: &base {tags: [series-a], fps: 30}
defaults: {duration: 20, style: noir, voice: heart, captions: {preset: pop}, retry: {max_attempts: 2}}
styles: {brand: "flat vector art"}
voices: {me: "elevenlabs:abc"}
profiles: {draft: {defaults: {fps: 12, voice: espeak}, limits: {fal: 2}, budget: {max_usd: 1}}}
models:
  "fal:fal-ai/mine":
    kind: clip
    durations: [4, 6]
    fields: {prompt: prompt, image: start, seconds: {name: duration, form: seconds}}
    price: {unit: second, usd: 0.05, by_resolution: {720p: "0.06"}}
    languages: [en]
videos:
  - id: a
    topic: tea ${NAME:-time}
    publish: {at: 2027-03-15T18:00:00+01:00, hashtags: [ai, noir]}
    story: {variants: 3, choose: best}
  - <<: *base
    id: b
    script: |
      One. Two.
    prompts: [a cup, {prompt: a ship, duration: 6, style: brand}]
    vars: {theme: sea}
    templates: {}
    music: false
    language: en
    models: {clip: "fal:fal-ai/mine", image: "fal:fal-ai/nano-banana/edit"}
    reference_image: https://example.org/a.png
"""
KEYS = [*recipe_schema()["properties"], *recipe_schema()["$defs"]["video"]["properties"],
        *recipe_schema()["$defs"]["own_model"]["properties"], "prompt", "file", "at", "x-y", "usd", "form"]  # fmt: skip
PIECES = st.sampled_from(
    ["", " ", "\n", "\t", "  ", ":", ": ", "- ", "{", "}", "[", "]", "'", '"', "#", "&a ", "*a", "*base", "<<: ", "|",
     ">", "!!int ", "!x ", "~", "null", "true", "-1", "0", "1e9", ".nan", "9" * 30, "${", "${A}", "${B:-", "{{", "\0",
     "\x85", "\u2028", "\ud800", "🎬", "../", "/", "con", "a" * 5000, "x-", "---\n", "...", "%", "@", "topic", "videos"]
)  # fmt: skip


def test_the_seed_of_the_mutations_is_valid(tmp_path: Path) -> None:
    assert [video.id for video in load(tmp_path, SEED).videos] == ["a", "b"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(SEED)), st.integers(0, 12), PIECES | st.text(max_size=4)), min_size=1, max_size=4
    )
)
@example(edits=[(0, len(SEED), "")])
@example(edits=[(SEED.index("tea $"), 0, "\ud800")])
def test_a_mutated_recipe_is_valid_or_has_problems_but_nothing_else(
    tmp_path: Path, edits: list[tuple[int, int, str]]
) -> None:
    text = SEED
    for at, removed, inserted in edits:
        text = text[:at] + inserted + text[at + removed :]
    path = tmp_path / "recipe.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    found: tuple[Problem, ...] = ()
    try:
        with contextlib.suppress(UsageError):
            assert load_recipe(path, catalog=CATALOG, environ={"A": "x\0y"}, profiles=("offline", "draft")).videos
    except RecipeError as error:
        found = error.problems
    assert all(1 <= problem.line <= len(text.splitlines()) + 1 and problem.column >= 1 for problem in found)
    assert list(found) == sorted(set(found))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 700)
    | st.floats(-5, 700)
    | PIECES
    | st.sampled_from(["en", "9:16", VEO]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 10_000), JSON), min_size=1, max_size=3))
def test_a_recipe_with_values_of_any_shape_is_valid_or_has_problems_but_nothing_else(
    tmp_path: Path, changes: list[tuple[int, object]]
) -> None:
    data = yaml.safe_load(SEED.replace("2027-03-15T18:00:00+01:00", "'2027-03-15T18:00:00+01:00'"))
    for choice, value in changes:
        holders = [(holder, key) for holder in _collections(data) for key in _keys(holder)]
        holder, key = holders[choice % len(holders)]
        holder[key] = value
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(data), encoding="utf-8")  # JSON is YAML
    with contextlib.suppress(RecipeError, UsageError):
        assert load_recipe(path, catalog=CATALOG, environ={}, profiles=("free", "draft")).videos


def _collections(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from _collections(item)


def _keys(holder: Any) -> list[Any]:
    return [*holder, *KEYS] if isinstance(holder, dict) else list(range(len(holder)))
