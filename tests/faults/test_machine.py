"""What the machine does to a batch: full and closed disks, other devices, spoilt files, locks of the dead."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import starting
from tests.cli.conftest import TINY
from tests.cli.test_rehearse import CANARIES, CLOUD, simulator
from tests.crashing import broken_files
from tests.faults.disks import Disk, a_disk
from tests.starting import ARGV, ROOT, clean_environment
from tiktoker_batch.store.journal import read_journal
from tiktoker_batch.store.state import fold

pytestmark = pytest.mark.slow


def run(folder: Path, recipe: str, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return starting.run(
        [*ARGV, "run", recipe, "--progress", "json", *arguments],
        cwd=folder,
        env=clean_environment(**environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def events(done: "subprocess.CompletedProcess[str]") -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]


# ---------------------------------------------------------------------- full disks


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with a_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.mark.parametrize(
    "moment",
    [
        {"event": "submit_intended", "step": "lamp/narration"},
        pytest.param({"event": "job_submitted", "step": "lamp/01/clip"}, marks=pytest.mark.thorough),
        pytest.param({"event": "step_succeeded", "step": "lamp/01/clip"}, marks=pytest.mark.thorough),
    ],
    ids=lambda moment: f"{moment['event']}-{moment['step'].rsplit('/')[-1]}",
)
def test_a_disk_that_is_full_stops_a_run_which_goes_on_once_there_is_room(
    tmp_path: Path, disk: Disk, moment: dict[str, str]
) -> None:
    (tmp_path / "cloud.yaml").write_text(CLOUD, encoding="utf-8")
    output = disk.root / "out"
    with simulator(tmp_path, "--speed", "60") as environ:
        told = {**environ, **CANARIES, "TIKTOKER_RECONCILE_SECONDS": "8"}
        code, said = _run_until_full(tmp_path, disk, moment, told)
        assert code in {1, 3}, said
        assert "Traceback" not in said
        assert said.count("No space left on device") + said.count("no space left on device") == 1
        assert "run again" in said
        disk.empty()
        assert not broken_files(output)
        read_journal(output / "journal.jsonl")
        again = run(tmp_path, "cloud.yaml", "--output", str(output), **told)
        assert again.returncode == 0, again.stderr
        ledger = httpx.get(f"{environ['FAL_QUEUE_URL']}/_simulator/ledger").json()
    paid = Counter(job["provider"] for job in ledger["jobs"] if job["paid"])
    assert (paid["fal"], paid["elevenlabs"]) == (2, 1)
    assert not broken_files(output)


def _run_until_full(folder: Path, disk: Disk, moment: dict[str, str], environ: dict[str, str]) -> tuple[int, str]:
    """Run, and let the disk be full from the moment on; the exit code and what was said beside the events."""
    argv = [*ARGV, "run", "cloud.yaml", "--progress", "json", "--output", str(disk.root / "out")]
    with subprocess.Popen(
        argv,
        cwd=folder,
        env=clean_environment(**environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("{") and moment.items() <= json.loads(line).items():
                disk.fill()
                break
        rest = process.stderr.read()
    return process.returncode, "\n".join(line for line in rest.splitlines() if not line.startswith("{"))


# ---------------------------------------------------------------------- closed disks, other devices


def test_a_closed_disk_is_told_before_anything_is_started(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    disk.close()
    done = run(tmp_path, "tiny.yaml", "--output", str(disk.root / "out"))
    assert done.returncode == 3
    assert "cannot be written to: Read-only file system" in done.stderr
    assert "--output" in done.stderr
    assert not events(done)
    assert list(disk.root.iterdir()) == []


def test_an_output_folder_that_was_closed_meanwhile_is_left_as_it_is(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    output = disk.root / "out"
    assert run(tmp_path, "tiny.yaml", "--output", str(output)).returncode == 0
    before = (output / "journal.jsonl").read_bytes()
    disk.close()
    done = run(tmp_path, "tiny.yaml", "--output", str(output))
    assert done.returncode == 3
    assert not events(done)
    assert (output / "journal.jsonl").read_bytes() == before


def test_videos_and_their_pieces_may_lie_on_different_devices(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    output = tmp_path / "output" / "tiny"
    with a_disk(output / "work"), a_disk(output / "videos"):
        done = run(tmp_path, "tiny.yaml")
        assert done.returncode == 0, done.stderr
        assert (output / "videos" / "lamp.mp4").is_file()


HOOK = """
import os, sys
log = os.open(os.environ["RENAMES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def watch(event, given):
    if event in {"os.rename", "shutil.move", "os.link"}:
        names = [os.path.abspath(os.fsdecode(name)) for name in given[:2]]
        os.write(log, "\\t".join(names).encode() + b"\\n")
sys.addaudithook(watch)
"""


def test_every_file_gets_its_name_within_its_own_folder(tmp_path: Path) -> None:
    """So that no rename ever crosses devices, which would not be atomic."""
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path / "hook"), str(ROOT)])
    log = tmp_path / "renames.txt"
    done = run(tmp_path, "tiny.yaml", PYTHONPATH=path, RENAMES=str(log), PYTHONDONTWRITEBYTECODE="1")
    assert done.returncode == 0, done.stderr
    pairs = [line.split("\t") for line in log.read_text().splitlines()]
    renamed = {Path(final).name for _, final in pairs}
    assert renamed >= {"lamp.mp4", "lamp.srt", "lamp.json", "01.mp4", "narration.wav", "manifest.json", "report.html"}
    assert not [pair for pair in pairs if os.path.dirname(pair[0]) != os.path.dirname(pair[1])]  # noqa: PTH120


# ---------------------------------------------------------------------- spoilt files, locks of the dead


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the tiny recipe has run."""
    folder = tmp_path_factory.mktemp("once")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    assert run(folder, "tiny.yaml").returncode == 0
    return folder


KINDS = ("story", "shots", "01/image", "01/clip", "narration", "captions", "assembly")


@pytest.mark.parametrize(
    ("kind", "harm"),
    [
        ("story", "spoilt"),
        ("narration", "deleted"),
        *(pytest.param(kind, "spoilt", marks=pytest.mark.thorough) for kind in KINDS if kind != "story"),
        *(pytest.param(kind, "deleted", marks=pytest.mark.thorough) for kind in ("01/clip", "assembly")),
    ],
)
def test_a_file_that_was_harmed_is_made_again_and_nothing_else(
    once: Path, tmp_path: Path, kind: str, harm: str
) -> None:
    folder = Path(shutil.copytree(once, tmp_path / "copy"))
    output = folder / "output" / "tiny"
    before = fold(read_journal(output / "journal.jsonl")).steps[f"lamp/{kind}"].artifacts
    for artifact in before[:1] if kind == "assembly" else before:  # its subtitles are those of the captions
        path = output / artifact.path
        if harm == "deleted":
            path.unlink()
        else:
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
    done = run(folder, "tiny.yaml")
    assert done.returncode == 0, done.stderr
    made = [event["step"] for event in events(done) if event["event"] == "step_succeeded"]
    # The assembly makes nothing new of pieces that came out the same, but it looks at them again.
    assert set(made) - {"lamp/assembly"} == {f"lamp/{kind}"} - {"lamp/assembly"}
    after = fold(read_journal(output / "journal.jsonl")).steps[f"lamp/{kind}"].artifacts
    assert after == before, "made again, it is the very same"
    assert not broken_files(output)


def test_the_lock_of_a_process_that_was_killed_blocks_nobody(once: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(once, tmp_path / "copy"))
    output = folder / "output" / "tiny"
    with subprocess.Popen([sys.executable, "-c", "pass"]) as dead:
        pass
    (output / ".lock").touch()
    (output / ".lock.json").write_text(json.dumps({"pid": dead.pid, "since": "2027-01-01T00:00:00+00:00"}))
    assert run(folder, "tiny.yaml").returncode == 0
    assert not (output / ".lock.json").exists()
