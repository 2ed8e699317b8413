"""What a provider needs, told before anything starts."""

from tests.values import a_step
from tiktoker_batch.providers.registry import not_ready

CLOUD = [
    a_step("v/01/clip", provider="fal"),
    a_step("v/narration", provider="elevenlabs"),
    a_step("v/02/clip", provider="fal"),
]


def test_local_work_needs_nothing() -> None:
    assert not_ready([a_step("v/story", provider="local", model="writer")], {}) == []


def test_every_missing_key_is_named_once_with_where_to_get_it() -> None:
    reasons = not_ready(CLOUD, {})
    assert [reason.split(":")[0] for reason in reasons] == ["fal", "elevenlabs"]
    assert "FAL_KEY" in reasons[0]
    assert "FAL_KEY_ID + FAL_KEY_SECRET" in reasons[0]
    assert "https://fal.ai/dashboard/keys" in reasons[0]


def test_a_key_is_never_shown() -> None:
    reasons = not_ready(CLOUD, {"FAL_KEY": "canary 1234", "ELEVENLABS_API_KEY": "canary 5678"})
    assert reasons
    assert "canary" not in " ".join(reasons)


def test_half_a_key_is_none() -> None:
    assert "set FAL_KEY" in not_ready(CLOUD[:1], {"FAL_KEY_ID": "x"})[0]


def test_an_unknown_provider_is_answered_with_those_there_are() -> None:
    assert "local, fal, elevenlabs, openrouter" in not_ready([a_step("v/story", provider="nobody")], {})[0]
