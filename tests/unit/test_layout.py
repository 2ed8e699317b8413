from pathlib import Path

import pytest

from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.store.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "week12")


def test_the_published_files_have_the_names_that_scripts_depend_on(layout: Layout) -> None:
    deliverables = [layout.video("mon"), layout.srt("mon"), layout.sidecar("mon")]
    published = [layout.manifest, layout.journal, layout.report, *deliverables]
    assert [layout.relative(path) for path in published] == [
        "manifest.json", "journal.jsonl", "report.html", "videos/mon.mp4", "videos/mon.srt", "videos/mon.json",
    ]  # fmt: skip


def test_work_files_are_apart_by_video_and_numbered_from_01(layout: Layout) -> None:
    files = [layout.image("mon", 1), layout.layers("mon", 1, ".layers"), layout.clip("mon", 12), layout.story("mon")]
    assert [layout.relative(path) for path in files] == [
        "work/mon/01.png", "work/mon/01.layers", "work/mon/12.mp4", "work/mon/story.txt",
    ]  # fmt: skip


def test_no_two_files_of_a_batch_share_a_name(layout: Layout) -> None:
    named = [getattr(layout, name) for name in ("manifest", "journal", "report", "lock", "videos", "work")]
    per_video = ("video", "srt", "sidecar", "story", "shots", "narration", "words", "captions", "music", "segments")
    for video in ("a", "b"):
        named += [getattr(layout, name)(video) for name in per_video]
        named += [layout.prompt(video, "01-image"), layout.prompt(video, "02-image")]
        named += [kind(video, number) for kind in (layout.image, layout.clip) for number in (1, 2, 100)]
    assert len(set(named)) == len(named)


def test_relative_and_absolute_are_each_others_inverse(layout: Layout) -> None:
    path = layout.clip("mon", 3)
    assert layout.absolute(layout.relative(path)) == path


@pytest.mark.parametrize("outside", ["/etc/passwd", "../other/manifest.json", "work/../../x", "", ".", "a\0b"])
def test_a_path_that_names_nothing_inside_the_folder_is_refused(layout: Layout, outside: str) -> None:
    with pytest.raises(TiktokerError, match="is not a path inside the output folder"):
        layout.absolute(outside)
