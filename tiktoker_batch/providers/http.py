"""HTTP as providers speak it: one client, a gate before it, and every failure put into words once."""

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Protocol

import httpx
import trio

from tiktoker_batch import __version__
from tiktoker_batch.errors import PreflightError, ProviderError
from tiktoker_batch.faultpoints import reach
from tiktoker_batch.providers.base import Request
from tiktoker_batch.providers.policy import Signal, Verb, error_for
from tiktoker_batch.redaction import Secrets

# Of requests, not jobs. The client looks at all its connections for every request: 8 cost less than 16, 200 cost 17
# times as much (measured with 200 polled jobs).
GATE = 8
READ_SECONDS = 60.0
_SHARED_BY = 8  # streams on the connections of one client
LONGEST_RETRY_AFTER = 600.0
RECONCILE_SECONDS = 900.0
# Failures before anything of the request had left.
_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class Reader(Protocol):
    """Reads a service's unhappy answer."""

    def __call__(self, verb: Verb, response: httpx.Response) -> Signal:
        """The answer as a signal."""
        ...


@dataclass(frozen=True, kw_only=True)
class Wire:
    """Requests to one service. ``gate`` stands before the connection pool: it bounds requests, not jobs."""

    provider: str
    client: httpx.AsyncClient
    read: Reader
    secrets: Secrets
    gate: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(GATE))

    async def send(
        self,
        verb: Verb,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        params: Mapping[str, str | int] | None = None,
    ) -> httpx.Response:
        """One request, once.

        :raises ProviderError: as the policy table says.
        """
        async with self.gate:
            try:
                reach(f"{method}.before")
                response = await self.client.request(method, url, headers=headers, json=json, params=params)
                reach(f"{method}.answered")
            except httpx.RequestError as error:  # also an answer that cannot be decoded
                raise self.lost(verb, error) from None  # its words may hold the key, and its request does
        if not response.is_success:
            raise self.refused(verb, response)
        return response

    @asynccontextmanager
    async def stream(
        self, verb: Verb, url: str, *, headers: Mapping[str, str], client: httpx.AsyncClient | None = None
    ) -> AsyncIterator[httpx.Response]:
        """A response whose body is read piece by piece; a body that breaks off is a failure like any other."""
        try:
            async with (client or self.client).stream("GET", url, headers=headers) as response:
                if not response.is_success:
                    await response.aread()
                    raise self.refused(verb, response)
                yield response
        except httpx.InvalidURL:
            raise self.explain(Signal(verb=verb, status=404, message="the address of a file is none")) from None
        except httpx.RequestError as error:  # also redirections without end
            raise self.lost(verb, error) from None

    def refused(self, verb: Verb, response: httpx.Response) -> ProviderError:
        """The error of an unhappy answer, which it carries as its ``cause``, without the key that was sent."""
        error = self.explain(self.read(verb, response))
        response.request = httpx.Request(response.request.method, response.request.url)
        error.__cause__ = httpx.HTTPStatusError(error.message, request=response.request, response=response)
        return error

    def unreadable(self, verb: Verb, response: httpx.Response, why: str) -> ProviderError:
        """The error of an answer that says yes but cannot be understood."""
        return self.explain(Signal(verb=verb, status=response.status_code, message=f"unexpected answer: {why}"))

    def lost(self, verb: Verb, error: httpx.RequestError) -> ProviderError:
        """The error of an answer that never came."""
        host = error.request.url.host if _has_request(error) else "the service"
        sent = not isinstance(error, _UNSENT)
        what = f"{host} {_words(error)}" if sent else f"cannot reach {host} ({_words(error)})"
        return self.explain(Signal(verb=verb, sent=sent, message=what))

    def explain(self, signal: Signal) -> ProviderError:
        """The error of a signal, with no key in its words."""
        error = error_for(self.provider, signal)
        error.message = self.secrets.redact(error.message)
        error.args = (error.message,)
        return error


def answer_of(error: ProviderError) -> httpx.Response | None:
    """The answer behind an error, if there was one."""
    cause = error.__cause__
    return cause.response if isinstance(cause, httpx.HTTPStatusError) else None


def _has_request(error: httpx.RequestError) -> bool:
    try:
        return error.request is not None
    except RuntimeError:
        return False


def _words(error: httpx.RequestError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "did not answer in time"
    return str(error) or type(error).__name__


@asynccontextmanager
async def open_client(
    *,
    headers: Mapping[str, str] | None = None,
    redirects: bool = False,
    patience: float = READ_SECONDS,
    connections: int | None = GATE,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client that repeats nothing by itself.

    ``patience`` is for each piece of an answer, in seconds. ``connections`` is how many there may be at most; ``None``
    leaves that to whoever stands before it.
    """
    async with _client(headers or {}, redirects, patience, connections) as client:
        yield client


@cache
def _trusted() -> ssl.SSLContext:
    """Whom to trust; reading the list takes 45 ms, so all clients share it."""
    return httpx.create_ssl_context()


def _client(headers: Mapping[str, str], redirects: bool, patience: float, connections: int | None) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(
        limits=limits,
        verify=_trusted(),
        headers={"User-Agent": f"tiktoker-batch/{__version__}", **headers},
        timeout=httpx.Timeout(connect=10, read=patience, write=60, pool=None),
        follow_redirects=redirects,
    )


@dataclass(kw_only=True)
class StreamClients:
    """Clients of a few connections each, for answers that last as long as a job.

    One client with hundreds of connections looks at every pair of them for every request (measured with 200 jobs:
    78 ms of processor time a job, against 21), and a client for each would take memory.
    """

    headers: Mapping[str, str] = field(repr=False)
    most: int
    _clients: list[httpx.AsyncClient] = field(default_factory=list)
    _free: list[httpx.AsyncClient] = field(default_factory=list)

    @contextmanager
    def borrowed(self) -> Iterator[httpx.AsyncClient | None]:
        """A client with a connection to spare, ``None`` when all are taken."""
        if not self._free and len(self._clients) * _SHARED_BY < self.most:
            self._clients.append(_client(self.headers, False, READ_SECONDS, _SHARED_BY))
            self._free += [self._clients[-1]] * _SHARED_BY
        if not self._free:
            yield None
            return
        client = self._free.pop()
        try:
            yield client
        finally:
            self._free.append(client)

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients:
            await client.aclose()


def retry_after(response: httpx.Response) -> float | None:
    """The patience that an answer asks for in seconds, whether told as a number or as a date."""
    told = response.headers.get("retry-after")
    if told is None:
        return None
    try:
        seconds = float(told)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return bounded_patience(seconds)


def bounded_patience(seconds: float) -> float:
    """The patience that a service asks for, as far as it is heeded; none where that is no number (NaN)."""
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)


def left_at(request: Request, sent: datetime) -> float:
    """When a request left, on Trio's clock.

    Of one of an earlier run only the wall clock tells, and not even that for a moment that lies ahead.
    """
    if request.left_at is not None:
        return request.left_at
    return trio.current_time() - max((datetime.now(UTC) - sent).total_seconds(), 0.0)


def reconcile_seconds(environ: Mapping[str, str]) -> float:
    """How long a request whose answer was lost is looked for at its service.

    :raises PreflightError: the environment names no number.
    """
    return float(whole_number(environ, "TIKTOKER_RECONCILE_SECONDS", int(RECONCILE_SECONDS)))


def whole_number(environ: Mapping[str, str], name: str, default: int) -> int:
    """A number from the environment, where it names one.

    :raises PreflightError: it is none.
    """
    told = environ.get(name)
    if told is None:
        return default
    if not told.isdecimal():
        raise PreflightError(f"{name} is not a whole number: {told!r}", hint=f"leave it out for {default}")
    return int(told)


def base_url(environ: Mapping[str, str], name: str, default: str) -> str:
    """A service's address, from the environment where it names another one.

    :raises PreflightError: plain http to another machine, where anybody could read the key.
    """
    url = (environ.get(name) or default).strip().rstrip("/")
    scheme, host = _place(url)
    if scheme not in {"http", "https"} or not host:
        raise PreflightError(f"{name} is not an address: {url!r}", hint="expected one like https://proxy.example")
    local = host in {"localhost", "127.0.0.1", "::1"} or host.startswith("127.")
    if scheme == "http" and not local and environ.get("TIKTOKER_ALLOW_INSECURE") != "1":
        raise PreflightError(
            f"{name} is plain http to {host}: your key could be read on the way",
            hint="use https, or set TIKTOKER_ALLOW_INSECURE=1 if you are sure",
        )
    return url


def _place(url: str) -> tuple[str, str]:
    """Scheme and host of an address, as the client that goes there reads it; of none, nothing."""
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return "", ""
    return (parts.scheme, parts.host) if (parts.port or 0) < 2**16 else ("", "")


def body_of(response: httpx.Response) -> Any:
    """The JSON of an answer, or ``None`` where it holds none."""
    try:
        return response.json()
    except ValueError:
        return None
