"""The report: what it adds up, when things happened, and that its page stands alone and escapes everything."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.journals import MORNING, Run, golden, steps_of, write_journal
from tiktoker_batch.report.drawing import draw
from tiktoker_batch.report.html import render_report, write_report
from tiktoker_batch.report.summary import LimitUse, Summary, summarize
from tiktoker_batch.report.timeline import Timeline, peak, run_offsets, ticks, timeline
from tiktoker_batch.resources import read_resource
from tiktoker_batch.store.journal import read_journal
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import BatchState, fold

EVIL = """</script><script>alert(1)</script>"'><img src=x onerror=alert(2)>"""
VOID = {"meta", "link", "input", "br", "img"}


def first_run() -> BatchState:
    return fold(record for record in golden() if record.run == 1)


def timeline_of(state: BatchState, video: str) -> Timeline:
    found = timeline(state.videos[video], state, run_offsets(state))
    assert found is not None
    return found


def spans_of(state: BatchState, step: str) -> list[tuple[str, float, float]]:
    video, name = step.split("/", 1)
    [row] = [row for row in timeline_of(state, video).rows if row.name == name]
    return [(span.look, span.began, span.ended) for span in row.spans]


def limit(summary: Summary, name: str) -> LimitUse:
    return next(each for each in summary.limits if each.name == name)


# ---------------------------------------------------------------------- numbers


def test_how_much_went_on_at_once_is_all_work_over_all_wall_time() -> None:
    summary = summarize(first_run())
    assert summary.wall_seconds == 48
    assert summary.sequential_seconds == pytest.approx(82.5)
    assert summary.at_once == pytest.approx(82.5 / 48)


def test_before_any_work_nothing_goes_on_at_once() -> None:
    assert summarize(fold(golden()[:4])).at_once is None


def test_videos_money_and_finished_seconds_are_added_up() -> None:
    summary = summarize(first_run())
    assert summary.videos == {"done": 1, "partial": 1, "failed": 1}
    assert (summary.spent_usd, summary.estimated_usd) == (Decimal("1.25"), Decimal("2.00"))
    assert summary.finished_seconds == pytest.approx(60.4)


def test_the_slowest_steps_come_with_the_work_of_all_their_attempts() -> None:
    slowest = [(step.id, worked) for step, worked in summarize(first_run()).slowest]
    assert slowest[:2] == [("mon-detective/02/clip", 17), ("mon-detective/01/clip", 15)]


def test_a_limit_shows_how_full_it_was_and_what_waiting_for_it_took() -> None:
    summary = summarize(first_run())
    assert (limit(summary, "elevenlabs").seats, limit(summary, "elevenlabs").peak) == (1, 1)
    assert limit(summary, "elevenlabs").waited_seconds == pytest.approx(2)
    assert limit(summary, "ffmpeg").peak == 2
    assert limit(summary, "ffmpeg").waited_seconds == pytest.approx(0.5)


def test_a_failure_names_its_steps_and_what_it_blocked() -> None:
    failures = {failure.kind: failure for failure in summarize(first_run()).failures}
    assert failures["Rejected"].steps == ("tue-coffee/02/clip",)
    assert failures["Rejected"].blocked == 0
    assert failures["AuthFailed"].blocked == 6


def test_the_same_trouble_of_several_steps_is_told_once() -> None:
    run = Run(number=1, began=MORNING)
    run.start()
    run.plan("v", steps_of("v", 3))
    for number in (1, 2, 3):
        run.begin(f"v/{number:02d}/clip", 0, 0)
        run.fail(f"v/{number:02d}/clip", 1, "AuthFailed", "no such key")
    [failure] = summarize(fold(run.records())).failures
    assert len(failure.steps) == 3


@pytest.mark.parametrize(("spans", "most"), [([], 0), ([(0, 2), (2, 3)], 1), ([(0, 2), (1, 3), (1.5, 1.6)], 3)])
def test_the_peak_is_how_many_were_under_way_at_once(spans: list[tuple[float, float]], most: int) -> None:
    assert peak(spans) == most


# ---------------------------------------------------------------------- times


def test_a_step_that_was_tried_twice_waits_works_backs_off_and_works() -> None:
    assert spans_of(first_run(), "mon-detective/02/clip") == [
        ("lost", 9, 12),
        ("backoff", 12, 15),
        ("wait", 15, 16),
        ("work", 16, 30),
    ]


def test_the_pieces_of_an_assembly_lie_on_its_row() -> None:
    rows = timeline_of(first_run(), "mon-detective").rows
    assembly = rows[-1]
    assert [(span.look, span.piece) for span in assembly.spans] == [
        ("idle", None),
        ("work", "mix"),
        ("work", "normalise 01"),
        ("work", "normalise 02"),
        ("work", "concat"),
    ]
    assert "normalise 01, 1.5 s, waited 0.5 s" in [span.label for span in assembly.spans]


def test_pieces_that_overlap_lie_in_lanes_of_their_own() -> None:
    run = Run(number=1, began=MORNING)
    run.start()
    run.plan("v", steps_of("v", 1))
    run.begin("v/assembly", 0, 0)
    run.piece("v/assembly", "normalise 01", 0, 1, 5)
    run.piece("v/assembly", "normalise 02", 0, 2, 4)
    run.piece("v/assembly", "mix", 0, 4, 6)
    run.succeed("v/assembly", 7)
    assembly = timeline_of(fold(run.records()), "v").rows[-1]
    assert {span.piece: span.lane for span in assembly.spans if span.piece} == {
        "normalise 01": 0,
        "normalise 02": 1,
        "mix": 1,
    }
    assert assembly.lanes == 2


def test_runs_lie_end_to_end_on_the_time_axis() -> None:
    state = fold(golden())
    found = timeline_of(state, "tue-coffee")
    assert found.runs == ((2, 48),)
    assert spans_of(state, "tue-coffee/02/clip") == [
        ("lost", 28, 31),
        ("wait", pytest.approx(48.3), pytest.approx(48.4)),
        ("work", pytest.approx(48.4), pytest.approx(50.4)),
    ]


def test_a_video_that_never_began_has_no_timeline() -> None:
    state = fold(golden()[:4])
    assert timeline(state.videos["mon-detective"], state, run_offsets(state)) is None


@given(began=st.floats(0, 1e6), length=st.floats(0.001, 1e6), most=st.integers(2, 12))
@settings(deadline=None)
def test_ticks_are_few_inside_and_not_called_the_same(began: float, length: float, most: int) -> None:
    found = ticks(began, began + length, at_most=most)
    assert len(found) <= most + 1
    assert all(began - 0.01 <= tick.second <= began + length + 0.01 for tick in found)
    assert len({tick.label for tick in found}) == len(found)


@pytest.mark.parametrize(
    ("began", "ended", "labels"),
    [
        (0, 48, ["0 s", "10 s", "20 s", "30 s", "40 s"]),
        (0, 2, ["0.0 s", "0.5 s", "1.0 s", "1.5 s", "2.0 s"]),
        (50, 125, ["1:00", "1:15", "1:30", "1:45", "2:00"]),
        (0, 600, ["0 s", "2 min", "4 min", "6 min", "8 min", "10 min"]),
        (3600, 14400, ["1 h 00", "2 h 00", "3 h 00", "4 h 00"]),
    ],
)
def test_ticks_are_round(began: float, ended: float, labels: list[str]) -> None:
    assert [tick.label for tick in ticks(began, ended, at_most=6)] == labels


def test_bars_stay_inside_the_drawing_and_rows_do_not_overlap() -> None:
    state = fold(golden())
    for video in state.videos:
        drawing = draw(timeline_of(state, video), video)
        tops = [min(bar.y for bar in row.bars) for row in drawing.rows if row.bars]
        assert tops == sorted(set(tops))
        for bar in (bar for row in drawing.rows for bar in row.bars):
            assert 0 <= float(bar.x) <= 100
            assert float(bar.x) + float(bar.width) <= 100.3
            assert 0 <= bar.y < drawing.height


# ---------------------------------------------------------------------- the page


@dataclass
class Page(HTMLParser):
    """A page taken apart."""

    source: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_every_tag_is_closed_and_every_id_is_unique() -> None:
    page = Page(render_report(first_run()))
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)


def test_the_page_asks_nobody_for_anything_but_its_videos() -> None:
    page = Page(render_report(first_run()))
    named = [value for _, attributes in page.tags for key, value in attributes.items() if key in {"src", "href"}]
    assert set(named) == {
        "data:,",
        "videos/tue-coffee.mp4",
        "videos/mon-detective.mp4",
        "journal.jsonl",
        "manifest.json",
    }
    assert not re.search(r"https?://|@import|url\((?!#)", page.source)


def test_a_finished_video_can_be_played_and_downloaded() -> None:
    page = Page(render_report(first_run()))
    assert [video["src"] for video in page.all("video")] == ["videos/tue-coffee.mp4", "videos/mon-detective.mp4"]
    assert all({"controls", "playsinline"} <= video.keys() and "poster" not in video for video in page.all("video"))
    assert [link["href"] for link in page.all("a") if "download" in link] == [
        "videos/tue-coffee.mp4",
        "videos/mon-detective.mp4",
    ]


def test_what_went_wrong_comes_first() -> None:
    text = render_report(first_run())
    assert text.index("What went wrong") < text.index("Summary") < text.index("Videos</h2>") < text.index("Steps</h2>")
    assert text.index("<b>wed-fog</b>") < text.index("<b>tue-coffee</b>") < text.index("<b>mon-detective</b>")
    assert "the provider refuses this content" in text


def test_a_batch_without_failures_does_not_speak_of_any() -> None:
    assert "What went wrong" not in render_report(fold(golden()[:8]))


def test_nothing_a_user_or_a_provider_wrote_becomes_markup() -> None:
    page = Page(render_report(fold(record for record in golden(EVIL) if record.run == 1)))
    assert len(page.all("script")) == 1
    assert page.all("img") == []
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page.source


def test_a_drawing_is_described_to_those_who_cannot_see_it() -> None:
    page = Page(render_report(first_run()))
    drawings = [svg for svg in page.all("svg") if svg.get("role") == "img"]
    ids = {attributes.get("id") for name, attributes in page.tags if name in {"title", "desc"}}
    assert len(drawings) == 3
    assert all(set(str(svg["aria-labelledby"]).split()) <= ids for svg in drawings)
    assert all(head.get("scope") in {"col", "row"} for head in page.all("th"))


def test_waiting_working_failing_and_backing_off_differ_in_pattern_too() -> None:
    page = Page(render_report(first_run()))
    assert {"work", "wait", "lost", "backoff", "idle"} <= {str(rect.get("class")) for rect in page.all("rect")}
    assert {pattern["id"] for pattern in page.all("pattern")} == {"p-wait", "p-lost", "p-backoff"}


def test_an_empty_batch_has_a_report() -> None:
    assert Page(render_report(BatchState())).open == []


@given(cut=st.integers(0, len(golden())))
@settings(deadline=None, max_examples=25)
def test_at_every_moment_of_a_batch_there_is_a_report(cut: int) -> None:
    assert Page(render_report(fold(golden()[:cut]))).open == []


def test_the_report_is_written_from_the_journal_alone(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_journal(layout.journal, golden())
    assert write_report(layout, fold(read_journal(layout.journal))) == layout.report
    assert layout.report.read_text(encoding="utf-8") == render_report(fold(golden()))
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_a_thousand_videos_are_folded_away_and_fit_into_one_page() -> None:
    run = Run(number=1, began=MORNING)
    run.start()
    for number in range(300):
        video = f"video-{number:04d}"
        run.plan(video, steps_of(video, 8))
        for step in steps_of(video, 8):
            run.work(step.id, number, number + 1, number + 9)
        run.finish_video(video, number + 9)
    page = render_report(fold(run.records()))
    assert len(page.encode()) * (20_000 / (300 * 21)) < 15e6
    assert "<details open" not in page
    assert page.count('preload="none"') == 300


# ---------------------------------------------------------------------- its colours


def _schemes() -> dict[str, dict[str, str]]:
    css = read_resource("templates", "report/report.css")
    blocks = re.findall(r":root \{([^}]*)\}", css)[:2]
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+);", block)) for block in blocks)
    return {"light": light, "dark": light | dark}


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("text", ["ink", "muted", "link", "good", "bad", "warn", "calm"])
def test_every_text_can_be_read_on_every_ground(scheme: str, text: str) -> None:
    colours = _schemes()[scheme]
    assert _contrast(colours[text], colours["ground"]) >= 4.5
    assert _contrast(colours[text], colours["raised"]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("bar", ["work", "wait-mark", "lost-mark", "backoff-mark"])
def test_every_bar_stands_out_from_its_ground(scheme: str, bar: str) -> None:
    colours = _schemes()[scheme]
    assert _contrast(colours[bar], colours["ground"]) >= 3
