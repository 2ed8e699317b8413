"""check-jsonschema, the checker of pre-commit hooks and CI jobs, comes to the same verdict of every recipe as we do."""

import json
import subprocess
import sys
from pathlib import Path

from tiktoker_batch.errors import RecipeError
from tiktoker_batch.recipe.schema import check_schema
from tiktoker_batch.recipe.source import load_source
from tiktoker_batch.resources import resource_path

CORPUS = Path(__file__).parent.parent / "corpus" / "invalid"
# What a recipe may not hold though YAML can: their parser takes these, or falls over them.
NO_RECIPE = frozenset(
    CORPUS / f"{name}.yaml"
    for name in (
        "encoding-utf-16",
        "yaml-alias-bomb",
        "yaml-alias-of-itself",
        "yaml-escape-of-control-character",
        "yaml-infinite",
        "yaml-key-is-a-list",
        "yaml-key-is-a-number",
        "yaml-key-is-nothing",
        "yaml-key-is-true",
        "yaml-not-a-number",
        "yaml-number-too-large",
        "yaml-tag-does-not-fit",
        "yaml-too-deep",
    )
)
VALID = CORPUS.parent / "valid" / "everything.yaml"
RECIPES = sorted({VALID, *resource_path("recipes").glob("*.yaml"), *CORPUS.glob("*.yaml")} - NO_RECIPE)
SCHEMA = resource_path("schemas", "recipe.schema.json")


def is_refused_by_us(path: Path) -> bool:
    """Whether a recipe breaks the schema; what the schema cannot know, as an unknown style, does not count."""
    try:
        source = load_source(path)
    except RecipeError:
        return True
    return bool(source.problems or check_schema(source)[0])


def test_both_refuse_the_same_recipes() -> None:
    argv = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(SCHEMA), "-o", "json", *map(str, RECIPES)]
    told = json.loads(subprocess.run(argv, capture_output=True, text=True).stdout)
    theirs = {problem["filename"] for problem in [*told["errors"], *told.get("parse_errors", [])]}
    ours = {str(path) for path in RECIPES if is_refused_by_us(path)}
    assert theirs == ours
    assert len(ours) >= 150
    assert len(RECIPES) - len(ours) >= 100


def test_what_only_their_parser_takes_is_no_recipe() -> None:
    assert all(map(is_refused_by_us, NO_RECIPE))
