"""Requests left open: what a restart goes on with."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from tiktoker_batch.events import (
    AttemptFailed,
    Event,
    JobReattached,
    JobSubmitted,
    Record,
    StepSucceeded,
    SubmitIntended,
)
from tiktoker_batch.records import record_from_line, record_to_json
from tiktoker_batch.store.jobs import OpenJob, mind_job

AT = datetime(2027, 3, 15, 12, tzinfo=UTC)
STEP = "v/01/clip"
PRICE = Decimal("0.40")


def intent(token: int = 7, provider: str = "fal") -> SubmitIntended:
    return SubmitIntended(
        step=STEP, attempt=1, provider=provider, model="m", price_usd=PRICE, token=token, key="k", work="w"
    )


def submitted() -> JobSubmitted:
    return JobSubmitted(step=STEP, attempt=1, request_id="r1", addresses={"status_url": "u"})


def failed(kind: str, outcome: str = "failed", cost: str = "0") -> AttemptFailed:
    return AttemptFailed(step=STEP, attempt=1, outcome=outcome, error_kind=kind, message="", cost_usd=Decimal(cost))


def after(*events: Event) -> OpenJob | None:
    jobs: dict[str, OpenJob] = {}
    for event in events:
        mind_job(jobs, event, AT)
    return jobs.get(STEP)


def test_a_request_is_open_from_its_intent_on() -> None:
    job = after(intent())
    assert job is not None
    assert (job.token, job.key, job.work, job.sent_at, job.request_id) == (7, "k", "w", AT, None)
    known = after(intent(), submitted())
    assert known is not None
    assert (known.request_id, known.addresses) == ("r1", {"status_url": "u"})


def test_work_on_this_machine_leaves_nothing_open() -> None:
    assert after(intent(provider="local"), submitted()) is None


def test_a_result_settles_it() -> None:
    done = StepSucceeded(step=STEP, attempt=1, key="k", inputs="i", artifacts=())
    assert after(intent(), submitted(), done) is None


def test_a_failure_settles_it_unless_the_result_may_still_be_fetched() -> None:
    for kind in ("Rejected", "Unavailable", "Unusable", "TimedOut"):
        assert after(intent(), submitted(), failed(kind)) is None
    asked_after = JobSubmitted(step=STEP, attempt=1, request_id="r1", addresses={"status_url": "u"})
    assert after(intent(), asked_after, failed("AuthFailed")) is not None
    assert after(intent(), submitted(), failed("ResultLost")) is not None
    assert after(intent(), submitted(), failed("TiktokerError")) is not None
    assert after(intent(), submitted(), failed("Unfetched", "retry")) is not None
    assert after(intent(), submitted(), failed("Cancelled", "cancelled")) is not None
    assert after(intent(), failed("UnknownOutcome", "unknown")) is not None
    assert after(intent(), failed("AuthFailed")) is None


def test_the_addresses_of_its_files_are_kept_to_know_it_again() -> None:
    with_picture = replace(intent(), uploads={"image": "https://files/1"})
    job = after(with_picture)
    assert job is not None
    assert job.uploads == {"image": "https://files/1"}


def test_money_that_was_counted_is_remembered() -> None:
    job = after(intent(), failed("UnknownOutcome", "unknown", "0.40"))
    assert job is not None
    assert job.counted


def test_another_request_takes_the_place_of_the_first() -> None:
    job = after(intent(), submitted(), intent(token=8))
    assert job is not None
    assert (job.token, job.request_id) == (8, None)


def test_a_request_that_is_gone_on_with_is_as_open_as_before() -> None:
    again = JobReattached(
        step=STEP,
        attempt=1,
        provider="fal",
        model="m",
        price_usd=PRICE,
        token=7,
        key="k",
        work="w",
        sent_at=AT,
        request_id="r1",
        addresses={"status_url": "u"},
    )
    assert after(again) == after(intent(), submitted())
    record = Record(at=AT, elapsed=1.0, run=2, event=again)
    assert record_from_line(json.dumps(record_to_json(record)).encode()) == record
