"""What applies to a video: its own keys over the chosen profiles over the recipe's defaults over what is built in."""

from collections.abc import Callable, Mapping, Sequence
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

    What is built in is written nowhere; its place is then the video's. ``guessed``: something nearer was written and
    could not be read, so that nothing can be said about what goes together with this.
    """

    value: Any
    at: Place
    rank: int
    written: bool = True
    profile: str | None = None
    guessed: bool = False


class Settings:
    """The layers of one video, the nearest first. Mappings of ours are merged key by key.

    ``is_unread`` tells of a place whether what is written there could not be read; without it everything could be.
    """

    def __init__(
        self,
        index: int,
        video: Mapping[str, Any],
        inherited: Sequence[Layer],
        *,
        is_unread: Callable[[Place], bool] | None = None,
    ) -> None:
        self.at: Place = ("videos", index)
        self.id = str(video.get("id", f"number {index + 1}"))
        self.own = video
        self._layers = (Layer(video, self.at), *inherited)
        self._is_unread = is_unread

    @property
    def script(self) -> Found:
        """What names the narration of a video that has one."""
        key = "script_file" if "script_file" in self.own else "script"
        return Found(self.own[key], (*self.at, key), OWN)

    def find(self, *keys: str) -> Found | None:
        """The nearest layer's value; ``None`` when no layer has one."""
        guessed = False
        for rank, layer in enumerate(self._layers):
            value: Any = layer.values
            for key in keys:
                value = value.get(key) if isinstance(value, dict) else None
            if value is None:
                guessed = guessed or self._is_unread_in(layer, keys)
                continue
            at = (*self.at, "id") if layer.at is None else (*layer.at, *keys)
            return Found(value, at, rank, written=layer.at is not None, profile=layer.profile, guessed=guessed)
        return None

    def is_unread(self, *keys: str) -> bool:
        """Whether any layer has a value here that could not be read."""
        return self._is_unread is not None and any(self._is_unread_in(layer, keys) for layer in self._layers)

    def get(self, *keys: str, built_in: Any) -> Found:
        """The nearest layer's value, or what is built in."""
        found = self.find(*keys)
        return found or Found(built_in, self.at, len(self._layers), written=False, guessed=self.is_unread(*keys))

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

    def _is_unread_in(self, layer: Layer, keys: Sequence[str]) -> bool:
        return self._is_unread is not None and layer.at is not None and self._is_unread((*layer.at, *keys))

    def is_off(self, key: str) -> bool:
        """Whether the nearest layer that speaks of it says ``false``."""
        found = self.find(key)
        return found is not None and found.value is False


def is_unread(place: Place, sound: Any, written: Any) -> bool:
    """Whether something is written at a place that was no good, so that sound data lack it."""
    for step in place:
        if isinstance(written, list) and isinstance(sound, list) and isinstance(step, int):
            sound, written = sound[step], written[step]
        elif not isinstance(written, dict) or step not in written:
            return False
        elif not isinstance(sound, dict) or step not in sound:
            return True
        else:
            sound, written = sound[step], written[step]
    return False


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
