"""A recipe of a MoneyPrinterTurbo batch: a JSON array, or lines of JSON, each an object of its ``VideoParams``."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from tiktoker_batch.catalog.loader import Catalog
from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.importing.mpt_fields import ALIKE, LEFT, WRAPPING
from tiktoker_batch.importing.notes import (
    MAX_SECONDS,
    Imported,
    Notes,
    language_of,
    mapping,
    placed,
    shared,
    slug,
    uncaptioned,
    unique,
)
from tiktoker_batch.importing.reading import Document, Fields, read_documents
from tiktoker_batch.importing.text import Entry, Mapping, Remark, readable, recipe_text, shown
from tiktoker_batch.recipe.suggest import language_meant

_RATIOS = ("9:16", "16:9", "1:1")
_POSITIONS = {"top": "top", "center": "center", "bottom": "lower-third"}
_LOCALE = re.compile(r"(?P<language>[a-z]{2,3})-[A-Za-z]{2,4}-\w+")
_ELEVENLABS = re.compile(r"elevenlabs:(?P<id>[A-Za-z0-9]+)(:(?P<name>.*))?", re.DOTALL)
_SONGS = ("", "storage/bgm", "resource/songs")  # where MoneyPrinterTurbo looks for music
_COMMAS = re.compile("[,\N{FULLWIDTH COMMA}]")
_UNSPACED = frozenset({"han", "japanese"})
_CHARACTERS_A_WORD = 1.7  # of languages that are written without spaces
_SHORTEST = 5.0  # seconds of a video whose length is estimated
_HOISTED = ("language", "aspect_ratio", "voice", "models", "captions", "music")
_HEAD = (
    "",
    "What is different here, whatever the batch:",
    "- Pictures are made from shots that are written from the story, not found in a library of films.",
    "- A recipe that names no models runs on this machine; '--profile standard' makes it with cloud models.",
    "- What MoneyPrinterTurbo adds where its file says nothing (music at random, a Chinese voice) is not added.",
)
Video = dict[str, Entry | Remark]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What all videos share while they are written."""

    catalog: Catalog
    folder: Path
    beside: Path | None
    notes: Notes
    voices: dict[str, str]


def import_mpt(file: Path, catalog: Catalog, beside: Path | None = None) -> Imported:
    """The recipe of a batch file.

    ``beside`` is the folder that the recipe will be in; without one, files are named by their full path.

    :raises RecipeError: the file is damaged, at its place.
    """
    problems: list[Problem] = []
    documents = read_documents(file, problems)
    batch = _Batch(catalog=catalog, folder=file.parent, beside=beside, notes=Notes(), voices={})
    ids: list[str] = []
    videos = []
    for number, document in enumerate(documents, start=1):
        fields = _params(document)
        before = len(problems)
        video = _video(fields, f"video-{number:02d}", ids, batch)
        if len(problems) == before:
            videos.append(video)
    if problems:
        raise RecipeError(sorted(problems))
    defaults = shared(videos, _HOISTED)
    voices = tuple(Entry(name, ref) for name, ref in batch.voices.items())
    entries = mapping(
        Entry("version", 1),
        Entry("name", slug(file.stem, "batch")),
        Entry("defaults", mapping(*defaults)) if defaults else None,
        Entry("voices", voices) if voices else None,
        Entry("videos", [tuple(video.values()) for video in videos]),
    )
    head = [f"Imported from MoneyPrinterTurbo: {shown(str(file))}", *_HEAD]
    return Imported(text=recipe_text(head, entries), videos=len(videos), warnings=batch.notes.warnings)


def _params(document: Document) -> Fields:
    """The parameters of a task; those of a ``script.json`` of its output come with what was written for it."""
    fields = document.fields("an object with video_subject or video_script")
    if not isinstance(fields.values.get("params"), dict):
        return fields
    inner = fields.inner("params")
    terms = fields.take("search_terms", str, list)
    written = {
        "video_script": fields.text("script"),
        "video_terms": fields.texts("search_terms") if isinstance(terms, list) else terms,
    }
    values = {**inner.values, **{name: value for name, value in written.items() if value}}
    return Fields(document, inner.at, values)


def _video(fields: Fields, usual: str, ids: list[str], batch: _Batch) -> Video:
    subject, script = fields.text("video_subject"), fields.text("video_script")
    if not subject and not script and not fields.document.problems:
        fields.document.wrong(fields.at, "neither video_subject nor video_script says anything")
    name = unique(slug(subject or "", usual).casefold(), ids)
    ids.append(name)
    language, whence = _language(fields, script or subject or "", name, batch)
    video: Video = {"id": Entry("id", name)}
    if script:
        if subject:
            video["subject"] = Remark(f"video_subject: {shown(subject)}")
        video["script"] = Entry("script", script, "video_script")
        video["duration"] = _duration(script, language, batch.catalog)
    else:
        video["topic"] = Entry("topic", subject or "", "video_subject")
    video["language"] = Entry("language", language, whence)
    video |= _shape(fields, name, batch)
    video |= _voice(fields, language, name, batch, written=bool(script))
    video |= _captions(fields, language, name, batch)
    video |= _music(fields, name, batch)
    video |= _terms(fields, name, batch)
    video |= _left(fields, name, batch)
    return video


def _language(fields: Fields, words: str, name: str, batch: _Batch) -> tuple[str, str]:
    """The language's code, and where it comes from."""
    asked, voice = fields.text("video_language"), fields.text("voice_name")
    languages = batch.catalog.languages
    if asked:
        names = {code: language.name for code, language in languages.items()}
        bare = asked.casefold().replace("_", "-").split("-")[0]
        found = bare if bare in names else next((c for c, each in names.items() if each.casefold() == bare), None)
        if found:
            return found, f"video_language {shown(asked)}"
        near = language_meant(asked, names)
        batch.notes.warn(f"unknown video_language {shown(asked)!r}{near}; that of the voice or letters is taken", name)
    spoken = _LOCALE.match(voice or "")
    if spoken and spoken["language"] in languages:
        return spoken["language"], f"that of the voice {shown(voice)}"
    return language_of(words, batch.catalog) or "en", "by its letters"


def _duration(script: str, language: str, catalog: Catalog) -> Entry:
    """About what it takes to speak the script: MoneyPrinterTurbo makes a video as long as its narration."""
    spoken = catalog.languages[language]
    words = len(script) / _CHARACTERS_A_WORD if spoken.script in _UNSPACED else len(script.split())
    seconds = min(max(math.ceil(words / spoken.words_per_minute * 60), _SHORTEST), MAX_SECONDS)
    return Entry("duration", seconds, "estimated from the script; the narration decides")


def _shape(fields: Fields, name: str, batch: _Batch) -> Video:
    asked = fields.text("video_aspect")
    if not asked:
        return {}
    if asked in _RATIOS:
        return {"aspect_ratio": Entry("aspect_ratio", asked, "video_aspect")}
    nearest = "4:5" if asked == "3:4" else "9:16"
    return {
        "aspect": batch.notes.left("video_aspect", shown(asked), f"{nearest} takes its place", name),
        "aspect_ratio": Entry("aspect_ratio", nearest),
    }


def _voice(fields: Fields, language: str, name: str, batch: _Batch, *, written: bool) -> Video:
    voice = fields.text("voice_name")
    own = _ELEVENLABS.fullmatch(voice or "")
    if own:
        return _own_voice(own["id"], own["name"] or "", batch) | _models(
            language, name, batch, written=written, narrated=True
        )
    video = _models(language, name, batch, written=written)
    if voice == "no-voice":
        video["voiceless"] = batch.notes.left("voice_name no-voice", "", "every video here is narrated", name)
    elif voice:
        why = "the usual narrator speaks; 'tiktoker-batch voices' lists the others"
        video["voiced"] = batch.notes.left("voice_name", shown(voice), why, name)
    return video


def _own_voice(voice_id: str, title: str, batch: _Batch) -> Video:
    known = next((each for each in batch.catalog.voices.values() if each.ids.get("elevenlabs") == voice_id), None)
    name = known.name if known else None
    if name is None:
        ref = f"elevenlabs:{voice_id}"
        name = next((own for own, each in batch.voices.items() if each == ref), None)
        name = name or unique(
            f"mpt-{slug(title.split('-', maxsplit=1)[0], 'voice', at_most=24).casefold()}", batch.voices
        )
        batch.voices[name] = ref
    return {"voice": Entry("voice", name, f"voice_name elevenlabs:{voice_id}")}


def _models(language: str, name: str, batch: _Batch, *, written: bool, narrated: bool = False) -> Video:
    """Cloud models where those of this machine do not know the language, or have not the voice."""
    catalog, entries = batch.catalog, []
    usual, cloud = catalog.default_models(language), catalog.profiles["standard"].models
    if narrated:
        entries.append(Entry("narration", cloud["narration"][0], "has the voice"))
    elif not usual.narration.knows(language):
        able = [each.ref for each in catalog.models.values() if each.kind == "narration" and each.knows(language)]
        entries.append(Entry("narration", able[0] if able else cloud["narration"][0]))
        batch.notes.warn(f"nothing on this machine speaks {language!r}: {entries[-1].value!r} is named for it", name)
    if not written and not usual.text.knows(language):
        entries.insert(0, Entry("text", cloud["text"][0]))
        batch.notes.warn(f"nothing on this machine writes {language!r}: {entries[0].value!r} is named for it", name)
    return {"models": Entry("models", tuple(entries))} if entries else {}


def _captions(fields: Fields, language: str, name: str, batch: _Batch) -> Video:
    enabled, position = fields.take("subtitle_enabled", bool), fields.text("subtitle_position")
    percent = fields.number("custom_position")
    if enabled is False:
        return {"captions": Entry("captions", False, "subtitle_enabled")}
    undrawn = uncaptioned(language, batch.catalog, batch.notes, name)
    if undrawn:
        return undrawn
    where, whence = _POSITIONS.get(position or "bottom"), f"subtitle_position {position}" if position else ""
    if where is None:
        share = 70 if percent is None else percent
        where = "top" if share < 33 else "center" if share < 60 else "lower-third"
        batch.notes.warn(f"subtitle_position {shown(position)!r} has no counterpart: {where!r} is the nearest", name)
    look: Mapping = (Entry("preset", "plain", "a sentence at a time"), Entry("position", where, whence))
    return {"captions": Entry("captions", look)}


def _music(fields: Fields, name: str, batch: _Batch) -> Video:
    kind, given, volume = fields.text("bgm_type"), fields.text("bgm_file"), fields.number("bgm_volume")
    if volume == 0 or (not given and kind in {None, "none"}):
        return {}
    if not given:
        why = "music is a file here: 'music: {file: FILE}'"
        return {"music left": batch.notes.left("bgm_type", shown(kind), why, name)}
    file = next(
        (path for path in (batch.folder / given, batch.folder / "resource" / "songs" / given) if path.is_file()), None
    )
    if file is None:
        why = "the file is not there; name it as 'music: {file: FILE}'"
        return {"music left": batch.notes.left("bgm_file", shown(given), why, name)}
    gain = round(20 * math.log10(volume if volume and volume > 0 else 0.2), 1)
    bed: Mapping = (
        Entry("file", placed(file, batch.beside), "bgm_file"),
        Entry("gain_db", min(max(gain, -60.0), 12.0), f"bgm_volume {0.2 if volume is None else volume:g}"),
        Entry("duck", False, "MoneyPrinterTurbo leaves music as loud as it is"),
    )
    return {"music": Entry("music", bed)}


def _terms(fields: Fields, name: str, batch: _Batch) -> Video:
    """What films were searched by. It is no list of shots: a few words, and fewer of them than shots are needed."""
    value = fields.take("video_terms", str, list)
    terms = _COMMAS.split(readable(value)) if isinstance(value, str) else fields.texts("video_terms")
    terms = [term.strip() for term in terms if term.strip()]
    if not terms:
        return {}
    why = "shots are written from the story; templates read them as vars.video_terms, 'prompts' takes shots of your own"
    return {
        "terms": batch.notes.left("searching by video_terms", "", why, name),
        "vars": Entry("vars", (Entry("video_terms", list(terms)),), "video_terms"),
    }


def _left(fields: Fields, name: str, batch: _Batch) -> Video:
    """Everything else that says something: what has no counterpart, and what nobody knows."""
    video: Video = {}
    for key in fields.others():
        if key in WRAPPING or (key in ALIKE and fields.values[key] in ALIKE[key]):
            continue
        value = shown(fields.values[key], at_most=100) if key in LEFT else ""  # nobody knows what others hold
        why = LEFT.get(key, "no field of MoneyPrinterTurbo is known by that name")
        video[f"left {key}"] = batch.notes.left(shown(key), value, why, name)
    return video
