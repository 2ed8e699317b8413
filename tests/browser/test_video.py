"""A video whose clips were joined as they are plays in a real browser, to its end and from anywhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.browser.test_report import browser, pytestmark  # noqa: F401  (marks and fixture are shared)
from tests.media.test_copying import COPIED, FITTING, REORDERED, a_studio, worked

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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the video lies, with a page that shows it and nothing else."""
    made: Path = tmp_path_factory.mktemp("video")
    video = trio.run(_video, made)
    (made / "page.html").write_text(f'<video src="{video}" preload="auto"></video>', encoding="utf-8")
    return made


@pytest.fixture
def page(folder: Path, browser: Any) -> Iterator[Any]:  # noqa: F811
    opened = browser.new_page()
    opened.goto((folder / "page.html").as_uri())
    yield opened
    opened.close()


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
