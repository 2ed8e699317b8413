"""Profiles that exist built in: overlays of a recipe's ``defaults``, chosen by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tiktoker_batch.catalog.fields import Fields, WrongEntry, text, texts
from tiktoker_batch.catalog.models import KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A choice of models under a name: for each kind of work those that may do it.

    Where there are several, the first that knows the video's language does.
    """

    name: str
    title: str
    models: Mapping[str, tuple[str, ...]]

    @property
    def defaults(self) -> dict[str, Any]:
        """What it lays over a recipe's ``defaults``."""
        return {"models": dict(self.models)}


def build_profile(name: str, fields: Fields) -> Profile:
    """A profile of the catalog's own file.

    :raises WrongEntry: it is not complete.
    """
    return Profile(name=name, title=fields.take("title", text), models=fields.take("models", _models))


def _models(value: object) -> Mapping[str, tuple[str, ...]]:
    fields = Fields(value)
    models = {kind: fields.take(kind, _refs) for kind in KINDS}
    fields.close()
    return models


def _refs(value: object) -> tuple[str, ...]:
    refs = texts(value) if isinstance(value, list) else (text(value),)
    if not refs:
        raise WrongEntry("expected a model")
    return refs
