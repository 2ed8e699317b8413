"""The rehearsal's clock: waiting flies, work is real, and waking late costs no more than it does."""

import time

import trio

from tiktoker_batch.simulator.clock import FlyingClock


def took(clock: FlyingClock, what: object) -> tuple[float, float]:
    """Seconds on the clock, and really."""
    really = time.perf_counter()
    trio.run(what, clock=clock)  # type: ignore[arg-type]
    return clock.current_time(), time.perf_counter() - really


def test_an_hour_of_waiting_passes_in_no_time() -> None:
    async def wait() -> None:
        await trio.sleep(3600)

    told, really = took(FlyingClock(100_000), wait)
    assert 3600 <= told < 3605
    assert really < 5


def test_work_counts_what_it_takes() -> None:
    async def work() -> None:
        await trio.to_thread.run_sync(time.sleep, 0.2)
        began = time.perf_counter()
        while time.perf_counter() - began < 0.1:
            pass

    told, really = took(FlyingClock(1000), work)
    assert 0.3 <= told <= really + 5


def test_work_elsewhere_holds_time_too() -> None:
    clock = FlyingClock(1000)
    clock.is_working = lambda: True

    async def wait() -> None:
        await trio.sleep(0.2)

    told, really = took(clock, wait)
    assert 0.2 <= told <= really + 0.1


def test_whoever_wakes_late_has_not_flown_on() -> None:
    clock = FlyingClock(1000)
    clock.start_clock()
    clock.current_time()
    # What Trio's loop does: it asks how long to sleep, and looks at the clock when it is back.

    async def look() -> None:
        before = clock.current_time()
        clock.deadline_to_sleep_time(before + 10)
        time.sleep(0.1)  # noqa: ASYNC251  (ten times as long as ten flying seconds take)
        after = clock.current_time()
        assert 10 <= after - before < 10.5

    trio.run(look)
