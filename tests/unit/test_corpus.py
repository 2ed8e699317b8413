"""Every file of the corpus of broken recipes says in its own comments what is to be found in it, and where."""

import re
from pathlib import Path

import pytest

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.recipe.build import load_recipe

CORPUS = Path(__file__).parent.parent / "corpus" / "invalid"
EXPECTED = re.compile(r"^# expect: (\d+):(\d+): (.+)$", re.MULTILINE)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.yaml")), ids=lambda path: path.stem)
def test_exactly_the_expected_problems_are_found_in_order(path: Path) -> None:
    found = EXPECTED.findall(path.read_text(encoding="utf-8"))
    expected = sorted((int(line), int(column), part) for line, column, part in found)
    with pytest.raises(RecipeError) as raised:
        load_recipe(path, catalog=load_catalog(), environ={})
    problems = raised.value.problems
    assert [(problem.line, problem.column) for problem in problems] == [place[:2] for place in expected], raised.value
    for problem, (_, _, part) in zip(problems, expected, strict=True):
        assert part in problem.message


def test_the_corpus_is_there() -> None:
    assert len(list(CORPUS.glob("*.yaml"))) >= 15
