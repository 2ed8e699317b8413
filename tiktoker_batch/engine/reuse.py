"""What need not be done again: same key, same inputs, verified artifacts."""

from collections.abc import Iterable, Mapping

import trio

from tiktoker_batch.errors import Damaged
from tiktoker_batch.model import Artifact, Kind, Plan, Reused, Step
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.steps.base import Inputs, StepKind
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.seen import Seen
from tiktoker_batch.store.state import Success


class Reuse:
    """Decides step by step. A file is hashed once, unless ``seen`` knows it by its looks; then on use.

    ``forced`` are steps that are done again whatever still holds.
    """

    def __init__(
        self,
        kinds: Mapping[Kind, StepKind],
        layout: Layout,
        successes: Mapping[str, Success],
        forced: frozenset[str] = frozenset(),
        seen: Seen | None = None,
    ) -> None:
        self._kinds = kinds
        self._layout = layout
        self._successes = successes
        self.forced = forced
        self._seen = seen or Seen(layout)

    def check(self, step: Step, inputs: Inputs) -> Reused | None:
        """The earlier result of this step if it still holds for these inputs."""
        if step.id in self.forced:
            return None
        success = self._successes.get(step.id)
        if success is None or success.key != step.key:
            return None
        if not all(self._seen.is_intact(artifact) for artifact in success.artifacts):
            return None
        if success.inputs != inputs_digest(self._kinds[step.kind], step, inputs):
            return None
        return Reused(artifacts=success.artifacts, inputs=success.inputs)

    def predict(self, plan: Plan) -> dict[str, Reused]:
        """The steps that a run would reuse, as far as can be known before it: all they need is reused too."""
        found: dict[str, Reused] = {}
        for step in plan.steps:
            if all(need in found for need in step.needs):
                artifacts = {need: found[need].artifacts for need in step.needs}
                reused = self.check(step, Inputs(layout=self._layout, artifacts=artifacts))
                if reused:
                    found[step.id] = reused
        return found

    def note(self, artifacts: Iterable[Artifact]) -> None:
        """These were finished just now."""
        self._seen.note(artifacts)

    async def confirm(self, artifacts: Iterable[Artifact]) -> None:
        """Hash what a step is about to take in, where so far only its looks are known.

        :raises Damaged: it is not what was recorded; the next run will make it again.
        """
        for artifact in artifacts:
            if self._seen.is_known(artifact):
                continue
            if not await trio.to_thread.run_sync(self._seen.is_whole, artifact):
                raise Damaged(
                    f"{self._layout.root / artifact.path} has been damaged since it was made",
                    hint="run again: it is made anew",
                )


def inputs_digest(kind: StepKind, step: Step, inputs: Inputs) -> str:
    """The digest of what a step consumes of its inputs."""
    return digest(kind.consumed(step, inputs))
