"""Small pictures for a page that carries them inside."""

import base64
import io
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

WIDTH, HEIGHT = 270, 480  # sharp at 180 x 320 on most screens, and some 20 kB each
QUALITY = 78
THREADS = 4


def thumbnails(paths: Iterable[Path]) -> list[str | None]:
    """Each picture, made small, as a ``data:`` address; ``None`` for one that cannot be read."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(_thumbnail, paths))


def _thumbnail(path: Path) -> str | None:
    from PIL import Image  # noqa: PLC0415  (loaded with the first page)

    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (WIDTH, HEIGHT))  # a JPEG is decoded at a fraction of its size
            small = picture.convert("RGB")
            small.thumbnail((WIDTH, HEIGHT))
            written = io.BytesIO()
            small.save(written, "JPEG", quality=QUALITY, optimize=True)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode()}"
