"""``videos/<id>.json``: what an uploader is told."""

import json
from datetime import datetime
from pathlib import Path

from tests.values import a_video
from tiktoker_batch.model import Publish
from tiktoker_batch.report.sidecar import write_sidecar
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import VideoState


def finished(state: str = "done") -> VideoState:
    return VideoState(id="one", title="", steps=[], state=state, sha256="abc", duration_seconds=12.5)


def test_it_names_the_file_and_says_what_to_publish_with_it(tmp_path: Path) -> None:
    at = datetime.fromisoformat("2027-03-15T18:00:00+01:00")
    video = a_video(publish=Publish(at=at, caption="Who?", hashtags=("ai", "noir"), platforms=("tiktok",)), tags=("a",))
    write_sidecar(Layout(tmp_path), video, finished())
    told = json.loads((tmp_path / "videos" / "one.json").read_text())
    assert told["file"] == "one.mp4"
    assert (told["sha256"], told["duration_seconds"], told["state"]) == ("abc", 12.5, "done")
    assert told["publish_at"] == "2027-03-15T18:00:00+01:00"
    assert (told["caption"], told["hashtags"], told["platforms"], told["tags"]) == (
        "Who?",
        ["ai", "noir"],
        ["tiktok"],
        ["a"],
    )


def test_a_machine_made_video_says_so_unless_told_otherwise(tmp_path: Path) -> None:
    write_sidecar(Layout(tmp_path), a_video(), finished())
    told = json.loads((tmp_path / "videos" / "one.json").read_text())
    assert (told["synthetic_media"], told["made_for_kids"]) == (True, False)


def test_it_is_left_alone_where_nothing_changed(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_sidecar(layout, a_video(), finished())
    before = layout.sidecar("one").stat().st_mtime_ns
    write_sidecar(layout, a_video(), finished())
    assert layout.sidecar("one").stat().st_mtime_ns == before
    write_sidecar(layout, a_video(), finished("partial"))
    assert json.loads(layout.sidecar("one").read_text())["state"] == "partial"
