"""Prompt templates: rendered strictly, in a sandbox, with faults told at their line."""

from pathlib import Path

import pytest

from tiktoker_batch.errors import RecipeError
from tiktoker_batch.model import Style, Template
from tiktoker_batch.recipe.prompts import (
    PROMPT_VARIABLES,
    builtin_templates,
    check_template,
    load_template,
    render_prompt,
)

VARIABLES = {"shot": "a lamp", "style": Style(name="noir", prompt="black and white"), "vars": {"theme": "sea"}}


def template(source: str) -> Template:
    return Template(path="my_image.j2", source=source)


def faults(source: str) -> list[str]:
    found = check_template(template(source), PROMPT_VARIABLES["image"])
    return [f"{problem.line}:{problem.column}: {problem.message}" for problem in found]


def failure(source: str) -> str:
    with pytest.raises(RecipeError) as raised:
        render_prompt(template(source), VARIABLES)
    (problem,) = raised.value.problems
    assert problem.path == "my_image.j2"
    return f"{problem.line}:{problem.column}: {problem.message}"


def test_variables_attributes_and_the_users_own_values_are_filled_in() -> None:
    assert render_prompt(template("{{ shot }}, {{ style.prompt }}, {{ vars.theme }}"), VARIABLES) == (
        "a lamp, black and white, sea"
    )


def test_spaces_are_folded_and_paragraphs_kept() -> None:
    source = "\n\n  one   two \t\n{% if true %}\n  three\n{% endif %}\n\n\n\n  four  \n"
    assert render_prompt(template(source), {}) == "one two\nthree\n\nfour"


def test_text_is_never_escaped_for_html_nor_rendered_again() -> None:
    shot = 'a "cup" & <tea> {{ style }}'
    assert render_prompt(template("{{ shot }}"), {"shot": shot}) == shot


@pytest.mark.parametrize("name", sorted(PROMPT_VARIABLES))
def test_the_built_in_templates_use_only_what_they_are_given(name: str) -> None:
    built_in = builtin_templates()[name]
    assert built_in.path == f"templates/prompts/{name}.j2"
    assert check_template(built_in, PROMPT_VARIABLES[name]) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a\n{{ shto }}", "2:4: 'shto' is undefined; did you mean 'shot'? (there are: shot, style,"),
        ("{{ shot | uper }}", "1:11: there is no filter 'uper'; did you mean 'upper'?"),
        ("{% if shot is strng %}{% endif %}", "1:15: there is no test 'strng'; did you mean 'string'?"),
        ("{% include 'other.j2' %}", "1:4: a prompt template stands alone; 'include' is not possible"),
        ("{% extends 'other.j2' %}", "1:4: a prompt template stands alone; 'extends' is not possible"),
        ("a\n\n{{ shot", "3:1: unexpected end of template"),
        ("a\n{% if shot %}", "2:1: '{% if %}' is never closed"),
        ("{{" + "(" * 5000 + "1" + ")" * 5000 + "}}", "1:1: nested too deeply"),
    ],
)
def test_faults_show_before_anything_is_rendered(source: str, expected: str) -> None:
    (found,) = faults(source)
    assert found.startswith(expected)


def test_names_that_a_template_sets_itself_are_defined() -> None:
    assert faults("{% if number %}{% set a = 1 %}{% else %}{% set a = 2 %}{% endif %}{{ a }}") == []
    assert faults("{% for word in shot.split() %}{{ word }}{{ loop.index }}{% endfor %}{{ range(3) }}") == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("\n{{ shto }}", "2:4: 'shto' is undefined; did you mean 'shot'? (there are: shot, style and vars)"),
        ("{{ vars.thme }}", "1:9: 'thme' is undefined; did you mean 'theme'? (there are: theme)"),
        ("{{ style.promt }}", "1:10: 'promt' is undefined; did you mean 'prompt'? (there are: name, prompt)"),
        ("\n{{ 1 / 0 }}", "2:1: this cannot be rendered: division by zero"),
        ("{{ shot.__class__.__mro__ }}", "1:1: this cannot be rendered: access to attribute '__class__'"),
        ("{{ vars.update({'theme': 1}) }}", "1:1: this cannot be rendered: "),
        ("{% for i in range(999999999) %}{% endfor %}", "1:1: this cannot be rendered: Range too big"),
        ("a\n{{ shot", "2:1: unexpected end of template"),
    ],
)
def test_what_goes_wrong_while_rendering_is_told_at_its_line(source: str, expected: str) -> None:
    assert failure(source).startswith(expected)


def test_a_template_file_is_read_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "image.j2"
    path.write_bytes("\ufeff{{ shot }} да".encode())
    assert load_template(path) == Template(path=str(path), source="{{ shot }} да")
    path.write_bytes(b"\xff")
    with pytest.raises(RecipeError, match="not valid UTF-8"):
        load_template(path)
