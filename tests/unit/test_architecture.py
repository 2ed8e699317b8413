"""The shape of the house: what may import what, how large a room may be, and what a start loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tiktoker_batch

PACKAGE = Path(tiktoker_batch.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))
HEAVY = ("trio", "yaml", "jsonschema", "jinja2", "numpy", "PIL", "av", "rich", "onnxruntime", "pysubs2", "platformdirs")


def test_imports_point_down() -> None:
    found = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout[-3000:]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_can_be_read_in_one_sitting(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 420


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_benchmark_imports_is_there_also_where_it_does_so_late(script: Path) -> None:
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(("tests.", "tiktoker_batch")):
            names = ", ".join(name.name for name in node.names)
            exec(f"from {node.module} import {names}", {})


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['tiktoker-batch', '--help']\n"
        "from tiktoker_batch.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print('LOADED', sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "LOADED []"
