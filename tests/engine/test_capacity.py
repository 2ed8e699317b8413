"""Seats: all of a request or none, the best-ranked first, and none lost, whatever is cancelled when."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from tiktoker_batch.engine.capacity import Capacity, Lease
from tiktoker_batch.engine.ranks import Rank, Standing


@dataclass
class Groups:
    """Steps called ``group/place``; a group's rank is what it has left."""

    left: dict[str, float] = field(default_factory=dict)
    each: float = 1.0

    def standing(self, step: str) -> Standing:
        group, _, place = step.partition("/")
        return Standing(group, (float(place or 0),))

    def rank(self, group: str) -> Rank:
        return (self.left.get(group, 0.0), *group.encode())

    def end(self, step: str) -> str | None:
        group = step.partition("/")[0]
        self.left[group] -= self.each
        return group


@dataclass
class Asker:
    """A task that asks for seats, and holds what it gets until it is told to let go."""

    step: str
    names: tuple[str, ...]
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    lease: Lease | None = None

    async def ask(self, capacity: Capacity) -> None:
        with self.scope:
            self.lease = await capacity.acquire(self.names, self.step)

    def let_go(self) -> None:
        assert self.lease is not None
        self.lease.release()
        self.lease = None


@dataclass
class Hall:
    """Askers at one capacity; ``served`` are those that hold seats, in the order in which they got them."""

    capacity: Capacity
    nursery: trio.Nursery
    served: list[str] = field(default_factory=list)

    def ask(self, step: str, *names: str) -> Asker:
        asker = Asker(step, names)
        self.nursery.start_soon(self._ask, asker)
        return asker

    async def _ask(self, asker: Asker) -> None:
        await asker.ask(self.capacity)
        if asker.lease is not None:
            self.served.append(asker.step)

    async def all_in_order(self, askers: Iterable[Asker]) -> list[str]:
        """Let everybody go as soon as it is served; who was served, in order."""
        waiting = list(askers)
        while waiting:
            await wait_all_tasks_blocked()
            [ready, *_] = [asker for asker in waiting if asker.lease is not None]
            ready.let_go()
            waiting.remove(ready)
        return self.served


@asynccontextmanager
async def a_hall(ranks: Groups | None = None, **seats: int) -> AsyncIterator[Hall]:
    async with trio.open_nursery() as nursery:
        yield Hall(Capacity(seats, ranks=ranks), nursery)
        nursery.cancel_scope.cancel()


# ---------------------------------------------------------------------- who goes first


async def test_of_those_who_come_in_the_same_moment_the_best_ranked_is_served() -> None:
    for _ in range(20):  # Trio wakes tasks in random order
        async with a_hall(Groups({"a": 3, "b": 1, "c": 2}), fal=1) as hall:
            askers = [hall.ask(step, "fal") for step in ("a/1", "c/2", "b/2", "b/1", "c/1")]
            assert await hall.all_in_order(askers) == ["b/1", "b/2", "c/1", "c/2", "a/1"]


async def test_a_rank_that_improves_counts_at_once() -> None:
    ranks = Groups({"a": 3, "b": 2})
    async with a_hall(ranks, fal=1) as hall:
        first = hall.ask("b/0", "fal")
        await wait_all_tasks_blocked()
        waiting = [hall.ask("b/1", "fal"), hall.ask("a/1", "fal")]
        await wait_all_tasks_blocked()
        hall.capacity.end("a/0")
        hall.capacity.end("a/0")
        assert await hall.all_in_order([first, *waiting]) == ["b/0", "a/1", "b/1"]


async def test_without_ranks_who_came_first_is_served_first() -> None:
    async with a_hall(fal=1) as hall:
        askers = []
        for number in range(5):
            askers.append(hall.ask(str(number), "fal"))
            await wait_all_tasks_blocked()
        assert await hall.all_in_order(askers) == ["0", "1", "2", "3", "4"]


async def test_a_step_that_is_tried_again_takes_its_old_place() -> None:
    async with a_hall(Groups({"a": 1, "b": 2}), fal=1) as hall:
        again = hall.ask("a/1", "fal")
        await wait_all_tasks_blocked()
        others = [hall.ask(f"b/{number}", "fal") for number in range(3)]
        await wait_all_tasks_blocked()
        again.let_go()
        await wait_all_tasks_blocked()
        retried = hall.ask("a/1", "fal")
        await hall.all_in_order([retried, *others])
        assert hall.served == ["a/1", "b/0", "a/1", "b/1", "b/2"]


# ---------------------------------------------------------------------- several seats at once


async def test_nobody_holds_one_seat_while_waiting_for_another() -> None:
    async with a_hall(fal=1, veo=1) as hall:
        veo = hall.ask("a", "veo")
        await wait_all_tasks_blocked()
        both = hall.ask("b", "fal", "veo")
        await wait_all_tasks_blocked()
        other = hall.ask("c", "fal")
        await wait_all_tasks_blocked()
        assert hall.served == ["a", "c"], "the seat that b could not use was free for c"
        assert await hall.all_in_order([veo, both, other]) == ["a", "c", "b"]


async def test_requests_that_overlap_crosswise_never_lock_one_another_up() -> None:
    async with a_hall(a=1, b=1, c=1) as hall:
        pairs = [("a", "b"), ("b", "c"), ("c", "a")] * 10
        askers = [hall.ask(str(number), *names) for number, names in enumerate(pairs)]
        assert len(await hall.all_in_order(askers)) == 30


async def test_a_step_whose_model_is_limited_too_is_not_passed_over_again_and_again() -> None:
    """Seats of both limits come free in the same moment, so the endless stream of others does not get between."""
    async with a_hall(Groups({"best": 0, "rest": 1}), fal=2, veo=1) as hall:
        model, plain = hall.ask("rest/0", "fal", "veo"), hall.ask("rest/0", "fal")
        await wait_all_tasks_blocked()
        best = hall.ask("best/0", "fal", "veo")
        stream = [hall.ask(f"rest/{number}", "fal") for number in range(1, 50)]
        await wait_all_tasks_blocked()
        plain.let_go()
        await wait_all_tasks_blocked()
        model.let_go()
        await wait_all_tasks_blocked()
        assert best.lease is not None
        assert sum(asker.lease is not None for asker in stream) == 1


async def test_even_the_worst_ranked_is_served_in_the_end(autojump_clock: MockClock) -> None:
    """A finite batch: 200 better-ranked steps for either of its seats, each tried three times, come and go."""
    capacity = Capacity({"fal": 2, "veo": 2}, ranks=Groups({"best": 0, "worst": 1}))
    done: list[str] = []

    async def work(step: str, *names: str, times: int = 1) -> None:
        for _ in range(times):
            lease = await capacity.acquire(names, step)
            await trio.sleep(1)
            lease.release()
        done.append(step)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work, "worst/0", "fal", "veo")
        for number in range(200):
            nursery.start_soon(lambda number=number: work(f"best/{number}", ("fal", "veo")[number % 2], times=3))
    assert len(done) == 201
    assert done.index("worst/0") >= 195


async def test_a_name_without_a_limit_costs_nothing() -> None:
    async with a_hall(fal=1) as hall:
        askers = [hall.ask(str(number), "unknown") for number in range(10)]
        await wait_all_tasks_blocked()
        assert all(asker.lease is not None for asker in askers)


async def test_an_idle_seat_is_one_that_nobody_waits_for() -> None:
    async with a_hall(fal=2, veo=1) as hall:
        model = hall.ask("a", "fal", "veo")
        await wait_all_tasks_blocked()
        assert hall.capacity.take_idle(["fal", "veo"]) is None, "one of them is taken"
        idle = hall.capacity.take_idle(["fal"])
        assert idle is not None
        assert hall.capacity.take_idle(["fal"]) is None
        idle.release()
        hall.ask("b", "fal", "veo")
        await wait_all_tasks_blocked()
        assert hall.capacity.take_idle(["fal"]) is None, "somebody waits for it, and for another one"
        model.let_go()
        await wait_all_tasks_blocked()
        assert hall.served == ["a", "b"]
        assert hall.capacity.take_idle(["fal"]) is not None


async def test_who_asks_in_the_same_moment_goes_before_whoever_takes_what_is_idle() -> None:
    async with a_hall(fal=1) as hall:
        asker = hall.ask("a", "fal")
        for _ in range(2):  # it starts, and joins the line
            await trio.lowlevel.checkpoint()
        assert hall.capacity.take_idle(["fal"]) is None
        await wait_all_tasks_blocked()
        assert asker.lease is not None


# ---------------------------------------------------------------------- cancellation


@pytest.mark.parametrize("cancel_first", [True, False])
async def test_a_seat_given_to_somebody_who_is_cancelled_in_that_moment_is_not_lost(cancel_first: bool) -> None:
    async with a_hall(fal=1) as hall:
        first = hall.ask("0", "fal")
        await wait_all_tasks_blocked()
        second = hall.ask("1", "fal")
        await wait_all_tasks_blocked()
        third = hall.ask("2", "fal")
        await wait_all_tasks_blocked()
        for act in (second.scope.cancel, first.let_go)[:: 1 if cancel_first else -1]:
            act()
        await wait_all_tasks_blocked()
        assert (second.lease is None) == cancel_first
        if second.lease is not None:
            second.let_go()
        await wait_all_tasks_blocked()
        assert third.lease is not None


async def test_who_is_cancelled_before_the_first_wait_takes_nothing() -> None:
    capacity = Capacity({"fal": 1})
    with trio.CancelScope() as scope:
        scope.cancel()
        await capacity.acquire(["fal"])
    assert scope.cancelled_caught
    assert not capacity.has_others("fal")
    with trio.fail_after(1):
        (await capacity.acquire(["fal"])).release()


async def test_who_is_cancelled_between_being_served_and_waking_gives_its_seat_back() -> None:
    async def both(capacity: Capacity) -> None:
        lease = await capacity.acquire(["fal"])  # serves the other one too
        other.scope.cancel()
        lease.release()

    for _ in range(20):  # whichever of the two wakes first
        async with a_hall(fal=2) as hall:
            other = hall.ask("other", "fal")
            hall.nursery.start_soon(both, hall.capacity)
            await wait_all_tasks_blocked()
            if other.lease is not None:
                other.let_go()
            after = [hall.ask("after", "fal") for _ in range(2)]
            await wait_all_tasks_blocked()
            assert all(asker.lease is not None for asker in after)


async def test_a_lease_that_is_released_twice_frees_its_seat_once() -> None:
    capacity = Capacity({"fal": 1})
    lease = await capacity.acquire(["fal"])
    lease.release()
    lease.release()
    await capacity.acquire(["fal"])
    with trio.move_on_after(0.01) as scope:
        await capacity.acquire(["fal"])
    assert scope.cancelled_caught


# ---------------------------------------------------------------------- anything, in any order

NAMES = ("fal", "veo")


@dataclass
class Scenario:
    """Plays what hypothesis draws, and looks at what must hold whenever all is quiet."""

    draw: Callable[[st.SearchStrategy], object]  # type: ignore[type-arg]
    hall: Hall
    ranks: Groups
    askers: list[Asker] = field(default_factory=list)
    waited: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)

    async def play(self) -> None:
        for _ in range(self.draw(st.integers(1, 30))):  # type: ignore[call-overload]
            acts: list[Callable[[], None]] = [self.ask, self.ask, self.let_go, self.cancel]
            for act in self.draw(st.lists(st.sampled_from(acts), max_size=5)):  # type: ignore[attr-defined]
                act()
            await self.quiet()
            self.draw(st.sampled_from([self.change_rank, self.shrink, self.grow, int]))()  # type: ignore[operator]
            await self.quiet()
        await self.empty()

    # ------------------------------------------------------------------ what happens

    def ask(self) -> None:
        names = self.draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
        step = self.draw(st.sampled_from([f"{group}/{place}" for group in "abc" for place in range(3)]))
        self.askers.append(self.hall.ask(str(step), *names))  # type: ignore[misc]

    def let_go(self) -> None:
        self._any(self.holders, Asker.let_go)

    def cancel(self) -> None:
        self._any(self.waiters, lambda asker: asker.scope.cancel())

    def change_rank(self) -> None:
        self.ranks.each = float(self.draw(st.integers(-3, 5)))  # type: ignore[call-overload]
        self.hall.capacity.end(str(self.draw(st.sampled_from("abc"))))

    def shrink(self) -> None:
        self.hall.capacity.throttle(str(self.draw(st.sampled_from(NAMES))))

    def grow(self) -> None:
        self.hall.capacity.bear(str(self.draw(st.sampled_from(NAMES))), int(self.draw(st.integers(1, 4))))  # type: ignore[call-overload]

    def _any(self, choose: Callable[[], list[Asker]], act: Callable[[Asker], None]) -> None:
        if found := choose():
            act(self.draw(st.sampled_from(found)))  # type: ignore[arg-type]

    # ------------------------------------------------------------------ what must hold

    def holders(self) -> list[Asker]:
        return [asker for asker in self.askers if asker.lease is not None]

    def waiters(self) -> list[Asker]:
        return [
            asker for asker in self.askers if asker.lease is None and id(asker) in self.waited and not self.gone(asker)
        ]

    def gone(self, asker: Asker) -> bool:
        return asker.scope.cancel_called or id(asker) in self.held

    def taken(self, name: str) -> int:
        return sum(name in asker.names for asker in self.holders())

    def is_full(self, name: str) -> bool:
        return self.taken(name) >= (self.hall.capacity.seats(name) or 0)

    def key(self, asker: Asker) -> tuple[Rank, Rank]:
        group, place = self.ranks.standing(asker.step)
        return self.ranks.rank(group), place

    async def quiet(self) -> None:
        before = set(self.waited)
        await wait_all_tasks_blocked()
        new = [asker for asker in self.holders() if id(asker) not in self.held]
        self.held |= {id(asker) for asker in new}
        self.waited |= {id(asker) for asker in self.askers}
        for asker in new:
            for name in asker.names:
                assert self.taken(name) <= (self.hall.capacity.seats(name) or 0), "over a limit"
        for waiter in self.waiters():
            assert any(map(self.is_full, waiter.names)), "a seat is lost"
            rivals = [asker for asker in new if set(asker.names) == set(waiter.names)]
            if id(waiter) in before:
                assert all(self.key(asker) <= self.key(waiter) for asker in rivals), "a worse-ranked one was served"

    async def empty(self) -> None:
        """All who hold seats let go, one by one: everybody who waits is served."""
        while found := self.holders():
            found[0].let_go()
            await self.quiet()
        assert not self.waiters()


@given(st.data(), st.fixed_dictionaries({name: st.integers(1, 3) for name in NAMES}))
@settings(max_examples=200, deadline=None)
def test_whatever_happens_no_limit_is_passed_no_seat_lost_and_the_best_ranked_served(
    data: st.DataObject, seats: dict[str, int]
) -> None:
    async def main() -> None:
        ranks = Groups({"a": 2.0, "b": 5.0, "c": 8.0})
        async with a_hall(ranks, **seats) as hall:
            await Scenario(data.draw, hall, ranks).play()

    trio.run(main)
