"""Reading YAML: what scalars mean, where values stand, and a place for everything that cannot be read."""

import os
from pathlib import Path

import pytest

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.recipe.interpolate import interpolate
from tiktoker_batch.recipe.source import Pointer, Source, load_source


def read(tmp_path: Path, text: str | bytes) -> Source:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_source(path)


def complaint(tmp_path: Path, text: str | bytes) -> Problem:
    """The only problem of a text that cannot be read."""
    with pytest.raises(RecipeError) as raised:
        read(tmp_path, text)
    (problem,) = raised.value.problems
    return problem


def at(source: Source, pointer: Pointer, *, key: bool = False) -> tuple[int, int]:
    place = source.locate(pointer, key=key)
    return place.line, place.column


def said(problem: Problem) -> str:
    return f"{problem.line}:{problem.column}: {problem.message}"


# ------------------------------------------------------------------ what scalars mean


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("9:16", "9:16"),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("1_000", "1_000"),
        ("2027-03-15", "2027-03-15"),
        ("2027-03-15T18:00:00+01:00", "2027-03-15T18:00:00+01:00"),
        ("0o7", 7),
        ("0x1F", 31),
        ("007", 7),
        ("-12", -12),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("~", None),
        ("null", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("!!float 12", 12.0),
        ("! 12", "12"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_unquoted_scalars_follow_yaml_1_2(tmp_path: Path, written: str, meant: object) -> None:
    value = read(tmp_path, f"key: {written}\nother: 1\n").data["key"]
    assert value == meant
    assert type(value) is type(meant)


@pytest.mark.parametrize("number", [".nan", "-.inf", "1e999", "99999999999999999999", "9" * 5000])
def test_numbers_that_json_cannot_carry_are_refused_at_their_place(tmp_path: Path, number: str) -> None:
    (problem,) = read(tmp_path, f"a: 1\nb: {number}\n").problems
    assert (problem.line, problem.column) == (2, 4)
    assert "quote it if it is text" in problem.message


# ------------------------------------------------------------------ where values stand


def test_every_value_and_key_can_be_located(tmp_path: Path) -> None:
    source = read(tmp_path, "videos:\n  - id: a\n    tags: [x,   y]\n")
    assert at(source, ()) == (1, 1)
    assert at(source, ("videos", 0)) == (2, 5)
    assert at(source, ("videos", 0, "id")) == (2, 9)
    assert at(source, ("videos", 0, "tags", 1)) == (3, 17)
    assert at(source, ("videos", 0, "tags"), key=True) == (3, 5)


def test_a_pointer_that_leads_nowhere_gives_the_last_place_on_its_way(tmp_path: Path) -> None:
    source = read(tmp_path, "videos:\n  - id: a\n")
    assert at(source, ("videos", 0, "topic")) == (2, 5)
    assert at(source, ("videos", 7, "topic"), key=True) == (2, 3)


def test_columns_count_characters_after_a_byte_order_mark_and_wide_letters(tmp_path: Path) -> None:
    source = read(tmp_path, "\ufeffключ: {ж: 1, 🎬: 2}\n".encode())
    assert at(source, ("ключ", "🎬")) == (1, 17)


def test_aliases_and_merge_keys_share_values_and_keep_their_places(tmp_path: Path) -> None:
    source = read(
        tmp_path, "x-a: &a {style: noir, fps: 24}\nb: {<<: *a, fps: 30}\nc: {<<: [{fps: 1}, *a]}\nd: [*a, *a]\n"
    )
    assert source.data["b"] == {"style": "noir", "fps": 30}
    assert source.data["c"] == {"style": "noir", "fps": 1}
    assert source.data["d"][0] == source.data["d"][1] == {"style": "noir", "fps": 24}
    assert at(source, ("b", "style")) == (1, 17)


def test_a_quoted_merge_sign_is_an_ordinary_key(tmp_path: Path) -> None:
    assert read(tmp_path, "'<<': 1\n").data == {"<<": 1}


# ------------------------------------------------------------------ problems that leave the rest readable


def test_a_duplicate_key_names_both_places_and_the_first_value_stays(tmp_path: Path) -> None:
    source = read(tmp_path, "name: one\nfps: 1\nname: two\n")
    assert [said(problem) for problem in source.problems] == [
        "3:1: the key 'name' is already given at 1:1; remove one of them"
    ]
    assert source.data["name"] == "one"


def test_keys_that_are_no_text_and_foreign_tags_are_reported_together(tmp_path: Path) -> None:
    source = read(tmp_path, "12: a\n? [b]\n: c\nd: !!python/object:os.system {}\ne: !secret x\n<<: 1\nf: !!int x\n")
    assert [said(problem) for problem in source.problems] == [
        "1:1: a key must be text, not a number; quote it: '12'",
        "2:3: a key must be text, not a list; quote it if it is text",
        "4:4: the tag '!!python/object:os.system' is not supported; drop it",
        "5:4: the tag '!secret' is not supported; quote text that begins with '!'",
        "6:5: '<<' merges mappings; give it an alias like '*base'",
        "7:4: 'x' is not a value for !!int; drop the tag or mend the value",
    ]


def test_an_escaped_control_character_is_reported(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, 'a: "x\\0y"\n').problems
    assert said(problem) == "1:4: this text holds a NUL character; remove it"


# ------------------------------------------------------------------ texts that cannot be read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: the file is empty; a recipe begins with 'version: 1'"),
        ("# only\n\n# comments\n", "1:1: the file holds only comments"),
        ("---\n", "1:1: the file holds only comments"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document begins here"),
        ("a:\n\t- b\n", "2:1: a tab is used for indentation"),
        ("a: 1\n\tb: 2\n", "2:1: a tab is used for indentation"),
        ("a: @b\n", "1:4: text cannot begin with '@'; put it in quotes"),
        ("a: b: c\n", "1:5: not valid YAML: a ':' followed by a space stands where no key can"),
        ("a: 'never closed\nb: 1\n", "1:4: not valid YAML: a quote is opened here and never closed"),
        ("a: [1, 2\nb: 3\n", "1:4: not valid YAML: a list in [ ] is not closed"),
        ("a: {b: ${C}}\n", "1:8: not valid YAML: '${...}' must be quoted inside { } and [ ]"),
        ("a: 1\nb: [\n  x ${C},\n", "3:5: not valid YAML: '${...}' must be quoted inside { } and [ ]"),
        ("a: 1\n&b ", "2:1: not valid YAML: a key without ': ' after it"),
        ("a: *nobody\n", "1:4: the alias '*nobody' has no anchor '&nobody' before it"),
        ("base: &base 1\na: *bsae\n", "2:4: the alias '*bsae' has no anchor '&bsae' before it; did you mean 'base'?"),
        ("a: &a [1, *a]\n", "1:11: the alias '*a' refers to what it stands in"),
        ("[" * 100_000, "1:51: more than 50 levels deep"),
        ("- " * 3000 + "x", "1:101: more than 50 levels deep"),
        ("".join(f"{' ' * level}a:\n" for level in range(200)), "51:51: more than 50 levels deep"),
        ("%YAML 3.0\n---\na: 1\n", "1:1: not valid YAML: only YAML 1.1 and 1.2 are read"),
        (b"\xff\xfea\x00", "1:1: the file is in UTF-16; save it as UTF-8"),
        (b"\x00\x00\xfe\xff", "1:1: the file is in UTF-32; save it as UTF-8"),
        (b"a: 1\nbc: \xff\n", "2:5: byte 0xff is not valid UTF-8"),
        (b"a: 1\nb: \x00\n", "2:4: a NUL character cannot stand in a text file"),
        (b"a: \x1b[31m\n", "1:4: the control character U+001B cannot stand in a text file"),
    ],
)
def test_unreadable_text_gets_one_clear_problem_at_its_place(tmp_path: Path, text: str | bytes, expected: str) -> None:
    assert expected in said(complaint(tmp_path, text))


def test_depth_that_comes_by_aliases_counts(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 60)]
    assert "more than 50 levels deep" in complaint(tmp_path, "\n".join(lines)).message


def test_an_alias_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert "aliases repeat more than 100,000 values" in complaint(tmp_path, "\n".join(lines)).message


def test_a_merge_bomb_is_refused(tmp_path: Path) -> None:
    base = "base: &base {" + ", ".join(f"k{i}: {i}" for i in range(1000)) + "}\n"
    assert "aliases repeat" in complaint(tmp_path, base + "all: [" + "{<<: *base}, " * 200 + "]\n").message


# ------------------------------------------------------------------ files that cannot be read


def problem_of(path: Path) -> str:
    with pytest.raises(RecipeError) as raised:
        load_source(path)
    (problem,) = raised.value.problems
    assert problem.path == str(path)
    return said(problem)


def test_a_missing_file_names_the_nearest_one_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "week12.yaml").touch()
    assert "did you mean 'week12.yaml'?" in problem_of(tmp_path / "week21.yaml")
    assert "there is no folder" in problem_of(tmp_path / "nowhere" / "week12.yaml")


def test_a_folder_and_a_pipe_are_no_recipes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "this is a folder, not a file" in problem_of(tmp_path)
    assert "this is not a regular file" in problem_of(tmp_path / "pipe.yaml")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    assert problem_of(path) == "1:1: the file is too large (100.0 MB); at most 5 MB are read"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.touch(mode=0o000)
    assert "no permission to read this file" in problem_of(path)


# ------------------------------------------------------------------ the environment


def test_references_are_read_from_the_environment_and_escapes_kept(tmp_path: Path) -> None:
    text = "a: see ${TOPIC}\nb: ${UNSET:-a default}\nc: $${TOPIC}\nd: $TOPIC\ne: ${EMPTY:-full}\nx-f: ${NOWHERE}\n"
    filled = interpolate(read(tmp_path, text), {"TOPIC": "tea", "EMPTY": ""})
    assert filled.problems == ()
    assert filled.source.data == {
        "a": "see tea",
        "b": "a default",
        "c": "${TOPIC}",
        "d": "$TOPIC",
        "e": "full",
        "x-f": "${NOWHERE}",
    }


def test_an_unquoted_reference_is_read_as_if_its_value_stood_there(tmp_path: Path) -> None:
    text = "a: ${SECONDS_EACH}\nb: '${SECONDS_EACH}'\nc: ${FLAG}\nd: ${EMPTY:-}\n"
    filled = interpolate(read(tmp_path, text), {"SECONDS_EACH": "30", "FLAG": "true"})
    assert filled.source.data == {"a": 30, "b": "30", "c": True, "d": ""}


def test_values_of_the_environment_are_not_searched_again(tmp_path: Path) -> None:
    filled = interpolate(read(tmp_path, "a: ${A}\n"), {"A": "${B} *alias [x"})
    assert filled.source.data == {"a": "${B} *alias [x"}
    assert filled.problems == ()


@pytest.mark.parametrize(
    "name",
    [
        "FAL_KEY",
        "FAL_KEY_ID",
        "ELEVENLABS_API_KEY",
        "GITHUB_TOKEN",
        "my_secret",
        "DB_PASSWORD",
        "OPENAI_APIKEY",
        "DB_PWD",
    ],
)
def test_names_that_look_like_secrets_are_refused_even_when_set(tmp_path: Path, name: str) -> None:
    filled = interpolate(read(tmp_path, f"a: 1\nb: x ${{{name}}}\n"), {name: "hush"})
    (problem,) = filled.problems
    assert (
        said(problem)
        == f"2:6: {name} looks like a secret and may not be read into a recipe; providers read their keys themselves"
    )
    assert "hush" not in str(filled.source.data)


@pytest.mark.parametrize("name", ["KEYBOARD", "MONKEY", "PWD", "AUTHOR", "TOPIC", "COMPASS"])
def test_harmless_names_are_not_taken_for_secrets(tmp_path: Path, name: str) -> None:
    assert interpolate(read(tmp_path, f"a: ${{{name}}}\n"), {name: "x"}).problems == ()


def test_an_unset_variable_names_the_nearest_that_is_set(tmp_path: Path) -> None:
    (problem,) = interpolate(read(tmp_path, "a: |\n  one\n  two ${TOPC}\n"), {"TOPIC": "tea"}).problems
    assert said(problem) == "3:7: the environment variable TOPC is not set; did you mean 'TOPIC'?"
