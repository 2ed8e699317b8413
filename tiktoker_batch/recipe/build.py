"""From a recipe file to a checked :class:`Recipe`: every default filled in, every name resolved."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from tiktoker_batch.catalog.loader import Catalog
from tiktoker_batch.errors import RecipeError
from tiktoker_batch.model import Budget, Captions, Hedge, Models, Music, Recipe, Retry, StoryChoice, Video
from tiktoker_batch.recipe.assign import assign
from tiktoker_batch.recipe.expand import expand
from tiktoker_batch.recipe.files import Files
from tiktoker_batch.recipe.findings import Findings
from tiktoker_batch.recipe.forms import OWN_KINDS
from tiktoker_batch.recipe.include import read_recipe
from tiktoker_batch.recipe.lint import Lint
from tiktoker_batch.recipe.names import check_name, check_unique
from tiktoker_batch.recipe.offers import Offers
from tiktoker_batch.recipe.profiles import Overlay, choose_profiles, overlaid
from tiktoker_batch.recipe.prompts import PROMPT_VARIABLES, builtin_templates
from tiktoker_batch.recipe.publishing import build_publish, build_series, in_series
from tiktoker_batch.recipe.references import MODEL_KINDS, References
from tiktoker_batch.recipe.respell import respell
from tiktoker_batch.recipe.schema import check_schema
from tiktoker_batch.recipe.settings import OWN, Found, Layer, Place, Settings, is_unread, own_names
from tiktoker_batch.recipe.source import Source
from tiktoker_batch.shots import Shot, Template

_RETRY: Mapping[str, Callable[[Any], Any]] = {"max_attempts": int, "on_unknown": str}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A checked recipe, and the expanded source that it was built from; ``assigned`` are the places that were set."""

    recipe: Recipe
    source: Source
    assigned: tuple[Place, ...]


def load_recipe(
    path: Path,
    *,
    catalog: Catalog,
    environ: Mapping[str, str],
    profiles: Sequence[str] = (),
    assignments: Sequence[str] = (),
    providers: Collection[str] | None = None,
) -> Recipe:
    """Read, check and build a recipe: what :func:`load` comes to."""
    return load(
        path,
        catalog=catalog,
        environ=environ,
        profiles=profiles,
        assignments=assignments,
        providers=catalog.providers if providers is None else providers,
    ).recipe


def load(
    path: Path,
    *,
    catalog: Catalog,
    environ: Mapping[str, str],
    profiles: Sequence[str],
    assignments: Sequence[str],
    providers: Collection[str],
) -> Loaded:
    """Read, check and build a recipe, and keep what it was built from.

    ``profiles`` are laid over its defaults, the last one on top, and ``assignments`` (``path=value``) over all of it.
    ``providers`` are those that its own models may name.

    :raises RecipeError: with every problem that was found, by place.
    :raises UsageError: there is no profile of a name.
    """
    filled = read_recipe(path, environ)
    assigned = assign(filled.source, assignments, environ)
    respelled = respell(assigned.source)
    expanded = expand(respelled.source)
    source = expanded.source
    findings = Findings(source)
    findings.stage(source.problems)
    findings.stage(filled.problems)
    findings.settle(filled.unread)
    findings.stage(assigned.problems)
    findings.stage(respelled.problems)
    findings.settle(respelled.unread)
    findings.stage(expanded.problems)
    findings.settle(expanded.unread)
    faults, sound = check_schema(source, respelled.places)
    findings.stage(faults)
    recipe = None
    if isinstance(sound, dict):
        overlays = choose_profiles(profiles, source.data, sound, catalog, assigned.places)
        references = References(catalog, sound, providers, findings)
        recipe = _Builder(path, sound, overlays, references, findings).recipe(source.digest)
    if recipe is None or len(findings):
        raise RecipeError(findings.problems)
    return Loaded(recipe=recipe, source=source, assigned=assigned.places)


class _Builder:
    """Builds from data that the schema has found sound; problems go to the findings, never up."""

    def __init__(
        self,
        path: Path,
        data: Mapping[str, Any],
        overlays: Sequence[Overlay],
        references: References,
        findings: Findings,
    ) -> None:
        self.path = path
        self.data = data
        self.overlays = overlays
        self.references = references
        self.catalog = references.catalog
        self.findings = findings
        self.files = Files(findings)

    def recipe(self, sha256: str) -> Recipe | None:
        """The recipe, or ``None`` when there are problems."""
        self._check_top()
        videos = [(self._video(settings), build_series(settings, self.findings)) for settings in self._settings()]
        if len(self.findings):
            return None
        output_dir = self._output_dir()
        return Recipe(
            path=str(self.path),
            sha256=sha256,
            name=self.data["name"],
            output_dir=os.path.abspath(output_dir) if output_dir else None,  # noqa: PTH100
            limits={name: int(value) for name, value in overlaid("limits", self.data, self.overlays).items()},
            budget=_budget(overlaid("budget", self.data, self.overlays)),
            videos=tuple(in_series([(video, series) for video, series in videos if video])),
            styles=self.references.own_styles,
            remarks=self.findings.remarks,
        )

    def _check_top(self) -> None:
        if "name" in self.data:
            check_name(self.data["name"], ("name",), self.findings)
        for name in own_names(self.data.get("limits", {})):
            self.references.limit(name, ("limits", name))
        for overlay in self.overlays:
            for name in own_names(overlay.limits):
                self.references.limit(name, (*(overlay.at or ()), "limits", name))
        for name in self.references.own_voices:
            self.references.own_voice(name)
        output_dir = self._output_dir()
        if output_dir and os.path.isfile(output_dir):  # noqa: PTH113  (never raises)
            self.findings.add(("output_dir",), f"{self.data['output_dir']!r} is a file; name a folder")

    def _output_dir(self) -> Path | None:
        named = self.data.get("output_dir")
        return self.files.path(Found(named, ("output_dir",), OWN)) if named else None

    def _settings(self) -> list[Settings]:
        videos = list(enumerate(self.data.get("videos", ())))
        given = [(video["id"], ("videos", index, "id")) for index, video in videos if video and "id" in video]
        for name, at in given:
            check_name(name, at, self.findings)
        check_unique(given, self.findings)
        profiles = [overlay.layer for overlay in reversed(self.overlays)]
        inherited = [*profiles, Layer(self.data.get("defaults", {}), ("defaults",))]
        # Where nothing was told of, nothing was left out: ten thousand videos need not ask.
        unread = partial(is_unread, sound=self.data, written=self.findings.source.data) if self.findings else None
        return [Settings(index, video, inherited, is_unread=unread) for index, video in videos if video is not None]

    def _video(self, settings: Settings) -> Video | None:
        """Check everything about a video before giving up on it."""
        references = self.references
        language = references.language(settings)
        spoken = language.value if language else "en"
        chosen = references.models(settings, spoken)
        narrator = chosen.get("narration")
        offers = Offers(settings, chosen, self.findings)
        aspect_ratio = settings.get("aspect_ratio", built_in="9:16")
        resolution = settings.get("resolution", built_in="720p")
        offers.picture(aspect_ratio, resolution)
        look = settings.get("style", built_in="realistic_cinematic")
        captions = None if settings.is_off("captions") else Captions(**settings.section("captions"))
        if language:
            offers.language(language, self.catalog)
            self._check_words(settings, offers, language)
            if captions:
                offers.captions(language, self.catalog)
        style = references.style(look.value, look.at)
        voice = references.voice(settings, narrator, spoken) if narrator else None
        content: dict[str, Any] = {
            "script": self._script(settings, offers),
            "shots": self._shots(settings, offers),
            "segment_duration": offers.segment_seconds(),
            "music": self._music(settings),
            "reference_image": self._reference_image(settings, offers),
            "templates": self._templates(settings),
            "publish": build_publish(settings, self.findings),
        }
        if style is None or voice is None or len(chosen) < len(MODEL_KINDS):
            return None
        video = Video(
            **content,
            **_plain_settings(settings),
            aspect_ratio=aspect_ratio.value,
            resolution=resolution.value,
            language=spoken,
            style=style,
            voice=voice,
            models=Models(**{kind: each.model for kind, each in chosen.items()}),
            captions=captions,
        )
        self._check_prompts(video, offers)
        if language:
            offers.pace(video, self.catalog.languages[spoken])
        return video

    def _check_prompts(self, video: Video, offers: Offers) -> None:
        if {template.path for template in video.templates.values()} & {found.path for found in self.findings.problems}:
            return  # what is wrong with it has been told
        try:
            offers.prompts(video)
            Lint(offers.settings, video, self.catalog.languages[video.language], self.findings).look()
        except RecipeError as error:
            self.findings.stage(error.problems)

    def _check_words(self, settings: Settings, offers: Offers, language: Found) -> None:
        for key in ("topic", "script"):
            if key in settings.own:
                offers.words(Found(settings.own[key], (*settings.at, key), OWN), language, self.catalog)

    def _script(self, settings: Settings, offers: Offers) -> str | None:
        key = "script_file" if "script_file" in settings.own else "script"
        given = Found(settings.own.get(key), (*settings.at, key), OWN)
        text: str | None = self.files.script(given) if key == "script_file" else given.value
        if text is None:
            return None
        offers.script(replace(given, value=text.strip()))
        return text.strip()

    def _shots(self, settings: Settings, offers: Offers) -> tuple[Shot, ...]:
        shots = []
        for index, given in enumerate(settings.own.get("prompts", ())):
            at = (*settings.at, "prompts", index)
            shot = {"prompt": given} if isinstance(given, str) else given
            duration, style = shot.get("duration"), shot.get("style")
            own = {
                kind: self.files.own(kind, Found(shot[kind], (*at, kind), OWN)) for kind in OWN_KINDS if kind in shot
            }
            if duration is not None and "clip" not in own:
                offers.duration(Found(duration, (*at, "duration"), OWN))
            shots.append(
                Shot(
                    prompt=shot.get("prompt", "").strip(),
                    duration=None if duration is None else float(duration),
                    style=self.references.style(style, (*at, "style")) if style else None,
                    motion=shot.get("motion", "").strip() or None,
                    image=own.get("image"),
                    clip=own.get("clip"),
                )
            )
        return tuple(shots)

    def _music(self, settings: Settings) -> Music | None:
        found = settings.find("music")
        if found is None or found.value is False:
            return None
        file = settings.find("music", "file")
        if file is None:
            if not settings.is_unread("music", "file"):
                self.findings.add(found.at, "music: the key 'file' is missing; add one, like 'file: assets/bed.mp3'")
            return None
        facts = settings.section("music")
        return Music(
            file=self.files.absolute(file), gain_db=float(facts.get("gain_db", -18)), duck=facts.get("duck", True)
        )

    def _reference_image(self, settings: Settings, offers: Offers) -> str | None:
        found = settings.find("reference_image")
        before = len(self.findings)
        image = self.files.image(found) if found else None
        if len(self.findings) == before:
            offers.reference(found, self.catalog)
        return image

    def _templates(self, settings: Settings) -> dict[str, Template]:
        found = {name: settings.find("templates", name) for name in PROMPT_VARIABLES}
        named = {name: each for name, each in found.items() if each}
        return {**builtin_templates(), **self.files.templates(named, settings.find("templates", "folder"))}


def _plain_settings(settings: Settings) -> dict[str, Any]:
    """The settings that need no looking up."""
    retry = {name: _RETRY.get(name, float)(value) for name, value in settings.section("retry").items()}
    story = settings.section("story")
    return {
        "id": settings.id,
        "topic": settings.own["topic"].strip() if "topic" in settings.own else None,
        "story": StoryChoice(variants=int(story.get("variants", 1)), choose=story.get("choose", "first")),
        "duration": float(settings.get("duration", built_in=30).value),
        "length": settings.get("length", built_in="auto").value,
        "fps": int(settings.get("fps", built_in=24).value),
        "encoder": settings.get("encoder", built_in="x264").value,
        "retry": Retry(**retry),
        "hedge": _hedge(settings),
        "on_segment_failure": settings.get("on_segment_failure", built_in="continue").value,
        "review": settings.get("review", built_in="optional").value,
        "minimum_segments": int(settings.get("minimum_segments", built_in=1).value),
        "priority": int(settings.get("priority", built_in=0).value),
        "tags": tuple(settings.own.get("tags", ())),
        "vars": settings.merged("vars"),
    }


def _hedge(settings: Settings) -> Hedge | None:
    if settings.find("hedge") is None or settings.is_off("hedge"):
        return None
    given = settings.section("hedge")
    percentile, share = given.get("after", "p95"), given.get("max_extra_cost", "5%")
    return Hedge(after=int(percentile[1:]), max_extra_cost=Decimal(share.rstrip(" %")) / 100)


def _budget(given: Mapping[str, Any]) -> Budget:
    seconds = given.get("max_clip_seconds")
    return Budget(
        max_usd=_usd(given.get("max_usd")),
        per_video_usd=_usd(given.get("per_video_usd")),
        max_clip_seconds=None if seconds is None else float(seconds),
        max_images=_whole(given.get("max_images")),
        max_characters=_whole(given.get("max_characters")),
    )


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _usd(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(str(amount))
