"""The content calendar of a recipe: what is published when, and what stands in the way of it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tiktoker_batch.catalog.loader import Platform
from tiktoker_batch.model import Publish, Video

MOST_EXAMPLES = 3  # videos that a warning names


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A video at its moment. ``state`` is done, partial, failed or pending; ``file`` is below the output folder."""

    video: Video
    publish: Publish
    at: datetime
    state: str
    file: str


def calendar(videos: Iterable[Video], states: Mapping[str, str]) -> tuple[Entry, ...]:
    """The videos that have a moment, by it; of two at the same, the one that the recipe names first."""
    found = [_entry(video, video.publish, states) for video in videos if video.publish]
    return tuple(sorted((entry for entry in found if entry), key=lambda entry: entry.at))


def _entry(video: Video, publish: Publish, states: Mapping[str, str]) -> Entry | None:
    if publish.at is None:
        return None
    state = states.get(video.id, "pending")
    return Entry(
        video=video,
        publish=publish,
        at=publish.at,
        state="pending" if state == "running" else state,
        file=f"videos/{video.id}.mp4",
    )


def post_text(publish: Publish) -> str:
    """The text of a post: the caption, then its hashtags."""
    tags = " ".join(f"#{tag}" for tag in publish.hashtags)
    return "\n\n".join(part for part in (publish.caption, tags) if part)


# ---------------------------------------------------------------------- what stands in the way


def calendar_warnings(
    videos: Sequence[Video],
    platforms: Mapping[str, Platform],
    states: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> list[str]:
    """A sentence for each thing that an uploader would stumble over; many videos with the same share one.

    Without ``now`` and the ``states`` of the videos, no moment is said to be past.
    """
    entries = calendar(videos, states or {})
    return [
        *_together(_clashes(entries)),
        *_together(_late(entries, now) if now else ()),
        *_together(_refused(videos, platforms)),
    ]


Finding = tuple[str, str]  # what is wrong, and of which video


def _together(findings: Iterable[Finding]) -> Iterator[str]:
    found: dict[str, list[str]] = defaultdict(list)
    for what, whose in findings:
        found[what].append(whose)
    for what, videos in found.items():
        named = ", ".join(map(repr, videos[:MOST_EXAMPLES]))
        more = f" and {len(videos) - MOST_EXAMPLES} more" if len(videos) > MOST_EXAMPLES else ""
        yield f"{named}{more}: {what}"


def _clashes(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Two posts at one moment on one platform; entries without a platform may go to any."""
    taken: dict[tuple[datetime, str], str] = {}
    for entry in entries:
        places = entry.publish.platforms or ("",)
        first = next((taken[entry.at, place] for place in places if (entry.at, place) in taken), None)
        if first is not None:
            yield f"published at the same moment as {first!r} ({moment_text(entry.at)})", entry.video.id
        for place in places:
            taken.setdefault((entry.at, place), entry.video.id)


def _late(entries: Iterable[Entry], now: datetime) -> Iterator[Finding]:
    for entry in entries:
        if entry.at < now and entry.state != "done":
            yield f"not made yet, and its moment is past (it is {moment_text(now.astimezone())} now)", entry.video.id


def _refused(videos: Iterable[Video], platforms: Mapping[str, Platform]) -> Iterator[Finding]:
    for video in videos:
        for name in video.publish.platforms if video.publish else ():
            if name in platforms and video.publish:
                yield from ((what, video.id) for what in _beyond(video, video.publish, platforms[name]))


def _beyond(video: Video, publish: Publish, platform: Platform) -> Iterator[str]:
    text = post_text(publish)
    length = len(text.encode("utf-16-le")) // 2 if platform.utf16 else len(text)
    checks: list[tuple[float, float | None, Callable[[float], str]]] = [
        (length, platform.caption_characters, lambda most: f"a caption with hashtags of {most:g} characters"),
        (len(publish.hashtags), platform.hashtags, lambda most: f"{most:g} hashtags"),
        (video.duration, platform.seconds, lambda most: f"{most:g} s"),
    ]
    for found, most, told in checks:
        if most is not None and found > most:
            yield f"{platform.title} takes at most {told(most)}, and this has {found:g}"


def moment_text(at: datetime) -> str:
    """``2027-03-15 18:00 +01:00``."""
    offset = at.strftime("%z")
    return f"{at:%Y-%m-%d %H:%M} {offset[:3]}:{offset[3:5]}" if offset else f"{at:%Y-%m-%d %H:%M}"
