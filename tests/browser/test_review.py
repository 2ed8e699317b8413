"""The contact sheet in a real browser: decided with mouse and keys, and what it gives is a shots.yaml that holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import starting
from tests.browser.test_report import browser, contrast, pytestmark  # noqa: F401  (marks and fixture are shared)
from tests.starting import ARGV, clean_environment
from tiktoker_batch.app import Options, open_recipe
from tiktoker_batch.model import Recipe
from tiktoker_batch.planning.review import unapproved
from tiktoker_batch.shots import Shot

EVIL = "</script><script>window.hacked=1</script>"
RECIPE = f"""\
version: 1
name: sheet
defaults: {{duration: 8, aspect_ratio: "1:1", resolution: 720p, fps: 4, style: noir}}
videos:
  - {{id: lamp, script: "A lamp burns {EVIL}", prompts: [a lamp on a pier, "a pier: empty {EVIL}"]}}
  - {{id: tea, script: Tea is hot., prompts: [a cup of tea]}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a recipe was run until its pictures were there."""
    made: Path = tmp_path_factory.mktemp("sheet")
    (made / "sheet.yaml").write_text(RECIPE, encoding="utf-8")
    argv = [*ARGV, "run", "sheet.yaml", "--until", "image", "--progress", "none"]
    starting.run(argv, cwd=made, env=clean_environment(), check=True, capture_output=True, timeout=120)
    return made


@pytest.fixture
def page(browser: Any, folder: Path) -> Iterator[Any]:  # noqa: F811
    opened = browser.new_page(viewport={"width": 1200, "height": 900}, accept_downloads=True)
    opened.said, opened.asked = [], []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto((folder / "output" / "sheet" / "review.html").as_uri())
    yield opened
    opened.close()


def used(page: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, video: int = 0) -> Recipe:
    """The recipe as it would be run with the file that the page gives for a video."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download it").nth(video).click()
    assert download.value.suggested_filename == "shots.yaml"
    path = folder / "output" / "sheet" / "work" / ("lamp", "tea")[video] / "shots.yaml"
    before = path.read_bytes()
    monkeypatch.chdir(folder)
    try:
        path.write_bytes(Path(download.value.path()).read_bytes())
        return open_recipe(Path("sheet.yaml"), Options()).recipe
    finally:
        path.write_bytes(before)


def test_it_holds_every_picture_and_asks_nobody_for_anything(page: Any) -> None:
    assert page.said == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in page.asked) == 1
    assert page.locator(".shot img").count() == 3
    assert page.evaluate("[...document.images].every(each => each.complete && each.naturalWidth > 200)")
    assert page.evaluate("window.hacked") is None
    assert page.get_by_text("Heard about now:").count() == 3


def test_what_is_left_as_it_was_is_no_edit(page: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = used(page, folder, monkeypatch)
    assert [video.edit for video in recipe.videos] == [None, None]


def test_shots_are_decided_on_with_keys_and_with_the_mouse(
    page: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = page.locator(".shot").nth(0), page.locator(".shot").nth(1)
    first.focus()
    page.keyboard.press("l")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "lamp, shot 2"
    second.get_by_label("Approve").check()
    assert page.locator(".tally").inner_text() == "1 approved · 1 locked · 0 rejected · 1 undecided"
    video = used(page, folder, monkeypatch).videos[0]
    assert video.edit is not None
    assert [shot.state for shot in video.edit.shots or ()] == ["locked", "approved"]
    assert unapproved(video) == ()


def test_another_prompt_takes_the_approval_back_and_another_take_is_asked_for(
    page: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = page.locator(".shot").nth(0), page.locator(".shot").nth(1)
    first.focus()
    page.keyboard.press("a")
    first.get_by_label("Prompt").fill('a "red" lamp: burning \\ # in the\nrain')
    first.get_by_label("Motion").fill("tilt up")
    second.get_by_role("button", name="Another take").click()
    edit = used(page, folder, monkeypatch).videos[0].edit
    assert edit is not None
    assert edit.shots == (
        Shot(prompt='a "red" lamp: burning \\ # in the rain', motion="tilt up"),
        Shot(prompt=f"a pier: empty {EVIL}", take=2),
    )
    # Typing letters in a field decides nothing.
    assert page.locator(".tally").inner_text().startswith("0 approved")


def test_a_whole_video_is_approved_at_once_and_its_file_is_copied(page: Any, browser: Any, folder: Path) -> None:  # noqa: F811
    page.get_by_role("button", name="Approve all that are undecided").nth(1).click()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy shots.yaml").nth(1).click()
    page.get_by_text("copied").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    assert "video: tea\n" in text
    assert "- state: approved\n    prompt: a cup of tea\n" in text
    assert "work/tea/shots.yaml" in page.locator(".result").nth(1).inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_every_screen_in_both_schemes(page: Any, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for mark in ("Approve", "Lock", "Reject"):
        page.locator(".shot").first.get_by_label(mark, exact=True).check()
        ink, paper = page.evaluate(
            "(() => { const e = document.querySelector('.shot label:has(:checked)'), s = getComputedStyle(e);"
            " return [s.color, s.backgroundColor]; })()"
        )
        assert contrast(ink, paper) >= 4.5


def test_without_scripts_it_still_shows_everything(browser: Any, folder: Path) -> None:  # noqa: F811
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "output" / "sheet" / "review.html").as_uri())
    text = page.locator("body").inner_text()
    assert "a lamp on a pier" in text
    assert "set state: approved there" in text
    context.close()
