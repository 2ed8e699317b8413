"""What all tests share."""

import gc
import os
from pathlib import Path

import pytest

from tests.installing import build_wheel, environment_for, install
from tiktoker_batch.simulator.clock import FlyingClock

# The command is started hundreds of times: without compiled modules each start would compile them again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# A developer's own cache is left alone, and no test takes what another one has bought; a test of the cache says so.
os.environ["TIKTOKER_CACHE_GB"] = "0"


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end: the garbage collector need not look at them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may meet a real account, whatever the machine it runs on has in its environment."""
    for name in ("FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET", "FAL_API_KEY", "ELEVENLABS_API_KEY", "OPENROUTER_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def fresh_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is started in an interpreter of its own, as a user starts it: see ``tests.starting``."""
    monkeypatch.setenv("FRESH_STARTS", "1")


@pytest.fixture
def flying_clock() -> FlyingClock:
    """Time flies while everybody waits for simulated services; a test that takes it runs on it."""
    return FlyingClock(speed=1000.0)


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment that has a wheel of the checkout."""
    folder = tmp_path_factory.mktemp("runner")
    return install(environment_for(folder / "env"), build_wheel(folder)).parent
