"""The looks of the local painter: one for every style, and one for whatever a user calls a style."""

import dataclasses
import re

import pytest

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.catalog.looks import load_looks, look_for

PLACES = {"top", "middle", "horizon", "far", "near", "ink", "accent"}


def test_every_built_in_style_has_its_look() -> None:
    assert load_looks().keys() == load_catalog().styles.keys()
    assert len(load_looks()) == 20


@pytest.mark.parametrize("name", sorted(load_looks()))
def test_a_look_names_every_colour_and_a_darkness(name: str) -> None:
    look = load_looks()[name]
    assert look.palette.keys() == PLACES
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in look.palette.values())
    assert 0 <= look.night <= 1


def test_no_two_looks_share_palette_or_treatments() -> None:
    looks = load_looks().values()
    assert len({tuple(look.palette.values()) for look in looks}) == 20
    assert len({(*look.layers, "|", *look.finish) for look in looks}) == 20


def test_a_look_cannot_be_changed_by_who_reads_it() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_looks()["noir"].night = 0.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("style", "words", "look"),
    [
        ("noir", "whatever is said", "noir"),
        ("oil-painting", "", "oil_painting"),
        ("brand", "flat vector art, teal and coral, bold outlines", "minimalism"),
        ("house-style", "soft pastel colours as in a dream", "pastel_dream"),
        ("ours", "grainy monochrome film noir", "noir"),
        ("", "", "realistic_cinematic"),
        ("xyzzy", "nothing that is known", "realistic_cinematic"),
    ],
)
def test_a_style_of_ones_own_gets_the_nearest_look(style: str, words: str, look: str) -> None:
    assert look_for(style, words).name == look
