"""A provider of another package: found by its entry point, planned, priced and bought from like our own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.starting import ARGV, ROOT, clean_environment
from tiktoker_batch.errors import PreflightError
from tiktoker_batch.providers.registry import providers

SAMPLE = Path(__file__).with_name("sample")
RECIPE = """\
version: 1
name: cards
defaults: {duration: 4, aspect_ratio: "1:1", resolution: 720p, fps: 4}
videos:
  - id: lamp
    script: A small lamp burns at the end of the pier.
    models: {image: "echo:card"}
    prompts: [a lamp at the end of a pier]
"""


def install(package: Path, into: Path) -> None:
    """Install a package for real, from what is on this machine."""
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *offline, "--target", str(into), str(package)],
        check=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the sample package and a recipe that names its model."""
    folder = tmp_path_factory.mktemp("plugin")
    source = folder / "source"
    source.mkdir()
    for file in SAMPLE.glob("*.*"):  # a copy: building leaves things beside its source
        (source / file.name).write_bytes(file.read_bytes())
    install(source, folder / "site")
    (folder / "cards.yaml").write_text(RECIPE, encoding="utf-8")
    return folder


def call(folder: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Call ``tiktoker-batch`` where the packages in the folder's ``site`` are installed too."""
    path = os.pathsep.join([str(ROOT), str(folder / "site")])
    return subprocess.run(
        [*ARGV, *arguments],
        cwd=folder,
        env={**clean_environment(**environ), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


# ---------------------------------------------------------------------- one that works


def test_its_models_can_be_named_in_recipes(installed: Path) -> None:
    done = call(installed, "validate", "cards.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    listed = json.loads(call(installed, "models", "--kind", "image", "--format", "json").stdout)
    (card,) = [model for model in listed if model["model"] == "echo:card"]
    assert (card["title"], card["price"]["usd"]) == ("The prompt on a card", 0.07)


def test_its_price_is_in_the_estimate(installed: Path) -> None:
    planned = call(installed, "plan", "cards.yaml", "--format", "json", ECHO_KEY="any")
    assert planned.returncode == 0
    assert costs_of(json.loads(planned.stdout)) == {"lamp/01/image": 0.07}


def costs_of(plan: dict[str, Any]) -> dict[str, float]:
    steps = [step for video in plan["videos"] for step in video["steps"]]
    return {step["id"]: float(step["estimated_cost_usd"]) for step in steps if float(step["estimated_cost_usd"])}


def test_its_key_is_asked_for_and_its_account_checked(installed: Path) -> None:
    without = call(installed, "run", "cards.yaml")
    assert without.returncode == 3
    assert "echo: set ECHO_KEY" in without.stderr
    checks = json.loads(call(installed, "doctor", "cards.yaml", "--format", "json", ECHO_KEY="any").stdout)
    said = {check["name"]: (check["verdict"], check["message"]) for check in checks}
    assert said["echo key"] == ("ok", "set")
    assert said["echo account"] == ("ok", "the cards are ready")


def test_a_batch_is_made_with_it(installed: Path) -> None:
    done = call(installed, "run", "cards.yaml", ECHO_KEY="any")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((installed / "output" / "cards" / "manifest.json").read_text(encoding="utf-8"))
    (video,) = manifest["videos"]
    (image,) = [step for step in video["steps"] if step["kind"] == "image"]
    assert (image["provider"], image["model"], image["state"]) == ("echo", "card", "done")
    assert float(image["cost_usd"]) == 0.07
    assert video["state"] == "done"


def test_what_a_batch_finds_out_of_its_limit_is_where_the_next_one_begins(installed: Path, tmp_path: Path) -> None:
    memory, output = tmp_path / "limits.json", tmp_path / "output"
    memory.write_text(json.dumps({"echo:card": [1, time.time()], "fal": [3, time.time()]}))
    done = call(
        installed, "run", "cards.yaml", "--output", str(output), ECHO_KEY="any", TIKTOKER_CACHE_DIR=str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (output / "journal.jsonl").read_text().splitlines()]
    changes = [(e["limit"], e["seats"], e["cause"]) for e in lines if e.get("event") == "capacity_changed"]
    assert changes == [("echo:card", 1, "remembered"), ("echo:card", 2, "tried")]
    kept = {name: seats for name, (seats, _) in json.loads(memory.read_text()).items()}
    assert kept == {"echo:card": 2, "fal": 3}


# ---------------------------------------------------------------------- ones that do not


ENTRY_CODE = """
from contextlib import asynccontextmanager
from tiktoker_batch.model import Model
from tiktoker_batch.providers.registry import Entry

@asynccontextmanager
async def never(setting):
    raise AssertionError("nobody opens it")
    yield

FLUX = {"provider": "fal", "id": "fal-ai/flux/schnell", "kind": "image", "title": "mine"}
"""
UNFIT = {
    "raises_on_import": (
        "import nothing_of_this_name",
        "loading unfit:ENTRY ends in ModuleNotFoundError: No module named 'nothing_of_this_name'",
    ),
    "holds_no_entry": ("ANOTHER = 1", "loading unfit:ENTRY ends in AttributeError"),
    "is_no_entry": (
        "ENTRY = {'name': 'unfit'}",
        "unfit:ENTRY is of type dict, expected tiktoker_batch.providers.registry.Entry",
    ),
    "takes_a_name": (f"{ENTRY_CODE}ENTRY = Entry(name='fal', open=never)", "there is a provider 'fal' already"),
    "has_two_names": (f"{ENTRY_CODE}ENTRY = Entry(name='other', open=never)", "it calls itself 'other'"),
    "replaces_models": (
        f"{ENTRY_CODE}ENTRY = Entry(name='unfit', open=never, models=(Model(**FLUX),))",
        "it brings models of another provider: fal:fal-ai/flux/schnell",
    ),
}


def offer(folder: Path, code: str) -> None:
    """What pip leaves of an installed package that offers a provider ``unfit``."""
    site = folder / "site"
    facts = site / "unfit_provider-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: unfit-provider\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[tiktoker_batch.providers]\nunfit = unfit:ENTRY\n")
    (site / "unfit.py").write_text(code, encoding="utf-8")


@pytest.mark.parametrize(("code", "complaint"), UNFIT.values(), ids=UNFIT)
def test_a_package_that_offers_no_provider_is_named_with_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, complaint: str
) -> None:
    offer(tmp_path, code)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "unfit", raising=False)
    providers.cache_clear()
    try:
        with pytest.raises(PreflightError) as raised:
            providers()
    finally:
        providers.cache_clear()
        sys.modules.pop("unfit", None)
    assert complaint in raised.value.message
    assert "package unfit-provider" in raised.value.message
    assert raised.value.hint == "pip uninstall unfit-provider, or mend it"


def test_the_command_says_so_and_shows_no_traceback(tmp_path: Path) -> None:
    offer(tmp_path, "raise RuntimeError('out of paper')")
    (tmp_path / "cards.yaml").write_text(RECIPE, encoding="utf-8")
    for arguments in (["validate", "cards.yaml"], ["models"], ["doctor", "--offline"]):
        done = call(tmp_path, *arguments)
        assert done.returncode == 3, arguments
        assert "RuntimeError: out of paper" in done.stderr
        assert "pip uninstall unfit-provider" in done.stderr
        assert "Traceback" not in done.stdout + done.stderr
