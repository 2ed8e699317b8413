"""``publish.every``: the moments of a series, like ``weekday 18:00`` or ``mon,thu 9:00,18:30``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from tiktoker_batch.recipe.suggest import did_you_mean

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS = {"day": range(7), "weekday": range(5), "weekend": range(5, 7)}
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_LAST_YEAR = 9990  # later ones do not fit into every time zone
EXAMPLES = "'weekday 18:00', 'mon,thu 9:00,18:30' or '3 days 12:00'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """Days of the week (Monday is 0) or, with ``interval``, every so many days; at these local times."""

    days: frozenset[int]
    times: tuple[time, ...]
    interval: int | None = None

    def moments(self, start: date, zone: tzinfo) -> Iterator[datetime]:
        """The moments from a day on, in order, up to the last years of the calendar.

        A local time that a change of clocks leaves out becomes the one that clocks then show; one that comes twice is
        meant as it comes first.
        """
        day = start
        while day.year < _LAST_YEAR:
            if self.interval is not None or day.weekday() in self.days:
                for at in self.times:
                    yield datetime.combine(day, at, zone).astimezone(UTC).astimezone(zone)
            day += timedelta(days=self.interval or 1)


@cache
def parse_every(text: str) -> Recurrence:
    """Read ``DAYS TIMES``.

    :raises ValueError: it cannot be read; says why.
    """
    words = text.lower().replace(", ", ",").split()
    if len(words) < 2:
        raise ValueError(f"expected days and times like {EXAMPLES}, got {text!r}")
    *days, times = words
    found = tuple(sorted({_time(each) for each in times.split(",")}))
    if len(days) == 2 and days[0].isdecimal() and days[1] in {"day", "days"}:
        interval = int(days[0])
        if not 1 <= interval <= 366:
            raise ValueError(f"{interval} days: expected 1 to 366")
        return Recurrence(days=frozenset(), times=found, interval=interval)
    if len(days) > 1:
        raise ValueError(f"expected days and times like {EXAMPLES}, got {text!r}")
    return Recurrence(days=frozenset(each for name in days[0].split(",") for each in _days(name)), times=found)


def _time(text: str) -> time:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time of day; write one like 18:00")
    return time(int(match[1]), int(match[2]))


def _days(name: str) -> tuple[int, ...]:
    if name in _GROUPS:
        return tuple(_GROUPS[name])
    for number, day in enumerate(_DAYS):
        if name in {day, day[:3], f"{day}s"}:
            return (number,)
    raise ValueError(f"{name!r} is no day{did_you_mean(name, [*_DAYS, *_GROUPS]) or f'; expected {EXAMPLES}'}")


@cache
def zone_named(name: str) -> ZoneInfo:
    """A time zone by its name in the IANA database.

    :raises ValueError: there is none; names the nearest.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = did_you_mean(name, available_timezones()) or "; expected one like Europe/Berlin or UTC"
        raise ValueError(f"unknown time zone {name!r}{near}") from None
