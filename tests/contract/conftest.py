"""The services' own SDKs, unpatched but for the addresses they speak to, and the simulator behind them.

These SDKs block, so the simulator runs in a thread of its own on an ordinary clock, with work that takes no time.
"""

import gc
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import fal_client
import httpx
import pytest
from elevenlabs.client import ElevenLabs

from tests.simulated import a_world
from tiktoker_batch.simulator.faults import Scripted
from tiktoker_batch.simulator.ledger import Ledger
from tiktoker_batch.simulator.server import Simulator, simulate_in_thread

KEY = "an-id:and-its-secret"
QUICK = {"image": 0.05, "clip": 0.1, "narration": 0.05, "text": 0.05}
ENDLESS = dict.fromkeys(QUICK, 3600.0)  # work that is still going on when the test ends


@dataclass(frozen=True, kw_only=True)
class Service:
    """The simulator as a test looks at it from outside.

    ``web`` is the SDK's own client where there is one: on the same connection, the simulator has noted the delivery
    of a reply before it reads the next request.
    """

    simulator: Simulator
    web: httpx.Client

    @property
    def base(self) -> str:
        return self.simulator.base

    @property
    def ledger(self) -> Ledger:
        return self.simulator.world.ledger

    def books(self) -> dict[str, Any]:
        """The books as the simulator publishes them."""
        return self.ask("/_simulator/ledger").json()

    def totals(self) -> tuple[int, int, int]:
        """How many jobs were accepted, paid and delivered."""
        totals = self.books()["totals"]
        return totals["accepted"], totals["paid"], totals["delivered"]

    def came(self, request: str) -> int:
        """How many requests of a shape came, such as ``GET requests/status``."""
        return self.ledger.requests[request]

    def script(self, verb: str, kind: str) -> None:
        """A trouble from now on, for the next request of a verb."""
        self.simulator.world.faults.script.append(Scripted(verb=verb, kind=kind))

    def lock_out(self) -> None:
        """Let the test's key be unknown."""
        self.simulator.world.keys = frozenset({"another"})

    def ask(self, path: str, **query: Any) -> httpx.Response:
        """What a path, or an address of the simulator's, answers."""
        return self.web.get(self._address(path), params=query or None)

    def send(self, path: str, body: Any) -> httpx.Response:
        """What a path answers to a body."""
        return self.web.post(self._address(path), json=body)

    def _address(self, path: str) -> str:
        return f"{self.base}{path}" if path.startswith("/") else path

    def download(self, address: str) -> bytes:
        """The content behind an address."""
        return self.ask(address).raise_for_status().content


@dataclass(frozen=True, kw_only=True)
class Fal(Service):
    """With fal's client."""

    client: fal_client.SyncClient


@dataclass(frozen=True, kw_only=True)
class Eleven(Service):
    """With ElevenLabs' client."""

    client: ElevenLabs


OpenService = Callable[..., Service]
OpenFal = Callable[..., Fal]
OpenEleven = Callable[..., Eleven]


@pytest.fixture(scope="module")
def _abandoned_sockets() -> Iterator[None]:
    """Collect the connections that SDKs leave open before another module's tests could be blamed for them."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def service(_abandoned_sockets: None) -> Iterator[OpenService]:
    """Start a simulator with these troubles scripted."""
    with ExitStack() as opened:

        def start(*faults: Scripted, latencies: Mapping[str, float] = QUICK, **more: Any) -> Service:
            world = a_world(*faults, latencies=latencies, **more)
            simulator = opened.enter_context(simulate_in_thread(world))
            headers = {"Authorization": f"Key {KEY}"}
            web = httpx.Client(headers=headers, timeout=30, verify=False, trust_env=False)
            return Service(simulator=simulator, web=opened.enter_context(web))

        yield start


@pytest.fixture
def fal(service: OpenService, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenFal]:
    """Start a simulator, and fal's client that speaks to it."""
    with ExitStack() as opened:

        def start(*faults: Scripted, **more: Any) -> Fal:
            started = service(*faults, **more)
            for name, slash in {"QUEUE_URL_FORMAT": "/", "RUN_URL_FORMAT": "/", "REST_URL": "", "CDN_URL": ""}.items():
                monkeypatch.setattr(fal_client.client, name, f"{started.base}{slash}")
            client = fal_client.SyncClient(key=KEY)
            opened.callback(client._client.close)
            return Fal(simulator=started.simulator, web=client._client, client=client)

        yield start


@pytest.fixture
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """fal's client sends nothing twice."""
    monkeypatch.setattr(fal_client.client, "MAX_ATTEMPTS", 1)


@pytest.fixture
def eleven(service: OpenService) -> OpenEleven:
    """Start a simulator, and ElevenLabs' client that speaks to it."""

    def start(*faults: Scripted, **more: Any) -> Eleven:
        started = service(*faults, **more)
        client = ElevenLabs(api_key=KEY, base_url=started.base, httpx_client=started.web)
        return Eleven(simulator=started.simulator, web=started.web, client=client)

    return start
