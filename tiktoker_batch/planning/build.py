"""Recipe -> Plan. Each step kind drafts its steps; this module keys and orders them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from tiktoker_batch.catalog.loader import Language
from tiktoker_batch.model import Json, Kind, Model, Plan, PlannedVideo, Recipe, Step, Video
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.planning.estimate import step_cost_usd, step_seconds
from tiktoker_batch.planning.likely import USUAL_SPREAD, History, size_of


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A step before it has a key. ``model`` is ``None`` for work done here (``tool`` then names it).

    ``replaces`` is the draft whose result a person has edited, ``replaced_key`` its key when that was done, if known.
    """

    kind: Kind
    segment: int | None = None
    needs: tuple[str, ...] = ()
    may_lack: tuple[str, ...] = ()
    model: Model | None = None
    tool: str = ""
    params: Mapping[str, Json] = {}
    prompt: str | None = None
    deferred: bool = False
    units: float = 0.0
    characters: int = 0
    seconds: float | None = None
    text: str | None = None
    locked: bool = False
    replaces: "Draft | None" = None
    replaced_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """What step kinds may look at: languages by code and the sha256 of the recipe's files by absolute path.

    ``history`` is what steps took before, which their estimates go by.
    """

    languages: Mapping[str, Language]
    file_sha256: Mapping[str, str]
    history: History = field(default_factory=History)


class PlanningKind(Protocol):
    """The planning side of a step kind."""

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        """Draft the steps of this kind for one video."""
        ...


def step_id(video_id: str, kind: Kind, segment: int | None = None) -> str:
    """``video/story`` or ``video/03/clip``."""
    return f"{video_id}/{kind}" if segment is None else f"{video_id}/{segment:02d}/{kind}"


def build_plan(recipe: Recipe, kinds: Mapping[Kind, PlanningKind], planning: Planning) -> Plan:
    """Plan every video of the recipe.

    ``kinds`` is in order of need: a kind's drafts name only steps of kinds before it.
    """
    return Plan(
        name=recipe.name,
        recipe=recipe,
        videos=tuple(PlannedVideo(video=video, steps=_plan_video(video, kinds, planning)) for video in recipe.videos),
    )


def _plan_video(video: Video, kinds: Mapping[Kind, PlanningKind], planning: Planning) -> tuple[Step, ...]:
    steps: dict[str, Step] = {}
    for kind in kinds.values():
        for draft in kind.plan(video, planning):
            step = _step(video, draft, steps, planning.history)
            steps[step.id] = step
    return tuple(steps.values())


def _step(video: Video, draft: Draft, before: Mapping[str, Step], history: History) -> Step:
    provider, model = (draft.model.provider, draft.model.id) if draft.model else ("local", draft.tool)
    replaced = _key(draft.replaces, before) if draft.replaces else None
    return Step(
        id=step_id(video.id, draft.kind, draft.segment),
        video=video.id,
        kind=draft.kind,
        segment=draft.segment,
        needs=draft.needs,
        may_lack=draft.may_lack,
        provider=provider,
        model=model,
        params=draft.params,
        prompt=draft.prompt,
        deferred=draft.deferred,
        key=_key(draft, before),
        capacity=_capacity(draft.model),
        retry=video.retry,
        estimated_seconds=_seconds(draft, f"{provider}:{model}", history),
        estimated_cost_usd=step_cost_usd(draft.model, draft.units, video.resolution),
        estimated_characters=draft.characters,
        text=draft.text,
        lineage=draft.replaced_key or replaced,
        replaced=replaced,
        locked=draft.locked,
    )


def _key(draft: Draft, before: Mapping[str, Step]) -> str:
    """Ids are left out of the key: the same work under another name is the same work."""
    provider, model = (draft.model.provider, draft.model.id) if draft.model else ("local", draft.tool)
    return digest(
        {
            "kind": draft.kind,
            "provider": provider,
            "model": model,
            "params": draft.params,
            "prompt": draft.prompt,
            "inputs": [before[need].known_as for need in draft.needs],
        }
    )


def _seconds(draft: Draft, ref: str, history: History) -> float:
    """The usual duration of one attempt: as it was before, else as the catalog says."""
    expected = step_seconds(draft.model, draft.seconds)
    sigma = draft.model.latency_spread if draft.model else USUAL_SPREAD
    return history.seconds(ref, expected, sigma, size_of(draft.kind, draft.params, draft.characters))


def _capacity(model: Model | None) -> tuple[str, ...]:
    """The limits an attempt holds seats of; our own writer takes milliseconds and must not queue behind clips."""
    if model is None or (model.provider == "local" and model.kind == "text"):
        return ()
    return (model.provider, model.ref)
