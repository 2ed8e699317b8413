"""What a file of pictures or clips is, by how it begins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

OwnKind = Literal["image", "clip"]
_WANTED: Mapping[OwnKind, tuple[frozenset[str], str]] = {
    "image": (frozenset({"png", "jpeg", "webp"}), "a picture (PNG, JPEG or WebP)"),
    "clip": (frozenset({"mp4"}), "a clip (MP4 or MOV)"),
}
OWN_KINDS: tuple[OwnKind, ...] = ("image", "clip")  # what a shot may have as a file


def misfit(path: Path, kind: OwnKind, name: str) -> str | None:
    """Why a file, which its user calls by this name, is no picture or no clip; or ``None``."""
    forms, wanted = _WANTED[kind]
    return None if form_of(path) in forms else f"{name!r} is not {wanted}"


def form_of(path: Path) -> str | None:
    """``png``, ``jpeg``, ``webp``, or ``mp4`` for all that is built like it (MOV, M4V); ``None`` for whatever else.

    Their signatures are those of the PNG, JPEG, WebP and ISO 14496-12 specifications.
    """
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return None
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return "webp"
    return "mp4" if head[4:8] == b"ftyp" else None
