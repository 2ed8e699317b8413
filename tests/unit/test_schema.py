"""The published schema, and its verdicts in a writer's words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import Problem
from tiktoker_batch.recipe.schema import check_schema, recipe_schema
from tiktoker_batch.recipe.source import load_source

VALID = "version: 1\nname: x\nvideos:\n  - id: a\n    topic: tea\n"


def check(tmp_path: Path, text: str) -> tuple[list[Problem], Any]:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return check_schema(load_source(path))


def said(tmp_path: Path, text: str) -> list[str]:
    return [f"{problem.line}:{problem.column}: {problem.message}" for problem in check(tmp_path, text)[0]]


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from subschemas(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from subschemas(item)


# ------------------------------------------------------------------ the schema itself


def test_the_schema_is_valid_and_its_examples_satisfy_it() -> None:
    schema = recipe_schema()
    Draft202012Validator.check_schema(schema)
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)


def test_every_example_and_default_satisfies_the_definition_it_stands_in() -> None:
    schema = recipe_schema()
    checked = 0
    for part in subschemas({"properties": schema["properties"], "$defs": schema["$defs"]}):
        for value in [*part.get("examples", []), *([part["default"]] if "default" in part else [])]:
            Draft202012Validator({**part, "$defs": schema["$defs"]}).validate(value)
            checked += 1
    assert checked > 30


def test_every_mapping_of_ours_is_closed_but_for_the_keys_of_the_user() -> None:
    closed = [part for part in subschemas(recipe_schema()) if part.get("additionalProperties") is False]
    assert len(closed) >= 10
    assert all(part["patternProperties"] == {"^x-": True} for part in closed)


def test_every_setting_has_a_title_or_a_description_for_editors() -> None:
    schema = recipe_schema()
    for name, part in {**schema["properties"], **schema["$defs"]["video"]["properties"]}.items():
        target = schema["$defs"][part["$ref"].removeprefix("#/$defs/")] if "$ref" in part else part
        assert {"title", "description"} & (part.keys() | target.keys()), name


def test_defaults_take_every_setting_of_a_video_but_what_makes_it_one() -> None:
    schema = recipe_schema()
    video = set(schema["$defs"]["video"]["properties"])
    defaults = set(schema["$defs"]["defaults"]["properties"])
    assert video - defaults == {"id", "topic", "script", "script_file", "prompts", "tags"}
    assert defaults <= video


def test_an_entry_for_many_videos_takes_every_setting_of_one_and_expressions_in_place_of_numbers() -> None:
    schema = recipe_schema()
    video, entry = (schema["$defs"][name]["properties"] for name in ("video", "entry"))
    assert set(entry) - set(video) == {"matrix", "foreach", "include", "exclude"}
    assert set(video) <= set(entry)
    many = {"foreach": "a.csv", "id": "{{ row.id }}", "topic": "{{ row.topic }}", "duration": "{{ row.seconds }}"}
    validator = Draft202012Validator(schema)
    assert validator.is_valid({"version": 1, "name": "x", "videos": [many]})
    assert not validator.is_valid({"version": 1, "name": "x", "videos": [{**many, "duration": "long"}]})


# ------------------------------------------------------------------ its words


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("duration: 0", "6:15: duration: must be at least 1 and at most 600, got 0"),
        ("duration: 601", "6:15: duration: must be at least 1 and at most 600, got 601"),
        ("duration: '30'", "6:15: duration: expected a number, got text ('30'); write it without quotes"),
        ("duration: 30s", "6:15: duration: expected a number, got text ('30s'); write 30"),
        ("duration: 1.5 seconds", "6:15: duration: expected a number, got text ('1.5 seconds'); write 1.5"),
        ("resolution: 480p", "6:17: resolution: '480p' is not one of 720p or 1080p"),
        ("resolution: '720'", "6:17: resolution: '720' is not one of 720p or 1080p; did you mean '720p'?"),
        ("models: {video: 'fal:x'}", "6:14: unknown key 'video' (there are: text, image, clip, narration)"),
        ("duration: true", "6:15: duration: expected a number, got true"),
        ("fps: 61", "6:10: fps: must be at least 1 and at most 60, got 61"),
        ("style: 12", "6:12: style: expected text, got a number (12); put it in quotes"),
        ("style:", "6:11: style: expected text, got nothing"),
        ("style: [noir]", "6:12: style: expected text, got a list"),
        ("length: exat", "6:13: length: 'exat' is not one of auto or exact; did you mean 'exact'?"),
        ("length: 3", "6:13: length: expected auto or exact, got a number (3)"),
        ("captions: yes", "6:15: captions: expected true or false or a mapping of keys, got text ('yes'); write true"),
        ("captions: {preset: popp}", "6:24: preset: 'popp' is not one of karaoke, pop or plain; did you mean 'pop'?"),
        ("captions: {colour: red}", "6:16: unknown key 'colour' (there are: preset, position)"),
        ("music: true", "6:12: music: expected false or a mapping of keys, got true"),
        ("music: {duck: 1}", "6:19: duck: expected true or false, got a number (1)"),
        ("prompts: []", "6:14: prompts: at least one is needed"),
        ("prompts: [12]", "6:15: prompts: expected text or a mapping of keys, got a number (12)"),
        ("prompts: [{prompt: x, duration: long}]", "6:37: duration: expected a number, got text ('long')"),
        ("prompts: [{duration: 4}]",
         "6:15: prompts: the key 'prompt' is missing; add one, like 'prompt: a cup on a table'"),
        ("retry: {timeout: 0}", "6:22: timeout: must be more than 0 and at most 86400, got 0"),
        ("retry: {on_unknown: fial}", "6:25: on_unknown: 'fial' is not one of retry or fail; did you mean 'fail'?"),
        ("hedge: true", "6:12: hedge: expected false or a mapping of keys, got true"),
        ("hedge: {after: p100}", "6:20: after: expected a percentile from p50 to p99, got 'p100'"),
        ("hedge: {after: 95}", "6:20: after: expected a percentile from p50 to p99, got a number (95)"),
        ("hedge: {max_extra_cost: '5'}", "6:29: max_extra_cost: expected a share from 0% to 100%, got '5'"),
        ("hedge: {max_extra_cost: 101%}", "6:29: max_extra_cost: expected a share from 0% to 100%, got '101%'"),
        ("hedge: {until: p95}", "6:13: unknown key 'until' (there are: after, max_extra_cost)"),
        ("tags: [a, a]", "6:15: 'a' is listed twice; remove one of them"),
        ("budget: {}", "6:5: unknown key 'budget' here; it belongs at the top of the recipe"),
        ("captoins: false", "6:5: unknown key 'captoins'; did you mean 'captions'?"),
    ],
)  # fmt: skip
def test_a_fault_in_a_video_is_told_at_its_place(tmp_path: Path, line: str, expected: str) -> None:
    assert said(tmp_path, f"{VALID}    {line}\n") == [expected]


@pytest.mark.parametrize("text", ["12", "[]", "just text", "true"])
def test_a_recipe_that_is_no_mapping_is_told_so(tmp_path: Path, text: str) -> None:
    (message,) = said(tmp_path, text)
    assert message.startswith("1:1: the recipe: expected a mapping of keys, got ")


def test_a_video_has_one_story_and_no_more(tmp_path: Path) -> None:
    wanted = "a video needs exactly one of 'topic', 'script' and 'script_file'"
    text = "version: 1\nname: x\nvideos:\n  - {id: a}\n  - {id: b, script: Tea., topic: tea}\n"
    assert said(tmp_path, text) == [
        f"4:5: {wanted}; it has none",
        f"5:27: {wanted}; given are 'script' and 'topic'",
    ]


def test_a_value_is_checked_even_where_its_key_is_one_too_many(tmp_path: Path) -> None:
    found, sound = check(tmp_path, "version: 1\nname: x\nvideos:\n  - {id: a, topic: tea, script_file: }\n")
    assert [problem.message.split(":")[0] for problem in found] == [
        "a video needs exactly one of 'topic', 'script' and 'script_file'; given are 'topic' and 'script_file'",
        "script_file",
    ]
    assert sound["videos"] == [{"id": "a", "topic": "tea"}]


def test_what_stands_under_a_wrong_name_is_told_once(tmp_path: Path) -> None:
    (message,) = said(tmp_path, f"{VALID}models: {{image: 12}}\n")
    assert message.startswith("6:10: models: expected provider:id")


def test_an_item_that_is_no_video_is_told_once(tmp_path: Path) -> None:
    assert said(tmp_path, VALID + "  - tea\n") == ["6:5: videos: expected a mapping of keys, got text ('tea')"]


def test_all_faults_are_found_in_one_go(tmp_path: Path) -> None:
    found = said(tmp_path, "version: 2\nnmae: x\nvideos:\n  - {id: '', topic: tea, fps: x}\n  - {topic: tea}\n")
    assert len(found) == 6


def test_an_id_with_a_line_break_is_no_slug(tmp_path: Path) -> None:
    (message,) = said(tmp_path, 'version: 1\nname: x\nvideos:\n  - {topic: tea, id: "a\\n"}\n')
    assert message.startswith("4:22: id: expected letters, digits")


def test_faulty_values_are_taken_out_so_that_the_rest_can_be_checked(tmp_path: Path) -> None:
    _, sound = check(
        tmp_path,
        "version: 1\nname: x\nodd: 1\nvideos:\n"
        "  - {id: a, topic: tea, fps: many, style: noir, prompts: [ok, 12]}\n"
        "  - 12\n"
        "  - {id: b, script: tea, topic: tea, prompts: [{prompt: x, duration: y}]}\n",
    )
    assert sound == {
        "version": 1,
        "name": "x",
        "videos": [
            {"id": "a", "topic": "tea", "style": "noir"},
            None,
            {"id": "b", "script": "tea", "topic": "tea", "prompts": [{"prompt": "x"}]},
        ],
    }


def test_keys_of_the_user_may_hold_anything(tmp_path: Path) -> None:
    text = "x-a: [1, {b: c}]\n" + VALID + "    x-b: {deep: [x]}\n    retry: {x-why: flaky}\n    captions: {x-c: 1}\n"
    assert said(tmp_path, text) == []


def test_editors_are_offered_every_name_of_the_catalog() -> None:
    defs, catalog = recipe_schema()["$defs"], load_catalog()
    assert defs["style"]["examples"] == list(catalog.styles)
    assert defs["voice"]["examples"] == list(catalog.voices)
    assert defs["language"]["examples"] == list(catalog.languages)
    for kind, offered in defs["models"]["properties"].items():
        assert offered["examples"] == [ref for ref, model in catalog.models.items() if model.kind == kind]
