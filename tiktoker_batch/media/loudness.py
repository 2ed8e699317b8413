"""Levelling speech to a target loudness without a limiter's surprise: measure, correct, measure again, encode."""

import re
from dataclasses import dataclass
from pathlib import Path

from tiktoker_batch.errors import MediaError
from tiktoker_batch.media import commands
from tiktoker_batch.media.ffmpeg import run_ffmpeg

SILENCE_LUFS = -69.0  # ebur128 reports -70 for silence
CLOSE_ENOUGH_LU = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """Integrated loudness in LUFS and true peak in dBTP."""

    integrated: float
    peak: float


def parse_ebur128(said: str) -> Loudness:
    """Read the summary that ffmpeg's ebur128 filter prints.

    :raises MediaError: there is none.
    """
    summary = said.rpartition("Summary:")[2]
    integrated = re.search(r"I:\s+(-?[\d.]+|-inf) LUFS", summary)
    peak = re.search(r"Peak:\s+(-?[\d.]+|-inf) dBFS", summary)
    if not integrated or not peak:
        raise MediaError("ffmpeg measured no loudness", stderr=said[-2000:])
    return Loudness(integrated=float(integrated[1]), peak=float(peak[1]))


async def level_to_target(ffmpeg: str, source: str, into: str, *, cwd: Path) -> None:
    """Bring ``source`` to -14 LUFS with true peaks below -1 dBTP and encode it as AAC into ``into``.

    The limiter takes some loudness back where it bites, so the gain is corrected until the result is on target.
    """
    found = parse_ebur128(await run_ffmpeg(ffmpeg, commands.measure(source, None), cwd=cwd))
    gain = 0.0
    if found.integrated > SILENCE_LUFS:
        gain = commands.TARGET_LUFS - found.integrated
        for _ in range(3):
            result = parse_ebur128(await run_ffmpeg(ffmpeg, commands.measure(source, gain), cwd=cwd))
            off = commands.TARGET_LUFS - result.integrated
            if abs(off) <= CLOSE_ENOUGH_LU:
                break
            gain += off
    await run_ffmpeg(ffmpeg, commands.level(source, into, gain), cwd=cwd)
