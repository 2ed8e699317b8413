"""Which step of which video goes first."""

from dataclasses import replace

import pytest
from msgspec import structs

from tests.values import a_recipe, a_step, a_video
from tiktoker_batch.engine.ranks import LeastLeftFirst, ways_to_the_end
from tiktoker_batch.model import Plan, PlannedVideo, Step


def a_planned(video: str, *steps: Step, priority: int = 0) -> PlannedVideo:
    return PlannedVideo(video=a_video(video, priority=priority), steps=steps)


def plan_of(*videos: PlannedVideo) -> Plan:
    return Plan(name="test", recipe=a_recipe(*(planned.video for planned in videos)), videos=videos)


def film(video: str, segments: int, *, priority: int = 0) -> PlannedVideo:
    """Story 2 s, then narration 3 s and captions 1 s beside pictures 5 s and clips 60 s, then assembly 20 s."""
    story = a_step(f"{video}/story", estimated_seconds=2.0)
    spoken = a_step(f"{video}/narration", story.id, estimated_seconds=3.0)
    words = a_step(f"{video}/captions", spoken.id, estimated_seconds=1.0)
    pictures = [
        a_step(f"{video}/{n:02d}/image", story.id, segment=n, estimated_seconds=5.0) for n in range(1, segments + 1)
    ]
    clips = [
        a_step(f"{video}/{n:02d}/clip", picture.id, segment=n, estimated_seconds=60.0)
        for n, picture in enumerate(pictures, start=1)
    ]
    needs = (spoken.id, words.id, *(clip.id for clip in clips))
    assembly = a_step(f"{video}/assembly", *needs, estimated_seconds=20.0)
    return a_planned(video, story, spoken, words, *pictures, *clips, assembly, priority=priority)


def order(ranks: LeastLeftFirst, plan: Plan) -> list[str]:
    """The videos, the one that goes first first."""
    return sorted((planned.video.id for planned in plan.videos), key=ranks.rank)


def test_the_video_with_the_least_work_left_goes_first() -> None:
    plan = plan_of(film("long", 9), film("short", 2), film("middle", 4))
    assert order(LeastLeftFirst(plan.videos), plan) == ["short", "middle", "long"]


def test_equal_videos_go_in_the_recipes_order() -> None:
    plan = plan_of(*(film(f"v{number}", 3) for number in range(4)))
    assert order(LeastLeftFirst(plan.videos), plan) == ["v0", "v1", "v2", "v3"]


def test_a_step_that_ends_brings_its_video_forward() -> None:
    plan = plan_of(film("one", 3), film("two", 3))
    ranks = LeastLeftFirst(plan.videos)
    assert ranks.end("two/01/clip") == "two"
    assert order(ranks, plan) == ["two", "one"]
    assert ranks.end("two/01/clip") is None, "a step ends once"


def test_a_higher_priority_goes_before_less_work() -> None:
    plan = plan_of(film("short", 1), film("urgent", 9, priority=1), film("whenever", 1, priority=-1))
    assert order(LeastLeftFirst(plan.videos), plan) == ["urgent", "short", "whenever"]


def test_steps_that_are_not_selected_are_no_work() -> None:
    plan = plan_of(film("one", 3), film("two", 4))
    selected = {step.id for step in plan.steps if step.id.endswith("/image")} | {"one/story"}
    assert order(LeastLeftFirst(plan.videos, {s for s in selected if s != "two/01/image"}), plan) == ["two", "one"]


def test_within_a_video_what_has_the_longest_way_before_it_goes_first() -> None:
    ways = ways_to_the_end(film("v", 4))
    assert ways["v/assembly"] == 20
    assert ways["v/01/clip"] == 60 + 20 / 4, "the assembly works on each clip as it comes"
    assert ways["v/01/image"] == 5 + 60 + 5
    assert ways["v/narration"] == 3 + 1 + 20, "but on nothing before it knows the narration"
    assert ways["v/story"] == 2 + 5 + 60 + 5


def test_the_narration_goes_before_clips_that_take_no_longer_than_it_is_needed_for() -> None:
    planned = film("v", 4)
    local = [
        structs.replace(step, estimated_seconds=4.0) if step.id.endswith("/clip") else step for step in planned.steps
    ]
    plan = plan_of(replace(planned, steps=tuple(local)))
    ranks = LeastLeftFirst(plan.videos)
    places = sorted((step.id for step in plan.steps), key=lambda name: ranks.standing(name).place)
    assert places.index("v/narration") < places.index("v/01/clip")


@pytest.mark.parametrize("step", ["other/story", ""])
def test_who_belongs_to_no_video_comes_last(step: str) -> None:
    plan = plan_of(film("v", 1, priority=-5))
    ranks = LeastLeftFirst(plan.videos)
    assert ranks.rank(ranks.standing(step).group) > ranks.rank("v")
