"""The pictures and clips that lie in a session of TikToker, by the number of their shot."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tiktoker_batch.errors import MediaError, Unusable
from tiktoker_batch.media.probe import probe
from tiktoker_batch.providers.checks import check_picture
from tiktoker_batch.recipe.forms import misfit
from tiktoker_batch.report.quantities import counted

_IMAGE = re.compile(r"image_([1-9]\d{0,3})\.(?:png|jpe?g|webp)")
_VIDEO = re.compile(r"video_([1-9]\d{0,3})\.mp4")
# What is bought, the folder of a session that it lies in, and its files' endings.
_BOUGHT = (
    ("picture", "images", ("png", "jpg", "jpeg", "webp")),
    ("clip", "videos", ("mp4",)),
    ("narration", "audio", ("mp3", "wav")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a recipe can take over, by the number of its shot (from 1), and in words what it cannot."""

    pictures: Mapping[int, Path] = field(default_factory=dict)
    clips: Mapping[int, Path] = field(default_factory=dict)
    left: str = ""

    @property
    def taken(self) -> str:
        """``2 pictures, 1 clip``; nothing where none is taken over."""
        numbers = {"picture": len(self.pictures), "clip": len(self.clips)}
        return ", ".join(counted(number, noun) for noun, number in numbers.items() if number)


def look_for_made(folder: Path, shots: int) -> Made:
    """Whole pictures and clips of this many shots, under the names that TikToker gives them."""
    pictures = _numbered(folder / "images", _IMAGE, shots, _is_picture)
    clips = _numbered(folder / "videos", _VIDEO, shots, _is_clip)
    taken = {"picture": len(pictures), "clip": len(clips)}
    left = [
        counted(others, noun)
        for noun, where, endings in _BOUGHT
        if (others := sum(len(list((folder / where).glob(f"*.{each}"))) for each in endings) - taken.get(noun, 0))
    ]
    return Made(pictures=pictures, clips=clips, left=", ".join(left))


def _numbered(folder: Path, name: re.Pattern[str], shots: int, is_whole: Callable[[Path], bool]) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for path in sorted(folder.glob("*_*.*")):
        number = name.fullmatch(path.name)
        if number and int(number[1]) <= shots and int(number[1]) not in found and is_whole(path):
            found[int(number[1])] = path
    return dict(sorted(found.items()))


def _is_picture(path: Path) -> bool:
    try:
        return misfit(path, "image", path.name) is None and bool(check_picture(path, provider=path.name))
    except (ValueError, Unusable):
        return False


def _is_clip(path: Path) -> bool:
    try:
        return misfit(path, "clip", path.name) is None and probe(path).video is not None
    except MediaError:
        return False
