"""The report in a real browser: it works, on a phone too, and asks nobody else for anything."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journals import golden
from tiktoker_batch.report.html import write_report
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import fold

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt install chromium)"),
    # Playwright's own event loop closes its pipes after pytest has looked.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The golden report, with a list of everything the page complained of or asked for."""
    path = write_report(Layout(tmp_path), fold(golden(evil="<script>window.hacked=1</script>")))
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.said, opened.asked = [], []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto(path.as_uri())
    yield opened
    opened.close()


def visible_rows(page: Any) -> int:
    return int(page.locator("table.sortable tbody tr:visible").count())


def test_it_opens_without_a_word_of_complaint_and_asks_only_for_its_own_videos(page: Any) -> None:
    assert [text for text in page.said if "ERR_FILE_NOT_FOUND" not in text] == []
    assert all(url.startswith("file:") for url in page.asked)
    assert all(url.endswith((".html", ".mp4")) for url in page.asked)


def test_what_users_wrote_is_shown_and_never_run(page: Any) -> None:
    assert page.evaluate("window.hacked") is None
    assert "<script>window.hacked=1</script>" in page.locator("body").inner_text()


def test_the_table_of_steps_is_found_through_and_sorted(page: Any) -> None:
    everything = visible_rows(page)
    page.get_by_label("Find").fill("mon-detective")
    assert 0 < visible_rows(page) < everything
    page.get_by_label("Find").fill("")
    page.get_by_label("State").select_option(index=1)
    assert 0 < visible_rows(page) < everything
    page.get_by_label("State").select_option("")
    head = page.locator("table.sortable th").first
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    names = page.locator(
        "table.sortable tbody tr:visible td:first-child, table.sortable tbody tr:visible th"
    ).all_inner_texts()
    assert names == sorted(names, key=str.casefold)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_every_screen_in_both_schemes(page: Any, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert contrast(ink, paper) >= 4.5


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two CSS colours (WCAG 2)."""
    lights = sorted((luminance(one), luminance(other)), reverse=True)
    return (lights[0] + 0.05) / (lights[1] + 0.05)


def luminance(colour: str) -> float:
    parts = [int(float(part)) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
