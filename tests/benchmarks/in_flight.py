"""200 paid jobs in flight at once: what each costs this process over its life, and how much memory it takes.

Also how much of that the journal is: its lines, and its syncs in their thread.

    python -m tests.benchmarks.in_flight [--jobs N] [--seconds S]

The simulated services run in a process of their own, on the real clock. Half of the jobs are pictures, half are clips
made from them; every file is fetched and looked at.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.apart import served_apart

TARGET_MS, TARGET_MB, JOURNAL_SHARE = 20.0, 120.0, 0.03
RECIPE = """\
version: 1
name: flight
limits: {{fal: {jobs}, elevenlabs: {videos}}}
defaults:
  duration: 40
  segment_duration: 4
  models:
    image: "fal:fal-ai/flux/schnell"
    clip: "fal:fal-ai/veo3.1/fast/image-to-video"
    narration: "elevenlabs:eleven_flash_v2_5"
videos:
"""
VIDEO = """\
  - id: v{number}
    script: Ten pictures of number {number}, one after the other.
    prompts: [{prompts}]
"""
SEGMENTS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200, help="at once")
    parser.add_argument("--seconds", type=float, default=12.0, help="that each job takes")
    parser.add_argument("--child", metavar="ADDRESS", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(_pay(given.jobs, given.child)))
        return
    with served_apart(_serve, given.jobs, given.seconds) as address:
        command = [sys.executable, "-m", "tests.benchmarks.in_flight", "--jobs", str(given.jobs), "--child", address]
        found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    each, peak = 1000 * found["cpu_seconds"] / found["jobs"], found["rss_mb"]
    jobs, wall, requests = found["jobs"], found["wall_seconds"], found["requests"]
    print(f"{jobs} jobs, {found['at_once']} at once, in {wall:.1f} s, {requests} requests")
    start = found["start_seconds"]
    print(f"processor time: {each:.1f} ms a job (target {TARGET_MS:g}), {start:.2f} s more to start up")
    print(f"memory: {peak:.0f} MB at most (target {TARGET_MB:g})")
    journal = found["journal_seconds"] / found["cpu_seconds"]
    print(f"journal: {journal:.2%} of the processor time (target {JOURNAL_SHARE:.0%})")
    sys.exit(0 if each <= TARGET_MS and peak <= TARGET_MB and journal <= JOURNAL_SHARE else 1)


def _serve(pipe: Any, jobs: int, seconds: float) -> None:
    from tests.simulated import a_world
    from tiktoker_batch.simulator.server import simulate_in_thread

    world = a_world(
        latencies={"image": seconds, "clip": seconds, "narration": 1.0, "text": 1.0},
        account={"fal": jobs, "elevenlabs": jobs},
    )
    world.media.shrink = 1
    with simulate_in_thread(world) as simulator:
        pipe.send(simulator.base)
        time.sleep(3600)


def _pay(jobs: int, address: str) -> dict[str, Any]:
    import httpx

    from tests.benchmarks.journal import MeteredJournal
    from tests.faults.paying import pay_at

    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "recipe.yaml"
        videos = jobs // SEGMENTS
        text = RECIPE.format(jobs=jobs, videos=videos)
        for number in range(videos):
            prompts = ", ".join(f"picture {number} {shot}" for shot in range(SEGMENTS))
            text += VIDEO.format(number=number, prompts=prompts)
        recipe.write_text(text, encoding="utf-8")
        with MeteredJournal.open(Path(folder) / "journal.jsonl") as journal:
            paid = pay_at(address, recipe, Path(folder) / "out", journal)
    ledger = httpx.get(f"{address}/_simulator/ledger").json()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    assert not paid.failed, paid.failed
    return {
        "jobs": ledger["totals"]["paid"],
        "at_once": ledger["at_once"]["fal"],
        "requests": sum(ledger["requests"].values()),
        "wall_seconds": paid.wall_seconds,
        "cpu_seconds": paid.cpu_seconds,
        "journal_seconds": journal.cpu,
        "start_seconds": time.process_time() - paid.cpu_seconds,
        "rss_mb": usage.ru_maxrss / 1024,
    }


if __name__ == "__main__":
    main()
