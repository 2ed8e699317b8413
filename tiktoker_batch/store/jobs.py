"""Requests that were paid for, or may have been, and whose results were not taken in yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from tiktoker_batch.events import AttemptFailed, Event, JobReattached, JobSubmitted, StepSucceeded, SubmitIntended
from tiktoker_batch.units import NOTHING, Units

# Ends of an attempt that leave its request as it is: nobody knows, nobody waited, it could not be had (though it may
# be some day), or the disk refused it.
_LEFT_OPEN = frozenset({"unknown", "cancelled"})
_NOT_FETCHED = frozenset({"Unfetched", "ResultLost", "TiktokerError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob:
    """A request that may have been paid for and whose result was never taken in.

    ``request_id`` is ``None`` where the provider's answer never came. ``sent_at`` is UTC; ``work`` digests what the
    request was for (the step's ``key`` and its inputs); ``token`` and ``uploads`` are what it can be found by.
    ``counted``: its price and its ``units`` are part of what was spent.
    """

    provider: str
    model: str
    price_usd: Decimal
    token: int
    key: str
    work: str
    sent_at: datetime
    request_id: str | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)
    uploads: Mapping[str, str] = field(default_factory=dict)
    units: Units = NOTHING
    counted: bool = False


def mind_job(jobs: dict[str, OpenJob], event: Event, at: datetime) -> None:
    """Keep the last request of each step until its result is there, or it is certain that there will be none."""
    match event:
        case SubmitIntended(step=step, provider=provider) if provider != "local":
            jobs[step] = _opened(event, at)
        case JobReattached(step=step, taken_from=taken_from):
            before = jobs.pop(taken_from or step, None)
            counted = before is not None and before.counted
            taken_up = _opened(event, event.sent_at)
            jobs[step] = replace(
                taken_up, request_id=event.request_id, addresses=_texts(event.addresses), counted=counted
            )
        case JobSubmitted(step=step, request_id=request_id, addresses=addresses) if step in jobs:
            jobs[step] = replace(jobs[step], request_id=request_id, addresses=_texts(addresses))
        case StepSucceeded(step=step):
            jobs.pop(step, None)
        case AttemptFailed(step=step) if step in jobs:
            _mind_failure(jobs, event)
        case _:
            pass


def _opened(event: SubmitIntended | JobReattached, sent_at: datetime) -> OpenJob:
    return OpenJob(
        provider=event.provider,
        model=event.model,
        price_usd=event.price_usd,
        token=event.token,
        key=event.key,
        work=event.work,
        sent_at=sent_at,
        uploads=_texts(event.uploads),
        units=Units.from_json(event.units),
    )


def _mind_failure(jobs: dict[str, OpenJob], event: AttemptFailed) -> None:
    """A failed attempt settles its request, unless it may still be fetched."""
    job = jobs[event.step]
    locked_out = event.error_kind == "AuthFailed" and bool(job.addresses)
    if event.outcome in _LEFT_OPEN or event.error_kind in _NOT_FETCHED or locked_out:
        jobs[event.step] = replace(job, counted=job.counted or is_charged(event))
    else:
        del jobs[event.step]


def is_charged(event: AttemptFailed) -> bool:
    """Whether what an attempt asked for last may have been paid for although it did not deliver."""
    return event.charged or event.cost_usd > 0


def _texts(addresses: Mapping[str, object]) -> dict[str, str]:
    return {name: str(address) for name, address in addresses.items()}
