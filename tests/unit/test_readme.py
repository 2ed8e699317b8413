"""What the README shows works."""

import re
from pathlib import Path

import pytest

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.recipe.build import load_recipe

README = Path(__file__).parents[2] / "README.md"
pytestmark = pytest.mark.skipif(not README.exists(), reason="only a checkout has it")


def test_its_recipe_is_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "readme.yaml").write_text(block, encoding="utf-8")
    recipe = load_recipe(tmp_path / "readme.yaml", catalog=load_catalog(), environ={})
    assert [video.id for video in recipe.videos] == ["mon-lighthouse", "tue-coffee"]


def test_every_command_and_file_it_names_is_there() -> None:
    text = README.read_text(encoding="utf-8")
    from tiktoker_batch.cli import COMMANDS

    named = set(re.findall(r"`tiktoker-batch (\w+)", text)) - {"--help"}
    assert named <= set(COMMANDS)
    links = re.findall(r"\]\(((?!http)[^)#]+)\)", text)
    assert [link for link in links if not (README.parent / link).exists()] == []
