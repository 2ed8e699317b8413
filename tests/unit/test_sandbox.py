"""Expressions and templates come to an end: what would take all memory or for ever is a problem at its place."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.model import Template
from tiktoker_batch.recipe.build import load_recipe
from tiktoker_batch.recipe.expressions import ExpressionFault, evaluate
from tiktoker_batch.recipe.prompts import render_prompt

TOO_MUCH = "it makes more than 1,000,000 characters, items or turns of loops"
ENDLESS = [
    "{{ 'x' * 10**9 }}",
    "{{ 10**9 * 'x' }}",
    "{{ [1] * 10**9 }}",
    "{{ 9**(9**9) }}",
    "{{ 10 ** (10 ** 7) }}",
    "{{ -9 ** 999999999 }}",
    "{% set ns = namespace(n=9) %}{% for i in range(99) %}{% set ns.n = ns.n * ns.n %}{% endfor %}{{ ns.n }}",
    "{% for i in range(10**9) %}x{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% set xs = range(9999) | list %}{% for a in xs %}{% for b in xs %}{% endfor %}{% endfor %}",
    "{% for a in 'x' * 9999 %}{{ 'y' * 9999 }}{% endfor %}",
    "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s.replace('x', 'xx') %}{% endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s] * 2 %}{% endfor %}{{ ns.s|string }}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "{% for x in [1] recursive %}{% if loop.depth < 60 %}{{ loop([1, 1]) }}{% endif %}{% endfor %}",
    "{{ 'x' | center(10**9) }}",
    "{{ 'x' | center(1000000000) }}",
    "{{ 'x\ny' | indent(width=999999999) }}",
    "{{ 'x' | indent('y' * 900000, first=true) | indent('y' * 900000, first=true) }}",
    "{{ '%999999999d' | format(1) }}",
    "{{ '%.*f' | format(999999999, 1.5) }}",
    "{{ '%(a)0999999999d' % {'a': 1} }}",
    "{{ '%s' * 9999 % ('x' * 9999) }}",
    "{{ '{:>999999999}'.format(1) }}",
    "{{ '{:{}}'.format(1, 999999999) }}",
    "{{ ('{0}' * 9999).format('x' * 9999) }}",
    "{{ ('{a}' * 9999).format_map({'a': 'x' * 9999}) }}",
    "{{ 'x'.ljust(10**9) }}",
    "{{ 'x'.zfill(width=10**9) }}",
    "{{ ('x' | attr('center'))(10**9) }}",
    "{{ '\t\t'.expandtabs(10**9) }}",
    "{{ ('\t' * 9999).expandtabs(9999) }}",
    "{{ ('x' * 9999).replace('x', 'y' * 9999) }}",
    "{{ ('x' * 9999) | replace('x', 'y' * 9999) }}",
    "{{ ('x' * 9999).translate({120: 'y' * 9999}) }}",
    "{{ ('x' * 9999).join(range(9999) | map('string')) }}",
    "{{ range(9999) | join('y' * 9999) }}",
    "{{ range(9999) | map('string') | join('y' * 9999) }}",
    "{{ range(9999) | map('center', 9999) | join }}",
    "{{ range(9) | batch(10**9, 'x') | list }}",
    "{{ range(9) | slice(10**9) | list }}",
    "{{ ('x' * 9999) | wordwrap(1, wrapstring='y' * 9999) }}",
    "{{ [[[[1]]]] | tojson(indent=10**9) }}",
    "{{ 1.5 | round(10**9, 'ceil') }}",
    "{{ (1).to_bytes(10**9, 'big') }}",
    "{{ 'x'.encode().ljust(10**9) }}",
]


LONG = "{% for a in range(99999) %}" + "a text that stands there " * 9 + "{% endfor %}"  # no single place is to blame


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """What is refused takes no memory: there are only 500 MB more of it here."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 500 * 2**20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("text", [*ENDLESS, LONG])
def test_an_expression_that_would_not_end_is_a_fault(text: str) -> None:
    with pytest.raises(ExpressionFault) as raised:
        evaluate(text, {})
    said = str(raised.value).removeprefix("this expression cannot be evaluated: ")
    assert said.startswith(("it makes more than ", "Range too big"))


@pytest.mark.parametrize("text", ENDLESS)
def test_a_template_that_would_not_end_is_a_problem_at_its_line(text: str) -> None:
    with pytest.raises(RecipeError) as raised:
        render_prompt(Template(path="image.j2", source=f"First.\n\n{text}"), {})
    (problem,) = raised.value.problems
    assert problem.line >= 3
    said = problem.message.removeprefix("this cannot be rendered: ")
    assert said.startswith(("it makes more than ", "Range too big"))


def test_a_recipe_tells_it_at_the_expression(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("version: 1\nname: x\nvideos:\n  - {id: a, topic: \"{{ 'x' * 10**9 }}\"}\n")
    with pytest.raises(RecipeError) as raised:
        load_recipe(path, catalog=load_catalog(), environ={})
    assert [str(each).removeprefix(f"{tmp_path}/") for each in raised.value.problems] == [
        f"recipe.yaml:4:20: this expression cannot be evaluated: {TOO_MUCH}"
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ 'ab' * 3 }}", "ababab"),
        ("{{ [1, 2] * 2 + [3] }}", [1, 2, 1, 2, 3]),
        ("{{ 2 ** 50 }}", 2**50),
        ("{{ (9**9**9) | string }}", str(9**81)),  # from the left, as Jinja has it
        ("{{ 7 % 4 }} {{ '%05.1f of %s' % (1.25, 'x') }}", "3 001.2 of x"),
        ("{{ '%s-%03d' | format('a', 7) }}", "a-007"),
        ("{{ '{:>5}|{name}'.format(1, name='x') }}", "    1|x"),
        ("{{ 'a' ~ 1 ~ none ~ [2] }}", "a1None[2]"),
        ("{% for x in [3, 4] %}{{ loop.index }}/{{ loop.length }}:{{ x }} {{ loop.last }};{% endfor %}",
         "1/2:3 False;2/2:4 True;"),
        ("{% for k, v in {'a': 1}.items() if v %}{{ k }}{{ v }}{% else %}none{% endfor %}", "a1"),
        ("{{ range(5) | map('string') | join(', ') }}", "0, 1, 2, 3, 4"),
        ("{{ ', '.join(['a', 'b']) }}", "a, b"),
        ("{{ range(5) | batch(2, 'x') | list }}", [[0, 1], [2, 3], [4, "x"]]),
        ("{{ 'x' | center(5) }}|{{ 'a\nb' | indent(2) }}|{{ 1.256 | round(2) }}", "  x  |a\n  b|1.26"),
        ("{{ {'a': [1]} | tojson(indent=2) }}", '{\n  "a": [\n    1\n  ]\n}'),
        ("{{ 'a-b'.replace('-', '+').ljust(5) ~ '|' }}", "a+b  |"),
        ("{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "3210"),
        ("{{ ('word ' * 9000) | wordcount }}", 9000),
    ],
)  # fmt: skip
def test_what_is_usual_stays_as_it_is(text: str, value: object) -> None:
    assert evaluate(text, {}) == value


def test_every_expression_counts_for_itself() -> None:
    for _ in range(30):
        assert len(evaluate("{{ 'x' * 90000 }}", {})) == 90_000
