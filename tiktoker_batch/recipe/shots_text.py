"""The text of ``work/<id>/shots.yaml``: YAML that a person likes to edit, and that reads back as what it was."""

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tiktoker_batch.catalog.loader import Language
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.recipe.compose import compose
from tiktoker_batch.recipe.shots_file import STATES, ShotsFile, text_digest
from tiktoker_batch.recipe.source import plain
from tiktoker_batch.shots import Shot

WIDTH = 100

_HEAD = """\
# Text and shots of {video!r}, for you to edit; the next 'run' uses what stands here.
# A change makes again only what depends on it: of a shot its picture, its clip and the video.
# Whatever the recipe says from then on, an edited file is kept. Delete it to go back to what was written.
"""
_SHOTS_HEAD = """\
# The shots in order; add, move and remove them as you like. Leave 'shots' out to have them written from the narration.
#   state      {states}
#   take       2, 3, ... make another picture by the same words
#   image      a picture that you have already, named from the recipe's folder; 'clip' likewise
#   duration   seconds of the clip
#   style      another style than the video's, for this shot alone
# As soon as one shot is marked, clips are made of approved and locked shots alone.
"""
_TAIL = "# By these your changes are found; leave them as they are.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the steps have written. ``heard`` is what is spoken about while each shot is seen; ``others`` are the texts
    that were not chosen.
    """

    video: str
    narration: str
    story_key: str
    shots: tuple[Shot, ...] | None = None
    shots_key: str | None = None
    heard: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def shots_text(written: Written) -> str:
    """The whole file."""
    parts = [_start(written.video, written.narration), *_others(written.others)]
    if written.shots is not None:
        parts += ["\n", shots_section(written.shots, written.heard)]
    parts += ["\n", _TAIL, _key("written", text_digest(written.narration, written.shots))]
    parts += [_key("story_key", written.story_key), _key("shots_key", written.shots_key)]
    return "".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """What stands around the shots."""

    head: str
    tail: str


def file_pieces(video: str, found: ShotsFile) -> Pieces:
    """The file but for its shots, for whoever puts it together with others."""
    keys = {"written": found.written, "story_key": found.story_key, "shots_key": found.shots_key}
    known = "".join(_key(name, value) for name, value in keys.items())
    return Pieces(
        head=f"{_start(video, found.narration)}\n{_shots_head()}shots:\n",
        tail=f"\n{_TAIL}{known}",
    )


def _start(video: str, narration: str) -> str:
    return f"{_HEAD.format(video=video)}version: 1\nvideo: {_scalar(video, '')}\n\n{_narration(narration)}"


def _shots_head() -> str:
    states = f"\n#{' ' * 14}".join(f"{name}: {what}" for name, what in STATES.items())
    return _SHOTS_HEAD.format(states=states)


def appended(text: str, written: Written) -> str:
    """A person's file without shots, and behind it those that were written for it."""
    assert written.shots is not None
    section = shots_section(written.shots, written.heard)
    gap = "\n" if text.endswith("\n") else "\n\n"
    return f"{text}{gap}{section}{_key('shots_key', written.shots_key)}"


def _key(name: str, digest: str | None) -> str:
    """In quotes: a digest may consist of figures alone, or look like 12e5."""
    return f'{name}: "{digest}"\n' if digest else ""


def shots_section(shots: Sequence[Shot], spoken: Sequence[str]) -> str:
    """The key ``shots`` with its comment."""
    lines = [_shots_head(), "shots:\n"]
    for number, shot in enumerate(shots, start=1):
        lines.append(shot_head(number, spoken[number - 1] if number <= len(spoken) else ""))
        lines += [f"  {'-' if first else ' '} {line}\n" for first, line in _entries(shot)]
    return "".join(lines)


def heard(narration: str, seconds: Sequence[float], language: Language) -> tuple[str, ...]:
    """What is spoken about while each shot is seen, by their shares of the time."""
    units = list("".join(narration.split())) if language.characters_per_minute else narration.split()
    total, passed, began = sum(seconds), 0.0, 0
    found = []
    for length in seconds:
        passed += length
        ended = round(len(units) * passed / total)
        found.append(("" if language.characters_per_minute else " ").join(units[began:ended]))
        began = ended
    return tuple(found)


def shot_head(number: int, spoken: str) -> str:
    """The comment above a shot."""
    words = textwrap.shorten(_printable(spoken), 160, placeholder=" ...")
    return f"  # {number:02d}{f'  heard: {words}' if words else ''}\n"


def shot_fields(shot: Shot) -> Iterator[tuple[str, str]]:
    """The keys of a shot and their values as YAML, indented as in the file."""
    yield "state", shot.state
    yield "prompt", _scalar(shot.prompt, " " * 6)
    if shot.motion:
        yield "motion", _scalar(shot.motion, " " * 6)
    if shot.duration is not None:
        yield "duration", f"{shot.duration:g}"
    if shot.style:
        yield "style", _scalar(shot.style.name, " " * 6)
    if shot.take > 1:
        yield "take", str(shot.take)
    for name, file in (("image", shot.image), ("clip", shot.clip)):
        if file:
            yield name, _scalar(file, " " * 6)


def _entries(shot: Shot) -> Iterator[tuple[bool, str]]:
    for index, (name, value) in enumerate(shot_fields(shot)):
        yield index == 0, f"{name}: {value}"


def _narration(narration: str) -> str:
    """A literal block, paragraphs and all; lines are as long as they were."""
    text = narration.strip()
    block = "|-\n" + textwrap.indent(text, "  ", lambda line: bool(line.strip()))
    return f"narration: {block if _reads_back(block, text) else _quoted(text)}\n"


def _others(texts: Sequence[str]) -> Iterator[str]:
    for number, text in enumerate(texts, start=1):
        yield f"# Not chosen ({number} of {len(texts)}); put it in place of the narration to have it told, and\n"
        yield "# remove 'shots' to have new ones written for it:\n"
        yield textwrap.indent(textwrap.fill(_printable(text), WIDTH), "#   ") + "\n"


_PLAIN = re.compile(r"[A-Za-z][\w ,.'/()-]*[\w.)]")
_RESERVED = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def _scalar(text: str, indent: str) -> str:
    """A text of one line, folded where it is long; in quotes where nothing else would read back."""
    if len(text) <= WIDTH - 20 and _PLAIN.fullmatch(text) and text.lower() not in _RESERVED and ": " not in text:
        return text
    folded = ">-\n" + textwrap.indent(
        textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False), indent or "  "
    )
    return folded if len(text) > WIDTH - 20 and _reads_back(folded, text) else _quoted(text)


def _printable(text: str) -> str:
    """For a comment: on one line, without what no file may hold."""
    return "".join(each for each in " ".join(text.split()) if each.isprintable())


def _quoted(text: str) -> str:
    return "".join(_escaped(character) for character in json.dumps(text, ensure_ascii=False))


def _escaped(character: str) -> str:
    return character if character.isprintable() or ord(character) > 0xFFFF else f"\\u{ord(character):04x}"


def _reads_back(yaml: str, text: str) -> bool:
    try:
        root, problems = compose(f"x: {yaml}\n", "")
    except (RecipeError, UnicodeError):
        return False
    return root is not None and not problems and plain(root) == {"x": text}
