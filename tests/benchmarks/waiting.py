"""What waiting for jobs of fal takes, and how soon their ends are seen: ``python -m tests.benchmarks.waiting``.

The simulated service runs in a process of its own, on real sockets and the real clock; jobs take what real ones do, a
lognormal time of which one in twenty is three times as long. A job's end is the one in the service's books; it is seen
when the provider stops waiting. Files are not fetched: this is about the waiting alone.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h11
import httpx
import trio

from tests.benchmarks.apart import served_apart
from tests.simulated import FLUX, a_world, an_image
from tiktoker_batch.app import full_catalog
from tiktoker_batch.media.ffmpeg import find_ffmpeg
from tiktoker_batch.model import Model
from tiktoker_batch.providers.fal.polling import REQUESTS_A_SECOND
from tiktoker_batch.providers.fal.queue import STREAMS_VARIABLE
from tiktoker_batch.providers.policy import Verb
from tiktoker_batch.providers.registry import providers
from tiktoker_batch.providers.setting import Setting
from tiktoker_batch.simulator.server import FAL_ADDRESSES, KEYS, simulate_in_thread
from tiktoker_batch.store.durations import Durations

STREAM_LAG, POLL_SHARE, POLL_LAG = 0.2, 0.05, 1.0  # seconds; share of a job's time, or seconds
REF = f"fal:{FLUX}"


@dataclass(kw_only=True)
class Waited:
    """How one crowd of jobs was waited for.

    ``seen`` tells when each end was, in UTC, by the id of a job; ``looked_up`` are those whose end a look has told, and
    no stream. ``looks`` are on the process's clock.
    """

    jobs: int
    seen: dict[str, datetime] = field(default_factory=dict)
    looked_up: set[str] = field(default_factory=set)
    looks: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    books: dict[str, Any] = field(default_factory=dict)

    def lags(self, *, streamed: bool) -> list[tuple[float, float]]:
        """Seconds from each end to when it was seen, and what the job took."""
        ended = {job["id"]: job for job in self.books["jobs"]}
        chosen = [name for name in self.seen if (name not in self.looked_up) == streamed]
        return [
            ((self.seen[name] - _time(ended[name]["ended_at"])).total_seconds(), _took(ended[name])) for name in chosen
        ]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _took(job: dict[str, Any]) -> float:
    return (_time(job["ended_at"]) - _time(job["started_at"])).total_seconds()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200, help="of the smaller crowds")
    parser.add_argument("--crowd", type=int, default=2000, help="of the largest")
    parser.add_argument("--seconds", type=float, default=20.0, help="that a job usually takes")
    parser.add_argument("--looks", type=int, default=1000, help="by which the cost of one is measured")
    given = parser.parse_args()
    fine = [
        _told("listened to", _measure(given.jobs, given.seconds, {})),
        _told("asked after", _measure(given.jobs, given.seconds, {STREAMS_VARIABLE: "0"})),
        _told("both", _measure(given.crowd, given.seconds, {})),
    ]
    _tell_cost(given.looks)
    sys.exit(0 if all(fine) else 1)


def _told(name: str, found: Waited) -> bool:
    requests = {verb: count for verb, count in found.books["requests"].items() if "requests" in verb and "GET" in verb}
    total, rate = sum(requests.values()), _busiest(found.looks)
    print(f"{found.jobs} jobs at once, {name}: {1 + total / found.jobs:.1f} requests a job with its submit")
    each = 1000 * found.cpu_seconds / (found.jobs + total)
    print(f"  processor time: {each:.2f} ms for each of {found.jobs + total} requests, submits included")
    print(f"  in the busiest second {rate} looks (target {REQUESTS_A_SECOND:g})")
    fine = rate <= REQUESTS_A_SECOND + 1
    for streamed, how in ((True, "on a stream"), (False, "by looking")):
        lags = found.lags(streamed=streamed)
        if lags:
            fine &= _told_lags(how, lags, streamed=streamed)
    return fine


def _told_lags(how: str, lags: list[tuple[float, float]], *, streamed: bool) -> bool:
    seconds = sorted(lag for lag, _ in lags)
    median, p95 = statistics.median(seconds), seconds[int(0.95 * (len(seconds) - 1))]
    share = statistics.median(lag / took for lag, took in lags)
    target = f"{STREAM_LAG:g} s" if streamed else f"{POLL_SHARE:.0%} of the job's time or {POLL_LAG:g} s"
    print(f"  {len(lags)} ends seen {how} after {median:.3f} s (median), {p95:.3f} s (95 of 100), target {target}")
    if not streamed:
        print(f"    that is {share:.1%} of the job's time")
    return median <= STREAM_LAG if streamed else share <= POLL_SHARE or median <= POLL_LAG


def _busiest(looks: list[float]) -> int:
    """The most looks that left within any second."""
    first, most = 0, 0
    for number, at in enumerate(looks):
        while looks[first] < at - 1.0:
            first += 1
        most = max(most, number - first + 1)
    return most


def _measure(jobs: int, seconds: float, environ: dict[str, str]) -> Waited:
    with served_apart(_serve, jobs, seconds) as address, tempfile.TemporaryDirectory() as folder:
        setting = _setting(address, seconds, environ, Path(folder))
        found = trio.run(_wait_for, jobs, setting)
        found.books = httpx.get(f"{address}/_simulator/ledger").json()
    return found


def _setting(address: str, seconds: float, environ: dict[str, str], cache: Path) -> Setting:
    models = _models(seconds)
    told = {**dict.fromkeys(KEYS, "a:b"), **dict.fromkeys(FAL_ADDRESSES, address), **environ}
    return Setting(
        ffmpeg=find_ffmpeg({}), workers=1, environ=told, models=models, cache=cache, durations=Durations(models)
    )


def _models(seconds: float) -> dict[str, Model]:
    return {REF: replace(full_catalog().models[REF], typical_seconds=seconds)}


async def _wait_for(jobs: int, setting: Setting) -> Waited:
    found = Waited(jobs=jobs)
    async with providers()["fal"].open(setting) as fal:
        queue: Any = fal.queue  # type: ignore[attr-defined]

        async def looked(request: httpx.Request) -> None:
            if request.url.path.endswith(("/status", "/by-endpoint")):
                found.looks.append(time.monotonic())

        async def answered(response: httpx.Response) -> None:
            path = response.request.url.path
            if path.endswith("/status") and response.status_code == 200:
                found.looked_up.add(path.split("/")[-2])
            if path.endswith("/by-endpoint"):
                items = json.loads(await response.aread())["items"]
                found.looked_up |= {item["request_id"] for item in items if item["ended_at"]} - found.seen.keys()

        queue.wire.client.event_hooks["request"].append(looked)
        queue.wire.client.event_hooks["response"].append(answered)
        requests = iter([an_image(f"picture {number}", token=number) for number in range(jobs)])

        async def submit() -> None:
            for request in requests:
                nursery.start_soon(wait, await fal.submit(await fal.prepare(request)))

        async def wait(job: Any) -> None:
            await queue.wait(job, lambda: None)
            found.seen[job.id] = datetime.now(UTC)

        before = time.process_time()
        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(submit)
        found.cpu_seconds = time.process_time() - before
    return found


# ---------------------------------------------------------------------- what a look costs


def _tell_cost(looks: int) -> None:
    """The processor time of a look at a job: as the provider does it, with httpx, and with sockets and h11 alone."""
    with served_apart(_serve, 1, 600.0) as address, tempfile.TemporaryDirectory() as folder:
        ours, bare = trio.run(_cost, looks, _setting(address, 600.0, {}, Path(folder)))
    print(
        f"one look: {ours:.2f} ms of processor time with httpx, {bare:.2f} ms with h11 alone ({ours / bare:.1f} times)"
    )


async def _cost(looks: int, setting: Setting) -> tuple[float, float]:
    async with providers()["fal"].open(setting) as fal:
        queue: Any = fal.queue  # type: ignore[attr-defined]
        job = await fal.submit(await fal.prepare(an_image()))
        url = job.addresses["status_url"]

        async def look() -> None:
            for _ in range(looks // 8):
                (await queue.wire.send(Verb.STATUS, "GET", url, params={"logs": "0"})).json()

        parts = httpx.URL(url)

        async def look_barely() -> None:
            stream = await trio.open_tcp_stream(parts.host, parts.port or 80)
            wire = h11.Connection(h11.CLIENT)
            async with stream:
                for _ in range(looks // 8):
                    json.loads(await _exchange(stream, wire, parts))
                    wire.start_next_cycle()

        return await _cpu_ms(look, looks), await _cpu_ms(look_barely, looks)


async def _cpu_ms(work: Callable[[], Awaitable[None]], looks: int) -> float:
    before = time.process_time()
    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(work)
    return 1000 * (time.process_time() - before) / looks


async def _exchange(stream: trio.SocketStream, wire: h11.Connection, url: httpx.URL) -> bytes:
    headers = [("host", url.netloc.decode()), ("authorization", "Key a:b"), ("accept", "*/*")]
    request = h11.Request(method="GET", target=f"{url.path}?logs=0", headers=headers)
    await stream.send_all((wire.send(request) or b"") + (wire.send(h11.EndOfMessage()) or b""))
    body = b""
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            wire.receive_data(await stream.receive_some(65536))
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return body


# ---------------------------------------------------------------------- the service


def _serve(pipe: Any, jobs: int, seconds: float) -> None:
    world = a_world(latencies={}, account={"fal": jobs})
    world.models = {**world.models, **_models(seconds)}
    world.media.shrink = 16
    with simulate_in_thread(world) as simulator:
        pipe.send(simulator.base)
        time.sleep(3600)


if __name__ == "__main__":
    main()
