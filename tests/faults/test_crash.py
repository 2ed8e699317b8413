"""The real command, killed again and again while it pays the simulated services: nothing is paid twice.

``CRASH_SEEDS`` says how many batches are tormented; each is killed several times.
"""

import os
import random
import signal
import subprocess
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import ARGV, clean_environment
from tests.cli.test_rehearse import CANARIES, simulator

SEEDS = int(os.environ.get("CRASH_SEEDS", "2"))
KILLS = 6
RECIPE = """\
version: 1
name: torn
defaults:
  duration: 8
  resolution: 720p
  fps: 12
  retry: {initial_delay: 0.1, max_delay: 1, on_unknown: retry}
  models:
    text: "openrouter:openai/gpt-4o-mini"
    image: "fal:fal-ai/flux/schnell"
    clip: "fal:fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video"
    narration: "elevenlabs:eleven_multilingual_v2"
videos:
  - {id: one, topic: a lamp at the end of a pier}
  - {id: two, script: The tide takes the sand and brings it back., prompts: [the tide, the sand]}
"""
PLANNED = {"fal": 8, "elevenlabs": 2}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_a_batch_that_is_killed_again_and_again_pays_for_every_job_once(tmp_path: Path, seed: int) -> None:
    (tmp_path / "torn.yaml").write_text(RECIPE, encoding="utf-8")
    rng = random.Random(seed)
    with simulator(tmp_path, "--speed", "200") as environ:
        kills = sum(_killed(tmp_path, environ, rng.uniform(0.4, 4.0)) for _ in range(KILLS))
        with _start(tmp_path, environ) as done:
            assert done.wait(120) == 0
        ledger = httpx.get(f"{environ['FAL_QUEUE_URL']}/_simulator/ledger").json()
    paid = Counter(job["provider"] for job in ledger["jobs"] if job["paid"])
    assert kills >= 2
    assert {name: paid[name] for name in PLANNED} == PLANNED
    assert (tmp_path / "output" / "torn" / "videos" / "one.mp4").exists()
    assert (tmp_path / "output" / "torn" / "videos" / "two.mp4").exists()


def _start(folder: Path, environ: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*ARGV, "run", "torn.yaml", "--progress", "none"],
        cwd=folder,
        env=clean_environment(**environ, **CANARIES, TIKTOKER_RECONCILE_SECONDS="8"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _killed(folder: Path, environ: dict[str, str], moment: float) -> bool:
    """Kill a run so many seconds after its start; whether it was still at work."""
    process = _start(folder, environ)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL
