"""Every file of the corpus of broken recipes says in its own comments what is to be found in it, and where.

CONTRIBUTING.md tells how to add one.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.recipe.build import load_recipe

CORPUS = Path(__file__).parent.parent / "corpus" / "invalid"
RECIPES = sorted(CORPUS.glob("*.yaml"))
EXPECTED = re.compile(r"^# expect: (?:(\S+?):)?(\d+):(\d+): (.+)\n# hint: (.+)$", re.MULTILINE)
ENVIRONMENT = re.compile(r"^# environ: (\w+)=(.*)$", re.MULTILINE)
PROFILE = re.compile(r"^# profile: (\S+)$", re.MULTILINE)
HINTS = ("; ", "did you mean", "(there are", "expected ", "must be ", "belongs ")
NO_HINT = "none"


@dataclass(frozen=True, order=True)
class Expected:
    """A problem that must be told, in which file and at which place; ``hint`` is what it says about mending it."""

    file: str
    line: int
    column: int
    part: str
    hint: str

    def is_told_by(self, message: str) -> bool:
        if self.part not in message:
            return False
        return self.hint in message if self.hint != NO_HINT else not any(each in message for each in HINTS)


def comments(path: Path) -> str:
    """Where the expectations stand: beside a file of which the comments cannot be read, else in it."""
    beside = path.with_suffix(".expect")
    return (beside if beside.exists() else path).read_text(encoding="utf-8")


def expected_of(path: Path) -> list[Expected]:
    found = EXPECTED.findall(comments(path))
    return sorted(Expected(file or path.name, int(line), int(column), *said) for file, line, column, *said in found)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_exactly_the_expected_problems_are_found(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CORPUS)
    environ = {name: value.replace("\\x07", "\x07") for name, value in ENVIRONMENT.findall(comments(path))}
    profiles = PROFILE.findall(comments(path))
    expected = expected_of(path)
    with pytest.raises(RecipeError) as raised:
        load_recipe(Path(path.name), catalog=load_catalog(), environ=environ, profiles=profiles)
    problems = sorted(raised.value.problems)
    assert [(each.path, each.line, each.column) for each in problems] == [
        (each.file, each.line, each.column) for each in expected
    ], raised.value
    for problem, each in zip(problems, sorted(expected, key=_as_problems_are_sorted), strict=True):
        assert each.is_told_by(problem.message), (problem.message, each)


def _as_problems_are_sorted(expected: Expected) -> tuple[str, int, int]:
    return expected.file, expected.line, expected.column


def test_every_expectation_has_a_hint_and_can_be_read() -> None:
    for path in RECIPES:
        text = comments(path)
        assert len(expected_of(path)) == text.count("# expect:") == text.count("# hint:") >= 1, path.name


def test_the_corpus_is_large_and_says_how_to_mend_nearly_everything() -> None:
    expected = [each for path in RECIPES for each in expected_of(path)]
    assert len(RECIPES) >= 200
    assert sum(each.hint == NO_HINT for each in expected) <= len(expected) * 0.02
