"""The content calendar for people, spreadsheets, calendar programs and browsers."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

from tiktoker_batch.planning.calendar import Entry, post_text
from tiktoker_batch.report.html import page_environment
from tiktoker_batch.report.quantities import columns, one_line

EVENT_MINUTES = 15  # of an entry in a calendar program; a post has no length
COLUMNS = ("publish_at", "id", "state", "platforms", "caption", "hashtags", "file")


def calendar_text(entries: Sequence[Entry]) -> str:
    """A table with a heading for each day."""
    rows = columns([_row(entry) for entry in entries])
    days = groupby(zip(entries, rows, strict=True), key=lambda each: _day(each[0]))
    return "\n\n".join("\n".join([f"{day:%A} {day}", *(row for _, row in found)]) for day, found in days)


def _row(entry: Entry) -> tuple[str, ...]:
    offset = entry.at.strftime("%z")
    what = one_line(post_text(entry.publish) or entry.video.topic or "", 60)
    where = ", ".join(entry.publish.platforms)
    return (f"{entry.at:%H:%M}", f"{offset[:3]}:{offset[3:5]}", entry.video.id, entry.state, where, what)


def calendar_json(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """One object for each video."""
    return [
        {
            "publish_at": entry.at.isoformat(),
            "id": entry.video.id,
            "state": entry.state,
            "platforms": list(entry.publish.platforms),
            "caption": entry.publish.caption,
            "hashtags": list(entry.publish.hashtags),
            "file": entry.file,
            "tags": list(entry.video.tags),
            "synthetic_media": entry.publish.synthetic_media,
            "made_for_kids": entry.publish.made_for_kids,
        }
        for entry in entries
    ]


def calendar_csv(entries: Sequence[Entry]) -> str:
    """One line for each video (RFC 4180). What a spreadsheet would take for a formula begins with an apostrophe."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for entry in entries:
        publish = entry.publish
        row = (entry.at.isoformat(), entry.video.id, entry.state, " ".join(publish.platforms), publish.caption or "")
        writer.writerow([_inert(cell) for cell in (*row, " ".join(publish.hashtags), entry.file)])
    return written.getvalue()


def _inert(cell: str) -> str:
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def calendar_ics(entries: Sequence[Entry], batch: str, revised: datetime) -> bytes:
    """An iCalendar file (RFC 5545). A video keeps its UID: a calendar program moves it instead of doubling it."""
    from icalendar import Calendar, Event  # noqa: PLC0415  (takes longer to import than most commands run)

    made = Calendar()
    made.add("prodid", "-//tiktoker-batch//content calendar//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", batch)
    for entry in entries:
        event = Event()
        event.add("uid", f"{entry.video.id}@{batch}.tiktoker-batch")
        event.add("dtstamp", revised.astimezone(UTC))
        event.add("dtstart", entry.at.astimezone(UTC))
        event.add("duration", timedelta(minutes=EVENT_MINUTES))
        event.add("summary", one_line(entry.publish.caption or entry.video.topic or entry.video.id, 80))
        event.add("description", "\n\n".join(filter(None, [post_text(entry.publish), entry.file])))
        labels = [*entry.publish.platforms, *entry.video.tags]
        if labels:
            event.add("categories", labels)
        made.add_component(event)
    return bytes(made.to_ical())


# ---------------------------------------------------------------------- a month at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A cell of the month: ``inside`` says whether it belongs to it."""

    day: date
    inside: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month as weeks of seven days, from Monday."""

    first: date
    weeks: tuple[tuple[Day, ...], ...]


def calendar_html(entries: Sequence[Entry], batch: str) -> str:
    """A self-contained page with a table for each month that has an entry."""
    template = page_environment().get_template("calendar.html.j2")
    return template.render(batch=batch, months=tuple(_months(entries)), count=len(entries), text=post_text)


def _months(entries: Sequence[Entry]) -> Iterator[Month]:
    by_day = {day: tuple(found) for day, found in groupby(sorted(entries, key=_day), key=_day)}
    for first in sorted({day.replace(day=1) for day in by_day}):
        yield Month(first=first, weeks=tuple(_weeks(first, by_day)))


def _day(entry: Entry) -> date:
    return entry.at.date()


def _weeks(first: date, by_day: dict[date, tuple[Entry, ...]]) -> Iterator[tuple[Day, ...]]:
    monday = first - timedelta(days=first.weekday())
    while monday <= first or monday.month == first.month:
        days = [monday + timedelta(days=number) for number in range(7)]
        yield tuple(_cell(day, by_day, inside=day.month == first.month) for day in days)
        monday += timedelta(days=7)


def _cell(day: date, by_day: dict[date, tuple[Entry, ...]], *, inside: bool) -> Day:
    return Day(day=day, inside=inside, entries=by_day.get(day, ()) if inside else ())
