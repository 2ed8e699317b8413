"""The fold: what a batch looks like after everything that was told."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.journals import MORNING, Run, a_planned_step, an_artifact, golden, steps_of
from tiktoker_batch.events import (
    AttemptFailed,
    AttemptStarted,
    Event,
    Interrupted,
    JobDropped,
    JobSubmitted,
    Record,
    StepQueued,
    StepReused,
    StepSucceeded,
    Straggling,
    SubmitIntended,
    WorkDone,
)
from tiktoker_batch.store.jobs import each_open
from tiktoker_batch.store.state import BatchState, Success, fold

STORY, SHOTS = "v/story", "v/shots"


def a_run(number: int = 1, *steps: str) -> Run:
    """A run of one video ``v`` with these steps."""
    run = Run(number=number, began=MORNING)
    run.start()
    run.plan("v", [a_planned_step(step) for step in steps or (STORY, SHOTS)])
    return run


def folded(*runs: Run) -> BatchState:
    return fold(record for run in runs for record in run.records())


# ---------------------------------------------------------------------- one run


def test_a_step_goes_from_pending_through_running_to_done() -> None:
    run = a_run()
    states = []
    run.begin(STORY, 1, 2)
    run.succeed(STORY, 5)
    state = BatchState()
    for record in run.records():
        state.apply(record)
        states.append(state.steps[STORY].state if STORY in state.steps else None)
    assert states == [None, "pending", "pending", "running", "done"]


def test_waiting_and_working_are_told_apart() -> None:
    run = a_run()
    run.work(STORY, 1, 4, 9)
    [attempt] = folded(run).steps[STORY].attempts
    assert (attempt.waited_seconds, attempt.worked_seconds, attempt.outcome) == (3, 5, "ok")


def test_a_retry_keeps_the_error_of_each_attempt() -> None:
    run = a_run()
    run.begin(STORY, 0, 0)
    run.fail(STORY, 1, "Unavailable", "down", retry=3)
    run.begin(STORY, 4, 4, n=2)
    run.succeed(STORY, 6, n=2)
    step = folded(run).steps[STORY]
    assert [(each.n, each.outcome, each.error_kind) for each in step.attempts] == [
        (1, "retry", "Unavailable"),
        (2, "ok", None),
    ]
    assert (step.state, step.error_kind) == ("done", None)


def test_a_step_that_gives_up_blocks_others_with_its_name() -> None:
    run = a_run()
    run.begin(STORY, 0, 0)
    run.fail(STORY, 1, "Rejected", "not this")
    run.block(SHOTS, STORY, 1)
    run.finish_video("v", 1, "failed", "not this")
    state = folded(run)
    assert (state.steps[STORY].state, state.steps[STORY].error_kind) == ("failed", "Rejected")
    assert (state.steps[SHOTS].state, state.steps[SHOTS].blocked_by) == ("skipped", STORY)
    assert (state.videos["v"].state, state.videos["v"].notes) == ("failed", ("not this",))


def test_a_video_runs_as_soon_as_one_of_its_steps_does() -> None:
    run = a_run()
    assert folded(run).videos["v"].state == "pending"
    run.begin(STORY, 0, 0)
    assert folded(run).videos["v"].state == "running"


def test_the_assembly_worked_as_long_as_its_pieces_not_as_long_as_it_waited_for_clips() -> None:
    run = a_run(1, "v/assembly")
    run.begin("v/assembly", 0, 0)
    run.piece("v/assembly", "mix", 0, 10, 12)
    run.piece("v/assembly", "normalise 01", 1, 50, 53)
    run.succeed("v/assembly", 60)
    [attempt] = folded(run).steps["v/assembly"].attempts
    assert attempt.worked_seconds == 5
    assert [piece.label for piece in attempt.pieces] == ["mix", "normalise 01"]


def test_an_assembly_without_a_piece_did_nothing_but_wait() -> None:
    run = a_run(1, "v/assembly")
    run.begin("v/assembly", 0, 0)
    run.tell(
        60,
        AttemptFailed(step="v/assembly", attempt=1, outcome="cancelled", error_kind="Blocked", message="no clip"),
    )
    assert folded(run).steps["v/assembly"].attempts[0].worked_seconds == 0


def test_money_of_failed_attempts_counts() -> None:
    run = a_run()
    run.begin(STORY, 0, 0)
    run.fail(STORY, 1, "RateLimited", "slow", retry=1, cost="0.10")
    run.begin(STORY, 2, 2, n=2)
    run.succeed(STORY, 3, n=2, cost="0.20")
    state = folded(run)
    assert state.spent_usd == state.videos["v"].cost_usd == state.steps[STORY].cost_usd == Decimal("0.30")


# ---------------------------------------------------------------------- several runs


def test_the_newest_plan_says_what_exists() -> None:
    first, second = a_run(1, STORY, SHOTS), a_run(2, STORY, "v/music")
    assert list(folded(first, second).steps) == [STORY, "v/music"]


def test_attempts_and_money_add_up_over_runs() -> None:
    first, second = a_run(1), a_run(2)
    first.work(STORY, 0, 0, 1, cost="0.10")
    second.work(STORY, 0, 0, 1, cost="0.20")
    step = folded(first, second).steps[STORY]
    assert [(each.run, each.n) for each in step.attempts] == [(1, 1), (2, 1)]
    assert step.cost_usd == Decimal("0.30")


def test_a_new_run_knows_what_the_last_one_made_and_is_pending_itself() -> None:
    first, second = a_run(1), a_run(2)
    first.work(STORY, 0, 0, 1)
    state = folded(first, second)
    assert state.steps[STORY].state == "pending"
    assert state.successes[STORY] == Success(
        key="key of v/story", inputs="in", artifacts=(an_artifact("work/v/story"),)
    )


def test_a_later_failure_does_not_forget_the_success_before_it() -> None:
    first, second = a_run(1), a_run(2)
    first.work(STORY, 0, 0, 1)
    second.begin(STORY, 0, 0)
    second.fail(STORY, 1, "Rejected", "no")
    state = folded(first, second)
    assert state.steps[STORY].state == "failed"
    assert state.successes[STORY].key == "key of v/story"


def test_a_step_that_comes_back_into_the_plan_finds_its_old_success_and_its_cost() -> None:
    first, second, third = a_run(1, STORY, SHOTS), a_run(2, STORY), a_run(3, STORY, SHOTS)
    first.work(SHOTS, 0, 0, 1, cost="0.10")
    state = folded(first, second, third)
    assert state.successes[SHOTS].key == "key of v/shots"
    assert state.steps[SHOTS].cost_usd == Decimal("0.10")


def test_money_spent_on_a_step_that_is_no_longer_planned_stays_spent() -> None:
    first, second = a_run(1, STORY, SHOTS), a_run(2, STORY)
    first.work(SHOTS, 0, 0, 1, cost="0.10")
    state = folded(first, second)
    assert state.spent_usd == Decimal("0.10")
    assert sum(each.worked_seconds for each in state.attempts()) == 1


def test_what_was_reused_is_what_may_be_reused_next() -> None:
    run = a_run()
    run.tell(0, StepReused(step=STORY, key="from elsewhere", inputs="in", artifacts=(an_artifact("work/v/story.txt"),)))
    state = folded(run)
    assert (state.steps[STORY].state, state.successes[STORY].key) == ("reused", "from elsewhere")


def test_steps_that_hold_are_reused_as_they_were_left() -> None:
    first, second = a_run(1, STORY, SHOTS), a_run(2, STORY, SHOTS)
    first.begin(STORY, 0, 0)
    first.succeed(STORY, 1, cost="0.10", path="work/v/story.txt")
    second.hold("v", (STORY, SHOTS), 1)
    state = folded(first, second)
    held, never_made = state.steps[STORY], state.steps[SHOTS]
    assert (held.state, [each.path for each in held.artifacts], held.inputs) == ("reused", ["work/v/story.txt"], "in")
    assert (held.cost_usd, state.spent_usd, len(held.attempts)) == (Decimal("0.10"), Decimal("0.10"), 1)
    assert (never_made.state, never_made.artifacts) == ("pending", ()), "what is told of nothing is not believed"


def test_a_video_at_work_again_still_names_the_file_that_lies_there() -> None:
    first, second = a_run(1), a_run(2)
    first.work(STORY, 0, 0, 1)
    first.finish_video("v", 1)
    second.begin(STORY, 0, 0)
    video = folded(first, second).videos["v"]
    assert (video.state, video.output) == ("running", "videos/v.mp4")


def test_the_wall_time_of_each_run_is_kept() -> None:
    first, second = a_run(1), a_run(2)
    first.end(48)
    second.tell(7.5, Interrupted(signal="SIGINT", how="drain"))
    assert folded(first, second).wall_by_run == {1: 48, 2: 7.5}


# ---------------------------------------------------------------------- runs that were cut off


def killed(*, submit: str | None, provider: str = "fal") -> BatchState:
    """A run that dies at work after eight seconds, and the next one's start."""
    first, second = a_run(1), a_run(2)
    first.begin(STORY, 1, 2)
    if submit is not None:
        first.tell(3, SubmitIntended(step=STORY, attempt=1, provider=provider, model="m", price_usd=Decimal(1)))
    if submit:
        first.tell(4, JobSubmitted(step=STORY, attempt=1, request_id=submit))
    first.begin(SHOTS, 8, 8)
    return folded(first, second)


def test_a_killed_run_looks_as_if_it_ran_until_the_next_begins() -> None:
    run = a_run()
    run.begin(STORY, 0, 0)
    state = folded(run)
    assert (state.state, state.steps[STORY].state, state.steps[STORY].attempts[0].outcome) == (
        "running",
        "running",
        None,
    )


def test_an_attempt_of_a_killed_run_ends_with_the_last_sign_of_life() -> None:
    attempt = killed(submit=None).steps[STORY].attempts[0]
    assert (attempt.outcome, attempt.ended, attempt.worked_seconds) == ("cancelled", 8, 6)


def test_a_killed_attempt_whose_request_may_be_out_is_unknown() -> None:
    assert killed(submit="").steps[STORY].attempts[0].outcome == "unknown"


def test_a_killed_attempt_with_a_known_request_keeps_its_name() -> None:
    attempt = killed(submit="req-7").steps[STORY].attempts[0]
    assert (attempt.outcome, attempt.request_id) == ("unknown", "req-7")


def test_a_killed_local_attempt_is_cancelled_since_nothing_left_the_machine() -> None:
    assert killed(submit="", provider="local").steps[STORY].attempts[0].outcome == "cancelled"


def test_a_run_that_says_good_bye_leaves_nothing_running() -> None:
    run = a_run()
    run.begin(STORY, 0, 0)
    run.end(3, "interrupted")
    state = folded(run)
    assert (state.state, state.videos["v"].state, state.steps[STORY].state) == ("interrupted", "pending", "pending")


def test_an_attempt_is_its_own_even_if_the_line_that_announced_it_was_removed() -> None:
    first, second = a_run(1), a_run(2)
    first.work(STORY, 0, 0, 1)
    second.work(STORY, 0, 2, 5)
    mended = [
        record
        for record in [*first.records(), *second.records()]
        if not (record.run == 2 and isinstance(record.event, StepQueued))
    ]
    attempts = fold(mended).steps[STORY].attempts
    assert [(each.run, each.worked_seconds) for each in attempts] == [(1, 1), (2, 3)]


def test_events_of_unknown_steps_and_videos_change_no_plan() -> None:
    run = a_run()
    run.work("ghost/story", 0, 0, 1)
    run.finish_video("ghost", 1)
    state = folded(run)
    assert (list(state.steps), list(state.videos)) == ([STORY, SHOTS], ["v"])


# ---------------------------------------------------------------------- properties


@given(cut=st.integers(0, len(golden())))
@settings(deadline=None)
def test_folding_in_two_parts_is_folding_at_once(cut: int) -> None:
    state = fold(golden()[:cut])
    for record in golden()[cut:]:
        state.apply(record)
    assert state == fold(golden())


names = st.sampled_from([step.id for step in steps_of("v", 1)])
numbers = st.integers(1, 2)
any_event: st.SearchStrategy[Event] = st.one_of(
    st.builds(StepQueued, step=names, attempt=numbers),
    st.builds(AttemptStarted, step=names, attempt=numbers),
    st.builds(
        SubmitIntended,
        step=names,
        attempt=numbers,
        provider=st.just("fal"),
        model=names,
        price_usd=st.just(Decimal(1)),
        token=numbers,
        hedge=st.booleans(),
    ),
    st.builds(JobSubmitted, step=names, attempt=numbers, request_id=names, token=st.integers(0, 2)),
    st.builds(Straggling, step=names, attempt=numbers, seconds=st.just(1.0)),
    st.builds(
        JobDropped,
        step=names,
        attempt=numbers,
        token=numbers,
        message=st.text(),
        request_id=st.none() | names,
        cost_usd=st.just(Decimal("0.1")),
    ),
    st.builds(
        AttemptFailed,
        step=names,
        attempt=numbers,
        outcome=st.sampled_from(["retry", "failed"]),
        error_kind=st.just("Broken"),
        message=st.text(),
        cost_usd=st.just(Decimal("0.1")),
    ),
    st.builds(
        StepSucceeded,
        step=names,
        attempt=numbers,
        key=names,
        inputs=names,
        artifacts=st.just((an_artifact("a"),)),
        cost_usd=st.just(Decimal("0.1")),
    ),
    st.builds(WorkDone, step=names, label=names, waited=st.just(0.0), began=st.just(1.0), ended=st.just(2.0)),
)


@given(events=st.lists(any_event, max_size=60), runs=st.integers(1, 3))
@settings(deadline=None)
def test_no_order_of_events_upsets_the_fold(events: list[Event], runs: int) -> None:
    told: list[Record] = []
    for number in range(1, runs + 1):
        run = Run(number=number, began=MORNING)
        run.start()
        run.plan("v", steps_of("v", 1))
        for second, event in enumerate(events[number - 1 :: runs]):
            run.tell(second, event)
        told += run.records()
    state = fold(told)
    spent = sum((getattr(event, "cost_usd", Decimal(0)) for event in events), Decimal(0))
    # Requests that nobody settled may have been paid too.
    open_usd = sum((job.price_usd for _, job in each_open(state.open_jobs)), Decimal(0))
    assert state.spent_usd == state.videos["v"].cost_usd
    assert spent <= state.spent_usd
    assert state.spent_usd >= spent + open_usd * (runs == 1 and state.state != "running")
    assert all(each.waited_seconds >= 0 and each.worked_seconds >= 0 for each in state.attempts())
    assert {step.state for step in state.steps.values()} <= {"pending", "running", "done"}
