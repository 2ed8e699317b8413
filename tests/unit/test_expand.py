"""One entry, many videos: matrix, foreach and the expressions that fill them."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.model import Video
from tiktoker_batch.recipe.build import load_recipe

CATALOG = load_catalog()


def videos(tmp_path: Path, entry: str, **files: str | bytes) -> tuple[Video, ...]:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"version: 1\nname: x\nvideos:\n  - {entry}\n", encoding="utf-8")
    for name, content in files.items():
        file = tmp_path / name.replace("__", ".")
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_recipe(path, catalog=CATALOG, environ={}).videos


def ids(tmp_path: Path, entry: str, **files: str | bytes) -> list[str]:
    return [video.id for video in videos(tmp_path, entry, **files)]


def said(tmp_path: Path, entry: str, **files: str | bytes) -> list[str]:
    with pytest.raises(RecipeError) as raised:
        videos(tmp_path, entry, **files)
    return [f"{Path(each.path).name}:{each.line}:{each.column}: {each.message}" for each in raised.value.problems]


MATRIX = "matrix: {a: [x, y], b: [1, 2]}, id: \"{{ a }}{{ b }}{{ c | default('') }}\", topic: tea"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", ["x1", "x2", "y1", "y2"]),
        ("exclude: [{a: x, b: 2}]", ["x1", "y1", "y2"]),
        ("exclude: [{a: x}]", ["y1", "y2"]),
        ("include: [{a: x, c: z}]", ["x1z", "x2z", "y1", "y2"]),
        ("include: [{c: z}]", ["x1z", "x2z", "y1z", "y2z"]),
        ("include: [{a: w, b: 3}]", ["x1", "x2", "y1", "y2", "w3"]),
        ("exclude: [{a: x}], include: [{a: x, b: 7}]", ["y1", "y2", "x7"]),
    ],
)
def test_a_matrix_makes_a_video_of_each_combination(tmp_path: Path, more: str, expected: list[str]) -> None:
    assert ids(tmp_path, f"{{{MATRIX}{', ' + more if more else ''}}}") == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a__csv", "s,n\na,12\nb,14\n"),
        ("a__csv", "\ufeffs;n\r\na;12\r\n;\r\n\r\nb;14\r\n"),
        ("a__csv", "s\tn\na\t12\nb\t14\n".encode("utf-16")),
        ("a__csv", "s|n\na|12\nb|14"),
        ("a__tsv", "s\tn\na\t12\nb\t14\n"),
        ("a__json", '[{"s": "a", "n": 12}, {"s": "b", "n": 14}]'),
        ("a__ndjson", '{"s": "a", "n": 12}\n\n{"s": "b", "n": 14}\n'),
        ("a__yaml", "- {s: a, n: 12}\n- {s: b, n: 14}\n"),
    ],
)
def test_rows_come_from_many_formats_and_numbers_stay_numbers(tmp_path: Path, name: str, content: str | bytes) -> None:
    entry = f'{{foreach: {name.replace("__", ".")}, id: "{{{{ row.s }}}}", topic: tea, duration: "{{{{ row.n }}}}"}}'
    made = videos(tmp_path, entry, **{name: content})
    assert [(video.id, video.duration) for video in made] == [("a", 12.0), ("b", 14.0)]


def test_a_quoted_cell_may_hold_line_breaks_and_delimiters(tmp_path: Path) -> None:
    entry = '{foreach: a.csv, id: "{{ row.s }}", topic: "{{ row.t }}"}'
    (made,) = videos(tmp_path, entry, a__csv='s,t\na,"tea, or\ncoffee"\n')
    assert made.topic == "tea, or\ncoffee"


def test_rows_and_combinations_multiply(tmp_path: Path) -> None:
    entry = '{foreach: a.csv, matrix: {m: [x, y]}, id: "{{ row.s }}-{{ matrix.m }}-{{ index }}", topic: tea}'
    assert ids(tmp_path, entry, a__csv="s\na\nb\n") == ["a-x-0", "a-y-1", "b-x-2", "b-y-3"]


def test_dates_and_seeded_choices(tmp_path: Path) -> None:
    day = "{{ date('2027-02-27') | add_days(index) | strftime('%d.%m.') }}"
    tag = "{{ choice(['p', 'q'], n) }}"
    entry = f"""{{matrix: {{n: [1, 2, 3]}}, id: "v{{{{ n }}}}", topic: "{day}", tags: ["{tag}"]}}"""
    made = videos(tmp_path, entry)
    assert [video.topic for video in made] == ["27.02.", "28.02.", "01.03."]
    assert [video.tags for video in made] == [video.tags for video in videos(tmp_path, entry)]


@pytest.mark.parametrize(
    ("entry", "files", "expected"),
    [
        ("{foreach: a.csv, id: '{{ row.sulg }}', topic: tea}", {"a__csv": "slug\na\nb\n"},
         "recipe.yaml:4:26: 'sulg' is undefined; did you mean 'slug'? (there are: slug) (row 1 of a.csv)"),
        ("{foreach: b.csv, id: a, topic: tea}", {"a__csv": "s\na\n"}, "recipe.yaml:4:15: there is no file 'b.csv'"),
        ("{foreach: a.txt, id: a, topic: tea}", {}, "recipe.yaml:4:15: foreach: 'a.txt' is no table that can be read"),
        ("{foreach: 3, id: a, topic: tea}", {}, "recipe.yaml:4:15: foreach: expected the name of a file, got 3"),
        ("{foreach: a.csv, id: a, topic: tea}", {"a__csv": "s,t\nx,y\nz\n"},
         "a.csv:3:1: row 2 has 1 column, the header 2; missing: t"),
        ("{foreach: a.csv, id: a, topic: tea}", {"a__csv": "s,t\n\"x\ny\",1\nz,2,3\n"},
         "a.csv:4:1: row 2 has 3 columns, the header 2; quote cells that hold ','"),
        ("{foreach: a.csv, id: a, topic: tea}", {"a__csv": "s,s\nx,y\n"}, "a.csv:1:1: two columns are named 's'"),
        ("{foreach: a.csv, id: a, topic: tea}", {"a__csv": "s,\nx,y\n"}, "a.csv:1:1: column 2 has no name"),
        ("{foreach: a.csv, id: a, topic: tea}", {"a__csv": "s\n"}, "recipe.yaml:4:15: foreach: 'a.csv' holds no rows"),
        ("{foreach: a.csv, id: a, topic: tea}", {"a__csv": ""}, "a.csv:1:1: the file is empty"),
        ("{foreach: a.csv, id: a, topic: tea}", {"a__csv": 's\n"x\n'}, "a.csv:2:1: this row cannot be read"),
        ("{foreach: a.csv, id: a, topic: tea}", {"a__csv": b"s\n\xff\n"}, "a.csv:2:1: byte 0xff is not valid UTF-8"),
        ("{foreach: a.json, id: a, topic: tea}", {"a__json": "{}"}, "a.json:1:1: expected a list of rows"),
        ("{foreach: a.json, id: a, topic: tea}", {"a__json": "[{}, 3]"}, "a.json:1:1: row 2 is no mapping of keys"),
        ("{foreach: a.json, id: a, topic: tea}", {"a__json": "[{},\n x]"}, "a.json:2:2: not JSON"),
        ("{foreach: a.ndjson, id: a, topic: tea}", {"a__ndjson": '{"a": 1}\n{"a"\n'}, "a.ndjson:2:5: not JSON"),
        ("{foreach: a.yaml, id: a, topic: tea}", {"a__yaml": "- {a: 1, a: 2}\n"}, "a.yaml:1:10: the key 'a' is"),
        ("{matrix: [a], id: a, topic: tea}", {},
         "recipe.yaml:4:14: matrix: expected axes with lists of values, got a list"),
        ("{matrix: {}, id: a, topic: tea}", {}, "recipe.yaml:4:14: matrix: expected axes"),
        ("{matrix: {s: x}, id: a, topic: tea}", {}, "recipe.yaml:4:18: matrix: s: expected a list of values, got 'x'"),
        ("{matrix: {s: []}, id: a, topic: tea}", {},
         "recipe.yaml:4:18: matrix: s: expected a list of values, got an empty"),
        ("{matrix: {row: [1]}, id: a, topic: tea}", {}, "recipe.yaml:4:15: matrix: 'row' cannot name an axis"),
        ("{matrix: {a-b: [1]}, id: a, topic: tea}", {}, "recipe.yaml:4:15: matrix: 'a-b' cannot name an axis"),
        ("{matrix: {style: [x]}, exclude: [{stile: x}], id: a, topic: tea}", {},
         "recipe.yaml:4:39: exclude: there is no axis 'stile'; did you mean 'style'?"),
        ("{matrix: {s: [x]}, exclude: [{s: y}], id: a, topic: tea}", {},
         "recipe.yaml:4:38: exclude: s is never 'y' (there are: 'x')"),
        ("{matrix: {s: [x]}, exclude: [{s: x}], id: a, topic: tea}", {},
         "recipe.yaml:4:14: matrix: no combination is left"),
        ("{matrix: {s: [x]}, exclude: {s: x}, id: a, topic: tea}", {}, "recipe.yaml:4:33: exclude: expected a list"),
        ("{matrix: {s: [x]}, include: [x], id: a, topic: tea}", {}, "recipe.yaml:4:34: include: expected a mapping"),
        ("{exclude: [{s: x}], id: a, topic: tea}", {}, "recipe.yaml:4:6: 'exclude' goes with 'matrix'"),
        ("{matrix: {s: [x, y]}, id: same, topic: tea}", {},
         "recipe.yaml:4:31: the id 'same' is already used at 4:31 (s=x); put into it what differs"),
        ("{matrix: {s: [nior]}, id: a, topic: tea, style: '{{ s }}'}", {},
         "recipe.yaml:4:53: unknown style 'nior'; did you mean 'noir'?"),
        ("{matrix: {s: [x]}, id: a, topic: tea, duration: '{{ s }}'}", {},
         "recipe.yaml:4:53: duration: expected a number, got text ('x') (s=x)"),
        ("{matrix: {s: [x]}, id: a, topic: tea, colour: '{{ s }}'}", {}, "recipe.yaml:4:43: unknown key 'colour'"),
        ("{id: a, topic: '{{ vras.x }}'}", {}, "recipe.yaml:4:20: 'vras' is undefined; did you mean 'vars'?"),
        ("{id: a, topic: '{{ 1 + }}'}", {}, "recipe.yaml:4:20: not a valid expression"),
        ("{id: a, topic: '{% if %}'}", {}, "recipe.yaml:4:20: not a valid expression"),
        ("{id: a, topic: '{{ 1 / 0 }}'}", {}, "recipe.yaml:4:20: this expression cannot be evaluated"),
        ("{id: a, topic: '{{ vars.__class__.__mro__ }}'}", {}, "recipe.yaml:4:20: "),
        ("{id: a, topic: \"{{ date('soon') }}\"}", {}, "recipe.yaml:4:20: this expression cannot be evaluated"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_at_its_place(
    tmp_path: Path, entry: str, files: dict[str, str | bytes], expected: str
) -> None:
    (found,) = said(tmp_path, entry, **files)
    assert found.startswith(expected)


def test_one_place_is_told_a_few_times_however_many_rows_meet_it(tmp_path: Path) -> None:
    rows = "s\n" + "".join(f"bad{number}\n" for number in range(500))
    found = said(tmp_path, '{foreach: a.csv, id: "{{ row.s }}", topic: tea, style: "{{ row.s }}"}', a__csv=rows)
    assert len(found) == 3
    assert found[0].endswith("(row 1 of a.csv)")


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.text(max_size=5),
    st.sampled_from(["{{ row.a }}", "{{ a }}", "{{", "{% x"]),
)
_TREES = st.recursive(
    _VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abs"), inner)
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(matrix=_TREES, exclude=_TREES, include=_TREES, topic=_VALUES, rows=_TREES)
def test_no_entry_whatever_breaks_it(
    tmp_path: Path, matrix: object, exclude: object, include: object, topic: object, rows: object
) -> None:
    parts = {"id": "v{{ index }}", "matrix": matrix, "exclude": exclude, "include": include, "topic": topic}
    with suppress(RecipeError):
        videos(tmp_path, json.dumps({**parts, "foreach": "a.json"}), a__json=json.dumps(rows))
