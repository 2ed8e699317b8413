"""Whether the chosen models can do what a video asks of them."""

import unicodedata
from collections.abc import Mapping

from tiktoker_batch.catalog.loader import Catalog, Language
from tiktoker_batch.model import Model, Video
from tiktoker_batch.recipe.findings import Findings
from tiktoker_batch.recipe.prompts import builtin_templates
from tiktoker_batch.recipe.references import Chosen, ModelKind
from tiktoker_batch.recipe.rendering import clip_prompt, closest, image_prompt, overlong, shot_placeholder
from tiktoker_batch.recipe.settings import OWN, Found, Settings, because, nearest_of
from tiktoker_batch.recipe.suggest import listed

SHORTEST_SEGMENT_SECONDS = 4.0  # shots of a second or two are restless (spec 3)
SHORTEST_SHOT_CHARACTERS = 100  # 15 words, the fewest that a language model is asked for
HASTIEST = 1.6  # narrations are played up to a quarter faster (spec 3), and some narrators are as quick again
CAPTION_SCRIPTS = frozenset({"latin", "cyrillic"})  # what the caption font draws
LETTERS: Mapping[str, frozenset[str]] = {
    "japanese": frozenset({"hiragana", "katakana", "cjk"}),
    "han": frozenset({"cjk"}),
}
"""The letters of a script, as Unicode calls them, where that is not its own name."""
LETTER_NAMES: Mapping[str, str] = {"cjk": "Chinese", "hiragana": "Japanese", "katakana": "Japanese"}


def usual_segment_seconds(model: Model) -> float:
    """The clip model's own usual length, else the shortest of at least 4 s, or its longest when all are shorter."""
    if model.usual_seconds is not None:
        return model.usual_seconds
    if model.duration_range is not None:
        low, high = model.duration_range
        return min(max(low, SHORTEST_SEGMENT_SECONDS), high)
    enough = [seconds for seconds in model.durations if seconds >= SHORTEST_SEGMENT_SECONDS]
    return float(min(enough) if enough else max(model.durations))


class Offers:
    """The checks of one video against its models."""

    def __init__(self, settings: Settings, models: Mapping[ModelKind, Chosen], findings: Findings) -> None:
        self.settings = settings
        self.models = models
        self.findings = findings

    def segment_seconds(self) -> float:
        """The length of the video's segments, which the clip model must offer."""
        found = self.settings.find("segment_duration")
        clip = self.models.get("clip")
        if found is None:
            return usual_segment_seconds(clip.model) if clip else SHORTEST_SEGMENT_SECONDS
        self.duration(found)
        return float(found.value)

    def duration(self, asked: Found) -> None:
        """A length that somebody asked for in so many words."""
        clip = self.models.get("clip")
        if clip and not clip.model.offers_duration(asked.value):
            offered = _durations(clip.model)
            message = f"clip model {clip.model.ref!r} offers {offered} s segments, not {asked.value:g}"
            self._say(message, asked, clip.found)

    def picture(self, aspect_ratio: Found, resolution: Found) -> None:
        """Shape and size; a model that lists none takes any."""
        for kind in ("image", "clip"):
            chosen = self.models.get(kind)
            if chosen is None:
                continue
            for noun, offered, asked in (
                ("aspect ratio", chosen.model.aspect_ratios, aspect_ratio),
                ("resolution", chosen.model.resolutions, resolution),
            ):
                if offered and asked.value not in offered:
                    message = f"{kind} model {chosen.model.ref!r} offers {noun} {listed(offered)}, not {asked.value}"
                    self._say(message, asked, chosen.found)

    def language(self, asked: Found, catalog: Catalog) -> None:
        """Spoken by the narration model, and written by the text model where a story is wanted."""
        kinds: list[tuple[ModelKind, str]] = [("narration", "speak")]
        if "topic" in self.settings.own:
            kinds.append(("text", "write"))
        for kind, verb in kinds:
            chosen = self.models.get(kind)
            if chosen is None or chosen.model.knows(asked.value):
                continue
            able = [model.ref for model in catalog.models.values() if model.kind == kind and model.knows(asked.value)]
            instead = f"; models that do: {listed(map(repr, able), 'and', at_most=4)}" if able else ""
            message = f"{kind} model {chosen.model.ref!r} does not {verb} {asked.value!r}{instead}"
            self._say(message, asked, chosen.found)

    def words(self, text: Found, language: Found, catalog: Catalog) -> None:
        """Written in letters that its language reads; Latin ones are read by all."""
        spoken, letters = catalog.languages[language.value], letters_of(text.value)
        readers = [each for each in catalog.languages.values() if letters in LETTERS.get(each.script, {each.script})]
        if letters == "latin" or not readers or spoken in readers or language.guessed:
            return
        name = LETTER_NAMES.get(str(letters), str(letters).capitalize())
        message = (
            f"this text is in {name} letters, but its language is {language.value!r} ({spoken.name}); "
            f"name its language, like 'language: {readers[0].code}'"
        )
        self._say(message, text)

    def pace(self, video: Video, language: Language) -> None:
        """Not so many words that nobody could speak them in a video of exactly its length."""
        script = video.script or ""
        is_sure = not (self.settings.is_unread("duration") or self.settings.is_unread("length"))
        if video.length != "exact" or language.seconds(script) <= video.duration * HASTIEST or not is_sure:
            return
        message = (
            f"these {spoken_text(script, language)}, and 'length: exact' leaves {video.duration:g} s; "
            "shorten the text, raise 'duration' or use 'length: auto'"
        )
        self._say(message, self.settings.script)

    def script(self, text: Found) -> None:
        """Words that a user wrote are spoken whole, so the narration model must take that many characters."""
        chosen = self.models.get("narration")
        limit = chosen.model.prompt_characters if chosen else None
        if chosen and limit and len(text.value) > limit:
            message = (
                f"this text has {len(text.value):,} characters, {len(text.value) - limit:,} more than narration model "
                f"{chosen.model.ref!r} takes ({limit:,})"
            )
            self._say(message, text, chosen.found)

    def prompts(self, video: Video) -> None:
        """What is sent for a shot is more than its words; the models must take all of it.

        :raises RecipeError: a template cannot be rendered.
        """
        self._try_templates(video)
        for index, shot in enumerate(video.shots):
            for found in overlong(video, index + 1, shot.prompt):
                what = f"this shot by {found.over:,}" if found.over < len(shot.prompt) else "style or template"
                message = f"{found}; shorten {what} or name another model"
                self._say(message, self._shot(index), self.models[found.kind].found)
        least = None if video.shots else closest(video)
        if least and -least.over < SHORTEST_SHOT_CHARACTERS:
            message = (
                f"with {least.added} only {max(-least.over, 0):,} of the {least.limit:,} characters that {least.kind} "
                f"model {least.model.ref!r} takes are left for a shot; shorten style or template or name another model"
            )
            self._say(message, self.models[least.kind].found)

    def _try_templates(self, video: Video) -> None:
        """Render the templates of the user's own once: what they ask of ``vars`` shows only then."""
        words = video.shots[0].prompt if video.shots else shot_placeholder(1)
        for kind, make in (("image", image_prompt), ("clip", clip_prompt)):
            if video.templates[kind] != builtin_templates()[kind]:
                make(video, 1, words)

    def _shot(self, index: int) -> Found:
        given, at = self.settings.own["prompts"][index], (*self.settings.at, "prompts", index)
        return Found(given, at if isinstance(given, str) else (*at, "prompt"), OWN)

    def reference(self, picture: Found | None, catalog: Catalog) -> None:
        """A reference image goes to a model that takes one; a model that works from one needs it."""
        image = self.models.get("image")
        if image is None:
            return
        ref, fields = image.model.ref, image.model.fields
        if picture is None:
            if "reference" in fields and not self.settings.is_unread("reference_image"):
                self._say(f"image model {ref!r} works from a picture; name one as 'reference_image'", image.found)
        elif fields and "reference" not in fields:
            able = [each.ref for each in catalog.models.values() if each.kind == "image" and _takes_reference(each)]
            instead = f"; models that do: {listed(map(repr, able), 'and', at_most=4)}" if able else ""
            self._say(f"image model {ref!r} takes no reference_image{instead}", picture, image.found)
        elif image.model.provider == "local" and picture.value.startswith(("http:", "https:")):
            message = f"image model {ref!r} works offline; save the picture and name the file"
            self._say(message, picture, image.found)

    def captions(self, language: Found, catalog: Catalog) -> None:
        """Drawn with letters that the caption font has."""
        spoken = catalog.languages[language.value]
        if spoken.script.casefold() not in CAPTION_SCRIPTS:
            letters = f"{spoken.name} ({spoken.script.capitalize()} script)"
            message = f"captions cannot be drawn in {letters} yet; write 'captions: false'"
            captions = self.settings.find("captions")
            self._say(message, language, *([captions] if captions else []))

    def _say(self, message: str, *about: Found) -> None:
        if any(each.guessed for each in about):
            return  # what was meant to go with it could not be read
        self.findings.add(nearest_of(*about), f"{message}{because(*about)}", video=self.settings.id)


def spoken_text(script: str, language: Language) -> str:
    """``12 words take about 4 s to speak in English``."""
    count, seconds = language.count(script), language.seconds(script)
    return f"{count:,} {language.unit} take about {seconds:.0f} s to speak in {language.name}"


def letters_of(text: str) -> str | None:
    """The script that most letters of a text belong to (``latin``, ``cyrillic``, ...); ``None`` without a majority."""
    names = [unicodedata.name(letter, "?").split()[0].casefold() for letter in text[:2000] if letter.isalpha()]
    most = max(set(names), key=names.count, default=None)
    return most if most and names.count(most) > len(names) / 2 else None


def _takes_reference(model: Model) -> bool:
    return "reference" in model.fields or not model.fields


def _durations(model: Model) -> str:
    if model.duration_range is not None:
        low, high = model.duration_range
        return f"{low:g} to {high:g}"
    return listed(f"{seconds:g}" for seconds in model.durations)
