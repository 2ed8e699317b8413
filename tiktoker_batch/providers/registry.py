"""Who there is: each provider, what it needs to be ready, and how it is opened."""

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points

from tiktoker_batch.errors import PreflightError
from tiktoker_batch.model import Model, Step
from tiktoker_batch.providers.base import Provider
from tiktoker_batch.providers.setting import Setting

PLUGINS = "tiktoker_batch.providers"  # the entry-point group in which other packages offer theirs
Opening = Callable[[Setting], AbstractAsyncContextManager[Provider]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A provider. ``keys`` are alternatives: one of these groups of environment variables must be set.

    ``addresses`` are the variables that name its services elsewhere; ``seats`` is how much is asked of it at once
    unless a recipe says otherwise. ``models`` are those that it brings along.
    """

    name: str
    open: Opening
    keys: tuple[tuple[str, ...], ...] = ()
    signup: str = ""
    addresses: tuple[str, ...] = ()
    seats: int | None = None
    models: tuple[Model, ...] = ()

    def has_key(self, environ: Mapping[str, str]) -> bool:
        """Whether the account's key is there; never looks at what it is."""
        return not self.keys or any(all(environ.get(name) for name in group) for group in self.keys)


def _open_local(setting: Setting) -> AbstractAsyncContextManager[Provider]:
    from tiktoker_batch.providers.local.provider import open_local  # noqa: PLC0415  (only a run needs it)

    return open_local(ffmpeg=setting.ffmpeg, workers=setting.workers)


def _open_fal(setting: Setting) -> AbstractAsyncContextManager[Provider]:
    from tiktoker_batch.providers.fal.provider import open_fal  # noqa: PLC0415  (only a run that needs it)

    return open_fal(setting)


def _open_elevenlabs(setting: Setting) -> AbstractAsyncContextManager[Provider]:
    from tiktoker_batch.providers.elevenlabs import open_elevenlabs  # noqa: PLC0415  (its SDK loads for a second)

    return open_elevenlabs(setting)


def _open_openrouter(setting: Setting) -> AbstractAsyncContextManager[Provider]:
    from tiktoker_batch.providers.openrouter import open_openrouter  # noqa: PLC0415  (only a run that needs it)

    return open_openrouter(setting)


PROVIDERS: dict[str, Entry] = {
    "local": Entry(name="local", open=_open_local),
    "fal": Entry(
        name="fal",
        open=_open_fal,
        keys=(("FAL_KEY",), ("FAL_KEY_ID", "FAL_KEY_SECRET"), ("FAL_API_KEY",)),
        signup="https://fal.ai/dashboard/keys",
        addresses=("FAL_QUEUE_URL", "FAL_STORAGE_URL", "FAL_API_URL"),
        seats=10,
    ),
    "elevenlabs": Entry(
        name="elevenlabs",
        open=_open_elevenlabs,
        keys=(("ELEVENLABS_API_KEY",),),
        signup="https://elevenlabs.io/app/settings/api-keys",
        addresses=("ELEVENLABS_BASE_URL",),
        seats=4,
    ),
    "openrouter": Entry(
        name="openrouter",
        open=_open_openrouter,
        keys=(("OPENROUTER_API_KEY",),),
        signup="https://openrouter.ai/keys",
        addresses=("OPENROUTER_BASE_URL",),
        seats=8,
    ),
}


@cache
def providers() -> Mapping[str, Entry]:
    """Every provider by name: our own, and those of installed packages.

    :raises PreflightError: a package offers something that is no provider, or one under a name that is taken.
    """
    found = dict(PROVIDERS)
    for point in sorted(entry_points(group=PLUGINS), key=lambda each: each.name):
        offered = point.dist.name if point.dist else point.value
        mend = f"pip uninstall {offered}, or mend it"
        try:
            entry = point.load()
        except Exception as error:  # whatever a broken package raises
            message = f"the provider {point.name!r} of {offered} cannot be loaded: {type(error).__name__}: {error}"
            raise PreflightError(message, hint=mend) from error
        if not isinstance(entry, Entry) or entry.name != point.name:
            raise PreflightError(f"what {offered} offers as provider {point.name!r} is not an Entry of it", hint=mend)
        if entry.name in found:
            raise PreflightError(f"{offered} offers a provider {entry.name!r}, which there is already", hint=mend)
        found[entry.name] = entry
    return found


def not_ready(steps: Iterable[Step], environ: Mapping[str, str]) -> list[str]:
    """Why these steps cannot be done here, a sentence each with what to do; empty when all is well."""
    models = dict.fromkeys((step.provider, step.model) for step in steps)
    reasons = [reason for name in dict.fromkeys(name for name, _ in models) if (reason := _reason(name, environ))]
    if ("local", "espeak-ng") in models and importlib.util.find_spec("espeakng_loader") is None:
        reasons.append(
            "speech in languages other than English needs espeak-ng: pip install 'tiktoker-batch[espeak]' "
            "(or name a cloud narration model)"
        )
    return reasons


def _reason(name: str, environ: Mapping[str, str]) -> str | None:
    entry = providers().get(name)
    if entry is None:
        return f"no provider is called {name!r}; there are: {', '.join(providers())}"
    if not entry.has_key(environ):
        first, *others = (" + ".join(group) for group in entry.keys)
        alternatives = f" (or {', or '.join(others)})" if others else ""
        return f"{name}: set {first}{alternatives} in the environment or in a .env file; keys: {entry.signup}"
    return None
