"""The content calendar: what it shows, and what it warns of."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import icalendar
import pytest

from tests.values import a_video
from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.model import Publish, Recipe, Video
from tiktoker_batch.planning.calendar import Entry, calendar, calendar_warnings
from tiktoker_batch.recipe.build import load_recipe
from tiktoker_batch.report.calendar import calendar_csv, calendar_html, calendar_ics, calendar_json, calendar_text

PLATFORMS = load_catalog().platforms
REVISED = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
NASTY = 'Who, "me"?; \\n <b>&amp;\nÜber 🎬'


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def post(name: str, when: str = "2027-03-15T18:00:00+01:00", **more: object) -> Video:
    return a_video(id=name, publish=Publish(at=at(when), **more))  # type: ignore[arg-type]


def entries(*videos: Video) -> tuple[Entry, ...]:
    return calendar(videos, {})


# ---------------------------------------------------------------------- from the recipe


def recipe(folder: Path, publish: str, *videos: str) -> Recipe:
    lines = "".join(f"  - {{topic: a lamp, {video}}}\n" for video in videos)
    path = folder / "recipe.yaml"
    path.write_text(f"version: 1\nname: week\ndefaults: {{publish: {publish}}}\nvideos:\n{lines}", encoding="utf-8")
    return load_recipe(path, catalog=load_catalog(), environ={})


def moments(found: Recipe) -> list[str | None]:
    return [video.publish.at.isoformat() if video.publish and video.publish.at else None for video in found.videos]


def test_a_series_gives_each_video_the_next_moment_in_the_order_of_the_recipe(tmp_path: Path) -> None:
    series = '{every: "weekday 18:00", start: 2027-03-26, timezone: Europe/Berlin}'
    assert moments(recipe(tmp_path, series, "id: a", "id: b", "id: c")) == [
        "2027-03-26T18:00:00+01:00",
        "2027-03-29T18:00:00+02:00",
        "2027-03-30T18:00:00+02:00",
    ]


def test_a_video_with_a_moment_of_its_own_takes_none_of_the_series(tmp_path: Path) -> None:
    series = '{every: "day 9:00", start: 2027-03-26}'
    found = recipe(tmp_path, series, "id: a", "id: b, publish: {at: 2027-12-24T17:00:00Z}", "id: c")
    assert moments(found) == ["2027-03-26T09:00:00+00:00", "2027-12-24T17:00:00+00:00", "2027-03-27T09:00:00+00:00"]


def test_two_series_count_for_themselves(tmp_path: Path) -> None:
    series = '{every: "day 9:00", start: 2027-03-26}'
    other = 'publish: {every: "day 20:00"}'
    found = recipe(tmp_path, series, "id: a", f"id: b, {other}", "id: c", f"id: d, {other}")
    assert [each and each[8:13] for each in moments(found)] == ["26T09", "26T20", "27T09", "27T20"]


def test_a_local_time_is_one_of_the_zone_that_is_named(tmp_path: Path) -> None:
    found = recipe(tmp_path, "{timezone: America/New_York}", "id: a, publish: {at: 2027-07-01 18:00}")
    assert moments(found) == ["2027-07-01T18:00:00-04:00"]


# ---------------------------------------------------------------------- what it shows


def test_it_goes_by_time_whatever_the_order_of_the_recipe_and_the_zone() -> None:
    found = entries(post("late"), post("early", "2027-03-15T10:00:00-04:00"), a_video(id="never"))
    assert [entry.video.id for entry in found] == ["early", "late"]


def test_the_table_has_a_heading_for_each_day() -> None:
    told = calendar_text(entries(post("one", caption="Who?", hashtags=("ai",), platforms=("tiktok",)), post("two")))
    assert told.splitlines() == [
        "Monday 2027-03-15",
        "  18:00  +01:00  one  pending  tiktok  Who? #ai",
        "  18:00  +01:00  two  pending          a lighthouse in a storm",
    ]


def test_programs_get_every_field() -> None:
    (told,) = calendar_json(entries(post("one", caption=NASTY, hashtags=("ai",), platforms=("tiktok",))))
    assert json.loads(json.dumps(told))["publish_at"] == "2027-03-15T18:00:00+01:00"
    assert (told["id"], told["caption"], told["hashtags"], told["file"]) == ("one", NASTY, ["ai"], "videos/one.mp4")


def test_a_spreadsheet_reads_back_what_was_written_and_computes_nothing() -> None:
    told = list(
        csv.DictReader(io.StringIO(calendar_csv(entries(post("one", caption=NASTY), post("two", caption="=1+1")))))
    )
    assert [row["caption"] for row in told] == [NASTY, "'=1+1"]
    assert told[0]["publish_at"] == "2027-03-15T18:00:00+01:00"


def test_a_calendar_program_reads_back_what_was_written() -> None:
    made = calendar_ics(entries(post("one", caption=NASTY, hashtags=("ai",), platforms=("tiktok",))), "week", REVISED)
    (event,) = icalendar.Calendar.from_ical(made).walk("VEVENT")
    assert event["uid"] == "one@week.tiktoker-batch"
    assert event.decoded("dtstart") == at("2027-03-15T17:00:00+00:00")
    assert NASTY in str(event["description"])
    assert made.endswith(b"\r\n")
    assert all(len(line) <= 75 for line in made.split(b"\r\n"))


def test_the_same_recipe_gives_the_same_file() -> None:
    found = entries(post("one"), post("two", "2027-04-01T12:00:00Z"))
    assert calendar_ics(found, "week", REVISED) == calendar_ics(found, "week", REVISED)


def test_a_month_has_whole_weeks_from_monday_and_words_are_no_markup() -> None:
    told = calendar_html(entries(post("one", "2027-03-31T23:30:00+02:00", caption="<script>alert(1)</script>")), "week")
    assert "March 2027" in told
    assert "April 2027" not in told, "a moment belongs to the day that its own clock shows"
    assert told.count("<tr>") == 1 + 5
    assert "<script>" not in told
    assert "&lt;script&gt;" in told


def test_a_calendar_without_moments_says_how_to_give_one() -> None:
    assert "publish:" in calendar_html((), "week")
    assert calendar_text(()) == ""


# ---------------------------------------------------------------------- what it warns of


def test_two_posts_at_one_moment_are_told() -> None:
    told = calendar_warnings([post("one"), post("two", "2027-03-15T17:00:00Z")], PLATFORMS)
    assert told == ["'two': published at the same moment as 'one' (2027-03-15 17:00 +00:00)"]


def test_on_different_platforms_they_do_not_meet() -> None:
    assert not calendar_warnings([post("one", platforms=("tiktok",)), post("two", platforms=("reels",))], PLATFORMS)
    assert calendar_warnings(
        [post("one", platforms=("tiktok", "reels")), post("two", platforms=("shorts", "reels"))], PLATFORMS
    )


def test_a_moment_that_is_past_is_told_while_the_video_is_not_there() -> None:
    now = at("2027-03-15T17:30:00Z")
    assert "its moment is past" in calendar_warnings([post("one")], PLATFORMS, {}, now)[0]
    assert not calendar_warnings([post("one")], PLATFORMS, {"one": "done"}, now)
    assert not calendar_warnings([post("one")], PLATFORMS, {}, now - timedelta(hours=1))


@pytest.mark.parametrize(
    ("platform", "more", "said"),
    [
        ("tiktok", {"caption": "x" * 2198, "hashtags": ("a",)}, "TikTok takes at most a caption with hashtags of 2200"),
        ("tiktok", {"caption": "🎬" * 1101}, "and this has 2202"),
        ("reels", {"hashtags": tuple(f"t{n}" for n in range(31))}, "Instagram Reels takes at most 30 hashtags"),
        ("shorts", {"hashtags": tuple(f"t{n}" for n in range(61))}, "YouTube Shorts takes at most 60 hashtags"),
    ],
)
def test_what_a_platform_refuses_is_told(platform: str, more: dict[str, object], said: str) -> None:
    (told,) = calendar_warnings([post("one", platforms=(platform,), **more)], PLATFORMS)
    assert said in told


def test_what_it_just_takes_is_not() -> None:
    assert not calendar_warnings(
        [post("one", platforms=("tiktok", "reels"), caption="x" * 2196, hashtags=("a",))], PLATFORMS
    )


def test_many_videos_with_the_same_share_a_warning() -> None:
    videos = [post(f"v{n}", f"2027-03-15T18:{n:02d}:00Z", platforms=("reels",), caption="x" * 2201) for n in range(9)]
    (told,) = calendar_warnings(videos, PLATFORMS)
    assert told.startswith("'v0', 'v1', 'v2' and 6 more: Instagram Reels")
