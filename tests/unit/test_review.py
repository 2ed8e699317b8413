"""Who waits for a person, and what a lock holds: pure rules."""

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from tests.values import a_plan, a_step, a_video
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.sharing import Sharing
from tiktoker_batch.engine.telling import tell_outcome
from tiktoker_batch.events import Event, Record, StepReused, VideoPlanned
from tiktoker_batch.model import Plan, Step, Video
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.planning.build import Planning, build_plan
from tiktoker_batch.planning.review import all_approved, unapproved, waiting_steps
from tiktoker_batch.recipe.prompts import builtin_templates
from tiktoker_batch.recording import Recorder
from tiktoker_batch.records import record_from_line, record_to_line
from tiktoker_batch.shots import Edit, Shot, ShotState
from tiktoker_batch.steps.registry import STEP_KINDS
from tiktoker_batch.store.artifacts import write_artifact
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import Success, fold


def reviewed(*states: ShotState, **changes: object) -> Video:
    shots = tuple(Shot(prompt=f"shot {number}", state=state) for number, state in enumerate(states))
    return a_video(edit=Edit(path="shots.yaml", narration="x", shots=shots) if shots else None, **changes)


@pytest.mark.parametrize(
    ("states", "required", "waiting"),
    [
        ((), False, ()),
        ((), True, (1, 2, 3)),
        (("draft", "draft"), False, ()),
        (("draft", "draft"), True, (1, 2)),
        (("approved", "draft"), False, (2,)),
        (("rejected", "draft"), False, (1, 2)),
        (("approved", "locked"), False, ()),
        (("approved", "locked"), True, ()),
    ],
)
def test_once_a_shot_is_marked_the_others_wait(
    states: tuple[ShotState, ...], required: bool, waiting: tuple[int, ...]
) -> None:
    assert unapproved(reviewed(*states, review="required" if required else "optional")) == waiting


def test_clips_and_the_video_wait_and_nothing_else(languages: Planning) -> None:
    plan = planned(reviewed("approved", "draft"), languages)
    assert waiting_steps(plan) == {"one/02/clip", "one/assembly"}
    assert waiting_steps(all_approved(plan)) == frozenset()


# ------------------------------------------------------------------ keys of edited texts


def test_an_edit_of_written_shots_changes_the_keys_of_its_own_steps_alone(languages: Planning) -> None:
    plain = planned(a_video(templates=dict(builtin_templates())), languages)
    keys = {step.id: step.key for step in plain.steps}
    shots = (Shot(prompt="a red boat"), Shot(prompt="b", motion="up"), Shot(prompt="c", take=2))
    edit = Edit(path="f", narration="x", shots=shots, story_key=keys["one/story"], shots_key=keys["one/shots"])
    edited = planned(a_video(templates=dict(builtin_templates()), edit=edit), languages)
    changed = {step.id for step in edited.steps if step.key != keys[step.id]}
    # What hangs on the words of a shot is known by what the shot list says, not by its key.
    assert changed == {"one/story", "one/shots", "one/02/clip", "one/03/image", "one/03/clip", "one/assembly"}


def test_what_was_edited_is_known_by_the_keys_of_that_day_whatever_the_recipe_says_since(languages: Planning) -> None:
    first = planned(a_video(templates=dict(builtin_templates())), languages)
    keys = {step.id: step.key for step in first.steps}
    shots = tuple(Shot(prompt=word) for word in "abc")
    edit = Edit(path="f", narration="x", shots=shots, story_key=keys["one/story"], shots_key=keys["one/shots"])
    video = a_video(templates=dict(builtin_templates()), topic="something else", edit=edit)
    later = {step.id: step for step in planned(video, languages).steps}
    assert later["one/01/image"].key == keys["one/01/image"]
    assert later["one/story"].replaced != later["one/story"].lineage == keys["one/story"]


# ------------------------------------------------------------------ locks


def locked(folder: Path) -> tuple[Layout, Step, Artifact]:
    layout = Layout(folder)
    picture = write_artifact(layout.image("one", 1), b"a picture", root=folder)
    return layout, structs.replace(a_step("one/01/image", segment=1, provider="fal"), locked=True, key="new"), picture


def test_a_locked_picture_holds_under_the_key_of_the_work_that_it_is(tmp_path: Path) -> None:
    layout, step, picture = locked(tmp_path)
    success = Success(key="old", inputs="then", artifacts=(picture,))
    reuse = Reuse(STEP_KINDS, layout, {step.id: success}, forced=frozenset({step.id}))
    held = reuse.predict(a_plan([step]))[step.id]
    assert (held.artifacts, held.key, held.inputs) == ((picture,), "old", "then")
    told: list[Event] = []

    def keep(record: Record) -> None:
        told.append(record.event)

    tell_outcome(Recorder([keep], run=1), step, held)
    # Unlocked, it is not taken for the work of today.
    assert [event.key for event in told if isinstance(event, StepReused)] == ["old"]
    assert reuse.lost(step) is None
    (tmp_path / picture.path).write_bytes(b"b picture")
    assert Reuse(STEP_KINDS, layout, {step.id: success}).lost(step) == picture


def test_another_video_takes_no_copy_of_a_picture_that_only_a_lock_holds(tmp_path: Path) -> None:
    layout, step, picture = locked(tmp_path)
    other = structs.replace(step, id="two/01/image", video="two", locked=False)
    sharing = Sharing([step, other], layout)
    held = Reuse(STEP_KINDS, layout, {step.id: Success(key="old", inputs="i", artifacts=(picture,))}).predict(
        a_plan([step])
    )[step.id]
    sharing.note(step, held)
    assert sharing.line(other, "i")._made is None


# ------------------------------------------------------------------ journals


def test_the_journal_tells_what_waits_and_what_was_edited_and_old_ones_still_fold() -> None:
    events: list[Record] = []
    recorder = Recorder([events.append], run=1)
    recorder.emit(
        VideoPlanned(video="one", title="t", steps=(), waiting=("one/02/clip",), edited="work/one/shots.yaml")
    )
    (record,) = events
    read = record_from_line(record_to_line(record))
    assert read is not None
    assert read.event == record.event
    video = fold([read]).videos["one"]
    assert (video.waiting, video.edited) == (("one/02/clip",), "work/one/shots.yaml")
    stamps = b'"event":"video_planned","at":"2026-01-01T00:00:00Z","elapsed":0.1,"run":1'
    found = record_from_line(b"{" + stamps + b',"video":"one","title":"t","steps":[]}')
    assert found is not None
    assert fold([found]).videos["one"].waiting == ()


def planned(video: Video, planning: Planning) -> Plan:
    from tests.values import a_recipe

    return build_plan(a_recipe(replace(video, templates=dict(builtin_templates()))), STEP_KINDS, planning)


@pytest.fixture
def languages() -> Planning:
    from tiktoker_batch.catalog.loader import load_catalog

    return Planning(languages=load_catalog().languages, file_sha256={})
