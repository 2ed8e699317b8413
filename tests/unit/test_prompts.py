"""Prompt templates: rendered strictly, in a sandbox, with faults told at their line."""

from pathlib import Path

import pytest

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.recipe.build import load_recipe
from tiktoker_batch.recipe.prompts import (
    PROMPT_VARIABLES,
    builtin_template,
    builtin_templates,
    check_template,
    load_template,
    render_block,
    render_prompt,
)
from tiktoker_batch.recipe.rendering import image_prompt
from tiktoker_batch.shots import Style, Template

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
        ("{% include shot %}", "1:4: 'include' wants the plain name of a template in quotes, like 'builtin/image.j2'"),
        ("{% extends '../x.j2' %}", "1:4: 'extends' wants the plain name of a template in quotes, like 'builtin/"),
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


# ------------------------------------------------------------------ templates of parts and blocks


def put(folder: Path, **files: str) -> None:
    for name, source in files.items():
        (folder / f"{name}.j2").write_text(source, encoding="utf-8")


CLIP = {"shot": "a lamp", "motion": None, "seconds": 4, "number": 1, "style": Style(name="noir", prompt="black")}


def test_one_block_of_a_shipped_template_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    put(tmp_path, clip='{% extends "builtin/clip.j2" %}\n{% block life %}only the light flickers{% endblock %}')
    mine = load_template(tmp_path / "clip.j2")
    assert check_template(mine, PROMPT_VARIABLES["clip"]) == []
    shipped = render_prompt(builtin_templates()["clip"], CLIP)
    assert render_prompt(mine, CLIP) == (
        "a lamp, slow push in, only the light flickers, steady and smooth, one unbroken take without cuts, black"
    )
    assert "subtle motion in hair" in shipped
    assert render_block(mine, "motion", CLIP) == render_block(builtin_templates()["clip"], "motion", CLIP)


def test_a_block_may_keep_what_it_replaces(tmp_path: Path) -> None:
    put(tmp_path, image='{% extends "builtin/image.j2" %}{% block style %}{{ super() }}, on film{% endblock %}')
    assert render_prompt(load_template(tmp_path / "image.j2"), CLIP) == "a lamp, black, on film"
    assert render_block(load_template(tmp_path / "image.j2"), "style", CLIP) == "black, on film"


def test_a_part_of_ones_own_takes_the_place_of_the_shipped_one_everywhere(tmp_path: Path) -> None:
    put(tmp_path, _style="in the manner of {{ style.name }}")
    for name in ("image", "clip"):
        assert render_prompt(builtin_template(name, tmp_path), CLIP).endswith(", in the manner of noir")
    put(tmp_path, image='{% extends "builtin/image.j2" %}')
    assert render_prompt(load_template(tmp_path / "image.j2"), CLIP) == "a lamp, in the manner of noir"


def test_macros_of_a_file_of_ones_own_are_imported(tmp_path: Path) -> None:
    put(
        tmp_path,
        _mine="{% macro loud(text) %}{{ text | upper }}!{% endmacro %}",
        image='{% from "_mine.j2" import loud %}{{ loud(shot) }}',
    )
    mine = load_template(tmp_path / "image.j2")
    assert check_template(mine, PROMPT_VARIABLES["image"]) == []
    assert render_prompt(mine, CLIP) == "A LAMP!"


def test_mistakes_are_told_in_the_part_where_they_are(tmp_path: Path) -> None:
    put(tmp_path, _style="\n{{ stile.name }}", image='{% extends "builtin/image.j2" %}')
    (found,) = check_template(load_template(tmp_path / "image.j2"), PROMPT_VARIABLES["image"])
    assert (found.path, found.line, found.column) == (str(tmp_path / "_style.j2"), 2, 4)
    put(tmp_path, _style="\n{{ style.nmae }}")
    with pytest.raises(RecipeError) as raised:
        render_prompt(load_template(tmp_path / "image.j2"), CLIP)
    assert str(raised.value.problems[0]).startswith(f"{tmp_path / '_style.j2'}:2:10: 'nmae' is undefined;")
    put(tmp_path, _style="{{ style.name", image='{% extends "builtin/image.j2" %}')
    (broken,) = check_template(load_template(tmp_path / "image.j2"), PROMPT_VARIABLES["image"])
    assert broken.path == str(tmp_path / "_style.j2")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '{% include "_stile.j2" %}',
            ":1:13: there is no template '_stile.j2'; did you mean '_style.j2'? (looked for in",
        ),
        ('{% extends "builtin/imag.j2" %}', "; did you mean 'image.j2'?"),
        (
            '{% extends "image.j2" %}',
            ":1:13: 'image.j2' leads back to itself; the shipped one is called 'builtin/image.j2'",
        ),
    ],
)
def test_what_a_template_names_has_to_be_there(tmp_path: Path, source: str, expected: str) -> None:
    put(tmp_path, image=source)
    with pytest.raises(RecipeError) as raised:
        load_template(tmp_path / "image.j2")
    assert expected in str(raised.value.problems[0])


def test_a_block_that_nobody_would_see_is_a_mistake(tmp_path: Path) -> None:
    put(tmp_path, image='{% extends "builtin/image.j2" %}{% block stile %}x{% endblock %}')
    (found,) = check_template(load_template(tmp_path / "image.j2"), PROMPT_VARIABLES["image"])
    assert found.message == "what is extended has no block 'stile'; did you mean 'style'? (there are: shot, style)"


def test_an_extends_that_leads_nowhere_is_told_once(tmp_path: Path) -> None:
    put(tmp_path, image='{% extends "tiktoker:image.j2" %}{% block shot %}x{% endblock %}')
    (found,) = check_template(load_template(tmp_path / "image.j2"), PROMPT_VARIABLES["image"])
    assert found.message == "'extends' wants the plain name of a template in quotes, like 'builtin/image.j2'"


def test_a_template_without_blocks_is_extended_in_vain(tmp_path: Path) -> None:
    put(tmp_path, image='{% extends "bare.j2" %}{% block shot %}x{% endblock %}', bare="{{ shot }}")
    (found,) = check_template(load_template(tmp_path / "image.j2"), PROMPT_VARIABLES["image"])
    assert found.message == "what is extended has no block 'shot'; it has none at all"


def test_a_folder_of_templates_is_named_once_for_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    put(tmp_path / "mine", _style="{{ style.name }} all over", story="Tell of {{ topic }}.")
    (tmp_path / "r.yaml").write_text(
        "version: 1\nname: r\ndefaults: {style: noir, templates: {folder: mine}}\nvideos: [{id: v, topic: a lamp}]\n"
    )
    (video,) = load_recipe(tmp_path / "r.yaml", catalog=load_catalog(), environ={}).videos
    assert image_prompt(video, 1, "a lamp") == "a lamp, noir all over"
    assert video.templates["story"].source == "Tell of {{ topic }}."
    (tmp_path / "r.yaml").write_text("version: 1\nname: r\nvideos: [{id: v, topic: x, templates: {folder: mien}}]\n")
    with pytest.raises(RecipeError, match="did you mean 'mine'"):
        load_recipe(tmp_path / "r.yaml", catalog=load_catalog(), environ={})
