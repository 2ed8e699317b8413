"""Subtitles from the narration's word times: an ASS file to burn and an .srt beside the video."""

from collections.abc import Iterable

import trio

from tiktoker_batch.media.captions import Word, build_captions, build_srt, scale_words, words_from_json
from tiktoker_batch.media.fonts import caption_font, uncovered
from tiktoker_batch.media.probe import probe
from tiktoker_batch.media.timing import Timing, fit
from tiktoker_batch.model import Captions, Json, Kind, Step, Video
from tiktoker_batch.planning.build import Draft, Planning, step_id
from tiktoker_batch.recipe.rendering import segment_seconds
from tiktoker_batch.steps.base import Inputs, Made, Tools, Work
from tiktoker_batch.steps.image import frame_size
from tiktoker_batch.steps.keeping import keep_text


class CaptionsStep:
    """``captions``: word times in, ``captions.ass`` and ``videos/<id>.srt`` out."""

    eager = False

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        """One step, also where nothing is burned: the .srt is always delivered."""
        look = video.captions or Captions()
        width, height = frame_size(video)
        yield Draft(
            kind=Kind.CAPTIONS,
            needs=(step_id(video.id, Kind.NARRATION),),
            tool="captions",
            params={
                "preset": look.preset,
                "position": look.position,
                "width": width,
                "height": height,
                "language": video.language,
                # Word times depend on how the narration is made to fit.
                "duration": video.duration,
                "length": video.length,
                "fps": video.fps,
            },
            seconds=0.2,
        )

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        """The narration with its word times."""
        return inputs.digests()

    async def run(self, work: Work) -> Made:
        """Lay the words out and write both files, in worker threads."""
        ass, srt = await trio.to_thread.run_sync(_lay_out, work)
        root, video_id = work.layout.root, work.step.video
        return Made(
            artifacts=(
                await keep_text(work.layout.captions(video_id), ass, root=root),
                await keep_text(work.layout.srt(video_id), srt, root=root),
            )
        )


def fit_video(video: Video, inputs: Inputs, narration: str) -> Timing:
    """The frame plan of a video with this narration."""
    return fit(
        narration=probe(inputs.path(narration)).seconds,
        duration=video.duration,
        length=video.length,
        fps=video.fps,
        nominal=segment_seconds(video),
    )


def _lay_out(work: Work) -> tuple[str, str]:
    narration = work.step.needs[0]
    timing = fit_video(work.video, work.inputs, narration)
    words = scale_words(words_from_json(work.inputs.read_json(narration, 1)), timing.tempo)
    width, height = frame_size(work.video)
    font = caption_font(work.tools.font_cache)
    burned = build_captions(
        _drawable(words, work.tools),
        captions=work.video.captions or Captions(),
        width=width,
        height=height,
        font=font,
        language=work.video.language,
    )
    return burned.to_string("ass"), build_srt(words, until=timing.seconds)


def _drawable(words: tuple[Word, ...], tools: Tools) -> tuple[Word, ...]:
    """Words without what the font has no picture of (emoji, mostly): a gap reads better than an empty box."""
    missing = uncovered(" ".join(word.text for word in words), caption_font(tools.font_cache))
    if not missing:
        return words
    gone = str.maketrans("", "", missing)
    cleaned = (Word(text=word.text.translate(gone), start=word.start, end=word.end) for word in words)
    return tuple(word for word in cleaned if word.text.strip())
