"""Every job of a batch is paid exactly once, whatever happens on the way.

``FAULT_SEEDS`` says how many worlds are tried; ``make faults`` tries fifty.
"""

import os
import re
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from tests.faults.paying import Paid, pay, troubled_world
from tests.simulated import troubles
from tiktoker_batch.simulator.asked import subject_of
from tiktoker_batch.simulator.chat import Chat
from tiktoker_batch.simulator.http import Reply, Request
from tiktoker_batch.simulator.world import World

WEEK = Path(__file__).parents[2] / "recipes" / "week12.yaml"
SEEDS = int(os.environ.get("FAULT_SEEDS", "3"))
RATE = 0.2
# A request that the account's list does not show may be sent again: here the list is right, so nothing is paid twice.
# Chance sends two troubles to a submit and two to its job at most, which five attempts outlast; the sixth is for a
# machine that is too busy to answer itself in time.
PATIENT = "max_attempts: 6, on_unknown: retry"
PORTRAITS = 8
REFERENCED = f"""\
version: 1
name: referenced
limits: {{fal: 10, elevenlabs: 4, openrouter: 8}}
defaults:
  duration: 12
  retry: {{{PATIENT}}}
  models:
    text: "openrouter:openai/gpt-4o-mini"
    image: "fal:fal-ai/nano-banana/edit"
    clip: "fal:fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video"
    narration: "elevenlabs:eleven_multilingual_v2"
videos:
"""


@pytest.fixture
def week(tmp_path: Path) -> Path:
    """The recipe of a week, with patience."""
    text = WEEK.read_text(encoding="utf-8")
    assert "max_attempts: 3" in text
    path = tmp_path / "week.yaml"
    path.write_text(text.replace("max_attempts: 3", PATIENT), encoding="utf-8")
    return path


@pytest.fixture
def referenced(tmp_path: Path) -> Path:
    """Videos whose pictures are made after pictures of the user's, and whose clips take no seed."""
    videos = ""
    for number in range(1, PORTRAITS + 1):
        portrait = tmp_path / f"portrait-{number}.png"
        Image.new("RGB", (90, 160), (20 * number, 40, 60)).save(portrait)
        videos += f"  - {{id: v{number}, topic: portrait number {number}, reference_image: {portrait}}}\n"
    path = tmp_path / "referenced.yaml"
    path.write_text(REFERENCED + videos, encoding="utf-8")
    return path


def test_without_troubles_every_job_is_paid_once(tmp_path: Path) -> None:
    paid = pay(WEEK, tmp_path, troubled_world(0.0, 0))
    assert (paid.failed, paid.undone) == ({}, {})
    assert paid.charged("fal") == paid.planned("fal") == 90
    assert paid.charged("elevenlabs") == paid.planned("elevenlabs") == 7
    assert paid.charged("openrouter") == paid.planned_texts == 14
    assert {entry.ignored for entry in paid.world.ledger.entries if entry.provider == "fal"} == {()}
    assert all(entry.delivered for entry in paid.world.ledger.entries)


def test_the_engine_counts_what_the_services_charge(tmp_path: Path) -> None:
    paid = pay(WEEK, tmp_path, troubled_world(0.0, 0))
    assert abs(paid.state.spent_usd - paid.world.ledger.spent_usd) < Decimal("0.001")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_with_troubles_all_is_done_and_no_job_is_paid_twice(week: Path, tmp_path: Path, seed: int) -> None:
    paid = pay(week, tmp_path / "output", troubled_world(RATE, seed), seed=seed)
    assert_everything_was_paid_once(paid)
    assert sum(paid.world.faults.happened.values()) > 50
    # A variant that was lost or refused is done without where another was written, and so is a judge.
    assert sum(paid.charged_by_work("openrouter", delivered=True).values()) <= paid.planned_texts


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, max(SEEDS // 10, 1) + 1))
def test_with_uploads_and_without_seeds_it_is_the_same(referenced: Path, tmp_path: Path, seed: int) -> None:
    script = [*troubles("upload", "token_down", match="token"), *troubles("upload", "error_500", match="portrait-3")]
    paid = pay(referenced, tmp_path / "output", troubled_world(RATE, seed, *script), seed=seed)
    assert_everything_was_paid_once(paid)
    happened = paid.world.faults.happened
    assert happened.keys() >= {"upload:token_down", "upload:error_500"}
    uploaded = {name for name in paid.world.subjects.values() if name.startswith("portrait-")}
    assert uploaded == {f"portrait-{number}.png" for number in range(1, PORTRAITS + 1)}
    assert paid.charged("openrouter") == paid.planned_texts + happened["write:lost_reply"]


@pytest.mark.thorough
@pytest.mark.slow
def test_the_same_seed_gives_the_same_troubles_whatever_the_engine_does_first(week: Path, tmp_path: Path) -> None:
    first, second = (
        pay(week, tmp_path / f"output-{seed}", troubled_world(RATE, 7), seed=seed).world for seed in (1, 2)
    )
    assert _troubles_with_work(first) == _troubles_with_work(second)
    assert _works(first) == _works(second)


def _troubles_with_work(world: World) -> dict[str, int]:
    """All troubles but those with looks, of which there are more or fewer as time passes."""
    looks = ("status:", "stream:", "listing:")
    return {kind: count for kind, count in world.faults.happened.items() if not kind.startswith(looks)}


def _works(world: World) -> list[tuple[str, str, bool]]:
    """What was accepted, in no order, and whether it was paid."""
    return sorted((entry.model.ref, subject_of(entry.model, entry.input), entry.paid) for entry in world.ledger.entries)


def assert_everything_was_paid_once(paid: Paid) -> None:
    """All is done; each job and each speech was paid once, each text once for every time it was delivered or lost."""
    assert (paid.failed, paid.undone) == ({}, {})
    assert paid.charged("fal") == paid.planned("fal")
    assert set(paid.charged_by_work("fal").values()) == {1}
    assert paid.charged("elevenlabs") == paid.planned("elevenlabs")
    assert set(paid.charged_by_work("elevenlabs").values()) == {1}
    texts = paid.charged_by_work("openrouter", delivered=True)
    assert set(texts.values()) == {1}
    # A completion costs a fraction of a cent and cannot be looked up: a lost answer is asked for again, and counted.
    assert paid.charged("openrouter") == sum(texts.values()) + paid.world.faults.happened["write:lost_reply"]
    # What may have been charged is booked, so the engine never believes to have spent less.
    assert paid.state.spent_usd > paid.world.ledger.spent_usd - Decimal("0.01")


HEDGEHOG = """\
version: 1
name: hedgehog
defaults:
  duration: 8
  models:
    text: "openrouter:openai/gpt-4o-mini"
    image: "fal:fal-ai/flux/schnell"
    clip: "fal:fal-ai/veo3.1/fast/image-to-video"
    narration: "elevenlabs:eleven_multilingual_v2"
videos: [{id: hedgehog, topic: a hedgehog, story: {variants: 2, choose: best}}]
"""


def test_half_an_emoji_between_all_words_of_a_language_model_spoils_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = Chat.complete

    async def halved(self: Chat, request: Request) -> Reply:
        reply = await complete(self, request)
        message = reply.body["choices"][0]["message"]
        message["content"] = re.sub(r"(\w) (\w)", "\\1 \ud83e\\2", message["content"])
        return reply

    monkeypatch.setattr(Chat, "complete", halved)
    (tmp_path / "hedgehog.yaml").write_text(HEDGEHOG, encoding="utf-8")
    paid = pay(tmp_path / "hedgehog.yaml", tmp_path / "out", troubled_world(0.0, 0))
    assert not paid.failed
    bought = [entry.input for entry in paid.world.ledger.entries if entry.provider != "openrouter"]
    assert len(bought) == 5
    assert all("\ufffd" in (given.get("prompt") or given["text"]) for given in bought)
