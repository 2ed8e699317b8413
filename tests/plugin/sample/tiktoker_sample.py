"""A provider of another package, as small as one can be: each picture is a card with its prompt on it."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import trio
from PIL import Image, ImageDraw

from tiktoker_batch.errors import BadRequest
from tiktoker_batch.model import Field, Model, Price
from tiktoker_batch.providers.account import Account
from tiktoker_batch.providers.base import Job, Produced, Request
from tiktoker_batch.providers.registry import Entry
from tiktoker_batch.providers.setting import Setting

CARD = Model(
    provider="echo",
    id="card",
    kind="image",
    title="The prompt on a card",
    fields={"prompt": Field(name="prompt")},
    price=Price(unit="image", usd=Decimal("0.07"), as_of="2026-01-01", source="the sample's own"),
    typical_seconds=0.1,
)


class Echo:
    """Nothing is bought anywhere: a job is its request, and collecting it draws the card."""

    name = "echo"

    async def prepare(self, request: Request) -> Request:
        """There is nothing to upload."""
        await trio.lowlevel.checkpoint()
        return request

    async def submit(self, request: Request) -> Job:
        """Take the request."""
        await trio.lowlevel.checkpoint()
        return Job(id=f"echo-{request.token}", provider=self.name, model=request.model, request=request)

    async def find(self, request: Request, sent: datetime) -> Job | None:
        """A request that got no answer was never taken."""
        await trio.lowlevel.checkpoint()
        return None

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        """Draw the card."""
        if job.request is None:
            raise BadRequest(f"{self.name}: what job {job.id} was asked for is not known")
        await trio.to_thread.run_sync(_draw, job.request, into["image"])
        return Produced(cost_usd=Decimal("0.07"))

    async def cancel(self, job: Job) -> bool:
        """Nothing is charged for a card that nobody draws."""
        await trio.lowlevel.checkpoint()
        return True


def _draw(request: Request, into: Path) -> None:
    size = int(str(request.params["width"])), int(str(request.params["height"]))
    red, green, blue = hashlib.sha256(request.prompt.encode()).digest()[:3]
    card = Image.new("RGB", size, (red, green, blue))
    ImageDraw.Draw(card).text((20, 20), request.prompt[:60].encode("ascii", "replace").decode(), fill="white")
    card.save(into, format="PNG")


@asynccontextmanager
async def _open(setting: Setting) -> AsyncIterator[Echo]:
    await trio.lowlevel.checkpoint()
    yield Echo()


async def _check(environ: Mapping[str, str]) -> Account:
    await trio.lowlevel.checkpoint()
    return Account(message="the cards are ready")


ENTRY = Entry(name="echo", open=_open, models=(CARD,), seats=2, keys=(("ECHO_KEY",),), signup="nowhere", check=_check)
