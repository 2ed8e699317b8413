"""The pictures of an MP4 one by one, without opening a decoder: in which order they come, are shown, and begin anew.

Only films of the plainest form are read: one H.264 track at one rate, upright, without an edit. Everything else is
refused with a reason, and is for a decoder.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

from tiktoker_batch.media import h264
from tiktoker_batch.media.mp4 import VISUAL_ENTRY, boxes_digest, boxes_inside, find_box, mp4_head, timescale

_UPRIGHT = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_PLAIN = {b"avcC", b"pasp", b"colr", b"btrt"}
_PICTURES_ONLY = {h264.SLICE, h264.IDR, h264.SEI, h264.SEQUENCE, h264.PICTURE, h264.DELIMITER, h264.FILLER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A film's pictures in the order in which they are decoded.

    ``shown`` gives each its place (from 0) among those that are shown, ``anew`` says which need none before them.
    ``rate`` is pictures a second, ``ahead`` how many pictures' time the decoder begins before the player, ``header``
    digests the codec's own header. ``bytes`` are those of all pictures.
    """

    rate: Fraction
    header: str
    sequence: h264.Sequence
    shown: Sequence[int]
    anew: Sequence[bool]
    ahead: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """A decoder's configuration (14496-15, 5.3.3.1): how many bytes tell a unit's length, and its parameter sets."""

    length: int
    sequence: bytes
    picture: bytes


def read_film(path: Path) -> Film:
    """Read a film.

    :raises ValueError: it is not one of the plainest form; says what it is instead.
    """
    head = mp4_head(path)
    if head is None:
        raise ValueError("it is no MP4")
    try:
        return _film(path, head)
    except (struct.error, LookupError, ZeroDivisionError) as error:
        raise ValueError("it says too little of itself") from error


def _film(path: Path, head: bytes) -> Film:
    track = _only_track(head)
    media = find_box(track, b"mdia")
    table = find_box(media, b"minf", b"stbl")
    header, boxes = _entry(find_box(table, b"stsd"))
    scale, tick = timescale(find_box(media, b"mdhd")), _tick(find_box(table, b"stts"))
    sizes = _sizes(find_box(table, b"stsz"))
    shifts = _shifts(table, len(sizes))
    times = [place * tick + shift for place, shift in enumerate(shifts)]
    order = {time: place for place, time in enumerate(sorted(times))}
    if len(order) != len(times) or any(b - a != tick for a, b in pairwise(sorted(times))):
        raise ValueError("its pictures are not shown evenly")
    _require_unedited(head, track, start=min(times), end=min(times) + len(times) * tick, scale=scale, tick=tick)
    sequence = h264.read_sequence(header.sequence)
    return Film(
        rate=Fraction(scale, tick),
        header=boxes_digest(boxes),
        sequence=sequence,
        shown=[order[time] for time in times],
        anew=list(_anew(path, _places(table, sizes), header, sequence)),
        ahead=min(times) // tick,
        bytes=sum(sizes),
    )


# ---------------------------------------------------------------------- what the file says


def _only_track(head: bytes) -> bytes:
    tracks = [body for name, body in boxes_inside(head) if name == b"trak"]
    films = [track for track in tracks if find_box(track, b"mdia", b"hdlr")[8:12] == b"vide"]
    if len(films) != 1:
        raise ValueError(f"it has {len(films)} tracks of pictures")
    place = find_box(films[0], b"tkhd")
    if (place[52:88] if place[0] else place[40:76]) != _UPRIGHT:
        raise ValueError("it is turned or moved")
    return films[0]


def _entry(descriptions: bytes) -> tuple[_Header, bytes]:
    """The codec's header, and the boxes it stands in."""
    entry = descriptions[8:]
    if descriptions[4:8] != b"\0\0\0\1" or entry[4:8] != b"avc1":
        raise ValueError("it is not H.264 with one header")
    boxes = entry[8 + VISUAL_ENTRY :]
    found = dict(boxes_inside(boxes))
    if found.keys() - _PLAIN:
        raise ValueError("it says more of its pictures than is understood")
    if b"pasp" in found and len(set(struct.unpack(">II", found[b"pasp"]))) != 1:
        raise ValueError("its pixels are not square")
    if not _has_usual_colours(found.get(b"colr")):
        raise ValueError("its colours are unusual")
    return _configuration(found[b"avcC"]), boxes


def _has_usual_colours(box: bytes | None) -> bool:
    """BT.709 in limited range, or nothing else said (14496-12, 12.1.5)."""
    if box is None:
        return True
    kind, *codes, flags = struct.unpack(">4s3HB", box)
    return kind == b"nclx" and set(codes) <= {h264.BT709, h264.UNSPECIFIED} and not flags & 0x80


def _configuration(box: bytes) -> _Header:
    if box[5] & 0x1F != 1:
        raise ValueError("it has several headers")
    end = 8 + struct.unpack_from(">H", box, 6)[0]
    if box[end] != 1:
        raise ValueError("it has several headers")
    picture = end + 3
    length = struct.unpack_from(">H", box, end + 1)[0]
    return _Header(length=(box[4] & 3) + 1, sequence=box[8:end], picture=box[picture : picture + length])


def _tick(box: bytes) -> int:
    """How long each picture lasts."""
    found = {tick for _, tick in _pairs(box)}
    if len(found) != 1 or 0 in found:
        raise ValueError("its pictures do not last alike")
    return found.pop()


def _pairs(box: bytes) -> list[tuple[int, int]]:
    count = struct.unpack_from(">I", box, 4)[0]
    return list(struct.iter_unpack(">II", box[8 : 8 + 8 * count]))


def _sizes(box: bytes) -> list[int]:
    each, count = struct.unpack_from(">II", box, 4)
    return [each] * count if each else list(struct.unpack_from(f">{count}I", box, 12))


def _shifts(table: bytes, count: int) -> list[int]:
    """How much later than it is decoded each picture is shown."""
    box = dict(boxes_inside(table)).get(b"ctts")
    if box is None:
        return [0] * count
    signed = [(times, shift - (shift >> 31 << 32)) for times, shift in _pairs(box)]
    shifts = [shift for times, shift in signed for _ in range(min(times, count))]
    if len(shifts) != count:
        raise LookupError(b"ctts")
    return shifts


def _require_unedited(head: bytes, track: bytes, *, start: int, end: int, scale: int, tick: int) -> None:
    """It is shown from its first picture to its last; only the decoder's head start may be left out."""
    edits = dict(boxes_inside(track)).get(b"edts")
    if start % tick or (edits is None and start):
        raise ValueError("it begins late")
    if edits is None:
        return
    box = find_box(edits, b"elst")
    (count,) = struct.unpack_from(">I", box, 4)
    lasts, begins, pace = struct.unpack_from(">Qqi" if box[0] else ">Iii", box, 8)
    missing = (end - start) - Fraction(lasts * scale, timescale(find_box(head, b"mvhd")))
    if count != 1 or begins != start or pace != 0x10000 or missing >= tick:
        raise ValueError("it is edited")


# ---------------------------------------------------------------------- its pictures


def _places(table: bytes, sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Where each picture's bytes begin and end in the file."""
    boxes = dict(boxes_inside(table))
    wide = b"co64" in boxes
    offsets = boxes[b"co64" if wide else b"stco"]
    count = struct.unpack_from(">I", offsets, 4)[0]
    chunks = struct.unpack_from(f">{count}{'Q' if wide else 'I'}", offsets, 8)
    runs = list(struct.iter_unpack(">III", boxes[b"stsc"][8:]))
    places: list[tuple[int, int]] = []
    for (first, each, _), (following, _, _) in pairwise([*runs, (count + 1, 0, 0)]):
        for chunk in chunks[first - 1 : following - 1]:
            own = sizes[len(places) : len(places) + each]
            ends = list(accumulate(own, initial=chunk))
            places += pairwise(ends)
    if len(places) != len(sizes):
        raise LookupError(b"stsc")
    return places


def _anew(path: Path, places: Sequence[tuple[int, int]], header: _Header, sequence: h264.Sequence) -> Iterator[bool]:
    """Whether each picture begins anew; the first one must, and no picture may bring another header."""
    content = path.read_bytes()
    picture = h264.read_picture(header.picture)
    for number, (start, end) in enumerate(places):
        units = list(_units(content[start:end], header.length))
        kinds = {h264.kind_of(unit) for unit in units}
        if kinds - _PICTURES_ONLY or len(kinds & {h264.SLICE, h264.IDR}) != 1:
            raise ValueError("it holds more than pictures")
        if any(unit not in {header.sequence, header.picture} for unit in units if _is_parameters(unit)):
            raise ValueError("its header changes")
        if number == 0:
            first = next(unit for unit in units if h264.kind_of(unit) in {h264.SLICE, h264.IDR})
            if not h264.keeps_what_came_before(first, sequence, picture):
                raise ValueError("it drops what came before it")
        yield h264.IDR in kinds


def _is_parameters(unit: bytes) -> bool:
    return h264.kind_of(unit) in {h264.SEQUENCE, h264.PICTURE}


def _units(sample: bytes, width: int) -> Iterator[bytes]:
    at = 0
    while at < len(sample):
        body = at + width
        at = body + int.from_bytes(sample[at:body])
        if at > len(sample) or at == body:
            raise LookupError(b"mdat")
        yield sample[body:at]
