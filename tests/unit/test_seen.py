"""Finished files are known by their looks; whatever was done to one of them is noticed."""

import os
from pathlib import Path

import pytest

from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.store import seen as store
from tiktoker_batch.store.artifacts import write_artifact
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.seen import Seen


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def clip(layout: Layout) -> Artifact:
    """A finished file, noted."""
    artifact = write_artifact(layout.work / "mon" / "01.mp4", "moving", root=layout.root)
    Seen(layout, writable=True).note([artifact])
    return artifact


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were hashed."""
    names: list[str] = []
    real = store.sha256_file

    def spy(path: Path) -> str:
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(store, "sha256_file", spy)
    return names


def test_a_file_that_nobody_touched_is_not_hashed(layout: Layout, clip: Artifact, hashed: list[str]) -> None:
    assert Seen(layout).is_intact(clip)
    assert hashed == []


def test_it_is_hashed_once_where_nothing_was_noted(layout: Layout, clip: Artifact, hashed: list[str]) -> None:
    layout.seen.unlink()
    seen = Seen(layout, writable=True)
    assert seen.is_intact(clip)
    assert seen.is_intact(clip)
    assert Seen(layout).is_intact(clip)
    assert hashed == ["01.mp4"]


def test_it_is_hashed_when_that_is_asked_for(layout: Layout, clip: Artifact, hashed: list[str]) -> None:
    assert Seen(layout, trusting=False).is_intact(clip)
    assert hashed == ["01.mp4"]


def test_a_change_is_found_even_where_the_times_were_set_back(layout: Layout, clip: Artifact) -> None:
    path = layout.absolute(clip.path)
    before = path.stat()
    path.write_bytes(b"gnivom")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert not Seen(layout).is_intact(clip)


def test_a_file_put_in_its_place_is_found(layout: Layout, clip: Artifact) -> None:
    path = layout.absolute(clip.path)
    before = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"gnivom")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert not Seen(layout).is_intact(clip)


@pytest.mark.parametrize("content", [b"", b"mov", b"moving and more"])
def test_a_file_of_another_size_is_found_without_hashing(
    layout: Layout, clip: Artifact, hashed: list[str], content: bytes
) -> None:
    layout.absolute(clip.path).write_bytes(content)
    assert not Seen(layout).is_intact(clip)
    assert hashed == []


def test_a_deleted_file_is_found(layout: Layout, clip: Artifact) -> None:
    layout.absolute(clip.path).unlink()
    assert not Seen(layout).is_intact(clip)


def test_a_file_that_was_only_touched_is_hashed_and_holds(layout: Layout, clip: Artifact, hashed: list[str]) -> None:
    layout.absolute(clip.path).touch()
    assert Seen(layout, writable=True).is_intact(clip)
    assert Seen(layout).is_intact(clip)
    assert hashed == ["01.mp4"]


def test_notes_of_other_contents_do_not_count(layout: Layout, clip: Artifact) -> None:
    other = Artifact(path=clip.path, sha256="0" * 64, bytes=clip.bytes)
    assert not Seen(layout).is_intact(other)


@pytest.mark.parametrize("spoilt", [b"", b"\xff\xfe\x00", b"no tab\n\t\n\t\t\t\n", b"x\twork/mon/01.mp4\n" * 3])
def test_spoilt_notes_only_cost_time(layout: Layout, clip: Artifact, hashed: list[str], spoilt: bytes) -> None:
    layout.seen.write_bytes(spoilt)
    assert Seen(layout).is_intact(clip)
    assert hashed == ["01.mp4"]


def test_half_a_line_spoils_at_most_the_next(layout: Layout, clip: Artifact) -> None:
    with layout.seen.open("ab") as file:
        file.write(b"0123 6 1")
    other = write_artifact(layout.work / "mon" / "02.mp4", "second", root=layout.root)
    third = write_artifact(layout.work / "mon" / "03.mp4", "third", root=layout.root)
    Seen(layout, writable=True).note([other, third])
    assert all(Seen(layout).is_intact(artifact) for artifact in (clip, other, third))


def test_only_who_may_write_does(layout: Layout, clip: Artifact) -> None:
    layout.seen.unlink()
    assert Seen(layout).is_intact(clip)
    assert not layout.seen.exists()


def test_what_turned_out_damaged_is_not_believed_again(layout: Layout, clip: Artifact, hashed: list[str]) -> None:
    layout.absolute(clip.path).write_bytes(b"gnivom")
    Seen(layout, writable=True).note([clip])  # rotten beneath the file system: its looks are right
    seen = Seen(layout, writable=True)
    assert seen.is_intact(clip)
    assert not seen.is_whole(clip)
    assert not Seen(layout).is_intact(clip)


def test_the_notes_are_written_anew_when_most_are_superseded(
    layout: Layout, clip: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WORTHWHILE_LINES", 5)
    seen = Seen(layout, writable=True)
    for _ in range(10):
        seen.note([clip])
    seen.tidy()
    assert len(layout.seen.read_text().splitlines()) == 1
    assert Seen(layout).is_intact(clip)
