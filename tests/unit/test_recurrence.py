"""A series of moments from ``publish.every``."""

import re
from datetime import UTC, date, datetime
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiktoker_batch.recipe.recurrence import parse_every, zone_named

BERLIN = zone_named("Europe/Berlin")


def moments(every: str, start: str, count: int, zone: str = "Europe/Berlin") -> list[str]:
    found = islice(parse_every(every).moments(date.fromisoformat(start), zone_named(zone)), count)
    return [f"{at:%a %d.%m. %H:%M%z}" for at in found]


def test_weekdays_leave_the_weekend_out() -> None:
    assert moments("weekday 18:00", "2027-03-18", 3) == [
        "Thu 18.03. 18:00+0100",
        "Fri 19.03. 18:00+0100",
        "Mon 22.03. 18:00+0100",
    ]


def test_some_days_at_some_times_come_in_order_however_they_are_written() -> None:
    found = moments("Thursday, mon 18:30, 9:00", "2027-03-15", 4)
    assert [each[:17] for each in found] == [
        "Mon 15.03. 09:00+", "Mon 15.03. 18:30+", "Thu 18.03. 09:00+", "Thu 18.03. 18:30+",
    ]  # fmt: skip


def test_every_third_day_counts_from_the_start() -> None:
    assert [each[4:10] for each in moments("3 days 12:00", "2027-02-26", 3)] == ["26.02.", "01.03.", "04.03."]


def test_the_clock_on_the_wall_counts_when_clocks_change() -> None:
    assert moments("day 18:00", "2027-03-27", 2) == ["Sat 27.03. 18:00+0100", "Sun 28.03. 18:00+0200"]


def test_a_time_that_clocks_leave_out_becomes_the_one_that_they_show_then() -> None:
    assert moments("sunday 2:30", "2027-03-28", 1) == ["Sun 28.03. 03:30+0200"]


def test_a_time_that_comes_twice_is_meant_as_it_comes_first() -> None:
    assert moments("sunday 2:30", "2027-10-31", 1) == ["Sun 31.10. 02:30+0200"]


def test_a_series_ends_before_the_calendar_does() -> None:
    assert len(list(parse_every("366 days 0:00").moments(date(2999, 12, 31), UTC))) < 7000


@pytest.mark.parametrize(
    ("every", "said"),
    [
        ("weekday", "expected days and times"),
        ("18:00", "expected days and times"),
        ("wekday 18:00", "did you mean 'weekday'?"),
        ("monday 25:00", "'25:00' is no time of day"),
        ("monday 18h", "'18h' is no time of day"),
        ("0 days 18:00", "expected 1 to 366"),
        ("two days 18:00", "expected days and times"),
        ("", "expected days and times"),
    ],
)
def test_what_cannot_be_read_is_told(every: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_every(every)


@pytest.mark.parametrize("name", ["Europe/Berln", "../../etc/passwd", "", "Mars/Base", "Europe"])
def test_an_unknown_zone_is_told(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        zone_named(name)


def test_the_nearest_zone_is_named() -> None:
    with pytest.raises(ValueError, match="did you mean 'Europe/Berlin'"):
        zone_named("Europe/Berln")


DAYS = st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1).map(",".join)
TIMES = st.sets(st.times().map(lambda at: f"{at:%H:%M}"), min_size=1, max_size=3).map(",".join)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])


@given(DAYS | st.integers(1, 40).map("{} days".format), TIMES, st.dates(date(2020, 1, 1), date(2040, 1, 1)), ZONES)
def test_moments_never_go_back_and_never_come_before_the_start(days: str, times: str, start: date, zone: str) -> None:
    found = list(islice(parse_every(f"{days} {times}").moments(start, zone_named(zone)), 40))
    assert all(one.astimezone(UTC) <= other.astimezone(UTC) for one, other in pairwise(found))
    assert found[0] >= datetime.combine(start, datetime.min.time(), zone_named(zone))
