"""A provider of another package that tells every key it was given: nobody hears it."""

import json
from pathlib import Path

import pytest

from tests.cli.canaries import CANARIES, assert_no_canary
from tests.plugin.test_plugin import RECIPE, SAMPLE, call, offer

BABBLER = """
from contextlib import asynccontextmanager
from dataclasses import replace
import trio
import tiktoker_sample
from tiktoker_batch.errors import BadRequest, Unavailable, UnknownOutcome

class Babbler(tiktoker_sample.Echo):
    name = "unfit"

    def __init__(self, environ):
        self.keys = {name: value for name, value in environ.items() if name.endswith("_KEY")}

    async def collect(self, job, into, begun):
        try:
            raise KeyError(self.keys["FAL_KEY"])
        except KeyError as error:
            beginnings = ", ".join(value[:8] for value in self.keys.values())
            raise WHAT(f"not with {self.keys} nor {beginnings}...") from error

@asynccontextmanager
async def opened(setting):
    await trio.lowlevel.checkpoint()
    yield Babbler(setting.environ)

CARD = replace(tiktoker_sample.CARD, provider="unfit")
ENTRY = replace(tiktoker_sample.ENTRY, name="unfit", open=opened, models=(CARD,), keys=(("UNFIT_KEY",),))
"""
KEYS = {**CANARIES, "UNFIT_KEY": "canaryunfit0123456789"}


def babble(folder: Path, what: str) -> tuple[int, str, Path]:
    """The exit code of a run with it, what was said, and the output folder."""
    offer(folder, BABBLER.replace("WHAT", what))
    (folder / "site" / "tiktoker_sample.py").write_bytes((SAMPLE / "tiktoker_sample.py").read_bytes())
    (folder / "cards.yaml").write_text(RECIPE.replace("echo:card", "unfit:card"), encoding="utf-8")
    done = call(folder, "run", "cards.yaml", "--debug", **KEYS)
    return done.returncode, done.stdout + done.stderr, folder / "output" / "cards"


def test_a_bug_of_its_shows_no_key_on_the_screen_and_none_in_the_details(tmp_path: Path) -> None:
    code, said, output = babble(tmp_path, "RuntimeError")
    assert code == 70, said
    (details,) = output.glob("error-*.txt")
    for text in (said, details.read_text(encoding="utf-8")):
        assert "RuntimeError: not with {" in text
        assert "KeyError: '[key]'" in text
    assert_no_canary(output, said)


@pytest.mark.parametrize("what", ["BadRequest", "UnknownOutcome"])
def test_an_error_of_its_writes_no_key_into_journal_manifest_or_report(tmp_path: Path, what: str) -> None:
    code, said, output = babble(tmp_path, what)
    assert code == 1, said
    manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    assert "not with {" in json.dumps(manifest)
    assert "[key]" in (output / "journal.jsonl").read_text(encoding="utf-8")
    assert "[key]" in (output / "report.html").read_text(encoding="utf-8")
    assert_no_canary(output, said)
