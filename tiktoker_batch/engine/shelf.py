"""What other batches have paid for already: the cache, as the engine uses it.

Only results that a provider was asked for are kept; what this machine makes itself costs nothing to make again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import trio

from tiktoker_batch.engine.reuse import inputs_digest
from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.model import Kind, Step
from tiktoker_batch.outcomes import Artifact, Failed, Outcome, Reused, Succeeded
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.steps.base import Inputs, StepKind
from tiktoker_batch.store.cache import Cache, Item, Name
from tiktoker_batch.store.layout import Layout, placed, shape_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The cache for one batch. ``worlds`` tells by provider which services it speaks to."""

    cache: Cache
    worlds: Mapping[str, str]
    kinds: Mapping[Kind, StepKind]
    layout: Layout

    async def fetch(self, step: Step, inputs: Inputs) -> Reused | Failed | None:
        """The result of another batch under this batch's names; ``Failed`` where there is no room for it."""
        if not is_bought(step):
            return None
        consumed = inputs_digest(self.kinds[step.kind], step, inputs)
        name = self._name(step, consumed)
        items = self.cache.find(name)  # a look at one small file; what takes time happens in a thread
        finals = self._finals(step, items or ())
        if items is None or finals is None:
            return None
        paths = [self.layout.absolute(final) for final in finals]
        try:
            brought = await trio.to_thread.run_sync(self.cache.bring, name, items, paths, self.layout.root)
        except TiktokerError as error:
            return Failed(attempts=0, error_kind=type(error).__name__, message=error.message)
        return Reused(artifacts=brought, inputs=consumed, from_cache=True) if brought else None

    async def keep(self, step: Step, outcome: Outcome) -> None:
        """Put what was just made where other batches find it."""
        if not isinstance(outcome, Succeeded) or not is_bought(step):
            return
        items = [_item(step, artifact) for artifact in outcome.artifacts]
        kept = [item for item in items if item is not None]
        if len(kept) == len(items):
            paths = [self.layout.absolute(artifact.path) for artifact in outcome.artifacts]
            await trio.to_thread.run_sync(self.cache.put, self._name(step, outcome.inputs), kept, paths)

    def _name(self, step: Step, consumed: str) -> Name:
        # The segment decides the seed: equal prompts of one video are to become different pictures.
        return Name(world=self.worlds.get(step.provider, "real"), digest=digest([step.key, consumed, step.segment]))

    def _finals(self, step: Step, items: Sequence[Item]) -> list[str] | None:
        """Where the files of a result go in this batch; ``None`` if one of them goes nowhere."""
        found = [placed(item.shape, step.video) for item in items]
        finals = [final for final in found if final is not None]
        return finals if len(finals) == len(found) else None


def is_bought(step: Step) -> bool:
    """Whether a provider has to be asked for this step."""
    return step.provider != "local"


def _item(step: Step, artifact: Artifact) -> Item | None:
    shape = shape_of(artifact.path, step.video)
    return None if shape is None else Item(shape=shape, sha256=artifact.sha256, bytes=artifact.bytes)
