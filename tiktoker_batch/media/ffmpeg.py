"""Finding ffmpeg and running it under Trio: cancelled as a whole process group, its last words kept."""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import trio

from tiktoker_batch.errors import MediaError, PreflightError

STDERR_KEPT = 16_384  # bytes of a failed run that a message can draw on
GRACE_SECONDS = 2.0


def find_ffmpeg(environ: Mapping[str, str]) -> str:
    """The ffmpeg to use: ``TIKTOKER_FFMPEG``, else one on the PATH that has libass, else the wheel's own.

    :raises PreflightError: the named one cannot run or is something else, or none is there.
    """
    named = environ.get("TIKTOKER_FFMPEG")
    if named:
        found = shutil.which(named, path=environ.get("PATH"))
        if found is None:
            raise PreflightError(f"TIKTOKER_FFMPEG is {named!r}, which cannot be run", hint="unset it or correct it")
        if not _filters(found):
            message = f"TIKTOKER_FFMPEG is {named!r}, which does not answer as ffmpeg does"
            raise PreflightError(message, hint="unset it or correct it")
        return found
    system = shutil.which("ffmpeg", path=environ.get("PATH", ""))
    if system and has_libass(system):
        return system
    return bundled_ffmpeg()


def bundled_ffmpeg() -> str:
    """The ffmpeg that came with the imageio-ffmpeg wheel."""
    import imageio_ffmpeg  # noqa: PLC0415  (only looked at when no other ffmpeg serves)

    folder = Path(imageio_ffmpeg.__file__).parent / "binaries"
    for candidate in sorted(folder.glob("ffmpeg-*")):
        if os.access(candidate, os.X_OK):
            return str(candidate)
    raise PreflightError(
        "no ffmpeg with libass was found",
        hint="install ffmpeg, or point TIKTOKER_FFMPEG at one that has the ass filter",
    )


def has_libass(ffmpeg: str) -> bool:
    """Whether this ffmpeg can burn captions."""
    return "ass" in _filters(ffmpeg)


@functools.cache
def _filters(ffmpeg: str) -> frozenset[str]:
    """The names of its filters; none if it is no ffmpeg."""
    try:
        listing = subprocess.run([ffmpeg, "-hide_banner", "-filters"], capture_output=True, text=True, timeout=20)  # noqa: PLW1510
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired):
        return frozenset()
    # A line for each: flags, its name, and its inputs and outputs like V->V.
    rows = (line.split() for line in listing.stdout.splitlines())
    return frozenset(row[1] for row in rows if len(row) > 2 and "->" in row[2])


@functools.cache
def encoders_of(ffmpeg: str) -> frozenset[str]:
    """The encoders that this ffmpeg knows of by name; whether they work here is another matter."""
    listing = subprocess.run([ffmpeg, "-hide_banner", "-encoders"], capture_output=True, text=True, timeout=20)  # noqa: PLW1510
    return frozenset(line.split()[1] for line in listing.stdout.splitlines() if len(line.split()) > 1)


@functools.cache
def ffmpeg_version(ffmpeg: str) -> str:
    """The version text of this ffmpeg, for ``doctor``."""
    shown = subprocess.run([ffmpeg, "-version"], capture_output=True, text=True, timeout=20)  # noqa: PLW1510
    return shown.stdout.split("\n", 1)[0].removeprefix("ffmpeg version ").split(" ", 1)[0]


async def run_ffmpeg(ffmpeg: str, arguments: Sequence[str], *, cwd: Path | None = None) -> str:
    """Run ffmpeg to its end and return what it said on stderr.

    :raises MediaError: it did not end with status 0.
    """
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-y", *arguments]
    done = await trio.run_process(
        [*_politely(), *argv],
        cwd=cwd,
        capture_stderr=True,
        check=False,
        start_new_session=True,  # keeps the terminal's Ctrl-C away; we decide when it dies
        deliver_cancel=kill_group,
    )
    said = done.stderr.decode(errors="replace")
    if done.returncode != 0:
        raise MediaError(
            f"ffmpeg ended with status {done.returncode}", argv=argv, status=done.returncode, stderr=said[-STDERR_KEPT:]
        )
    return said


@functools.cache
def _politely() -> tuple[str, ...]:
    """Encoding waits for whoever talks to the network: a clip that has arrived is fetched before another is encoded."""
    nice = shutil.which("nice")
    return (nice, "-n", "5") if nice else ()


async def kill_group(process: trio.Process) -> None:
    """End a process and all its children: politely, then for certain. Trio calls it shielded."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with trio.move_on_after(GRACE_SECONDS):
        await process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
