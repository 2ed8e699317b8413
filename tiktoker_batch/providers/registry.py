"""Who there is: each provider, what it needs to be ready, and how it is opened."""

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from tiktoker_batch.model import Step
from tiktoker_batch.providers.base import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a provider is opened with: the ffmpeg to run and how many things may be done on this machine at once."""

    ffmpeg: str
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A provider. ``keys`` are alternatives: one of these groups of environment variables must be set."""

    name: str
    keys: tuple[tuple[str, ...], ...] = ()
    signup: str = ""
    open: Callable[[Setting], AbstractAsyncContextManager[Provider]] | None = None

    def has_key(self, environ: Mapping[str, str]) -> bool:
        """Whether the account's key is there; never looks at what it is."""
        return not self.keys or any(all(environ.get(name) for name in group) for group in self.keys)


def _open_local(setting: Setting) -> AbstractAsyncContextManager[Provider]:
    from tiktoker_batch.providers.local.provider import open_local  # noqa: PLC0415  (only a run needs it)

    return open_local(ffmpeg=setting.ffmpeg, workers=setting.workers)


PROVIDERS: dict[str, Entry] = {
    "local": Entry(name="local", open=_open_local),
    "fal": Entry(
        name="fal",
        keys=(("FAL_KEY",), ("FAL_KEY_ID", "FAL_KEY_SECRET"), ("FAL_API_KEY",)),
        signup="https://fal.ai/dashboard/keys",
    ),
    "elevenlabs": Entry(
        name="elevenlabs", keys=(("ELEVENLABS_API_KEY",),), signup="https://elevenlabs.io/app/settings/api-keys"
    ),
    "openrouter": Entry(name="openrouter", keys=(("OPENROUTER_API_KEY",),), signup="https://openrouter.ai/keys"),
}


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
    entry = PROVIDERS.get(name)
    if entry is None:
        return f"no provider is called {name!r}; there are: {', '.join(PROVIDERS)}"
    if not entry.has_key(environ):
        first, *others = (" + ".join(group) for group in entry.keys)
        alternatives = f" (or {', or '.join(others)})" if others else ""
        return f"{name}: set {first}{alternatives} in the environment or in a .env file; keys: {entry.signup}"
    if entry.open is None:
        return f"{name}: this version of tiktoker-batch cannot call it yet; name 'local:' models instead"
    return None
