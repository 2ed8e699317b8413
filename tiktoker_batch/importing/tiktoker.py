"""A recipe of what TikToker leaves: its sessions (``metadata.json``, ``pipeline-state.json``), styles and ``.env``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tiktoker_batch.catalog.loader import Catalog
from tiktoker_batch.errors import Problem, RecipeError, UsageError
from tiktoker_batch.importing.notes import (
    Imported,
    Notes,
    known_model,
    language_of,
    mapping,
    placed,
    shared,
    slug,
    uncaptioned,
    unique,
)
from tiktoker_batch.importing.reading import read_document
from tiktoker_batch.importing.text import Entry, Mapping, Remark, Value, recipe_text, shown
from tiktoker_batch.importing.tiktoker_env import Told, read_env
from tiktoker_batch.importing.tiktoker_session import Look, Session, read_session, read_styles
from tiktoker_batch.recipe.suggest import listed

PLAIN_STYLE = "as_written"
# TikToker's own voices are of its author's library; these are the names that its menu shows.
_VOICES = {"3EuKHIEZbSzrHGNmdYsx": "josh", "TUQNWEvVPBLzMBSVDPUA": "rachel", "Aa6nEBJJMKJwJkCx8VU2": "clyde"}
_NARRATOR = "fal:fal-ai/elevenlabs/tts/eleven-v3"  # the only one that TikToker has
_HOISTED = ("language", "aspect_ratio", "style", "voice", "models", "captions")
_HEAD = (
    "",
    "What is different here, whatever the session:",
    "- A clip's prompt is the shot's words with a camera movement and the style; TikToker sent the words alone.",
    "  'tiktoker-batch render' shows it, and 'templates: {clip: FILE}' puts another in its place.",
    "- Veo's sound is not bought: TikToker paid for it, and the narration took its place.",
    "- Pictures and clips that lie in a session are taken as they are; remove 'image' or 'clip' to have one made.",
    "- Nothing that is spoken is cut off: TikToker ended a video with whichever of voice and picture ended first.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    """What all sessions share."""

    catalog: Catalog
    told: Told
    styles: Sequence[Look]
    beside: Path | None


def import_tiktoker(folder: Path, catalog: Catalog, beside: Path | None = None) -> Imported:
    """The recipe of a session, or of all sessions of a project.

    ``beside`` is the folder that the recipe will be in; without one, files are named by their full path.

    :raises UsageError: there is no session.
    :raises RecipeError: a file is damaged, at its place.
    """
    sessions, homes = _find(folder)
    problems: list[Problem] = []
    styles_file, env_file = _first(homes, "styles.json"), _first(homes, ".env")
    styles = read_styles(read_document(styles_file, problems)) if styles_file else ()
    told = read_env(env_file, problems) if env_file else Told()
    notes = Notes()
    read = [session for each in sessions if (session := read_session(each, problems, notes))]
    if problems:
        raise RecipeError(problems)
    if not read:
        raise UsageError(
            f"nothing was written down of what {_sessions(sessions)} made of",
            hint="TikToker writes metadata.json or pipeline-state.json into a session; only these hold its words",
        )
    project = _Project(catalog=catalog, told=told, styles=styles, beside=beside)
    return _recipe(folder, project, read, notes)


def _sessions(folders: Sequence[Path]) -> str:
    return f"{folders[0]} is" if len(folders) == 1 else f"the {len(folders)} sessions are"


def _find(folder: Path) -> tuple[list[Path], list[Path]]:
    """The sessions that a folder means, and the folders in which their styles and settings may lie."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    if folder.name.startswith("session_") or _is_session(folder):
        whole = folder.absolute()
        return [folder], [folder, whole.parent, whole.parent.parent]
    found = sorted(path for home in (folder, folder / "output") for path in home.glob("session_*") if path.is_dir())
    if not found:
        raise UsageError(
            f"{folder} holds no session of TikToker",
            hint="name its project folder, or one session: output/session_…",
        )
    return found, [folder, folder.absolute().parent] if folder.name == "output" else [folder]


def _is_session(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("metadata.json", "pipeline-state.json"))


def _first(folders: Sequence[Path], name: str) -> Path | None:
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


# ---------------------------------------------------------------------- the recipe


def _recipe(folder: Path, project: _Project, sessions: Sequence[Session], notes: Notes) -> Imported:
    looks = {look.name: look for look in project.styles}
    voices: dict[str, str] = {}
    ids: list[str] = []
    videos = []
    for session in sessions:
        ids.append(unique(slug(session.id, "session", at_most=72), ids))
        videos.append(_video(ids[-1], session, project, looks, voices, notes))
    defaults = shared(videos, _HOISTED)
    _tell_of_keys(project.told, notes)
    own_styles = tuple(Entry(name, look.prompt, look.whence) for name, look in looks.items())
    entries = mapping(
        Entry("version", 1),
        Entry("name", ids[0] if len(ids) == 1 else slug(folder.resolve().name, "tiktoker")),
        Entry("defaults", mapping(Entry("resolution", "720p", "as TikToker asks for"), *defaults)),
        Entry("styles", own_styles, f"of {project.styles[0].file}" if project.styles else "") if own_styles else None,
        Entry("voices", tuple(Entry(name, ref) for name, ref in voices.items())) if voices else None,
        Entry("videos", [tuple(video.values()) for video in videos]),
    )
    head = [f"Imported from TikToker: {shown(str(folder))}", *_HEAD, *_about_keys(project.told)]
    return Imported(text=recipe_text(head, entries), videos=len(videos), warnings=notes.warnings)


def _about_keys(told: Told) -> list[str]:
    keys = [f"- {name}: set {ours} ({why})" for name, ours, why in told.keys]
    return (
        ["", f"The keys in {shown(told.file)} were not copied; in the environment or a .env of yours:", *keys]
        if keys
        else []
    )


def _tell_of_keys(told: Told, notes: Notes) -> None:
    if told.keys:
        ours = listed(dict.fromkeys(name for _, name, _ in told.keys), "and")
        notes.warn(
            f"the keys in {told.file} are not copied: set {ours} in the environment or in a .env beside the recipe"
        )
    for name in told.others:
        notes.warn(f"{name} of {told.file} is not carried over: nothing here corresponds to it")


def _video(
    name: str, session: Session, project: _Project, looks: dict[str, Look], voices: dict[str, str], notes: Notes
) -> dict[str, Entry | Remark]:
    """A video by its keys, remarks among them under names of their own."""
    catalog = project.catalog
    words = session.story or session.description or ""
    language = language_of(words, catalog) or "en"
    notes.warn(f"TikToker does not note the language: {language!r} by the letters of the story", name)
    video: dict[str, Entry | Remark] = {"id": Entry("id", name, session.created)}
    for number, remark in enumerate(session.remarks):
        video[f"remark {number}"] = notes.left(remark.what, "", remark.why, name)
    video |= _story(session, notes, name)
    video["duration"] = Entry("duration", session.seconds, session.seconds_whence)
    video["language"] = Entry("language", language, "by the letters of the story")
    video["aspect_ratio"] = Entry("aspect_ratio", session.aspect_ratio, session.aspect_whence)
    video["style"] = Entry("style", *_style(session, looks, notes, name))
    voice = _voice(session, catalog, voices)
    if voice:
        video["voice"] = voice
    video["models"] = Entry("models", _models(session, project, notes))
    video |= _captions(session, language, catalog, notes, name)
    video |= _reference(session, video["models"], project, notes, name)
    if session.prompts:
        taken = f"with what was paid for already: {session.made.taken}" if session.made.taken else ""
        video["prompts"] = Entry("prompts", _shots(session, video["models"], project, notes, name), taken)
    return video


def _story(session: Session, notes: Notes, name: str) -> dict[str, Entry | Remark]:
    if session.story:
        told: dict[str, Entry | Remark] = {}
        if session.description:
            told["described"] = Remark(f"what was asked for: {shown(session.description)}")
        return {**told, "script": Entry("script", session.story, f"storyText of {session.file}")}
    notes.warn("its story is not noted, so that a new one will be written", name)
    variants: Mapping = (Entry("variants", 3), Entry("choose", "first"))
    return {
        "topic": Entry("topic", session.description or "", f"description of {session.file}"),
        "story": Entry("story", variants, "TikToker writes three and asks"),
    }


def _style(session: Session, looks: dict[str, Look], notes: Notes, name: str) -> tuple[str, str]:
    prompt = session.style_prompt
    if prompt is None:
        looks.setdefault(PLAIN_STYLE, Look(name=PLAIN_STYLE, prompt="exactly as described", whence="for no style"))
        what = "no style is noted; a recipe has always one" if session.knows_input else "metadata.json notes no style"
        notes.warn(f"{what}: {PLAIN_STYLE!r} adds next to nothing to the prompts", name)
        return PLAIN_STYLE, what
    for look in looks.values():
        if look.prompt == prompt:
            return look.name, ""
    own = unique("imported", looks)
    looks[own] = Look(name=own, prompt=prompt, whence=f"stylePrompt of {session.file}")
    return own, ""


def _voice(session: Session, catalog: Catalog, voices: dict[str, str]) -> Entry | None:
    voice = session.voice
    if not voice:
        return None
    known = next((each for each in catalog.voices.values() if voice in each.ids.values() and "fal" in each.ids), None)
    if known:
        return Entry("voice", known.name, session.voice_whence)
    ref = f"fal:{voice}"
    name = next((name for name, each in voices.items() if each == ref), None)
    if name is None:
        name = unique(f"tiktoker-{_VOICES.get(voice, 'voice')}", voices)
        voices[name] = ref
    return Entry("voice", name, session.voice_whence)


def _models(session: Session, project: _Project, notes: Notes) -> Mapping:
    told, catalog, profile = project.told, project.catalog, "free" if session.free else "standard"
    usual = catalog.profiles[profile].models
    entries: list[Entry | Remark] = []
    for kind, provider in (("text", "openrouter"), ("image", "fal"), ("clip", "fal")):
        name, whence = told.model(kind, free=session.free)
        if kind == "text" and session.story and session.prompts:
            entries.append(Remark(f"no text model: {name} ({whence}) wrote story and shots, which stand below"))
            continue
        ref, changed = known_model(kind, f"{provider}:{name}", usual[kind][0], catalog, notes)
        entries.append(Entry(kind, ref, f"{whence}: {changed}" if changed else whence))
    return (*entries, Entry("narration", _NARRATOR, "the only one that TikToker has"))


def _captions(session: Session, language: str, catalog: Catalog, notes: Notes, name: str) -> dict[str, Entry | Remark]:
    if not session.captions:
        return {"captions": Entry("captions", False, "this TikToker draws none")}
    undrawn = uncaptioned(language, catalog, notes, name)
    if undrawn:
        return undrawn
    look: Mapping = (Entry("preset", "karaoke"), Entry("position", "lower-third"))
    return {"captions": Entry("captions", look, "word by word, below the centre")}


def _reference(
    session: Session, models: Entry | Remark, project: _Project, notes: Notes, name: str
) -> dict[str, Entry | Remark]:
    if not session.references:
        return {}
    model = project.catalog.models[_ref(models, "image")]
    first = session.references[0]
    left: dict[str, Entry | Remark] = {
        f"reference {number}": notes.left("a reference image", shown(path), "a video has one at most", name)
        for number, path in enumerate(session.references[1:], start=2)
    }
    file = next((path for path in (Path(first), session.folder / first) if path.is_file()), None)
    if "reference" not in model.fields:
        why = f"image model {model.ref!r} takes none; 'fal:fal-ai/nano-banana/edit' does"
        return {"reference": notes.left("the reference image", shown(first), why, name), **left}
    if file is None:
        return {"reference": notes.left("the reference image", shown(first), "the file is not there", name), **left}
    return {"reference_image": Entry("reference_image", placed(file, project.beside)), **left}


def _ref(models: Entry | Remark, kind: str) -> str:
    assert isinstance(models, Entry)
    assert isinstance(models.value, tuple)
    return next(str(each.value) for each in models.value if isinstance(each, Entry) and each.key == kind)


def _shots(session: Session, models: Entry | Remark, project: _Project, notes: Notes, name: str) -> list[Value]:
    """The prompts, with what was made of them, and with a length of their own where the session notes one that is not
    TikToker's usual.
    """
    clip, made = project.catalog.models[_ref(models, "clip")], session.made
    shots: list[Value] = []
    odd: set[float] = set()
    for number, (prompt, seconds) in enumerate(session.prompts, start=1):
        files = {"image": made.pictures.get(number), "clip": made.clips.get(number)}
        known = [Entry(key, placed(file, project.beside)) for key, file in files.items() if file]
        if seconds and (clip.offers_duration(seconds) or files["clip"]):
            known.append(Entry("duration", seconds))
        elif seconds:
            odd.add(seconds)
        shots.append((Entry("prompt", prompt), *known) if known else prompt)
    for seconds in sorted(odd):
        notes.warn(f"clip model {clip.ref!r} makes no clips of {seconds:g} s: they are of its usual length", name)
    return shots
