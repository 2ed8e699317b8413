"""``videos/<id>.json``: what an uploader needs to know of a finished video."""

import json
from contextlib import suppress
from typing import Any

import msgspec

from tiktoker_batch.model import Publish, Video
from tiktoker_batch.store.artifacts import write_atomic
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import VideoState


def sidecar_json(video: Video, state: VideoState) -> dict[str, Any]:
    """Caption, hashtags, times and disclosures, with the file they belong to."""
    publish = video.publish or Publish()
    return {
        "format": "tiktoker-batch/video",
        "version": 1,
        "id": video.id,
        "state": state.state,
        "file": f"{video.id}.mp4",
        "sha256": state.sha256,
        "duration_seconds": state.duration_seconds,
        "aspect_ratio": video.aspect_ratio,
        "resolution": video.resolution,
        "language": video.language,
        "subtitles": f"{video.id}.srt",
        "topic": video.topic,
        "caption": publish.caption,
        "hashtags": list(publish.hashtags),
        "platforms": list(publish.platforms),
        "publish_at": publish.at.isoformat() if publish.at else None,
        "synthetic_media": publish.synthetic_media,
        "made_for_kids": publish.made_for_kids,
        "cover_seconds": _within(publish.cover_seconds, state.duration_seconds),
        "tags": list(video.tags),
        "style": video.style.name,
        "models": {
            "text": video.models.text.ref,
            "image": video.models.image.ref,
            "clip": video.models.clip.ref,
            "narration": video.models.narration.ref,
        },
        "voice": video.voice.name,
        "cost_usd": float(state.cost_usd),
        "notes": list(state.notes),
    }


def _within(seconds: float, duration: float | None) -> float:
    """A moment of the video, even of a very short one."""
    return seconds if duration is None else round(min(seconds, duration / 2), 3)


def write_sidecar(layout: Layout, video: Video, state: VideoState) -> None:
    """Write the sidecar beside the video, complete or not at all; untouched where nothing changed."""
    content = _as_text(sidecar_json(video, state)) + b"\n"
    final = layout.sidecar(video.id)
    with suppress(OSError):
        if final.read_bytes() == content:
            return
    write_atomic(final, content)


def _as_text(value: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.format(msgspec.json.encode(value), indent=2)
    except UnicodeEncodeError:  # half of a surrogate pair: it is written as its escape
        return json.dumps(value, ensure_ascii=False, indent=2).encode(errors="backslashreplace")
