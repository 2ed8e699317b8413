"""HTTP/1.1 on Trio and h11, where a reply may also be lost, late, slow or cut off: that is what a simulator is for."""

import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
import trio

_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client sent; header names are lower case, the path is decoded and has no slash at its end."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, ``None`` where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


Send = Callable[[bytes], Awaitable[None]]
Stream = Callable[[Send], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What it gets. ``body`` is bytes, or any JSON value; ``stream`` sends its own pieces instead.

    ``dropped`` closes the connection without a word; ``cut`` sends so many bytes of the body and closes; ``pace``
    is in bytes a second. ``sent`` is called when the whole reply has left.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Stream | None = None
    dropped: bool = False
    cut: int | None = None
    pace: float | None = None
    sent: Callable[[], None] | None = None

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    @property
    def content_type(self) -> str:
        """Its type."""
        return self.headers.get("content-type") or (
            "application/octet-stream" if isinstance(self.body, bytes) else "application/json"
        )


Handler = Callable[[Request], Awaitable[Reply]]
DROPPED = Reply(dropped=True)


async def listen(port: int = 0) -> trio.SocketListener:
    """A listener on loopback; port 0 takes any that is free."""
    return (await trio.open_tcp_listeners(port, host="127.0.0.1"))[0]


def port_of(listener: trio.SocketListener) -> int:
    """The port it listens on."""
    return int(listener.socket.getsockname()[1])


async def serve(handler: Handler, listener: trio.SocketListener) -> None:
    """Serve until cancelled, a task for each connection."""

    async def connection(stream: trio.SocketStream) -> None:
        # The client may go away, or be none, or have named a header that cannot be sent.
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError):
            await _converse(handler, stream)

    await trio.serve_listeners(connection, [listener])


async def _converse(handler: Handler, stream: trio.SocketStream) -> None:
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire = h11.Connection(h11.SERVER)
    async with stream:
        while True:
            request = await _receive(wire, stream)
            if request is None:
                return
            reply = await handler(request)
            if reply.dropped or not await _send(wire, stream, request, reply):
                return
            if wire.our_state is not h11.DONE or wire.their_state is not h11.DONE:
                return
            wire.start_next_cycle()


async def _receive(wire: h11.Connection, stream: trio.SocketStream) -> Request | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            if wire.they_are_waiting_for_100_continue:
                await stream.send_all(_bytes(wire.send(h11.InformationalResponse(status_code=100, headers=[]))))
            wire.receive_data(await stream.receive_some(_PIECE))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _request(head, bytes(body))
        else:
            return None


def _request(head: h11.Request, body: bytes) -> Request:
    """
    :raises h11.RemoteProtocolError: its target is no address.
    """
    try:
        target = urlsplit(head.target.decode("latin-1"))
    except ValueError:
        raise h11.RemoteProtocolError("no address") from None
    return Request(
        method=head.method.decode("ascii"),
        path=unquote(target.path).rstrip("/") or "/",
        query=dict(parse_qsl(target.query, keep_blank_values=True)),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head.headers},
        body=body,
    )


async def _send(wire: h11.Connection, stream: trio.SocketStream, request: Request, reply: Reply) -> bool:
    """Send a reply; whether the connection is still good."""
    headers = {**reply.headers, "content-type": reply.content_type}
    if reply.stream is None:
        headers["content-length"] = str(len(reply.content))
    head = h11.Response(status_code=reply.status, headers=list(headers.items()))
    await stream.send_all(_bytes(wire.send(head)))
    if request.method == "HEAD":
        pass
    elif reply.stream is not None:

        async def send(piece: bytes) -> None:
            await stream.send_all(_bytes(wire.send(h11.Data(data=piece))))

        await reply.stream(send)
    else:
        await _send_body(wire, stream, reply)
        if reply.cut is not None:
            return False
    await stream.send_all(_bytes(wire.send(h11.EndOfMessage())))
    if reply.sent:
        reply.sent()
    return True


async def _send_body(wire: h11.Connection, stream: trio.SocketStream, reply: Reply) -> None:
    content = reply.content[: reply.cut]
    size = _PIECE if reply.pace is None else max(int(reply.pace / 4), 1)
    for start in range(0, len(content), size):
        await stream.send_all(_bytes(wire.send(h11.Data(data=content[start : start + size]))))
        if reply.pace is not None:
            await trio.sleep(size / reply.pace)


def _bytes(data: bytes | None) -> bytes:
    return data or b""
