"""The wheel, installed elsewhere: its schemas, templates and recipes are found as they are in a checkout."""

import json
import os
import subprocess
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.installing import ROOT, build_wheel, environment_for, install

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="only a checkout can be built"),
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment that holds the wheel; its dependencies are borrowed from this one."""
    return install(environment_for(tmp_path_factory.mktemp("elsewhere") / "env"), wheel)


def run(command: Path, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run([str(command), *arguments], cwd=cwd, env=environment, capture_output=True, text=True)


def test_the_wheel_carries_everything_it_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("schemas", "templates", "recipes"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file():
                assert f"tiktoker_batch/{file.relative_to(ROOT).as_posix()}" in names
    assert "tiktoker_batch/catalog/models.yaml" in names
    assert "tiktoker_batch/py.typed" in names
    assert not any(name.startswith("tests/") for name in names)


def test_it_runs_from_another_folder_and_not_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run(
        installed.with_name("python"), "-c", "import tiktoker_batch; print(tiktoker_batch.__file__)", cwd=tmp_path
    )
    assert str(ROOT) not in where.stdout.replace(sysconfig.get_path("purelib"), "")


def test_the_schema_is_the_published_one(installed: Path, tmp_path: Path) -> None:
    assert run(installed, "schema", cwd=tmp_path).stdout == (ROOT / "schemas" / "recipe.schema.json").read_text()


def test_the_shipped_quickstart_validates_and_plans(installed: Path, tmp_path: Path) -> None:
    shipped = next(installed.parents[1].rglob("tiktoker_batch/recipes/quickstart.yaml"))
    checked = run(installed, "validate", str(shipped), cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    planned = run(installed, "plan", str(shipped), "--format", "json", cwd=tmp_path)
    assert len(json.loads(planned.stdout)["videos"]) == 3
    assert not (tmp_path / "output").exists(), "a plan changes nothing"
