"""What a plan says is different from the last run, and why."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.values import a_plan, a_step
from tiktoker_batch.events import PlannedStep
from tiktoker_batch.model import Plan, Step
from tiktoker_batch.planning.difference import Before, Difference, Part, StepChange, compare, difference_json
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.planning.ingredients import LONGEST, ingredients, is_digest
from tiktoker_batch.report.diff_markdown import diff_markdown
from tiktoker_batch.report.diff_text import diff_text
from tiktoker_batch.report.markdown import LIMIT
from tiktoker_batch.store.state import BatchState

CLIP_USD = Decimal("0.40")
PROMPT = "a lamp at the end of a pier, noir, and words enough to be kept as a digest"


def steps(name: str, *, prompt: str = PROMPT, seconds: float = 4.0, model: str = "fast", shots: int = 2) -> list[Step]:
    """A video's steps, keyed as real ones are: by what they are made of and by the keys of what they need."""
    made: dict[str, Step] = {}

    def add(kind: str, *needs: str, **changes: Any) -> str:
        step = a_step(f"{name}/{kind}", *needs, **{"params": {}, **changes})
        parts = [ingredients(step), step.provider, step.model, [made[need].key for need in needs]]
        made[step.id] = a_step(step.id, *needs, **{"params": {}, **changes, "key": digest(parts)})
        return step.id

    story = add("story", params={"script": "Words."})
    clips = []
    for number in range(1, shots + 1):
        own = prompt if number == 1 else PROMPT
        image = add(f"{number:02d}/image", prompt=own, params={"style": {"name": "noir"}})
        price = CLIP_USD * Decimal(str(seconds)) / 4
        more: dict[str, Any] = {"params": {"seconds": seconds}, "model": model, "estimated_cost_usd": price}
        clips.append(add(f"{number:02d}/clip", image, **more))
    add("assembly", story, *clips, params={"fps": 24})
    return list(made.values())


def before(plan: Plan, states: dict[str, str] | None = None, *, recorded: bool = True) -> Before:
    """What the journal keeps of a plan that was run."""
    usual = {step.id: "done" for step in plan.steps}
    return Before(
        videos={each.video.id: [_planned(step, recorded) for step in each.steps] for each in plan.videos},
        states=usual | (states or {}),
    )


def _planned(step: Step, recorded: bool) -> PlannedStep:
    return PlannedStep(
        id=step.id,
        kind=step.kind,
        key=step.key,
        needs=step.needs,
        provider=step.provider,
        model=step.model,
        estimated_seconds=step.estimated_seconds,
        estimated_cost_usd=step.estimated_cost_usd,
        made_of=ingredients(step) if recorded else {},
    )


def compared(then: Before, now: Sequence[Step], run: Iterable[str] = (), **more: Any) -> Difference:
    """``run`` are the steps that a run would do though their keys hold; what has another key is done anyway."""
    keys = {step.id: step.key for steps in then.videos.values() for step in steps}
    to_do = set(run)

    def action(step: Step) -> str:
        return "run" if step.id in to_do or keys.get(step.id) != step.key else "reuse"

    return compare(then, a_plan(now), action, **more)


def told(difference: Difference) -> dict[str, StepChange]:
    """The steps of which there is anything to tell."""
    return {step.id: step for step in difference.steps if step.change != "kept" or step.again}


THEN = before(a_plan(steps("lamp")))


def test_the_same_plan_is_kept_whole() -> None:
    difference = compared(THEN, steps("lamp"))
    assert told(difference) == {}
    assert difference.counts()["videos"] == {"added": 0, "removed": 0, "changed": 0, "kept": 1}
    assert difference.usd_before == difference.usd_after == 2 * CLIP_USD


def test_a_changed_prompt_is_the_reason_of_its_picture_and_the_cause_of_what_is_made_of_it() -> None:
    found = told(compared(THEN, steps("lamp", prompt=PROMPT + ", in the rain")))
    assert list(found) == ["lamp/01/image", "lamp/01/clip", "lamp/assembly"]
    image, clip, assembly = found.values()
    assert [part.name for part in image.parts] == ["prompt"]
    assert is_digest(image.parts[0].before)
    assert (image.because_of, clip.parts, assembly.parts) == ((), (), ())
    assert clip.because_of == assembly.because_of == ("lamp/01/image",), "the cause, not what passes it on"


def test_a_setting_is_told_with_both_values_and_a_model_by_its_name() -> None:
    found = told(compared(THEN, steps("lamp", seconds=6.0, model="slow", shots=1)))
    clip = found["lamp/01/clip"]
    assert clip.parts == (Part("model", "fake:fast", "fake:slow"), Part("seconds", 4.0, 6.0))
    assert (clip.usd_before, clip.usd_after) == (CLIP_USD, CLIP_USD * Decimal("1.5"))


def test_steps_and_videos_come_and_go() -> None:
    more = compared(THEN, [*steps("lamp", shots=3), *steps("tea", shots=1)])
    found = told(more)
    assert found["lamp/03/clip"].change == "added"
    assert found["lamp/assembly"].parts == (Part("needs", [], ["lamp/03/clip"]),)
    assert found["lamp/assembly"].because_of == ("lamp/03/clip",)
    assert [(video.id, video.change) for video in more.videos] == [("lamp", "changed"), ("tea", "added")]
    assert more.usd_after - more.usd_before == 2 * CLIP_USD
    fewer = compared(before(a_plan([*steps("lamp"), *steps("tea")])), steps("tea", shots=1))
    assert [(video.id, video.change) for video in fewer.videos] == [("tea", "changed"), ("lamp", "removed")]
    assert told(fewer)["tea/02/image"].change == "removed"
    assert told(fewer)["tea/02/image"].action is None


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("failed", "failed in the last run"),
        ("skipped", "could not start in the last run"),
        ("pending", "not done yet"),
        ("done", "its result is gone or not what it was"),
    ],
)
def test_what_has_not_changed_and_is_done_all_the_same_says_why(state: str, why: str) -> None:
    then = before(a_plan(steps("lamp")), {"lamp/01/clip": state})
    found = told(compared(then, steps("lamp"), run=["lamp/01/clip", "lamp/assembly"]))
    assert {name: step.again for name, step in found.items()} == {
        "lamp/01/clip": why,
        "lamp/assembly": "lamp/01/clip is done again",
    }


def test_what_is_asked_for_again_says_so() -> None:
    found = told(compared(THEN, steps("lamp"), run=["lamp/story"], forced=frozenset({"lamp/story"})))
    assert found["lamp/story"].again == "asked for again"


def test_a_journal_that_does_not_say_what_steps_are_made_of_gives_no_invented_reasons() -> None:
    old = before(a_plan(steps("lamp")), recorded=False)
    found = told(compared(old, steps("lamp", prompt="another")))
    assert (found["lamp/01/image"].parts, found["lamp/01/image"].unknown) == ((), True)
    assert (found["lamp/01/clip"].because_of, found["lamp/01/clip"].unknown) == (("lamp/01/image",), True)
    text = shown(compared(old, steps("lamp", prompt="another")))
    assert "~  01/image  the last run did not write down what it was made of" in text


def test_ingredients_are_short_and_tell_values_apart() -> None:
    step = a_step("v/01/image", params={"n": 1, "long": "x" * (LONGEST + 1), "style": {"name": "noir"}, "list": [1]})
    found = ingredients(step)
    assert (found["n"], found["style.name"]) == (1, "noir")
    assert is_digest(found["long"])
    assert is_digest(found["list"])
    other = ingredients(a_step("v/01/image", params={"long": "x" * LONGEST + "y", "list": [2]}))
    assert found["long"] != other["long"]
    assert found["list"] != other["list"]


# ---------------------------------------------------------------------- as people and programs read it

RUN = BatchState(name="test", runs=3, state="partial", updated_at=datetime(2027, 3, 15, 18, 2, tzinfo=UTC))


def shown(difference: Difference, state: BatchState = RUN) -> str:
    return diff_text(difference, state, "test", "output/test", Decimal("0.40"))


def test_the_text_says_what_became_of_each_video_and_what_it_costs() -> None:
    then = before(a_plan([*steps("lamp"), *steps("old", shots=1)]), {"lamp/02/clip": "failed"})
    now = [*steps("lamp", prompt="a lantern"), *steps("new", shots=2)]
    assert shown(compared(then, now, run=["lamp/02/clip"])).splitlines() == [
        "test against run 3 of 2027-03-15 18:02 UTC (partial): videos 1 added, 1 removed, 1 changed",
        "",
        "~ lamp  changed 4 of 6 steps",
        "    ~  01/image  prompt changed",
        "    ~  01/clip   because of 01/image",
        "    =  02/clip   failed in the last run",
        "    ~  assembly  because of 01/image",
        "+ new  added: 6 steps, +$0.80",
        "- old  removed: 4 steps, -$0.40",
        "",
        "steps: 6 added, 4 removed, 3 changed, 3 kept; 10 to do",
        "the whole batch: $1.20 by the last plan, $1.60 by this one (+$0.40)",
        "to pay now: $0.40",
    ]


def test_steps_that_changed_alike_share_a_line() -> None:
    text = shown(compared(THEN, steps("lamp", seconds=6.0)))
    assert "    ~  clip x2   seconds 4 -> 6\n" in text
    assert "    ~  assembly  because of 01/clip and 02/clip\n" in text


def test_of_many_videos_each_gets_a_line() -> None:
    names = [f"video-{number:02d}" for number in range(20)]
    then = before(a_plan([step for name in names for step in steps(name)]))
    text = shown(compared(then, [step for name in names for step in steps(name, seconds=6.0)]))
    assert "  ~  video-07  changed 3 of 6 steps  seconds  +$0.40\n" in text
    assert len(text.splitlines()) == 20 + 6


def test_before_the_first_run_everything_is_new() -> None:
    text = shown(compared(Before(), steps("lamp")), BatchState())
    assert text.startswith("test: nothing was run in output/test yet, so everything is new\n\n+ lamp  added: 6 steps")


def test_the_comment_for_a_pull_request_folds_the_steps_away() -> None:
    difference = compared(THEN, [*steps("lamp", prompt="a | lantern"), *steps("new", shots=1)])
    lines = diff_markdown(difference, RUN, "test", "output/test", Decimal("0.80")).splitlines()
    assert lines[0].startswith("### `test against run 3")
    assert "| `~` | `lamp` | changed 3 of 6 steps | `prompt` |  |" in lines
    assert "| `+` | `new` | added: 4 steps |  | +$0.40 |" in lines
    assert "- to pay now: $0.80" in lines
    folded = lines[lines.index("<details><summary>Steps; 7 steps to do</summary>") :]
    assert "| `~` | `lamp/01/clip` | `because of 01/image` |" in folded
    assert folded[-1] == "</details>"


def test_a_large_difference_is_no_longer_than_a_comment_may_be() -> None:
    names = [f"a-video-with-a-rather-long-name-{number:04d}" for number in range(1200)]
    then = before(a_plan([step for name in names for step in steps(name, shots=1)]))
    now = [step for name in names for step in steps(name, shots=1, seconds=6.0, prompt="other")]
    text = diff_markdown(compared(then, now), RUN, "test", "output/test", Decimal(0))
    assert LIMIT - 300 < len(text.encode()) <= LIMIT
    assert text.count(" more |") == 2


def test_the_json_names_every_step_its_parts_and_its_causes() -> None:
    difference = compared(THEN, steps("lamp", seconds=6.0, shots=1))
    found: Any = difference_json(difference, {"name": "test"}, {"run": 3}, Decimal("0.60"))
    assert (found["format"], found["version"], found["against"]) == ("tiktoker-batch/plan-diff", 1, {"run": 3})
    (video,) = found["videos"]
    by_id = {step["id"]: step for step in video["steps"]}
    assert by_id["lamp/01/clip"]["parts"] == [{"name": "seconds", "before": 4.0, "after": 6.0}]
    assert by_id["lamp/01/clip"]["estimated_cost_usd"] == {"before": 0.4, "after": 0.6}
    assert by_id["lamp/assembly"]["because_of"] == ["lamp/01/clip"]
    assert (by_id["lamp/02/clip"]["change"], by_id["lamp/02/clip"]["action"]) == ("removed", None)
    assert found["totals"]["steps"] == {"added": 0, "removed": 2, "changed": 2, "kept": 2}
    assert (found["totals"]["to_do"], found["totals"]["to_pay_usd"]) == (2, 0.6)
