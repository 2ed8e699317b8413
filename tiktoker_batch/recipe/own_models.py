"""Models that a recipe declares itself, under its own key ``models``."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tiktoker_batch.catalog.fields import WrongEntry
from tiktoker_batch.catalog.loader import Catalog
from tiktoker_batch.catalog.models import KINDS, own_model
from tiktoker_batch.model import Model
from tiktoker_batch.recipe.findings import Findings
from tiktoker_batch.recipe.settings import own_names
from tiktoker_batch.recipe.suggest import did_you_mean, language_meant, listed

_HERE = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnModels:
    """The declared models, and the names of those that could not be read: about them everything is said already."""

    models: tuple[Model, ...] = ()
    unread: frozenset[str] = frozenset()


def read_own_models(
    sound: Mapping[str, Any], catalog: Catalog, providers: Collection[str], findings: Findings
) -> OwnModels:
    """The models of a recipe of which ``sound`` is what the schema left; problems go to the findings."""
    written = findings.source.data.get("models")
    entries: Mapping[str, Any] = sound.get("models", {})
    models: list[Model] = []
    unread: set[str] = set()
    for ref in own_names(written) if isinstance(written, dict) else {}:
        model = None
        if ref in entries and entries[ref] == written[ref]:
            model = _Declared(ref, entries[ref], catalog, findings).model(providers)
        if model:
            models.append(model)
        else:
            unread.add(ref)
    return OwnModels(models=tuple(models), unread=frozenset(unread))


class _Declared:
    """One entry; its problems go to the findings, never up."""

    def __init__(self, ref: str, entry: Mapping[str, Any], catalog: Catalog, findings: Findings) -> None:
        self.ref = ref
        self.entry = entry
        self.catalog = catalog
        self.findings = findings

    def model(self, providers: Collection[str]) -> Model | None:
        """The model, or ``None`` when there are problems."""
        before = len(self.findings)
        self._check_name(providers)
        self._check_languages()
        if len(self.findings) > before:
            return None
        try:
            return own_model(self.ref, _as_in_the_catalog(self.entry), self.catalog.models.get(self.ref))
        except WrongEntry as error:
            self.findings.add(("models", self.ref, *error.at), f"model {self.ref!r}: {error}{_advice(str(error))}")
        return None

    def _check_name(self, providers: Collection[str]) -> None:
        provider = self.ref.partition(":")[0]
        if provider not in providers:
            known = f"{did_you_mean(provider, providers)} (there are: {', '.join(providers)})"
            self.findings.add(("models", self.ref), f"unknown provider {provider!r}{known}", key=True)
        elif provider == _HERE and self.ref not in self.catalog.models:
            here = [ref for ref, model in self.catalog.models.items() if model.provider == _HERE]
            known = did_you_mean(self.ref, here) or f" (there are: {', '.join(here)})"
            self.findings.add(("models", self.ref), f"this machine has no model {self.ref!r}{known}", key=True)

    def _check_languages(self) -> None:
        for index, code in enumerate(self.entry.get("languages", ())):
            if code not in self.catalog.languages:
                names = {each.code: each.name for each in self.catalog.languages.values()}
                near = language_meant(code, names)
                self.findings.add(("models", self.ref, "languages", index), f"unknown language {code!r}{near}")


def _advice(said: str) -> str:
    return f"; it is one of {listed(KINDS)}" if said == "'kind' is missing" else ""


def _as_in_the_catalog(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry as models.yaml would have it: without ``x-`` keys, and with amounts as text."""
    values = own_names(entry)
    if "fields" in values:
        values["fields"] = {
            name: own_names(field) if isinstance(field, dict) else field
            for name, field in own_names(values["fields"]).items()
        }
    if "price" in values:
        price = own_names(values["price"])
        price |= {"usd": str(price["usd"])} if "usd" in price else {}
        amounts = own_names(price.get("by_resolution", {}))
        values["price"] = {**price, "by_resolution": {name: str(usd) for name, usd in amounts.items()}}
    return values
