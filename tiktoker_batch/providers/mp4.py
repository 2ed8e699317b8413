"""The outline of an MP4 file: enough to tell a whole clip from a broken one, without opening a decoder for each.

Boxes as of ISO/IEC 14496-12: a length of 32 bits (1: 64 bits follow; 0: to the end of the file), a name of 4 letters.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_PICTURES = b"vide"  # the handler of a track of moving pictures
_LARGEST_HEAD = 64 * 1024 * 1024


def mp4_seconds(path: Path) -> float | None:
    """How long the file's clip lasts, ``None`` where it does not say or is of another form.

    :raises ValueError: it is an MP4, but not a whole one, or there are no pictures in it.
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
        head = file.read(end - start)
    if b"hdlr" not in head or _PICTURES not in head:
        raise ValueError("there are no pictures in it")
    return _duration(head)


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


def _duration(head: bytes) -> float | None:
    """The movie header's own word; a file written in fragments says nothing there."""
    at = head.find(b"mvhd")
    if at < 0:
        return None
    version = head[at + 4]
    form, offset = (">IQ", 24) if version == 1 else (">II", 16)
    scale, duration = struct.unpack_from(form, head, at + offset)
    return duration / scale if scale and duration else None
