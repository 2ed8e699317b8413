"""Whether this machine can make videos: each check is a value that says how to mend what it found."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tiktoker_batch.app import Opened, Options, cache_folder, environment, open_recipe, usual_seats
from tiktoker_batch.engine.capacity import MACHINE, usable_cores
from tiktoker_batch.errors import ExitCode, TiktokerError
from tiktoker_batch.media.ffmpeg import ffmpeg_version, find_ffmpeg, has_libass
from tiktoker_batch.media.fonts import caption_font
from tiktoker_batch.providers.registry import Entry, not_ready, providers
from tiktoker_batch.running import FREE_BYTES_NEEDED

Verdict = Literal["ok", "warning", "problem"]
ROOMY_BYTES = 2 * 1024**3  # below this a batch of some length fills the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. Only a ``problem`` keeps a batch from running."""

    name: str
    verdict: Verdict = "ok"
    message: str
    mend: str | None = None


def examine(recipe: Path | None = None, output: Path | None = None) -> list[Check]:
    """Look at everything a recipe needs, or at what any local batch needs. Keys are never shown.

    :raises RecipeError: the recipe is not valid.
    """
    opened = open_recipe(recipe, Options(output=output)) if recipe else None
    environ = opened.environ if opened else environment(Path("recipe.yaml"))
    root = opened.layout.root if opened else output or Path("output")
    found = [_python(), *_ffmpeg(environ), _font(environ), _english_speech(), _other_speech(opened)]
    found += [_key(entry, environ, opened) for entry in providers().values() if entry.keys]
    found += [_writable(root), _disk(root), _processors(opened), _terminal()]
    return [*found, *_recipe(opened)]


def exit_code(checks: Iterable[Check]) -> ExitCode:
    """Ready, or not."""
    return ExitCode.NOT_READY if any(check.verdict == "problem" for check in checks) else ExitCode.OK


def _problem(name: str, error: Exception, mend: str) -> Check:
    """What a failed look means, in the error's own words where it has some."""
    if isinstance(error, TiktokerError):
        return Check(name=name, verdict="problem", message=error.message, mend=error.hint or mend)
    return Check(name=name, verdict="problem", message=f"{type(error).__name__}: {error}", mend=mend)


# ---------------------------------------------------------------------- programs and packages


def _python() -> Check:
    return Check(name="python", message=f"{platform.python_version()} ({sys.executable})")


def _ffmpeg(environ: Mapping[str, str]) -> Iterator[Check]:
    mend = "install ffmpeg, or point TIKTOKER_FFMPEG at one that has libass and libx264"
    try:
        ffmpeg = find_ffmpeg(environ)
        yield Check(name="ffmpeg", message=f"{ffmpeg_version(ffmpeg)} ({ffmpeg})")
        yield _ability("libass", has_libass(ffmpeg), "burns captions", mend)
        yield _ability("libx264", _has_encoder(ffmpeg, "libx264"), "encodes the videos", mend)
    except (TiktokerError, OSError, subprocess.SubprocessError) as error:
        yield _problem("ffmpeg", error, mend)


def _ability(name: str, there: bool, purpose: str, mend: str) -> Check:
    if there:
        return Check(name=name, message=purpose)
    return Check(name=name, verdict="problem", message=f"this ffmpeg lacks it ({purpose})", mend=mend)


def _has_encoder(ffmpeg: str, encoder: str) -> bool:
    listing = subprocess.run(
        [ffmpeg, "-hide_banner", "-encoders"], capture_output=True, text=True, timeout=20, check=False
    )
    return any(encoder in line.split()[1:2] for line in listing.stdout.splitlines())


def _font(environ: Mapping[str, str]) -> Check:
    try:
        font = caption_font(cache_folder(environ))
    except (TiktokerError, OSError, ImportError) as error:
        return _problem("caption font", error, "install tiktoker-batch again, or set TIKTOKER_CACHE_DIR")
    return Check(name="caption font", message=f"{font.family} ({font.file})")


def _english_speech() -> Check:
    mend = "install tiktoker-batch again"
    try:
        from tiktoker_batch.providers.local.speech.hibari import HibariVoice  # noqa: PLC0415  (loads a neural voice)

        HibariVoice("heart")
    except Exception as error:  # whatever a broken installation raises
        return _problem("English speech", error, mend)
    return Check(name="English speech", message="the voice of hibari loads")


def _other_speech(opened: Opened | None) -> Check:
    name, mend = "other languages", "pip install 'tiktoker-batch[espeak]', or name a cloud narration model"
    if importlib.util.find_spec("espeakng_loader") is not None:
        return Check(name=name, message="espeak-ng is installed")
    if opened and any((step.provider, step.model) == ("local", "espeak-ng") for step in opened.plan.steps):
        return Check(name=name, verdict="problem", message="the recipe needs espeak-ng", mend=mend)
    return Check(name=name, verdict="warning", message="no espeak-ng: only English can be spoken here", mend=mend)


# ---------------------------------------------------------------------- accounts


def _key(entry: Entry, environ: Mapping[str, str], opened: Opened | None) -> Check:
    """Whether the key is there; what it is stays unsaid."""
    name = f"{entry.name} key"
    needed = opened is not None and any(step.provider == entry.name for step in opened.plan.steps)
    if entry.has_key(environ):
        return Check(name=name, message="set")
    if not needed:
        return Check(name=name, message=f"not set; only recipes with {entry.name}: models need it")
    return Check(
        name=name,
        verdict="problem",
        message="not set, and the recipe needs it",
        mend=f"set {' or '.join(' + '.join(group) for group in entry.keys)} in the environment or in a .env file; "
        f"keys: {entry.signup}",
    )


# ---------------------------------------------------------------------- this machine


def _nearest_folder(path: Path) -> Path:
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())


def _writable(root: Path) -> Check:
    folder, name = _nearest_folder(root), "output folder"
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return Check(name=name, message=f"{root} can be written to")
    return Check(
        name=name,
        verdict="problem",
        message=f"{folder} cannot be written to",
        mend="choose another folder with --output, or mend its permissions",
    )


def _disk(root: Path) -> Check:
    free = shutil.disk_usage(_nearest_folder(root)).free
    message = f"{free / 1024**3:.1f} GB free at {_nearest_folder(root)}"
    verdict: Verdict = "problem" if free < FREE_BYTES_NEEDED else "warning" if free < ROOMY_BYTES else "ok"
    return Check(name="disk", verdict=verdict, message=message, mend=None if verdict == "ok" else "make room")


def _processors(opened: Opened | None) -> Check:
    cores = usable_cores()
    limits = opened.capacity if opened else {**dict.fromkeys(MACHINE, cores), **usual_seats()}
    listed = ", ".join(f"{name} {seats}" for name, seats in limits.items())
    message = f"{cores} to use; at once: {listed}"
    over = [name for name in MACHINE if limits.get(name, 0) > cores]
    if over:
        return Check(
            name="processors",
            verdict="warning",
            message=message,
            mend=f"more than the processors can do at once only slows things down: {', '.join(over)}",
        )
    return Check(name="processors", message=message)


def _terminal() -> Check:
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    where = f"{shutil.get_terminal_size().columns} columns" if sys.stderr.isatty() else "not a terminal: plain progress"
    if encoding.replace("-", "").startswith("utf"):
        return Check(name="terminal", message=f"{encoding}, {where}")
    return Check(
        name="terminal",
        verdict="warning",
        message=f"{encoding}, {where}: characters it lacks are shown as ?",
        mend="set PYTHONUTF8=1, or LANG to a UTF-8 locale",
    )


def _recipe(opened: Opened | None) -> Iterator[Check]:
    """The recipe itself, and whatever else keeps it from running that no line above has said."""
    if opened is None:
        return
    path = opened.recipe.path
    yield Check(name="recipe", message=f"{path} is valid ({len(opened.plan.steps)} steps)")
    said = {name for name, entry in providers().items() if not entry.has_key(opened.environ)}
    for reason in not_ready(opened.plan.steps, opened.environ):
        if reason.split(":", 1)[0] not in said and "espeak" not in reason:
            yield Check(name="recipe", verdict="problem", message=reason, mend="choose other models in the recipe")
