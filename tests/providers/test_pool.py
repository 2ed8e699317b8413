"""Worker processes of the local provider: isolation, cancellation, death."""

import os
import signal
from pathlib import Path

import pytest
import trio

from tiktoker_batch.errors import Rejected, Unavailable
from tiktoker_batch.providers.local.pool import WorkerPool

SAID = "Tea is only leaves and hot water."


def speech(into: Path, text: str = SAID) -> dict[str, object]:
    return {"text": text, "language": "en", "voice": "heart", "engine": "hibari", "seed": 1, "into": str(into)}


def workers() -> list[int]:
    """Worker processes of ours that are alive."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == os.getpid() and b"providers.local.worker" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (OSError, IndexError):
            continue
    return found


async def test_a_worker_is_kept_for_the_next_call_and_gone_with_the_pool(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with WorkerPool.open(2) as pool:
            await pool.call("narration", speech(tmp_path / "one.wav"))
            first = workers()
            await pool.call("narration", speech(tmp_path / "two.wav"))
            assert workers() == first
            assert len(first) == 1
        assert workers() == []
    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()


async def test_an_error_of_a_users_making_keeps_its_type_and_the_worker(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with WorkerPool.open(1) as pool:
            with pytest.raises(Rejected, match="no words"):
                await pool.call("narration", speech(tmp_path / "x.wav", text="#tag"))
            assert await pool.call("narration", speech(tmp_path / "x.wav"))
            assert len(workers()) == 1


async def test_a_worker_that_dies_is_said_to_be_unavailable_and_replaced(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with WorkerPool.open(1) as pool:
            await pool.call("narration", speech(tmp_path / "x.wav"))
            os.kill(workers()[0], signal.SIGKILL)
            with pytest.raises(Unavailable, match="died"):
                await pool.call("narration", speech(tmp_path / "x.wav"))
            assert await pool.call("narration", speech(tmp_path / "x.wav"))


async def test_a_cancelled_call_ends_its_worker(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with WorkerPool.open(1) as pool:
            await pool.call("narration", speech(tmp_path / "x.wav"))
            with trio.move_on_after(0.05) as scope:
                await pool.call("narration", speech(tmp_path / "y.wav", text=f"{SAID} " * 400))
            assert scope.cancelled_caught
            assert await pool.call("narration", speech(tmp_path / "x.wav"))
            assert len(workers()) <= 2, "the old one may still be on its way out"
        assert workers() == []
