"""No key is shown, also when everything is: ``--debug`` on commands that fail."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.canaries import CANARIES, assert_no_canary
from tests.cli.conftest import Call
from tests.cli.test_doctor_accounts import CLOUD, NONSENSE
from tests.simulated import a_world
from tiktoker_batch.simulator.server import Simulator, simulate_in_thread

SPOILT = ["canaryfal0123:canary\nsecret", "canaryfal0123:cané", "canaryfal0123: canarysecret"]
SENTENCE = "fal: what FAL_KEY holds cannot be sent as a key; keys: https://fal.ai/dashboard/keys\n"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with simulate_in_thread(a_world()) as running:
        yield running


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    path = tmp_path / "cloud.yaml"
    path.write_text(CLOUD, encoding="utf-8")
    return path


@pytest.mark.parametrize("key", SPOILT)
@pytest.mark.parametrize("command", [("models", "--refresh-prices"), ("run", "cloud.yaml")])
def test_a_key_that_cannot_be_sent_is_told_in_one_sentence_whoever_wanted_it(
    call: Call, cloud: Path, simulator: Simulator, command: tuple[str, ...], key: str
) -> None:
    environ = {**simulator.environ, **CANARIES, "FAL_KEY": key}
    debugged, done = call(*command, "--debug", **environ), call(*command, **environ)
    assert done.returncode == debugged.returncode == 3
    assert done.stderr.replace("  nothing was started\n", "") == SENTENCE
    assert "Traceback" in debugged.stderr
    assert debugged.stderr.endswith(done.stderr)
    assert "nary" not in debugged.stderr + debugged.stdout
    assert "hidden" not in debugged.stderr
    assert {path.name for path in cloud.parent.iterdir()} == {"cloud.yaml"}


def test_the_doctor_agrees(call: Call, cloud: Path, simulator: Simulator) -> None:
    for key in SPOILT:
        done = call("doctor", "cloud.yaml", "--debug", **{**simulator.environ, **CANARIES, "FAL_KEY": key})
        assert done.returncode == 3
        assert "FAL_KEY holds" in done.stdout
        assert "nary" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("trouble", "says"),
    [("unreachable", "cannot reach 127.0.0.1"), ("nonsense", "unexpected answer"), ("refused", "401")],
)
def test_a_question_that_fails_shows_how_but_no_key(
    call: Call, tmp_path: Path, simulator: Simulator, trouble: str, says: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    address = {"unreachable": nobody, "nonsense": f"{simulator.base}{NONSENSE}"}.get(trouble, simulator.base)
    simulator.world.keys = frozenset({"another"})
    try:
        done = call("models", "--refresh-prices", "--debug", **{**CANARIES, "FAL_API_URL": address})
    finally:
        simulator.world.keys = frozenset()
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" in done.stderr
    assert_no_canary(tmp_path, done.stdout + done.stderr, at_least=0)


def test_an_address_that_holds_a_key_is_not_repeated(call: Call, cloud: Path) -> None:
    environ = {**CANARIES, "FAL_API_URL": CANARIES["FAL_KEY"]}
    done = call("models", "--refresh-prices", "--debug", **environ)
    assert done.returncode == 3
    assert "FAL_API_URL is not an address: '[key]'" in done.stderr
    assert_no_canary(cloud.parent, done.stdout + done.stderr, at_least=1)
