"""Requests left open: what a restart goes on with."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from msgspec.structs import replace

from tiktoker_batch.events import (
    AttemptFailed,
    Event,
    JobDropped,
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
    found = all_after(*events)
    assert len(found) <= 1
    return found[0] if found else None


def all_after(*events: Event) -> tuple[OpenJob, ...]:
    jobs: dict[str, tuple[OpenJob, ...]] = {}
    for event in events:
        mind_job(jobs, event, AT)
    return jobs.get(STEP, ())


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


# ---------------------------------------------------------------------- two for one step

HEDGE = replace(intent(token=8), hedge=True)


def named(token: int) -> JobSubmitted:
    return JobSubmitted(step=STEP, attempt=1, request_id=f"r{token}", addresses={"at": "u"}, token=token)


def dropped(token: int) -> JobDropped:
    return JobDropped(step=STEP, attempt=1, token=token, message="", request_id=f"r{token}")


def test_a_second_request_stands_beside_the_first_and_each_is_named_by_its_own_answer() -> None:
    jobs = all_after(intent(), HEDGE, named(8), named(7))
    assert [(job.token, job.request_id, job.hedge) for job in jobs] == [(7, "r7", False), (8, "r8", True)]


def test_an_answer_of_an_older_journal_is_that_of_the_last_request() -> None:
    assert [job.request_id for job in all_after(intent(token=6), submitted())] == ["r1"]


def test_the_one_that_is_dropped_is_settled_and_the_other_stays_open() -> None:
    assert [job.token for job in all_after(intent(), HEDGE, named(7), named(8), dropped(7))] == [8]
    assert all_after(intent(), HEDGE, dropped(7), dropped(8)) == ()


def test_a_result_settles_both() -> None:
    assert all_after(intent(), HEDGE, StepSucceeded(step=STEP, attempt=1, key="k", inputs="i", artifacts=())) == ()


def test_what_ends_an_attempt_ends_both_or_leaves_both_open() -> None:
    assert all_after(intent(), HEDGE, failed("Unavailable", "retry")) == ()
    left = all_after(intent(), HEDGE, failed("Unfetched", "retry", "0.80"))
    assert [(job.token, job.counted) for job in left] == [(7, True), (8, True)]


def taken_up(token: int, work: str = "w", taken_from: str | None = None, step: str = STEP) -> JobReattached:
    return JobReattached(
        step=step,
        attempt=1,
        provider="fal",
        model="m",
        price_usd=PRICE,
        token=token,
        key="k",
        work=work,
        sent_at=AT,
        taken_from=taken_from,
    )


def test_both_are_gone_on_with_and_stay_counted() -> None:
    cut_off = (intent(), HEDGE, failed("Unfetched", "retry", "0.80"))
    both = all_after(*cut_off, taken_up(7), taken_up(8))
    assert [(job.token, job.counted) for job in both] == [(7, True), (8, True)]
    assert [job.token for job in all_after(*cut_off, taken_up(9, work="other work"))] == [9]


def test_a_request_that_another_step_goes_on_with_is_no_more_its_own() -> None:
    jobs: dict[str, tuple[OpenJob, ...]] = {}
    other = "w/01/clip"
    charged = failed("UnknownOutcome", "unknown", "0.40")
    for event in (intent(), charged, taken_up(7, taken_from=STEP, step=other)):
        mind_job(jobs, event, AT)
    assert [(step, [(job.token, job.counted) for job in found]) for step, found in jobs.items()] == [
        (other, [(7, True)])
    ]
