"""What waits for a person: clips whose shots are not approved, and videos that lack them. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tiktoker_batch.model import Kind, Plan, PlannedVideo, Video
from tiktoker_batch.recipe.rendering import segment_count, shots_of
from tiktoker_batch.shots import APPROVED


def is_reviewed(video: Video) -> bool:
    """Whether clips of a video are made of approved shots alone: it says so, or any of its shots is marked."""
    shots = shots_of(video) if video.edit else ()
    return video.review == "required" or any(shot.state != "draft" for shot in shots)


def unapproved(video: Video) -> tuple[int, ...]:
    """The numbers of the shots of which no clip is to be made yet."""
    if not is_reviewed(video):
        return ()
    shots = shots_of(video) if video.edit else ()
    approved = {number for number, shot in enumerate(shots, start=1) if shot.state in APPROVED}
    return tuple(number for number in range(1, segment_count(video) + 1) if number not in approved)


def waiting_steps(plan: Plan) -> frozenset[str]:
    """The steps that may not be done yet: clips of unapproved shots, and the assembly of their videos."""
    return frozenset(step for planned in plan.videos for step in _waiting(planned))


def _waiting(planned: PlannedVideo) -> Iterator[str]:
    numbers = frozenset(unapproved(planned.video))
    for step in planned.steps if numbers else ():
        if step.kind is Kind.ASSEMBLY or (step.kind is Kind.CLIP and step.segment in numbers):
            yield step.id


def all_approved(plan: Plan) -> Plan:
    """The same plan as if a person had approved everything."""
    videos = tuple(replace(planned, video=_approved(planned.video)) for planned in plan.videos)
    return replace(plan, videos=videos)


def _approved(video: Video) -> Video:
    edit = video.edit
    if edit and edit.shots:
        edit = replace(edit, shots=tuple(replace(shot, state="approved") for shot in edit.shots))
    return replace(video, review="optional", edit=edit)


def edit_warnings(videos: Iterable[PlannedVideo], forced: Iterable[str] = ()) -> list[str]:
    """What may not be meant where a person's edit stands against the recipe or the command, a sentence each."""
    again = frozenset(forced)
    return [warning for planned in videos for warning in _edit_warnings(planned, again)]


def _edit_warnings(planned: PlannedVideo, forced: frozenset[str]) -> Iterator[str]:
    edit = planned.video.edit
    if edit is None:
        return
    stale = [step for step in planned.steps if step.replaced is not None and step.replaced != step.lineage]
    if stale:
        yield (
            f"{edit.path}: the recipe has changed since this was written, and what you made of it is kept; delete or "
            f"rename the file to have {_listed(step.kind for step in stale)} written again"
        )
    held = [step for step in planned.steps if step.replaced is not None and step.id in forced]
    if held:
        names = _listed(step.id for step in held)
        yield f"{edit.path}: it holds {names}, which --force does not write again; delete or rename the file for that"
    locked = [step.id for step in planned.steps if step.locked and step.id in forced]
    if locked:
        yield f"{edit.path}: {_listed(locked)} is locked, and --force does not make it again; mark the shot 'approved'"


def _listed(names: Iterable[object]) -> str:
    return " and ".join(dict.fromkeys(map(str, names)))
