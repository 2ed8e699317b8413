"""Names that a recipe refers to, looked up in the catalogs and in the recipe's own additions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from tiktoker_batch.catalog.loader import Catalog
from tiktoker_batch.model import Model, Voice
from tiktoker_batch.recipe.findings import Findings
from tiktoker_batch.recipe.own_models import read_own_models
from tiktoker_batch.recipe.settings import Found, Place, Settings, because, is_unread, nearest_of, own_names
from tiktoker_batch.recipe.suggest import did_you_mean, language_meant, listed
from tiktoker_batch.shots import Style

ModelKind = Literal["text", "image", "clip", "narration"]
MODEL_KINDS: tuple[ModelKind, ...] = ("text", "image", "clip", "narration")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model and where it was chosen."""

    model: Model
    found: Found


def style_named(name: str, own: Mapping[str, Style], catalog: Catalog) -> Style | str:
    """A style of one's own or a built-in one, by its name or an alias; words on what is wrong where there is none."""
    if name in own:
        return own[name]
    known = catalog.style(name)
    if known:
        return Style(name=known.name, prompt=known.prompt)
    aliases = [alias for style in catalog.styles.values() for alias in style.aliases]
    near = did_you_mean(name, [*own, *catalog.styles, *aliases])
    return f"unknown style {name!r}{near} ('tiktoker-batch styles' lists them)"


class References:
    """Resolves names; whatever cannot be resolved is a problem and ``None``.

    ``catalog`` is the given one with the recipe's own models.
    """

    def __init__(
        self, catalog: Catalog, recipe: Mapping[str, Any], providers: Collection[str], findings: Findings
    ) -> None:
        own = read_own_models(recipe, catalog, providers, findings)
        self.catalog = catalog.extended(own.models)
        self.unread_models = own.unread
        self.providers = tuple(dict.fromkeys([*self.catalog.providers, *providers]))
        self.findings = findings
        self.recipe = recipe
        self.own_styles = {
            name: Style(name=name, prompt=words.strip()) for name, words in own_names(recipe.get("styles", {})).items()
        }
        self.own_voices: dict[str, str] = own_names(recipe.get("voices", {}))

    def language(self, settings: Settings) -> Found | None:
        """The language's code."""
        found = settings.get("language", built_in="en")
        languages = self.catalog.languages
        if found.value in languages:
            return found
        names = {code: language.name for code, language in languages.items()}
        near = language_meant(found.value, names) or f"; there are {', '.join(languages)}"
        self.findings.add(found.at, f"unknown language {found.value!r}{near}")
        return None

    def style(self, name: str, at: Place) -> Style | None:
        """A style of the recipe's own or a built-in one, by its name or an alias."""
        found = style_named(name, self.own_styles, self.catalog)
        if isinstance(found, Style):
            return found
        if not self._is_unread("styles", name):
            self.findings.add(at, found)
        return None

    def models(self, settings: Settings, language: str) -> dict[ModelKind, Chosen]:
        """The model of each kind that could be resolved."""
        built_in = self.catalog.default_models(language)
        chosen: dict[ModelKind, Chosen] = {}
        for kind in MODEL_KINDS:
            found = settings.get("models", kind, built_in=getattr(built_in, kind).ref)
            if not isinstance(found.value, str):  # a built-in profile leaves the choice to the language
                found = replace(found, value=self.catalog.first_speaking(found.value, language))
            model = self._model(kind, found)
            if model:
                chosen[kind] = Chosen(model, found)
        return chosen

    def voice(self, settings: Settings, narrator: Chosen, language: str) -> Voice | None:
        """The narrator as the narration model knows it."""
        model = narrator.model
        found = settings.find("voice")
        if found is None or self._gives_way(found, narrator):
            return self._usual_voice(settings, narrator)
        name: str = found.value
        if name in self.own_voices:
            return self._own_voice(name, found, narrator)
        known = self.catalog.voices.get(name)
        if known is None:
            self._unknown_voice(found, model)
            return None
        voice_id = known.id_for(model)
        if voice_id is None:
            offered = [each.name for each in self.catalog.voices.values() if each.id_for(model)]
            instead = f"; it has {listed(offered, 'and')}" if offered else f"; {_name_one(model)}"
            message = f"narration model {model.ref!r} has no voice {name!r}{instead}{because(narrator.found)}"
            self._about(settings, message, found, narrator.found)
            return None
        # Where the model itself does not speak it, that is the problem to report.
        if model.knows(language) and known.languages and language not in known.languages:
            self._about(settings, f"voice {name!r} does not speak {language!r}", found)
        return Voice(name=name, provider=model.provider, id=voice_id)

    def limit(self, name: str, at: Place) -> None:
        """Check the name of a limit."""
        known = [*self.providers, "ffmpeg", *self.catalog.models]
        if name not in known and name not in self.unread_models:
            near = did_you_mean(name, known)
            names = listed([*self.providers, "ffmpeg"])
            self.findings.add(at, f"unknown limit {name!r}{near} (limits are for {names}, or one model)", key=True)

    def own_voice(self, name: str) -> None:
        """Check that a voice of the recipe's own names a provider that narrates."""
        provider = self.own_voices[name].partition(":")[0]
        known = dict.fromkeys(model.provider for model in self.catalog.models.values() if model.kind == "narration")
        unread = {ref.partition(":")[0] for ref in self.unread_models}
        if provider not in known and provider not in unread:
            near = did_you_mean(provider, known)
            message = f"unknown narration provider {provider!r}{near} (there are: {', '.join(known)})"
            self.findings.add(("voices", name), message)

    def _model(self, kind: ModelKind, found: Found) -> Model | None:
        model = self.catalog.models.get(found.value)
        if model and model.kind == kind:
            return model
        if found.value in self.unread_models:
            return None
        of_kind = [each.ref for each in self.catalog.models.values() if each.kind == kind]
        unfit = self.catalog.unfit.get(found.value)
        if model is None and unfit:
            self.findings.add(found.at, f"model {unfit.ref!r} {unfit.why}; use {unfit.instead!r}")
        elif model is None:
            near = did_you_mean(found.value, of_kind) or did_you_mean(found.value, self.catalog.models)
            near = near or "; one that is not built in is declared at the top, under 'models'"
            self.findings.add(found.at, f"unknown model {found.value!r}{near} ('tiktoker-batch models' lists them)")
        else:
            message = f"model {model.ref!r} is a model for {model.kind}, not for {kind}; for {kind} there are "
            self.findings.add(found.at, message + listed(map(repr, of_kind), "and", at_most=4))
        return None

    def _gives_way(self, found: Found, narrator: Chosen) -> bool:
        """Whether a voice was meant for another narration model than the one that a profile put in its place."""
        if narrator.found.profile is None or narrator.found.profile == found.profile:
            return False
        if not self.findings.source.locate(found.at).line:
            return False  # it was set with the profile in sight
        if found.value in self.own_voices:
            return self.own_voices[found.value].partition(":")[0] != narrator.model.provider
        known = self.catalog.voices.get(found.value)
        return known is not None and known.id_for(narrator.model) is None

    def _usual_voice(self, settings: Settings, narrator: Chosen) -> Voice | None:
        model = narrator.model
        name = self.catalog.default_voice(model)
        voice_id = self.catalog.voices[name].id_for(model) if name else None
        if name and voice_id:
            return Voice(name=name, provider=model.provider, id=voice_id)
        if not settings.is_unread("voice"):
            message = f"narration model {model.ref!r} has no usual voice; {_name_one(model)}"
            self._about(settings, message, narrator.found)
        return None

    def _own_voice(self, name: str, found: Found, narrator: Chosen) -> Voice | None:
        provider, _, voice_id = self.own_voices[name].partition(":")
        model = narrator.model
        if provider == model.provider:
            return Voice(name=name, provider=provider, id=voice_id)
        if not narrator.found.guessed:
            message = f"voice {name!r} belongs to {provider!r}, but the narration model is {model.ref!r}"
            advice = f"; name a narration model of {provider!r}, or another voice"
            self.findings.add(nearest_of(found, narrator.found), message + because(narrator.found) + advice)
        return None

    def _unknown_voice(self, found: Found, model: Model) -> None:
        name: str = found.value
        if self._is_unread("voices", name):
            return
        near = did_you_mean(name, [*self.own_voices, *self.catalog.voices])
        if not near and model.provider != "local":
            own = f"'voices: {{narrator: \"{model.provider}:ID\"}}'"
            near = f"; one of your own is declared, like {own}, and chosen with 'voice: narrator'"
        self.findings.add(found.at, f"unknown voice {name!r}{near} ('tiktoker-batch voices' lists them)")

    def _is_unread(self, section: str, name: str) -> bool:
        """Whether a name of the recipe's own may stand in what could not be read."""
        return is_unread((section, name), self.recipe, self.findings.source.data)

    def _about(self, settings: Settings, message: str, *about: Found) -> None:
        if not any(each.guessed for each in about):
            self.findings.add(nearest_of(*about), message, video=settings.id)


def _name_one(model: Model) -> str:
    """What to write for a model of which no voice is known."""
    return f"name one, like 'voices: {{narrator: \"{model.provider}:ID\"}}', and choose it with 'voice: narrator'"
