"""Who there is: each provider, what it needs to be ready, and how it is opened."""

import importlib.util
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from tiktoker_batch.errors import PreflightError
from tiktoker_batch.model import Model, Step
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.providers.account import Account, KeyShape, is_sendable, set_keys
from tiktoker_batch.providers.base import Provider
from tiktoker_batch.providers.setting import Setting

PLUGINS = "tiktoker_batch.providers"  # the entry-point group in which other packages offer theirs
Opening = Callable[[Setting], AbstractAsyncContextManager[Provider]]
AccountCheck = Callable[[Mapping[str, str]], Awaitable[Account]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A provider. ``keys`` are alternatives: one of these groups of environment variables must be set.

    ``addresses`` are the variables that name its services elsewhere; ``seats`` is how much is asked of it at once
    unless a recipe says otherwise. ``models`` are those that it brings along. ``shapes`` tell what the variables of
    ``keys`` look like. ``check`` asks the account, in an environment with its key, one thing that is quick and free;
    it raises ``AuthFailed`` when the key is refused, any other ``ProviderError`` when that cannot be found out, and
    ``PreflightError`` when its address is none.
    """

    name: str
    open: Opening
    keys: tuple[tuple[str, ...], ...] = ()
    signup: str = ""
    addresses: tuple[str, ...] = ()
    seats: int | None = None
    models: tuple[Model, ...] = ()
    shapes: Mapping[str, KeyShape] = field(default_factory=dict)
    check: AccountCheck | None = None

    def has_key(self, environ: Mapping[str, str]) -> bool:
        """Whether the account's key is there; never looks at what it is."""
        return not self.keys or bool(set_keys(self.keys, environ))

    def unsendable(self, environ: Mapping[str, str]) -> tuple[str, ...]:
        """Those variables of the key whose value no request could carry."""
        return tuple(name for name in set_keys(self.keys, environ) if not is_sendable(environ[name]))

    def key(self, environ: Mapping[str, str]) -> str:
        """The key as it is sent, its parts with a colon between them; empty where none is set.

        :raises PreflightError: no request could carry it.
        """
        spoilt = self.spoilt(environ)
        if spoilt:
            raise PreflightError(spoilt)
        return ":".join(environ[name].strip() for name in set_keys(self.keys, environ))

    def spoilt(self, environ: Mapping[str, str]) -> str | None:
        """A sentence on a key that no request could carry; ``None`` where all is well with it, or none is set."""
        names = " and ".join(self.unsendable(environ))
        return f"{self.name}: what {names} holds cannot be sent as a key; keys: {self.signup}" if names else None


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


async def _check_fal(environ: Mapping[str, str]) -> Account:
    from tiktoker_batch.providers.accounts import check_fal  # noqa: PLC0415  (only the doctor needs it)

    return await check_fal(environ)


async def _check_elevenlabs(environ: Mapping[str, str]) -> Account:
    from tiktoker_batch.providers.accounts import check_elevenlabs  # noqa: PLC0415  (only the doctor needs it)

    return await check_elevenlabs(environ)


async def _check_openrouter(environ: Mapping[str, str]) -> Account:
    from tiktoker_batch.providers.accounts import check_openrouter  # noqa: PLC0415  (only the doctor needs it)

    return await check_openrouter(environ)


_FAL_PAIR = KeyShape(pattern=r"[^:]+:[^:]+", expected="two parts with a colon between them, id:secret")
_FAL_PART = KeyShape(pattern=r"[^:]+", expected="one part of the key, without a colon")

PROVIDERS: dict[str, Entry] = {
    "local": Entry(name="local", open=_open_local),
    "fal": Entry(
        name="fal",
        open=_open_fal,
        keys=(("FAL_KEY",), ("FAL_KEY_ID", "FAL_KEY_SECRET"), ("FAL_API_KEY",)),
        signup="https://fal.ai/dashboard/keys",
        addresses=("FAL_QUEUE_URL", "FAL_STORAGE_URL", "FAL_API_URL"),
        seats=10,
        shapes={"FAL_KEY": _FAL_PAIR, "FAL_API_KEY": _FAL_PAIR, "FAL_KEY_ID": _FAL_PART, "FAL_KEY_SECRET": _FAL_PART},
        check=_check_fal,
    ),
    "elevenlabs": Entry(
        name="elevenlabs",
        open=_open_elevenlabs,
        keys=(("ELEVENLABS_API_KEY",),),
        signup="https://elevenlabs.io/app/settings/api-keys",
        addresses=("ELEVENLABS_BASE_URL",),
        seats=4,
        shapes={
            "ELEVENLABS_API_KEY": KeyShape(
                pattern=r"[0-9a-f]{32}|sk_[0-9A-Za-z]+",
                expected="sk_ and letters and digits (older keys: 32 of 0-9 and a-f)",
            )
        },
        check=_check_elevenlabs,
    ),
    "openrouter": Entry(
        name="openrouter",
        open=_open_openrouter,
        keys=(("OPENROUTER_API_KEY",),),
        signup="https://openrouter.ai/keys",
        addresses=("OPENROUTER_BASE_URL",),
        seats=8,
        shapes={"OPENROUTER_API_KEY": KeyShape(pattern=r"sk-or-.+", expected="a key that begins with sk-or-")},
        check=_check_openrouter,
    ),
}


@cache
def providers() -> Mapping[str, Entry]:
    """Every provider by name: our own, and those of installed packages.

    :raises PreflightError: a package offers something that is no provider, or one under a name that is taken.
    """
    found = dict(PROVIDERS)
    for point in sorted(entry_points(group=PLUGINS), key=lambda each: each.name):
        entry, wrong = _loaded(point, found)
        if wrong or entry is None:
            offered = point.dist.name if point.dist else point.value
            message = f"the provider {point.name!r} of the package {offered} cannot be used: {wrong}"
            raise PreflightError(message, hint=f"pip uninstall {offered}, or mend it")
        found[entry.name] = entry
    return found


def _loaded(point: EntryPoint, taken: Collection[str]) -> tuple[Entry | None, str | None]:
    """What an entry point leads to, or what is wrong with it."""
    try:
        entry = point.load()
    except Exception as error:  # whatever a broken package raises
        return None, f"loading {point.value} ends in {type(error).__name__}: {error}"
    if not isinstance(entry, Entry):
        return None, f"{point.value} is of type {type(entry).__name__}, expected {Entry.__module__}.Entry"
    if entry.name in taken:
        return None, f"there is a provider {entry.name!r} already"
    if entry.name != point.name:
        return None, f"it calls itself {entry.name!r}; entry point and Entry must have one name"
    strange = [model.ref for model in entry.models if model.provider != entry.name]
    if strange:
        return None, f"it brings models of another provider: {', '.join(strange)}"
    return entry, None


def world_of(name: str, environ: Mapping[str, str]) -> str:
    """Which services a provider speaks to: ``real`` ones, or those at the addresses that the environment names.

    Results of one world never stand for those of another: a simulated service is reached by an address of its own.
    """
    told = {each: environ[each].rstrip("/") for each in providers()[name].addresses if environ.get(each)}
    return f"at-{digest(told)[:12]}" if told else "real"


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
    return entry.spoilt(environ)


def spoilt_keys(steps: Iterable[Step], environ: Mapping[str, str]) -> list[str]:
    """A sentence on each key that is set for these steps and could never be sent."""
    names = dict.fromkeys(step.provider for step in steps if step.provider in providers())
    return [spoilt for name in names if (spoilt := providers()[name].spoilt(environ))]


def key_names() -> frozenset[str]:
    """Every variable that may hold a key, those of packages included whose provider can be used."""
    try:
        known = providers()
    except PreflightError:
        known = PROVIDERS
    return frozenset(name for entry in known.values() for group in entry.keys for name in group)


def keys_set(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Whatever is set where a key may be, sent or not."""
    return tuple(environ[name] for name in sorted(key_names()) if environ.get(name))
