"""What is found out before a run begins: whether the account can speak with the voices that it would pay for."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.simulated import a_world
from tests.starting import clean_environment
from tiktoker_batch import preflight, running
from tiktoker_batch.app import Opened, Options, open_recipe
from tiktoker_batch.engine.reuse import inputs_digest
from tiktoker_batch.errors import ExitCode, PreflightError
from tiktoker_batch.model import Step
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.preflight import require_voices
from tiktoker_batch.rehearsal import Rehearsal, open_rehearsal, rehearse
from tiktoker_batch.simulator import speech
from tiktoker_batch.simulator.http import Reply
from tiktoker_batch.simulator.server import Simulator, simulate_in_thread
from tiktoker_batch.simulator.speech import Speech
from tiktoker_batch.steps.base import Inputs
from tiktoker_batch.steps.registry import STEP_KINDS
from tiktoker_batch.store.artifacts import write_artifact
from tiktoker_batch.store.jobs import OpenJob
from tiktoker_batch.store.state import BatchState, Success, fold

RECIPE = """\
version: 1
name: spoken
voices: {me: "elevenlabs:nobodysVoice"}
defaults:
  duration: 4
  resolution: 720p
  fps: 12
  voice: rachel
  models: {narration: "elevenlabs:eleven_multilingual_v2"}
videos:
  - {id: tea, script: A cup of tea., prompts: [tea]}
  - {id: lamp, script: A lamp burns., prompts: [a lamp]}
  - {id: pier, script: A pier., prompts: [a pier]}
"""
ASKED = "GET /v1/voices"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with simulate_in_thread(a_world()) as running_:
        yield running_


def spoken(folder: Path, simulator: Simulator, *, voice: str = "me", **environ: str) -> Opened:
    """A recipe in which ``tea`` and ``pier`` speak with this voice."""
    recipe = folder / "spoken.yaml"
    text = RECIPE.replace("prompts: [tea]", f"prompts: [tea], voice: {voice}")
    recipe.write_text(text.replace("prompts: [a pier]", f"prompts: [a pier], voice: {voice}"), encoding="utf-8")
    opened = open_recipe(recipe, Options(output=folder / "out"))
    return replace(opened, environ={**clean_environment(), **simulator.environ, **environ})


def asked(simulator: Simulator) -> int:
    return simulator.world.ledger.requests[ASKED]


def test_a_voice_that_the_account_lacks_is_named_with_its_videos(tmp_path: Path, simulator: Simulator) -> None:
    with pytest.raises(PreflightError) as raised:
        require_voices(spoken(tmp_path, simulator), fold(()))
    assert raised.value.message == "elevenlabs: the account does not have the voice 'me' (nobodysVoice) of tea, pier"
    assert "name another one in the recipe; nothing was started" in (raised.value.hint or "")


@pytest.mark.parametrize("voice", ["rachel", "clyde", "josh", "george"])
def test_voices_that_it_has_are_asked_for_once(tmp_path: Path, simulator: Simulator, voice: str) -> None:
    before = asked(simulator)
    require_voices(spoken(tmp_path, simulator, voice=voice), fold(()))
    assert asked(simulator) == before + 1


def test_a_run_with_a_voice_that_is_missing_buys_nothing_and_leaves_no_journal(
    tmp_path: Path, simulator: Simulator
) -> None:
    opened = spoken(tmp_path, simulator)
    with pytest.raises(PreflightError, match="nobodysVoice"):
        running.run(opened, Options())
    assert simulator.world.ledger.entries == []
    assert not opened.layout.journal.exists()
    assert not opened.layout.manifest.exists()


# ---------------------------------------------------------------------- when it does not tell


@pytest.mark.parametrize(
    "trouble",
    [
        speech.REFUSALS["unauthorized"],
        Reply(status=401, body={"detail": {"status": "missing_permissions", "message": "voices_read"}}),
        Reply(status=500, body=b"<html>"),
        Reply(body={"voices": "none"}),
        Reply(body=["what?"]),
        Reply(dropped=True),
    ],
    ids=["refused", "not permitted", "broken", "no list", "nonsense", "lost"],
)
def test_an_account_that_does_not_tell_keeps_nobody_from_running(
    tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, trouble: Reply
) -> None:
    before = asked(simulator)
    monkeypatch.setattr(Speech, "voices", lambda *_: trouble)
    require_voices(spoken(tmp_path, simulator), fold(()))
    assert asked(simulator) == before + 1


def test_nor_does_one_out_of_reach_or_a_silent_one(
    tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "VOICES_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        require_voices(spoken(tmp_path, simulator, ELEVENLABS_BASE_URL=address), fold(()))
    require_voices(spoken(tmp_path, simulator, ELEVENLABS_BASE_URL=address), fold(()))


# ---------------------------------------------------------------------- when there is nothing to ask


def made(opened: Opened, *videos: str) -> BatchState:
    """The state after a run that made the narrations of these videos."""
    state, found = fold(()), dict[str, tuple[Artifact, ...]]()

    def keep(step: Step) -> None:
        inputs = Inputs(layout=opened.layout, artifacts={need: found[need] for need in step.needs})
        file = opened.layout.work_of(step.video) / f"{step.kind}.txt"
        found[step.id] = (write_artifact(file, "made", root=opened.layout.root),)
        consumed = inputs_digest(STEP_KINDS[step.kind], step, inputs)
        state.successes[step.id] = Success(key=step.key, inputs=consumed, artifacts=found[step.id])

    for step in opened.plan.steps:
        if step.video in videos and step.kind in {"story", "narration"}:
            keep(step)
    return state


def test_nobody_is_asked_about_what_is_spoken_already(tmp_path: Path, simulator: Simulator) -> None:
    opened, before = spoken(tmp_path, simulator), asked(simulator)
    require_voices(opened, made(opened, "tea", "lamp", "pier"))
    assert asked(simulator) == before
    with pytest.raises(PreflightError, match=r"\(nobodysVoice\) of pier\n"):
        require_voices(opened, made(opened, "tea"))


def test_requests_of_earlier_runs_are_taken_in_whatever_the_account_lacks(tmp_path: Path, simulator: Simulator) -> None:
    opened, before, state = spoken(tmp_path, simulator), asked(simulator), fold(())
    state.open_jobs["pier/01/clip"] = (
        OpenJob(
            provider="fal",
            model="m",
            price_usd=Decimal("0.4"),
            token=1,
            key="k",
            work="w",
            sent_at=datetime.now(UTC),
        ),
    )
    require_voices(opened, state)
    assert asked(simulator) == before


def test_nobody_is_asked_about_speech_of_this_machine(tmp_path: Path, simulator: Simulator) -> None:
    recipe, before = tmp_path / "local.yaml", asked(simulator)
    recipe.write_text(
        RECIPE.replace("voice: rachel", "voice: heart").replace("elevenlabs:eleven_multilingual_v2", "local:hibari"),
        encoding="utf-8",
    )
    opened = open_recipe(recipe, Options(output=tmp_path / "out"))
    require_voices(replace(opened, environ={**opened.environ, **simulator.environ}), fold(()))
    assert asked(simulator) == before


@pytest.mark.thorough
def test_a_rehearsal_asks_nobody(tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated services know nothing of the voices of a real account."""
    spoken(tmp_path, simulator, voice="george")

    def never(*_: object) -> Reply:
        raise AssertionError("nobody asks")

    monkeypatch.setattr(Speech, "voices", never)
    options = Options(output=tmp_path / "rehearsed")
    rehearsed = rehearse(open_rehearsal(tmp_path / "spoken.yaml", options), options, Rehearsal(speed=2000))
    assert rehearsed.ended.exit_code is ExitCode.OK
    assert rehearsed.ledger["totals"]["paid"] == 3
