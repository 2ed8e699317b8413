"""Shots that a language model wrote: too long ones cost no picture."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.paying import Paid, pay
from tests.simulated import a_world
from tests.values import a_step, a_video
from tiktoker_batch.errors import BadRequest
from tiktoker_batch.model import Models, Video
from tiktoker_batch.outcomes import Artifact, Failed
from tiktoker_batch.providers.base import Produced
from tiktoker_batch.recipe.prompts import builtin_templates
from tiktoker_batch.recipe.rendering import clip_prompt, closest, overlong, segment_count
from tiktoker_batch.shots import Shot, Style
from tiktoker_batch.simulator import chat
from tiktoker_batch.steps.base import Inputs, Tools, Work
from tiktoker_batch.steps.clip import ClipStep
from tiktoker_batch.steps.image import ImageStep
from tiktoker_batch.steps.shots import shots_prompt
from tiktoker_batch.store.layout import Layout

WAN = "fal:fal-ai/wan-25-preview/image-to-video"
LONG = "a very long corridor " * 25
RECIPE = f"""\
version: 1
name: x
defaults: {{models: {{narration: "elevenlabs:eleven_flash_v2_5"}}}}
videos:
  - id: v
    script: A door opens. Nobody is there.
    duration: 10
    models: {{text: "openrouter:openai/gpt-4o-mini", image: "fal:fal-ai/flux/schnell", clip: "{WAN}"}}
"""


def bought(folder: Path, monkeypatch: pytest.MonkeyPatch, *, long_lists: int) -> Paid:
    """The recipe's paid steps, where so many shot lists have a shot that is too long."""
    written: list[str] = []
    usual = chat._value

    def value(shape, rng, trouble):
        found = usual(shape, rng, trouble)
        if shape.get("type") == "array":
            written.append("list")
            return [found[0], LONG, *found[2:]] if len(written) <= long_lists else found
        return found

    monkeypatch.setattr(chat, "_value", value)
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return pay(folder / "recipe.yaml", folder / "out", a_world())


def test_a_list_with_a_shot_that_is_too_long_is_written_again_before_a_picture_is_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid = bought(tmp_path, monkeypatch, long_lists=1)
    assert not paid.failed
    (first, second), prompts = paid.state.steps["v/shots"].attempts, [e.input for e in paid.world.ledger.entries]
    assert (first.outcome, second.outcome) == ("retry", "ok")
    assert first.error_kind == "Unusable"
    sent = [each["prompt"] for each in prompts if "image_url" in each]
    assert len(sent) == paid.charged("fal") / 2 == 2
    assert all(len(prompt) <= 800 for prompt in sent)


def test_where_every_list_is_too_long_nothing_is_paid_but_the_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid = bought(tmp_path, monkeypatch, long_lists=99)
    shots = paid.outcomes["v/shots"]
    assert isinstance(shots, Failed)
    assert shots.message == (
        "shot 2 of the written list is too long: the clip prompt would be 976 characters with camera and style; "
        f"clip model '{WAN}' takes 800"
    )
    assert (paid.charged("openrouter"), paid.charged("fal")) == (3, 0)
    assert paid.state.spent_usd == paid.world.ledger.spent_usd > 0


# ------------------------------------------------------------------ lists of earlier runs


def a_tight_video(characters: int = 800, **changes: object) -> Video:
    """A video whose clip model takes no more than so many characters."""
    video = a_video(**({"templates": dict(builtin_templates()), "topic": None, "script": "Words."} | changes))
    models = video.models
    clip = replace(models.clip, prompt_characters=characters)
    return replace(video, models=Models(text=models.text, image=models.image, clip=clip, narration=models.narration))


def work(folder: Path, video: Video, kind: str) -> Work:
    """The second segment's attempt, with a shot list of an earlier run."""
    layout = Layout(folder)
    layout.shots(video.id).parent.mkdir(parents=True)
    layout.shots(video.id).write_text(json.dumps(["a door", LONG, "a key"]), encoding="utf-8")
    listed = Artifact(path=f"work/{video.id}/shots.json", sha256="", bytes=0)
    picture = Artifact(path=f"work/{video.id}/02.png", sha256="", bytes=0)

    async def buy(request: object, into: object) -> Produced:
        raise AssertionError("nothing may be bought")

    needs = (f"{video.id}/02/image", f"{video.id}/shots") if kind == "clip" else (f"{video.id}/shots",)
    found = {need: (listed if need.endswith("shots") else picture,) for need in needs}
    return Work(
        step=a_step(f"{video.id}/02/{kind}", *needs, segment=2),
        video=video,
        layout=layout,
        inputs=Inputs(layout=layout, artifacts=found),
        buy=buy,
        arrival=None,  # type: ignore[arg-type]
        seats=None,  # type: ignore[arg-type]
        tools=Tools(ffmpeg="", font_cache=folder),
    )


@pytest.mark.parametrize(("kind", "step"), [("image", ImageStep()), ("clip", ClipStep())])
async def test_a_shot_of_an_earlier_list_that_does_not_fit_any_more_buys_nothing(
    tmp_path: Path, kind: str, step: ImageStep | ClipStep
) -> None:
    with pytest.raises(BadRequest, match="shot 2 is too long: the clip prompt would be 7") as raised:
        await step.run(work(tmp_path, a_tight_video(700), kind))
    assert "shots.json" in (raised.value.hint or "")


# ------------------------------------------------------------------ what fits


def test_a_prompt_fits_up_to_the_last_character() -> None:
    video = a_tight_video()
    room = 800 - (len(clip_prompt(video, 1, "x")) - 1)
    assert not overlong(video, 1, "x" * room)
    (found,) = overlong(video, 1, "x" * (room + 1))
    assert (found.kind, found.characters, found.limit, found.over) == ("clip", 801, 800, 1)


def test_a_model_that_takes_any_length_is_not_measured() -> None:
    video = a_video(templates=dict(builtin_templates()))
    assert overlong(video, 1, "x" * 100_000) == []
    assert closest(video) is None


def test_the_least_room_is_that_of_the_wordiest_segment() -> None:
    video = a_tight_video(duration=16.0)
    rooms = [800 - len(clip_prompt(video, n, "")) for n in range(1, segment_count(video) + 1)]
    found = closest(video)
    assert found is not None
    assert -found.over == min(rooms) < max(rooms)


def test_a_shot_s_own_style_counts() -> None:
    own = Style(name="own", prompt="w" * 500)
    video = a_tight_video(shots=(Shot(prompt="a"), Shot(prompt="a", style=own)))
    assert [len(overlong(video, number, "x" * 200)) for number in (1, 2)] == [0, 1]


def test_the_language_model_hears_of_a_limit_only_where_usual_shots_would_not_fit() -> None:
    assert "characters" not in shots_prompt(a_tight_video(), "English", "Words.")
    video = a_tight_video(500)
    found = closest(video)
    assert found is not None
    assert f"\n- Not more than {-found.over} characters in any of them.\n\nAnswer" in shots_prompt(
        video, "English", "Words."
    )
