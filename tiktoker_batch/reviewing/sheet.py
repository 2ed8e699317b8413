"""``review.html``: the contact sheet, one file with all pictures inside, in which a person decides on each shot."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from tiktoker_batch.app import Opened
from tiktoker_batch.engine.announce import title_of
from tiktoker_batch.media.thumbnails import thumbnails
from tiktoker_batch.model import Kind, PlannedVideo
from tiktoker_batch.planning.build import step_id
from tiktoker_batch.recipe.rendering import segment_seconds
from tiktoker_batch.recipe.shots_file import STATES, ShotsFile
from tiktoker_batch.recipe.shots_text import file_pieces, heard, shot_fields, shot_head
from tiktoker_batch.report.html import page_environment
from tiktoker_batch.report.standing import GOOD
from tiktoker_batch.shots import Shot
from tiktoker_batch.store.artifacts import write_atomic
from tiktoker_batch.store.state import BatchState
from tiktoker_batch.store.step_state import StepState

OPEN_VIDEOS = 12  # as many as this are shown unfolded

Found = tuple[PlannedVideo, ShotsFile | None]


def write_sheet(opened: Opened, state: BatchState, videos: Sequence[Found]) -> Path | None:
    """Write the contact sheet of these videos, complete or not at all; ``None`` while there is no picture to show."""
    shown = list(_videos(opened, state, videos))
    pictures = [shot["picture"] for video in shown for shot in video["shots"] if shot["picture"]]
    if not pictures:
        return None
    small = dict(zip(pictures, thumbnails(opened.layout.absolute(each) for each in pictures), strict=True))
    for video in shown:
        for shot in video["shots"]:
            shot["thumbnail"] = small.get(shot["picture"])
    page = (
        page_environment()
        .get_template("review.html.j2")
        .render(
            name=opened.recipe.name,
            recipe=opened.recipe.path,
            rehearsed=state.rehearsed,
            videos=shown,
            states=STATES,
            open_videos=len(shown) <= OPEN_VIDEOS,
            shots=sum(len(video["shots"]) for video in shown),
            spent=sum((shot["cost"] for video in shown for shot in video["shots"]), start=0),
        )
    )
    write_atomic(opened.layout.review, page)
    return opened.layout.review


def _videos(opened: Opened, state: BatchState, videos: Sequence[Found]) -> Iterator[dict[str, Any]]:
    for planned, found in videos:
        video = planned.video
        if found is None or found.shots is None:
            continue
        spoken = heard(found.narration, segment_seconds(video), opened.catalog.languages[video.language])
        pieces = file_pieces(video.id, found)
        shots = [
            _shot(state, video.id, number, shot, spoken[number - 1] if number <= len(spoken) else "")
            for number, shot in enumerate(found.shots, start=1)
        ]
        data = {
            "id": video.id,
            "head": pieces.head,
            "tail": pieces.tail,
            "shots": [
                {"head": shot_head(each["number"], each["heard"]), "fields": dict(shot_fields(shot))}
                for each, shot in zip(shots, found.shots, strict=True)
            ],
        }
        yield {
            "id": video.id,
            "title": title_of(video),
            "file": str(opened.layout.edit(video.id)),
            "edited": found.is_edited,
            "required": video.review == "required",
            "narration": found.narration,
            "style": video.style.name,
            "ratio": video.aspect_ratio.replace(":", " / "),
            "shots": shots,
            "data": _script_json(data),
        }


def _shot(state: BatchState, video_id: str, number: int, shot: Shot, spoken: str) -> dict[str, Any]:
    image, clip = (state.steps.get(step_id(video_id, kind, number)) for kind in (Kind.IMAGE, Kind.CLIP))
    picture = image.artifacts[0].path if image and image.state in GOOD and image.artifacts else None
    return {
        "number": number,
        "shot": shot,
        "heard": spoken,
        "picture": picture,
        "address": quote(picture) if picture else None,
        "cost": image.cost_usd if image else 0,
        "model": f"{image.planned.provider}:{image.planned.model}" if image else "",
        "clip": _clip_text(clip),
        "error": image.error_message if image and image.state == "failed" else None,
    }


def _clip_text(clip: StepState | None) -> str:
    if clip is None or clip.state not in GOOD | {"failed"}:
        return "no clip yet"
    return "clip failed" if clip.state == "failed" else "clip made"


def _script_json(value: Any) -> Markup:
    """JSON that can stand in a script element whatever its texts hold."""
    text = json.dumps(value, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))  # noqa: S704
