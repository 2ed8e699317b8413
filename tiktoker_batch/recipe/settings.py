"""What applies to a video: its own keys over the recipe's defaults over what is built in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]

OWN, DEFAULT, BUILT_IN = range(3)


@dataclass(frozen=True, slots=True)
class Found:
    """A value, where it is written (for what is built in: the video), and by whom (``OWN`` is the nearest)."""

    value: Any
    at: Place
    rank: int


class Settings:
    """The layers of one video. Mappings of ours are merged key by key."""

    def __init__(self, index: int, video: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self.at: Place = ("videos", index)
        self.id = str(video.get("id", f"number {index + 1}"))
        self.own = video
        self._layers = ((video, self.at), (defaults, ("defaults",)))

    def find(self, *keys: str) -> Found | None:
        """The nearest layer's value; ``None`` when no layer has one."""
        for rank, (layer, at) in enumerate(self._layers):
            value: Any = layer
            for key in keys:
                value = value.get(key) if isinstance(value, dict) else None
            if value is not None:
                return Found(value, (*at, *keys), rank)
        return None

    def get(self, *keys: str, built_in: Any) -> Found:
        """The nearest layer's value, or what is built in."""
        return self.find(*keys) or Found(built_in, self.at, BUILT_IN)

    def section(self, key: str) -> dict[str, Any]:
        """A mapping merged key by key, without ``x-`` keys."""
        return {name: value for name, value in self.merged(key).items() if not name.startswith("x-")}

    def merged(self, key: str) -> dict[str, Any]:
        """A mapping of the user's own names, merged key by key."""
        found: dict[str, Any] = {}
        for layer, _ in reversed(self._layers):
            value = layer.get(key)
            found |= value if isinstance(value, dict) else {}
        return found

    def is_off(self, key: str) -> bool:
        """Whether the nearest layer that speaks of it says ``false``."""
        found = self.find(key)
        return found is not None and found.value is False


def nearest_of(*found: Found) -> Place:
    """Of values that do not go together, the place of the one that is nearest to the video."""
    return min(found, key=lambda each: each.rank).at
