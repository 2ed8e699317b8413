"""Recipes in an editor: completion, explanations and problems by the language server that editors use.

``make editors`` installs it; without it these tests are skipped.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.lsp import SERVER, Server, yaml_language_server
from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.modeline import install
from tiktoker_batch.resources import resource_path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (SERVER.exists() and shutil.which("node")), reason="make editors installs the language server"
    ),
]

SCHEMA = resource_path("schemas", "recipe.schema.json").read_bytes()
RECIPES = resource_path("recipes")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with yaml_language_server() as running:
        yield running


def opened(server: Server, folder: Path, *lines: str) -> str:
    """Open a recipe as ``schema --install`` leaves it: its first line is the modeline."""
    path = folder / "recipe.yaml"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    install(path, SCHEMA)
    return server.open(path)


@pytest.mark.parametrize("name", sorted(path.name for path in RECIPES.glob("*.yaml")))
def test_our_own_recipes_have_no_problem(server: Server, name: str) -> None:
    assert server.diagnose(server.open(RECIPES / name)) == []


def test_every_style_is_offered(server: Server, tmp_path: Path) -> None:
    uri = opened(server, tmp_path, "version: 1", "defaults:", "  style: ")
    assert set(load_catalog().styles) <= set(server.complete(uri, 3, 9))


@pytest.mark.parametrize("kind", ["text", "image", "clip", "narration"])
def test_every_model_of_a_kind_is_offered_and_no_other(server: Server, tmp_path: Path, kind: str) -> None:
    uri = opened(server, tmp_path, "version: 1", "defaults:", "  models:", f"    {kind}: ")
    offered = server.complete(uri, 4, 6 + len(kind))
    assert {ref for ref, model in load_catalog().models.items() if model.kind == kind} == set(offered)


def test_keys_are_offered_where_they_fit(server: Server, tmp_path: Path) -> None:
    uri = opened(server, tmp_path, "version: 1", "name: x", "videos:", "  - id: a", "    topic: a lamp", "    ")
    offered = server.complete(uri, 6, 4)
    assert {"duration", "style", "publish"} <= set(offered)
    assert not {"videos", "topic", "id"} & set(offered)


def test_a_key_is_explained(server: Server, tmp_path: Path) -> None:
    uri = opened(server, tmp_path, "version: 1", "budget:", "  max_usd: 5")
    told = server.hover(uri, 3, 4)
    assert len(told.split("Source:")[0].split()) >= 3, told


def test_a_mistake_is_told_at_its_place(server: Server, tmp_path: Path) -> None:
    uri = opened(server, tmp_path, "version: 1", "name: x", "videos:", "  - {id: a, topic: x, durration: 5}")
    found = server.diagnose(uri)
    assert [place[:2] for place in found] == [(5, 23)]
    assert "durration" in found[0][2]
