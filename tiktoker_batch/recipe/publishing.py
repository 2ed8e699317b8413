"""When and how a video is to be published."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from tiktoker_batch.model import Publish, Video
from tiktoker_batch.recipe.findings import Findings
from tiktoker_batch.recipe.recurrence import Recurrence, parse_every, zone_named
from tiktoker_batch.recipe.settings import Found, Settings

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d)?")
_YEARS = range(2000, 3000)
_EXAMPLE = "2027-03-15T18:00:00+01:00"


@dataclass(frozen=True, slots=True)
class Series:
    """Videos that share a rhythm: each gets the next of its moments."""

    rhythm: Recurrence
    start: date
    zone: ZoneInfo

    def moments(self) -> Iterator[datetime]:
        """The moments of the series, in order."""
        return self.rhythm.moments(self.start, self.zone)


def build_publish(settings: Settings, findings: Findings) -> Publish | None:
    """The video's own keys over the defaults', or ``None`` where neither says anything.

    A video of a series has no ``at`` yet; see :func:`in_series`.
    """
    facts = settings.section("publish")
    if not facts:
        return None
    return Publish(
        at=None if _is_in_series(settings) else _moment(settings, findings),
        caption=facts.get("caption"),
        hashtags=tuple(dict.fromkeys(tag.removeprefix("#") for tag in facts.get("hashtags", ()))),
        platforms=tuple(facts.get("platforms", ())),
        synthetic_media=facts.get("synthetic_media", True),
        made_for_kids=facts.get("made_for_kids", False),
        cover_seconds=float(facts.get("cover_seconds", 1.0)),
    )


def build_series(settings: Settings, findings: Findings) -> Series | None:
    """The series that a video belongs to, if it does."""
    every, start = settings.find("publish", "every"), settings.find("publish", "start")
    if every is None or not _is_in_series(settings):
        return None
    at = settings.find("publish", "at")
    if at is not None and at.rank == every.rank:
        findings.add(at.at, "publish: 'at' names one moment and 'every' a series of them; expected one of the two")
    rhythm = _rhythm(every, findings)
    began = _day(start, findings) if start else None
    if start is None and not settings.is_unread("publish", "start"):
        findings.add(every.at, "publish: 'every' needs the day on which it begins; add one, like 'start: 2027-03-15'")
    zone = _zone(settings, findings) or zone_named("UTC")
    return Series(rhythm, began, zone) if rhythm and began else None


def in_series(videos: Sequence[tuple[Video, Series | None]]) -> Iterator[Video]:
    """Give each video of a series the next of its moments, in the order of the recipe."""
    going: dict[Series, Iterator[datetime]] = {}
    for video, series in videos:
        if series is None or video.publish is None:
            yield video
            continue
        at = next(going.setdefault(series, series.moments()), None)
        yield replace(video, publish=replace(video.publish, at=at))


def _is_in_series(settings: Settings) -> bool:
    """Whether what is nearest to the video is a rhythm, not a moment."""
    at, every = settings.find("publish", "at"), settings.find("publish", "every")
    return every is not None and (at is None or every.rank <= at.rank)


def _rhythm(every: Found, findings: Findings) -> Recurrence | None:
    try:
        return parse_every(every.value)
    except ValueError as error:
        findings.add(every.at, f"every: {error}")
        return None


def _day(start: Found, findings: Findings) -> date | None:
    try:
        day = date.fromisoformat(start.value)
    except ValueError:
        day = date.min
    if day.year not in _YEARS:
        findings.add(start.at, f"start: expected a day like 2027-03-15, got {start.value[:40]!r}")
        return None
    return day


def _zone(settings: Settings, findings: Findings) -> ZoneInfo | None:
    found = settings.find("publish", "timezone")
    if found is None:
        return None
    try:
        return zone_named(found.value)
    except ValueError as error:
        findings.add(found.at, f"timezone: {error}")
        return None


def _moment(settings: Settings, findings: Findings) -> datetime | None:
    """A moment with an offset, or a local one in the zone that is named."""
    at = settings.find("publish", "at")
    if at is None:
        return None
    zone = _zone(settings, findings)
    text: str = at.value
    is_local = _LOCAL.fullmatch(text) is not None
    is_told = settings.find("publish", "timezone") is not None or settings.is_unread("publish", "timezone")
    if is_local and zone is None and is_told:
        return None  # what is wrong is the zone
    if not _RFC_3339.fullmatch(text) and not (is_local and zone):
        missing = ", or a 'timezone' beside it" if is_local else ""
        findings.add(at.at, f"at: expected a date and time with an offset, like {_EXAMPLE}{missing}, got {text[:40]!r}")
        return None
    try:
        found = datetime.fromisoformat(text.upper())
    except ValueError as error:
        findings.add(at.at, f"at: {text!r} is no date and time: {error}; expected one like {_EXAMPLE}")
        return None
    if found.year not in _YEARS:
        findings.add(at.at, f"at: expected a year from {_YEARS[0]} to {_YEARS[-1]}, got {found.year}")
        return None
    # Through UTC: a time that a change of clocks leaves out becomes the one that clocks then show, as in a series.
    return found.replace(tzinfo=zone).astimezone(UTC).astimezone(zone) if is_local else found
