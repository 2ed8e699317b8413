import hashlib
from pathlib import Path

import pytest

from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.store.artifacts import commit, is_intact, new_part, sha256_file, sweep_parts, write_artifact


def test_an_artifact_is_known_by_its_path_content_and_size(tmp_path: Path) -> None:
    artifact = write_artifact(tmp_path / "work/mon/story.txt", "Кофе\n", root=tmp_path)
    content = "Кофе\n".encode()
    assert artifact == Artifact(path="work/mon/story.txt", sha256=hashlib.sha256(content).hexdigest(), bytes=9)
    assert (tmp_path / artifact.path).read_bytes() == content
    assert sha256_file(tmp_path / artifact.path) == artifact.sha256


def test_nothing_is_under_the_final_name_before_the_commit(tmp_path: Path) -> None:
    final = tmp_path / "clips" / "01.mp4"
    part = new_part(final)
    part.write_bytes(b"half")
    assert not final.exists()
    part.write_bytes(b"whole")
    commit(part, final, root=tmp_path)
    assert final.read_bytes() == b"whole"
    assert not part.exists()


def test_two_writers_of_one_file_never_share_a_part(tmp_path: Path) -> None:
    final = tmp_path / "01.mp4"
    assert len({new_part(final) for _ in range(100)}) == 100


def test_a_commit_takes_the_place_of_an_older_file(tmp_path: Path) -> None:
    old = write_artifact(tmp_path / "a", "old", root=tmp_path)
    new = write_artifact(tmp_path / "a", "new", root=tmp_path)
    assert is_intact(new, root=tmp_path)
    assert not is_intact(old, root=tmp_path)


def test_a_text_that_has_no_utf8_is_written_all_the_same(tmp_path: Path) -> None:
    write_artifact(tmp_path / "a", "half a pair: \ud83d", root=tmp_path)
    assert (tmp_path / "a").read_text() == r"half a pair: \ud83d"


@pytest.mark.parametrize("damage", ["missing", "shorter", "same size, other content", "a folder"])
def test_damage_is_noticed(tmp_path: Path, damage: str) -> None:
    artifact = write_artifact(tmp_path / "a", "content", root=tmp_path)
    assert is_intact(artifact, root=tmp_path)
    (tmp_path / "a").unlink()
    match damage:
        case "shorter":
            (tmp_path / "a").write_text("conten")
        case "same size, other content":
            (tmp_path / "a").write_text("CONTENT")
        case "a folder":
            (tmp_path / "a").mkdir()
    assert not is_intact(artifact, root=tmp_path)


def test_a_sweep_removes_half_written_files_and_nothing_else(tmp_path: Path) -> None:
    kept = [write_artifact(tmp_path / name, "x", root=tmp_path) for name in ("01.mp4", "mine.part", "work/b/02.mp4")]
    for name in ("01.mp4", "work/b/02.mp4"):
        new_part(tmp_path / name).write_text("half")
    part = new_part(tmp_path / "work/b/03.mp4")
    part.with_name(f"{part.name}.ass.part").write_text("beside it")
    assert sweep_parts(tmp_path) == 3
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {artifact.path for artifact in kept}


def test_a_folder_that_cannot_be_made_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file where a folder should be")
    with pytest.raises(TiktokerError, match=r"(?s)cannot write .*work.*run again"):
        write_artifact(tmp_path / "work" / "story.txt", "x", root=tmp_path)


def test_a_part_that_was_never_written_cannot_be_committed(tmp_path: Path) -> None:
    final = tmp_path / "01.mp4"
    with pytest.raises(TiktokerError, match="No such file"):
        commit(new_part(final), final, root=tmp_path)
    assert not final.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_artifact(tmp_path / "a", "old", root=tmp_path)
    # A part that lies on the full device: what is written to it fails as on a full disk.
    monkeypatch.setattr("tiktoker_batch.store.artifacts.new_part", lambda _final: _full(tmp_path))
    with pytest.raises(TiktokerError, match="No space left"):
        write_artifact(tmp_path / "a", "new", root=tmp_path)
    assert (tmp_path / "a").read_text() == "old"


def _full(folder: Path) -> Path:
    (folder / "part").symlink_to("/dev/full")
    return folder / "part"
