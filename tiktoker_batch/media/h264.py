"""What an H.264 stream says of itself in its headers: how its pictures look, and how it begins. Pure.

Syntax as of ITU-T H.264: 7.3.2.1.1 (sequence), 7.3.2.2 (picture), 7.3.3 (slice), E.1.1 (usability information). What is
seldom and would change how a stream may be joined is refused rather than read.
"""

from dataclasses import dataclass

SLICE, IDR, SEI, SEQUENCE, PICTURE, DELIMITER, FILLER = 1, 5, 6, 7, 8, 9, 12  # kinds of NAL units (table 7-1)
_BASELINE, _MAIN, _HIGH = 66, 77, 100
_SQUARE, _NOT_TOLD, _EXTENDED = 1, 0, 255  # aspect_ratio_idc (table E-1)
BT709, UNSPECIFIED = 1, 2  # primaries, transfer and matrix alike (tables E-3 to E-5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A sequence parameter set of progressive 8-bit 4:2:0 pictures.

    ``width`` and ``height`` are pixels that are shown, and as wide as high if ``square``. ``level`` is ten times its
    number. ``usual_colours``: BT.709 in limited range, or nothing else said; ``told_colours``: all of that is said.
    The others are what reading a slice takes.
    """

    level: int
    width: int
    height: int
    square: bool
    usual_colours: bool
    told_colours: bool
    frame_number_bits: int
    order_type: int
    order_bits: int
    order_is_free: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture parameter set: what reading a slice takes."""

    order_of_both_fields: bool
    redundant: bool


def kind_of(unit: bytes) -> int:
    """The kind of a NAL unit, by its first byte."""
    return unit[0] & 0x1F


def read_sequence(unit: bytes) -> Sequence:
    """Read a sequence parameter set.

    :raises ValueError: it is broken, or holds what is refused.
    """
    bits = _Bits(unit[1:])
    profile, flags, level = bits.number(8), bits.number(8), bits.number(8)
    bits.exp()
    if profile not in {_BASELINE, _MAIN, _HIGH} or (profile == _BASELINE and not flags & 0x40):
        raise ValueError(f"profile {profile}")
    if profile == _HIGH:
        _require_plain(bits)
    frame_number_bits = bits.exp() + 4
    order_type, order_bits, order_is_free = _order(bits)
    bits.exp()  # reference frames
    bits.number(1)
    across, down = bits.exp() + 1, bits.exp() + 1
    if not bits.number(1):
        raise ValueError("interlaced")
    bits.number(1)
    left, right, top, bottom = (bits.exp() for _ in range(4)) if bits.number(1) else (0, 0, 0, 0)
    square, colours, full = _usability(bits) if bits.number(1) else (True, (), None)
    return Sequence(
        level=level,
        width=16 * across - 2 * (left + right),
        height=16 * down - 2 * (top + bottom),
        square=square,
        usual_colours=set(colours) <= {BT709, UNSPECIFIED} and not full,
        told_colours=set(colours) == {BT709} and full is False,
        frame_number_bits=frame_number_bits,
        order_type=order_type,
        order_bits=order_bits,
        order_is_free=order_is_free,
    )


def read_picture(unit: bytes) -> Picture:
    """Read a picture parameter set.

    :raises ValueError: it is broken, or has slice groups.
    """
    bits = _Bits(unit[1:])
    bits.exp()
    bits.exp()
    bits.number(1)
    both = bool(bits.number(1))
    if bits.exp():
        raise ValueError("slice groups")
    bits.exp()
    bits.exp()
    bits.number(3)
    for _ in range(3):
        bits.exp()
    bits.number(2)
    return Picture(order_of_both_fields=both, redundant=bool(bits.number(1)))


def keeps_what_came_before(slice_: bytes, sequence: Sequence, picture: Picture) -> bool:
    """Whether pictures that are decoded but not shown yet are still shown where this IDR slice begins anew (7.4.3.3).

    :raises ValueError: it is no slice that a stream of its own begins with.
    """
    if kind_of(slice_) != IDR:
        raise ValueError("it does not begin anew")
    bits = _Bits(slice_[1:64])
    if bits.exp() or bits.exp() % 5 != 2:
        raise ValueError("it does not begin with an I slice")
    bits.exp()
    bits.number(sequence.frame_number_bits)
    bits.exp()
    if sequence.order_type == 0:
        bits.number(sequence.order_bits)
    differences = {0: picture.order_of_both_fields, 1: sequence.order_is_free * (1 + picture.order_of_both_fields)}
    for _ in range(differences.get(sequence.order_type, 0)):
        bits.exp()
    if picture.redundant:
        bits.exp()
    return not bits.number(1)


def _require_plain(bits: "_Bits") -> None:
    if bits.exp() != 1 or bits.exp() or bits.exp():
        raise ValueError("not 8-bit 4:2:0")
    bits.number(1)
    if bits.number(1):
        raise ValueError("scaling matrices")


def _order(bits: "_Bits") -> tuple[int, int, bool]:
    """How slices tell the order of pictures: the way, bits of a number, and whether each tells its difference."""
    way = bits.exp()
    if way == 0:
        return way, bits.exp() + 4, False
    if way == 1:
        is_free = not bits.number(1)
        bits.exp()
        bits.exp()
        for _ in range(bits.exp()):
            bits.exp()
        return way, 0, is_free
    return way, 0, False


def _usability(bits: "_Bits") -> tuple[bool, tuple[int, ...], bool | None]:
    """Square pixels; primaries, transfer and matrix, where they are told; full range, where it is told."""
    aspect = bits.number(8) if bits.number(1) else _NOT_TOLD
    square = aspect in {_NOT_TOLD, _SQUARE} or (aspect == _EXTENDED and bits.number(16) == bits.number(16))
    if bits.number(1):
        bits.number(1)
    if not bits.number(1):
        return square, (), None
    bits.number(3)
    full = bool(bits.number(1))
    colours = (bits.number(8), bits.number(8), bits.number(8)) if bits.number(1) else ()
    return square, colours, full


class _Bits:
    """Bits of a unit's content, without the bytes that only keep it from looking like the start of another (7.4.1)."""

    def __init__(self, content: bytes) -> None:
        plain = content.replace(b"\0\0\3", b"\0\0")
        self._value = int.from_bytes(plain)
        self._left = len(plain) * 8

    def number(self, width: int) -> int:
        """So many bits, u(n)."""
        self._left -= width
        if self._left < 0:
            raise ValueError("it ends in the middle")
        return (self._value >> self._left) & ((1 << width) - 1)

    def exp(self) -> int:
        """An Exp-Golomb code, ue(v); a signed one is read as its code number."""
        zeros = 0
        while not self.number(1):
            zeros += 1
        return (1 << zeros) - 1 + self.number(zeros)
