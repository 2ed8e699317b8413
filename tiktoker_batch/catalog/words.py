"""The words by which texts are judged, from ``words.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tiktoker_batch.catalog.loader import read_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Sets of words in small letters; ``foreign`` by the English name of their language."""

    english: frozenset[str]
    shared: frozenset[str]
    foreign: Mapping[str, frozenset[str]]
    in_names: frozenset[str]
    how: frozenset[str]
    small: frozenset[str]


@cache
def load_words() -> Words:
    """The words of this installation, read once."""
    content = read_yaml(Path(__file__).with_name("words.yaml"))
    foreign = {name: frozenset(words.split()) for name, words in content["foreign"].items()}
    sets = {name: frozenset(words.split()) for name, words in content.items() if name != "foreign"}
    return Words(foreign=foreign, **sets)
