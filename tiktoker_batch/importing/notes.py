"""What could not be carried over: a comment where it would have stood, and a warning."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tiktoker_batch.catalog.loader import Catalog
from tiktoker_batch.importing.text import Entry, Mapping, Remark
from tiktoker_batch.recipe.names import is_reserved
from tiktoker_batch.recipe.offers import CAPTION_SCRIPTS, LETTERS, letters_of
from tiktoker_batch.recipe.suggest import listed, nearest

MAX_SECONDS = 600  # of a video, as the recipe's schema has it
_MODEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A recipe's text, and what its reader should know about it, a sentence each."""

    text: str
    videos: int
    warnings: tuple[str, ...]


@dataclass(slots=True)
class Notes:
    """Collects warnings; the same one about several videos is one."""

    told: dict[str, list[str]] = field(default_factory=dict)

    def warn(self, message: str, video: str = "") -> None:
        """Say something about the recipe, or about one of its videos."""
        about = self.told.setdefault(message, [])
        if video and video not in about:
            about.append(video)

    def left(self, what: str, value: str, why: str, video: str) -> Remark:
        """What could not be carried over into a video: warns, and gives the comment."""
        self.warn(f"{what} is not carried over: {why}", video)
        return Remark(f"not carried over: {what}{f' {value}' if value else ''}; {why}")

    @property
    def warnings(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(
            f"{listed(videos, 'and', at_most=4)}: {message}" if videos else message
            for message, videos in self.told.items()
        )


def slug(text: str, usual: str, *, at_most: int = 48) -> str:
    """A name for a batch or a video, made of the letters that every file system takes."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9._]+", "-", plain)[:at_most].strip("-.")
    return usual if not name or is_reserved(name) else name


def unique(name: str, taken: Iterable[str]) -> str:
    """The name, or with a number behind it when it is taken."""
    known = {each.casefold() for each in taken}
    number, found = 2, name
    while found.casefold() in known:
        number, found = number + 1, f"{name}-{number}"
    return found


def language_of(text: str, catalog: Catalog) -> str | None:
    """The language that its letters suggest: of several that share them the one that the catalog names first."""
    letters = letters_of(text)
    if letters == "cjk":  # read in Japan as well, but seldom without kana
        return "zh"
    readers = (each.code for each in catalog.languages.values() if letters in LETTERS.get(each.script, {each.script}))
    return next(readers, None)


def uncaptioned(language: str, catalog: Catalog, notes: Notes, name: str) -> dict[str, Entry | Remark]:
    """What is said of a video whose captions cannot be drawn; nothing of one whose can."""
    script = catalog.languages[language].script
    if script in CAPTION_SCRIPTS:
        return {}
    why = f"captions cannot be drawn in {script.capitalize()} script yet"
    return {"uncaptioned": notes.left("drawing captions", "", why, name), "captions": Entry("captions", False)}


def known_model(kind: str, name: str, usual: str, catalog: Catalog, notes: Notes) -> tuple[str, str]:
    """The catalog's model (``provider:id``) for one that was named ``provider:id``, with what to say of the change.

    ``usual`` is taken where none is like it.
    """
    model = catalog.models.get(name)
    if model is not None and model.kind == kind:
        return name, ""
    asked = name.partition(":")[2]
    if not _MODEL_ID.fullmatch(asked):  # whatever it is, it is not shown: somebody may have pasted a key
        notes.warn(f"the {kind} model that was set is no name of a model; {usual!r} takes its place")
        return usual, "what was set there is no name of a model"
    unfit = catalog.unfit.get(name)
    if unfit and catalog.models[unfit.instead].kind == kind:
        notes.warn(f"{kind} model {asked!r} {unfit.why}; {unfit.instead!r} takes its place")
        return unfit.instead, f"{asked}, which {unfit.why}"
    free = asked.endswith(":free")
    provider = name.partition(":")[0]
    of_kind = [each.ref for each in catalog.models.values() if (each.kind, each.provider) == (kind, provider)]
    instead = nearest(name, (ref for ref in of_kind if ref.endswith(":free") is free)) or usual
    notes.warn(f"{kind} model {asked!r} is not in the catalog; {instead!r}, the nearest that is, takes its place")
    return instead, f"{asked}, which the catalog does not know"


def shared(videos: Iterable[dict[str, Entry | Remark]], keys: Iterable[str]) -> list[Entry]:
    """What all videos say alike under these keys, taken out of them: it becomes a default."""
    all_videos, found = list(videos), []
    for key in keys:
        said = [video.get(key) for video in all_videos]
        first = said[0]
        if isinstance(first, Entry) and all(isinstance(each, Entry) and each == first for each in said):
            found.append(first)
            for video in all_videos:
                del video[key]
    return found


def mapping(*parts: Entry | Remark | None) -> Mapping:
    """A mapping of the parts that there are."""
    return tuple(part for part in parts if part is not None)


def placed(file: Path, beside: Path | None) -> str:
    """A file as a recipe names it: below the recipe's folder from there, elsewhere by its full path."""
    whole = file.resolve()
    if beside is not None and whole.is_relative_to(beside.resolve()):
        return whole.relative_to(beside.resolve()).as_posix()
    return whole.as_posix()
