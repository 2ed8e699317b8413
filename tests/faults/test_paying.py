"""Every job of a batch is paid exactly once, whatever happens on the way.

``FAULT_SEEDS`` says how many worlds are tried; ``make faults`` tries fifty.
"""

import os
import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.faults.paying import pay, troubled_world
from tiktoker_batch.simulator.chat import Chat
from tiktoker_batch.simulator.http import Reply, Request

WEEK = Path(__file__).parents[2] / "recipes" / "week12.yaml"
SEEDS = int(os.environ.get("FAULT_SEEDS", "3"))
RATE = 0.2


def test_without_troubles_every_job_is_paid_once(tmp_path: Path) -> None:
    paid = pay(WEEK, tmp_path, troubled_world(0.0, 0))
    assert not paid.failed
    assert paid.charged("fal") == paid.planned("fal") == 90
    assert paid.charged("elevenlabs") == paid.planned("elevenlabs") == 7
    assert {entry.ignored for entry in paid.world.ledger.entries if entry.provider == "fal"} == {()}
    assert all(entry.delivered for entry in paid.world.ledger.entries)


def test_the_engine_counts_what_the_services_charge(tmp_path: Path) -> None:
    paid = pay(WEEK, tmp_path, troubled_world(0.0, 0))
    assert abs(paid.state.spent_usd - paid.world.ledger.spent_usd) < Decimal("0.001")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_with_troubles_all_is_done_and_no_job_is_paid_twice(tmp_path: Path, seed: int) -> None:
    paid = pay(WEEK, tmp_path, troubled_world(RATE, seed), seed=seed)
    assert not paid.failed
    assert paid.charged("fal") == paid.planned("fal")
    assert set(paid.charged_by_work("fal").values()) == {1}
    assert paid.charged("elevenlabs") == paid.planned("elevenlabs")
    # A completion costs a fraction of a cent and cannot be looked up: a lost answer is asked for again, and counted.
    happened = paid.world.faults.happened
    assert sum(happened.values()) > 50
    assert abs(paid.state.spent_usd - paid.world.ledger.spent_usd) < Decimal("0.05")


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
