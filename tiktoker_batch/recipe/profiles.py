"""Profiles: the overlays that a command line chooses by name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tiktoker_batch.catalog.loader import Catalog
from tiktoker_batch.errors import UsageError
from tiktoker_batch.recipe.assign import without
from tiktoker_batch.recipe.settings import Layer, Place, own_names
from tiktoker_batch.recipe.suggest import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """A chosen profile; ``at`` is ``None`` for a built-in one."""

    name: str
    at: Place | None
    defaults: Mapping[str, Any]
    limits: Mapping[str, Any] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)

    @property
    def layer(self) -> Layer:
        """Its settings for videos."""
        return Layer(self.defaults, (*self.at, "defaults") if self.at else None, self.name)


def choose_profiles(
    names: Sequence[str],
    recipe: Any,
    sound: Mapping[str, Any],
    catalog: Catalog,
    assigned: Sequence[Place] = (),
) -> list[Overlay]:
    """The profiles of these names, weakest first; one of the recipe's own comes before a built-in one.

    ``sound`` is the recipe without what the schema found wrong. Of places that were ``assigned`` (``--set``) a profile
    says nothing any more.

    :raises UsageError: there is no profile of a name.
    """
    own = recipe.get("profiles") if isinstance(recipe, dict) else None
    known = own_names(own) if isinstance(own, dict) else {}
    overlays = []
    for name in names:
        if name in known:
            overlays.append(_own(name, sound.get("profiles", {}).get(name, {})))
        elif name in catalog.profiles:
            overlays.append(Overlay(name=name, at=None, defaults=catalog.profiles[name].defaults))
        else:
            raise _unknown(name, [*known, *catalog.profiles])
    return [_silenced(overlay, assigned) for overlay in overlays]


def overlaid(key: str, recipe: Mapping[str, Any], overlays: Iterable[Overlay]) -> dict[str, Any]:
    """``limits`` or ``budget`` of the recipe under those of the profiles, key by key."""
    merged = own_names(recipe.get(key, {}))
    for overlay in overlays:
        merged |= own_names(getattr(overlay, key))
    return merged


def _silenced(overlay: Overlay, assigned: Iterable[Place]) -> Overlay:
    said: dict[str, Mapping[str, Any]] = {
        "defaults": overlay.defaults,
        "limits": overlay.limits,
        "budget": overlay.budget,
    }
    for place in assigned:
        said = without(said, place)
    return replace(
        overlay,
        defaults=said.get("defaults", {}),
        limits=said.get("limits", {}),
        budget=said.get("budget", {}),
    )


def _own(name: str, values: Mapping[str, Any]) -> Overlay:
    return Overlay(
        name=name,
        at=("profiles", name),
        defaults=values.get("defaults", {}),
        limits=values.get("limits", {}),
        budget=values.get("budget", {}),
    )


def _unknown(name: str, known: Sequence[str]) -> UsageError:
    names = ", ".join(dict.fromkeys(known))
    return UsageError(f"there is no profile {name!r}{did_you_mean(name, known)}", hint=f"profiles: {names}")
