"""A compacted journal tells less and means the same."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.journals import MORNING, Run, golden, steps_of, write_journal
from tiktoker_batch.events import JobDropped, JobSubmitted, Record, StepReused, Straggling, SubmitIntended
from tiktoker_batch.store.compaction import WORTHWHILE_LINES, compact, compacted
from tiktoker_batch.store.journal import read_journal, read_lines, rewrite
from tiktoker_batch.store.manifest import manifest_json
from tiktoker_batch.store.state import BatchState, fold

VIDEOS = ("mon", "tue", "wed")
DEEDS = ("absent", "idle", "reused", "held", "held in part", "made", "cut off", "failed", "lost", "hedged")
days = st.lists(st.tuples(*(st.sampled_from(DEEDS) for _ in VIDEOS), st.booleans()), min_size=1, max_size=7)


def told(day: Sequence[object], number: int) -> list[Record]:
    """One run: what became of each video, and whether the run came to its end."""
    run = Run(number=number, began=MORNING + timedelta(days=number))
    run.start()
    for video, deed in zip(VIDEOS, day, strict=False):
        if deed != "absent":
            run.plan(video, steps_of(video, 1))
    for video, deed in zip(VIDEOS, day, strict=False):
        _do(run, video, str(deed))
    if day[-1]:
        run.end(60, "partial")
    return run.records()


def _do(run: Run, video: str, deed: str) -> None:
    steps = [step.id for step in steps_of(video, 1)]
    match deed:
        case "reused":
            for step in steps:
                run.reuse(step, 1)
            run.finish_video(video, 2)
        case "held":
            run.hold(video, steps, 1)
            run.finish_video(video, 2)
        case "held in part":
            run.hold(video, steps[:2], 1)
            run.begin(f"{video}/01/clip", 1, 2, submit=f"job-{run.number}")
        case "made":
            for step in steps:
                run.work(step, 1, 2, 3 + run.number)
            run.finish_video(video, 20)
        case "cut off":
            run.reuse(steps[0], 1)
            run.begin(f"{video}/01/clip", 1, 2, submit=f"job-{run.number}")
        case "failed":
            run.begin(f"{video}/01/image", 1, 2)
            run.fail(f"{video}/01/image", 5, "RateLimited", "wait", retry=3)
            run.begin(f"{video}/01/image", 8, 9, n=2)
            run.fail(f"{video}/01/image", 10, "Rejected", "no", n=2, cost="0.01")
            run.block(f"{video}/01/clip", f"{video}/01/image", 10)
            run.finish_video(video, 12, "failed", "no")
        case "hedged":
            clip = f"{video}/01/clip"
            run.begin(clip, 1, 2, submit=f"first-{run.number}")
            run.tell(4, Straggling(step=clip, attempt=1, seconds=2))
            intent = SubmitIntended(step=clip, attempt=1, provider="fal", model="m", price_usd=Decimal("0.40"), token=8)
            run.tell(5, replace(intent, hedge=True))
            run.tell(6, JobSubmitted(step=clip, attempt=1, request_id=f"second-{run.number}", token=8))
            if run.number % 2:
                run.tell(7, JobDropped(step=clip, attempt=1, token=0, message="late", request_id=f"first-{run.number}"))
        case "lost":
            run.begin(f"{video}/01/clip", 1, 2, submit="")
            run.fail(f"{video}/01/clip", 9, "UnknownOutcome", "who knows", cost="0.40")


def meaning(state: BatchState) -> tuple[object, ...]:
    attempts = sorted(map(repr, state.attempts()))
    return (
        manifest_json(state),
        state.successes,
        state.open_jobs,
        state.spent_usd,
        state.hedged_usd,
        state.wall_by_run,
        attempts,
    )


@given(days)
@settings(max_examples=150, deadline=None)
def test_whatever_happened_a_compacted_journal_folds_to_the_same(days: list[tuple[object, ...]]) -> None:
    records = [record for number, day in enumerate(days, start=1) for record in told(day, number)]
    kept = [record for _, record in compact([(b"", record) for record in records]) if record is not None]
    assert meaning(fold(kept)) == meaning(fold(records))
    more = told(("made", "reused", "cut off", True), len(days) + 1)
    assert meaning(fold([*kept, *more])) == meaning(fold([*records, *more]))


def test_a_batch_run_every_day_of_a_year_does_not_grow(tmp_path: Path) -> None:
    records = told(("made", "made", "made", True), 1)
    for number in range(2, 366):
        records += told(("reused", "reused", "reused", True), number)
    path = write_journal(tmp_path / "j", records)
    kept = compacted(read_lines(path))
    assert kept is not None
    rewrite(path, kept)
    assert meaning(fold(read_journal(path))) == meaning(fold(records))
    per_run = 2
    assert len(path.read_bytes().splitlines()) < len(told(("made",) * 3 + (True,), 1)) + 366 * per_run + 100
    assert sum(isinstance(record.event, StepReused) for record in read_journal(path)) < 100


def test_a_short_journal_is_left_alone(tmp_path: Path) -> None:
    path = write_journal(tmp_path / "j", golden())
    assert len(golden()) < WORTHWHILE_LINES
    assert compacted(read_lines(path)) is None


def test_lines_of_a_later_version_are_kept(tmp_path: Path) -> None:
    path = write_journal(tmp_path / "j", golden())
    strange = b'{"event":"moon_landed","at":"2027-03-15T09:00:00Z","elapsed":1,"run":1,"crew":3}'
    path.write_bytes(path.read_bytes() + strange + b"\n")
    assert compact(read_lines(path))[-1] == (strange, None)
