"""Which encoders really work here: each encodes something, in the form of a segment, and the result is looked at.

That takes a moment for those that do not work and seconds for those that hang, so it is done where an encoder is asked
for, and remembered for this ffmpeg on this machine with these devices.
"""

import json
import platform
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import trio

from tiktoker_batch.errors import MediaError, TiktokerError
from tiktoker_batch.media import commands
from tiktoker_batch.media.encoders import HARDWARE_NAMES, X264, Encoder, hardware
from tiktoker_batch.media.ffmpeg import encoders_of, run_ffmpeg
from tiktoker_batch.media.probe import VideoStream, probe
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.store.artifacts import write_atomic

DEADLINE_SECONDS = 15.0  # of one encoder's trial; a driver that has lost its device may never answer
WORTHWHILE = 1.5  # times as quick as x264, for ``auto``: less would not make up for files that are larger
_CANVAS = commands.Canvas(width=720, height=1280, fps=24)
_PATTERNS = (("testsrc2", 72), ("smptebars", 12))  # unlike each other: their codec headers must be alike
_DRI = Path("/dev/dri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of trying an encoder: its ``seconds`` for three seconds of picture, or why it does not work."""

    name: str
    seconds: float | None = None
    device: str | None = None
    reason: str = ""


class Detection:
    """The trials of one process: made once, whoever asks."""

    def __init__(self) -> None:
        self._lock = trio.Lock()
        self._trials: dict[str, Sequence[Trial]] = {}

    async def trials(self, ffmpeg: str, cache: Path) -> Sequence[Trial]:
        """Those of this ffmpeg, as they are remembered in the ``cache`` folder, or made now."""
        async with self._lock:
            if ffmpeg not in self._trials:
                self._trials[ffmpeg] = _remembered(ffmpeg, cache) or await try_encoders(ffmpeg, cache)
            return self._trials[ffmpeg]

    def give_up(self, ffmpeg: str, cache: Path, name: str, reason: str) -> None:
        """One that worked has failed: it is left alone from now on, and tried anew by the next process."""
        gone = Trial(name=name, reason=reason)
        self._trials[ffmpeg] = [gone if trial.name == name else trial for trial in self._trials.get(ffmpeg, ())]
        with suppress(OSError):
            _file(ffmpeg, cache).unlink()


def choose(wanted: str, trials: Sequence[Trial]) -> tuple[Encoder, str | None]:
    """The encoder for what a recipe wants (``auto`` or a name), and why it is not the one that was named."""
    working = {trial.name: trial for trial in trials if trial.seconds is not None}
    if wanted == "auto":
        usual = working[X264.name].seconds if X264.name in working else None
        quick = [trial for trial in working.values() if usual and trial.seconds and usual / trial.seconds >= WORTHWHILE]
        best = min(quick, key=lambda trial: trial.seconds or 0.0, default=None)
        return (X264 if best is None else hardware(best.name, best.device)), None
    if wanted in working:
        return hardware(wanted, working[wanted].device), None
    reason = next((trial.reason for trial in trials if trial.name == wanted), "not tried")
    return X264, f"the encoder {wanted} does not work here ({reason}); x264 was used"


async def try_encoders(ffmpeg: str, cache: Path) -> Sequence[Trial]:
    """Try every one now, and remember what came of it. x264 is timed only where there is something to compare."""
    offered = await trio.to_thread.run_sync(encoders_of, ffmpeg)
    trials = [await _tried(ffmpeg, name, offered) for name in HARDWARE_NAMES]
    if any(trial.seconds is not None for trial in trials):
        trials.insert(0, await _encoded(ffmpeg, X264))
    _remember(ffmpeg, cache, trials)
    return trials


async def _tried(ffmpeg: str, name: str, offered: frozenset[str]) -> Trial:
    trial = Trial(name=name, reason="not tried")
    for device in _devices(name):
        encoder = hardware(name, device)
        if encoder.codec not in offered:
            return Trial(name=name, reason=f"this ffmpeg has no {encoder.codec}")
        trial = await _encoded(ffmpeg, encoder)
        if trial.seconds is not None:
            return trial
    return trial


def _devices(name: str) -> Sequence[str | None]:
    if hardware(name).device is None:
        return (None,)
    return [str(path) for path in sorted(_DRI.glob("renderD*"))] or (None,)


async def _encoded(ffmpeg: str, encoder: Encoder) -> Trial:
    forms: list[VideoStream | None] = []
    seconds = 0.0
    try:
        with tempfile.TemporaryDirectory() as folder, trio.fail_after(DEADLINE_SECONDS):
            for pattern, frames in _PATTERNS:
                out = Path(folder) / f"{pattern}.mp4"
                arguments = commands.trial(pattern, out.name, canvas=_CANVAS, frames=frames, encoder=encoder)
                began = time.perf_counter()
                await run_ffmpeg(ffmpeg, arguments, cwd=Path(folder))
                seconds = seconds or time.perf_counter() - began
                video = probe(out).video
                if video is None or video.frames != frames:
                    return _fault(encoder, f"it made {video.frames if video else 0} frames of {frames}")
                forms.append(video)
    except MediaError as error:
        return _fault(encoder, reason_of(error))
    except trio.TooSlowError:
        return _fault(encoder, f"no answer within {DEADLINE_SECONDS:g} s")
    if len({(form.header, form.width, form.height, form.time_base) for form in forms if form}) != 1:
        return _fault(encoder, "what it makes cannot be joined")
    return Trial(name=encoder.name, seconds=round(seconds, 3), device=encoder.device)


def _fault(encoder: Encoder, reason: str) -> Trial:
    return Trial(name=encoder.name, device=encoder.device, reason=reason)


def reason_of(error: MediaError) -> str:
    """What ffmpeg said first in the name of one of its parts; the rest is what follows from it."""
    lines = [line.strip() for line in error.stderr.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("[")), lines[-1] if lines else error.message)
    return re.sub(r"^\[[^]]*\]\s*", "", said).rstrip(".")


# ---------------------------------------------------------------------- remembering


def _remembered(ffmpeg: str, cache: Path) -> Sequence[Trial] | None:
    """The trials of an earlier process; ``None`` where there are none that hold."""
    try:
        return [Trial(**told) for told in json.loads(_file(ffmpeg, cache).read_text(encoding="utf-8"))] or None
    except (OSError, ValueError, TypeError):
        return None


def _remember(ffmpeg: str, cache: Path, trials: Sequence[Trial]) -> None:
    with suppress(OSError, TiktokerError):
        text = json.dumps([asdict(trial) for trial in trials], indent=1) + "\n"
        write_atomic(_file(ffmpeg, cache), text, durable=False)


def _file(ffmpeg: str, cache: Path) -> Path:
    """Where the trials of this program, on this machine with these devices and drivers, are remembered."""
    return cache / "encoders" / f"{digest(list(_circumstances(ffmpeg)))[:16]}.json"


def _circumstances(ffmpeg: str) -> Iterator[str]:
    program = Path(ffmpeg).resolve()
    with suppress(OSError):
        found = program.stat()
        yield f"{program} {found.st_size} {found.st_mtime_ns}"
    yield " ".join((platform.node(), platform.machine(), platform.release()))
    yield from sorted(map(str, (*_DRI.glob("renderD*"), *Path("/dev").glob("nvidia*"))))
    with suppress(OSError):
        yield Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
