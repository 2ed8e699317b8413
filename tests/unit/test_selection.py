"""Choosing videos and steps of a plan by what they are called, tagged, when they go out, and how far they are."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import pytest

from tests.values import a_recipe, a_step, a_video
from tiktoker_batch.errors import UsageError
from tiktoker_batch.model import Kind, Plan, PlannedVideo, Publish, Step, Video
from tiktoker_batch.planning.selection import (
    Choice,
    Shard,
    chosen_steps,
    matching_steps,
    parse_shard,
    selection_warnings,
)

STATES = {"mon-fox": "done", "tue-owl": "failed", "wed-fox": "partial"}


def video(name: str, day: int, *tags: str) -> PlannedVideo:
    made: Video = a_video(name, tags=tags, publish=Publish(at=datetime(2027, 3, day, 18, tzinfo=UTC)))
    steps = (
        a_step(f"{name}/story"),
        a_step(f"{name}/01/image", f"{name}/story"),
        a_step(f"{name}/01/clip", f"{name}/01/image"),
        a_step(f"{name}/narration", f"{name}/story"),
        a_step(f"{name}/assembly", f"{name}/01/clip", f"{name}/narration"),
    )
    return PlannedVideo(video=made, steps=steps)


VIDEOS = (
    video("mon-fox", 15, "animal", "red"),
    video("tue-owl", 16, "animal"),
    video("wed-fox", 17, "red"),
    video("thu-sea", 18),
)
PLAN = Plan(name="test", recipe=a_recipe(*(each.video for each in VIDEOS)), videos=VIDEOS)


def videos(*expressions: str) -> list[str]:
    chosen = matching_steps(PLAN, expressions, STATES)
    return sorted({step.split("/")[0] for step in chosen})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("mon-fox", ["mon-fox"]),
        ("*-fox", ["mon-fox", "wed-fox"]),
        ("tag:animal", ["mon-fox", "tue-owl"]),
        ("tag:an*", ["mon-fox", "tue-owl"]),
        ("state:failed", ["tue-owl"]),
        ("state:pending", ["thu-sea"]),
        ("state:done or state:partial", ["mon-fox", "wed-fox"]),
        ("tag:animal and tag:red", ["mon-fox"]),
        ("tag:animal and not tag:red", ["tue-owl"]),
        ("not (tag:animal or tag:red)", ["thu-sea"]),
        ("tag:red or tag:animal and state:failed", ["mon-fox", "tue-owl", "wed-fox"]),
        ("(tag:red or tag:animal) and state:failed", ["tue-owl"]),
        ("date:2027-03-16..2027-03-17", ["tue-owl", "wed-fox"]),
        ("date:..2027-03-15", ["mon-fox"]),
        ("date:2027-03-18..", ["thu-sea"]),
        ("date:2027-03-16", ["tue-owl"]),
        ("wed-*/*/clip or tue-owl/story", ["tue-owl", "wed-fox"]),
        ("not not mon-fox", ["mon-fox"]),
        ("not (state:done or (tag:red and not *-owl))", ["thu-sea", "tue-owl"]),
        ("tag:nothing or mon-fox", ["mon-fox"]),
        ("fri-* or mon-fox", ["mon-fox"]),
        ("not tag:nothing and tag:red", ["mon-fox", "wed-fox"]),
        ("date:..", ["mon-fox", "thu-sea", "tue-owl", "wed-fox"]),
    ],
)
def test_an_expression_chooses_videos(expression: str, expected: Sequence[str]) -> None:
    assert videos(expression) == expected


def test_several_expressions_choose_what_any_of_them_does() -> None:
    assert videos("mon-fox", "state:failed") == ["mon-fox", "tue-owl"]


def test_a_step_is_chosen_with_all_that_it_needs_and_nothing_else() -> None:
    chosen = chosen_steps(PLAN, Choice(select=("mon-*/01/clip",)), STATES)
    assert chosen == {"mon-fox/story", "mon-fox/01/image", "mon-fox/01/clip"}


def test_until_a_kind_of_step_is_that_kind_and_what_it_needs() -> None:
    chosen = chosen_steps(PLAN, Choice(select=("mon-fox",), until=Kind.IMAGE), STATES)
    assert chosen == {"mon-fox/story", "mon-fox/01/image"}


def test_what_is_excluded_is_left_out_also_where_others_need_it() -> None:
    chosen = chosen_steps(PLAN, Choice(select=("mon-fox",), exclude=("*/narration",)), STATES)
    assert chosen == {"mon-fox/story", "mon-fox/01/image", "mon-fox/01/clip", "mon-fox/assembly"}
    everything = chosen_steps(PLAN, Choice(exclude=("not tag:red",)), STATES)
    assert everything is not None
    assert {step.split("/")[0] for step in everything} == {"mon-fox", "wed-fox"}


def test_without_a_choice_everything_is_meant() -> None:
    assert chosen_steps(PLAN, Choice(), STATES) is None


@pytest.mark.parametrize(
    "expression",
    [
        "state:failed and tag:red",
        "date:2027-03-20",
        "date:2027-04-01.. and tag:animal",
        "tag:nothing or state:failed and mon-*",
        "not state:pending and thu-sea",
        "not date:2027-03-15 and mon-fox",
    ],
)
def test_what_only_is_not_so_today_chooses_nothing_and_is_no_mistake(expression: str) -> None:
    assert videos(expression) == []


@pytest.mark.parametrize(
    ("choice", "force", "said"),
    [
        (Choice(select=("tag:animl or mon-fox",)), (), "--select 'tag:animl or mon-fox': no video has the tag 'animl'"),
        (Choice(select=("mon-fox", "tag:wekly")), (), "--select tag:wekly: no video has the tag 'wekly'; there are:"),
        (Choice(exclude=("tag:rad",)), (), "--exclude tag:rad: no video has the tag 'rad'; did you mean 'tag:red'?"),
        (Choice(), ("man-* or mon-*",), "--force 'man-* or mon-*': no video matches 'man-*'"),
        (Choice(select=("date:2027-03-20",)), (), "--select date:2027-03-20: nothing is published on 2027-03-20; "),
        (Choice(select=("date:..2027-03-07",)), (), "--select date:..2027-03-07: nothing is published in "),
    ],
)
def test_what_matches_nothing_beside_others_is_told(choice: Choice, force: tuple[str, ...], said: str) -> None:
    (told,) = selection_warnings(PLAN, choice, force)
    assert told.startswith(said)


@pytest.mark.parametrize(
    ("days", "nearest"),
    [("2027-03-20", "2027-03-18"), ("..2027-03-07", "2027-03-15"), ("2027-03-19..2027-04-01", "2027-03-18")],
)
def test_of_a_day_without_posts_the_nearest_with_one_is_told(days: str, nearest: str) -> None:
    (told,) = selection_warnings(PLAN, Choice(exclude=(f"date:{days}",)))
    assert told.endswith(f"{days}; the nearest day is {nearest}")


def test_states_that_no_video_is_in_are_not_told() -> None:
    assert selection_warnings(PLAN, Choice(select=("state:failed", "tag:red"), exclude=("state:done",))) == []


def test_where_no_video_has_a_tag_or_a_day_that_is_told() -> None:
    bare = a_plan(["one"])
    with pytest.raises(UsageError, match="no video has the tag 'red'; none has any"):
        matching_steps(bare, ["tag:red"], {})
    (told,) = selection_warnings(bare, Choice(exclude=("date:2027-03-20",)))
    assert told.endswith("nothing is published on 2027-03-20: no video has a day")


def test_of_a_recipe_without_videos_nothing_is_chosen() -> None:
    assert chosen_steps(a_plan([]), Choice(select=("tag:red",)), {}) == frozenset()


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("tag:animl", "no video has the tag 'animl'; did you mean 'tag:animal'?"),
        ("tag:animl and state:failed", "no video has the tag 'animl'; did you mean 'tag:animal'?"),
        ("tag:nothing", "no video has the tag 'nothing'; there are: animal and red"),
        ("fri-*", "no video matches 'fri-*'"),
        ("thu-sea and tag:red", "nothing in the recipe is all of this"),
        ("mon-fox or mon-fix", "no video matches 'mon-fix'; did you mean 'mon-fox'?"),
        ("date:2027-03-17..2027-03-15", "ends before it begins; did you mean '2027-03-15..2027-03-17'?"),
        ("date:", "'' is no day or range of days"),
        ("mon-fix", "no video matches 'mon-fix'; did you mean 'mon-fox'?"),
        ("mon-fox/02/clip", "no step matches 'mon-fox/02/clip'"),
        ("mon-fox/01/clp", "did you mean 'mon-fox/01/clip'?"),
        ("*/clipp", "no step matches '*/clipp'; did you mean '*/clip'?"),
        ("man-fox/*", "no step matches 'man-fox/*'; did you mean 'mon-fox/*'?"),
        ("state:faild", "no state is called 'faild'; did you mean 'failed'?"),
        ("tags:red", "no selector is called 'tags'; did you mean 'tag'?"),
        ("video:mon-fox", "no selector is called 'video'; did you mean 'mon-fox'?"),
        ("date:monday", "'monday' is no day or range of days"),
        ("tag:red tag:animal", "'tag:animal' comes too late: write 'and' or 'or' before it"),
        ("tag:red and", "a selector is missing at the end"),
        ("or tag:red", "a selector is missing before 'or'"),
        ("(tag:red", "a closing bracket is missing"),
        ("", "a selector is missing at the end"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_could(expression: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        matching_steps(PLAN, [expression], STATES)
    assert said in raised.value.message
    assert "selectors:" in (raised.value.hint or "")


def a_plan(names: Iterable[str], *steps: Step) -> Plan:
    """A plan of one paid picture a video, unlike all others, and these steps more."""
    videos = [
        PlannedVideo(
            video=a_video(name),
            steps=(
                a_step(f"{name}/01/image", provider="fal", key=name, segment=1),
                *(step for step in steps if step.video == name),
            ),
        )
        for name in names
    ]
    return Plan(name="test", recipe=a_recipe(*(each.video for each in videos)), videos=tuple(videos))


def parts_of(plan: Plan, parts: int) -> list[frozenset[str]]:
    return [Shard(number + 1, parts).members(plan) for number in range(parts)]


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_each_video_belongs_to_one_part_of_a_batch_and_parts_are_of_about_a_size(parts: int) -> None:
    names = [f"video-{number}" for number in range(1000)]
    found = parts_of(a_plan(names), parts)
    assert sorted(itertools.chain(*found)) == sorted(names)
    assert all(0.8 < len(each) * parts / 1000 < 1.2 for each in found)


def test_a_video_stays_in_its_part_when_others_come_and_go() -> None:
    names = [f"video-{number}" for number in range(100)]
    few, many = parts_of(a_plan(names[:50]), 3), parts_of(a_plan(reversed(names)), 3)
    assert all(before <= after for before, after in zip(few, many, strict=True))
    assert Shard(2, 2).members(PLAN) == IN_THE_SECOND


def paid(step: str, key: str) -> Step:
    return a_step(step, provider="fal", key=key, segment=2)


def test_videos_that_need_the_same_of_a_service_are_in_one_part_which_buys_it_once() -> None:
    names = [f"{post}-{language}" for post in range(20) for language in ("de", "en", "fr")]
    alike = [paid(f"{name}/02/image", name.split("-")[0]) for name in names]
    for part in parts_of(a_plan(names, *alike), 4):
        posts = Counter(name.split("-")[0] for name in part)
        assert set(posts.values()) <= {3}


def test_what_every_video_needs_does_not_put_all_of_them_into_one_part() -> None:
    names = [f"video-{number}" for number in range(20)]
    intro = [paid(f"{name}/02/image", "intro") for name in names]
    assert parts_of(a_plan(names, *intro), 2) == parts_of(a_plan(names), 2)


IN_THE_SECOND = {"mon-fox", "tue-owl", "wed-fox"}  # by the sha256 of the ids


def test_a_part_goes_with_everything_else_that_is_chosen() -> None:
    chosen = chosen_steps(PLAN, Choice(select=("*-fox",), shard=Shard(2, 2)), STATES)
    assert chosen is not None
    assert {step.split("/")[0] for step in chosen} == {name for name in IN_THE_SECOND if name.endswith("-fox")}


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "a/b", "-1/2", "1/2/3"])
def test_what_is_no_part_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="I/N"):
        parse_shard(text)


def test_a_part_reads_as_it_is_written() -> None:
    assert str(parse_shard("2/5")) == "2/5"
