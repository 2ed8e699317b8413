"""A batch made in parts on several machines, and put together."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import starting
from tests.cli.conftest import Call
from tests.starting import ARGV, clean_environment
from tiktoker_batch.merging import merge
from tiktoker_batch.report.html import render_report
from tiktoker_batch.store.journal import read_journal
from tiktoker_batch.store.state import fold

pytestmark = pytest.mark.slow

FOUR = """\
version: 1
name: four
defaults: {duration: 4, aspect_ratio: "1:1", resolution: 720p, fps: 4}
videos:
  - {id: lamp, script: A small lamp burns., style: noir, prompts: [a lamp]}
  - {id: tea, script: Tea is hot., style: watercolor, prompts: [a cup of tea]}
  - {id: sand, script: The tide takes the sand., style: noir, prompts: [the tide]}
  - {id: fox, script: A fox is awake., style: anime, prompts: [a fox]}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recipe and its halves, made once."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "four.yaml").write_text(FOUR, encoding="utf-8")
    for number in (1, 2):
        argv = [*ARGV, "run", "four.yaml", "--shard", f"{number}/2", "--output", f"half-{number}"]
        starting.run(argv, cwd=folder, env=clean_environment(), check=True, capture_output=True)
    return folder


@pytest.fixture
def shards(made: Path, tmp_path: Path) -> Path:
    """A copy of it, in the folder where commands are called."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def manifest(folder: Path) -> Mapping[str, Any]:
    return dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))


def states(folder: Path) -> Mapping[str, str]:
    return {video["id"]: video["state"] for video in manifest(folder)["videos"]}


def test_the_parts_of_a_batch_become_one_that_needs_nothing_more(shards: Path, call: Call) -> None:
    halves = [states(shards / f"half-{number}") for number in (1, 2)]
    assert [sorted(half.values()) for half in halves] == [["done", "done", "pending", "pending"]] * 2
    merged = call("merge", "half-1", "half-2", "--output", "whole")
    assert merged.returncode == 0, merged.stderr
    assert states(shards / "whole") == dict.fromkeys(("lamp", "tea", "sand", "fox"), "done")
    assert manifest(shards / "whole")["batch"]["state"] == "done"
    again = call("run", "four.yaml", "--output", "whole", "--progress", "json")
    assert again.returncode == 0
    assert "attempt_started" not in again.stderr
    videos = {path.name: path.read_bytes() for path in (shards / "whole" / "videos").iterdir()}
    for number in (1, 2):
        for path in (shards / f"half-{number}" / "videos").iterdir():
            assert videos.pop(path.name) == path.read_bytes()
    assert not videos

    # Every attempt and every second of both is in the report of the whole.
    records = read_journal(shards / "whole" / "journal.jsonl")
    attempts = sum(1 for _ in fold(records).attempts())
    assert attempts == sum(
        1 for number in (1, 2) for _ in fold(read_journal(shards / f"half-{number}" / "journal.jsonl")).attempts()
    )
    assert "lamp" in render_report(fold(records))

    # What does not belong together is refused, and leaves nothing behind.
    before = sorted(path.name for path in shards.iterdir())
    full = call("merge", "half-1", "half-2", "--output", "whole")
    assert full.returncode == 2
    assert "is not empty" in full.stderr
    (shards / "four.yaml").write_text(FOUR.replace("a lamp]", "a lantern]"), encoding="utf-8")
    assert call("run", "four.yaml", "--until", "image", "--output", "half-2").returncode == 0
    clash = call("merge", "half-1", "half-2", "--output", "clash")
    assert clash.returncode == 2
    assert "was not made from the same recipe" in clash.stderr
    assert sorted(path.name for path in shards.iterdir()) == before


def test_files_that_are_damaged_or_gone_are_told(shards: Path, call: Call) -> None:
    halves = [shards / "half-1", shards / "half-2"]
    picture = next((shards / "half-1" / "work").rglob("01.png"))
    picture.unlink()
    merged = merge(halves, shards / "whole")
    assert [path.endswith("01.png") for path in merged.missing] == [True]
    picture.write_bytes(b"no picture")
    damaged = call("merge", "half-1", "half-2", "--output", "other")
    assert damaged.returncode == 1
    assert "01.png is damaged" in damaged.stderr
    assert not (shards / "other").exists()


def test_a_result_that_two_have_must_be_the_same(shards: Path, call: Call) -> None:
    shutil.copytree(shards / "half-2", shards / "copy")
    assert call("merge", "half-1", "half-2", "copy", "--output", "same").returncode == 0
    video = next((shards / "copy" / "videos").glob("*.mp4"))
    video.write_bytes(video.read_bytes() + b"\0" * 8)
    first = call("merge", "half-1", "half-2", "copy", "--output", "whole")
    assert first.returncode == 0, "the one that was taken is whole"
    last = call("merge", "half-1", "copy", "half-2", "--output", "clash")
    assert last.returncode == 2
    assert f"both have made videos/{video.name}, and not the same" in last.stderr


@pytest.mark.thorough
def test_a_shard_in_which_a_text_was_edited_is_merged_with_the_others(shards: Path, call: Call) -> None:
    half = next(number for number in (1, 2) if states(shards / f"half-{number}")["tea"] == "done")
    again = ("run", "four.yaml", "--shard", f"{half}/2", "--output", f"half-{half}")
    assert call(*again, "--until", "shots").returncode == 0
    path = shards / f"half-{half}" / "work" / "tea" / "shots.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("a cup of tea", "a pot of tea"), encoding="utf-8")
    assert call(*again).returncode == 0
    done = call("merge", "half-1", "half-2", "--output", "whole")
    assert done.returncode == 0, done.stderr
    assert set(states(shards / "whole").values()) == {"done"}
    plan = call("plan", "four.yaml", "--output", "whole", "--detailed-exitcode")
    assert plan.returncode == 0, plan.stdout
    assert "edited text and shots: whole/work/tea/shots.yaml" in plan.stdout
