"""Small valid values to build tests from."""

from collections.abc import Iterable, Mapping

from tiktoker_batch.model import (
    Budget,
    Json,
    Kind,
    Model,
    Models,
    Plan,
    PlannedVideo,
    Recipe,
    Retry,
    Step,
    Video,
    Voice,
)
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.shots import Style


def a_model(kind: str = "text", id: str = "writer", **changes: object) -> Model:
    return Model(provider="local", id=id, kind=kind, title=id, **changes)  # type: ignore[arg-type]


def a_video(id: str = "one", **changes: object) -> Video:
    values: dict[str, object] = {
        "id": id,
        "topic": "a lighthouse in a storm",
        "script": None,
        "duration": 12.0,
        "segment_duration": 4.0,
        "aspect_ratio": "9:16",
        "resolution": "720p",
        "fps": 24,
        "language": "en",
        "style": Style(name="noir", prompt="black and white"),
        "voice": Voice(name="heart", provider="local", id="heart"),
        "models": Models(
            text=a_model("text", "writer"),
            image=a_model("image", "painter"),
            clip=a_model("clip", "camera", duration_range=(1, 30)),
            narration=a_model("narration", "hibari", languages=("en",)),
        ),
    }
    return Video(**(values | changes))  # type: ignore[arg-type]


def a_recipe(*videos: Video, **changes: object) -> Recipe:
    values: dict[str, object] = {
        "path": "recipe.yaml",
        "sha256": "0" * 64,
        "name": "test",
        "output_dir": None,
        "limits": {},
        "budget": Budget(),
        "videos": videos or (a_video(),),
    }
    return Recipe(**(values | changes))  # type: ignore[arg-type]


def a_step(id: str, *needs: str, text: Json = "", retry: Retry | None = None, **changes: object) -> Step:
    """A step called ``video/kind`` or ``video/NN/kind``; its key follows its text."""
    video, *_, kind = id.split("/")
    values: dict[str, object] = {
        "id": id,
        "video": video,
        "kind": Kind(kind),
        "needs": needs,
        "provider": "fake",
        "model": "m",
        "params": {"text": text},
        "key": digest([id, text]),
        "capacity": ("fake",),
        "retry": retry or Retry(),
        "estimated_seconds": 1.0,
    }
    return Step(**(values | changes))  # type: ignore[arg-type]


def a_plan(steps: Iterable[Step], priorities: Mapping[str, int] | None = None) -> Plan:
    """A plan of these steps, grouped by their videos."""
    given = priorities or {}
    by_video: dict[str, list[Step]] = {}
    for step in steps:
        by_video.setdefault(step.video, []).append(step)
    videos = tuple(
        PlannedVideo(video=a_video(id, priority=given.get(id, 0)), steps=tuple(found)) for id, found in by_video.items()
    )
    return Plan(name="test", recipe=a_recipe(*(planned.video for planned in videos)), videos=videos)
