"""Whatever is given as a recipe, nothing worse comes of it than a message; and what is valid can be planned."""

import itertools
import os
import shutil
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.made_recipes import edited, files, junk, structured
from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import RecipeError, TiktokerError
from tiktoker_batch.planning.build import Planning, build_plan
from tiktoker_batch.recipe.build import load_recipe
from tiktoker_batch.steps.registry import STEP_KINDS

VALID = Path(__file__).parent.parent / "corpus" / "valid"
MOST_SECONDS = 20.0  # of processor time for one recipe
SAMPLE, THOROUGH = 300, int(os.environ.get("MADE_RECIPES", "3000"))  # 20,000 in `make fuzz`
FILES = ("csv", "tsv", "json", "ndjson", "yaml")

_PROFILES = itertools.cycle([(), (), ("standard",), ("offline",)])


class Hung(BaseException):
    """No recipe may take so long."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Ends what takes more processor time than that."""

    def ring(*_: object) -> None:
        raise Hung

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


class Tried:
    """What became of the recipes that were made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(VALID, folder, dirs_exist_ok=True)
        self.outcomes: Counter[str] = Counter()

    def recipe(self, content: bytes) -> None:
        """Validate, and plan what is valid."""
        path = self.folder / "recipe.yaml"
        path.write_bytes(content)
        with deadline(MOST_SECONDS):
            try:
                recipe = load_recipe(path, catalog=load_catalog(), environ={"N": "3"}, profiles=next(_PROFILES))
                planning = Planning(languages=load_catalog().languages, file_sha256=defaultdict(lambda: "0" * 64))
                assert len(build_plan(recipe, STEP_KINDS, planning).videos) == len(recipe.videos) > 0
                self.outcomes["valid"] += 1
            except RecipeError as error:
                self.outcomes["refused"] += 1
                self.check(error)
            except TiktokerError:
                self.outcomes["refused"] += 1

    def check(self, error: RecipeError) -> None:
        """Every problem has a place that is there, and words."""
        assert error.problems
        for problem in error.problems:
            found = Path(problem.path)
            assert problem.message.strip()
            assert problem.line >= 1
            assert problem.column >= 1
            if found.is_file():
                lines = found.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n")
                assert problem.line <= lines + 2 + found.read_text("utf-8", "ignore").count("\x85") * 2

    def files(self, content: bytes) -> None:
        """Try the same bytes as every kind of file that a recipe may name."""
        for ending in FILES:
            (self.folder / f"made.{ending}").write_bytes(content)
            entry = f'{{foreach: made.{ending}, id: "v{{{{ index }}}}", topic: "{{{{ row.topic }}}}"}}'
            self.recipe(f"version: 1\nname: x\nvideos: [{entry}]\n".encode())
        (self.folder / "made.txt").write_bytes(content)
        self.recipe(b"version: 1\nname: x\nvideos: [{id: a, script_file: made.txt, templates: {image: made.txt}}]\n")


def try_all(folder: Path, examples: int, *, same: bool) -> Counter[str]:
    """So many recipes of every sort, the ``same`` ones each time or others."""
    tried = Tried(folder)
    for strategy, attempt, share in (
        (structured(), tried.recipe, 0.35),
        (edited(VALID), tried.recipe, 0.3),
        (junk, tried.recipe, 0.15),
        (files, tried.files, 0.2 / (len(FILES) + 1)),
    ):
        quick = settings(
            max_examples=round(examples * share),
            derandomize=same,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        quick(given(strategy)(attempt))()
    return tried.outcomes


def test_a_few_hundred_made_recipes_are_valid_or_told_what_is_wrong(tmp_path: Path) -> None:
    outcomes = try_all(tmp_path, SAMPLE, same=True)
    assert outcomes["valid"] >= 1
    assert outcomes["refused"] >= 50


@pytest.mark.thorough
@pytest.mark.parametrize("half", [1, 2])
def test_thousands_of_made_recipes_are_valid_or_told_what_is_wrong(tmp_path: Path, half: int) -> None:
    outcomes = try_all(tmp_path, THOROUGH // 2, same=False)
    print(dict(outcomes))
    assert outcomes["valid"] >= THOROUGH / 100
    assert outcomes.total() >= THOROUGH // 2 * 0.98
