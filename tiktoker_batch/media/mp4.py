"""The outline of an MP4 file, read without opening a decoder: what it holds, and whether it is whole.

Boxes as of ISO/IEC 14496-12: a length of 32 bits (1: 64 bits follow; 0: to the end of the file), a name of 4 letters.
A decoder library would take 17 MB of memory for this.
"""

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

_PICTURES, _SOUND = b"vide", b"soun"
_LARGEST_HEAD = 64 * 1024 * 1024
_CODECS = {b"avc1": "h264", b"avc3": "h264", b"hvc1": "hevc", b"hev1": "hevc", b"mp4a": "aac"}
VISUAL_ENTRY, _AUDIO_ENTRY = 78, 28  # bytes of a sample entry before the boxes inside it (14496-12, 12.1.3 and 12.2.3)

Box = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track. ``rate`` is frames or samples a second, ``scale`` its ticks a second, ``header`` digests the codec's.

    ``width`` and ``height`` are 0 for sound, ``channels`` for pictures.
    """

    codec: str
    rate: Fraction
    scale: int
    samples: int
    header: str
    width: int = 0
    height: int = 0
    channels: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What a file says of itself; ``seconds`` is its presented length."""

    seconds: float
    video: Track | None
    audio: Track | None


def mp4_seconds(path: Path) -> float | None:
    """How long the file's clip lasts, ``None`` where it does not say or is of another form.

    :raises ValueError: it is an MP4, but not a whole one, or there are no pictures in it.
    """
    head = mp4_head(path)
    if head is None:
        return None
    if b"hdlr" not in head or _PICTURES not in head:
        raise ValueError("there are no pictures in it")
    return _duration(head)


def mp4_outline(path: Path) -> Outline | None:
    """The tracks of a file; ``None`` for one that is of another form, or says too little.

    :raises ValueError: it is an MP4, but not a whole one.
    """
    head = mp4_head(path)
    seconds = _duration(head) if head is not None else None
    if head is None or seconds is None:
        return None
    try:
        tracks = dict(filter(None, (_track(body) for name, body in boxes_inside(head) if name == b"trak")))
    except (struct.error, LookupError, ZeroDivisionError):
        return None
    return Outline(seconds=seconds, video=tracks.get(_PICTURES), audio=tracks.get(_SOUND)) if tracks else None


# ---------------------------------------------------------------------- the file


def mp4_head(path: Path) -> bytes | None:
    """What is in the ``moov`` box; ``None`` where the file is of another form.

    :raises ValueError: it is an MP4, but not a whole one.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if file.read(8)[4:] != b"ftyp":
            return None
        boxes = {name: (start, end) for name, start, end in _boxes(file, 0, size)}
        if b"moov" not in boxes or not {b"mdat", b"moof"} & boxes.keys():
            raise ValueError("the file is not whole")
        start, end = boxes[b"moov"]
        if end - start > _LARGEST_HEAD:
            return None
        file.seek(start)
        return file.read(end - start)


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin and end of the content of every box."""
    at = start
    while at + 8 <= end:
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        body = at + 8
        if length == 1:
            length, body = struct.unpack(">Q", file.read(8))[0], at + 16
        stop = end if length == 0 else at + length
        if stop > end or stop < body:
            raise ValueError(f"the file ends inside {name.decode('latin-1')!r}")
        yield name, body, stop
        at = stop


# ---------------------------------------------------------------------- boxes in memory


def boxes_inside(content: bytes) -> Iterator[Box]:
    """The boxes in a box."""
    at = 0
    while at + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        if length < 8:
            return
        yield name, content[at + 8 : at + length]
        at += length


def find_box(content: bytes, *names: bytes) -> bytes:
    """The content of a box, by its way through the boxes around it.

    :raises LookupError: it is not there.
    """
    for name in names:
        content = next((body for found, body in boxes_inside(content) if found == name), b"")
        if not content:
            raise LookupError(name)
    return content


def _duration(head: bytes) -> float | None:
    """The movie header's own word; a file written in fragments says nothing there."""
    at = head.find(b"mvhd")
    if at < 0:
        return None
    version = head[at + 4]
    form, offset = (">IQ", 24) if version == 1 else (">II", 16)
    scale, duration = struct.unpack_from(form, head, at + offset)
    return duration / scale if scale and duration else None


def _track(trak: bytes) -> tuple[bytes, Track] | None:
    """The kind of a track and what is known of it; ``None`` for one that is neither pictures nor sound, or is empty."""
    media = find_box(trak, b"mdia")
    kind = find_box(media, b"hdlr")[8:12]
    table = find_box(media, b"minf", b"stbl")
    samples = struct.unpack_from(">I", find_box(table, b"stsz"), 8)[0]
    if kind not in {_PICTURES, _SOUND} or not samples:
        return None
    scale = timescale(find_box(media, b"mdhd"))
    entry = find_box(table, b"stsd")[8:]
    codec = _CODECS.get(entry[4:8], entry[4:8].decode("latin-1"))
    if kind == _SOUND:
        channels, rate = struct.unpack_from(">H", entry, 24)[0], struct.unpack_from(">I", entry, 32)[0] >> 16
        header = boxes_digest(entry[8 + _AUDIO_ENTRY :])
        track = Track(codec=codec, rate=Fraction(rate), scale=scale, samples=samples, header=header, channels=channels)
        return kind, track
    width, height = struct.unpack_from(">HH", entry, 32)
    ticks = struct.unpack_from(">I", find_box(table, b"stts"), 12)[0]
    return kind, Track(
        codec=codec,
        rate=Fraction(scale, ticks),
        scale=scale,
        samples=samples,
        header=boxes_digest(entry[8 + VISUAL_ENTRY :]),
        width=width,
        height=height,
    )


def timescale(header: bytes) -> int:
    """Ticks a second, out of a movie or media header (``mvhd``, ``mdhd``)."""
    scale: int = struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)[0]
    return scale


def boxes_digest(boxes: bytes) -> str:
    """Digest the codec's own boxes, without those that tell bit rates."""
    told = b"".join(name + body for name, body in boxes_inside(boxes) if name not in {b"btrt", b"esds"})
    return hashlib.sha256(told).hexdigest()[:16]
