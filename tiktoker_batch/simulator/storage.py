"""fal's storage: tokens, uploads whole or in parts, the older way round, and every file that was made."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tiktoker_batch.simulator.http import DROPPED, Reply, Request
from tiktoker_batch.simulator.world import World

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_SLOW_PACE = 400_000.0  # bytes a second
_LARGEST = 100 * 1024 * 1024


@dataclass(kw_only=True)
class Storage:
    """``parts`` are uploads that are not complete yet; ``lifecycles`` what clients wish for files, by address."""

    world: World
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    lifecycles: dict[str, Any] = field(default_factory=dict)

    async def token(self) -> Reply:
        """``POST /storage/auth/token``."""
        match self.world.faults.draw("upload", "token"):
            case "token_down":
                return Reply(status=503, body={"detail": "Service Unavailable"})
            case "unauthorized":
                return Reply(status=401, body={"detail": "Invalid key"})
            case "error_500":
                return Reply(status=500, body={"detail": "Internal Server Error"})
        expires = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        return Reply(
            body={"token": "upload", "token_type": "Bearer", "base_url": self.world.base, "expires_at": expires}
        )

    async def upload(self, request: Request) -> Reply:
        """``POST /files/upload``."""
        match self.world.faults.draw("upload", request.headers.get("x-fal-file-name", "")):
            case "error_500":
                return Reply(status=500, body={"detail": "Internal Server Error"})
            case "unauthorized":
                return Reply(status=401, body={"detail": "Invalid token"})
            case "too_large":
                return Reply(status=413, body={"detail": "Payload Too Large"})
        if len(request.body) > _LARGEST:
            return Reply(status=413, body={"detail": "Payload Too Large"})
        address = self._keep(request.body, request.headers)
        self._note_lifecycle(address, request)
        return Reply(body={"access_url": address})

    def begin_parts(self, request: Request) -> Reply:
        """``POST /files/upload/multipart``."""
        name = f"{self.world.number():06d}.bin"
        self.parts[name], self.kinds[name] = {}, request.headers.get("content-type", "application/octet-stream")
        address = f"{self.world.base}/files/{name}"
        self._note_lifecycle(address, request)
        return Reply(body={"access_url": address, "uploadId": f"upload-{name}"})

    def part(self, request: Request) -> Reply:
        """``PUT /files/{name}/multipart/{upload id}/{number}``."""
        name, number = request.path.split("/")[2], int(request.path.rsplit("/", 1)[-1])
        if name not in self.parts:
            return Reply(status=404, body={"detail": "no such upload"})
        self.parts[name][number] = request.body
        return Reply(headers={"etag": f'"{number}-{len(request.body)}"'})

    def end_parts(self, request: Request) -> Reply:
        """``POST /files/{name}/multipart/{upload id}/complete``; the parts come in any order."""
        name = request.path.split("/")[2]
        given = request.json()
        listed = given.get("parts", []) if isinstance(given, dict) else []
        if name not in self.parts or {each["partNumber"] for each in listed} != set(self.parts[name]):
            return Reply(status=400, body={"detail": "these are not the parts"})
        parts = self.parts.pop(name)
        content = b"".join(parts[number] for number in sorted(parts))
        self.world.files[name] = (content, self.kinds.pop(name))
        return Reply(body={"access_url": f"{self.world.base}/files/{name}"})

    def initiate(self, request: Request) -> Reply:
        """``POST /storage/upload/initiate``: the way that clients fall back to."""
        given: Any = request.json() or {}
        told = str(given.get("file_name", "file"))
        name = f"{self.world.number():06d}-{told}"
        self.world.subjects[name] = told
        self.kinds[name] = str(given.get("content_type", "application/octet-stream"))
        address = f"{self.world.base}/files/{name}"
        self._note_lifecycle(address, request)
        return Reply(body={"upload_url": address, "file_url": address})

    def put(self, request: Request) -> Reply:
        """``PUT /files/{name}``."""
        name = request.path.removeprefix("/files/")
        if name not in self.kinds:
            return Reply(status=404, body={"detail": "no such upload"})
        self.world.files[name] = (request.body, self.kinds.pop(name))
        return Reply()

    async def fetch(self, request: Request) -> Reply:
        """``GET /files/{name}``, whole or a range of it."""
        name = request.path.removeprefix("/files/")
        trouble = self.world.faults.draw("media", self.world.subjects.get(name, name), name)
        if name not in self.world.files or trouble == "gone":
            return Reply(status=404, body={"detail": "Not Found"})
        match trouble:
            case "drop":
                return DROPPED
            case "error_500":
                return Reply(status=500, body={"detail": "Internal Server Error"})
        content, kind = self.world.files[name]
        if trouble == "damaged":
            content = content[: len(content) // 2] + bytes(len(content) - len(content) // 2)
        reply = _served(content, kind, tag=f'"{name}"', asked={} if trouble == "no_range" else request.headers)
        return replace(
            reply,
            cut=len(reply.body) // 2 if trouble == "truncated" else None,
            pace=_SLOW_PACE if trouble == "slow" else None,
        )

    def _note_lifecycle(self, address: str, request: Request) -> None:
        told = request.headers.get("x-fal-object-lifecycle-preference")
        if told is not None:
            self.lifecycles[address] = json.loads(told)

    def _keep(self, content: bytes, headers: Mapping[str, str]) -> str:
        suffix = "." + headers.get("x-fal-file-name", "file.bin").rsplit(".", 1)[-1]
        kind = headers.get("content-type", "application/octet-stream")
        return self.world.keep(content, kind, suffix, subject=headers.get("x-fal-file-name", ""))


def _served(content: bytes, kind: str, *, tag: str, asked: Mapping[str, str]) -> Reply:
    """A file, or the range of it that the headers ask for."""
    headers = {"content-type": kind, "etag": tag, "accept-ranges": "bytes"}
    wanted = _wanted(asked, tag, len(content))
    if wanted is None:
        return Reply(body=content, headers=headers)
    if not wanted:
        return Reply(status=416, headers={**headers, "content-range": f"bytes */{len(content)}"})
    headers["content-range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(content)}"
    return Reply(status=206, body=content[wanted.start : wanted.stop], headers=headers)


def _wanted(asked: Mapping[str, str], tag: str, size: int) -> range | None:
    """The bytes that are asked for: none of them where the range lies outside, ``None`` for the whole file.

    A range that is nonsense, or meant for another content than this one, counts as none.
    """
    match = _RANGE.fullmatch(asked.get("range", ""))
    if match is None or match[0] == "bytes=-" or asked.get("if-range", tag) != tag:
        return None
    first, last = match[1], match[2]
    if not first:
        return range(max(size - int(last), 0), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last or size) + 1, size))
