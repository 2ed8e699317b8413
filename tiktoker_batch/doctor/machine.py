"""This machine, looked at piece by piece: programs, packages, disk, processors, terminal."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import trio

from tiktoker_batch.app import Opened, cache_folder, usual_seats
from tiktoker_batch.doctor.check import Check, Verdict, problem
from tiktoker_batch.engine.capacity import MACHINE, usable_cores
from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.media.detection import Trial, choose, try_encoders
from tiktoker_batch.media.encoders import X264
from tiktoker_batch.media.ffmpeg import encoders_of, ffmpeg_version, find_ffmpeg, has_libass
from tiktoker_batch.media.fonts import caption_font
from tiktoker_batch.preflight import FREE_BYTES_NEEDED

ROOMY_BYTES = 2 * 1024**3  # below this a batch of some length fills the disk


# ---------------------------------------------------------------------- programs and packages


def check_python() -> Check:
    """Which one runs this."""
    return Check(name="python", message=f"{platform.python_version()} ({sys.executable})")


def check_ffmpeg(environ: Mapping[str, str]) -> Iterator[Check]:
    """Whether there is one that can do what is asked of it."""
    mend = "install ffmpeg, or point TIKTOKER_FFMPEG at one that has libass and libx264"
    try:
        ffmpeg = find_ffmpeg(environ)
        yield Check(name="ffmpeg", message=f"{ffmpeg_version(ffmpeg)} ({ffmpeg})")
        yield _ability("libass", has_libass(ffmpeg), "burns captions", mend)
        yield _ability("libx264", "libx264" in encoders_of(ffmpeg), "encodes the videos", mend)
        yield _encoders(ffmpeg, environ)
    except (TiktokerError, OSError, subprocess.SubprocessError) as error:
        yield problem("ffmpeg", error, mend)


def _ability(name: str, there: bool, purpose: str, mend: str) -> Check:
    if there:
        return Check(name=name, message=purpose)
    return Check(name=name, verdict="problem", message=f"this ffmpeg lacks it ({purpose})", mend=mend)


def _encoders(ffmpeg: str, environ: Mapping[str, str]) -> Check:
    """What ``encoder`` in a recipe can name here; tried anew, as somebody may have mended a driver."""
    trials = trio.run(try_encoders, ffmpeg, cache_folder(environ))
    told = [_trial_text(trial) for trial in trials if trial.name != X264.name]
    chosen, _ = choose("auto", trials)
    return Check(name="encoders", message=f"x264; {'; '.join(told)}; auto means {chosen.name}")


def _trial_text(trial: Trial) -> str:
    if trial.seconds is None:
        return f"no {trial.name}: {trial.reason}"
    return f"{trial.name} works ({trial.seconds:.1f} s for 3 s of picture)"


def check_font(environ: Mapping[str, str]) -> Check:
    """Whether captions can be drawn."""
    try:
        font = caption_font(cache_folder(environ))
    except (TiktokerError, OSError, ImportError) as error:
        return problem("caption font", error, "install tiktoker-batch again, or set TIKTOKER_CACHE_DIR")
    return Check(name="caption font", message=f"{font.family} ({font.file})")


def check_english_speech() -> Check:
    """Whether the neural voice loads."""
    mend = "install tiktoker-batch again"
    try:
        from tiktoker_batch.providers.local.speech.hibari import HibariVoice  # noqa: PLC0415  (loads a neural voice)

        HibariVoice("heart")
    except Exception as error:  # whatever a broken installation raises
        return problem("English speech", error, mend)
    return Check(name="English speech", message="the voice of hibari loads")


def check_other_speech(opened: Opened | None) -> Check:
    """Whether other languages can be spoken here, and whether the recipe asks for it."""
    name, mend = "other languages", "pip install 'tiktoker-batch[espeak]', or name a cloud narration model"
    if importlib.util.find_spec("espeakng_loader") is not None:
        return Check(name=name, message="espeak-ng is installed")
    if opened and any((step.provider, step.model) == ("local", "espeak-ng") for step in opened.plan.steps):
        return Check(name=name, verdict="problem", message="the recipe needs espeak-ng", mend=mend)
    return Check(name=name, verdict="warning", message="no espeak-ng: only English can be spoken here", mend=mend)


# ---------------------------------------------------------------------- this machine


def _nearest_folder(path: Path) -> Path:
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())


def check_writable(root: Path) -> Check:
    """Whether the output folder can be made and filled."""
    folder, name = _nearest_folder(root), "output folder"
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return Check(name=name, message=f"{root} can be written to")
    return Check(
        name=name,
        verdict="problem",
        message=f"{folder} cannot be written to",
        mend="choose another folder with --output, or mend its permissions",
    )


def check_disk(root: Path) -> Check:
    """Whether there is room for a batch."""
    free = shutil.disk_usage(_nearest_folder(root)).free
    message = f"{free / 1024**3:.1f} GB free at {_nearest_folder(root)}"
    verdict: Verdict = "problem" if free < FREE_BYTES_NEEDED else "warning" if free < ROOMY_BYTES else "ok"
    return Check(name="disk", verdict=verdict, message=message, mend=None if verdict == "ok" else "make room")


def check_processors(opened: Opened | None) -> Check:
    """Whether no more is done at once than there are processors for."""
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


def check_terminal() -> Check:
    """Whether it can show what we say."""
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
