"""The simulated services behind one address, each with the real one's paths."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

import trio

from tiktoker_batch.simulator import chat, fal_answers, speech
from tiktoker_batch.simulator.chat import Chat
from tiktoker_batch.simulator.fal import FalQueue
from tiktoker_batch.simulator.fal_job import Runners
from tiktoker_batch.simulator.faults import scripted_from_json
from tiktoker_batch.simulator.http import Reply, Request, listen, port_of, serve
from tiktoker_batch.simulator.platform import Platform
from tiktoker_batch.simulator.speech import Speech
from tiktoker_batch.simulator.storage import Storage
from tiktoker_batch.simulator.world import World

FAL_ADDRESSES = ("FAL_QUEUE_URL", "FAL_STORAGE_URL", "FAL_API_URL")
ADDRESSES = (*FAL_ADDRESSES, "ELEVENLABS_BASE_URL", "OPENROUTER_BASE_URL")
KEYS = ("FAL_KEY", "ELEVENLABS_API_KEY", "OPENROUTER_API_KEY")
KEY = "nothing-is-paid:with-this-key"
_OPEN = ("/files/", "/_simulator/")  # paths that ask for no key


@dataclass(kw_only=True)
class Simulator:
    """A running simulator. ``world`` holds its books and its troubles."""

    world: World
    queue: FalQueue
    storage: Storage
    platform: Platform
    speech: Speech
    chat: Chat

    @property
    def base(self) -> str:
        """Its address."""
        return self.world.base

    @property
    def environ(self) -> dict[str, str]:
        """The environment in which every provider speaks to it, with keys that open nothing."""
        return {**dict.fromkeys(ADDRESSES, self.base), **dict.fromkeys(KEYS, KEY)}

    async def handle(self, request: Request) -> Reply:
        """Answer one request, whatever is in it."""
        try:
            return await self._answer(request)
        except Exception as error:  # one odd request must not end the service for everybody
            return _mishap(request.path, error)

    async def _answer(self, request: Request) -> Reply:
        self.world.ledger.requests[f"{request.method} {_shape(request.path)}"] += 1
        if not request.path.startswith(_OPEN) and not self._is_known(request):
            return _unknown_key(request.path)
        if request.path.startswith("/_simulator/"):
            return self._about(request)
        if request.path.startswith(("/storage/", "/files/")):
            return await self._storage(request)
        if request.path.startswith(("/v1/", "/api/v1/")):
            return await self._api(request)
        if "/requests/" in request.path:
            return await self.queue.look(request)
        if request.method == "POST":
            return await self.queue.submit(request)
        return _NOT_FOUND

    async def _storage(self, request: Request) -> Reply:
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["storage", "auth", "token"]:
                return await self.storage.token()
            case "POST", ["storage", "upload", "initiate"]:
                return self.storage.initiate(request)
            case "POST", ["files", "upload"]:
                return await self.storage.upload(request)
            case "POST", ["files", "upload", "multipart"]:
                return self.storage.begin_parts(request)
            case "POST", ["files", _, "multipart", _, "complete"]:
                return self.storage.end_parts(request)
            case "PUT", ["files", _, "multipart", _, _]:
                return self.storage.part(request)
            case "PUT", ["files", _]:
                return self.storage.put(request)
            case (("GET" | "HEAD"), ["files", _]):
                return await self.storage.fetch(request)
        return _NOT_FOUND

    async def _api(self, request: Request) -> Reply:
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["v1", "models", "requests", "by-endpoint"]:
                return await self.platform.requests(request)
            case "GET", ["v1", "models", "pricing"]:
                return self.platform.prices(request)
            case "POST", ["v1", "text-to-speech", _, *_]:
                return await self.speech.speak(request)
            case "GET", ["v1", "voices"]:
                return self.speech.voices()
            case "GET", ["v1", "history", *_]:
                return await self.speech.look(request)
            case "POST", ["api", "v1", "chat", "completions"]:
                return await self.chat.complete(request)
            case "GET", ["api", "v1", "key"]:
                return self.chat.key()
        return _NOT_FOUND

    def _about(self, request: Request) -> Reply:
        """The simulator's own pages: its books, and troubles to come."""
        match request.method, request.path:
            case "GET", "/_simulator/ledger":
                facts = self.world.ledger.to_json()
                return Reply(body={**facts, "faults": dict(sorted(self.world.faults.happened.items()))})
            case "POST", "/_simulator/faults":
                try:
                    self.world.faults.script += scripted_from_json(request.json())
                except ValueError as error:
                    return Reply(status=422, body={"detail": str(error)})
                return Reply(body={"scripted": len(self.world.faults.script)})
        return _NOT_FOUND

    def _is_known(self, request: Request) -> bool:
        """Whether the request carries a key, and one of those that are known where some are."""
        told = request.headers.get("xi-api-key") or request.headers.get("authorization", "").partition(" ")[2]
        return bool(told) and (not self.world.keys or told in self.world.keys or told == "upload")


def _service_of(path: str) -> str:
    """The service whose path it is."""
    if path.startswith("/api/v1/"):
        return "openrouter"
    return "elevenlabs" if path.startswith("/v1/") and not path.startswith("/v1/models/") else "fal"


def _unknown_key(path: str) -> Reply:
    """The refusal in the service's own words."""
    answers = {"openrouter": chat.REFUSALS, "elevenlabs": speech.REFUSALS, "fal": fal_answers.REFUSALS}
    return answers[_service_of(path)]["unauthorized"]


def _mishap(path: str, error: Exception) -> Reply:
    """The service's own answer when it fails, with the kind of error in a header for whoever looks into it."""
    answers = {"openrouter": chat.MISHAP, "elevenlabs": speech.MISHAP, "fal": fal_answers.REFUSALS["error_500"]}
    reply = answers[_service_of(path)]
    return replace(reply, headers={**reply.headers, "x-simulator-error": type(error).__name__})


_NOT_FOUND = Reply(status=404, body={"detail": "Not Found"})


def _shape(path: str) -> str:
    """A path without what differs from job to job."""
    if path.startswith("/files/"):
        return "/files"
    head, _, rest = path.partition("/requests/")
    if rest and not path.startswith("/v1/"):
        return "/".join(["requests", *rest.split("/")[1:]])
    return path if path.startswith(("/v1/models", "/v1/voices", "/api/", "/storage")) else f"/{head.split('/')[1]}/…"


@asynccontextmanager
async def open_simulator(world: World, *, port: int = 0) -> AsyncIterator[Simulator]:
    """A simulator that serves on loopback for as long as the context, in this event loop."""
    listener = await listen(port)
    world.base = f"http://127.0.0.1:{port_of(listener)}"
    async with trio.open_nursery() as nursery:
        runners = Runners(world=world, seats=trio.CapacityLimiter(world.account["fal"]))
        queue = FalQueue(world=world, nursery=nursery, runners=runners)
        simulator = Simulator(
            world=world,
            queue=queue,
            storage=Storage(world=world),
            platform=Platform(world=world, queue=queue),
            speech=Speech(world=world),
            chat=Chat(world=world),
        )
        # The listener is open already: whoever connects before the task runs waits in line.
        nursery.start_soon(serve, simulator.handle, listener)  # noqa: ASYNC113
        yield simulator
        nursery.cancel_scope.cancel()


@contextmanager
def simulate_in_thread(world: World, *, port: int = 0, clock: trio.abc.Clock | None = None) -> Iterator[Simulator]:
    """The same in a thread with an event loop of its own, for callers that have none or a real clock."""
    ready = threading.Event()
    found: list[Simulator] = []
    failed: list[BaseException] = []
    stop = trio.Event()
    tokens: list[trio.lowlevel.TrioToken] = []

    async def main() -> None:
        tokens.append(trio.lowlevel.current_trio_token())
        async with open_simulator(world, port=port) as simulator:
            found.append(simulator)
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            trio.run(main, clock=clock)
        except BaseException as error:  # noqa: ASYNC103  (raised in the caller's thread)
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="simulator", daemon=True)
    thread.start()
    ready.wait()
    if failed:
        raise failed[0]
    try:
        yield found[0]
    finally:
        tokens[0].run_sync_soon(stop.set)
        thread.join()
    if failed:
        raise failed[0]
