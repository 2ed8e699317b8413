"""fal's platform API: an account's own requests, and prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tiktoker_batch.simulator.fal import FalQueue
from tiktoker_batch.simulator.fal_job import Job
from tiktoker_batch.simulator.http import Reply, Request
from tiktoker_batch.simulator.world import World

_LONGEST_PAGE = 100
_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_UNITS = {"second": "seconds", "image": "images", "megapixel": "megapixels", "1k_characters": "1000 characters"}


@dataclass(kw_only=True)
class Platform:
    """Lists requests of every state; on demand finished ones only, as the real one may."""

    world: World
    queue: FalQueue

    async def requests(self, request: Request) -> Reply:
        """``GET /v1/models/requests/by-endpoint``."""
        query = request.query
        trouble = self.world.faults.draw("listing", query.get("endpoint_id", ""), query.get("start", ""))
        reply = await self.world.plain_trouble(trouble)
        if reply is not None:
            return reply
        try:
            after, before = _moment(query, "start", _EVER), _moment(query, "end", _NEVER)
            start, size = int(query.get("cursor") or 0), min(int(query.get("limit", "50")), _LONGEST_PAGE)
        except ValueError as error:
            return Reply(status=422, body={"error": {"type": "validation_error", "message": str(error)}})
        sent = [job for job in self.queue.jobs.values() if after <= job.entry.accepted_at <= before]
        found = [job for job in sent if _is_wanted(job, query)]
        if trouble == "finished_only":
            found = [job for job in found if job.status == "COMPLETED"]
        found.sort(key=lambda job: job.entry.ended_at or job.entry.accepted_at, reverse=True)
        page = found[start : start + size]
        shown = query.get("expand") == "payloads" and trouble != "no_payloads"
        return Reply(
            body={
                "items": [_item(job, payloads=shown) for job in page],
                "next_cursor": str(start + size) if start + size < len(found) else None,
                "has_more": start + size < len(found),
            }
        )

    def prices(self, request: Request) -> Reply:
        """``GET /v1/models/pricing``; several models are separated by commas."""
        listed = []
        for name in filter(None, request.query.get("endpoint_id", "").split(",")):
            model = self.world.models.get(f"fal:{name}")
            if model is None:
                return Reply(status=404, body={"error": {"type": "not_found", "message": f"{name} not found"}})
            if model.price is not None:
                unit = _UNITS.get(model.price.unit, model.price.unit)
                price = {"unit_price": float(model.price.usd), "unit": unit, "currency": "USD"}
                listed.append({"endpoint_id": name, **price})
        return Reply(body={"prices": listed, "next_cursor": None, "has_more": False})


def _moment(query: Mapping[str, str], name: str, default: datetime) -> datetime:
    """A time in a query, in UTC unless it says otherwise."""
    told = datetime.fromisoformat(query[name]) if name in query else default
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def _is_wanted(job: Job, query: Mapping[str, str]) -> bool:
    return job.entry.model.id == query.get("endpoint_id") and query.get("request_id") in {None, job.entry.id}


def _item(job: Job, *, payloads: bool) -> dict[str, Any]:
    entry, is_over = job.entry, job.ended is not None
    status, output, _ = job.outcome if is_over else (None, None, {})
    item: dict[str, Any] = {
        "request_id": entry.id,
        "endpoint_id": entry.model.id,
        "sent_at": entry.accepted_at.isoformat(),
        "started_at": entry.started_at.isoformat() if entry.started_at else None,
        "ended_at": entry.ended_at.isoformat() if entry.ended_at else None,
        "status_code": status,
        "duration": round(job.took, 3) if is_over else None,
    }
    return item | ({"json_input": dict(entry.input), "json_output": output} if payloads else {})
