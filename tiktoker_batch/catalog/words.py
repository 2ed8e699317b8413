"""The words by which texts are judged, from ``words.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    path = Path(__file__).with_name("words.yaml")
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  (a safe loader, in C)
    foreign = {name: frozenset(words.split()) for name, words in content.pop("foreign").items()}
    return Words(foreign=foreign, **{name: frozenset(words.split()) for name, words in content.items()})
