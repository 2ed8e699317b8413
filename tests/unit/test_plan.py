"""Plans: which steps there are, what they are called, and what their keys depend on."""

import dataclasses
import json
from decimal import Decimal

import pytest

from tests.values import a_model, a_recipe, a_video
from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.engine.capacity import capacities
from tiktoker_batch.model import Captions, Kind, Model, Models, Music, Plan, Price, Publish, Step, Video
from tiktoker_batch.planning.build import Planning, build_plan
from tiktoker_batch.planning.estimate import estimate
from tiktoker_batch.planning.likely import History, Taken
from tiktoker_batch.planning.view import plan_json
from tiktoker_batch.recipe.prompts import builtin_templates
from tiktoker_batch.shots import Shot, Style
from tiktoker_batch.steps.registry import STEP_KINDS


def video(id: str = "one", **changes: object) -> Video:
    return a_video(id, **({"templates": dict(builtin_templates())} | changes))


def plan(*videos: Video, history: History | None = None) -> Plan:
    planning = Planning(languages=load_catalog().languages, file_sha256={}, history=history or History())
    return build_plan(a_recipe(*videos), STEP_KINDS, planning)


def keys(*videos: Video) -> dict[str, str]:
    return {step.id: step.key for step in plan(*videos).steps}


def changed(before: Video, after: Video) -> set[str]:
    """The steps whose keys differ, without the video's name."""
    first, second = keys(before), keys(after)
    return {id.split("/", 1)[1] for id in second if first.get(id) != second[id]}


def test_a_topic_becomes_the_steps_of_the_contract() -> None:
    found = [step.id for step in plan(video(duration=9)).steps]
    assert set(found) == {
        "one/story", "one/shots", "one/narration", "one/captions", "one/assembly",
        "one/01/image", "one/02/image", "one/03/image", "one/01/clip", "one/02/clip", "one/03/clip",
    }  # fmt: skip
    assert found[-1] == "one/assembly"


@pytest.mark.parametrize(
    ("duration", "segment", "count"), [(30, 4, 8), (60, 4, 15), (60, 5, 12), (60, 6, 10), (12, 4, 3), (3, 4, 1)]
)
def test_segments_fill_the_duration(duration: float, segment: float, count: int) -> None:
    steps = plan(video(duration=duration, segment_duration=segment)).steps
    assert sum(step.kind is Kind.CLIP for step in steps) == count


def test_the_users_own_shots_decide_their_number_and_wait_for_nobody() -> None:
    own = video(shots=(Shot(prompt="a"), Shot(prompt="b", duration=6)))
    steps = {step.id: step for step in plan(own).steps}
    assert steps["one/01/image"].needs == ()
    assert steps["one/02/clip"].params["seconds"] == 6
    assert not steps["one/02/clip"].deferred


def test_music_is_a_step_only_where_there_is_music() -> None:
    assert "one/music" not in keys(video())
    with_music = plan(video(music=Music(file="/a.mp3"))).steps
    assert "one/music" in {step.id for step in with_music}
    assert "one/music" in with_music[-1].needs


def test_every_need_stands_before_the_step_that_has_it() -> None:
    seen: set[str] = set()
    for step in plan(video(), video("two", shots=(Shot(prompt="x"),))).steps:
        assert set(step.needs) <= seen
        assert set(step.may_lack) <= set(step.needs)
        seen.add(step.id)


def test_the_same_recipe_gives_the_same_plan() -> None:
    assert plan(video()) == plan(video())


def test_equal_work_has_equal_keys_under_another_name() -> None:
    one, two = keys(video("one")), keys(video("two"))
    assert [*one.values()] == [*two.values()]


def test_editing_one_prompt_touches_its_picture_its_clip_and_the_video() -> None:
    before = video(script="Words.", topic=None, shots=(Shot(prompt="a"), Shot(prompt="b"), Shot(prompt="c")))
    after = dataclasses.replace(before, shots=(Shot(prompt="a"), Shot(prompt="other"), Shot(prompt="c")))
    assert changed(before, after) == {"shots", "02/image", "02/clip", "assembly"}


def test_another_voice_touches_no_picture() -> None:
    before = video()
    after = dataclasses.replace(before, voice=dataclasses.replace(before.voice, id="other"))
    assert changed(before, after) == {"narration", "captions", "assembly"}


def test_another_caption_look_touches_only_captions_and_the_video() -> None:
    before = video()
    after = dataclasses.replace(before, captions=dataclasses.replace(before.captions or Captions(), preset="pop"))
    assert changed(before, after) == {"captions", "assembly"}


def test_another_style_leaves_the_narration_of_a_script_alone() -> None:
    before = video(script="Words.", topic=None, shots=(Shot(prompt="a"),))
    after = dataclasses.replace(before, style=Style(name="anime", prompt="ink"))
    assert changed(before, after) == {"01/image", "01/clip", "assembly"}


def test_what_is_published_with_a_video_touches_nothing() -> None:
    assert changed(video(), video(publish=Publish(caption="x"), tags=("a",))) == set()


def test_patience_touches_nothing() -> None:
    before = video()
    after = dataclasses.replace(before, retry=dataclasses.replace(before.retry, max_attempts=9))
    assert changed(before, after) == set()


def test_an_edited_template_touches_what_is_made_from_it() -> None:
    before = video()
    template = dataclasses.replace(before.templates["clip"], source="{{ shot }}, slowly")
    after = dataclasses.replace(before, templates={**before.templates, "clip": template})
    assert changed(before, after) == {"01/clip", "02/clip", "03/clip", "assembly"}


def test_prompts_show_where_words_are_still_to_come() -> None:
    steps = {step.id: step for step in plan(video()).steps}
    assert "«shot 2»" in (steps["one/02/image"].prompt or "")
    assert "«story»" in (steps["one/shots"].prompt or "")
    assert steps["one/02/image"].deferred
    assert not steps["one/story"].deferred


def paid(kind: str, unit: str, usd: str, seconds: float) -> Model:
    price = Price(unit=unit, usd=Decimal(usd))  # type: ignore[arg-type]
    return dataclasses.replace(a_model(kind, "m"), provider="fal", price=price, typical_seconds=seconds)


def paid_video() -> Video:
    models = Models(
        text=a_model(),
        image=paid("image", "megapixel", "0.003", 2),
        clip=dataclasses.replace(paid("clip", "second", "0.10", 75), durations=(4.0, 6.0, 8.0)),
        narration=paid("narration", "1k_characters", "0.10", 6),
    )
    return video(models=models, duration=30.0)


def test_money_is_units_times_price() -> None:
    steps = {step.id: step for step in plan(paid_video()).steps}
    assert steps["one/01/clip"].estimated_cost_usd == Decimal("0.4000")
    assert steps["one/01/image"].estimated_cost_usd == Decimal("0.0030"), "720 x 1280 is one megapixel, begun"
    assert steps["one/story"].estimated_cost_usd == 0


def test_the_estimate_is_somewhat_above_the_bound_of_path_and_load() -> None:
    found = plan(paid_video())
    seats = capacities(found, {}, {"fal": 2, "ffmpeg": 2, "local": 2})
    tight = estimate(found, seats, lambda step: True)
    assert (tight.bottleneck, tight.bottleneck_value) == ("fal", 2)
    bound = (8 * (75 + 2) + 6) / 2
    assert bound < tight.time.seconds < 1.5 * bound
    assert tight.time.low < tight.time.seconds < tight.time.high
    roomy = estimate(found, {**seats, "fal": 100}, lambda step: True)
    assert 75 < roomy.time.seconds < tight.time.low
    assert roomy.critical_path[-1] == "one/assembly"
    assert tight.cost_usd == sum(step.estimated_cost_usd for step in found.steps)


def test_the_estimate_is_the_same_to_the_digit_every_time() -> None:
    found = plan(paid_video())
    first, second = (estimate(found, {"fal": 3}, lambda step: True) for _ in range(2))
    assert first == second


def test_nothing_to_do_takes_no_time() -> None:
    assert estimate(plan(paid_video()), {"fal": 3}, lambda step: False).time.high == 0


def test_steps_are_expected_to_take_what_they_took_before() -> None:
    before = History(steps={"fal:m": [Taken(seconds=30.0, size=4.0)] * 64})
    steps = {step.id: step for step in plan(paid_video(), history=before).steps}
    assert steps["one/01/clip"].estimated_seconds == pytest.approx(30, rel=0.05)
    assert steps["one/story"].estimated_seconds == 1, "another model's work says nothing of it"


def test_the_published_json_has_the_contracts_keys() -> None:
    found = plan(video())
    shown = plan_json(found, estimate(found, {"local": 2}, lambda step: True), lambda step: "run", "output/test")
    assert json.loads(json.dumps(shown)) == shown
    assert set(shown) == {"format", "version", "batch", "videos", "totals", "bottleneck", "critical_path"}
    step = shown["videos"][0]["steps"][0]
    assert set(step) == {
        "id", "kind", "key", "needs", "provider", "model", "action", "estimated_cost_usd", "estimated_seconds",
    }  # fmt: skip
    assert shown["totals"]["run"] == len(found.steps)


def test_steps_that_run_here_name_the_seats_they_hold() -> None:
    steps: dict[str, Step] = {step.id: step for step in plan(video()).steps}
    assert steps["one/01/clip"].capacity == ("local", "local:camera")
