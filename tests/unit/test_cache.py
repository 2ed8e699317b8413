"""The cache of bought results: what it gives back is whole, or it gives nothing."""

import multiprocessing
import os
import random
from pathlib import Path

import pytest

from tiktoker_batch.errors import TiktokerError, UsageError
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.store import cache as store
from tiktoker_batch.store.artifacts import is_intact, write_artifact
from tiktoker_batch.store.cache import Cache, Freed, Holdings, Item, Name, open_cache
from tiktoker_batch.store.layout import placed, shape_of

DAY = 86_400.0


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", limit_bytes=1000)


def named(what: object, world: str = "real") -> Name:
    return Name(world=world, digest=digest(what))


def keep(cache: Cache, what: object, *contents: bytes, used: float | None = None) -> Name:
    """Keep files with these contents; ``used``: when they were used last."""
    root, name = cache.folder.parent / "source", named(what)
    made = [write_artifact(root / f"{name.digest}-{n}", content, root=root) for n, content in enumerate(contents)]
    items = [Item(shape=f"work/{{video}}/{n}.bin", sha256=a.sha256, bytes=a.bytes) for n, a in enumerate(made)]
    cache.put(name, items, [root / artifact.path for artifact in made])
    if used is not None:
        os.utime(entry_of(cache, name), (used, used))
    return name


def fetch(cache: Cache, name: Name, root: Path) -> tuple[Artifact, ...] | None:
    items = cache.find(name)
    if items is None:
        return None
    return cache.bring(name, items, [root / f"work/mon/{n}.bin" for n in range(len(items))], root)


def entry_of(cache: Cache, name: Name) -> Path:
    return cache.folder / "entries" / name.world / name.digest[:2] / f"{name.digest}.json"


def contents(cache: Cache) -> list[Path]:
    return [path for path in (cache.folder / "contents").rglob("*") if path.is_file()]


def test_what_was_kept_comes_back_under_other_names(cache: Cache, tmp_path: Path) -> None:
    name = keep(cache, "a clip", b"moving", b"words")
    brought = fetch(cache, name, tmp_path / "out")
    assert brought is not None
    assert [artifact.path for artifact in brought] == ["work/mon/0.bin", "work/mon/1.bin"]
    assert all(is_intact(artifact, root=tmp_path / "out") for artifact in brought)
    assert fetch(cache, named("another clip"), tmp_path / "out") is None


def test_a_result_of_one_world_is_unknown_in_another(cache: Cache) -> None:
    name = keep(cache, "a clip", b"moving")
    assert cache.find(name) is not None
    assert cache.find(Name(world="at-0123", digest=name.digest)) is None


def test_equal_contents_are_kept_once(cache: Cache) -> None:
    keep(cache, "one", b"same")
    keep(cache, "two", b"same")
    assert len(contents(cache)) == 1
    assert cache.holdings().entries == 2


def test_copies_are_no_links(cache: Cache, tmp_path: Path) -> None:
    name = keep(cache, "a clip", b"moving")
    source = next((tmp_path / "source").iterdir())
    source.write_bytes(b"edited")  # in place, as an editor may
    first = fetch(cache, name, tmp_path / "out")
    assert first is not None
    (tmp_path / "out" / first[0].path).write_bytes(b"edited")
    assert fetch(cache, name, tmp_path / "third") == first


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.write_bytes(b"gnivom"), id="other bytes"),
        pytest.param(lambda path: path.write_bytes(b"mov"), id="too short"),
        pytest.param(lambda path: path.unlink(), id="gone"),
        pytest.param(lambda path: (path.unlink(), path.mkdir()), id="a folder"),
    ],
)
def test_a_spoilt_content_is_a_miss_and_is_dropped(cache: Cache, tmp_path: Path, spoil: object) -> None:
    name = keep(cache, "a clip", b"whole", b"moving")
    item = (cache.find(name) or ())[1]
    spoil(cache.folder / "contents" / item.sha256[:2] / item.sha256)  # type: ignore[operator]
    assert fetch(cache, name, tmp_path / "out") is None
    assert cache.find(name) is None
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []
    assert fetch(cache, keep(cache, "a clip", b"whole", b"good"), tmp_path / "out") is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": "another", "version": 1, "artifacts": []}',
        '{"format": "tiktoker-batch/cache", "version": 2, "artifacts": []}',
        '{"format": "tiktoker-batch/cache", "version": 1, "artifacts": []}',
        '{"format": "tiktoker-batch/cache", "version": 1, "artifacts": [{"shape": "x"}]}',
        '{"format": "tiktoker-batch/cache", "version": 1, "artifacts": [{"shape": "x", "sha256": "..", "bytes": 1}]}',
        "[" * 100_000,
        "\x00\xff",
    ],
)
def test_a_damaged_or_alien_entry_is_a_miss_and_is_cleared_up(cache: Cache, text: str) -> None:
    name = keep(cache, "a clip", b"moving")
    entry_of(cache, name).write_text(text)
    assert cache.find(name) is None
    assert cache.gc().entries == 1
    assert not entry_of(cache, name).exists()


def test_a_cache_in_a_place_of_other_things_is_empty(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    cache = Cache(tmp_path / "cache", limit_bytes=1000)
    assert cache.find(keep(cache, "a clip", b"moving")) is None
    assert (cache.holdings(), cache.gc(), cache.clear()) == (Holdings(), Freed(), Freed())


def test_what_was_not_used_for_the_longest_time_goes_first(cache: Cache, tmp_path: Path) -> None:
    now = DAY * 20_000
    names = [keep(cache, n, bytes([n]) * 300, used=now - n * DAY) for n in range(4)]
    assert cache.is_over_limit()
    assert fetch(cache, names[3], tmp_path / "out") is not None  # the oldest, used again just now
    assert cache.gc() == Freed(entries=1, bytes=300)
    assert [cache.find(name) is not None for name in names] == [True, True, False, True]
    assert cache.holdings().bytes == 900
    assert not cache.is_over_limit()


def test_a_content_stays_while_an_entry_needs_it(cache: Cache, tmp_path: Path) -> None:
    now = DAY * 20_000
    old = keep(cache, "old", b"s" * 400, used=now - DAY)
    new = keep(cache, "new", b"s" * 400, b"t" * 300, used=now)
    keep(cache, "newest", b"u" * 400, used=now + 1)
    cache.gc()
    assert cache.find(old) is None
    assert fetch(cache, new, tmp_path / "out") is None  # with it alone it would still be too much
    assert cache.holdings().bytes == 400


def test_forgotten_contents_go_but_not_those_just_being_kept(cache: Cache) -> None:
    name = keep(cache, "a clip", b"moving")
    entry_of(cache, name).unlink()
    torn = cache.folder / "contents" / "ab" / "abc.1-00000000.part"
    torn.parent.mkdir(exist_ok=True)
    torn.write_bytes(b"half")
    torn_entry = entry_of(cache, name).with_name("abc.json.1-00000000.part")
    torn_entry.write_bytes(b"{")
    now = torn.stat().st_mtime
    assert cache.gc(now=now) == Freed()
    assert cache.gc(now=now + 2 * store.GRACE_SECONDS) == Freed(entries=0, bytes=11)
    assert contents(cache) == []
    assert not torn_entry.exists()


def test_a_result_larger_than_the_limit_is_not_kept(cache: Cache) -> None:
    assert cache.find(keep(cache, "a film", b"x" * 1001)) is None
    assert contents(cache) == []


def test_a_full_disk_leaves_nothing_behind(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: object) -> None:
        target.write(b"half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "pour", full)
    assert cache.find(keep(cache, "a clip", b"moving")) is None
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []


def test_no_room_for_what_is_brought_is_told(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = keep(cache, "a clip", b"moving")
    monkeypatch.setattr(store, "pour", lambda source, target: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(TiktokerError, match="No space left"):
        fetch(cache, name, tmp_path / "out")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []
    assert cache.find(name) is not None


def test_files_are_copied_also_where_the_system_does_not_help(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", refuse, raising=False)
    assert fetch(cache, keep(cache, "a clip", b"moving"), tmp_path / "out") is not None


def test_clearing_removes_everything(cache: Cache) -> None:
    keep(cache, "a clip", b"moving")
    held = cache.holdings()
    assert (held.entries, held.bytes, held.oldest) == (1, 6, held.newest)
    assert cache.clear() == Freed(entries=1, bytes=6)
    assert not cache.folder.exists()


@pytest.mark.parametrize(("told", "limit"), [(None, 10**10), ("", 10**10), ("0.5", 5 * 10**8), ("0", 0)])
def test_the_limit_is_told_by_the_environment(tmp_path: Path, told: str | None, limit: int) -> None:
    environ = {} if told is None else {"TIKTOKER_CACHE_GB": told}
    assert open_cache(tmp_path, environ).limit_bytes == limit


@pytest.mark.parametrize("told", ["much", "-1", "nan", "inf"])
def test_a_limit_that_is_none_is_refused(tmp_path: Path, told: str) -> None:
    with pytest.raises(UsageError, match="expected gigabytes"):
        open_cache(tmp_path, {"TIKTOKER_CACHE_GB": told})


@pytest.mark.parametrize(
    ("path", "elsewhere"),
    [
        ("work/mon/03.mp4", "work/tue/03.mp4"),
        ("work/mon/prompts/03-clip.txt", "work/tue/prompts/03-clip.txt"),
        ("videos/mon.srt", "videos/tue.srt"),
    ],
)
def test_a_path_has_a_shape(path: str, elsewhere: str) -> None:
    shape = shape_of(path, "mon")
    assert shape is not None
    assert (placed(shape, "mon"), placed(shape, "tue")) == (path, elsewhere)


@pytest.mark.parametrize(
    "path", ["work/monday/03.mp4", "work/m/03.mp4", "elsewhere/mon/03.mp4", "03.mp4", "videos/mon"]
)
def test_a_path_that_is_not_called_after_its_video_has_none(path: str) -> None:
    assert shape_of(path, "mon") is None


@pytest.mark.parametrize(
    "shape", ["/etc/passwd", "work/{video}/../../x", "work/{video}", "{video}", "work/{video}x/a", "work/{video}/"]
)
def test_an_alien_shape_leads_nowhere(shape: str) -> None:
    assert placed(shape, "mon") is None


def hammer(folder: str, seed: int) -> int:
    """Keep, fetch and clear up at random among other processes; the number of hits, each of which must be whole."""
    rng, cache, hits = random.Random(seed), Cache(Path(folder) / "cache", limit_bytes=20_000), 0
    own = Path(folder) / f"out-{seed}"
    for turn in range(300):
        what = rng.randrange(12)
        content = bytes([what]) * 3000
        match rng.randrange(4):
            case 0 | 1:
                source = write_artifact(own / f"source-{what}", content, root=own)
                item = Item(shape="work/{video}/0.bin", sha256=source.sha256, bytes=source.bytes)
                cache.put(named(what), [item], [own / source.path])
            case 2:
                brought = fetch(cache, named(what), own / str(turn))
                if brought is not None:
                    assert (own / str(turn) / brought[0].path).read_bytes() == content
                    hits += 1
            case _:
                cache.gc(now=0 if turn % 10 else None)
                cache.holdings()
    return hits


def test_processes_at_work_at_once_only_ever_get_whole_results(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        hits = pool.starmap(hammer, [(str(tmp_path), seed) for seed in range(3)])
    assert all(count > 10 for count in hits)
    assert list((tmp_path / "cache").rglob("*.part")) == []
