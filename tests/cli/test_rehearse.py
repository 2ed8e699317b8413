"""``rehearse`` and ``simulator``, as a user calls them."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests import starting
from tests.cli.canaries import CANARIES, HEAD, assert_no_canary
from tests.cli.conftest import Call, wait_until_said
from tests.starting import ARGV, clean_environment

CLOUD = """\
version: 1
name: cloud
defaults:
  duration: 4
  resolution: 720p
  fps: 4
  retry: {initial_delay: 0.1, max_delay: 1, max_attempts: 6, on_unknown: retry}
  models:
    text: "openrouter:openai/gpt-4o-mini"
    image: "fal:fal-ai/flux/schnell"
    clip: "fal:fal-ai/veo3.1/fast/image-to-video"
    narration: "elevenlabs:eleven_multilingual_v2"
videos:
  - {id: lamp, topic: a lamp at the end of a pier, story: {variants: 2, choose: best}}
"""
PAID = {"elevenlabs:eleven_multilingual_v2": 1, "fal:fal-ai/flux/schnell": 1, "openrouter:openai/gpt-4o-mini": 4}


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    path = tmp_path / "cloud.yaml"
    path.write_text(CLOUD, encoding="utf-8")
    return path


@contextmanager
def simulator(folder: Path, *arguments: str) -> Iterator[dict[str, str]]:
    """The command in a process of its own; the environment that it prints."""
    argv = [*ARGV, "simulator", "--port", "0", *(arguments or ("--speed", "1000"))]
    process = starting.Popen(
        argv, cwd=folder, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(5)]
        yield dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
        assert process.returncode == 0, said


def test_a_batch_is_rehearsed_without_a_key_and_its_time_and_cost_are_told(call: Call, cloud: Path) -> None:
    done = call("rehearse", "cloud.yaml", "--speed", "1000", "--format", "json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["state"] == "done"
    assert told["makespan_seconds"] > 70  # a clip alone takes about 75
    assert {name: counts["paid"] for name, counts in told["ledger"]["models"].items()}.items() >= PAID.items()
    assert 0.4 < float(told["paid_usd"]) < 0.6
    root = cloud.parent / "output" / "cloud-rehearsal"
    assert (root / "videos" / "lamp.mp4").stat().st_size > 10_000
    assert "A rehearsal" in (root / "report.html").read_text(encoding="utf-8")


def test_a_part_of_a_batch_can_be_rehearsed(call: Call, cloud: Path) -> None:
    cloud.write_text(f"{CLOUD}  - {{id: tea, script: Tea is hot., prompts: [a cup]}}\n", encoding="utf-8")
    done = call("rehearse", "cloud.yaml", "--speed", "1000", "--format", "json", "--exclude", "lamp", "--until", "clip")
    assert done.returncode == 0, done.stderr
    models = json.loads(done.stdout)["ledger"]["models"]
    assert {name: counts["paid"] for name, counts in models.items()} == {
        "fal:fal-ai/flux/schnell": 1,
        "fal:fal-ai/veo3.1/fast/image-to-video": 1,
    }


def test_a_rehearsal_with_troubles_says_which_it_met(call: Call, cloud: Path) -> None:
    done = call("rehearse", "cloud.yaml", "--speed", "2000", "--faults", "0.3", "--seed", "5")
    assert done.returncode == 0, done.stderr
    assert "predicted: " in done.stdout
    assert "nothing was paid" in done.stdout
    assert "met: " in done.stdout


@pytest.mark.thorough
def test_the_same_seed_gives_the_same_troubles(call: Call, cloud: Path) -> None:
    """Where looks are concerned, there are more or fewer as time passes."""
    cloud.write_text(CLOUD + "  - {id: pier, topic: a pier in the rain}\n", encoding="utf-8")
    met = []
    for _ in range(2):
        done = call("rehearse", "cloud.yaml", "--speed", "10000", "--faults", "0.5", "--seed", "3", "--format", "json")
        assert done.returncode == 0, done.stderr
        faults = json.loads(done.stdout)["ledger"]["faults"]
        met.append({kind: n for kind, n in faults.items() if not kind.startswith(("status:", "stream:", "listing:"))})
    assert met[0] == met[1]
    assert sum(met[0].values()) > 10


def test_a_voice_of_the_recipe_s_own_is_one_of_the_simulated_account(call: Call, cloud: Path) -> None:
    own = 'voices: {me: "elevenlabs:0123456789abcdefghij"}\ndefaults:\n  voice: me\n'
    cloud.write_text(CLOUD.replace("defaults:\n", own), encoding="utf-8")
    done = call("rehearse", "cloud.yaml", "--speed", "2000")
    assert done.returncode == 0, done.stderr


@pytest.mark.thorough
def test_a_smaller_account_makes_a_batch_take_longer(call: Call, cloud: Path) -> None:
    cloud.write_text(CLOUD.replace("duration: 4", "duration: 12").replace(", story: {variants: 2, choose: best}", ""))
    peaks, took = [], []
    for account in ((), ("--account", "fal=1", "--account", "elevenlabs=1")):
        done = call("rehearse", "cloud.yaml", "--speed", "2000", "--format", "json", *account)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        peaks.append(told["ledger"]["at_once"]["fal"])
        took.append(told["makespan_seconds"])
    assert peaks[0] > peaks[1] == 1
    assert took[1] > took[0] + 60


@pytest.mark.parametrize(
    ("account", "says"),
    [
        ("fal", "is not NAME=N"),
        ("fal=0", "is not NAME=N"),
        ("openrouter=4", "no simulated account is called 'openrouter'"),
    ],
)
@pytest.mark.parametrize("command", ["rehearse", "simulator"])
def test_an_account_that_cannot_be_is_said_before_anything_starts(
    call: Call, cloud: Path, command: str, account: str, says: str
) -> None:
    done = call(command, "cloud.yaml", "--account", account)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (cloud.parent / "output").exists()


def test_what_was_rehearsed_is_never_taken_for_bought(call: Call, cloud: Path) -> None:
    assert call("rehearse", "cloud.yaml", "--speed", "2000", "--output", "here").returncode == 0
    again = call("run", "cloud.yaml", "--output", "here", **CANARIES)
    assert again.returncode == 2
    assert "rehearsed in here" in again.stderr


def test_a_run_against_the_simulator_pays_there_and_writes_no_key_anywhere(call: Call, cloud: Path) -> None:
    folder = cloud.parent
    with simulator(folder) as environ:
        done = call("run", "cloud.yaml", "--debug", "--progress", "json", **environ, **CANARIES)
        assert done.returncode == 0, done.stderr
        address = environ["FAL_QUEUE_URL"]
        ledger = httpx.get(f"{address}/_simulator/ledger").json()
    assert {name: counts["paid"] for name, counts in ledger["models"].items()}.items() >= PAID.items()
    assert ledger["totals"]["paid"] == ledger["totals"]["delivered"] == 7
    assert_no_canary(folder / "output", done.stdout + done.stderr)


def test_whoever_aborts_is_told_what_is_paid_for_and_how_to_go_on_within_the_same_ceiling(
    call: Call, cloud: Path
) -> None:
    folder = cloud.parent
    with simulator(folder, "--speed", "20") as environ:
        argv = [*ARGV, "run", "cloud.yaml", "--progress", "json", "--no-cache", "--budget", "5", "--limit", "fal=3"]
        with starting.Popen(
            argv, cwd=folder, env=clean_environment(**environ, **CANARIES), stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            events = (json.loads(line) for line in process.stderr)
            clip = next(e for e in events if e["event"] == "job_submitted" and e["step"] == "lamp/01/clip")
            process.send_signal(signal.SIGINT)
            wait_until_said(process, '"interrupted"')
            process.send_signal(signal.SIGINT)
            said = process.stderr.read().splitlines()
        assert process.returncode == 130
        assert "1 paid request still out, to be fetched by the next run:" in said
        [row] = [line for line in said if line.startswith("  lamp/01/clip ")]
        assert row.split()[1:] == ["fal:fal-ai/veo3.1/fast/image-to-video", clip["request_id"], "$0.40"]
        again = "tiktoker-batch run cloud.yaml --limit fal=3 --budget 5 --no-cache"
        assert said[-1] == f"interrupted; run again to go on: {again}"
        status = call("status", "cloud.yaml")
        assert status.stdout.endswith(f"run again to go on: {again}\n")


def test_what_is_there_already_asks_for_no_key(call: Call, cloud: Path) -> None:
    with simulator(cloud.parent) as environ:
        assert call("run", "cloud.yaml", **environ, **CANARIES).returncode == 0
    again = call("run", "cloud.yaml")
    assert again.returncode == 0, again.stderr
    assert "$0.00" in again.stdout
    spoilt = call("run", "cloud.yaml", FAL_KEY="canary\nhidden")
    assert (spoilt.returncode, "cannot be sent" in spoilt.stderr) == (3, True)


@pytest.mark.usefixtures("fresh_starts")
def test_a_budget_is_never_passed_and_the_rest_is_made_once_there_is_more(call: Call, cloud: Path) -> None:
    with simulator(cloud.parent) as environ:
        first = call("run", "cloud.yaml", "--budget", "0.2", **environ, **CANARIES)
        assert first.returncode == 4, first.stderr
        assert "stopped by the budget: the next request of $0.4000 would pass budget.max_usd" in first.stderr
        ledger = httpx.get(f"{environ['FAL_QUEUE_URL']}/_simulator/ledger").json()
        assert float(ledger["totals"]["spent_usd"]) < 0.2
        again = call("run", "cloud.yaml", **environ, **CANARIES)
        assert again.returncode == 0, again.stderr
        ledger = httpx.get(f"{environ['FAL_QUEUE_URL']}/_simulator/ledger").json()
    assert ledger["totals"]["paid"] == 7


@pytest.mark.parametrize(
    ("verb", "kind", "code", "says"),
    [
        ("submit", "locked", 1, "User is locked"),
        ("submit", "unauthorized", 1, "401"),
        ("speak", "quota_exceeded", 1, "quota"),
        ("write", "unauthorized", 3, "401"),
    ],
)
@pytest.mark.usefixtures("fresh_starts")
def test_an_account_that_does_not_work_ends_the_run_with_one_sentence_and_no_key(
    call: Call, cloud: Path, verb: str, kind: str, code: int, says: str
) -> None:
    with simulator(cloud.parent) as environ:
        script = [{"verb": verb, "kind": kind, "times": 99}]
        httpx.post(f"{environ['FAL_QUEUE_URL']}/_simulator/faults", json=script).raise_for_status()
        done = call("run", "cloud.yaml", "--debug", **environ, **CANARIES)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("check the key of this provider") == 1
    assert_no_canary(cloud.parent / "output", done.stdout + done.stderr)


def test_no_key_is_among_the_arguments_of_any_process(call: Call, cloud: Path) -> None:
    """While a batch runs, everything that this user's processes were started with is looked at."""
    local = "  - {id: pier, script: The lamp goes out., style: noir, prompts: [a pier], models: MODELS}\n"
    models = "{image: 'local:painter', clip: 'local:camera'}"
    cloud.write_text(CLOUD + local.replace("MODELS", models), encoding="utf-8")
    seen: set[bytes] = set()
    with simulator(cloud.parent) as environ:
        process = subprocess.Popen(
            [*ARGV, "run", "cloud.yaml", "--progress", "none"],
            cwd=cloud.parent,
            env=clean_environment(**environ, **CANARIES),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.returncode is None:
            seen |= set(_arguments())
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
        assert process.returncode == 0
    assert any(b"ffmpeg" in each for each in seen)
    assert any(b"local.worker" in each for each in seen)
    assert not [each for each in seen if HEAD.encode() in each]


def _arguments() -> Iterator[bytes]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                yield (Path(entry.path) / "cmdline").read_bytes()
            except OSError:
                continue


def test_a_taken_port_is_said_in_words(call: Call, tmp_path: Path) -> None:
    with simulator(tmp_path) as environ:
        port = environ["FAL_QUEUE_URL"].rsplit(":", 1)[1]
        done = call("simulator", "--port", port)
    assert done.returncode == 3
    assert f"cannot listen on port {port}" in done.stderr
    assert "--port" in done.stderr
