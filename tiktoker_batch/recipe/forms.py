"""What a file of pictures or clips is, by how it begins."""

from pathlib import Path

PICTURE_FORMS = frozenset({"png", "jpeg", "webp"})
CLIP_FORMS = frozenset({"mp4"})
A_PICTURE, A_CLIP = "a picture (PNG, JPEG or WebP)", "a clip (MP4 or MOV)"


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
