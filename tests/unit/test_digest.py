"""Content keys: the same for the same, and there for everything that can be said."""

import hashlib

from tiktoker_batch.planning.digest import digest, seed_from


def test_the_digest_of_ordinary_text_is_that_of_its_canonical_json() -> None:
    told = {"b": [1.0, "Ёж 🦔"], "a": None}
    assert digest(told) == hashlib.sha256('{"a":null,"b":[1,"Ёж 🦔"]}'.encode()).hexdigest()


def test_half_an_emoji_has_a_digest_of_its_own() -> None:
    assert len({digest(text) for text in ("a", "a\ud83d", "a\udd94", "a\ufffd")}) == 4
    assert seed_from("image", "a\ud83d") == seed_from("image", "a\ud83d")
