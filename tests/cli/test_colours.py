"""Colours are for terminals, and for people who have not said ``NO_COLOR`` (https://no-color.org)."""

import re
from pathlib import Path

import pytest

from tests.cli.terminals import at_terminal

pytestmark = pytest.mark.slow

# What sets a colour: 30 to 49 and 90 to 107, alone or among others. Bold and dim are none.
_COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3\d|4\d|9[0-7]|10[0-7])(?:;\d+)*m")
RUN = ("run", "tiny.yaml", "--until", "shots")


def test_a_terminal_is_shown_colours(tiny: Path) -> None:
    seen = at_terminal(tiny.parent, *RUN)
    assert seen.returncode == 0
    assert _COLOUR.search(seen.shown)


def test_no_color_draws_nothing_at_all(tiny: Path) -> None:
    seen = at_terminal(tiny.parent, *RUN, NO_COLOR="1")
    assert seen.returncode == 0
    assert "lamp" in seen.shown
    assert "\x1b" not in seen.shown + seen.stdout


def test_whoever_asks_for_bars_as_well_gets_them_without_colours(tiny: Path) -> None:
    seen = at_terminal(tiny.parent, *RUN, "--progress", "rich", NO_COLOR="1")
    assert seen.returncode == 0
    assert "\x1b[" in seen.shown, "it is drawn"
    assert not _COLOUR.search(seen.shown)


@pytest.mark.parametrize(
    "arguments", [("--help",), ("plan", "tiny.yaml"), ("status", "tiny.yaml"), ("validate", "x.yaml")]
)
def test_what_only_tells_something_tells_it_without_colours_anywhere(tiny: Path, arguments: tuple[str, ...]) -> None:
    seen = at_terminal(tiny.parent, *arguments)
    assert seen.shown + seen.stdout
    assert "\x1b" not in seen.shown + seen.stdout
