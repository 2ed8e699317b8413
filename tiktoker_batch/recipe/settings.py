"""What applies to a video: its own keys over the chosen profiles over the recipe's defaults over what is built in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]

OWN = 0


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings of one origin and where they are written: nowhere (``None``) for those of a built-in profile."""

    values: Mapping[str, Any]
    at: Place | None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A value, where it is written, and how far it is from the video (``OWN`` is the nearest).

    What is built in is written nowhere; its place is then the video's.
    """

    value: Any
    at: Place
    rank: int
    written: bool = True
    profile: str | None = None


class Settings:
    """The layers of one video, the nearest first. Mappings of ours are merged key by key."""

    def __init__(self, index: int, video: Mapping[str, Any], inherited: Sequence[Layer]) -> None:
        self.at: Place = ("videos", index)
        self.id = str(video.get("id", f"number {index + 1}"))
        self.own = video
        self._layers = (Layer(video, self.at), *inherited)

    def find(self, *keys: str) -> Found | None:
        """The nearest layer's value; ``None`` when no layer has one."""
        for rank, layer in enumerate(self._layers):
            value: Any = layer.values
            for key in keys:
                value = value.get(key) if isinstance(value, dict) else None
            if value is None:
                continue
            if layer.at is None:
                return Found(value, (*self.at, "id"), rank, written=False, profile=layer.profile)
            return Found(value, (*layer.at, *keys), rank, profile=layer.profile)
        return None

    def get(self, *keys: str, built_in: Any) -> Found:
        """The nearest layer's value, or what is built in."""
        return self.find(*keys) or Found(built_in, self.at, len(self._layers), written=False)

    def section(self, key: str) -> dict[str, Any]:
        """A mapping merged key by key, without ``x-`` keys."""
        return own_names(self.merged(key))

    def merged(self, key: str) -> dict[str, Any]:
        """A mapping of the user's own names, merged key by key."""
        found: dict[str, Any] = {}
        for layer in reversed(self._layers):
            value = layer.values.get(key)
            found |= value if isinstance(value, dict) else {}
        return found

    def is_off(self, key: str) -> bool:
        """Whether the nearest layer that speaks of it says ``false``."""
        found = self.find(key)
        return found is not None and found.value is False


def nearest_of(*found: Found) -> Place:
    """Of values that do not go together, the place of the one that is nearest to the video and written down."""
    return min(found, key=lambda each: (not each.written, each.rank)).at


def because(*found: Found) -> str:
    """`` (profile 'x')`` where a built-in profile had a hand in it: nobody could find that in the recipe."""
    names = [each.profile for each in found if each.profile and not each.written]
    return f" (profile {names[0]!r})" if names else ""


def own_names(names: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping without the ``x-`` keys, which are the user's."""
    return {name: value for name, value in names.items() if not name.startswith("x-")}
