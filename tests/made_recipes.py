"""Strategies that make recipes: right, wrong and no recipes at all."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from tiktoker_batch.recipe.schema import recipe_schema

_ODD_TEXTS = (
    "", " ", "\t", "~", "null", "no", "9:16", "0x1F", "1e999", "-", "- a", "a: b", "#", "{{ x }}", "{{", "{% if %}",
    "%}", "{{ vars }}", "{{ 9 ** 9 ** 9 }}", "{{ 'a' * 999999999 }}", "${X}", "${", "$${", "${FAL_KEY}", "${N:-3}",
    "..", "../..", "/dev/zero", "/proc/self/mem", "nul", "a" * 300, "\u202eabc", "\ufeff", "\x85", "\u2028",
    "e\u0301", "\U0001f3ac", "fal:x", "local:painter", "elevenlabs:x", ":", "a:", "http://", "https://[",
    "https://example.com/a.png", "p95", "5%", "2027-03-15", "2027-03-15T18:00:00Z", "0001-01-01T00:00:00+14:00",
    "day 18:00", "mon,mon 1:00", "1 day 0:00", "UTC", "rows.csv", "rows.json", "image.j2", "script.txt", "*", "&",
    "!", "|", "x-", "<<", "fal:fal-ai/flux/schnell",
)  # fmt: skip
_ODD_NUMBERS = (0, -1, 1, 2, 4, 5, 24, 600, 601, 10**6, 2**53, 2**53 + 1, 10**30, 0.1, 1.5, -0.0, 1e-9, 1e300, 5e-324)
_TOKENS = (
    "version: 1\n", "name: x\n", "videos:\n", "  - ", "- ", "id: a", "topic: tea", "{", "}", "[", "]", ", ", ": ",
    ":", "\n", "\n  ", "\n    ", "\t", "'", '"', "\\", "|\n", ">-\n", "# x\n", "&a ", "*a", "<<: ", "!!int ", "!x ",
    "---\n", "...\n", "%YAML 1.2\n", "? ", "~", "1", "1.5", ".inf", "null", "{{ ", " }}", "{% ", " %}", "${", "\r",
    "\r\n", "\x00", "\x85", "\ufeff", "é", "\U0001f3ac", "matrix: ", "foreach: rows.csv", "defaults: ", "publish: ",
    "models: ",
)  # fmt: skip
_DATA = (
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x00",
    b"\xe9",
    b'"',
    b",",
    b";",
    b"\t",
    b"\n",
    b"\r\n",
    b"id",
    b"topic",
    b"{",
    b"}",
)
_DATA += b"[", b"]", b":", b"1e999", b"NaN", b"null", b'{"id": "a"}\n', b"- id: a\n", b"9" * 5000, b"[" * 200

odd_texts = st.one_of(st.sampled_from(_ODD_TEXTS), st.text(max_size=8))
odd_scalars: Any = st.one_of(st.none(), st.booleans(), st.sampled_from(_ODD_NUMBERS), st.floats(), odd_texts)
odd_values: Any = st.one_of(
    odd_scalars,
    st.lists(odd_scalars, max_size=2),
    st.dictionaries(odd_texts, odd_scalars, max_size=2),
    st.just([[[[{"a": [{}]}]]]]),
)


def _resolved(schema: Any) -> Any:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    return {**_resolved(recipe_schema()["$defs"][reference.removeprefix("#/$defs/")]), **schema, "$ref": None}


@st.composite
def of_schema(draw: Any, schema: Any, oddness: int) -> Any:
    """A value for a schema, of which about one part in ``oddness`` is anything else."""
    schema = _resolved(schema)
    if draw(st.integers(0, oddness)) == oddness:
        return draw(odd_values)
    return draw(_right(schema, oddness))


def _right(schema: Any, oddness: int) -> Any:
    """What makes values that a schema, of the words that ours uses, is content with."""
    choices = [each for choice in ("oneOf", "anyOf") for each in schema.get(choice, ())]
    if "if" in schema:
        choices = [schema["then"], schema["else"], schema["else"]]
    if choices and "properties" not in schema:
        return st.sampled_from(choices).flatmap(lambda choice: of_schema(choice, oddness))
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    made: Any = {
        "object": _mapping(schema, oddness),
        "array": _list(schema, oddness),
        "boolean": st.booleans(),
        "string": st.sampled_from(schema.get("examples") or ("a", "tea", "noir", "elevenlabs:x")),
    }
    if not isinstance(kind, str):
        return odd_values
    return _number(schema, kind) if kind in {"integer", "number"} else made[kind]


@st.composite
def _list(draw: Any, schema: Any, oddness: int) -> Any:
    least = schema.get("minItems", 0)
    count = draw(st.integers(least, max(least, 2)))
    return [draw(of_schema(schema.get("items", {}), oddness)) for _ in range(count)]


@st.composite
def _mapping(draw: Any, schema: Any, oddness: int) -> Any:
    properties = schema.get("properties", {})
    choices = [branch["required"][0] for branch in schema.get("oneOf", ()) if "required" in branch]
    names = [*schema.get("required", ()), *([draw(st.sampled_from(choices))] if choices else [])]
    free = [name for name in properties if name not in names and name not in choices]
    names += draw(st.lists(st.sampled_from(free), max_size=4, unique=True)) if free else []
    made = {name: draw(of_schema(properties[name], oddness)) for name in names}
    others = schema.get("additionalProperties")
    for _ in range(draw(st.integers(0, 1)) if isinstance(others, dict) else 0):
        examples = [name for example in schema.get("examples", ()) for name in example]
        made[draw(st.sampled_from(examples or ("a", "style")))] = draw(of_schema(others, oddness))
    if draw(st.integers(0, oddness)) == oddness:
        made[draw(odd_texts)] = draw(odd_values)
    return made


@st.composite
def _number(draw: Any, schema: Any, kind: str) -> Any:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high = schema.get("maximum", 1000)
    near = st.sampled_from((low, high, min(low + 1, high)))
    if kind == "integer":
        return draw(st.one_of(near, st.integers(low, high)))
    return draw(st.one_of(near, st.floats(low, high), st.integers(-(-int(low) // 1), int(high))))


@st.composite
def structured(draw: Any) -> bytes:
    """A recipe that follows the schema in most of its parts."""
    oddness = draw(st.sampled_from((8, 30, 10**6)))
    recipe = draw(of_schema(recipe_schema(), oddness))
    if isinstance(recipe, dict) and isinstance(recipe.get("videos"), list):
        for number, video in enumerate(recipe["videos"]):
            if isinstance(video, dict) and draw(st.integers(0, 9)):
                video["id"] = f"v{number}" + ("-{{ index }}" if {"matrix", "foreach"} & video.keys() else "")
    if draw(st.booleans()):
        return json.dumps(recipe).encode()
    return yaml.safe_dump(recipe, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")


@cache
def _seeds(folder: Path) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yaml")))


@st.composite
def edited(draw: Any, folder: Path) -> bytes:
    """A valid recipe after a few strokes of a careless hand."""
    text = draw(st.sampled_from(_seeds(folder)))
    begin = draw(st.integers(0, max(len(text) - 1, 0)))  # a part is quicker to read than all of it
    text = text[:begin] if draw(st.integers(0, 5)) == 0 else text
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = at + draw(st.sampled_from((0, 1, 2, 20)))
        put = draw(st.one_of(st.sampled_from(_TOKENS), odd_texts, st.just(""), st.just(text[at : at + 40])))
        text = text[:at] + put + text[end:]
    return text.encode("utf-8", "surrogatepass")


junk = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from(_TOKENS), max_size=30).map(lambda parts: "".join(parts).encode()),
    st.lists(st.sampled_from(_TOKENS), max_size=12).map(
        lambda parts: ("version: 1\nname: x\nvideos:\n  - " + "".join(parts)).encode()
    ),
)
"""Bytes, and what looks a little like YAML."""

files = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from(_DATA), max_size=20).map(b"".join),
    st.lists(st.sampled_from(_TOKENS), max_size=12).map(lambda parts: "".join(parts).encode()),
)
"""What stands in tables, templates and scripts."""
