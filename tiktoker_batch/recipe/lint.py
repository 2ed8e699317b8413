"""What is allowed in a video's texts and is hardly meant: told as warnings, at their place. A guess keeps silent."""

import re
from collections.abc import Iterator, Sequence

from tiktoker_batch.catalog.loader import Language
from tiktoker_batch.catalog.words import load_words
from tiktoker_batch.model import Video
from tiktoker_batch.recipe.english import not_english
from tiktoker_batch.recipe.findings import Findings
from tiktoker_batch.recipe.offers import spoken_text
from tiktoker_batch.recipe.prompts import uses_variable
from tiktoker_batch.recipe.rendering import (
    clip_prompt,
    files_of,
    image_prompt,
    segment_count,
    shot_placeholder,
    shots_of,
)
from tiktoker_batch.recipe.settings import Place, Settings
from tiktoker_batch.shots import Style

CHARACTERS_A_TOKEN = 4  # of English, as the makers of such models reckon
USUAL_SHOT_CHARACTERS = 200  # 35 words
TOO_LONG, TOO_SHORT = 1.35, 0.6  # of the duration; a fifth is made up for anyway, and narrators differ by as much

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")  # noqa: RUF001  (the apostrophe that editors set)
_STYLED = r"(?:[ -](?:style|styled|art|aesthetic|look))\b"


class Lint:
    """The warnings of one video."""

    def __init__(self, settings: Settings, video: Video, language: Language, findings: Findings) -> None:
        self.settings = settings
        self.video = video
        self.language = language
        self.findings = findings

    def look(self) -> None:
        """Note all of them.

        :raises RecipeError: a template cannot be rendered.
        """
        self._narration()
        for number in range(1, len(self.video.shots) + 1):
            for message in shot_warnings(self.video, number):
                self._warn(self._shot_place(number), message)
        if not self.video.shots:
            self._room()

    def _room(self) -> None:
        """What template and style add leaves little to shots that are to be written."""
        numbers = range(1, segment_count(self.video) + 1)
        found = [each for number in numbers for each in _lengths(self.video, number, shot_placeholder(number))]
        for kind, characters, tokens, ref in found:
            if characters + USUAL_SHOT_CHARACTERS > tokens * CHARACTERS_A_TOKEN:
                at = self.settings.get("models", kind, built_in=None).at
                said = f"{characters // CHARACTERS_A_TOKEN} of the {tokens} tokens that {kind} model {ref!r} reads"
                self._warn(at, f"style and template take some {said}; of a shot it would pass over the end")
                return

    def _narration(self) -> None:
        video, language = self.video, self.language
        if video.script is None:
            return
        seconds, at = language.seconds(video.script), self.settings.script.at
        told = spoken_text(video.script, language)
        if seconds > video.duration * TOO_LONG and video.length == "auto":
            self._warn(
                at, f"these {told}, and the video is to have {video.duration:g} s; it becomes as long as its text"
            )
        elif seconds > video.duration * TOO_LONG:
            self._warn(at, f"these {told}, and 'length: exact' leaves {video.duration:g} s")
        elif seconds < video.duration * TOO_SHORT:
            left = video.duration - seconds
            self._warn(at, f"these {told}; of the {video.duration:g} s of the video, {left:.0f} s stay silent")

    def _shot_place(self, number: int) -> Place:
        given, at = self.settings.own["prompts"][number - 1], (*self.settings.at, "prompts", number - 1)
        return at if isinstance(given, str) else (*at, "prompt")

    def _warn(self, at: Place, message: str) -> None:
        self.findings.warn(at, message, video=self.settings.id)


def shot_warnings(video: Video, number: int) -> Iterator[str]:
    """What is hardly meant in a shot (from 1) that is in somebody's own words.

    :raises RecipeError: a template cannot be rendered.
    """
    shot = shots_of(video)[number - 1]
    if shot.clip:
        return  # nobody reads its words
    style, words = shot.style or video.style, shot.prompt
    foreign = not_english(words)
    if foreign:
        yield f"shot {number}: it looks {foreign}; picture models understand English best"
    elif lacks_subject(words):
        yield f"shot {number}: it says how something is seen, and not what; name a subject"
    repeated = repeated_style(words, style)
    if repeated and "image" not in files_of(video, number) and style.prompt in image_prompt(video, number, words):
        yield f"shot {number}: {repeated!r} is said by the style {style.name!r} already, which is added to the shot"
    for kind, characters, tokens, ref in _lengths(video, number, words):
        if characters > tokens * CHARACTERS_A_TOKEN:
            about = f"{characters:,} characters is about {characters // CHARACTERS_A_TOKEN} tokens"
            reads = f"{kind} model {ref!r} reads {tokens} and passes over the rest"
            yield f"shot {number}: the {kind} prompt of {about}; {reads}"
    template = video.templates["clip"]
    if shot.motion and not uses_variable(template, "motion"):
        yield f"shot {number}: the clip template {template.path} does not look at 'motion'"


def _lengths(video: Video, number: int, shot: str) -> Iterator[tuple[str, int, int, str]]:
    """(what, its characters, the tokens that its model reads, the model) of a shot's prompts, where that is known."""
    for kind, model, rendered in (
        ("image", video.models.image, image_prompt),
        ("clip", video.models.clip, clip_prompt),
    ):
        if model.prompt_tokens is not None and kind not in files_of(video, number):
            yield kind, len(rendered(video, number, shot)), model.prompt_tokens, model.ref


def lacks_subject(shot: str) -> bool:
    """Whether every word of a shot is about framing, light or quality."""
    known = load_words()
    empty = known.how | known.small | known.english
    return all(word in empty or word.isdigit() for word in _words(shot))


def repeated_style(shot: str, style: Style) -> str | None:
    """Words of a shot that its style says as well: a phrase of the style, or its name as a style."""
    said = " ".join(_words(shot))
    for clause in re.split(r"[,.;:]", style.prompt):
        words = _words(clause)
        if sum(word not in load_words().small for word in words) > 1 and f" {' '.join(words)} " in f" {said} ":
            return " ".join(words)
    name = " ".join(_words(style.name.replace("_", " ")))
    clauses = [" ".join(_words(clause)) for clause in shot.split(",")]
    styled = re.search(rf"(?<!\w){re.escape(name)}{_STYLED}|\bstyle of {re.escape(name)}\b", said)
    if styled:
        return styled.group()
    return name if len(clauses) > 1 and name in clauses[1:] else None


def _words(text: str) -> Sequence[str]:
    return [word.casefold() for word in _WORD.findall(text)]
