"""The line that tells editors of the schema."""

from pathlib import Path

import pytest

from tiktoker_batch.errors import UsageError
from tiktoker_batch.modeline import install

LINE = "# yaml-language-server: $schema=.tiktoker-batch/recipe.schema.json\n"


def written(folder: Path, content: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_bytes(content.encode())
    return path


def test_a_recipe_gets_the_line_and_the_schema_beside_it(tmp_path: Path) -> None:
    recipe = written(tmp_path, "# mine\nversion: 1\n")
    install(recipe, b"{}")
    assert recipe.read_text() == LINE + "# mine\nversion: 1\n"
    assert (tmp_path / ".tiktoker-batch" / "recipe.schema.json").read_bytes() == b"{}"


def test_doing_it_again_changes_nothing_but_an_older_schema(tmp_path: Path) -> None:
    recipe = written(tmp_path, "version: 1\n")
    install(recipe, b"{}")
    before = recipe.read_bytes()
    install(recipe, b'{"new": 1}')
    assert recipe.read_bytes() == before
    assert (tmp_path / ".tiktoker-batch" / "recipe.schema.json").read_bytes() == b'{"new": 1}'


@pytest.mark.parametrize(
    "line", ["# yaml-language-server: $schema=../schemas/x.json", "#yaml-language-server:$schema=x"]
)
def test_a_schema_that_somebody_chose_stays(tmp_path: Path, line: str) -> None:
    recipe = written(tmp_path, f"# first\n\n{line}\nversion: 1\n")
    assert "left alone" in install(recipe, b"{}")
    assert recipe.read_text() == f"# first\n\n{line}\nversion: 1\n"
    assert not (tmp_path / ".tiktoker-batch").exists()


def test_line_ends_and_a_byte_order_mark_stay_as_they_are(tmp_path: Path) -> None:
    recipe = written(tmp_path, "\ufeffversion: 1\r\nname: x\r\n")
    install(recipe, b"{}")
    assert recipe.read_bytes().decode() == "\ufeff" + LINE.replace("\n", "\r\n") + "version: 1\r\nname: x\r\n"


def test_words_inside_the_recipe_are_no_such_line(tmp_path: Path) -> None:
    recipe = written(tmp_path, "version: 1\n# yaml-language-server: $schema=x\n")
    install(recipe, b"{}")
    assert recipe.read_text().startswith(LINE)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_what_is_no_recipe_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "recipe.yaml"
    if content:
        path.write_bytes(content)
    with pytest.raises(UsageError):
        install(path, b"{}")


def test_a_recipe_that_is_not_there_gets_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "week.yaml").write_text("version: 1\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"did you mean 'week.yaml'\?"):
        install(tmp_path / "wek.yaml", b"{}")
