"""The network goes and comes back: real sockets, the services' own times, and a clock that flies."""

from pathlib import Path

import pytest

from tests.faults.paying import pay, troubled_world
from tiktoker_batch.events import ProviderPaused

RECIPE = """\
version: 1
name: outage
defaults:
  duration: 12
  models:
    text: "openrouter:openai/gpt-4o-mini"
    image: "fal:fal-ai/flux/schnell"
    clip: "fal:fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video"
    narration: "elevenlabs:eleven_multilingual_v2"
videos:
  - {id: one, topic: a lamp at the end of a pier}
  - {id: two, script: The tide takes the sand and brings it back., prompts: [the tide, the sand]}
  - {id: three, topic: a kettle that sings}
"""
TEN_MINUTES = 600.0


@pytest.mark.parametrize("after", [0.001, 4.0, 30.0])
def test_ten_minutes_without_a_network_cost_time_and_nothing_else(tmp_path: Path, after: float) -> None:
    recipe = tmp_path / "outage.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    paid = pay(recipe, tmp_path / "out", troubled_world(0.0, seed=int(after)), away=(after, TEN_MINUTES))
    assert not paid.failed
    assert set(paid.charged_by_work("fal").values()) == {1}
    for provider in ("fal", "elevenlabs"):
        assert paid.charged(provider) == paid.planned(provider)
    assert paid.seconds > TEN_MINUTES
    if after < 1:  # later on everything may be out already
        assert any(isinstance(record.event, ProviderPaused) for record in paid.records)
