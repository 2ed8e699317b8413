"""What is bought: money, and what there is for it. Plans, journals and budgets count in these."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self

import msgspec

from tiktoker_batch.model import Json, Kind, Step


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """An amount of money and of things: seconds of clip, pictures, characters of narration.

    A struct, which is made five times as fast as a frozen dataclass: folding a large journal adds up 60,000 of them.
    """

    usd: Decimal = Decimal(0)
    clip_seconds: float = 0.0
    images: int = 0
    characters: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(
            usd=self.usd + other.usd,
            clip_seconds=self.clip_seconds + other.clip_seconds,
            images=self.images + other.images,
            characters=self.characters + other.characters,
        )

    def __sub__(self, other: Self) -> Self:
        return type(self)(
            usd=self.usd - other.usd,
            clip_seconds=self.clip_seconds - other.clip_seconds,
            images=self.images - other.images,
            characters=self.characters - other.characters,
        )

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in _NAMES)

    def costing(self, usd: Decimal) -> Self:
        """The same things for so much money."""
        return type(self)(usd=usd, clip_seconds=self.clip_seconds, images=self.images, characters=self.characters)

    @property
    def things(self) -> Self:
        """The same without the money."""
        return self.costing(Decimal(0))

    def to_json(self) -> dict[str, Json]:
        """The things that there are any of; the money is told elsewhere."""
        return {name: getattr(self, name) for name in _THINGS if getattr(self, name)}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """The things that ``to_json`` told; what a later version counts besides is passed over."""
        return cls(**{name: told[name] for name in _THINGS if name in told})


NOTHING = Units()
_NAMES = Units.__struct_fields__
_THINGS = tuple(name for name in _NAMES if name != "usd")


def things_of(step: Step, text: str | None = None) -> Units:
    """What one request for this step buys; nothing where the work is done on this machine.

    ``text`` is what will be spoken, once it is known.
    """
    if step.provider == "local":
        return NOTHING
    match step.kind:
        case Kind.CLIP:
            seconds = step.params.get("seconds")
            return Units(clip_seconds=float(seconds)) if isinstance(seconds, int | float) else NOTHING
        case Kind.IMAGE:
            return Units(images=1)
        case Kind.NARRATION:
            return Units(characters=step.estimated_characters if text is None else len(text))
        case _:
            return NOTHING
