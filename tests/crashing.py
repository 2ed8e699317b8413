"""Killing the real command at random moments and looking at what it leaves."""

import hashlib
import json
import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tiktoker_batch.media.ffmpeg import bundled_ffmpeg
from tiktoker_batch.media.probe import probe

PATIENCE_SECONDS = 240


@dataclass
class Tally:
    """What a series of kills showed."""

    kills: int = 0
    finished_before_the_kill: int = 0
    runs: int = 0
    broken: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)


def run_command(recipe: Path, output: Path) -> "subprocess.Popen[bytes]":
    """Start ``tiktoker-batch run`` as a user would."""
    argv = [sys.executable, "-m", "tiktoker_batch", "run", str(recipe), "--output", str(output), "--progress", "none"]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run_to_end(recipe: Path, output: Path) -> int:
    """Run undisturbed and give the exit code."""
    return run_command(recipe, output).wait(PATIENCE_SECONDS)


def kill_at_random(recipe: Path, folder: Path, *, kills: int, seed: int, within: float) -> Tally:
    """Kill the run ``kills`` times, each at a random moment of its first ``within`` seconds, and run it again.

    A batch that finishes is compared with an undisturbed one and the next kills go to a fresh output folder.
    """
    rng, tally = random.Random(seed), Tally()
    calm = folder / "calm"
    assert run_to_end(recipe, calm) == 0
    wanted = contents(calm)
    batch = 0
    while tally.kills < kills:
        output = folder / f"killed-{batch}"
        for _ in range(rng.randint(2, 5)):
            tally.runs += 1
            if not kill_once(recipe, output, rng.uniform(0.05, within)):
                tally.finished_before_the_kill += 1
                break
            tally.kills += 1
            tally.broken += broken_files(output)
        tally.runs += 1
        code = run_to_end(recipe, output)
        found = contents(output)
        tally.broken += broken_files(output)
        tally.different += [] if code == 0 else [f"{output.name}: exit code {code}"]
        tally.different += [f"{output.name}: {name}" for name in wanted if found.get(name) != wanted[name]]
        batch += 1
    return tally


def kill_once(recipe: Path, output: Path, moment: float) -> bool:
    """Kill a run ``moment`` seconds after its start; false if it was done before."""
    process = run_command(recipe, output)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def broken_files(output: Path) -> list[str]:
    """Files under a final name that are not whole."""
    return [str(path) for path in sorted(output.rglob("*")) if path.is_file() and not is_whole(path)]


def is_whole(path: Path) -> bool:
    """Whether a file can be read to its end; one of a kind that is not known counts as whole."""
    try:
        if path.name == "journal.jsonl":
            lines = path.read_bytes().split(b"\n")
            return all(json.loads(line) is not None for line in lines[:-1])
        if path.suffix == ".json":
            return json.loads(path.read_text()) is not None
        if path.suffix in {".mp4", ".m4a", ".png"}:
            found = probe(path)
            return (found.video or found.audio) is not None and _decodes(path)
    except Exception:  # whatever a half-written file makes a reader raise
        return False
    return True


def _decodes(path: Path) -> bool:
    argv = [bundled_ffmpeg(), "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
    return subprocess.run(argv, capture_output=True).returncode == 0


def contents(output: Path) -> Mapping[str, str]:
    """What a viewer gets: decoded pictures and sound of every finished video, and its subtitles."""
    found = {path.name: _decoded(path) for path in sorted((output / "videos").glob("*.mp4"))}
    for path in (output / "videos").glob("*.srt"):
        found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _decoded(path: Path) -> str:
    argv = [bundled_ffmpeg(), "-v", "error", "-i", str(path), "-f", "streamhash", "-hash", "sha256", "-"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
