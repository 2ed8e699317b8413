"""A video whose clips were joined as they are plays in a real browser, to its end and from anywhere."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.media.test_copying import COPIED, FITTING, REORDERED, a_studio, worked

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt install chromium)"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]
FRAMES = 93
AT = """async seconds => {
    const video = document.querySelector("video");
    const shown = new Promise(found => video.requestVideoFrameCallback((_, frame) => found(frame.mediaTime)));
    video.currentTime = seconds;
    return await shown;
}"""
TO_THE_END = """async () => {
    const video = document.querySelector("video");
    const ended = new Promise((done, failed) => { video.onended = done; video.onerror = failed; });
    video.currentTime = 0;
    video.muted = true;
    await video.play();
    await ended;
    return [video.currentTime, video.error];
}"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Any]:
    """A page that shows the video and nothing else."""
    from playwright.sync_api import sync_playwright

    video = trio.run(_video, tmp_path)
    page = tmp_path / "page.html"
    page.write_text(f'<video src="{video}" preload="auto"></video>', encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        opened = browser.new_page()
        opened.goto(page.as_uri())
        yield opened
        browser.close()


async def _video(folder: Path) -> str:
    studio = await a_studio(folder)
    for number in (1, 2):
        await studio.film(number, **FITTING, options=REORDERED)
    made = await studio.assemble()
    assert worked(studio) == COPIED
    return made.artifacts[0].path


def test_a_video_of_copied_clips_plays_to_its_end_and_from_any_picture(page: Any) -> None:
    page.wait_for_function("document.querySelector('video').readyState === 4")
    assert page.evaluate("document.querySelector('video').duration") == pytest.approx(FRAMES / 24, abs=1 / 24)
    for number in (92, 46, 45, 44, 20, 70, 1):
        assert page.evaluate(AT, (number + 0.5) / 24) == pytest.approx(number / 24, abs=1e-3)
    at, error = page.evaluate(TO_THE_END)
    assert error is None
    assert at == pytest.approx(FRAMES / 24, abs=1 / 24)
