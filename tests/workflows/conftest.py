"""A brand's folder as ``init --template calendar`` leaves it, with little to do, and the command for it."""

import subprocess
from pathlib import Path

import pytest

# The first is of the first of two shards, the second of the second, by the ids of their videos.
POSTS = """\
slug,series,shots,en,de,caption_en,caption_de
oak,basics,an oak,An oak is old.,Die Eiche ist alt.,Old.,Alt.
sea,basics,the sea,The sea is wide.,Das Meer ist weit.,Wide.,Weit.
"""
SMALL = {"duration: 12": "duration: 4\n  fps: 6"}


OFFLINE = {"PIP_NO_INDEX": "1"}  # what the jobs install is there already, and comes from the checkout


@pytest.fixture
def project(tmp_path: Path, commands: Path) -> Path:
    """The folder."""
    folder = tmp_path / "tea"
    argv = [str(commands / "tiktoker-batch"), "init", str(folder), "--template", "calendar"]
    subprocess.run(argv, check=True, capture_output=True, env={"PATH": "/usr/bin:/bin"})
    recipe = (folder / "calendar.yaml").read_text(encoding="utf-8")
    for before, after in SMALL.items():
        assert before in recipe
        recipe = recipe.replace(before, after)
    (folder / "calendar.yaml").write_text(recipe, encoding="utf-8")
    (folder / "calendar.csv").write_text(POSTS, encoding="utf-8")
    return folder
