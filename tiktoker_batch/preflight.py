"""What must be so before a run begins: keys, room on the disk, and the voices that it would pay for in vain."""

import contextlib
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import trio

from tiktoker_batch.app import Meant, Opened, cache_folder, history
from tiktoker_batch.errors import PreflightError, ProviderError
from tiktoker_batch.media.ffmpeg import find_ffmpeg, has_libass
from tiktoker_batch.model import Kind, Plan, Step, Voice
from tiktoker_batch.providers.registry import AccountCheck, not_ready, providers, spoilt_keys
from tiktoker_batch.store.state import BatchState, fold

FREE_BYTES_NEEDED = 200 * 1024 * 1024
VOICES_SECONDS = 10.0
_TELLS_VOICES = "elevenlabs"  # the one account that says what it can speak with


def require_ready(opened: Opened, meant: Meant) -> None:
    """Refuse a run for which something on this machine is missing.

    :raises PreflightError: a key is missing or cannot be sent, or the disk is full.
    """
    steps, environ = [step for step in opened.plan.steps if meant.includes(step)], opened.environ
    reasons = not_ready(steps, environ)
    if reasons:
        # What is there already asks for no key.
        reused = opened.reuse(fold(history(opened.layout)), meant.forced).predict(opened.plan)
        left = not_ready([step for step in steps if step.id not in reused], environ)
        reasons = list(dict.fromkeys((*spoilt_keys(steps, environ), *left)))
    if reasons:
        raise PreflightError("\n".join(reasons), hint="nothing was started")
    root = _existing_parent(opened.layout.root)
    free = shutil.disk_usage(root).free
    if free < FREE_BYTES_NEEDED:
        raise PreflightError(f"only {free // 2**20} MB are free at {root}", hint="make room and run again")


def require_settings(opened: Opened, *, simulated: bool = False) -> None:
    """Refuse what the environment names and a batch at work would stumble over: addresses, numbers, an ffmpeg.

    Without a filter for captions a video would fail at its end, when everything in it is paid for. Services that are
    ``simulated`` have addresses of their own.

    :raises PreflightError: something of it cannot be used; nothing was started.
    """
    environ = opened.environ
    ffmpeg = find_ffmpeg(environ)
    captioned = any(video.captions for video in opened.recipe.videos)
    if captioned:
        _require_font_cache(cache_folder(environ))
    if captioned and environ.get("TIKTOKER_FFMPEG") and not has_libass(ffmpeg):
        hint = "name one that has the ass filter, or leave captions out (captions: false); nothing was started"
        raise PreflightError(f"TIKTOKER_FFMPEG is {ffmpeg!r}, which cannot burn captions", hint=hint)
    entries = [providers()[name] for name in dict.fromkeys(step.provider for step in opened.plan.steps)]
    addresses = [name for entry in entries for name in entry.addresses if environ.get(name)]
    if any(entry.addresses for entry in entries):
        from tiktoker_batch.providers.http import base_url, reconcile_seconds  # noqa: PLC0415  (not for local batches)

        reconcile_seconds(environ)
        for name in () if simulated else addresses:
            base_url(environ, name, "")


def _require_font_cache(cache: Path) -> None:
    """The font of captions is made once, into the cache folder."""
    try:
        (cache / "fonts").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PreflightError(
            f"the cache folder {cache} cannot be written to: {error.strerror}",
            hint="mend its permissions, or name another one with TIKTOKER_CACHE_DIR; nothing was started",
        ) from None


def _existing_parent(path: Path) -> Path:
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())


# ---------------------------------------------------------------------- voices


def require_voices(opened: Opened, before: BatchState) -> None:
    """Refuse to buy pictures and clips for a narration that the account cannot speak.

    It is asked only for narrations that are to be bought, and never before requests that earlier runs left open are
    taken in. Whatever keeps the account from telling is not a reason to stop: the engine meets it again.

    :raises PreflightError: the account lacks a voice, or its address is none.
    """
    check = providers()[_TELLS_VOICES].check
    wanted = _voices_to_buy(opened, before)
    if check is None or not wanted or before.open_jobs:
        return
    told = trio.run(_voices_of, check, opened.environ)
    missing = {voice: videos for voice, videos in wanted.items() if told is not None and voice.id not in told}
    if missing:
        raise PreflightError(
            "\n".join(_lacking(voice, videos) for voice, videos in missing.items()),
            hint="add the voice to the account, or name another one in the recipe; nothing was started",
        )


def _voices_to_buy(opened: Opened, before: BatchState) -> Mapping[Voice, list[str]]:
    """The voices of narrations that are not there yet, each with the ids of its videos."""
    spoken = _only_speech(opened.plan)
    if not any(map(_tells_voices, spoken.steps)):
        return {}
    reused = opened.reuse(before).predict(spoken)
    found: defaultdict[Voice, list[str]] = defaultdict(list)
    for planned in spoken.videos:
        if any(_tells_voices(step) and step.id not in reused for step in planned.steps):
            found[planned.video.voice].append(planned.video.id)
    return found


def _only_speech(plan: Plan) -> Plan:
    """The plan without pictures and clips, whose files would be hashed for nothing."""
    kinds = {Kind.STORY, Kind.NARRATION}
    videos = (replace(each, steps=tuple(step for step in each.steps if step.kind in kinds)) for each in plan.videos)
    return replace(plan, videos=tuple(videos))


def _tells_voices(step: Step) -> bool:
    return step.kind is Kind.NARRATION and step.provider == _TELLS_VOICES


async def _voices_of(check: AccountCheck, environ: Mapping[str, str]) -> frozenset[str] | None:
    """The voices of the account by their ids; ``None`` where it does not tell, or not in time."""
    with trio.move_on_after(VOICES_SECONDS):
        with contextlib.suppress(ProviderError):
            return (await check(environ)).voices
    return None


def _lacking(voice: Voice, videos: list[str]) -> str:
    name = f"{voice.name!r} ({voice.id})" if voice.name != voice.id else repr(voice.id)
    return f"{voice.provider}: the account does not have the voice {name} of {', '.join(videos)}"
