"""Keys are taken out of every text, whole or cut off, however it spells them."""

import json

import pytest

from tiktoker_batch.redaction import Secrets

FAL = "canaryfal0123456789:hidden-secret-98765"


@pytest.mark.parametrize(
    "shown",
    [
        FAL,
        f"Key {FAL}",
        f"Illegal header value b'Key {FAL}'",
        f"{{'authorization': 'Key {FAL}', 'x': 1}}",
        FAL.partition(":")[0],
        FAL.partition(":")[2],
        FAL[:6],
        "hidden",
        f"{FAL[:11]}...",
        f"https://fal.example/?key={FAL}",
    ],
)
def test_no_half_of_a_key_and_no_beginning_of_one_is_left(shown: str) -> None:
    told = Secrets((FAL,)).redact(f"before, {shown} after")
    assert "canary" not in told
    assert "hidden" not in told
    assert told.startswith("before, ")
    assert "[key]" in told


@pytest.mark.parametrize(
    "key", ["canaryfal0123:hidden\nsecret99", "canaryfal0123:hiddené secret99", "cänäryfal:hidden99"]
)
@pytest.mark.parametrize("spelt", [str, repr, ascii, json.dumps, lambda key: repr(key.encode()), str.strip])
def test_a_key_with_odd_characters_is_known_in_every_spelling(key: str, spelt: object) -> None:
    told = Secrets((f" {key}\n",)).redact(f"before {spelt(key)}")  # type: ignore[operator]
    assert not [part for part in ("canary", "fal", "hidden", "secret") if part in told]


def test_other_words_stay() -> None:
    text = "fal: 401 no such key; see https://fal.ai/dashboard/keys"
    assert Secrets((FAL, "", "short", "a:b")).redact(text) == text
