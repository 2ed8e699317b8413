"""One picture per segment."""

from collections.abc import Iterable
from pathlib import Path

from tiktoker_batch.model import Json, Kind, Step, Video
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.planning.build import Draft, Planning, step_id
from tiktoker_batch.planning.digest import seed_from
from tiktoker_batch.providers.base import Request
from tiktoker_batch.recipe.rendering import image_prompt, planned_shot, segment_count, shot_of
from tiktoker_batch.shots import Shot
from tiktoker_batch.steps.base import Inputs, Made, Work
from tiktoker_batch.steps.keeping import keep
from tiktoker_batch.steps.own import first_frame, take_first_frame, take_picture, taken_over
from tiktoker_batch.steps.texts import require_room, style_params
from tiktoker_batch.store.artifacts import new_part, write_atomic
from tiktoker_batch.store.layout import Layout

# The short side of each resolution; the ratio gives the other one.
SHORT_SIDE = {"720p": 720, "1080p": 1080}


def frame_size(video: Video) -> tuple[int, int]:
    """Width and height of the finished video in pixels, both even as yuv420p asks."""
    across, down = (int(part) for part in video.aspect_ratio.split(":"))
    short = SHORT_SIDE[video.resolution]
    long = round(short * max(across, down) / min(across, down) / 2) * 2
    return (long, short) if across > down else (short, long)


class ImageStep:
    """``NN/image``: a prompt in, ``work/<id>/NN.png`` or ``.jpg`` out, with layers where the painter separates them."""

    eager = False

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        """A step per segment; the user's own shots wait for nobody."""
        model = video.models.image
        width, height = frame_size(video)
        for number in range(1, segment_count(video) + 1):
            shot = shot_of(video, number)
            own = _own(shot, number, planning)
            if own:
                yield own
                continue
            params: dict[str, Json] = {"width": width, "height": height, "aspect_ratio": video.aspect_ratio}
            params["style"] = dict(style_params((shot and shot.style) or video.style))
            if video.reference_image:
                file = video.reference_image
                params["reference"] = planning.file_sha256.get(file, file)
            if shot and shot.take > 1:
                params["take"] = shot.take
            yield Draft(
                kind=Kind.IMAGE,
                segment=number,
                needs=() if video.shots else (step_id(video.id, Kind.SHOTS),),
                model=model,
                params={**params, **model.parameters},
                prompt=image_prompt(video, number, planned_shot(video, number)),
                deferred=not video.shots,
                locked=shot is not None and shot.state == "locked",
                units=_units(video, width * height),
            )

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        """Only its own line of the shot list: other shots may change freely."""
        return shot_text(step, inputs)

    async def run(self, work: Work) -> Made:
        """Buy the picture and keep it, with the prompt as it was sent beside it; or take the user's own."""
        step, layout = work.step, work.layout
        number = step.segment or 0
        own = shot_of(work.video, number)
        if own and own.image:
            return _alone(await take_picture(work, own.image, layout.image(step.video, number)), layout)
        if own and own.clip:
            return _alone(await take_first_frame(work, own.clip, layout.image(step.video, number)), layout)
        shot = shot_text(step, work.inputs)
        if shot is not None:
            require_room(work, shot)
        prompt = step.prompt or "" if shot is None else image_prompt(work.video, number, shot)
        sent = layout.prompt(step.video, f"{number:02d}-image")
        write_atomic(sent, prompt + "\n", durable=False)
        final, layers = layout.image(step.video, number), layout.layers(step.video, number, ".layers")
        parts = {"image": new_part(final), "layers": new_part(layers)}
        reference = work.video.reference_image
        elsewhere = reference is not None and "://" in reference
        files = {"reference": Path(reference)} if reference and not elsewhere else {}
        produced = await work.buy(
            Request(
                kind=Kind.IMAGE,
                model=step.model,
                prompt=prompt,
                params={
                    **step.params,
                    "shot": shot or planned_shot(work.video, number),
                    **({"reference_address": reference} if elsewhere else {}),
                },
                files=files,
                seed=seed_from("image", prompt, number, *([step.params["take"]] if "take" in step.params else [])),
            ),
            parts,
        )
        known = produced.files.get("image")
        named = final.with_suffix((known and known.suffix) or final.suffix)
        kept = [await keep(parts["image"], named, root=layout.root, sha256=known.sha256 if known else None)]
        _forget_others(named)
        if parts["layers"].exists():
            kept.append(await keep(parts["layers"], layers, root=layout.root))
        return Made(artifacts=tuple(kept))


def _own(shot: Shot | None, number: int, planning: Planning) -> Draft | None:
    """The picture that the user has already, or has in a clip."""
    if shot and shot.image:
        return taken_over(Kind.IMAGE, number, shot.image, planning, locked=shot.state == "locked")
    return first_frame(number, shot.clip, planning) if shot and shot.clip else None


def _alone(picture: Artifact, layout: Layout) -> Made:
    _forget_others(layout.absolute(picture.path))
    return Made(artifacts=(picture,))


def _forget_others(picture: Path) -> None:
    """Drop what earlier runs left of this picture in other forms."""
    for other in {".png", ".jpg", ".webp"} - {picture.suffix}:
        picture.with_suffix(other).unlink(missing_ok=True)


def shot_text(step: Step, inputs: Inputs) -> str | None:
    """The written shot of this segment, or ``None`` where the user's own words stand in the plan already."""
    for need in step.needs:
        if need.endswith(f"/{Kind.SHOTS}"):
            return str(inputs.read_json(need)[(step.segment or 1) - 1])
    return None


def _units(video: Video, pixels: int) -> float:
    price = video.models.image.price
    # Megapixel prices round up to whole ones (contracts of flux).
    return float(-(-pixels // 1_000_000)) if price and price.unit == "megapixel" else 1.0
