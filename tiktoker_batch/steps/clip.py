"""One moving shot per segment, made from its picture."""

from collections.abc import Iterable

from tiktoker_batch.model import Json, Kind, Step, Video
from tiktoker_batch.planning.build import Draft, Planning, step_id
from tiktoker_batch.planning.digest import seed_from
from tiktoker_batch.providers.base import Request
from tiktoker_batch.recipe.rendering import clip_prompt, planned_shot, segment_seconds, shot_of
from tiktoker_batch.steps.base import Inputs, Made, Work
from tiktoker_batch.steps.image import frame_size, shot_text
from tiktoker_batch.steps.keeping import keep
from tiktoker_batch.steps.own import take_clip, taken_over
from tiktoker_batch.steps.texts import require_room
from tiktoker_batch.store.artifacts import new_part, write_atomic


class ClipStep:
    """``NN/clip``: picture and prompt in, ``work/<id>/NN.mp4`` out."""

    eager = False

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        """A step per segment, after its picture."""
        model = video.models.clip
        width, height = frame_size(video)
        for number, seconds in enumerate(segment_seconds(video), start=1):
            shot = shot_of(video, number)
            if shot and shot.clip:
                yield taken_over(Kind.CLIP, number, shot.clip, planning)
                continue
            image = step_id(video.id, Kind.IMAGE, number)
            params: dict[str, Json] = {
                "seconds": seconds,
                "aspect_ratio": video.aspect_ratio,
                "resolution": video.resolution,
                **model.parameters,
            }
            if model.provider == "local":
                params |= {"width": width, "height": height, "fps": video.fps}
            yield Draft(
                kind=Kind.CLIP,
                segment=number,
                needs=(image,) if video.shots else (image, step_id(video.id, Kind.SHOTS)),
                model=model,
                params=params,
                prompt=clip_prompt(video, number, planned_shot(video, number)),
                deferred=not video.shots,
                units=seconds if model.price and model.price.unit == "second" else 1.0,
            )

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        """The picture, and its own line of the shot list; a clip of the user's own needs neither."""
        if not step.needs:
            return None
        return {"image": inputs.artifacts[step.needs[0]][0].sha256, "shot": shot_text(step, inputs)}

    async def run(self, work: Work) -> Made:
        """Buy the clip and keep it; or take the user's own."""
        step, layout = work.step, work.layout
        number = step.segment or 0
        own = shot_of(work.video, number)
        if own and own.clip:
            return Made(artifacts=(await take_clip(work, own.clip, layout.clip(step.video, number)),))
        shot = shot_text(step, work.inputs)
        if shot is not None:
            require_room(work, shot)
        prompt = step.prompt or "" if shot is None else clip_prompt(work.video, number, shot)
        sent = layout.prompt(step.video, f"{number:02d}-clip")
        write_atomic(sent, prompt + "\n", durable=False)
        pictures = work.inputs.artifacts[step.needs[0]]
        files = {
            role: layout.absolute(artifact.path) for role, artifact in zip(("image", "layers"), pictures, strict=False)
        }
        final = layout.clip(step.video, number)
        part = new_part(final)
        produced = await work.buy(
            Request(
                kind=Kind.CLIP,
                model=step.model,
                prompt=prompt,
                params={**step.params, "number": number},
                files=files,
                seed=seed_from("clip", prompt, number),
            ),
            {"clip": part},
        )
        known = produced.files.get("clip")
        return Made(artifacts=(await keep(part, final, root=layout.root, sha256=known.sha256 if known else None),))
