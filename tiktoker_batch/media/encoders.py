"""H.264 encoders by their names in a recipe: x264, and those of graphics processors. Pure.

All segments of a video are made by one of them: only what has one codec header can be joined by stream copy. x264 is
what our figures and tests are about; the others are there to spare a processor, at a picture that is as good to the eye
and larger in bytes, and that is not the same to the byte each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# Tried in this order; where several work, the quickest is chosen.
HARDWARE_NAMES = ("nvenc", "videotoolbox", "qsv", "vaapi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """How ffmpeg is asked for an encoder.

    ``codec`` is ffmpeg's own name. ``level`` gives its spelling of an H.264 level (``"4.0"``), as ``10 * level`` where
    it takes a number. ``device`` is a file that it must be given; then frames are uploaded to it first.
    """

    name: str
    codec: str
    options: Mapping[str, Any] = field(default_factory=dict)
    level_in_tenths: bool = False
    device: str | None = None

    def level(self, level: str) -> str:
        """A level as this encoder spells it."""
        return str(round(10 * float(level))) if self.level_in_tenths else level


X264 = Encoder(
    name="x264",
    codec="libx264",
    options={
        "preset": "veryfast",
        "crf": 20,
        # The same frames give the same bytes: with its lookahead in a thread of its own, x264 chose otherwise in one of
        # twenty encodes on a busy machine (0 of 300 without; alone it takes 12 % longer, two at a time no longer).
        "x264-params": "sync-lookahead=0",
    },
)
# Constant quality, near crf 20 of x264, by the options that ffmpeg documents for each (ffmpeg -h encoder=NAME).
_HARDWARE = {
    "nvenc": Encoder(
        name="nvenc",
        codec="h264_nvenc",
        options={"preset": "p5", "tune": "hq", "rc": "vbr", "cq": 21, "b:v": 0, "spatial-aq": 1},
    ),
    # Constant quality is there on Apple silicon only; others refuse it, and are taken for not working.
    "videotoolbox": Encoder(name="videotoolbox", codec="h264_videotoolbox", options={"q:v": 65, "allow_sw": 0}),
    "qsv": Encoder(
        name="qsv", codec="h264_qsv", options={"preset": "medium", "global_quality": 21}, level_in_tenths=True
    ),
    "vaapi": Encoder(
        name="vaapi", codec="h264_vaapi", options={"rc_mode": "CQP", "qp": 21}, level_in_tenths=True, device=""
    ),
}


def hardware(name: str, device: str | None = None) -> Encoder:
    """The encoder of a recipe's name; ``device`` is a file under ``/dev/dri`` for those that must be given one."""
    found = _HARDWARE[name]
    return found if found.device is None else replace(found, device=device or "/dev/dri/renderD128")
