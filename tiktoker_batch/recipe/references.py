"""Names that a recipe refers to, looked up in the catalogs and in the recipe's own additions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tiktoker_batch.catalog.loader import Catalog
from tiktoker_batch.model import Model, Style, Voice
from tiktoker_batch.recipe.findings import Findings
from tiktoker_batch.recipe.settings import BUILT_IN, Found, Place, Settings, nearest_of
from tiktoker_batch.recipe.suggest import did_you_mean, listed

ModelKind = Literal["text", "image", "clip", "narration"]
MODEL_KINDS: tuple[ModelKind, ...] = ("text", "image", "clip", "narration")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model and where it was chosen."""

    model: Model
    found: Found


class References:
    """Resolves names; whatever cannot be resolved is a problem and ``None``."""

    def __init__(self, catalog: Catalog, recipe: Mapping[str, Any], findings: Findings) -> None:
        self.catalog = catalog
        self.findings = findings
        self.own_styles: dict[str, str] = _without_x(recipe.get("styles", {}))
        self.own_voices: dict[str, str] = _without_x(recipe.get("voices", {}))

    def language(self, settings: Settings) -> Found | None:
        """The language's code."""
        found = settings.get("language", built_in="en")
        languages = self.catalog.languages
        if found.value in languages:
            return found
        near = did_you_mean(found.value, languages) or f"; there are {', '.join(languages)}"
        self.findings.add(found.at, f"unknown language {found.value!r}{near}")
        return None

    def style(self, name: str, at: Place) -> Style | None:
        """A style of the recipe's own or a built-in one, by its name or an alias."""
        if name in self.own_styles:
            return Style(name=name, prompt=self.own_styles[name].strip())
        known = self.catalog.style(name)
        if known:
            return Style(name=known.name, prompt=known.prompt)
        aliases = [alias for style in self.catalog.styles.values() for alias in style.aliases]
        near = did_you_mean(name, [*self.own_styles, *self.catalog.styles, *aliases])
        self.findings.add(at, f"unknown style {name!r}{near} ('tiktoker-batch styles' lists them)")
        return None

    def models(self, settings: Settings, language: str) -> dict[ModelKind, Chosen]:
        """The model of each kind that could be resolved."""
        built_in = self.catalog.default_models(language)
        chosen: dict[ModelKind, Chosen] = {}
        for kind in MODEL_KINDS:
            found = settings.get("models", kind, built_in=getattr(built_in, kind).ref)
            model = self._model(kind, found)
            if model:
                chosen[kind] = Chosen(model, found)
        return chosen

    def voice(self, settings: Settings, narrator: Chosen, language: str) -> Voice | None:
        """The narrator as the narration model knows it."""
        model = narrator.model
        default = self.catalog.default_voice(model)
        found = settings.get("voice", built_in=default)
        name: str = found.value
        if name in self.own_voices and found.rank != BUILT_IN:
            return self._own_voice(name, found, narrator)
        known = self.catalog.voices.get(name)
        if known is None:
            near = did_you_mean(name, [*self.own_voices, *self.catalog.voices])
            self.findings.add(found.at, f"unknown voice {name!r}{near} ('tiktoker-batch voices' lists them)")
            return None
        voice_id = known.id_for(model)
        if voice_id is None:
            offered = [each.name for each in self.catalog.voices.values() if each.id_for(model)]
            message = f"narration model {model.ref!r} has no voice {name!r}; it has {listed(offered, 'and')}"
            self._about(settings, nearest_of(found, narrator.found), message)
            return None
        # Where the model itself does not speak it, that is the problem to report.
        speakable = not model.languages or language in model.languages
        if speakable and known.languages and language not in known.languages:
            self._about(settings, found.at, f"voice {name!r} does not speak {language!r}")
        return Voice(name=name, provider=model.provider, id=voice_id)

    def limit(self, name: str, at: Place) -> None:
        """Check the name of a limit."""
        providers = dict.fromkeys(model.provider for model in self.catalog.models.values())
        known = [*providers, "ffmpeg", *self.catalog.models]
        if name not in known:
            near = did_you_mean(name, known)
            names = listed([*providers, "ffmpeg"])
            self.findings.add(at, f"unknown limit {name!r}{near} (limits are for {names}, or one model)", key=True)

    def own_voice(self, name: str) -> None:
        """Check that a voice of the recipe's own names a provider that narrates."""
        provider = self.own_voices[name].partition(":")[0]
        known = dict.fromkeys(model.provider for model in self.catalog.models.values() if model.kind == "narration")
        if provider not in known:
            near = did_you_mean(provider, known)
            message = f"unknown narration provider {provider!r}{near} (there are: {', '.join(known)})"
            self.findings.add(("voices", name), message)

    def _model(self, kind: ModelKind, found: Found) -> Model | None:
        model = self.catalog.models.get(found.value)
        if model and model.kind == kind:
            return model
        of_kind = [each.ref for each in self.catalog.models.values() if each.kind == kind]
        if model is None:
            near = did_you_mean(found.value, of_kind) or did_you_mean(found.value, self.catalog.models)
            self.findings.add(found.at, f"unknown model {found.value!r}{near} ('tiktoker-batch models' lists them)")
        else:
            message = f"model {model.ref!r} is a model for {model.kind}, not for {kind}; for {kind} there are "
            self.findings.add(found.at, message + listed(map(repr, of_kind), "and", at_most=4))
        return None

    def _own_voice(self, name: str, found: Found, narrator: Chosen) -> Voice | None:
        provider, _, voice_id = self.own_voices[name].partition(":")
        model = narrator.model
        if provider == model.provider:
            return Voice(name=name, provider=provider, id=voice_id)
        message = f"voice {name!r} belongs to {provider!r}, but the narration model is {model.ref!r}"
        self.findings.add(nearest_of(found, narrator.found), message)
        return None

    def _about(self, settings: Settings, at: Place, message: str) -> None:
        self.findings.add(at, message, video=settings.id)


def _without_x(names: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in names.items() if not name.startswith("x-")}
