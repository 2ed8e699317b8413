"""Moving from another program, as a user calls it."""

import json
from pathlib import Path

from tests.cli.conftest import Call

TASKS = '{"video_subject": "Bees", "n_threads": 4}\n{"video_script": "Honey never spoils."}\n'


def test_a_recipe_is_printed_and_what_it_lacks_is_told_apart_from_it(call: Call, tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text(TASKS)
    made = call("import", "mpt", "tasks.jsonl")
    assert made.returncode == 0
    assert made.stderr == (
        "warning: bees: n_threads is not carried over: '--limit ffmpeg=N' says how much is encoded at once\n"
    )
    (tmp_path / "tasks.yaml").write_text(made.stdout)
    assert "tasks.yaml: ok (2 videos" in call("validate", "tasks.yaml").stdout


def test_a_recipe_is_written_once_and_overwritten_only_by_force(call: Call, tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text(TASKS)
    first = call("import", "mpt", "tasks.jsonl", "-o", "recipes/tasks.yaml")
    assert (first.returncode, first.stdout) == (0, "")
    assert "2 videos in recipes/tasks.yaml; next: tiktoker-batch validate recipes/tasks.yaml" in first.stderr
    recipe = tmp_path / "recipes" / "tasks.yaml"
    recipe.write_text("mine")
    again = call("import", "mpt", "tasks.jsonl", "--out", "recipes/tasks.yaml")
    assert (again.returncode, again.stderr) == (
        2,
        "recipes/tasks.yaml is there already\n  --force overwrites it\n",
    )
    assert recipe.read_text() == "mine"
    assert call("import", "mpt", "tasks.jsonl", "-o", "recipes/tasks.yaml", "--force").returncode == 0
    assert recipe.read_text().startswith("# Imported from MoneyPrinterTurbo: tasks.jsonl\n")


def test_files_are_named_from_the_recipe_s_own_folder(call: Call, tmp_path: Path) -> None:
    (tmp_path / "bed.mp3").write_bytes(b"ID3" + b"\0" * 2000)
    task = {"video_script": "Honey.", "bgm_type": "custom", "bgm_file": "bed.mp3"}
    (tmp_path / "tasks.json").write_text(json.dumps(task))
    assert call("import", "mpt", "tasks.json", "-o", "here.yaml").returncode == 0
    assert "file: bed.mp3" in (tmp_path / "here.yaml").read_text().replace('"', "")
    assert str(tmp_path / "bed.mp3") in call("import", "mpt", "tasks.json").stdout


def test_a_session_is_imported_without_its_keys(call: Call, tmp_path: Path) -> None:
    session = tmp_path / "tiktoker" / "output" / "session_2027-01-05T10-11-12"
    session.mkdir(parents=True)
    (session / "metadata.json").write_text(json.dumps({"storyText": "Honey never spoils.", "prompts": ["a jar"]}))
    (tmp_path / "tiktoker" / ".env").write_text("FAL_API_KEY=canary-1\nOPENROUTER_API_KEY=canary-2\n")
    made = call("import", "tiktoker", "tiktoker", "-o", "recipe.yaml")
    assert made.returncode == 0
    assert "set FAL_KEY and OPENROUTER_API_KEY" in made.stderr
    assert "canary" not in made.stdout + made.stderr + (tmp_path / "recipe.yaml").read_text()
    prompts = call("render", "recipe.yaml").stdout
    assert "a jar" in prompts


def test_damaged_input_is_told_at_its_place_and_writes_nothing(call: Call, tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text('{"video_subject": "Bees"}\n{"video_subject": [}\n')
    made = call("import", "mpt", "tasks.jsonl", "-o", "recipe.yaml")
    assert (made.returncode, made.stdout) == (2, "")
    assert made.stderr.startswith("tasks.jsonl:2:20: not JSON: Expecting value\n")
    assert not (tmp_path / "recipe.yaml").exists()
    missing = call("import", "mpt", "task.jsonl")
    assert missing.returncode == 2
    assert "did you mean 'tasks.jsonl'?" in missing.stderr
    nowhere = call("import", "tiktoker", ".")
    assert (nowhere.returncode, "holds no session of TikToker" in nowhere.stderr) == (2, True)
