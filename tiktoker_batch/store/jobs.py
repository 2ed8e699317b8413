"""Requests that were paid for, or may have been, and whose results were not taken in yet."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

import msgspec

from tiktoker_batch.events import (
    AttemptFailed,
    Event,
    JobDropped,
    JobReattached,
    JobSubmitted,
    StepSucceeded,
    SubmitIntended,
)
from tiktoker_batch.units import NOTHING, Units

# Ends of an attempt that leave its request as it is: nobody knows, nobody waited, it could not be had (though it may
# be some day), or the disk refused it.
_LEFT_OPEN = frozenset({"unknown", "cancelled"})
_NOT_FETCHED = frozenset({"Unfetched", "ResultLost", "TiktokerError"})


class OpenJob(msgspec.Struct, frozen=True, kw_only=True):
    """A request that may have been paid for and whose result was never taken in.

    ``request_id`` is ``None`` where the provider's answer never came. ``sent_at`` is UTC; ``work`` digests what the
    request was for (the step's ``key`` and its inputs); ``token`` and ``uploads`` are what it can be found by.
    ``counted``: its price and its ``units`` are part of what was spent. ``hedge``: it was sent beside another one.
    """

    provider: str
    model: str
    price_usd: Decimal
    token: int
    key: str
    work: str
    sent_at: datetime
    request_id: str | None = None
    addresses: Mapping[str, str] = {}
    uploads: Mapping[str, str] = {}
    units: Units = NOTHING
    counted: bool = False
    hedge: bool = False

    def but(self, **changes: Any) -> Self:
        """The same with other values."""
        return msgspec.structs.replace(self, **changes)


# By step: one request, or two where a second one was sent beside a late first.
OpenJobs = Mapping[str, tuple[OpenJob, ...]]


def each_open(jobs: OpenJobs) -> Iterator[tuple[str, OpenJob]]:
    """Every open request with the step that it is of."""
    for step, found in jobs.items():
        for job in found:
            yield step, job


def mind_job(jobs: dict[str, tuple[OpenJob, ...]], event: Event, at: datetime) -> None:
    """Keep the last requests of each step until a result is there, or it is certain that there will be none."""
    match event:
        case SubmitIntended(step=step, provider=provider) if provider != "local":
            beside = jobs.get(step, ()) if event.hedge else ()
            jobs[step] = (*beside, _opened(event, at))
        case JobReattached():
            _mind_reattached(jobs, event)
        case JobSubmitted(step=step) if step in jobs:
            named = event.token or jobs[step][-1].token
            jobs[step] = tuple(_named(job, event) if job.token == named else job for job in jobs[step])
        case JobDropped(step=step, token=token):
            _keep(jobs, step, *(job for job in jobs.get(step, ()) if job.token != token))
        case StepSucceeded(step=step):
            jobs.pop(step, None)
        case AttemptFailed(step=step):
            _keep(jobs, step, *(left for job in jobs.get(step, ()) if (left := _after_failure(job, event))))
        case _:
            pass


def find_job(jobs: OpenJobs, step: str, token: int) -> OpenJob | None:
    """A step's open request with this token."""
    return next((job for job in jobs.get(step, ()) if job.token == token), None)


def _mind_reattached(jobs: dict[str, tuple[OpenJob, ...]], event: JobReattached) -> None:
    """The request is this step's now, beside another one for the same work; those for other work are forgotten."""
    sender = event.taken_from or event.step
    before = find_job(jobs, sender, event.token)
    _keep(jobs, sender, *(job for job in jobs.get(sender, ()) if job is not before))
    taken_up = _opened(event, event.sent_at).but(
        request_id=event.request_id,
        addresses=_texts(event.addresses),
        counted=before is not None and before.counted,
    )
    beside = (job for job in jobs.get(event.step, ()) if job.work == event.work)
    jobs[event.step] = (*beside, taken_up)


def _keep(jobs: dict[str, tuple[OpenJob, ...]], step: str, *left: OpenJob) -> None:
    if left:
        jobs[step] = left
    else:
        jobs.pop(step, None)


def _named(job: OpenJob, event: JobSubmitted) -> OpenJob:
    return job.but(request_id=event.request_id, addresses=_texts(event.addresses))


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
        hedge=event.hedge,
    )


def _after_failure(job: OpenJob, event: AttemptFailed) -> OpenJob | None:
    """A failed attempt settles its request, unless it may still be fetched."""
    locked_out = event.error_kind == "AuthFailed" and bool(job.addresses)
    if event.outcome in _LEFT_OPEN or event.error_kind in _NOT_FETCHED or locked_out:
        return job.but(counted=job.counted or is_charged(event))
    return None


def is_charged(event: AttemptFailed) -> bool:
    """Whether what an attempt asked for last may have been paid for although it did not deliver."""
    return event.charged or event.cost_usd > 0


def _texts(addresses: Mapping[str, object]) -> dict[str, str]:
    return {name: str(address) for name, address in addresses.items()} if addresses else {}
