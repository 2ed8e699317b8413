"""Of valid recipes with one fault put in, the first problem stands where the fault is."""

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.mutations import Mutation, mutations
from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.recipe.build import load_recipe
from tiktoker_batch.recipe.schema import recipe_schema
from tiktoker_batch.recipe.source import load_source

TREE = Path(__file__).parent.parent.parent
VALID = TREE / "tests" / "corpus" / "valid"
TARGET = 0.95
THOROUGH = int(os.environ.get("MUTATIONS", "1500"))  # 10,000 in `make fuzz`
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass
class Measured:
    """How many faults were told at their place; ``harmless`` ones left the recipe valid and do not count."""

    right: Counter[str] = field(default_factory=Counter)
    harmless: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[Mutation, Problem]] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The part of the faults that were told at their place."""
        return self.right.total() / (self.right.total() + len(self.wrong))

    def __str__(self) -> str:
        wrong = Counter(mutation.kind for mutation, _ in self.wrong)
        told, faults = self.right.total(), self.right.total() + len(self.wrong)
        lines = [f"{told:,} of {faults:,} faults ({self.share:.2%}) were told at their place"]
        lines.append(f"{self.harmless.total():,} more mutations left a valid recipe")
        lines += [
            f"  {kind}: {self.right[kind]} right, {wrong[kind]} wrong, {self.harmless[kind]} valid"
            for kind in sorted({*self.right, *self.harmless, *wrong})
        ]
        for mutation, found in self.wrong[:40]:
            lines += [f"  {mutation}", f"    -> {found.line}:{found.column}: {found.message}"]
        return "\n".join(lines)


@cache
def valid_recipes() -> dict[str, str]:
    """Every recipe of this repository and of its documents, by name."""
    files = [VALID / "everything.yaml", *(TREE / "recipes").glob("*.yaml"), *(TREE / "templates/init").glob("*/*.yaml")]
    found = {path.name: path.read_text(encoding="utf-8").replace("@START@", "2027-03-15") for path in sorted(files)}
    for page in [TREE / "README.md", *sorted((TREE / "docs").glob("*.md"))]:
        for number, block in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8"))):
            is_recipe = "videos:" in block or "foreach:" in block
            if not is_recipe or "artifacts:" in block or re.search(r"^include:", block, re.MULTILINE):
                continue  # a fragment, no recipe, or one of several files
            entries = "" if "videos:" in block else "videos:\n"
            head = "" if "version:" in block else "version: 1\nname: example\n"
            found[f"{page.name}-{number}"] = head + entries + block
    return found


def folder_for(tmp_path: Path) -> Path:
    """A folder with the files that the valid recipes name."""
    shutil.copytree(VALID, tmp_path, dirs_exist_ok=True)
    shutil.copytree(TREE / "templates/init/calendar/brand", tmp_path / "brand")
    return tmp_path


def measure(chosen: Iterable[Mutation], folder: Path) -> Measured:
    """Look where the first problem of each is told."""
    measured, path, catalog = Measured(), folder / "recipe.yaml", load_catalog()
    for mutation in chosen:
        path.write_bytes(mutation.text.encode())
        try:
            load_recipe(path, catalog=catalog, environ={})
        except RecipeError as error:
            first = error.problems[0]
            if first.path == str(path) and (first.line, first.column) in mutation.area:
                measured.right[mutation.kind] += 1
            else:
                measured.wrong.append((mutation, first))
        else:
            measured.harmless[mutation.kind] += 1
    return measured


def all_mutations() -> list[Mutation]:
    return [each for name, text in valid_recipes().items() for each in mutations(text, seed=len(name))]


def test_what_is_mutated_is_valid(tmp_path: Path) -> None:
    path = folder_for(tmp_path) / "recipe.yaml"
    assert len(valid_recipes()) >= 8
    for text in valid_recipes().values():
        path.write_text(text, encoding="utf-8")
        load_recipe(path, catalog=load_catalog(), environ={})


def test_the_recipe_of_everything_has_every_key() -> None:
    used = set(_keys(load_source(VALID / "everything.yaml").data))
    assert set(_names(recipe_schema())) - used == set()


def _keys(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield from data
    for each in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _keys(each)


def _names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema["properties"] if isinstance(schema.get("properties"), dict) else ()
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _names(each)


def test_a_sample_of_faults_is_told_at_the_right_place(tmp_path: Path) -> None:
    sample = random.Random(7).sample(all_mutations(), 400)
    measured = measure(sample, folder_for(tmp_path))
    assert measured.share >= TARGET, str(measured)
    assert measured.right.total() >= 200, str(measured)


@pytest.mark.thorough
def test_thousands_of_faults_are_told_at_the_right_place(tmp_path: Path) -> None:
    every = all_mutations()
    measured = measure(random.Random(11).sample(every, min(THOROUGH, len(every))), folder_for(tmp_path))
    print(measured)
    assert measured.share >= TARGET, str(measured)
    assert measured.right.total() >= 0.6 * THOROUGH, str(measured)
